"""A small vault, what is true of it, and the hands of somebody who can write to its file.

Attacks go through plain sqlite3 or raw bytes, never through strongroom. Whoever looks
afterwards (`look`) accepts the truth or one of our errors, and nothing else.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from strongroom.errors import StrongroomError, Tampered
from strongroom.keys.slots.key_file import KeyFileCredential, new_key_file
from strongroom.stores.registry import open_store
from strongroom.stores.schema import TABLES
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault.opening import create_vault, open_vault
from strongroom.vault.records import FOLDER, ITEM
from strongroom.vault.vault import Vault

Row = tuple[int | bytes, ...]
Dump = dict[str, dict[Row, Row]]
Fields = dict[str, str]
Act = Callable[[sqlite3.Connection, "Scene"], None]

KEYS = {table.name: table.key_length for table in TABLES}
COLUMNS = {table.name: [name for name, _ in table.columns] for table in TABLES}
START_US = 1_790_000_000_000_000
SETTINGS = "the vault's settings"


class Clock:
    """Moves one second at each look."""

    def __init__(self) -> None:
        self.now = START_US

    def __call__(self) -> int:
        self.now += 1_000_000
        return self.now


def make_vault(path: Path, *credentials: KeyFileCredential, labels: tuple[str, ...] = ()) -> Vault:
    """A new vault in a file, published and open."""
    store = SqliteStore.create(os.fspath(path))
    vault = create_vault(store, credentials, author="owner", clock_us=Clock(), labels=labels)
    store.publish()
    return vault


@contextmanager
def opened(path: Path, credential: KeyFileCredential) -> Iterator[Vault]:
    """The vault in the file, opened afresh; the store is closed even if it does not open."""
    with closing(open_store(os.fspath(path))) as store:
        with open_vault(store, credential, author="reader", clock_us=lambda: START_US + 10**12) as vault:
            yield vault


@contextmanager
def attacker(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection of somebody else; what it did is committed and in the file itself at the end."""
    db = sqlite3.connect(path, isolation_level=None, timeout=10)
    try:
        db.execute("PRAGMA synchronous = OFF")
        yield db
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        db.close()


def dump(path: Path) -> Dump:
    """Every row of every table as it lies there."""
    with closing(sqlite3.connect(path)) as db:
        return {
            name: {row[: KEYS[name]]: row for row in db.execute(f"SELECT {', '.join(columns)} FROM {name}")}
            for name, columns in COLUMNS.items()
        }


def put(db: sqlite3.Connection, table: str, row: Row) -> None:
    """Plant a row, or put it over the one with its key."""
    db.execute(f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(row))})", row)


def take(db: sqlite3.Connection, table: str, key: Row) -> Row:
    """The row with this key."""
    where = " AND ".join(f"{name} = ?" for name in COLUMNS[table][: KEYS[table]])
    row: Row = db.execute(f"SELECT * FROM {table} WHERE {where}", key).fetchone()
    return row


def remove(db: sqlite3.Connection, table: str, key: Row) -> None:
    """Delete the row with this key; it must be there."""
    where = " AND ".join(f"{name} = ?" for name in COLUMNS[table][: KEYS[table]])
    assert db.execute(f"DELETE FROM {table} WHERE {where}", key).rowcount == 1


def swap_bodies(db: sqlite3.Connection, table: str, one: Row, two: Row) -> None:
    """Exchange the last columns of two rows."""
    first, second = take(db, table, one), take(db, table, two)
    put(db, table, (*first[:-1], second[-1]))
    put(db, table, (*second[:-1], first[-1]))


def replace_table(db: sqlite3.Connection, table: str, rows: dict[Row, Row]) -> None:
    """Exactly these rows instead of what is there."""
    db.execute(f"DELETE FROM {table}")
    for row in rows.values():
        put(db, table, row)


