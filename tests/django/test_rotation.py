"""``manage.py strongroom rotate`` and ``verify``: every value, none lost, and the wrong key told from bad rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest

from strongroom.keys.slots.key_file import new_key_file
from strongroom.stores.memory import MemoryStore
from strongroom.vault.opening import create_vault
from strongroom.vault.vault import Vault
from tests.django import project

project.configure()

from django.contrib.auth.models import User  # noqa: E402 - once Django is configured
from django.core.management import CommandError, call_command  # noqa: E402
from django.db import connections, transaction  # noqa: E402
from django.db.models.signals import post_save, pre_save  # noqa: E402

from strongroom.django import use_vault  # noqa: E402
from strongroom.django.rotation import rotate  # noqa: E402
from strongroom.django.stored_values import StoredValues  # noqa: E402
from tests.django.shop.models import Account, Person, Plain, Sealed  # noqa: E402

Execute = Callable[..., list[tuple[Any, ...]]]
COUNT = 25


def run(using: str, *words: str) -> tuple[str, str]:
    """The command; what it wrote to stdout and stderr."""
    out, err = StringIO(), StringIO()
    call_command("strongroom", *words, "--database", using, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def fails(using: str, *words: str) -> tuple[int, str]:
    """As `run` for a command that fails: its exit code, and all that it said."""
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("strongroom", *words, "--database", using, stdout=out, stderr=err)
    return caught.value.returncode, f"{out.getvalue()}{err.getvalue()}{caught.value}"


def renew(vault: Vault) -> None:
    """A new version of the key, and a process that starts with it."""
    vault.keys["django"].rotate()
    use_vault(vault)


@pytest.fixture
def accounts(using: str, owner: User) -> list[Account]:
    """Rows with two encrypted columns, of which one is NULL here and there."""
    rows = [
        Account(owner=owner, label=f"{one}", password=f"velvet-{one}", note=f"note {one}" if one % 5 else None)
        for one in range(COUNT)
    ]
    return Account.objects.using(using).bulk_create(rows)


def passwords(using: str) -> list[str]:
    return sorted(Account.objects.using(using).values_list("password", flat=True))


def test_every_value_comes_under_the_new_version(using: str, vault: Vault, accounts: list[Account]) -> None:
    """Then the old version can be destroyed; NULL stays NULL; no save is signalled, and no value is printed."""
    saved: list[object] = []

    def watch(**_signal: object) -> None:
        saved.append(1)

    renew(vault)
    pre_save.connect(watch)
    post_save.connect(watch)
    try:
        out, err = run(using, "rotate", "shop.Account", "--batch-size", "4")
    finally:
        pre_save.disconnect(watch)
        post_save.disconnect(watch)
    assert out.splitlines() == [
        "shop.Account.password: 25 encrypted again; 25 under version 2",
        "shop.Account.note: 20 encrypted again; 20 under version 2",
    ]
    assert saved == []
    assert "velvet" not in out + err
    vault.keys["django"].disable(1)
    vault.keys["django"].destroy(1)
    use_vault(vault)
    assert passwords(using) == sorted(f"velvet-{number}" for number in range(COUNT))
    assert Account.objects.using(using).filter(note=None).count() == 5
    assert run(using, "rotate", "shop.Account")[0].startswith("shop.Account.password: 0 encrypted again; 25")


def test_a_rotation_goes_on_where_it_was_interrupted(using: str, vault: Vault, accounts: list[Account]) -> None:
    """Each batch that was finished stays; what is left is done by the next one."""
    renew(vault)
    values = StoredValues(Account._meta.get_field("password"), using)
    steps = rotate(values, batch_size=10, using=using)
    assert next(steps).done == 10
    steps.close()
    assert values.counts() == {1: 15, 2: 10}
    assert passwords(using) == sorted(f"velvet-{number}" for number in range(COUNT))
    assert "shop.Account.password: 15 encrypted again; 25 under version 2" in run(using, "rotate", "shop")[0]


def test_a_dry_run_writes_nothing(using: str, vault: Vault, accounts: list[Account], execute: Execute) -> None:
    """It says how many values a rotation would encrypt again."""
    before = execute("SELECT id, password, note FROM shop_account ORDER BY id")
    renew(vault)
    out, _ = run(using, "rotate", "shop.Account", "--dry-run", "--json")
    assert [(line["column"], line["done"], line["versions"]) for line in json.loads(out)] == [
        ("shop.Account.password", 25, {"1": 25}),
        ("shop.Account.note", 20, {"1": 20}),
    ]
    assert execute("SELECT id, password, note FROM shop_account ORDER BY id") == before


def test_bad_rows_are_named_and_left(using: str, vault: Vault, accounts: list[Account], execute: Execute) -> None:
    """The others are rotated; a second rotation, which meets bad rows alone, does not take them for a wrong key."""
    execute("UPDATE shop_account SET password = (SELECT password FROM shop_account WHERE label = '3') "
            "WHERE label IN ('4', '5', '6')")  # fmt: skip
    renew(vault)
    for done in (22, 0):
        code, said = fails(using, "rotate", "shop.Account")
        assert code == 7
        assert f"shop.Account.password: {done} encrypted again, 3 FAILED; 3 under version 1, 22 under version 2" in said
        assert all(f"shop.Account.password of the row {accounts[bad].pk.hex}" in said for bad in (4, 5, 6))
        assert "velvet" not in said
    code, said = fails(using, "verify", "shop.Account")
    assert (code, "22 verified, 3 FAILED" in said) == (7, True)


def test_text_that_was_never_encrypted_is_counted_and_left(
    using: str, vault: Vault, accounts: list[Account], execute: Execute
) -> None:
    """A rotation is no way to have plaintext accepted."""
    plain = "'velvet-plain'" if using == "default" else "convert_to('velvet-plain', 'UTF8')"
    execute(f"UPDATE shop_account SET password = {plain} WHERE label = '3'")
    renew(vault)
    code, said = fails(using, "rotate", "shop.Account")
    assert code == 7
    assert "24 encrypted again, 1 FAILED; 24 under version 2, 1 not encrypted" in said
    assert "it holds no encrypted value" in said
    assert "velvet" not in said


@pytest.fixture
def other_vault(vault: Vault) -> Iterator[Vault]:
    """Somebody else's, with a key of the same name."""
    with create_vault(MemoryStore(), [new_key_file()], author="tester") as other:
        other.keys.create("django")
        yield other
        use_vault(vault)


