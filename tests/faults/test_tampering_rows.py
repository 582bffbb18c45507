"""Somebody who can write to the file moves, copies, changes, deletes and plants rows.

Each attack is met by a vault that was open meanwhile and by one opened afresh: both read
the truth or refuse, and `verify` names the item and what happened to it.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.faults.attacks import Act, Scene, put, remove, swap_bodies, take
from tests.faults.staging import Attack, stage

CHECKING, SAVINGS, SMTP = "bank/checking", "bank/savings", "mail/smtp"
BIGGEST = 2**63 - 1
EVERYBODY = (CHECKING, SAVINGS, SMTP, "plain", "new name", "to/x")


def _swap_versions(one: tuple[str, int], two: tuple[str, int]) -> Act:
    return lambda db, scene: swap_bodies(db, "versions", scene.version(*one), scene.version(*two))


def _copy_version(source: tuple[str, int], target: tuple[str, int]) -> Act:
    def act(db: sqlite3.Connection, scene: Scene) -> None:
        put(db, "versions", (*scene.version(*target), take(db, "versions", scene.version(*source))[-1]))

    return act


def _swap_nodes(one: str, two: str) -> Act:
    return lambda db, scene: swap_bodies(db, "nodes", scene.places[one], scene.places[two])


def _swap_node_ids(db: sqlite3.Connection, scene: Scene) -> None:
    """Each name leads to the other's item, if the id were not part of the context."""
    one, two = (take(db, "nodes", scene.places[path]) for path in (CHECKING, SAVINGS))
    put(db, "nodes", (*one[:2], two[2], one[3]))
    put(db, "nodes", (*two[:2], one[2], two[3]))


def _swap_whole_nodes(db: sqlite3.Connection, scene: Scene) -> None:
    """The same with id and body: only the token says whose name it is."""
    one, two = (take(db, "nodes", scene.places[path]) for path in (CHECKING, SAVINGS))
    put(db, "nodes", (*one[:2], *two[2:]))
    put(db, "nodes", (*two[:2], *one[2:]))


def _other_version(db: sqlite3.Connection, scene: Scene) -> None:
    body = scene.other["versions"][scene.other_ids[CHECKING], 3][-1]
    put(db, "versions", (*scene.version(CHECKING, 3), body))


def _other_node(db: sqlite3.Connection, scene: Scene) -> None:
    put(db, "nodes", (*scene.places[SMTP], *scene.other["nodes"][scene.other_places[SMTP]][2:]))


def _other_item(db: sqlite3.Connection, scene: Scene) -> None:
    """Node and versions of the other vault under the victim's own token."""
    node = scene.other["nodes"][scene.other_places[SMTP]]
    put(db, "nodes", (*scene.places[SMTP], *node[2:]))
    put(db, "versions", scene.other["versions"][node[2], 1])


def _other_ledger(db: sqlite3.Connection, scene: Scene) -> None:
    put(db, "ledger", scene.other["ledger"][0,])


def _other_audit(db: sqlite3.Connection, scene: Scene) -> None:
    key = (bytes(16), 2)
    put(db, "audit", scene.other["audit"][key])


def _other_settings(db: sqlite3.Connection, scene: Scene) -> None:
    """A note of the other vault's slot in place of the settings."""
    note = next(row for row in scene.other["objects"].values() if row[0] == 2)
    put(db, "objects", (1, bytes(16), note[-1]))


def _rekey(table: str, key: str, column: int, value: object) -> Act:
    """One column of one row gets another value; the row keeps everything else."""

    def act(db: sqlite3.Connection, scene: Scene) -> None:
        old = scene.version(CHECKING, 3) if table == "versions" else scene.places[key]
        row = list(take(db, table, old))
        remove(db, table, old)
        row[column] = value
        put(db, table, tuple(row))

    return act


def _delete_version(path: str, number: int) -> Act:
    return lambda db, scene: remove(db, "versions", scene.version(path, number))


def _delete_node(path: str) -> Act:
    return lambda db, scene: remove(db, "nodes", scene.places[path])


