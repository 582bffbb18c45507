"""What the site stores of an account elsewhere; of its password, ciphertext that only its owner's log-in opens."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.timesince import timesince

from strongroom.django.hand_over import HandedOver
from strongroom.django.user_vaults import UserEncryptedTextField


class Account(models.Model):
    """One person's account at the photo service."""

    PASSWORD, TOKEN = "password", "token"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="accounts")
    label = models.CharField("name for this account", max_length=60)
    # What logs in there: a password, which lies here, or a token, which only the worker has.
    kind = models.CharField(max_length=10, choices={PASSWORD: "password", TOKEN: "connection"}, default=PASSWORD)
    username = models.CharField("username there", max_length=150, blank=True)
    password = UserEncryptedTextField("password there", owner="owner", max_length=200, null=True, blank=True)
    # Set while the worker has a copy.
    handed = models.OneToOneField(HandedOver, on_delete=models.SET_NULL, null=True, related_name="account")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("created",)
        constraints = (models.UniqueConstraint(fields=("owner", "label"), name="albums_one_of_a_name"),)

    def __str__(self):
        return self.label

    @property
    def is_with_worker(self) -> bool:
        """Whether the worker has a copy, or is to have one."""
        return self.handed is not None and self.handed.state != "withdrawn"

    @property
    def needs_attention(self) -> bool:
        """Whether the worker came back with empty hands."""
        return self.handed is not None and self.handed.state in ("failing", "refused", "revoked")

    @property
    def last_visit(self) -> str:
        """How long ago the worker was there, in words."""
        if self.handed is None or self.handed.last_sync is None:
            return ""
        seconds = (timezone.now() - self.handed.last_sync).total_seconds()
        return "just now" if seconds < 60 else f"{timesince(self.handed.last_sync, depth=1)} ago"


class Photo(models.Model):
    """One photo that the last run of the worker has seen."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="photos")
    title = models.CharField(max_length=120)
    scene = models.CharField(max_length=20)

    class Meta:
        ordering = ("id",)

    def __str__(self):
        return self.title
