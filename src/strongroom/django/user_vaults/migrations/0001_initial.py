"""The tables of user vaults."""

from __future__ import annotations

import uuid
from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

_ID = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False, serialize=False)


class Migration(migrations.Migration):  # type: ignore[misc]  # Django carries no types
    """Two tables."""

    initial = True
    dependencies: ClassVar[list[object]] = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations: ClassVar[list[object]] = [
        migrations.CreateModel(
            name="UserVault",
            fields=[
                ("id", _ID),
                ("created_us", models.PositiveBigIntegerField(editable=False)),
                ("generation", models.PositiveBigIntegerField(default=1, editable=False)),
                ("proof", models.BinaryField(max_length=32)),
                (
                    "user",
                    models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={"verbose_name": "user vault", "verbose_name_plural": "user vaults"},
        ),
        migrations.CreateModel(
            name="VaultSlot",
            fields=[
                ("id", _ID.clone()),
                (
                    "kind",
                    models.CharField(
                        choices=[("password", "Password"), ("recovery", "Recovery"), ("escrow", "Escrow")],
                        editable=False,
                        max_length=10,
                    ),
                ),
                ("algorithm", models.PositiveSmallIntegerField(editable=False)),
                ("memory_kib", models.PositiveIntegerField(default=0, editable=False)),
                ("iterations", models.PositiveIntegerField(default=0, editable=False)),
                ("lanes", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("salt", models.BinaryField(max_length=32)),
                ("wrapped", models.BinaryField(max_length=2048)),
                ("created_us", models.PositiveBigIntegerField(editable=False)),
                (
                    "vault",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="slots",
                        to="strongroom_user_vaults.uservault",
                    ),
                ),
            ],
            options={"verbose_name": "vault slot", "verbose_name_plural": "vault slots"},
        ),
    ]