def _delete_item(path: str) -> Act:
    def act(db: sqlite3.Connection, scene: Scene) -> None:
        remove(db, "nodes", scene.places[path])
        db.execute("DELETE FROM versions WHERE item = ?", (scene.ids[path],))

    return act


def _plant(table: str, *row: object) -> Act:
    def act(db: sqlite3.Connection, _scene: Scene) -> None:
        put(db, table, row)  # type: ignore[arg-type]

    return act


def _plant_version(number: int, body: bytes | None = None) -> Act:
    """A version that the item does not know; without *body* a copy of a genuine one."""

    def act(db: sqlite3.Connection, scene: Scene) -> None:
        genuine = take(db, "versions", scene.version(CHECKING, 3))[-1]
        put(db, "versions", (scene.ids[CHECKING], number, genuine if body is None else body))

    return act


def _paste(table: str, of: str) -> Act:
    """The sealed body of one kind of row in the place of another kind's."""

    def act(db: sqlite3.Connection, scene: Scene) -> None:
        (body,) = db.execute(f"SELECT body FROM {of} LIMIT 1").fetchone()
        places = {
            "versions": scene.version(CHECKING, 3),
            "nodes": scene.places[CHECKING],
            "audit": (bytes(16), 3),
            "objects": (1, bytes(16)),
            "ledger": (0,),
        }
        put(db, table, (*take(db, table, places[table])[:-1], body))

    return act


def _copy_node(source: str, into: str) -> Act:
    """A name that exists, once more in another folder."""

    def act(db: sqlite3.Connection, scene: Scene) -> None:
        row = take(db, "nodes", scene.places[source])
        put(db, "nodes", (scene.ids[into], *row[1:]))

    return act


def _swap_audit(db: sqlite3.Connection, _scene: Scene) -> None:
    swap_bodies(db, "audit", (bytes(16), 3), (bytes(16), 4))


def _copy_audit(db: sqlite3.Connection, _scene: Scene) -> None:
    put(db, "audit", (bytes(16), 3, take(db, "audit", (bytes(16), 4))[-1]))


def _delete_audit(*numbers: int) -> Act:
    def act(db: sqlite3.Connection, _scene: Scene) -> None:
        for number in numbers:
            remove(db, "audit", (bytes(16), number))

    return act


def _shift_audit(db: sqlite3.Connection, _scene: Scene) -> None:
    """Entry 5 goes, the later ones close the gap."""
    remove(db, "audit", (bytes(16), 5))
    for number in range(6, 19):
        db.execute("UPDATE audit SET sequence = ? WHERE sequence = ?", (number - 1, number))


def _extend_audit(db: sqlite3.Connection, _scene: Scene) -> None:
    put(db, "audit", (bytes(16), 19, take(db, "audit", (bytes(16), 18))[-1]))


def _swap_notes(db: sqlite3.Connection, scene: Scene) -> None:
    swap_bodies(db, "objects", (2, scene.slot_ids[0]), (2, scene.slot_ids[1]))


def _delete_note(db: sqlite3.Connection, scene: Scene) -> None:
    remove(db, "objects", (2, scene.slot_ids[0]))


def _copy_note(db: sqlite3.Connection, scene: Scene) -> None:
    put(db, "objects", (2, b"\xee" * 16, take(db, "objects", (2, scene.slot_ids[0]))[-1]))


def _delete_settings(db: sqlite3.Connection, _scene: Scene) -> None:
    remove(db, "objects", (1, bytes(16)))


