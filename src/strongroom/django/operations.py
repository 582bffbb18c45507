"""The migration operation that makes an encrypted column of a plain one, and back.

    class Migration(migrations.Migration):
        atomic = False                                   # it commits each batch by itself
        dependencies = [("shop", "0004_...")]
        operations = [
            EncryptField("account", "iban", EncryptedCharField(max_length=34, bind=("owner",))),
        ]

What `makemigrations` writes is an ``AlterField`` with the same three arguments: put this in its place.
"""

from __future__ import annotations

from django.db import NotSupportedError
from django.db.migrations.operations.base import Operation

from strongroom.django.fields.base import EncryptedField
from strongroom.django.moving import Moving

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from django.db import models

_BATCH = 1_000


class EncryptField(Operation):  # type: ignore[misc]  # Django carries no types
    """Encrypts a column in batches, while the table stays in use; backwards it decrypts it in the same way.

    Interrupted at any moment, even killed, it goes on where it was when the migration is run again.
    What was plaintext stays in the database's free pages, logs and backups until they are overwritten.

    Args:
        model_name, name: as in ``AlterField``.
        field: the encrypted field.
        batch_size: rows in one transaction.

    Raises: TypeError: *field* is not encrypted.
    """

    reduces_to_sql = False
    reversible = True
    atomic = False

    def __init__(self, model_name: str, name: str, field: models.Field, batch_size: int = _BATCH) -> None:
        if not isinstance(field, EncryptedField):
            raise TypeError("EncryptField takes an encrypted field")
        if field.keys_of_users:
            raise TypeError("no migration has the keys of users: add a column, and move a value when its owner comes")
        if batch_size < 1:
            raise ValueError("a batch has one row or more")
        self.model_name = model_name
        self.name = name
        self.field = field
        self.batch_size = batch_size

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """As `Operation.deconstruct`."""
        kwargs: dict[str, Any] = {"model_name": self.model_name, "name": self.name, "field": self.field}
        if self.batch_size != _BATCH:
            kwargs["batch_size"] = self.batch_size
        return type(self).__qualname__, [], kwargs

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The model has the encrypted field afterwards."""
        state.alter_field(app_label, self.model_name.lower(), self.name, self.field, True)

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Move the values; see `moving`."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        if schema_editor.connection.in_atomic_block:
            raise NotSupportedError(
                f"{self.describe()}: say atomic = False in the migration, so that each batch is kept when it is done"
            )
        Moving(app_label, self.model_name, self.name, schema_editor, from_state, to_state, self.batch_size).run()

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """The same, with the states the other way round."""
        self.database_forwards(app_label, schema_editor, from_state, to_state)

    def references_field(self, model_name: str, name: str, app_label: str) -> bool:
        """As `Operation.references_field`."""
        return self.references_model(model_name, app_label) and name in (self.name, *self.field.bind)

    def references_model(self, name: str, app_label: str) -> bool:
        """As `Operation.references_model`."""
        return name.lower() == self.model_name.lower()

    def describe(self) -> str:
        """For the list of a migration's operations."""
        return f"Encrypt the field {self.name} of {self.model_name}"

    @property
    def migration_name_fragment(self) -> str:
        """For the name of the migration's file."""
        return f"encrypt_{self.model_name.lower()}_{self.name.lower()}"
