"""Password hashers as cheap as the bounds allow."""

from __future__ import annotations

from strongroom.credentials.password_costs import Argon2idCost
from strongroom.credentials.passwords import PasswordHasher
from strongroom.django.hashers import StrongroomPasswordHasher

MEMORY_KIB = 19_456


class QuickHasher(StrongroomPasswordHasher):
    """For tests: about 15 ms."""

    def make_hasher(self) -> PasswordHasher:
        """The floor of the cost."""
        return PasswordHasher(Argon2idCost(memory_kib=MEMORY_KIB, iterations=1))
