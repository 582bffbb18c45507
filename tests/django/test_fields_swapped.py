"""A value opens in its own row and column, for its own owner, under its own key, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from strongroom.errors import Denied, Tampered, WrongKey
from tests.django import project

project.configure()

from django.contrib.auth.models import User  # noqa: E402 - once Django is configured
from django.core.exceptions import FieldError  # noqa: E402
from django.db import DatabaseError, connections, transaction  # noqa: E402

from strongroom.django import use_vault  # noqa: E402
from tests.django.shop.models import Account, Everything, Left, Person, Right, Sealed  # noqa: E402

Execute = Callable[..., list[tuple[Any, ...]]]


def two(owner: User, using: str) -> tuple[Account, Account]:
    rows = Account.objects.using(using)
    return (
        rows.create(owner=owner, label="one", password="first", note="note of one"),
        rows.create(owner=owner, label="two", password="second", note="note of two"),
    )


def test_a_row_of_another_key_opens_nothing(using: str, owner: User, execute: Execute) -> None:
    """A ciphertext that was copied from one row to another is refused, with the field and the row named."""
    one, other = two(owner, using)
    execute("UPDATE shop_account SET password = (SELECT password FROM shop_account WHERE label = 'one')")
    assert Account.objects.using(using).get(pk=one.pk).password == "first"
    with pytest.raises(Tampered) as caught:
        Account.objects.using(using).get(pk=other.pk)
    assert "shop.Account.password" in str(caught.value)
    assert other.pk.hex in str(caught.value)


def test_a_value_of_another_column_opens_nothing(using: str, owner: User, execute: Execute) -> None:
    """A ciphertext that was copied from one column to another of the same row is refused."""
    one, _ = two(owner, using)
    execute("UPDATE shop_account SET note = password")
    with pytest.raises(Tampered, match=r"shop\.Account\.note"):
        Account.objects.using(using).get(pk=one.pk)


def test_a_value_of_another_table_opens_nothing(using: str, execute: Execute) -> None:
    """Two tables with the same column and the same key of the row have different contexts."""
    one = Left.objects.using(using).create(secret="left")
    Right.objects.using(using).create(pk=one.pk, secret="right")
    execute("UPDATE shop_right SET secret = (SELECT secret FROM shop_left)")
    with pytest.raises(Tampered, match=r"shop\.Right\.secret"):
        Right.objects.using(using).get()


def test_another_owner_gets_nothing(using: str, owner: User, execute: Execute) -> None:
    """Who changes the owner of a row in the database does not hand the value over."""
    one, _ = two(owner, using)
    other = User.objects.using(using).create(username="bob")
    execute("UPDATE shop_account SET owner_id = %s WHERE label = 'one'", other.pk)
    with pytest.raises(Tampered, match=r"shop\.Account\.password"):
        Account.objects.using(using).get(pk=one.pk)
    assert Account.objects.using(using).only("label").get(pk=one.pk).label == "one"


@pytest.mark.parametrize(
    ("column", "value"), [("tenant", 2), ("tenant", None), ("region", "e"), ("region", "-"), ("region", None)]
)
def test_each_bound_column_counts(using: str, execute: Execute, column: str, value: object) -> None:
    """Numbers, texts and NULL of bound columns are told apart."""
    made = Sealed.objects.using(using).create(name="a:b,c", tenant=1, region="eu", value="v")
    assert Sealed.objects.using(using).get().value == "v"
    execute(f"UPDATE shop_sealed SET {column} = %s", value)
    with pytest.raises(Tampered):
        Sealed.objects.using(using).get()
    made.refresh_from_db(fields=["tenant"])


@pytest.mark.parametrize(
    ("stored", "read"),
    [(("a", 1, "b,2"), ("a", 1, "b")), (("1,2", None, None), ("1", 2, None)), (("x", None, "-"), ("x", None, None))],
)
def test_rows_do_not_run_together(using: str, execute: Execute, stored: tuple[Any, ...], read: tuple[Any, ...]) -> None:
    """No two rows are spelled alike, whatever separators stand in their texts."""
    Sealed.objects.using(using).create(name=stored[0], tenant=stored[1], region=stored[2], value="v")
    assert Sealed.objects.using(using).get().value == "v"
    execute("UPDATE shop_sealed SET name = %s, tenant = %s, region = %s", *read)
    with pytest.raises(Tampered):
        Sealed.objects.using(using).get()


def test_every_changed_byte_is_refused(using: str, execute: Execute) -> None:
    """Each flipped byte of a stored value, and each cut or longer one, is refused."""
    Left.objects.using(using).create(secret="s")
    stored = bytes(execute("SELECT secret FROM shop_left")[0][0])
    changed = [stored[:n] + bytes((stored[n] ^ 1,)) + stored[n + 1 :] for n in range(len(stored))]
    changed += [stored[:n] for n in range(len(stored))] + [stored + b"\0", b"x" + stored, b":" + stored]
    for data in changed:
        execute("UPDATE shop_left SET secret = %s", data)
        with pytest.raises((Tampered, WrongKey)):
            list(Left.objects.using(using).values_list("secret"))
    execute("UPDATE shop_left SET secret = %s", stored)
    assert Left.objects.using(using).get().secret == "s"


def test_plaintext_that_was_left_in_the_column_is_refused(using: str, owner: User, execute: Execute) -> None:
    """What is no encrypted value does not pass for one: neither text, nor an empty one, nor something long."""
    two(owner, using)
    for left in (b"plaintext", b"", b"p" * 500):
        execute("UPDATE shop_account SET password = %s", left)
        with pytest.raises(Tampered, match="no encrypted value"):
            list(Account.objects.using(using).all())


def test_a_ciphertext_that_is_saved_as_a_value_stays_one(using: str, owner: User, execute: Execute) -> None:
    """A stored ciphertext that somebody types into a form comes back as those bytes, not decrypted."""
    two(owner, using)
    stored = bytes(execute("SELECT password FROM shop_account WHERE label = 'one'")[0][0])
    row = Everything.objects.using(using).create(binary=stored, text=stored.hex())
    again = Everything.objects.using(using).get(pk=row.pk)
    assert (again.binary, again.text) == (stored, stored.hex())


def test_what_was_made_for_raw_does_not_pass(using: str, owner: User, execute: Execute) -> None:
    """Who writes a row and a message into the column itself gets neither opened, by raw() or otherwise."""
    one, other = two(owner, using)
    stored = bytes(execute("SELECT password FROM shop_account WHERE label = 'one'")[0][0])
    forged = f"{one.pk.hex},{owner.pk}:".encode() + stored
    execute("UPDATE shop_account SET password = %s WHERE label = 'two'", forged)
    with pytest.raises(FieldError, match=r"raw\(\)"):
        list(Account.objects.using(using).raw("SELECT * FROM shop_account"))
    with pytest.raises(Tampered):
        Account.objects.using(using).get(pk=other.pk)


def test_another_key_opens_nothing(using: str, owner: User, vault: Any, execute: Execute) -> None:
    """Under another vault's key every read fails, and a save of what was read before does not repair it."""
    one, _ = two(owner, using)
    vault.keys.create("other")
    use_vault(vault, "other")
    with pytest.raises(Tampered, match=r"shop\.Account\.password"):
        Account.objects.using(using).get(pk=one.pk)
    vault.keys["other"].rotate()
    use_vault(vault)
    assert Account.objects.using(using).get(pk=one.pk).password == "first"
    use_vault(vault, "other")
    Account.objects.using(using).create(owner=owner, label="three", password="third")
    use_vault(vault)
    with pytest.raises(WrongKey, match="version 2"):
        Account.objects.using(using).get(label="three")


