"""A canary: values written through the fields on every way, and looked for where nobody may find them.

Hooks that encrypted fields stand on have vanished between versions of Django without a word, and what
then lay in the database was plaintext. So each process tries them once on each database: in a temporary
table, in a transaction that is rolled back, under a key that nobody keeps.
"""

from __future__ import annotations

from uuid import uuid4

from django.apps import apps
from django.apps.registry import Apps
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import DatabaseError, models, transaction

from strongroom.crypto.columns import ColumnKey
from strongroom.crypto.entropy import random_bytes
from strongroom.django.fields import EncryptedCharField, EncryptedIntegerField, EncryptedTextField
from strongroom.django.guards import encrypted_fields
from strongroom.django.keys import Column
from strongroom.django.rows import VENDORS
from strongroom.django.updates import bulk_update
from strongroom.errors import Tampered
from strongroom.secret import SecretBytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

_TABLE = "strongroom_canary"
_SWAP = """
UPDATE strongroom_canary SET name = (SELECT name FROM strongroom_canary WHERE owner = 2) WHERE owner = 1
"""
_registry = Apps()


class Canary(models.Model):  # type: ignore[misc]  # Django carries no types
    """One field of each way of storing a value; in a registry of its own, which no migration sees."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    owner = models.IntegerField()
    name = EncryptedCharField(max_length=100, bind=("owner",), searchable=True)
    note = EncryptedTextField(bind=("owner",))
    number = EncryptedIntegerField(bind=("owner",))

    class Meta:
        """Belongs to no app that migrates."""

        app_label = "strongroom"
        apps = _registry
        db_table = _TABLE
        managed = False

    def __str__(self) -> str:
        return str(self.pk)


_checked: set[str] = set()


def look_once(*, connection: Any, **_signal: object) -> None:
    """Try the canary when a process first connects to a database, if any model has encrypted fields.

    Raises: ImproperlyConfigured: a value could be found, or came back otherwise.
    """
    if connection.alias in _checked or not any(map(encrypted_fields, apps.get_models())):
        return
    _checked.add(connection.alias)
    found = findings(connection)
    if found:
        raise ImproperlyConfigured(f"encrypted fields do not keep what they promise on {connection.alias}: {found[0]}")


def findings(connection: Any) -> list[str]:
    """What a canary shows on *connection*; empty when all is well.

    A database that cannot be written to says nothing: no plaintext gets there either.
    """
    if connection.vendor not in VENDORS:
        return []
    found: list[str] = []
    with transaction.atomic(using=connection.alias):
        try:
            with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
                cursor.execute(_create_table(connection))
        except DatabaseError:
            return []
        _use_throwaway_keys()
        for name, step in _Trial(connection).steps.items():
            try:
                with transaction.atomic(using=connection.alias):
                    found.extend(f"{name}: {finding}" for finding in step())
            except Exception as error:
                found.append(f"{name}: {type(error).__name__}")
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {_TABLE}")
    return found


def _create_table(connection: Any) -> str:
    columns = (f"{field.column} {field.db_type(connection)}" for field in Canary._meta.local_concrete_fields)
    return f"CREATE TEMPORARY TABLE {_TABLE} ({', '.join(columns)})"


def _use_throwaway_keys() -> None:
    private = SecretBytes(bytearray(random_bytes(32)))
    for field in encrypted_fields(Canary):
        key = ColumnKey(private, bytes(16), 1, *field.place)
        # Never current: the next canary has other keys.
        field.own_keys = Column(1, {1: key}, _no_other, lambda _number: None, lambda: False)
    private.wipe()


def _no_other(number: int) -> Column:
    raise Tampered(f"there is no version {number}")


class _Trial:
    """The ways of writing and reading, tried on one connection; each yields what is wrong."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._alias = connection.alias
        self._rows = Canary._base_manager.using(connection.alias)
        self.steps: dict[str, Callable[[], Iterator[str]]] = {
            "save": self._save,
            "bulk_create": self._many,
            "fixtures": self._fixtures,
            "refusals": self._refusals,
            "swaps": self._swaps,
        }

    def _new(self, owner: int = 1) -> Canary:
        return Canary(owner=owner, name=_text(), note=_text(), number=_number())

    def _written(self, *ones: Canary) -> Iterator[str]:
        stored = _stored(self._connection)
        if not stored:
            yield "nothing was written"
        for one in ones:
            for said in (one.name, one.note, str(one.number)):
                if any(said.encode() in data for data in stored):
                    yield "plaintext reached the database"
            again = self._rows.get(pk=one.pk)
            if (again.name, again.note, again.number) != (one.name, one.note, one.number):
                yield "a value came back as another one"

    def _save(self) -> Iterator[str]:
        one = self._new()
        one.save(using=self._alias)
        yield from self._written(one)
        one.name, one.note, one.number = _text(), _text(), _number()
        one.save(using=self._alias)
        yield from self._written(one)
        one.note = _text()
        one.save(using=self._alias, update_fields=["note"])
        yield from self._written(one)

    def _many(self) -> Iterator[str]:
        ones = self._rows.bulk_create([self._new(), self._new()])
        yield from self._written(*ones)
        for one in ones:
            one.note = _text()
        bulk_update(ones, ["note"], using=self._alias)
        yield from self._written(*ones)

    def _fixtures(self) -> Iterator[str]:
        one = self._new()
        one.save_base(raw=True, using=self._alias)
        yield from self._written(one)

    def _refusals(self) -> Iterator[str]:
        one = self._new()
        one.save(using=self._alias)
        row = self._rows.filter(pk=one.pk)
        one.note = secret = _text()
        yield from self._refused("update()", lambda: row.update(note=secret))
        yield from self._refused("bulk_update()", lambda: row.bulk_update([one], ["note"]))
        yield from self._refused("update() of an owner", lambda: row.update(owner=2))
        yield from self._refused("a look-up by value", lambda: list(self._rows.filter(note=secret)))
        yield from self._refused("raw()", lambda: self._rows.raw("SELECT * FROM strongroom_canary")[0].note)
        if any(secret.encode() in data for data in _stored(self._connection)):
            yield "plaintext reached the database"
        if [found.pk for found in self._rows.filter(name=one.name)] != [one.pk]:
            yield "the blind index did not find its row"

    def _swaps(self) -> Iterator[str]:
        one, other = self._rows.bulk_create([self._new(), self._new(owner=2)])
        row = self._rows.filter(pk=one.pk)
        with self._connection.cursor() as cursor:
            cursor.execute(_SWAP)
            yield from self._refused("another row's value", lambda: list(row.values_list("name")), Tampered)
            cursor.execute("UPDATE strongroom_canary SET owner = 3 WHERE owner = 1")
            yield from self._refused("another owner's value", lambda: list(row.values_list("note")), Tampered)
        if list(self._rows.filter(pk=other.pk).values_list("note", flat=True)) != [other.note]:
            yield "a value came back as another one"

    def _refused(
        self, what: str, attempt: Callable[[], Any], error: type[Exception] = FieldError
    ) -> Iterator[str]:
        try:
            # A refusal inside of a transaction of Django's own would leave the outer one unusable.
            with transaction.atomic(using=self._alias):
                attempt()
        except error:
            return
        yield f"{what} was not refused"


def _text() -> str:
    return f"canary-{uuid4()}"


def _number() -> int:
    return int.from_bytes(random_bytes(8), "big") + (1 << 64)


def _stored(connection: Any) -> list[bytes]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM strongroom_canary")
        return [
            bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
            for row in cursor.fetchall()
            for value in row
        ]
