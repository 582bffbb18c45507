"""`EncryptField` turns a plaintext column into an encrypted one, and back, in a table that stays in use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.vault.vault import Vault
from tests.django import project
from tests.django.runner import run_beside

project.configure()

from django.apps import apps  # noqa: E402 - once Django is configured
from django.core.management import call_command  # noqa: E402
from django.core.management.base import CommandError  # noqa: E402
from django.db import NotSupportedError, connections, migrations, models  # noqa: E402
from django.db.migrations import Migration  # noqa: E402
from django.db.migrations.executor import MigrationExecutor  # noqa: E402
from django.db.migrations.state import ProjectState  # noqa: E402

from strongroom.django import EncryptedIntegerField, EncryptedTextField, EncryptField, update  # noqa: E402
from strongroom.django.moving import Moving  # noqa: E402
from strongroom.django.plans import before_migrate  # noqa: E402
from tests.django.mover.models import Note  # noqa: E402

ROWS = 40
TEXTS = ["", *(f"text {n}" for n in range(1, ROWS))]


def state(alias: str, name: str) -> Any:
    """The historical model after the migration of that name."""
    executor = MigrationExecutor(connections[alias])
    return executor.loader.project_state([("mover", name)]).apps.get_model("mover", "Note")


def migrate(alias: str, name: str | None) -> None:
    """To the migration that begins with *name*, either way; None for the time before all of them."""
    executor = MigrationExecutor(connections[alias])
    names = [key[1] for key in executor.loader.graph.nodes if key[0] == "mover" and key[1].startswith(name or "none")]
    executor.migrate([("mover", names[0] if name else None)])


@pytest.fixture(params=["sqlite", "postgres"])
def alias(request: pytest.FixtureRequest, vault: Vault) -> Iterator[str]:
    """A database with a table of plain notes, which is committed and gone afterwards."""
    alias: str = request.getfixturevalue(f"{request.param}_tables")
    # The app's other tests have its newest tables; here it begins before them.
    migrate(alias, None)
    migrate(alias, "0001")
    plain = state(alias, "0001_plain")
    plain.objects.using(alias).bulk_create(
        [plain(owner=n % 3, text=f"text {n}" if n else "", number=n if n % 2 else None) for n in range(ROWS)]
    )
    yield alias
    with connections[alias].cursor() as cursor:
        cursor.execute("DROP TABLE mover_note")
        cursor.execute("DELETE FROM django_migrations WHERE app = 'mover'")
    connections[alias].close()


def stored(alias: str) -> list[tuple[Any, ...]]:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT id, owner, text, number FROM mover_note ORDER BY id")
        found = cursor.fetchall()
    return [tuple(bytes(value) if isinstance(value, memoryview) else value for value in row) for row in found]


def columns(alias: str) -> dict[str, bool]:
    """The columns of the table, and whether each may be NULL."""
    with connections[alias].cursor() as cursor:
        found = connections[alias].introspection.get_table_description(cursor, "mover_note")
    return {one.name: bool(one.null_ok) for one in found}


def assert_encrypted(alias: str, rows: list[tuple[Any, ...]]) -> None:
    """Every row reads as it was, through the model; nothing of it is plaintext, and the table is as the model says."""
    assert not triggers(alias)
    migrate(alias, "0003")
    now = stored(alias)
    assert [row[:2] for row in now] == [row[:2] for row in rows]
    assert all(row[2].startswith(b"srf\x02") for row in now)
    assert all(row[3] is None or row[3].startswith(b"srf\x01") for row in now)
    notes = Note.objects.using(alias).order_by("pk")
    assert list(notes.values_list("id", "owner", "text", "number")) == rows
    assert columns(alias) == {"id": False, "owner": False, "text": False, "number": True}
    assert notes.get(text="text 7").number == 7


def triggers(alias: str) -> list[Any]:
    with connections[alias].cursor() as cursor:
        if alias == "postgres":
            cursor.execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'strongroom%'")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        return list(cursor.fetchall())


def test_there_and_back(alias: str) -> None:
    """All rows are encrypted, can be searched, and are plaintext again after the way back."""
    rows = stored(alias)
    migrate(alias, "0002")
    assert_encrypted(alias, rows)
    Note.objects.using(alias).create(owner=1, text="new", number=5)
    migrate(alias, "0001")
    back = stored(alias)
    assert [row for row in back if row[2] != "new"] == rows
    assert [row[1:] for row in back if row[2] == "new"] == [(1, "new", 5)]
    assert state(alias, "0001_plain").objects.using(alias).filter(text__startswith="text 1").count() == 11
    migrate(alias, "0003")
    assert Note.objects.using(alias).get(text="new").number == 5


def test_what_is_written_meanwhile_is_not_lost(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that the running program changes, adds and deletes between batches are as it left them."""
    plain = state(alias, "0001_plain").objects.using(alias)
    keys = list(plain.order_by("pk").values_list("pk", flat=True))
    batches: list[int] = []
    inner = Moving._pass

    def busy(moving: Moving) -> int:
        moved = inner(moving)
        batches.append(moved)
        if len(batches) == 1:
            plain.filter(pk=keys[3]).update(text="changed")
            plain.filter(pk=keys[4]).update(owner=77)
            plain.filter(pk=keys[5]).delete()
            plain.filter(pk=keys[6]).update(number=66)
            plain.create(owner=8, text="added", number=8)
        return moved

    monkeypatch.setattr(Moving, "_pass", busy)
    migrate(alias, "0002")
    notes = Note.objects.using(alias)
    assert notes.get(pk=keys[3]).text == "changed"
    assert (notes.get(pk=keys[4]).owner, notes.get(pk=keys[4]).text) == (77, "text 4")
    assert not notes.filter(pk=keys[5]).exists()
    assert notes.get(pk=keys[6]).number == 66
    assert notes.get(text="added").number == 8
    assert notes.count() == ROWS