def test_versions_of_the_key(using: str, owner: User, vault: Any, execute: Execute) -> None:
    """After a rotation old values open and new ones are under the new version; a disabled version opens none."""
    one, _ = two(owner, using)
    key = vault.keys["django"]
    key.rotate()
    use_vault(vault)
    assert Account.objects.using(using).get(pk=one.pk).password == "first"
    Account.objects.using(using).get(pk=one.pk).save()
    stored = bytes(execute("SELECT password FROM shop_account WHERE label = 'one'")[0][0])
    assert stored[:8] == b"srf\x01\0\0\0\x02"
    key.disable(1)
    use_vault(vault)
    assert Account.objects.using(using).get(pk=one.pk).password == "first"
    with pytest.raises(Denied, match="disabled"):
        Account.objects.using(using).get(label="two")
    key.destroy(1)
    use_vault(vault)
    with pytest.raises(WrongKey, match="destroyed"):
        Account.objects.using(using).get(label="two")


def test_a_rotation_elsewhere_arrives(using: str, owner: User, vault: Any) -> None:
    """Values under a version that another process made a moment ago are read: the key is read again, once for all."""
    from strongroom.django.keys import field_keys

    two(owner, using)
    key = field_keys()._key
    before = key._state
    vault.keys["django"].rotate()
    key.refresh()
    for name in ("three", "four"):
        Account.objects.using(using).create(owner=owner, label=name, password=f"of {name}")
    key._state = before  # as a process has it that read the key just before
    found = dict(Account.objects.using(using).values_list("label", "password"))
    assert (found["three"], found["four"]) == ("of three", "of four")
    assert key._state is not before