@pytest.mark.parametrize("versions", [1, 2])
@pytest.mark.parametrize("verb", ["rotate", "verify"])
def test_the_wrong_key_stops_it(
    verb: str, versions: int, using: str, accounts: list[Account], other_vault: Vault, execute: Execute
) -> None:
    """More failures than successes are no bad rows; also when the versions have the same numbers."""
    before = execute("SELECT id, password, note FROM shop_account ORDER BY id")
    for _ in range(1, versions):
        other_vault.keys["django"].rotate()
    use_vault(other_vault)
    code, said = fails(using, verb, "shop.Account", "--batch-size", "10")
    assert code == 6
    assert "it is the wrong key, and not bad rows" in said
    assert "STRONGROOM in the settings" in said
    assert execute("SELECT id, password, note FROM shop_account ORDER BY id") == before


@pytest.mark.parametrize("verb", ["rotate", "verify"])
def test_a_version_that_is_disabled_too_early_is_no_wrong_key(
    verb: str, using: str, vault: Vault, accounts: list[Account]
) -> None:
    """It says which command brings the values back."""
    vault.keys["django"].rotate()
    vault.keys["django"].disable(1)
    use_vault(vault)
    code, said = fails(using, verb, "shop.Account")
    assert code == 5
    assert "version 1 of the key django is disabled" in said
    assert "strongroom key enable" in said
    assert "wrong key" not in said


