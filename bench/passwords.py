"""What hashing a password costs, beside argon2-cffi with the same parameters."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from bench.measure import Result, compare
from bench.rows import Bench
from strongroom import PasswordHasher
from strongroom.passwords import Argon2idCost

PASSWORD = "correct horse battery staple"
# The least that is allowed, the default of new strings, and what argon2-cffi takes itself: with the goal. OpenSSL's
# threads for several lanes are slower than argon2's own, which no caller can change.
COSTS = (
    (Argon2idCost(memory_kib=19_456, iterations=2), 1.25),
    (Argon2idCost(), 1.25),
    (Argon2idCost(lanes=4), None),
)


def password(bench: Bench) -> Iterator[Result]:
    """One password, hashed and verified."""
    try:
        import argon2
    except ImportError:
        print("argon2-cffi is not installed: its lines are left out", file=sys.stderr)
        return
    rounds = max(5, bench.rounds // 2)
    for cost, goal in COSTS[:1] if bench.quick else COSTS:
        ours = PasswordHasher(cost)
        theirs = argon2.PasswordHasher(cost.iterations, cost.memory_kib, cost.lanes)
        stored = ours.hash(PASSWORD)
        shown = f"{cost.memory_kib // 1024} MiB, t={cost.iterations}, p={cost.lanes}"

        def hash_ours(hasher: PasswordHasher = ours) -> object:
            return hasher.hash(PASSWORD)

        def hash_theirs(hasher: argon2.PasswordHasher = theirs) -> object:
            return hasher.hash(PASSWORD)

        yield compare(
            f"PasswordHasher.hash, {shown}", "argon2-cffi", hash_ours, hash_theirs, rounds=rounds, goal=goal
        )

        def verify_ours(hasher: PasswordHasher = ours, stored: str = stored) -> None:
            hasher.verify(PASSWORD, stored)

        def verify_theirs(hasher: argon2.PasswordHasher = theirs, stored: str = stored) -> object:
            return hasher.verify(stored, PASSWORD)

        yield compare(
            f"PasswordHasher.verify, {shown}", "argon2-cffi", verify_ours, verify_theirs, rounds=rounds, goal=goal
        )


ROWS = (password,)