def test_an_unknown_version_is_asked_for_once_in_a_while(
    using: str, owner: User, vault: Any, execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can write to the table names versions that there are none of: the vault is not read for each of them."""
    from strongroom.django.keys import field_keys
    from strongroom.vault.named_keys import named_key

    # However long a step of this test takes.
    monkeypatch.setattr(named_key, "_SOONEST_SECONDS", 3600)
    one, _ = two(owner, using)
    (stored,) = next(iter(execute("SELECT password FROM shop_account LIMIT 1")))
    for number in range(100, 120):
        execute("UPDATE shop_account SET password = %s", bytes(stored)[:4] + number.to_bytes(4, "big") + bytes(40))
        state = field_keys()._key._state
        with pytest.raises(WrongKey, match="no version"):
            Account.objects.using(using).get(pk=one.pk)
        assert (field_keys()._key._state is not state) is (number == 100)


def test_a_locked_vault_is_an_error_of_its_own(using: str, owner: User, vault: Any) -> None:
    """A closed vault gives out nothing, and says what it is."""
    from strongroom.errors import VaultLocked

    one, _ = two(owner, using)
    vault.lock()
    with pytest.raises(VaultLocked):
        Account.objects.using(using).get(pk=one.pk)
    with pytest.raises(VaultLocked), transaction.atomic(using=using):
        Account.objects.using(using).create(owner=owner, label="three", password="third")


def test_the_blind_index_cannot_be_exchanged(using: str, execute: Execute) -> None:
    """A row that was given another row's index is found by it, and then refused."""
    rows = Person.objects.using(using)
    rows.create(email="ann@example.org")
    rows.create(email="bob@example.org")
    ann, bob = sorted(bytes(row[0]) for row in execute("SELECT email FROM shop_person"))
    execute("UPDATE shop_person SET email = %s WHERE email = %s", ann[:8] + bob[8:24] + ann[24:], ann)
    with pytest.raises(Tampered, match=r"shop\.Person\.email"):
        list(rows.filter(email="ann@example.org") | rows.filter(email="bob@example.org"))


def test_a_failure_holds_no_value(using: str, owner: User, execute: Execute) -> None:
    """Neither message nor advice nor the chain of errors has the value or the ciphertext."""
    one, _ = two(owner, using)
    execute("UPDATE shop_account SET owner_id = owner_id, note = password")
    with pytest.raises(Tampered) as caught:
        Account.objects.using(using).get(pk=one.pk)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    said = f"{caught.value!r} {caught.value.advice}"
    assert "first" not in said
    assert "srf" not in said


def test_a_database_that_is_none_of_ours_is_refused(using: str, owner: User) -> None:
    """On MySQL nothing is written, rather than what cannot be read there."""
    from types import SimpleNamespace

    from django.db import NotSupportedError

    one, _ = two(owner, using)
    field = Account._meta.get_field("password")
    with pytest.raises(NotSupportedError):
        field.get_db_prep_save(field.encrypted("x", one), SimpleNamespace(vendor="mysql"))
    with pytest.raises(NotSupportedError):
        field.row.sql("password", str, "mysql")


def test_the_column_itself(using: str, owner: User) -> None:
    """The column has no length; NULL where none may be is the database's error."""
    row = Account.objects.using(using).create(owner=owner, label="long", password="p" * 5000)
    assert Account.objects.using(using).get(pk=row.pk).password == "p" * 5000
    with pytest.raises(DatabaseError), transaction.atomic(using=using):
        Account.objects.using(using).create(owner=owner, label="none", password=None)


@pytest.mark.parametrize("key", ["CAST('42' AS BLOB)", "CAST(? AS TEXT)"])
def test_a_key_of_another_type_is_another_row(vault: Any, sqlite_tables: str, key: str) -> None:
    """SQLite keeps what it is given: a key of text may hold a row, a colon and a message up to its last byte."""
    with transaction.atomic("default"):
        row = Person.objects.create(pk=42, number=7)
        with connections["default"].cursor() as cursor:
            is_whole, stored = "?" in key, b""
            # The last byte is the colon that the query puts behind the key: one message of 256.
            while not stored or (is_whole and not stored.endswith(b":")):
                row.save()
                cursor.execute("SELECT number FROM shop_person WHERE id = 42")
                stored = bytes(cursor.fetchone()[0])
            parameters = [b"42:" + stored[:-1], b""] if is_whole else [stored]
            cursor.execute(
                f"INSERT INTO shop_person (id, number) VALUES ({key.replace('?', '%s')}, %s)", parameters
            )
            with pytest.raises(Tampered, match="row !"):
                list(Person.objects.exclude(id=42).values_list("number"))
        assert Person.objects.get(id=42).number == 7
        transaction.set_rollback(True, "default")


def test_a_bound_column_of_another_type_is_another_row(vault: Any, sqlite_tables: str) -> None:
    with transaction.atomic("default"):
        Sealed.objects.create(name="a", tenant=1, region="eu", value="v")
        with connections["default"].cursor() as cursor:
            cursor.execute("UPDATE shop_sealed SET region = CAST(region AS BLOB)")
            with pytest.raises(Tampered):
                list(Sealed.objects.values_list("value"))
        transaction.set_rollback(True, "default")
