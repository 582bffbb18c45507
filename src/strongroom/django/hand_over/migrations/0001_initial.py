"""The table of credentials handed over."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):  # type: ignore[misc]  # Django carries no types
    """Creates it."""

    initial = True
    dependencies = (migrations.swappable_dependency(settings.AUTH_USER_MODEL),)
    operations = (
        migrations.CreateModel(
            name="HandedOver",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("service", models.CharField(max_length=50)),
                ("name", models.CharField(max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting for its first sync"),
                            ("active", "in use"),
                            ("failing", "failing, will be tried again"),
                            ("refused", "refused by the service"),
                            ("revoked", "revoked at the service"),
                            ("withdrawn", "withdrawn"),
                        ],
                        default="waiting",
                        max_length=16,
                    ),
                ),
                ("created", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("last_sync", models.DateTimeField(blank=True, null=True)),
                ("last_result", models.CharField(blank=True, max_length=500)),
                ("next_sync", models.DateTimeField(blank=True, default=django.utils.timezone.now, null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("deposit", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("claim", models.UUIDField(blank=True, editable=False, null=True)),
                ("claimed_until", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="handed_over",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "credential handed over",
                "verbose_name_plural": "credentials handed over",
                "ordering": ("created",),
                "indexes": [models.Index(fields=["state", "next_sync"], name="strongroom_handed_over_due")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "withdrawn"), _negated=True),
                        fields=("user", "service", "name"),
                        name="strongroom_handed_over_once",
                    )
                ],
            },
        ),
    )
