"""Models with encrypted fields of every kind, as a project writes them."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import User
from django.db import models

from strongroom.django import (
    EncryptedBinaryField,
    EncryptedBooleanField,
    EncryptedCharField,
    EncryptedDateField,
    EncryptedDateTimeField,
    EncryptedDecimalField,
    EncryptedEmailField,
    EncryptedIntegerField,
    EncryptedJSONField,
    EncryptedTextField,
    EncryptedURLField,
    random_key,
)


class Account(models.Model):
    """A user's account elsewhere: bound to its owner."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="accounts")
    label = models.CharField(max_length=50)
    password = EncryptedCharField(max_length=100, bind=("owner",))
    note = EncryptedTextField(null=True, blank=True, bind=("owner",))


class Plain(models.Model):
    """The same without encryption."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner = models.ForeignKey(User, on_delete=models.CASCADE)
    label = models.CharField(max_length=50)
    password = models.CharField(max_length=100)


class Everything(models.Model):
    """One field of each kind."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    char = EncryptedCharField(max_length=100, null=True)
    text = EncryptedTextField(null=True)
    email = EncryptedEmailField(null=True)
    url = EncryptedURLField(null=True)
    json = EncryptedJSONField(null=True)
    binary = EncryptedBinaryField(null=True)
    integer = EncryptedIntegerField(null=True)
    decimal = EncryptedDecimalField(max_digits=12, decimal_places=2, null=True)
    date = EncryptedDateField(null=True)
    datetime = EncryptedDateTimeField(null=True)
    boolean = EncryptedBooleanField(null=True)


class Person(models.Model):
    """Found by an email address; the key is an integer."""

    id = models.BigIntegerField(primary_key=True, default=random_key)
    email = EncryptedEmailField(searchable=True, normalize="casefold", null=True)
    number = EncryptedIntegerField(searchable=True, null=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, null=True, related_name="people")


class Sealed(models.Model):
    """A key that is text, bound to a number and to text that may be missing."""

    name = models.CharField(primary_key=True, max_length=50)
    tenant = models.IntegerField(null=True)
    region = models.CharField(max_length=20, null=True)
    value = EncryptedTextField(bind=("tenant", "region"))


class Paired(models.Model):
    """A key of two columns."""

    pk = models.CompositePrimaryKey("tenant", "number")
    tenant = models.UUIDField(default=uuid.uuid4)
    number = models.IntegerField()
    label = models.CharField(max_length=20)
    secret = EncryptedTextField(searchable=True)
    note = EncryptedTextField(null=True)


class Base(models.Model):
    """What two models have in common."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    secret = EncryptedTextField(searchable=True)

    class Meta:
        abstract = True


class Left(Base):
    """One of two tables with the same column."""


class Right(Base):
    """The other one."""


class Parent(models.Model):
    """A table that another one extends."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    secret = EncryptedTextField()


class Child(Parent):
    """The extension, with a secret of its own."""

    more = EncryptedTextField()
