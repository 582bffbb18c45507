"""The key that is known before the row is inserted, and the blind index."""

from django.db import migrations, models

from strongroom.django import BlindToken, random_key


class Migration(migrations.Migration):
    """What the model says, to the letter."""

    dependencies = (("mover", "0002_encrypted"),)
    operations = (
        migrations.AlterField(
            "Note", "id", models.BigIntegerField(primary_key=True, serialize=False, default=random_key)
        ),
        migrations.AddIndex("Note", models.Index(BlindToken("text"), name="mover_note_text_blind")),
    )