def test_progress_is_told_to_who_asks(using: str, vault: Vault, accounts: list[Account]) -> None:
    """-v may stand behind the verb, too."""
    renew(vault)
    _, said = run(using, "rotate", "shop.Account", "--batch-size", "10", "-v", "2")
    assert [line for line in said.splitlines() if "password" in line] == [
        f"rotate shop.Account.password: {done} of at most 25" for done in (10, 20, 25)
    ]


def test_what_is_written_meanwhile_stays(using: str, vault: Vault, accounts: list[Account]) -> None:
    """A value is replaced only while it is the one that was read."""
    values = StoredValues(Account._meta.get_field("password"), using)
    (batch,) = values.batches(COUNT)
    first = Account.objects.using(using).get(pk=batch[0].row.decode().split(",")[0])
    first.password = "newer"
    first.save(using=using)
    assert not values.replace(batch[0], b"older")
    assert values.replace(batch[1], batch[1].message)
    assert Account.objects.using(using).get(pk=first.pk).password == "newer"


def test_rows_that_others_write_are_counted(using: str, vault: Vault, accounts: list[Account]) -> None:
    """The writer used the old version: the next rotation takes it along."""
    values = StoredValues(Account._meta.get_field("password"), using)
    renew(vault)
    batches = values.batches

    def overtaken(*arguments: Any, **options: Any) -> Iterator[Any]:
        for batch in batches(*arguments, **options):
            if options.get("without"):
                stored = batch[0]
                values.replace(stored, stored.message[:-1] + b"x")
                values.replace(batch[1], batch[1].message)
            yield batch

    values.batches = overtaken  # type: ignore[method-assign]
    (tally,) = list(rotate(values, batch_size=COUNT, using=using))
    assert (tally.done, tally.overtaken, tally.failed) == (COUNT - 1, 1, 0)


def test_a_rotation_makes_blind_indexes_anew(using: str, vault: Vault) -> None:
    """Look-ups find the same rows before, half-way and afterwards."""
    rows = Person.objects.using(using)
    for number in range(6):
        rows.create(email=f"P{number}@Example.org", number=number)
    renew(vault)
    values = StoredValues(Person._meta.get_field("email"), using)
    next(iter(rotate(values, batch_size=3, using=using)))
    found = [rows.get(email=f"p{number}@example.org").number for number in range(6)]
    run(using, "rotate", "shop.Person")
    vault.keys["django"].disable(1)
    use_vault(vault)
    assert found == [rows.get(email=f"p{number}@example.org").number for number in range(6)] == list(range(6))
    assert "6 verified; 6 under version 2" in run(using, "verify", "shop.Person")[0]


def test_verify_finds_an_index_of_another_normalization(using: str, vault: Vault, monkeypatch: Any) -> None:
    """Look-ups would silently miss those rows; a rotation repairs them."""
    Person.objects.using(using).create(email="Ann@Example.org", number=1)
    field = Person._meta.get_field("email")
    monkeypatch.setattr(field, "normalize", str.upper)
    assert fails(using, "verify", "shop.Person")[0] == 6
    renew(vault)
    run(using, "rotate", "shop.Person")
    assert "1 verified" in run(using, "verify", "shop.Person")[0]


def test_verify_tells_of_more_values_than_a_version_is_for(using: str, vault: Vault, monkeypatch: Any) -> None:
    """On stderr, with what to do; counted by rows, as nothing else is there to count. Other columns are not named."""
    from strongroom.crypto.columns import VALUES_MAX
    from strongroom.django.management.commands import strongroom as command

    assert command._ROWS_MANY == 2**32 == VALUES_MAX / 16
    Person.objects.using(using).bulk_create([Person(email=f"{number}@example.org") for number in range(3)])
    assert "rotate" not in run(using, "verify", "shop.Person")[1]
    monkeypatch.setattr(command, "_ROWS_MANY", 3)
    told = run(using, "verify", "shop.Person")[1]
    assert "shop.Person.email: 3 values under version 1" in told
    assert told.count("rotate the key") == 1


