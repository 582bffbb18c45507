"""Passwords of a program's own users: stored as strings that say how they were made, and verified.

    hasher = strongroom.PasswordHasher()
    row.password = hasher.hash(password)
    hasher.verify(password, row.password if row else None)      # raises PasswordMismatch

New strings are Argon2id (or PBKDF2 where a rule demands it); those of Django, Werkzeug,
passlib and libpass are verified and replaced at the next login. Nothing here needs a vault.
"""

from __future__ import annotations

import os
from time import monotonic, perf_counter

from strongroom.credentials.hidden import HiddenBytes
from strongroom.credentials.password_async import AsyncPasswordHasher
from strongroom.credentials.password_costs import DIGEST_BYTES, SALT_BYTES, Argon2idCost, calibrate
from strongroom.credentials.password_queue import PasswordQueue
from strongroom.credentials.password_strings.registry import parse
from strongroom.crypto.entropy import random_bytes
from strongroom.errors import PasswordMismatch
from strongroom.secret import SecretBytes, SecretStr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from typing import Literal, Self

    from strongroom.credentials.password_costs import Cost
    from strongroom.credentials.password_strings.interface import Stored
    from strongroom.credentials.peppers import Pepper

    Password = str | bytes | bytearray | SecretStr | SecretBytes

PASSWORD_BYTES_MAX = 4_096

_UNUSABLE = ("!", "*")


