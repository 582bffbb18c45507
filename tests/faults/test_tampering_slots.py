"""Somebody edits the key slots: cheaper or ruinous key derivation, slots of their own, a vault of their own."""

from __future__ import annotations

import os
import resource
import sqlite3
from collections.abc import Callable
from pathlib import Path
from time import process_time

import pytest

from strongroom.crypto import kdf
from strongroom.errors import FormatUnsupported, StrongroomError, Tampered, WrongKey
from strongroom.keys.format import SlotRecord
from strongroom.keys.slots.key_file import new_key_file
from strongroom.keys.slots.passphrase import Argon2idProfile, PassphraseCredential
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault.opening import create_vault, open_vault
from strongroom.vault.vault import Vault
from strongroom.wire import u32
from tests.faults.attacks import attacker, contents, dump, findings, look, make_vault, opened, put, remove
from tests.faults.staging import scene_for

PASSPHRASE = b"correct horse battery staple"
FLOOR = Argon2idProfile(memory_kib=19_456, iterations=1, lanes=1)
# algorithm, salt, then the costs: docs/format.md#key-slots
_COSTS = 33


def make_passphrase_vault(path: Path) -> Vault:
    """A vault that a passphrase opens, at the lowest cost there is."""
    store = SqliteStore.create(os.fspath(path))
    vault = create_vault(store, [_credential()], author="owner")
    vault.set("a", {"password": "truth"})
    store.publish()
    return vault


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once, because its key derivation takes time."""
    path = tmp_path_factory.mktemp("passphrase") / "original.vault"
    make_passphrase_vault(path).lock()
    return path


@pytest.fixture
def by_passphrase(original: Path, tmp_path: Path) -> Path:
    """A copy of it for one test."""
    path = tmp_path / "passphrase.vault"
    path.write_bytes(original.read_bytes())
    path.chmod(0o600)
    return path


def _credential(passphrase: bytes = PASSPHRASE) -> PassphraseCredential:
    return PassphraseCredential(bytearray(passphrase), profile=FLOOR)


def _argon(memory_kib: int, iterations: int, lanes: int) -> bytes:
    return u32(memory_kib) + u32(iterations) + u32(lanes)


COSTS = {
    "memory below the floor": (1, _argon(19_455, 1, 1)),
    "memory of 8 KiB": (1, _argon(8, 1, 1)),
    "no memory": (1, _argon(0, 1, 1)),
    "all memory there is": (1, _argon(2**32 - 1, 1, 1)),
    "one KiB above the bound": (1, _argon(2_097_153, 1, 1)),
    "no iteration": (1, _argon(19_456, 0, 1)),
    "one iteration too many": (1, _argon(19_456, 11, 1)),
    "iterations without end": (1, _argon(19_456, 2**32 - 1, 1)),
    "no lane": (1, _argon(19_456, 1, 0)),
    "nine lanes": (1, _argon(19_456, 1, 9)),
    "lanes without end": (1, _argon(19_456, 1, 2**24)),
    "PBKDF2 below the floor": (2, u32(599_999)),
    "one round of PBKDF2": (2, u32(1)),
    "PBKDF2 without end": (2, u32(2**32 - 1)),
    "PBKDF2 above the bound": (2, u32(10_000_001)),
    "no key derivation": (0, b""),
    "unknown key derivation": (9, _argon(19_456, 1, 1)),
    "costs missing": (1, b""),
    "costs left over": (1, _argon(19_456, 1, 1) + b"\0"),
}


def _edit_slot(path: Path, edit: Callable[[SlotRecord], None]) -> None:
    with attacker(path) as db:
        slot_id, data = db.execute("SELECT id, record FROM slots").fetchone()
        record = SlotRecord.decode(data)
        edit(record)
        put(db, "slots", (slot_id, record.encode()))


def _set_costs(algorithm: int, costs: bytes) -> Callable[[SlotRecord], None]:
    def edit(record: SlotRecord) -> None:
        record.parameters = bytes([algorithm]) + record.parameters[1:_COSTS] + costs

    return edit


@pytest.mark.parametrize("name", COSTS)
def test_costs_out_of_bounds(name: str, by_passphrase: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused before any key derivation runs: no call, no time, no memory."""
    _edit_slot(by_passphrase, _set_costs(*COSTS[name]))
    calls = []
    for derivation in ("stretch_argon2id", "stretch_pbkdf2"):
        monkeypatch.setattr(kdf, derivation, lambda *_, **__: calls.append(1) or bytearray(32))
    started, memory = process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises((Tampered, FormatUnsupported)):
        open_vault(SqliteStore.open(os.fspath(by_passphrase)), _credential(), author="reader")
    assert not calls
    assert process_time() - started < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 8 * 1024


