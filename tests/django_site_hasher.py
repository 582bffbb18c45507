"""Argon2id at the least cost that counts as good: these tests are about pages, not about the cost of a guess."""

from __future__ import annotations

from strongroom.credentials.password_costs import Argon2idCost
from strongroom.credentials.passwords import PasswordHasher
from strongroom.django.hashers import StrongroomPasswordHasher


class CheapHasher(StrongroomPasswordHasher):
    """19 MiB, once."""

    def make_hasher(self) -> PasswordHasher:
        return PasswordHasher(Argon2idCost(memory_kib=19_456, iterations=1, lanes=1))
