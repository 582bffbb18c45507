"""How slow new password hashes are: the two choices, their floors, and fitting one to a machine."""

from __future__ import annotations

from strongroom.credentials.password_strings import argon2, pbkdf2
from strongroom.crypto.foreign import password_hashes
from strongroom.crypto.kdf import ARGON2_ITERATIONS, ARGON2_LANES, ARGON2_MEMORY_KIB, PBKDF2_ITERATIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.credentials.password_strings.interface import Stored

SALT_BYTES = 16
DIGEST_BYTES = 32

# Of what calibration chooses from: more memory is worth more than more passes, up to what a busy server can spare.
_CALIBRATED_MEMORY_KIB = (65_536, 131_072, 262_144)


class Argon2idCost:
    """Argon2id (RFC 9106, version 1.3).

    The defaults are the memory and passes of its second recommended choice with one lane: as
    much work, in one thread, so that as many logins run at once as there are processors.

    Args:
        memory_kib: 19,456..2,097,152 KiB.
        iterations: 1..10 passes.
        lanes: 1..8.

    Raises: ValueError: out of bounds.
    """

    __slots__ = ("iterations", "lanes", "memory_kib")

    scheme = "argon2id"

    def __init__(self, *, memory_kib: int = 65_536, iterations: int = 3, lanes: int = 1) -> None:
        _check("memory in KiB", memory_kib, ARGON2_MEMORY_KIB)
        _check("iterations", iterations, ARGON2_ITERATIONS)
        _check("lanes", lanes, ARGON2_LANES)
        if memory_kib * iterations > argon2.WORK_KIB_MAX:
            raise ValueError("so many iterations over so much memory would be refused when they are verified")
        self.memory_kib = memory_kib
        self.iterations = iterations
        self.lanes = lanes

    def string(self, password: bytes, salt: bytes, *, key_id: bytes, pepper: bytes | None) -> str:
        """The stored string of *password*."""
        digest = password_hashes.argon2(
            self.scheme, password, salt, memory_kib=self.memory_kib, iterations=self.iterations, lanes=self.lanes,
            length=DIGEST_BYTES, secret=pepper,
        )  # fmt: skip
        return self.encode(salt, digest, key_id=key_id)

    def encode(self, salt: bytes, digest: bytes, *, key_id: bytes) -> str:
        """The stored string with a digest of 32 bytes."""
        cost = {"memory_kib": self.memory_kib, "iterations": self.iterations, "lanes": self.lanes}
        return argon2.encode(salt, digest, **cost, key_id=key_id)

    def is_more_than(self, stored: Stored) -> bool:
        """Whether *stored* is of another scheme, or cheaper to guess."""
        if stored.scheme != self.scheme:
            return True
        return stored.cost["memory_kib"] < self.memory_kib or stored.cost["iterations"] < self.iterations

    def spend(self, share: float) -> None:
        """Take about *share* (0..1) of the time of one hash."""
        memory_kib = max(8 * self.lanes, int(self.memory_kib * share))
        password_hashes.argon2(
            self.scheme, b"", bytes(SALT_BYTES), memory_kib=memory_kib, iterations=self.iterations, lanes=self.lanes
        )

    def __str__(self) -> str:
        return f"Argon2id, {self.memory_kib // 1024} MiB, {self.iterations} iterations, lanes: {self.lanes}"


class Pbkdf2Cost:
    """PBKDF2-HMAC-SHA-256 (RFC 8018), where a rule demands it: graphics cards guess it far faster than Argon2id.

    Args:
        iterations: 600,000..10,000,000.

    Raises: ValueError: out of bounds.
    """

    __slots__ = ("iterations",)

    scheme = "pbkdf2-sha256"
    memory_kib = 0

    def __init__(self, *, iterations: int = 600_000) -> None:
        _check("iterations", iterations, PBKDF2_ITERATIONS)
        self.iterations = iterations

    def string(self, password: bytes, salt: bytes, *, key_id: bytes, pepper: bytes | None) -> str:
        """The stored string of *password*."""
        secret = password if pepper is None else password_hashes.hmac_sha256(pepper, password)
        digest = password_hashes.pbkdf2("sha256", secret, salt, iterations=self.iterations, length=DIGEST_BYTES)
        return self.encode(salt, digest, key_id=key_id)

    def encode(self, salt: bytes, digest: bytes, *, key_id: bytes) -> str:
        """The stored string with a digest of 32 bytes."""
        return pbkdf2.encode(salt, digest, iterations=self.iterations, key_id=key_id)

    def is_more_than(self, stored: Stored) -> bool:
        """Whether *stored* is of another scheme, or cheaper to guess."""
        return stored.scheme != self.scheme or stored.cost["iterations"] < self.iterations

    def spend(self, share: float) -> None:
        """Take about *share* (0..1) of the time of one hash."""
        iterations = max(1, int(self.iterations * share))
        password_hashes.pbkdf2("sha256", b"", bytes(SALT_BYTES), iterations=iterations, length=DIGEST_BYTES)

    def __str__(self) -> str:
        return f"PBKDF2-HMAC-SHA-256, {self.iterations} iterations"


Cost = Argon2idCost | Pbkdf2Cost


def calibrate(target_seconds: float, kind: str, clock: Callable[[], float]) -> Cost:
    """The cost that takes about *target_seconds* for one hash on this machine, never below the floors.

    Argon2id takes the largest of 64, 128 and 256 MiB that leaves room for two passes, then as
    many passes as fit; a target below that takes less memory.

    Args:
        target_seconds: more than 0.
        kind: ``"argon2id"`` or ``"pbkdf2"``.
        clock: seconds.
    """
    if kind == "pbkdf2":
        seconds = _measure(Pbkdf2Cost(), clock)
        return Pbkdf2Cost(iterations=_within(int(600_000 * target_seconds / seconds), PBKDF2_ITERATIONS))
    # Seconds for one pass over one KiB, from one pass over 64 MiB.
    per_kib = _measure(Argon2idCost(memory_kib=65_536, iterations=1), clock) / 65_536
    fitting = [memory for memory in _CALIBRATED_MEMORY_KIB if per_kib * memory * 2 <= target_seconds]
    if not fitting:
        memory_kib = _within(int(target_seconds / (2 * per_kib)), ARGON2_MEMORY_KIB)
        return Argon2idCost(memory_kib=memory_kib, iterations=2)
    memory_kib = max(fitting)
    iterations = _within(int(target_seconds / (per_kib * memory_kib)), ARGON2_ITERATIONS)
    return Argon2idCost(memory_kib=memory_kib, iterations=iterations)


def _measure(cost: Cost, clock: Callable[[], float]) -> float:
    """The shortest of three, as what else runs can only make it longer."""
    taken = []
    for _ in range(3):
        started = clock()
        cost.spend(1)
        taken.append(clock() - started)
    return max(min(taken), 1e-6)


def _within(value: int, bounds: tuple[int, int]) -> int:
    return max(bounds[0], min(value, bounds[1]))


def _check(what: str, value: int, bounds: tuple[int, int]) -> None:
    if not bounds[0] <= value <= bounds[1]:
        raise ValueError(f"{what} must be within {bounds[0]}..{bounds[1]}, not {value}")
