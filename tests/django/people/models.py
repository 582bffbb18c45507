"""Users who log in with an address, and whose key is a UUID."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from strongroom.django.user_vaults import UserEncryptedTextField


class People(BaseUserManager):
    """Makes them."""

    def create_user(self, email: str, password: str) -> Any:
        """One, saved."""
        person = self.model(email=email)
        person.set_password(password)
        person.save(using=self._db)
        return person


class Person(AbstractBaseUser):
    """A user."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    USERNAME_FIELD = "email"
    objects = People()


class Diary(models.Model):
    """Its key is its owner."""

    owner = models.OneToOneField(Person, on_delete=models.CASCADE, primary_key=True)
    text = UserEncryptedTextField(owner="owner")


class Entry(models.Model):
    """Bound to its diary too."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    writer = models.ForeignKey(Person, on_delete=models.CASCADE)
    day = models.IntegerField()
    text = UserEncryptedTextField(owner="writer", bind=("day",))
