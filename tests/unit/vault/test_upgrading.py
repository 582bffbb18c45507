"""From an older format to the newest: forward, all steps or none, nothing that was tampered with is made genuine."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import strongroom
from strongroom.crypto import labels
from strongroom.errors import Conflict, FormatUnsupported, OutcomeUnknown, StoreUnavailable, Tampered
from strongroom.keys.slots.key_file import KeyFileCredential
from strongroom.locate import restoring
from strongroom.locate.opening import open_admitted
from strongroom.locate.unlock import anybody
from strongroom.locate.upgrading import Upgraded, upgrade_vault
from strongroom.stores import schema
from strongroom.stores.interface import Store
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault import upgrading
from strongroom.vault.opening import open_vault
from strongroom.vault.vault import Vault
from tests.faults.planted_formats import FORMATS, MARKS, marks, names, plant
from tests.unit.vault.conftest import beside


class Old:
    """A vault of the first format that was lived in."""

    def __init__(self, root: Path) -> None:
        root.mkdir(mode=0o700)
        self.path = root / "vault.db"
        self.key = root / "key"
        with strongroom.create(self.path, key_file=self.key) as vault:
            vault.set_many({f"a/{number}": {"password": f"value {number}"} for number in range(9)})

    def open(self, *, any_format: bool = True) -> Vault:
        return open_admitted(self.path, key_file=self.key, admit=anybody, any_format=any_format)

    def upgrade(self, **options: str) -> Upgraded:
        with self.open() as vault:
            return upgrade_vault(vault, **options)

    def sql(self, statement: str) -> None:
        """What somebody who can write to the file does."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(statement)

    def rows(self, path: Path | str = "") -> dict[str, list[object]]:
        """Every row of every table."""
        with closing(sqlite3.connect(path or self.path)) as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema ORDER BY name")]
            return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables}


@pytest.fixture
def old(tmp_path: Path) -> Old:
    return Old(tmp_path / "place")


def test_the_formats_are_in_order() -> None:
    """Each follows the one before, with a step to it, and numbers of tables are never reused."""
    for formats, moves in ((schema.FORMATS, upgrading.MOVES), (FORMATS, {2: None, 3: None})):
        assert [one.number for one in formats] == list(range(1, len(formats) + 1))
        assert sorted(moves) == list(range(2, len(formats) + 1))
        every = {table for one in formats for table in one.tables}
        assert len({table.number for table in every}) == len({table.name for table in every}) == len(every)
    assert schema.newest().number == labels.FORMAT


