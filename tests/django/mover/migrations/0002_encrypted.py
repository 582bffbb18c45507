"""Encrypted ones."""

from django.db import migrations

from strongroom.django import EncryptedIntegerField, EncryptedTextField, EncryptField


class Migration(migrations.Migration):
    """What there is."""

    atomic = False
    dependencies = (("mover", "0001_plain"),)
    operations = (
        EncryptField(
            "Note", "text", EncryptedTextField(bind=("owner",), searchable=True, blank=True, default=""), batch_size=7
        ),
        EncryptField("Note", "number", EncryptedIntegerField(null=True), batch_size=7),
    )
