"""Somebody who kept older rows puts them back.

One item's rows, all of them, are the limit of what `get` can see (docs/threat-model.md);
`verify` sees it and says whose they are, also after an honest write on top.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest

from strongroom.errors import RolledBack, Tampered, WrongKey
from tests.faults.attacks import (
    SETTINGS,
    Act,
    Scene,
    attacker,
    contents,
    dump,
    findings,
    look,
    opened,
    put,
    remove,
    replace_table,
)
from tests.faults.staging import Attack, scene_for, stage

CHECKING, SAVINGS, SMTP = "bank/checking", "bank/savings", "mail/smtp"


def _item_back(path: str, moment: str, *, of: str = "") -> Act:
    """The node and the versions of one item as they were; *of*: where its node lay then."""

    def act(db: sqlite3.Connection, scene: Scene) -> None:
        rows = scene.moments[moment]
        put(db, "nodes", rows["nodes"][scene.places[of or path]])
        db.execute("DELETE FROM versions WHERE item = ?", (scene.ids[path],))
        for row in rows["versions"].values():
            if row[0] == scene.ids[path]:
                put(db, "versions", row)

    return act


def _row_back(table: str, path: str, moment: str) -> Act:
    return lambda db, scene: put(db, table, scene.moments[moment][table][scene.places[path]])


def _move_back(db: sqlite3.Connection, scene: Scene) -> None:
    """The old name again, and the new one gone."""
    _row_back("nodes", "old name", "unmoved")(db, scene)
    remove(db, "nodes", scene.places["new name"])


def _folder_back(db: sqlite3.Connection, scene: Scene) -> None:
    _row_back("nodes", "from/", "unmoved")(db, scene)
    remove(db, "nodes", scene.places["to/"])


def _destroyed_back(db: sqlite3.Connection, scene: Scene) -> None:
    put(db, "nodes", scene.moments["middle"]["nodes"][scene.places["gone/"]])
    _item_back("gone/away", "middle")(db, scene)


def _destroyed_version_back(db: sqlite3.Connection, scene: Scene) -> None:
    put(db, "versions", scene.moments["middle"]["versions"][scene.version("plain", 1)])


def _table_back(table: str, moment: str) -> Act:
    return lambda db, scene: replace_table(db, table, scene.moments[moment][table])


def _tail_back(db: sqlite3.Connection, scene: Scene) -> None:
    """The audit log and the ledger as they were, everything else as it is."""
    for table in ("audit", "ledger"):
        replace_table(db, table, scene.moments["middle"][table])


def _settings_back(db: sqlite3.Connection, scene: Scene) -> None:
    put(db, "objects", scene.moments["young"]["objects"][1, bytes(16)])


ATTACKS = [
    Attack("item with its versions", _item_back(CHECKING, "middle"), "rolled back", CHECKING, stale=(CHECKING,)),
    Attack("item to its first state", _item_back(CHECKING, "young"), "rolled back", CHECKING, stale=(CHECKING,)),
    Attack("item's node alone", _row_back("nodes", CHECKING, "middle"), "rolled back", CHECKING, stale=(CHECKING,)),
    Attack("metadata alone", _row_back("nodes", SAVINGS, "young"), "rolled back", SAVINGS, stale=(SAVINGS,)),
    Attack("destroyed item", _destroyed_back, "inserted", "gone/away", mentions=("gone/",), stale=("gone/away",)),
    Attack("destroyed version", _destroyed_version_back, "inserted", "plain"),
    Attack("node with a destroyed version", _item_back("plain", "middle"), "rolled back", "plain", stale=("plain",)),
    Attack("old name beside the new one", _row_back("nodes", "old name", "unmoved"), "duplicated", "old name",
           mentions=("new name",), stale=("old name",)),
    Attack("old name instead of the new one", _move_back, "rolled back", "old name", mentions=("new name",),
           stale=("old name",)),
    Attack("old folder beside the new one", _row_back("nodes", "from/", "unmoved"), "duplicated", "from/",
           mentions=("to/", "from/x", "to/x"), stale=("from/x",)),
    Attack("old folder instead of the new one", _folder_back, "rolled back", "from/",
           mentions=("to/", "from/x", "to/x"), stale=("from/x",)),
    Attack("destroyed folder", _row_back("nodes", "gone/", "middle"), "inserted", "gone/", stale=("gone/",)),
    Attack("settings of the vault", _settings_back, "rolled back", SETTINGS, stale=(SETTINGS,)),
    Attack("ledger", _table_back("ledger", "middle"), "rolled back: the "),
    Attack("audit log", _table_back("audit", "middle"), "deleted: audit entries", mentions=("gone/away",)),
    Attack("audit log and ledger", _tail_back, "rolled back: the audit log", mentions=(
        CHECKING, "plain", "gone/away", "old name", "new name", "from/x", "to/x")),
]  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_older_rows(attack: Attack, tmp_path: Path) -> None:
    """Reading gives the truth, an error, or for the item itself what it once was; verify names it."""
    stage(attack, tmp_path)


def test_a_consistent_roll_back_is_not_seen_by_get(tmp_path: Path) -> None:
    """The documented limit: get returns the older value, verify says so by name."""
    scene = scene_for(tmp_path)
    with attacker(scene.file) as db:
        _item_back(CHECKING, "middle")(db, scene)
    with opened(scene.file, scene.credential) as vault:
        assert contents(vault, CHECKING) == scene.past[CHECKING][1]
        assert any(line.startswith("rolled back: bank/checking") for line in findings(vault))


def test_a_roll_back_under_an_honest_write_is_named(tmp_path: Path) -> None:
    """Writing the item again does not hide that it had been rolled back."""
    scene = scene_for(tmp_path)
    with attacker(scene.file) as db:
        _item_back(CHECKING, "young")(db, scene)
    with opened(scene.file, scene.credential) as vault:
        for value in ("new", "newer", "newest"):
            vault.set(CHECKING, {"password": value})
    with opened(scene.file, scene.credential) as vault:
        assert contents(vault, CHECKING) == {"password": "newest"}
        assert any(line.startswith("rolled back: bank/checking") for line in findings(vault))


def test_the_whole_file_cannot_be_told_from_its_past(tmp_path: Path) -> None:
    """The documented limit: an older copy of everything opens and verifies in a fresh program."""
    scene = scene_for(tmp_path)
    with attacker(scene.file) as db:
        for table, rows in scene.moments["middle"].items():
            replace_table(db, table, rows)
    with opened(scene.file, scene.credential) as vault:
        assert findings(vault) == ()
        assert contents(vault, CHECKING) == scene.past[CHECKING][1]


def test_the_whole_file_under_an_open_vault(tmp_path: Path) -> None:
    """A program that saw the newer state refuses to write over an older one."""
    scene = scene_for(tmp_path)
    with opened(scene.file, scene.credential) as vault:
        vault.set("mine", {"password": "x"})
        with attacker(scene.file) as db:
            for table, rows in scene.moments["now"].items():
                replace_table(db, table, rows)
        with pytest.raises(RolledBack):
            vault.set("mine", {"password": "y"})
        with pytest.raises(RolledBack):
            vault.status()
        assert any(line.startswith("rolled back: the store") for line in findings(vault))
        with pytest.raises(RolledBack):
            vault.set("mine", {"password": "y"})


@pytest.mark.parametrize("tables", [("slots",), ("header",), ("slots", "header"), ("slots", "header", "objects")])
def test_a_removed_slot_put_back(tables: tuple[str, ...], tmp_path: Path) -> None:
    """With or without its header: the removed key either opens nothing or verify says what happened."""
    scene = scene_for(tmp_path)
    before = scene.moments["now"]
    with opened(scene.file, scene.credential) as vault:
        vault.remove_slot(scene.slot_ids[1].hex())
        with attacker(scene.file) as db:
            for table in tables:
                replace_table(db, table, before[table])
        look(vault, scene)
        assert findings(vault)
    for credential in (scene.credential, scene.spare):
        try:
            with opened(scene.file, credential) as vault:
                assert {"slots", "header"} <= set(tables)
                assert findings(vault)
                look(vault, scene)
        except (Tampered, WrongKey):
            assert not {"slots", "header"} <= set(tables)


@pytest.mark.parametrize("with_header", [False, True])
def test_a_changed_slot_put_back(with_header: bool, tmp_path: Path) -> None:
    """The old secret of a slot does not open the vault unnoticed."""
    scene = scene_for(tmp_path)
    with opened(scene.file, scene.credential) as vault:
        young = dump(scene.file)
        vault.change_slot(scene.slot_ids[1].hex(), scene.spare)
        with attacker(scene.file) as db:
            replace_table(db, "slots", young["slots"])
            if with_header:
                replace_table(db, "header", young["header"])
        look(vault, scene)
        assert any("slot" in line for line in findings(vault))
    for credential in (scene.credential, scene.spare):
        if not with_header:
            with pytest.raises(Tampered), opened(scene.file, credential):
                pass
            continue
        with opened(scene.file, credential) as vault:
            assert any(line.startswith("rolled back: the header and the key slots") for line in findings(vault))


def test_a_slot_change_after_a_roll_back_does_not_whitewash(tmp_path: Path) -> None:
    """Sealing a new header over slots and header that were put back leaves verify saying so."""
    scene = scene_for(tmp_path)
    young = scene.moments["now"]
    with opened(scene.file, scene.credential) as vault:
        vault.remove_slot(scene.slot_ids[1].hex())
    with attacker(scene.file) as db:
        replace_table(db, "slots", young["slots"])
        replace_table(db, "header", young["header"])
    with opened(scene.file, scene.credential) as vault:
        with suppress(Tampered):
            vault.change_slot(scene.slot_ids[0].hex(), scene.credential)
        assert findings(vault)


def test_a_folder_inside_itself(tmp_path: Path) -> None:
    """Older names that make two folders hold each other end in an error of ours, not in a walk without end."""
    scene = scene_for(tmp_path)
    with opened(scene.file, scene.credential) as vault:
        vault.set("one/a", {"password": "x"})
        vault.set("two/b", {"password": "y"})
        vault.move("one/", "two/one/")
        inside = set(dump(scene.file)["nodes"].values())
        vault.move("two/one/", "one/")
        inside -= set(dump(scene.file)["nodes"].values())
        vault.move("two/", "one/two/")
        assert sorted(vault.walk("one")) == ["one/a", "one/two/b"]
        with attacker(scene.file) as db:
            for row in inside:
                put(db, "nodes", row)
        with pytest.raises(Tampered):
            vault.walk()
        with pytest.raises(Tampered):
            vault.walk("one")
        with pytest.raises(Tampered):
            vault.move("one/", "three/")
        assert any(line.startswith("duplicated: ") and "one/" in line for line in findings(vault)), findings(vault)