ATTACKS = [
    Attack("versions of two items swapped", _swap_versions((CHECKING, 3), (SAVINGS, 1)), "swapped", CHECKING, SAVINGS),
    Attack("versions of one item swapped", _swap_versions((CHECKING, 2), (CHECKING, 3)), "swapped", CHECKING),
    Attack("version copied to another item", _copy_version((SAVINGS, 1), (CHECKING, 3)), "duplicated", CHECKING,
           mentions=(SAVINGS,)),
    Attack("older version copied over the newest", _copy_version((CHECKING, 1), (CHECKING, 3)), "duplicated", CHECKING),
    Attack("names swapped, bodies only", _swap_nodes(CHECKING, SAVINGS), "swapped", CHECKING, SAVINGS),
    Attack("names swapped, ids only", _swap_node_ids, "swapped", CHECKING, SAVINGS),
    Attack("names swapped, ids and bodies", _swap_whole_nodes, "swapped", CHECKING, SAVINGS),
    Attack("names swapped across folders", _swap_nodes(CHECKING, SMTP), "swapped", CHECKING, SMTP),
    Attack("folder and item swapped", _swap_nodes("bank/", "plain"), "swapped", "plain",
           mentions=("bank", CHECKING, SAVINGS)),
    Attack("folders swapped", _swap_nodes("bank/", "mail/"), "swapped", "bank", "mail",
           mentions=(CHECKING, SAVINGS, SMTP)),
    Attack("version of another vault", _other_version, "changed", CHECKING),
    Attack("name of another vault", _other_node, "deleted", SMTP),
    Attack("item of another vault", _other_item, "deleted", SMTP),
    Attack("ledger of another vault", _other_ledger, "changed: the ledger"),
    Attack("audit entry of another vault", _other_audit, "changed: audit entry 2"),
    Attack("slot note of another vault as settings", _other_settings, "changed: the vault's settings"),
    Attack("version number bumped", _rekey("versions", "", 1, 4), "inserted", CHECKING),
    Attack("version number huge", _rekey("versions", "", 1, BIGGEST), "inserted", CHECKING),
    Attack("version number negative", _rekey("versions", "", 1, -3), "inserted", CHECKING),
    Attack("version given to another item", _rekey("versions", "", 0, b"\x01" * 16), "deleted", CHECKING),
    Attack("version's item id cut", _rekey("versions", "", 0, b""), "deleted", CHECKING),
    Attack("token changed", _rekey("nodes", CHECKING, 1, b"\x02" * 16), "changed", CHECKING),
    Attack("token emptied", _rekey("nodes", CHECKING, 1, b""), "changed", CHECKING),
    Attack("parent changed", _rekey("nodes", CHECKING, 0, b"\x03" * 16), "changed", CHECKING),
    Attack("moved to the top folder", _rekey("nodes", CHECKING, 0, bytes(16)), "changed", CHECKING),
    Attack("node id changed", _rekey("nodes", CHECKING, 2, b"\x04" * 16), "deleted", CHECKING),
    Attack("node id emptied", _rekey("nodes", CHECKING, 2, b""), "deleted", CHECKING),
    Attack("node body emptied", _rekey("nodes", CHECKING, 3, b""), "changed", CHECKING),
    Attack("folder's id changed", _rekey("nodes", "bank/", 2, b"\x05" * 16), "deleted", CHECKING, SAVINGS,
           mentions=("bank",)),
    Attack("version deleted", _delete_version(CHECKING, 3), "deleted", CHECKING),
    Attack("older version deleted", _delete_version(CHECKING, 1), "deleted", CHECKING),
    Attack("name deleted", _delete_node(CHECKING), "deleted", CHECKING),
    Attack("item deleted with its versions", _delete_item(SMTP), "deleted", SMTP, mentions=("mail/",)),
    Attack("folder deleted", _delete_node("bank/"), "deleted", CHECKING, SAVINGS),
    Attack("moved folder deleted", _delete_node("to/"), "deleted", "to/x"),
    Attack("version planted", _plant_version(4), "duplicated", CHECKING),
    Attack("version zero planted", _plant_version(0), "duplicated", CHECKING),
    Attack("negative version planted", _plant_version(-1), "duplicated", CHECKING),
    Attack("huge version planted", _plant_version(BIGGEST), "duplicated", CHECKING),
    Attack("empty version planted", _plant_version(7, b""), "inserted", CHECKING),
    Attack("version of nothing planted", _plant("versions", b"\x09" * 16, 1, b"x" * 100),
           "inserted: version 1 of an item"),
    Attack("destroyed version planted", _copy_version(("plain", 2), ("plain", 1)), "duplicated", "plain"),
    Attack("name planted", _plant("nodes", bytes(16), b"\x06" * 16, b"\x07" * 16, b"x" * 200), "inserted: a name"),
    Attack("empty name planted", _plant("nodes", b"", b"", b"", b""), "inserted: a name"),
    Attack("name copied to another folder", _copy_node(CHECKING, "mail/"), "duplicated", CHECKING),
    Attack("unknown object planted", _plant("objects", 99, b"\x08" * 16, b"x"),
           "inserted: a stored object of unknown type 99"),
    Attack("negative object planted", _plant("objects", -1, b"", b""), "inserted: a stored object of unknown type -1"),
    Attack("settings of another id planted", _plant("objects", 1, b"\x01" * 16, b"x" * 99),
           "inserted: a stored object"),
    Attack("settings deleted", _delete_settings, "deleted: the vault's settings"),
    Attack("slot labels swapped", _swap_notes, "changed: the label of key slot"),
    Attack("slot label deleted", _delete_note, "deleted: the label of key slot"),
    Attack("slot label copied to no slot", _copy_note, "inserted: the label of key slot"),
    Attack("second header planted", _plant("header", 2, b"x", b"y"), "inserted: a second header"),
    Attack("negative header planted", _plant("header", -1, b"", b""), "inserted: a second header"),
    Attack("second ledger planted", _plant("ledger", 1, b"x"), "inserted: a second ledger"),
    Attack("negative ledger planted", _plant("ledger", -BIGGEST - 1, b""), "inserted: a second ledger"),
    Attack("audit entry of unknown writer", _plant("audit", b"\xff" * 16, 1, b"x" * 200),
           "inserted: audit entry 1 of an unknown writer"),
    Attack("audit entry before all others", _plant("audit", b"", 1, b""),
           "inserted: audit entry 1 of an unknown writer"),
    Attack("negative audit entry", _plant("audit", bytes(16), -1, b"x" * 200), "inserted: audit entry -1"),
    Attack("audit entry zero", _plant("audit", bytes(16), 0, b""), "inserted: audit entry 0"),
    Attack("huge audit entry", _plant("audit", bytes(16), BIGGEST, b""), "inserted: audit entry 9223372036854775807"),
    Attack("audit entry appended", _extend_audit, "inserted: audit entry 19"),
    Attack("audit entries swapped", _swap_audit, "changed: audit entry 3"),
    Attack("audit entry copied", _copy_audit, "changed: audit entry 3"),
    Attack("audit entry deleted", _delete_audit(5), "deleted: audit entry 5"),
    Attack("first audit entries deleted", _delete_audit(1, 2), "deleted: audit entries 1 to 2"),
    Attack("last audit entry deleted", _delete_audit(18), "deleted: audit entry 18"),
    Attack("all audit entries deleted", _delete_audit(*range(1, 19)), "deleted: audit entries 1 to 18"),
    Attack("audit gap closed", _shift_audit, "changed: audit entry 5"),
    *(
        Attack(
            f"{of} pasted into {table}",
            _paste(table, of),
            "duplicated" if {table, of} == {"nodes", "versions"} else kind,
            *names,
            mentions=EVERYBODY if {table, of} == {"nodes", "versions"} else (),
        )
        for table, kind, names in (
            ("versions", "changed", (CHECKING,)),
            ("nodes", "changed", (CHECKING,)),
            ("audit", "changed: audit entry 3", ()),
            ("objects", "changed: the vault's settings", ()),
            ("ledger", "changed: the ledger", ()),
        )
        for of in ("versions", "nodes", "audit", "objects", "ledger", "header")
        if of != table
    ),
]  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_rows(attack: Attack, tmp_path: Path) -> None:
    """What is read is true or refused, and verify says what was done to whom."""
    stage(attack, tmp_path)
