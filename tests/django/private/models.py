"""A user's log-ins elsewhere, which the user's own password opens."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import User
from django.db import models

from strongroom.django.user_vaults import UserEncryptedCharField, UserEncryptedJSONField, UserEncryptedTextField


class Login(models.Model):
    """One of them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="logins")
    label = models.CharField(max_length=50, default="")
    password = UserEncryptedCharField(owner="owner", max_length=40)
    note = UserEncryptedTextField(owner="owner", null=True, blank=True)
    more = UserEncryptedJSONField(owner="owner", null=True, blank=True)


class Pin(models.Model):
    """A table with a column of the same name."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner = models.ForeignKey(User, on_delete=models.CASCADE)
    password = UserEncryptedCharField(owner="owner", max_length=40)
