"""The two tables: a user's vault, and the slots that open it. No key lies here, and nothing that is as good as one.

Source: docs/format.md#user-vaults.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

SALT_BYTES_MAX = 32
WRAPPED_BYTES_MAX = 2_048


class UserVault(models.Model):  # type: ignore[misc]  # Django carries no types
    """One user's vault.

    Attributes:
        created_us: microseconds since 1970 UTC: not a time of the database's, which is another text with another
            setting of time zones, and would not fit the proof.
        generation: counts what drops the keys of all sessions, such as a new password.
        proof: a MAC under the user key over this row and all slots.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", editable=False, verbose_name="user"
    )
    created_us = models.PositiveBigIntegerField(editable=False)
    generation = models.PositiveBigIntegerField(default=1, editable=False)
    proof = models.BinaryField(max_length=32)

    class Meta:
        """Names for people."""

        verbose_name = "user vault"
        verbose_name_plural = "user vaults"

    def __str__(self) -> str:
        return f"user vault {self.pk}"


class VaultSlot(models.Model):  # type: ignore[misc]
    """One way to open a vault: the user key, wrapped under a key that a password or a code gives.

    Attributes:
        kind: ``password``, ``recovery`` or ``escrow``.
        algorithm: 0 none (the secret is random), 1 Argon2id, 2 PBKDF2-HMAC-SHA256, 3 HPKE.
        memory_kib, iterations, lanes: the cost; 0 where there is none.
        salt: 32 random bytes; of an escrow slot the fingerprint of its public key.
        wrapped: the wrapped user key.
    """

    class Kind(models.TextChoices):  # type: ignore[misc]
        """What opens a slot."""

        PASSWORD = "password"  # noqa: S105 - the kind's name
        RECOVERY = "recovery"
        ESCROW = "escrow"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    vault = models.ForeignKey(UserVault, on_delete=models.CASCADE, related_name="slots", editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices, editable=False)
    algorithm = models.PositiveSmallIntegerField(editable=False)
    memory_kib = models.PositiveIntegerField(default=0, editable=False)
    iterations = models.PositiveIntegerField(default=0, editable=False)
    lanes = models.PositiveSmallIntegerField(default=0, editable=False)
    salt = models.BinaryField(max_length=SALT_BYTES_MAX)
    wrapped = models.BinaryField(max_length=WRAPPED_BYTES_MAX)
    created_us = models.PositiveBigIntegerField(editable=False)

    class Meta:
        """Names for people."""

        verbose_name = "vault slot"
        verbose_name_plural = "vault slots"

    def __str__(self) -> str:
        return f"{self.kind} slot {self.pk}"