class Scene:
    """The victim: a file, its key, its past, and the truth.

    Attributes:
        truth: path -> version -> fields, of everything that can be read now.
        past: path -> every set of fields that the item ever had.
        moments: name -> all rows at that moment.
        other: all rows of another vault that the same key file opens, with the same paths in it.
        places: path (a folder's ends with "/") -> key of its node's row, now or when it was there last.
        ids: the same paths -> node ids.
    """

    def __init__(self, directory: Path) -> None:
        self.file = directory / "victim.vault"
        self.credential = new_key_file()
        self.spare = new_key_file()
        self.truth: dict[str, dict[int, Fields]] = {}
        self.past: dict[str, list[Fields]] = {}
        self.moments: dict[str, Dump] = {}
        self.places: dict[str, Row] = {}
        self.ids: dict[str, bytes] = {}
        with make_vault(self.file, self.credential, labels=("first label",)) as vault:
            self._live(vault)
        other = directory / "other.vault"
        with make_vault(other, self.credential, labels=("first label",)) as vault:
            for path, versions in self.truth.items():
                for number in range(1, max(versions) + 1):
                    vault.set(path, fields_of("other", number))
            self.other_places = {path: self._locate(vault, path)[0] for path in self.truth}
            self.other_ids = {path: self._locate(vault, path)[1] for path in self.truth}
        self.other = dump(other)
        self.other_file = other

    def copy(self, directory: Path) -> Scene:
        """The same scene around a file of its own."""
        twin = object.__new__(Scene)
        twin.__dict__.update(self.__dict__)
        twin.file = directory / "copy.vault"
        shutil.copyfile(self.file, twin.file)
        twin.file.chmod(0o600)
        return twin

    def _live(self, vault: Vault) -> None:
        """The victim's past, in which nothing was wrong."""
        self._set(vault, "bank/checking", 1)
        self._set(vault, "bank/savings", 1)
        self._moment("young", vault)
        self._set(vault, "bank/checking", 2)
        self._set(vault, "mail/smtp", 1)
        self._set(vault, "gone/away", 1)
        self._set(vault, "plain", 1)
        self._set(vault, "plain", 2)
        vault.configure(max_versions=9)
        vault.configure("bank/savings", custom_metadata={"owner": "dustin"})
        self._moment("middle", vault)
        self._set(vault, "bank/checking", 3)
        vault.destroy("plain", versions=(1,))
        del self.truth["plain"][1]
        vault.destroy("gone/away")
        del self.truth["gone/away"]
        self._set(vault, "old name", 1)
        self._locate(vault, "old name")
        self._set(vault, "from/x", 1)
        self._locate(vault, "from/")
        self._moment("unmoved", vault)
        vault.move("old name", "new name")
        vault.move("from/", "to/")
        for old, new in (("old name", "new name"), ("from/x", "to/x")):
            self.truth[new] = self.truth.pop(old)
            self.past[new] = self.past[old]
        info = vault.add_slot(self.spare, label="second label")
        self.slot_ids = (bytes.fromhex(vault.slots()[0].id), bytes.fromhex(info.id))
        for path in (*self.truth, "bank/", "mail/", "to/"):
            self._locate(vault, path)
        self._moment("now", vault)

    def _set(self, vault: Vault, path: str, number: int) -> None:
        fields = fields_of(path, number)
        assert vault.set(path, fields).number == number
        self.truth.setdefault(path, {})[number] = fields
        self.past.setdefault(path, []).append(fields)
        if path == "gone/away":
            self._locate(vault, path)
            self._locate(vault, "gone/")

    def _locate(self, vault: Vault, path: str) -> tuple[Row, bytes]:
        kind = FOLDER if path.endswith("/") else ITEM
        with vault._core.reading() as rows:
            place = vault._core.tree.find(rows, tuple(path.rstrip("/").split("/")), kind)
        assert place is not None
        key = (place.parent, place.token)
        if path not in self.places:
            self.places[path], self.ids[path] = key, place.id
        return key, place.id

    def _moment(self, name: str, vault: Vault) -> None:
        vault._core.store.scrub()
        self.moments[name] = dump(self.file)

    def version(self, path: str, number: int) -> Row:
        """The key of a version's row."""
        return (self.ids[path], number)


