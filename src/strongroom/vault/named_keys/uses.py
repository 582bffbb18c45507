"""When older versions of a key were last needed, so that none is retired while something still needs it.

One item for each version, `@uses/NAME/NUMBER`, written at most every five minutes by each
program that decrypts under a version which is not the primary. Source: docs/format.md#named-keys.
"""

from __future__ import annotations

from time import monotonic

from strongroom.errors import NotFound, StrongroomError
from strongroom.items import ReservedPath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.vault.vault import Vault

TREE = "@uses"
INTERVAL_SECONDS = 300
_FIELD = "used_us"


class Uses:
    """What one program remembers of the uses it wrote down.

    Args:
        name: of the key.
    """

    __slots__ = ("_name", "_vault", "_written")

    def __init__(self, vault: Vault, name: str) -> None:
        self._vault = vault
        self._name = name
        self._written: dict[int, float] = {}

    def record(self, number: int, now_us: int) -> None:
        """Write down that version *number* was needed, unless that was done lately.

        What cannot be written (no grant, a full disk) is a RuntimeWarning: the data that was asked for
        is more urgent, and whoever retires a key must hear of it.
        """
        now = monotonic()
        last = self._written.get(number)
        if last is not None and now - last < INTERVAL_SECONDS:
            return
        self._written[number] = now
        try:
            self._vault._reserved.set(_path(self._name, number), {_FIELD: str(now_us)})
        except StrongroomError as error:
            import warnings

            warnings.warn(
                f"the use of version {number} of the key {self._name} was not written down ({error.message}): "
                "`key rotate --retire` does not know of it",
                RuntimeWarning,
                stacklevel=4,
            )


def last_use_us(vault: Vault, name: str, number: int) -> int:
    """When version *number* was last needed, in µs since 1970 UTC; 0 when nobody has said so."""
    try:
        item = vault._reserved.get(_path(name, number))
    except NotFound:
        return 0
    text = item.public(_FIELD)
    return int(text) if text.isdecimal() and len(text) < 20 else 0


def forget(vault: Vault, name: str) -> None:
    """Remove what was written down of a key that is no more."""
    own = vault._reserved
    try:
        paths = list(own.walk(ReservedPath(f"{TREE}/{name}")))
    except NotFound:
        return
    for path in paths:
        own.destroy(ReservedPath(path))


def _path(name: str, number: int) -> ReservedPath:
    return ReservedPath(f"{TREE}/{name}/{number}")