def test_two_steps_at_once(old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are made, filled and dropped; the vault verifies, is written to, and the old one is kept as it was."""
    before = old.rows()
    plant(monkeypatch.setattr)
    done = old.upgrade()
    assert (done.old, done.new) == (1, 3)
    assert done.kept is not None
    assert old.rows(done.kept) == before
    assert os.stat(done.kept).st_mode & 0o777 == 0o600
    assert MARKS.name not in old.rows()
    with strongroom.open(old.path, key_file=old.key) as vault:
        assert vault.verify().commit_counter == 3
        assert marks(vault._core) == names(vault._core)
        assert vault.get("a/7", "password").reveal() == "value 7"
        vault.set("a/7", {"password": "new"})
        vault.rotate()
        vault.verify()
        with vault._core.reading() as rows:
            operations = [vault._core.audit.open(row)[0].operation for row in vault._core.audit.walk(rows)]
        assert operations[:3] == ["init", "set", "upgrade 3"]
    assert old.upgrade().kept is None


def test_an_older_vault_is_not_used_before(old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 14, with the command that helps; nothing is written to it."""
    plant(monkeypatch.setattr)
    before = old.rows()
    with pytest.raises(FormatUnsupported, match="has store format 1, and this program works with 3") as caught:
        strongroom.open(old.path, key_file=old.key)
    assert caught.value.advice == "strongroom upgrade"
    old.open().close()
    assert old.rows() == before


def test_a_newer_vault_is_refused(old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a program of the first format, also while it has the vault open, and for its upgrade."""
    running = old.open(any_format=False)
    with monkeypatch.context() as later:
        plant(later.setattr)
        kept = old.upgrade().kept
    for use in (lambda: running.get("a/1"), lambda: running.set("b", {"n": "1"}), running.verify):
        with pytest.raises(FormatUnsupported):
            use()
    running.close()
    for any_format in (False, True):
        with pytest.raises(FormatUnsupported, match="has store format 3, this program knows 1"):
            old.open(any_format=any_format)
    assert kept is not None
    with open_admitted(kept, key_file=old.key, admit=anybody, is_backup=True) as copy:
        assert copy.get("a/1", "password").reveal() == "value 1"


def test_two_programs_upgrade_at_once(old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one finds it done, and says so."""
    plant(monkeypatch.setattr)
    with old.open() as late:
        old.upgrade()
        with pytest.raises(FormatUnsupported, match="was upgraded meanwhile"):
            upgrade_vault(late)
    assert len(list(old.path.parent.glob("*.format-1-*"))) == 1


def test_what_was_tampered_with_is_not_upgraded(old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum is made anew: whatever lay there would be genuine afterwards."""
    plant(monkeypatch.setattr)
    old.sql("DELETE FROM versions WHERE item = (SELECT min(item) FROM versions)")
    before = old.rows()
    with pytest.raises(Tampered, match="not what was written"):
        old.upgrade()
    assert old.rows() == before
    assert not list(old.path.parent.glob("*.format-1-*"))


def test_a_format_that_calls_itself_another(old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number in the file is nobody's word; the header's is the vault's."""
    old.sql("PRAGMA user_version = 0")
    with pytest.raises(Tampered, match="never existed"):
        old.open()
    old.sql("PRAGMA user_version = 1")
    plant(monkeypatch.setattr)
    old.upgrade()
    old.sql("DROP TABLE counted_marks")
    for number in (1, 2):
        old.sql(f"PRAGMA user_version = {number}")
        if number == 2:
            from strongroom.stores.sqlite_file import table_sql

            old.sql(table_sql(MARKS))
        with pytest.raises(Tampered, match=f"says that it is of format {number}, and its header of 3"):
            old.open()


def test_a_changed_mark_is_found(old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger covers the tables of the format that is there."""
    plant(monkeypatch.setattr)
    old.upgrade()
    old.sql("UPDATE counted_marks SET count = count + 1")
    with old.open() as vault, pytest.raises(Tampered):
        vault.verify()


def test_a_step_that_fails_changes_nothing(old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither half of the steps nor a copy is left; the same vault object goes on at the old format."""
    plant(monkeypatch.setattr)
    before = old.rows()

    def fail(_core: object, _rows: object) -> None:
        raise StoreUnavailable("planted")

    monkeypatch.setitem(upgrading.MOVES, 3, fail)
    with old.open() as vault:
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="planted"):
                upgrade_vault(vault)
            assert vault._core.store.format is FORMATS[0]
            assert vault.get("a/3", "password").reveal() == "value 3"
    assert old.rows() == before
    assert not list(old.path.parent.glob("*.format-1-*"))


def test_where_the_old_one_is_kept(old: Old, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a file of one's own choice, which must not exist; without one nothing is begun."""
    plant(monkeypatch.setattr)
    before = old.rows()
    with pytest.raises(Conflict):
        old.upgrade(backup=str(old.key))
    assert old.rows() == before
    kept = str(old.path.parent / "mine.db")
    assert old.upgrade(backup=kept).kept == kept
    assert old.rows(kept) == before


def test_a_log_that_cannot_be_emptied(old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    """The upgrade stands, the old vault stays where it is kept, and the error says both."""
    plant(monkeypatch.setattr)

    def refuse(_store: SqliteStore) -> None:
        raise StoreUnavailable("planted")

    monkeypatch.setattr(SqliteStore, "scrub", refuse)
    with old.open() as vault, pytest.raises(OutcomeUnknown) as caught:
        upgrade_vault(vault)
    (kept,) = old.path.parent.glob("*.format-1-*")
    assert f"the vault as it was is {kept}\n" in caught.value.advice
    assert old.upgrade().kept is None


@pytest.mark.parametrize("store", ["memory", "postgresql"], indirect=True)
def test_a_vault_that_is_no_file(vault: Vault, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no place beside it: the backup is named, or nothing is begun."""
    plant(monkeypatch.setattr)
    store.location = "postgresql://there/vault"
    with pytest.raises(ValueError, match="name a file"):
        upgrade_vault(vault)
    assert store.format is FORMATS[0]


def test_an_older_backup_is_upgraded_as_it_is_restored(old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    """The backup itself stays what it was, and says so when it is only looked at."""
    backup = old.path.parent / "backup.db"
    with old.open() as vault:
        vault.backup(str(backup))
    plant(monkeypatch.setattr)
    with pytest.raises(FormatUnsupported) as caught:
        open_admitted(backup, key_file=old.key, admit=anybody, is_backup=True)
    assert "restore-backup" in caught.value.advice
    before = backup.read_bytes()
    told: list[str] = []
    restored = restoring.restore_backup(
        str(backup),
        str(old.path),
        open_copy=lambda copy: open_admitted(copy, key_file=old.key, admit=anybody, any_format=True),
        tell=told.append,
    )
    assert (restored.items, told) == (9, [])
    assert backup.read_bytes() == before
    assert restored.kept is not None
    with strongroom.open(old.path, key_file=old.key) as vault:
        vault.verify()
        assert marks(vault._core) == names(vault._core)


def test_nothing_of_a_dropped_table_is_left(old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pages are overwritten, and the log is emptied: it may have held what a later format keeps otherwise."""
    plant(monkeypatch.setattr)
    canary = b"canary-in-a-dropped-table" * 40
    left: list[object] = []

    def leave(_core: object, rows: object) -> None:
        rows.put(MARKS, (b"c" * 16, canary))  # type: ignore[attr-defined]
        left.extend(rows.scan(MARKS))  # type: ignore[attr-defined]

    monkeypatch.setitem(upgrading.MOVES, 2, leave)
    monkeypatch.setitem(upgrading.MOVES, 3, lambda _core, _rows: None)
    with old.open() as vault:
        upgrade_vault(vault)
        assert (b"c" * 16, canary) in left, "it was there, and is not any more"
        for path in old.path.parent.iterdir():
            assert canary[:50] not in path.read_bytes(), path


def test_every_kind_of_store(
    vault: Vault, store: Store, credential: KeyFileCredential, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other kinds of stores take the same steps; an undone one leaves the former tables."""
    vault.set("a", {"n": "1"})
    plant(monkeypatch.setattr)
    other = beside(store, any_format=True)
    with open_vault(other, credential, author="test") as opened:
        with pytest.raises(ZeroDivisionError), other.writing(), other.reshaping(FORMATS[1]):
            raise ZeroDivisionError
        assert other.format is FORMATS[0]
        assert upgrading.upgrade(opened._core, keep=lambda: None) == 1
        assert other.format is FORMATS[2]
        assert marks(opened._core) == names(opened._core)
        opened.verify()
