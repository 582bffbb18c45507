"""Notes, as they are after the migration."""

from __future__ import annotations

from django.db import models

from strongroom.django import EncryptedIntegerField, EncryptedTextField, random_key


class Note(models.Model):
    """Its key is an integer that was an auto key before."""

    id = models.BigIntegerField(primary_key=True, default=random_key)
    owner = models.IntegerField()
    text = EncryptedTextField(bind=("owner",), searchable=True, blank=True, default="")
    number = EncryptedIntegerField(null=True)
