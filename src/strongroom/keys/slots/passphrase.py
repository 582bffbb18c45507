"""Opening with a passphrase: Argon2id, or PBKDF2 where rules demand it."""

from __future__ import annotations

from time import perf_counter

from strongroom.crypto import kdf
from strongroom.crypto.entropy import random_bytes
from strongroom.errors import FormatUnsupported
from strongroom.secret import HiddenBuffer, wipe
from strongroom.wire import Reader, u8, u32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.keys.format import SlotRecord

KIND = 1
PASSPHRASE_BYTES_MAX = 4_096

_ARGON2ID = 1
_PBKDF2 = 2
_CALIBRATED_MEMORY_KIB_MAX = 262_144


class Argon2idProfile:
    """The cost of Argon2id for new slots.

    Args:
        memory_kib: 19,456..2,097,152 KiB.
        iterations: 1..10.
        lanes: 1..8.

    Raises: ValueError: out of bounds.
    """

    __slots__ = ("iterations", "lanes", "memory_kib")

    def __init__(self, *, memory_kib: int = 65_536, iterations: int = 3, lanes: int = 4) -> None:
        # The defaults are the second recommended choice of RFC 9106, section 4.
        kdf.check_argon2id(memory_kib, iterations, lanes)
        self.memory_kib = memory_kib
        self.iterations = iterations
        self.lanes = lanes

    def encode(self, salt: bytes) -> bytes:
        """The slot parameters with this cost."""
        return u8(_ARGON2ID) + salt + u32(self.memory_kib) + u32(self.iterations) + u32(self.lanes)

    def stretch(self, prepared: bytearray, salt: bytes) -> bytearray:
        """32 bytes from a prepared passphrase, which the caller wipes."""
        return kdf.stretch_argon2id(
            prepared, salt, memory_kib=self.memory_kib, iterations=self.iterations, lanes=self.lanes
        )

    def __str__(self) -> str:
        return f"Argon2id, {self.memory_kib // 1024} MiB, {self.iterations} iterations, {self.lanes} lanes"


class Pbkdf2Profile:
    """The cost of PBKDF2-HMAC-SHA-256 for new slots; weaker than Argon2id against guessing with graphics cards.

    Args:
        iterations: 600,000..10,000,000.

    Raises: ValueError: out of bounds.
    """

    __slots__ = ("iterations",)

    def __init__(self, *, iterations: int = 600_000) -> None:
        kdf.check_pbkdf2(iterations)
        self.iterations = iterations

    def encode(self, salt: bytes) -> bytes:
        """The slot parameters with this cost."""
        return u8(_PBKDF2) + salt + u32(self.iterations)

    def stretch(self, prepared: bytearray, salt: bytes) -> bytearray:
        """32 bytes from a prepared passphrase, which the caller wipes."""
        return kdf.stretch_pbkdf2(prepared, salt, iterations=self.iterations)

    def __str__(self) -> str:
        return f"PBKDF2-HMAC-SHA-256, {self.iterations} iterations"


Profile = Argon2idProfile | Pbkdf2Profile


class PassphraseCredential:
    """A passphrase.

    Args:
        passphrase: UTF-8, 1 to 4,096 bytes after normalisation (NFC), no NUL. Wiped here,
            also when it is refused; kept is a MAC of it, as good as the passphrase.
        profile: the cost of new slots; a slot that exists says its own.

    Raises: ValueError: not such a passphrase.
    """

    __slots__ = ("_prepared", "profile")

    kind = KIND

    def __init__(self, passphrase: bytearray, *, profile: Profile | None = None) -> None:
        self.profile: Profile = Argon2idProfile() if profile is None else profile
        try:
            normal = _normalise(passphrase)
            try:
                self._prepared = kdf.prepare_passphrase(normal)
            finally:
                wipe(normal)
        finally:
            wipe(passphrase)

    def may_open(self, record: SlotRecord) -> bool:
        """Any passphrase slot may be meant, so each is tried and costs one key derivation."""
        return record.kind == KIND

    def secret(self, parameters: bytes) -> bytearray:
        """The stretched passphrase; see `Credential.secret`."""
        if not self._prepared:
            raise ValueError("this passphrase was wiped")
        profile, salt = decode_parameters(parameters)
        return profile.stretch(self._prepared, salt)

    def new_parameters(self) -> bytes:
        """This profile's cost and a fresh salt."""
        return self.profile.encode(random_bytes(kdf.STRETCH_SALT_BYTES))

    def wipe(self) -> None:
        """Overwrite what is kept; `secret` fails afterwards."""
        wipe(self._prepared)
        self._prepared = bytearray()

    def __repr__(self) -> str:
        return f"PassphraseCredential(<hidden>, profile={str(self.profile)!r})"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a credential cannot be pickled or copied")