def fields_of(path: str, number: int) -> Fields:
    """Values of one length, so that nothing is refused for its size alone."""
    return {"username": f"user of {path:14.14}", "password": f"{number} of {path:14.14}"}


def contents(vault: Vault, path: str, number: int | None = None) -> Fields:
    """The fields as text."""
    item = vault.get(path, version=number)
    return {name: str(item[name].reveal()) for name in item}


def look(vault: Vault, scene: Scene, *, stale: tuple[str, ...] = ()) -> list[str]:
    """Read everything in every way; each answer is the truth or one of our errors.

    Args:
        stale: paths that may show values which they had earlier (docs/threat-model.md).

    Returns: what was refused.
    """
    refused: list[str] = []

    def attempt(what: str, read: Callable[[], None]) -> None:
        try:
            read()
        except StrongroomError as error:
            refused.append(f"{what}: {type(error).__name__}: {error}")

    for path in {*scene.truth, *scene.past}:
        for number in (None, 1, 2, 3, 4):
            attempt(f"{path}@{number}", lambda path=path, number=number: _look_at(vault, scene, path, number, stale))
        attempt(f"history {path}", lambda path=path: _look_at_history(vault, scene, path, stale))
        attempt(f"settings {path}", lambda path=path: _look_at_settings(vault, path, stale))
    for folder in ("", "bank", "mail", "to", "gone", "from"):
        attempt(f"list {folder}", lambda folder=folder: _look_at_folder(vault, scene, folder, stale))
    attempt("walk", lambda: _is_subset(vault.walk(), {*scene.truth, *stale}))
    attempt("slots", lambda: _look_at_slots(vault, scene))
    attempt("settings", lambda: _check(vault.settings().max_versions == 9 or SETTINGS in stale))
    attempt("status", lambda: _check(vault.status().vault_id == scene.moments["now"]["header"][1,][1][10:26].hex()))
    return refused


def _check(holds: bool) -> None:
    assert holds


def _is_subset(found: Iterator[str], known: set[str]) -> None:
    names = list(found)
    assert set(names) <= known, names
    assert len(set(names)) == len(names), names


def _look_at(vault: Vault, scene: Scene, path: str, number: int | None, stale: tuple[str, ...]) -> None:
    fields = contents(vault, path, number)
    if path in stale:
        assert fields in scene.past[path]
        return
    versions = scene.truth[path]
    assert fields == versions[max(versions) if number is None else number]


def _look_at_history(vault: Vault, scene: Scene, path: str, stale: tuple[str, ...]) -> None:
    numbers = [version.number for version in vault.history(path)]
    last = len(scene.past[path])
    assert numbers == list(range(1, last + 1)) or (path in stale and numbers == list(range(1, len(numbers) + 1)))


def _look_at_settings(vault: Vault, path: str, stale: tuple[str, ...]) -> None:
    custom = vault.settings(path).custom_metadata
    assert custom == ({"owner": "dustin"} if path == "bank/savings" else {}) or path in stale


def _look_at_folder(vault: Vault, scene: Scene, folder: str, stale: tuple[str, ...]) -> None:
    start = f"{folder}/" if folder else ""
    paths = [path.removeprefix(start) for path in {*scene.truth, *stale} if path.startswith(start)]
    names = {path.split("/")[0] + ("/" if "/" in path else "") for path in paths}
    _is_subset(vault.list(folder), names)


def _look_at_slots(vault: Vault, scene: Scene) -> None:
    found = {(bytes.fromhex(slot.id), slot.label) for slot in vault.slots()}
    assert {slot_id for slot_id, _ in found} == set(scene.slot_ids)
    assert {label for _, label in found} <= {"first label", "second label", ""}


def findings(vault: Vault) -> tuple[str, ...]:
    """What `verify` says; empty when it finds nothing."""
    try:
        vault.verify()
    except Tampered as error:
        return error.findings or (f"refused: {error}",)
    except StrongroomError as error:
        return (f"refused: {error}",)
    return ()
