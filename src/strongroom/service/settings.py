"""KV v2's settings of an item or of the whole vault, in and out."""

from __future__ import annotations

from datetime import timedelta

from strongroom.service.refusals import Refused
from strongroom.service.words import duration_text, duration_us, flag, time_span, whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from strongroom.items import ItemSettings
    from strongroom.service.json_text import Member
    from strongroom.vault.vault import Vault


class Settings:
    """The settings in a body; None for one that it leaves alone.

    Raises: Refused: a value of another kind.
    """

    __slots__ = ("_custom", "_remove", "cas_required", "delete_after", "max_versions")

    def __init__(self, body: Mapping[str, Member]) -> None:
        given = {name: member.value for name, member in body.items() if member.value is not None}
        self.max_versions = whole_number(given["max_versions"], "max_versions") if "max_versions" in given else None
        self.cas_required = flag(given["cas_required"]) if "cas_required" in given else None
        self.delete_after: timedelta | None = None
        if "delete_version_after" in given:
            self.delete_after = time_span(duration_us(given["delete_version_after"]))
        self._custom: dict[str, str] | None = None
        self._remove: list[str] = []
        if "custom_metadata" in given:
            self._take_custom(given["custom_metadata"])

    def _take_custom(self, given: object) -> None:
        if not isinstance(given, dict) or not all(isinstance(value, str | None) for value in given.values()):
            raise Refused(400, "custom metadata is text to text")
        self._custom = {name: value for name, value in given.items() if value is not None}
        self._remove = [name for name, value in given.items() if value is None]

    def merge(self, known: Mapping[str, str]) -> None:
        """Let *known* custom metadata stand where this says nothing; null removes an entry."""
        if self._custom is not None:
            kept = {name: value for name, value in known.items() if name not in self._remove}
            self._custom = kept | self._custom

    def apply(self, vault: Vault, path: str | None, *, create: bool = False) -> None:
        """Configure the item at *path*, or the whole vault; see `Vault.configure`."""
        vault.configure(
            path,
            max_versions=self.max_versions,
            cas_required=self.cas_required,
            delete_version_after=self.delete_after,
            custom_metadata=self._custom if path is not None else None,
            create=create,
        )


def shown(settings: ItemSettings) -> dict[str, object]:
    """What items and the vault have in common, as KV v2 shows it."""
    after = settings.delete_version_after
    return {
        "cas_required": settings.cas_required,
        "delete_version_after": duration_text(after // timedelta(microseconds=1) if after else 0),
        "max_versions": settings.max_versions,
    }
