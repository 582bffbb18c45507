"""Plain columns."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """What there was."""

    initial = True
    operations = (
        migrations.CreateModel(
            "Note",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("owner", models.IntegerField()),
                ("text", models.TextField(db_index=True, blank=True, default="")),
                ("number", models.PositiveIntegerField(null=True)),
            ],
        ),
    )
