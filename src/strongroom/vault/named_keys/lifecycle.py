"""How the versions of a named key come and go: rotation in one step or in two, disabling, destruction.

Each change reads the key again, and writes it with check-and-set: somebody else's change in
between is a Conflict, and nothing is written. Source: docs/format.md#named-keys.
"""

from __future__ import annotations

from strongroom.errors import Conflict, Denied
from strongroom.items import quoted_name
from strongroom.vault.named_keys.kinds import check_public, new_material, public_part
from strongroom.vault.named_keys.record import DESTROYED, DISABLED, ENABLED, IMPORTED, MADE, KeyVersion
from strongroom.vault.named_keys.uses import INTERVAL_SECONDS, last_use_us
from strongroom.vault.spans import microseconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from typing import TypeVar

    from strongroom.vault.named_keys.named_keys import NamedKeys
    from strongroom.vault.named_keys.record import KeyRecord, Material
    from strongroom.vault.named_keys.state import State

    T = TypeVar("T")

QUIET_DAYS = 7


class Lifecycle:
    """The part of `NamedKey` that changes the key itself."""

    __slots__ = ()

    name: str
    _keys: NamedKeys
    _clock_us: Callable[[], int]

    @property
    def phase(self) -> str:
        """How far a rotation has come.

        ``"staged"``: there is a version that decrypts and is not the primary yet; next is `promote`.
        ``"promoted"``: older versions than the primary still decrypt; next is `retire`.
        ``"steady"``: the primary alone is in use.
        """
        return _phase(self._current().record)

    def rotate(self) -> KeyVersion:
        """Make a new version the primary at once; older ones go on decrypting.

        Where other programs hold copies of the key, `stage` and `promote` it instead.

        Raises: Conflict: a version is staged, or somebody else changed the key meanwhile.
        """
        return self._add(is_primary=True)

    def stage(self) -> KeyVersion:
        """Make a new version that decrypts, and is not used for what is new before `promote`.

        Raises: Conflict: as `rotate`.
        """
        return self._add(is_primary=False)

    def promote(self) -> KeyVersion:
        """Make the staged version the primary: once every program that decrypts has it.

        Raises: Conflict: nothing is staged, or somebody else changed the key meanwhile.
        """

        def change(record: KeyRecord) -> KeyVersion:
            staged = _staged(record)
            if staged is None:
                raise Conflict(
                    f"no version of the key {self.name} is staged",
                    advice=f"publish one first: strongroom key rotate --stage {quoted_name(self.name)}",
                )
            record.promote(staged, self._clock_us())
            return staged

        return self._change(change)

    def retire(self, *, quiet: timedelta | None = None) -> list[KeyVersion]:
        """Disable every version older than the primary, unless something was still read with it lately.

        Args:
            quiet: for how long nothing may have been read with them, and the primary must have been one;
                7 days when None. Not below the age that messages reach. Uses are written down every five
                minutes, which are added; 0 asks nobody.

        Returns: what was disabled.
        Raises: Conflict: an older version was used within *quiet*; or there is none; or as `rotate`.
        """
        from datetime import timedelta

        quiet_us = microseconds(timedelta(days=QUIET_DAYS) if quiet is None else quiet)

        def change(record: KeyRecord) -> list[KeyVersion]:
            old = [one for one in record.versions if one.number < record.primary.number and one._state == ENABLED]
            if not old:
                advice = f"promote the staged one first: strongroom key rotate --promote {quoted_name(self.name)}"
                raise Conflict(
                    f"the key {self.name} has no older version in use", advice=advice if _staged(record) else ""
                )
            self._refuse_use(record, old, quiet_us)
            for version in old:
                version._state = DISABLED
            return old

        return self._change(change)

    def disable(self, number: int) -> KeyVersion:
        """Let a version decrypt and verify nothing until it is enabled again.

        Raises:
            Conflict: it is the primary, or was destroyed; or as `rotate`.
            NotFound: there is none of this number.
        """
        return self._set_state(number, DISABLED)

    def enable(self, number: int) -> KeyVersion:
        """Take back `disable`.

        Raises: Conflict: it was destroyed; or as `rotate`. NotFound: there is none of this number.
        """
        return self._set_state(number, ENABLED)

    def destroy(self, number: int) -> KeyVersion:
        """Destroy the private part of a version for good, in older states of the key as well.

        What was encrypted with it is lost. Called again after a failure, it completes its work.

        Raises: Conflict: it is the primary; or as `rotate`. NotFound: there is none of this number.
        """

        def change(record: KeyRecord) -> KeyVersion:
            version = record.version(number, self.name)
            self._refuse_primary(version)
            version._state = DESTROYED
            record.materials.pop(number, None)
            return version

        version = self._change(change)
        self._keys._forget_older(self.name)
        return version

    def set_min_decrypt_version(self, number: int) -> None:
        """Let versions below *number* decrypt and verify nothing.

        Raises:
            ValueError: above the primary, or below 1.
            Conflict: as `rotate`.
        """

        def change(record: KeyRecord) -> None:
            if not 1 <= number <= record.primary.number:
                raise ValueError(f"the least version that decrypts is within 1..{record.primary.number}")
            record.min_decrypt_version = number

        self._change(change)

    def add_public(self, public: bytes, *, stage: bool = False) -> KeyVersion:
        """Add the next public part of somebody else's key, who has rotated it.

        Args:
            stage: it verifies from now on, and is used for what is new after `promote`.

        Raises: Conflict: the key is our own; or as `rotate`. ValueError: it can be no such key's.
        """
        return self._add(is_primary=not stage, public=public)

    def _add(
        self, *, is_primary: bool, material: Material | None = None, public: bytes | None = None
    ) -> KeyVersion:
        def change(record: KeyRecord) -> KeyVersion:
            if record.is_public != (public is not None):
                theirs, ours = "somebody else's: its next public part is imported", "our own: rotate it"
                raise Conflict(f"the key {self.name} is {theirs if record.is_public else ours}")
            staged = _staged(record)
            if staged is not None:
                raise Conflict(
                    f"version {staged.number} of the key {self.name} is staged",
                    advice=f"promote it first: strongroom key rotate --promote {quoted_name(self.name)}",
                )
            private = None if public is not None else material or new_material(record.kind)
            version = KeyVersion(
                record.newest.number + 1,
                check_public(record.kind, public or b"") if private is None else public_part(record.kind, private),
                created_us=self._clock_us(),
                origin=MADE if private is not None and material is None else IMPORTED,
            )
            record.add(version, private)
            if is_primary:
                record.promote(version, self._clock_us())
            return version

        return self._change(change)

    def _set_state(self, number: int, state: int) -> KeyVersion:
        def change(record: KeyRecord) -> KeyVersion:
            version = record.version(number, self.name)
            if version._state == DESTROYED:
                raise Conflict(f"version {number} of the key {self.name} was destroyed")
            if state != ENABLED:
                self._refuse_primary(version)
            version._state = state
            return version

        return self._change(change)

    def _refuse_primary(self, version: KeyVersion) -> None:
        if version.is_primary:
            raise Conflict(
                f"version {version.number} is the primary of the key {self.name}",
                advice=f"make another one first: strongroom key rotate {quoted_name(self.name)}",
            )

    def _refuse_use(self, record: KeyRecord, old: list[KeyVersion], quiet_us: int) -> None:
        now_us = self._clock_us()
        since_us = now_us - record.primary._since_us
        if since_us < quiet_us:
            raise Conflict(
                f"version {record.primary.number} of the key {self.name} became the primary {_span(since_us)} ago",
                advice="what was encrypted before may still come: wait, or say how long is long enough: --quiet 1h",
            )
        for version in old:
            try:
                used_us = last_use_us(self._keys._vault, self.name, version.number)
            except Denied:
                raise Denied(
                    f"whether version {version.number} is still in use may not be read here",
                    advice=f"ask the vault's owner for: strongroom grant add NAME --read '@uses/{self.name}/*'",
                ) from None
            # What was written last may be old by the interval in which nothing is written, unless none is waited for.
            if now_us - used_us < quiet_us + (INTERVAL_SECONDS * 1_000_000 if quiet_us else 0):
                ago = _span(now_us - used_us)
                raise Conflict(
                    f"version {version.number} of the key {self.name} decrypted something {ago} ago",
                    advice="rewrap what is kept, or wait until nothing needs it any more",
                )

    def _change(self, change: Callable[[KeyRecord], T]) -> T:
        state = self._keys._load_again(self.name, self._known())
        result = change(state.record)
        self._use(self._keys._save(self.name, state))
        return result

    if TYPE_CHECKING:

        def _current(self) -> State: ...

        def _known(self) -> State: ...

        def _use(self, state: State) -> None: ...


def _phase(record: KeyRecord) -> str:
    if _staged(record) is not None:
        return "staged"
    older = (one for one in record.versions if one.number < record.primary.number)
    return "promoted" if any(one._state == ENABLED for one in older) else "steady"


def _staged(record: KeyRecord) -> KeyVersion | None:
    """The newest version that decrypts and is newer than the primary."""
    newer = [one for one in record.versions if one.number > record.primary.number and one._state == ENABLED]
    return newer[-1] if newer else None


def _span(microseconds_: int) -> str:
    seconds = max(microseconds_ // 1_000_000, 0)
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"