class PasswordHasher(AsyncPasswordHasher):
    """Hashes and verifies passwords; make one for the whole process, and use it from any thread.

    Args:
        cost: of new strings; Argon2id of 64 MiB and 3 passes when left out.
        peppers: keys that are kept apart from the strings. New strings use the first; the others are
            still known, until no stored string was made with them. See `Pepper`.
        most_at_once: how many passwords are hashed at the same time; others wait. When left out, one
            less than there are processors, at least 1 and at most 8.
        patience: how long one waits for that; 30 seconds when left out.

    Raises: ValueError: an argument out of bounds, or two peppers that are the same.
    """

    def __init__(
        self,
        cost: Cost | None = None,
        *,
        peppers: Sequence[Pepper] = (),
        most_at_once: int | None = None,
        patience: timedelta | None = None,
    ) -> None:
        self.cost: Cost = Argon2idCost() if cost is None else cost
        self._peppers = {pepper.id: pepper for pepper in peppers}
        if len(self._peppers) != len(peppers):
            raise ValueError("the same pepper is given twice")
        self._primary = peppers[0] if peppers else None
        places = max(1, min(_processors() - 1, 8)) if most_at_once is None else most_at_once
        self._queue = PasswordQueue(places, 30.0 if patience is None else patience.total_seconds())
        self._own_seconds = 0.0
        # What an unknown user's password is compared with: a digest that was never made from one.
        self._nobody = self.cost.encode(random_bytes(SALT_BYTES), random_bytes(DIGEST_BYTES), key_id=self._key_id)

    @classmethod
    def calibrate(
        cls, target: timedelta | None = None, *, kind: Literal["argon2id", "pbkdf2"] = "argon2id"
    ) -> Self:
        """A hasher whose hashes take about *target* on this machine, never cheaper than the floors.

        Args:
            target: for one hash; 250 ms when left out.
            kind: of new strings.

        Raises: ValueError: a target of nothing, or another kind.
        """
        seconds = 0.25 if target is None else target.total_seconds()
        if seconds <= 0:
            raise ValueError("the target is a time greater than 0")
        if kind not in ("argon2id", "pbkdf2"):
            raise ValueError("the kind is argon2id or pbkdf2")
        return cls(calibrate(seconds, kind, perf_counter))

    def hash(self, password: Password) -> str:
        """A new string to store, which says how it was made.

        Args:
            password: at most 4,096 bytes of UTF-8; taken as it is, without normalisation.

        Returns: 97 characters for Argon2id at its default; allow for 255. PHC string format, or passlib's for PBKDF2.
        Raises:
            ValueError: longer, or not UTF-8.
            StoreUnavailable: too many others are waiting.
        Source: RFC 9106; the PHC string format.
        """
        return self._hash(password, until=None)

    def verify(self, password: Password, stored: str | None) -> None:
        """Return if *password* is what *stored* was made of, else raise.

        Args:
            password: what somebody typed; anything.
            stored: the user's string, at most 1,024 characters. None, or one that begins with ``!`` or
                ``*``, for a user whom there is not or who has no password: that takes the same time.

        Raises:
            PasswordMismatch: it is not, or bcrypt would not take it whole (more than 72 bytes, or a NUL).
            FormatUnsupported: a scheme that is not verified here, needs an extra, or names an unknown pepper.
            Tampered: a malformed string, or a cost that no login may have.
            StoreUnavailable: too many others are waiting.
        """
        self._verify(password, stored, until=None)

    def verify_and_update(self, password: Password, stored: str | None) -> str | None:
        """As `verify`; the new string to store in place of *stored*, or None when that is as it should be."""
        return self._verify_and_update(password, stored, until=None)

    def needs_rehash(self, stored: str) -> bool:
        """Whether *stored* is of another scheme, cheaper than new strings are, or without their pepper.

        Raises: FormatUnsupported, Tampered: as `verify`.
        """
        return self._is_outdated(self._parse(stored))

    def describe(self, stored: str) -> str:
        """The scheme and the cost of *stored* in words, such as ``pbkdf2-sha256, 10000 iterations``.

        Raises: FormatUnsupported, Tampered: as `verify`.
        """
        return str(self._parse(stored))

    def _verify(self, password: Password, stored: str | None, *, until: float | None) -> Stored:
        given = _bytes_or_none(password)
        if given is None:
            raise PasswordMismatch("the password does not fit")
        is_somebody = bool(stored) and not (stored or "").startswith(_UNUSABLE)
        parsed = self._parse((is_somebody and stored) or self._nobody)
        # A place is room for a hash of the usual cost; those of next to no memory count as one.
        taken = self._queue.enter(-(-parsed.memory_kib // max(self.cost.memory_kib, 65_536)), until)
        started = perf_counter()
        try:
            parsed.check(given)
        except PasswordMismatch:
            spent = perf_counter() - started
            if not is_somebody:
                self._own_seconds = spent
            elif self._is_outdated(parsed):
                self._top_up(spent)
            raise
        finally:
            self._queue.leave(taken)
        return parsed

    def _verify_and_update(self, password: Password, stored: str | None, *, until: float | None) -> str | None:
        parsed = self._verify(password, stored, until=until)
        return self._hash(password, until=until) if self._is_outdated(parsed) else None

    def _hash(self, password: Password, *, until: float | None) -> str:
        return self._hash_from_parts(password, random_bytes(SALT_BYTES), until=until)

    def _hash_from_parts(self, password: Password, salt: bytes, *, until: float | None = None) -> str:
        """With a salt of the caller's, for Django, which makes its own."""
        given = _bytes(password)
        pepper = self._primary._key.reveal() if self._primary else None
        taken = self._queue.enter(1, until)
        started = perf_counter()
        try:
            return self.cost.string(given, salt, key_id=self._key_id, pepper=pepper)
        finally:
            self._own_seconds = perf_counter() - started
            self._queue.leave(taken)

    def _parse(self, stored: str) -> Stored:
        return parse(stored, self._peppers)

    def _is_outdated(self, parsed: Stored) -> bool:
        if parsed.key_id != self._key_id or self.cost.is_more_than(parsed):
            return True
        return len(parsed.salt) < SALT_BYTES or parsed.digest_bytes < DIGEST_BYTES

    @property
    def _key_id(self) -> bytes:
        return self._primary.id if self._primary else b""

    def _top_up(self, spent: float) -> None:
        """After a mismatch with a cheaper string: as long again as an unknown user's password would have taken."""
        if not self._own_seconds:
            started = perf_counter()
            self.cost.spend(1)
            self._own_seconds = perf_counter() - started
            return
        left = 1 - spent / self._own_seconds
        if left > 0:
            self.cost.spend(left)

    def _deadline(self) -> float:
        return monotonic() + self._queue.patience_seconds

    def __repr__(self) -> str:
        return f"PasswordHasher({self.cost}, peppers={len(self._peppers)}, most_at_once={self._queue.places})"


def _processors() -> int:
    """How many this process may use, which in a container are not all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _bytes(password: Password) -> bytes:
    """The bytes to hash.

    Raises: ValueError: too long, or not UTF-8.
    """
    given = _bytes_or_none(password)
    if given is None:
        raise ValueError(f"a password is at most {PASSWORD_BYTES_MAX} bytes of UTF-8")
    return given


def _bytes_or_none(password: Password) -> bytes | None:
    if isinstance(password, SecretStr | SecretBytes):
        given = HiddenBytes(password.reveal_buffer())
    elif isinstance(password, str):
        try:
            given = HiddenBytes(password.encode("utf-8"))
        except UnicodeEncodeError:
            return None
    elif isinstance(password, bytes | bytearray):
        given = HiddenBytes(password)
    else:
        raise TypeError("a password is text, bytes or a secret")
    return given if len(given) <= PASSWORD_BYTES_MAX else None