def test_a_field_that_became_searchable_gets_its_index(using: str, vault: Vault, monkeypatch: Any) -> None:
    """By a rotation, even without a new version of the key."""
    field = Person._meta.get_field("email")
    monkeypatch.setattr(field, "searchable", False)
    Person.objects.using(using).create(email="ann@example.org", number=1)
    monkeypatch.setattr(field, "searchable", True)
    assert "shop.Person.email: 1 encrypted again; 1 under version 1" in run(using, "rotate", "shop.Person")[0]
    assert Person.objects.using(using).get(email="ANN@example.org").number == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("rotate", "shop.Nothing"), "Nothing"),
        (("rotate", "nowhere"), "nowhere"),
        (("verify", "shop.Plain"), "no model here has an encrypted field"),
        (("rotate", "--batch-size", "0"), "at least 1"),
    ],
)
def test_wrong_use_is_exit_2(words: tuple[str, ...], says: str, using: str) -> None:
    """And says what is wrong."""
    assert Plain._meta.label == "shop.Plain"
    code, said = fails(using, *words)
    assert (code, says in said) == (2, True)


@pytest.fixture
def sealed(vault: Vault, sqlite_tables: str) -> Iterator[str]:
    """Rows whose key is text, in a file of SQLite's."""
    with transaction.atomic():
        for name in ("ann", "bob", "cid"):
            Sealed.objects.create(name=name, tenant=1, value=f"of {name}")
        yield sqlite_tables
        transaction.set_rollback(True)


def sql(text: str) -> list[tuple[Any, ...]]:
    with connections["default"].cursor() as cursor:
        cursor.execute(text)
        return cursor.fetchall() if cursor.description else []


def test_values_that_lie_there_as_text_are_rotated(sealed: str, vault: Vault) -> None:
    """As in a table that was filled by other means: they are counted, encrypted again, and bytes from then on."""
    sql("UPDATE shop_sealed SET value = CAST(value AS TEXT) WHERE name <> 'bob'")
    assert sorted(sql("SELECT typeof(value) FROM shop_sealed")) == [("blob",), ("text",), ("text",)]
    assert "3 verified; 3 under version 1" in run(sealed, "verify", "shop.Sealed")[0]
    renew(vault)
    assert "3 encrypted again; 3 under version 2" in run(sealed, "rotate", "shop.Sealed", "--batch-size", "1")[0]
    assert sql("SELECT DISTINCT typeof(value) FROM shop_sealed") == [("blob",)]
    assert {one.value for one in Sealed.objects.all()} == {"of ann", "of bob", "of cid"}
    assert "0 encrypted again" in run(sealed, "rotate", "shop.Sealed")[0]


@pytest.mark.parametrize("size", ["1", "1000"])
def test_keys_that_are_no_utf_8_are_bad_rows(sealed: str, vault: Vault, size: str) -> None:
    """Another program wrote them; they are named and left, and the rows before and after them are done."""
    sql("INSERT INTO shop_sealed (name, tenant, value) SELECT CAST(X'62FF' AS TEXT), 1, value FROM shop_sealed LIMIT 1")
    sql("INSERT INTO shop_sealed (name, tenant, value) SELECT X'62FE', 1, value FROM shop_sealed LIMIT 1")
    code, said = fails(sealed, "verify", "shop.Sealed", "--batch-size", size)
    assert code == 7
    assert "3 verified, 2 FAILED" in said
    assert "of the row 62FF,1,-: " in said
    assert "of the row !,1,-: " in said
    renew(vault)
    code, said = fails(sealed, "rotate", "shop.Sealed", "--batch-size", "1000")
    assert code == 7
    assert "3 encrypted again, 2 FAILED; 2 under version 1, 3 under version 2" in said
    driver = connections[sealed].connection
    assert driver.text_factory is str