@pytest.mark.parametrize(
    ("algorithm", "costs"),
    [(1, _argon(19_457, 1, 1)), (1, _argon(19_456, 2, 1)), (1, _argon(19_456, 1, 2)), (2, u32(600_000))],
)
def test_other_costs_within_bounds(algorithm: int, costs: bytes, by_passphrase: Path) -> None:
    """The costs are part of what is derived: with others the right passphrase opens nothing."""
    _edit_slot(by_passphrase, _set_costs(algorithm, costs))
    with pytest.raises((Tampered, WrongKey)):
        open_vault(SqliteStore.open(os.fspath(by_passphrase)), _credential(), author="reader")


def test_the_slot_as_it_was_opens(by_passphrase: Path) -> None:
    """What the cases above refuse is what they changed: an edit that changes nothing opens."""
    _edit_slot(by_passphrase, lambda record: None)
    with open_vault(SqliteStore.open(os.fspath(by_passphrase)), _credential(), author="reader") as vault:
        assert contents(vault, "a") == {"password": "truth"}
        vault.verify()
    with pytest.raises(WrongKey):
        open_vault(SqliteStore.open(os.fspath(by_passphrase)), _credential(b"wrong"), author="reader")


@pytest.mark.parametrize("number", [33, 200])
def test_more_slots_than_there_can_be(number: int, by_passphrase: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row of planted passphrase slots does not cost one derivation each."""
    with attacker(by_passphrase) as db:
        _, data = db.execute("SELECT id, record FROM slots").fetchone()
        for count in range(number - 1):
            record = SlotRecord.decode(data)
            record.slot_id = count.to_bytes(16, "big")
            put(db, "slots", (record.slot_id, record.encode()))
    calls = []
    monkeypatch.setattr(kdf, "stretch_argon2id", lambda *_, **__: calls.append(1) or bytearray(32))
    with pytest.raises(Tampered):
        open_vault(SqliteStore.open(os.fspath(by_passphrase)), _credential(), author="reader")
    assert not calls


@pytest.mark.parametrize("kind", [1, 3, 0, 4, 255])
def test_another_kind_of_slot(kind: int, tmp_path: Path) -> None:
    """A slot cannot pretend to be of another kind."""
    scene = scene_for(tmp_path)
    with attacker(scene.file) as db:
        for slot_id, data in db.execute("SELECT id, record FROM slots").fetchall():
            put(db, "slots", (slot_id, data[:5] + bytes([kind]) + data[6:]))
    with pytest.raises(StrongroomError), opened(scene.file, scene.credential):
        pass


def test_a_vault_of_their_own_with_the_victims_slots(tmp_path: Path) -> None:
    """Everything replaced by the attacker's vault, only the slots are the victim's: it does not open."""
    scene = scene_for(tmp_path)
    theirs = new_key_file()
    path = tmp_path / "theirs.vault"
    with make_vault(path, theirs) as vault:
        vault.set("bank/checking", {"password": "planted"})
    with attacker(path) as db:
        db.execute("DELETE FROM slots")
        for row in dump(scene.file)["slots"].values():
            put(db, "slots", row)
    with pytest.raises(StrongroomError), opened(path, scene.credential):
        pass


@pytest.mark.parametrize("keeps_vault_id", [False, True])
def test_the_victims_wrap_on_their_handover(keeps_vault_id: bool, tmp_path: Path) -> None:
    """The part that only the victim's key opens, grafted on to a slot whose root key the attacker knows."""
    scene = scene_for(tmp_path)
    path = tmp_path / "theirs.vault"
    theirs = new_key_file()
    with make_vault(path, theirs) as vault:
        vault.set("bank/checking", {"password": "planted"})
    victims = dump(scene.file)
    with attacker(path) as db:
        ((slot_id, data),) = db.execute("SELECT id, record FROM slots").fetchall()
        graft = SlotRecord.decode(data)
        for row in victims["slots"].values():
            original = SlotRecord.decode(row[1])
            if original.parameters == scene.credential.key_file_id:
                graft.parameters, graft.wrap = original.parameters, original.wrap
                graft.slot_id, graft.public_key = original.slot_id, original.public_key
        remove(db, "slots", (slot_id,))
        put(db, "slots", (graft.slot_id, graft.encode()))
        if keeps_vault_id:
            number, body, mac = db.execute("SELECT * FROM header").fetchone()
            put(db, "header", (number, body[:10] + victims["header"][1,][1][10:26] + body[26:], mac))
    with pytest.raises(StrongroomError), opened(path, scene.credential):
        pass


def test_a_whole_other_vault_of_the_same_key_file(tmp_path: Path) -> None:
    """What this key opens is that vault, known by its id; a program that has the first one open is not led into it."""
    scene = scene_for(tmp_path)
    with opened(scene.file, scene.credential) as standing:
        vault_id = standing.vault_id
        look(standing, scene)
        with attacker(scene.file) as db:
            for table, rows in scene.other.items():
                db.execute(f"DELETE FROM {table}")
                for row in rows.values():
                    put(db, table, row)
        for path in scene.truth:
            with pytest.raises(Tampered):
                standing.get(path)
        with pytest.raises(Tampered):
            standing.set("bank/checking", {"password": "x"})
        assert findings(standing)
    with opened(scene.file, scene.credential) as fresh:
        assert fresh.vault_id != vault_id


def _slots(db: sqlite3.Connection) -> list[tuple[bytes, bytes]]:
    return db.execute("SELECT id, record FROM slots ORDER BY id").fetchall()


def _swap(db: sqlite3.Connection) -> None:
    (one, first), (two, second) = _slots(db)
    put(db, "slots", (one, second))
    put(db, "slots", (two, first))


def _copy(db: sqlite3.Connection) -> None:
    put(db, "slots", (b"\x01" * 16, _slots(db)[0][1]))


def _plant(db: sqlite3.Connection) -> None:
    put(db, "slots", (b"\x02" * 16, b"x" * 3000))


def _plant_nothing(db: sqlite3.Connection) -> None:
    put(db, "slots", (b"", b""))


def _drop_one(db: sqlite3.Connection) -> None:
    remove(db, "slots", (_slots(db)[1][0],))


def _drop_all(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM slots")


def _drop_header(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM header")


def _header_number(db: sqlite3.Connection) -> None:
    db.execute("UPDATE header SET id = 2")


@pytest.mark.parametrize(
    "act", [_swap, _copy, _plant, _plant_nothing, _drop_one, _drop_all, _drop_header, _header_number]
)
def test_rows_of_slots_and_header(act: Callable[[sqlite3.Connection], None], tmp_path: Path) -> None:
    """Nobody opens it any more, whoever had it open finds it and changes no slot."""
    scene = scene_for(tmp_path)
    with opened(scene.file, scene.credential) as standing:
        look(standing, scene)
        with attacker(scene.file) as db:
            act(db)
        look(standing, scene)
        found = findings(standing)
        assert any("slot" in line or "header" in line for line in found), found
        with pytest.raises(StrongroomError):
            standing.add_slot(new_key_file())
        assert findings(standing), "a refused change made the attack invisible"
    for credential in (scene.credential, scene.spare):
        with pytest.raises(StrongroomError), opened(scene.file, credential):
            pass