def decode_parameters(parameters: bytes) -> tuple[Profile, bytes]:
    """The cost and the salt of a passphrase slot, within bounds.

    Raises:
        FormatUnsupported: another algorithm.
        Tampered: malformed or out of bounds.
    """
    reader = Reader(parameters, "slot parameters")
    algorithm = reader.u8()
    if algorithm not in (_ARGON2ID, _PBKDF2):
        raise FormatUnsupported("a passphrase slot was written by a newer strongroom", advice="upgrade strongroom")
    salt = reader.take(kdf.STRETCH_SALT_BYTES)
    costs = [reader.u32() for _ in range(3 if algorithm == _ARGON2ID else 1)]
    reader.finish()
    try:
        if algorithm == _ARGON2ID:
            return Argon2idProfile(memory_kib=costs[0], iterations=costs[1], lanes=costs[2]), salt
        return Pbkdf2Profile(iterations=costs[0]), salt
    except ValueError as error:
        raise reader.malformed(str(error)) from None


def describe(parameters: bytes) -> str:
    """The cost in words."""
    return str(decode_parameters(parameters)[0])


def is_outdated(parameters: bytes) -> bool:
    """Whether Argon2id here costs less than today's default; PBKDF2 is somebody's rule and stays."""
    profile = decode_parameters(parameters)[0]
    today = Argon2idProfile()
    if not isinstance(profile, Argon2idProfile):
        return False
    return profile.memory_kib * profile.iterations < today.memory_kib * today.iterations


def calibrate(target_seconds: float = 0.5, *, clock: Callable[[], float] = perf_counter) -> Argon2idProfile:
    """The Argon2id cost that takes about *target_seconds* on this machine, never below the default.

    Iterations rise first, to their bound, then memory to 256 MiB: more would let a small
    machine that shares the vault fail to open it.

    Args:
        target_seconds: for one derivation.
        clock: seconds.
    """
    least = Argon2idProfile()
    seconds = _measure(least, clock)
    iterations = int(least.iterations * target_seconds / seconds)
    iterations = max(least.iterations, min(iterations, kdf.ARGON2_ITERATIONS[1]))
    seconds *= iterations / least.iterations
    memory_kib = least.memory_kib
    while seconds * 2 <= target_seconds and memory_kib * 2 <= _CALIBRATED_MEMORY_KIB_MAX:
        seconds *= 2
        memory_kib *= 2
    return Argon2idProfile(memory_kib=memory_kib, iterations=iterations, lanes=least.lanes)


def _measure(profile: Argon2idProfile, clock: Callable[[], float]) -> float:
    started = clock()
    wipe(profile.stretch(bytearray(kdf.KEY_BYTES), bytes(kdf.STRETCH_SALT_BYTES)))
    return max(clock() - started, 1e-6)


def _normalise(passphrase: bytearray) -> bytearray:
    # ASCII is NFC already, so the usual passphrase never becomes a str, which could not be wiped.
    normal: bytearray = HiddenBuffer(passphrase) if passphrase.isascii() else _normalise_unicode(passphrase)
    if not 1 <= len(normal) <= PASSPHRASE_BYTES_MAX or 0 in normal:
        wipe(normal)
        raise ValueError(f"a passphrase is 1 to {PASSPHRASE_BYTES_MAX} bytes of UTF-8 without NUL")
    return normal


def _normalise_unicode(passphrase: bytearray) -> bytearray:
    # Late: the tables cost a millisecond and most passphrases do without.
    from unicodedata import normalize

    try:
        return HiddenBuffer(normalize("NFC", passphrase.decode("utf-8")), "utf-8")
    except UnicodeDecodeError:
        # `from None`: the cause's arguments hold the passphrase.
        raise ValueError("a passphrase is UTF-8") from None
