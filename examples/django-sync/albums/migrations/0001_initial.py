"""The two tables, as Django has written them."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import strongroom.django.user_vaults


class Migration(migrations.Migration):
    """Accounts and photos."""

    initial = True
    dependencies = (
        ("strongroom_hand_over", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    )
    operations = (
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("label", models.CharField(max_length=60, verbose_name="name for this account")),
                (
                    "kind",
                    models.CharField(
                        choices=[("password", "password"), ("token", "connection")], default="password", max_length=10
                    ),
                ),
                ("username", models.CharField(blank=True, max_length=150, verbose_name="username there")),
                (
                    "password",
                    strongroom.django.user_vaults.UserEncryptedTextField(
                        blank=True, max_length=200, null=True, owner="owner", verbose_name="password there"
                    ),
                ),
                ("created", models.DateTimeField(auto_now_add=True)),
                (
                    "handed",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="account",
                        to="strongroom_hand_over.handedover",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="accounts",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"ordering": ("created",)},
        ),
        migrations.CreateModel(
            name="Photo",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=120)),
                ("scene", models.CharField(max_length=20)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="photos", to="albums.account"
                    ),
                ),
            ],
            options={"ordering": ("id",)},
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(fields=("owner", "label"), name="albums_one_of_a_name"),
        ),
    )