class Stopped(Exception):
    """The process would be dead here."""


@pytest.mark.parametrize("direction", ["0002", "0001"])
def test_interrupted_after_each_statement(alias: str, direction: str) -> None:
    """Broken off after any statement, the migration is taken up again by running it again, both ways."""
    rows = stored(alias)
    if direction == "0001":
        migrate(alias, "0002")
    count = 0

    def count_or_stop(stop_at: int) -> Callable[..., Any]:
        def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            nonlocal count
            count += 1
            if count == stop_at:
                raise Stopped
            return execute(sql, params, many, context)

        return wrapper

    stop_at, tries = 3, 0
    while True:
        count = 0
        try:
            with connections[alias].execute_wrapper(count_or_stop(stop_at)):
                migrate(alias, direction)
            break
        except Stopped:
            tries += 1
            connections[alias].close()
            # What goes on from here has fewer statements before it, so that it is stopped elsewhere each time.
            stop_at += 4
    assert tries > 3
    if direction == "0002":
        assert_encrypted(alias, rows)
    else:
        assert stored(alias) == rows
        assert not triggers(alias)


def test_a_value_that_is_another_one_afterwards_stops_the_move(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the database gives back is compared, row by row, before anything of the old column is given up."""
    monkeypatch.setattr(EncryptedTextField, "from_bytes", lambda _self, data: data.decode().replace("text 9", "x"))
    with pytest.raises(ValueError, match=r"mover\.Note\.text of \d+ is not the same"):
        migrate(alias, "0002")
    monkeypatch.undo()
    assert {row[2] for row in stored(alias)} >= {"text 9", "text 1"}
    migrate(alias, "0002")
    assert Note.objects.using(alias).get(text="text 9").number == 9


@pytest.mark.parametrize(
    "options",
    [{"bind": ()}, {"bind": ("owner",), "searchable": True}, {"bind": ("owner", "number2")}],
    ids=["no owner any more", "other spellings alike", "a column more"],
)
def test_from_one_context_to_another(alias: str, options: dict[str, Any]) -> None:
    """Values that are encrypted already are encrypted again for another owner, or with another index; twice is once."""
    migrate(alias, "0003")
    update(Note.objects.using(alias).filter(text="text 9"), text="TEXT 9")
    state = MigrationExecutor(connections[alias]).loader.project_state([("mover", "0003_key_and_index")])
    again = Migration("0004_again", "mover")
    index = migrations.RemoveIndex("Note", "mover_note_text_blind")
    column = migrations.AddField("Note", "number2", models.IntegerField(default=5))
    again.operations = [index, column, EncryptField("Note", "text", EncryptedTextField(**options), batch_size=7)]
    if options.get("searchable"):
        options["normalize"] = "casefold"
        again.operations[-1] = EncryptField("Note", "text", EncryptedTextField(**options), batch_size=7)
    before = {row[2] for row in stored(alias)}
    with connections[alias].schema_editor(atomic=False) as editor:
        after = again.apply(state, editor)
    note = after.apps.get_model("mover", "Note").objects.using(alias)
    expected = ["TEXT 9" if text == "text 9" else text for text in TEXTS]
    assert sorted(note.values_list("text", flat=True)) == sorted(expected)
    assert not {row[2] for row in stored(alias)} & before
    if options.get("searchable"):
        assert note.get(text="TEXT 7").number == 7
    now = stored(alias)
    repeated = Migration("0005_again", "mover")
    repeated.operations = again.operations[-1:]
    with connections[alias].schema_editor(atomic=False) as editor:
        repeated.apply(after, editor)
    assert stored(alias) == now


def change(name: str, field: models.Field) -> list[tuple[Any, bool]]:
    step = Migration("0009_wrong", "mover")
    step.operations = [
        migrations.RenameField("Note", "number", "count"),
        migrations.RenameModel("Note", "Memo"),
        migrations.AlterField("Memo", name, field),
    ]
    return [(step, False)]


@pytest.mark.parametrize(
    ("name", "field", "is_refused"),
    [
        ("text", models.TextField(), True),
        ("text", EncryptedTextField(), True),
        ("text", EncryptedTextField(bind=("owner",)), True),
        ("text", EncryptedTextField(bind=("owner",), searchable=True, help_text="said otherwise"), False),
        ("owner", EncryptedIntegerField(), True),
        ("owner", models.BigIntegerField(), False),
        ("count", EncryptedTextField(null=True), True),
        ("count", EncryptedIntegerField(), False),
    ],
)
def test_a_plan_that_would_leave_values_behind_is_refused(name: str, field: models.Field, is_refused: bool) -> None:
    """`AlterField` where values would have to be encrypted, decrypted or bound otherwise stops `migrate` at once."""
    if is_refused:
        with pytest.raises(CommandError, match="EncryptField"):
            before_migrate(plan=change(name, field), apps=apps)
    else:
        before_migrate(plan=change(name, field), apps=apps)
    before_migrate(plan=[(change(name, field)[0][0], True)], apps=apps)
    before_migrate(plan=[], apps=apps)


def test_what_the_operation_asks_for(alias: str) -> None:
    """It refuses to run in one transaction, and fields that are not encrypted."""
    before, after = ProjectState.from_apps(apps), ProjectState.from_apps(apps)
    with connections[alias].schema_editor() as editor:
        operation = EncryptField("Note", "text", EncryptedTextField())
        with pytest.raises(NotSupportedError, match="atomic = False"):
            operation.database_forwards("mover", editor, before, after)
    with pytest.raises(TypeError, match="encrypted field"):
        EncryptField("Note", "text", models.TextField())
    with pytest.raises(ValueError, match="one row"):
        EncryptField("Note", "text", EncryptedTextField(), batch_size=0)


def test_migrations_are_complete(alias: str, capsys: pytest.CaptureFixture[str]) -> None:
    """After the operation models and migrations say the same; `sqlmigrate` says that SQL cannot do it."""
    call_command("makemigrations", "mover", check=True, dry_run=True, verbosity=0)
    call_command("sqlmigrate", "mover", "0002", database=alias)
    said = capsys.readouterr().out
    assert "-- Encrypt the field text of Note" in said
    assert "CANNOT BE WRITTEN AS SQL" in said


def test_killed_in_the_middle(tmp_path: Path) -> None:
    """A migration whose process is killed, again and again, is complete once it was let run to its end."""
    printed = run_beside("killed_moves", tmp_path)
    killed = [int(line.split()[1]) for line in printed if line.startswith("killed")]
    assert len(killed) >= 4
    assert printed[-1] == "all 40 rows are encrypted, as they were"
