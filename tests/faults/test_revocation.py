"""What a former holder of a key slot has, with an old copy and the old secret, after the slot was removed.

He opened the vault once, so he knows everything that its keys of then open: root key, keyset, his slot's
private key. He sees the file of today, and may write to it. Of today he reads nothing and can forge nothing,
and of the other slots' secrets he knows none. And of the old keys nothing is left in any file.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from strongroom.crypto import aead, labels
from strongroom.crypto.labels import context
from strongroom.errors import StrongroomError, Tampered, WrongKey
from strongroom.keys import identity, sealing
from strongroom.keys.format import Header, SlotRecord
from strongroom.keys.slots.key_file import KeyFileCredential, encode_key_file, new_key_file
from strongroom.keys.slots.passphrase import PassphraseCredential
from strongroom.secret import SecretBytes
from strongroom.stores.interface import Reading, Row, Table, blob, integer
from strongroom.stores.schema import AUDIT, HEADER, LEDGER, NODES, OBJECTS, SLOTS, VERSIONS
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault import rotation
from strongroom.vault.core import Core
from strongroom.vault.slots import NOTE_TYPE
from strongroom.vault.vault import Vault
from strongroom.wire import u8, u64
from tests.agents import CHEAP
from tests.faults.attacks import attacker, dump, make_vault, opened, put

PHRASE = b"nine blue elephants"
Sealed = tuple[str, int, tuple[bytes, ...], bytes]


def phrase() -> PassphraseCredential:
    return PassphraseCredential(bytearray(PHRASE), profile=CHEAP)


def sealed_rows(core: Core) -> Iterator[Sealed]:
    """Every sealed body in the store of an open vault: (table, object type, parts of its context, body)."""
    with core.store.reading() as rows:
        for row in rows.scan(NODES):
            yield "nodes", labels.NODE, (blob(row, 0), blob(row, 1), blob(row, 2)), blob(row, 3)
            place = core.tree.open(row)
            for entry in place.node.entries:
                version = rows.get(VERSIONS, place.id, entry.number)
                if version is not None:
                    yield "versions", labels.VERSION, (place.id, u64(entry.number), entry.edition), blob(version, 2)
        for row in rows.scan(OBJECTS):
            is_note = integer(row, 0) == NOTE_TYPE
            parts = (blob(row, 1),) if is_note else (u8(integer(row, 0)), blob(row, 1))
            yield "objects", labels.SLOT_NOTE if is_note else labels.OBJECT, parts, blob(row, 2)
        for row in rows.scan(AUDIT):
            yield "audit", labels.AUDIT_ENTRY, (blob(row, 0), u64(integer(row, 1))), blob(row, 2)
        for row in rows.scan(LEDGER):
            yield "ledger", labels.LEDGER_SEAL, (u64(integer(row, 0)),), blob(row, 1)


class Past:
    """What somebody knows who opened the vault once, with a slot of his own."""

    def __init__(self, core: Core, rows: Reading, credential: KeyFileCredential) -> None:
        keys = core.keys
        self.vault_id = keys.header.vault_id
        self.header = Header.decode(keys.header.encode())
        self.root_key = SecretBytes(keys.root_key.reveal_buffer())
        self.slots = [SlotRecord.decode(blob(row, 1)) for row in rows.scan(SLOTS)]
        (own,) = [record for record in self.slots if credential.may_open(record)]
        self.wrap = bytes(sealing.open_wrap(self.vault_id, own, credential))
        self.private_key = bytearray(self.wrap[:96])
        self.keyset = bytes(keys.keyset.encode())
        self.data_keys = [bytes(key) for key in keys.keyset.enabled.values()]
        purposes = (labels.INDEX_KEY, labels.LEDGER_KEY, labels.AUDIT_KEY, labels.IDENTITY_SEED)
        self.other_keys = [bytes(keys.keyset.purpose_key(purpose)) for purpose in purposes]
        self.plaintexts = [self.wrap, self.keyset]
        self.plaintexts += [core.envelope.decrypt(kind, body, *parts) for _, kind, parts, body in sealed_rows(core)]

    def tried(self) -> list[bytearray]:
        """Everything that could be tried as a key."""
        own = [self.root_key.reveal_buffer().tobytes(), *self.data_keys, *self.other_keys]
        pieces = [self.private_key[at : at + 32] for at in (0, 32, 64)]
        return [*map(bytearray, own), *pieces]

    def opens(self, kind: int, parts: tuple[bytes, ...], body: bytes) -> bool:
        """Whether any of it opens a sealed body of today."""
        for key in self.tried():
            for key_id in (int.from_bytes(body[:4], "big"), 1):
                try:
                    aead.decrypt(key, body[4:], context(self.vault_id, kind, key_id, *parts))
                except Tampered:
                    continue
                return True
        return False


class Scene:
    """A vault with four slots, of which one is removed."""

    def __init__(self, root: Path) -> None:
        self.path = root / "v.vault"
        self.old = root / "old.vault"
        self.owner, self.leaver, self.spare = new_key_file(), new_key_file(), new_key_file()
        with make_vault(self.path, self.owner, self.leaver, self.spare) as vault:
            vault.add_slot(phrase())
            vault.set_many({f"a/{number}": {"password": f"of then {number}"} for number in range(20)})
        shutil.copy(self.path, self.old)
        with opened(self.old, self.leaver) as vault, vault._core.store.reading() as rows:
            self.past = Past(vault._core, rows, self.leaver)
            self.leaver_id = vault._core.keys.slot_id.hex()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def remove(scene: Scene, vault: Vault) -> None:
    vault.remove_slot(scene.leaver_id)
    vault.rotate()


def remove_and_stop(scene: Scene, vault: Vault) -> None:
    """As a program that is killed before the second of the two."""
    vault.remove_slot(scene.leaver_id)


def test_what_was_written_afterwards_stays_closed(scene: Scene) -> None:
    """No key of then opens a row, the keyset or a handover of today; today's own opens all of them."""
    with opened(scene.path, scene.owner) as vault:
        remove(scene, vault)
        vault.set("new", {"password": "of today"})
        vault.add_slot(new_key_file(), label="newer")
        core = vault._core
        bodies = list(sealed_rows(core))
        assert {table for table, *_ in bodies} == {"nodes", "versions", "objects", "audit", "ledger"}
        for _, kind, parts, body in bodies:
            assert core.envelope.decrypt(kind, body, *parts)
            assert not scene.past.opens(kind, parts, body)
        header = core.keys.header
        header.keyset = Header.decode(core.keys._sealed[0]).keyset
        with pytest.raises(Tampered):
            sealing.open_keyset(scene.past.root_key, header)
        for row in dump(scene.path)["slots"].values():
            record = SlotRecord.decode(bytes(row[1]))  # type: ignore[arg-type]
            with pytest.raises(Tampered):
                identity.receive(header, record, bytearray(scene.past.private_key))


def test_the_attack_would_succeed_on_the_old_copy(scene: Scene) -> None:
    """The detector's own proof: each of the keys that are tried is one, where nothing was removed."""
    with opened(scene.path, scene.owner) as vault:
        bodies = list(sealed_rows(vault._core))
        assert all(scene.past.opens(kind, parts, body) for _, kind, parts, body in bodies)
        own = next(record for record in scene.past.slots if record.slot_id.hex() == scene.leaver_id)
        header = vault._core.keys.header
        assert identity.receive(header, own, bytearray(scene.past.private_key)) == scene.past.root_key.reveal_buffer()


def test_the_rows_between_removal_and_the_end_of_the_rotation(scene: Scene) -> None:
    """What is written after the removal is closed at once, also where the old rows are still to be done."""
    with opened(scene.path, scene.owner) as vault:
        remove_and_stop(scene, vault)
        vault.set("a/3", {"password": "of today"})
        vault.set("new", {"password": "of today"})
        assert rotation.is_unfinished(vault._core)
        for table, kind, parts, body in sealed_rows(vault._core):
            is_new = body[:4] == b"\0\0\0\2"
            assert scene.past.opens(kind, parts, body) is not is_new, table
        vault.rotate()
        assert not any(scene.past.opens(kind, parts, body) for _, kind, parts, body in sealed_rows(vault._core))


def test_no_other_slots_secret_is_revealed(scene: Scene) -> None:
    """Not the key files, not what a passphrase makes, not their private keys, in all that the old keys open."""
    past = scene.past
    secrets: list[bytes] = [PHRASE, encode_key_file(scene.owner)[:64], encode_key_file(scene.spare)[:64]]
    for record in past.slots:
        for credential in (scene.owner, scene.spare, phrase()):
            if not credential.may_open(record) or record.slot_id.hex() == scene.leaver_id:
                continue
            secrets.append(bytes(credential.secret(record.parameters)))
            try:
                secrets.append(bytes(sealing.open_wrap(past.vault_id, record, credential))[:96])
            except Tampered:
                secrets.pop()  # the other key file's slot
    assert len(secrets) == 3 + 2 * 3
    for secret in secrets:
        assert not [plain for plain in past.plaintexts if secret[:32] in bytes(plain)]
    # What would be found: his own.
    assert any(bytes(past.private_key[:32]) in plain for plain in past.plaintexts)
    for record in past.slots:
        parts = (record.slot_id, u8(record.kind), record.parameters, record.public_key)
        for key in past.tried():
            with pytest.raises(Tampered):
                aead.unwrap(key, record.wrap, context(past.vault_id, labels.SLOT_WRAP, 0, *parts))


def _old_slot_row(scene: Scene, then: dict[str, dict[Row, Row]]) -> None:
    _replant(scene, then, SLOTS)


def _old_header(scene: Scene, then: dict[str, dict[Row, Row]]) -> None:
    _replant(scene, then, HEADER)


def _old_header_and_slots(scene: Scene, then: dict[str, dict[Row, Row]]) -> None:
    _replant(scene, then, HEADER)
    _replant(scene, then, SLOTS)


def _replant(scene: Scene, then: dict[str, dict[Row, Row]], table: Table) -> None:
    with attacker(scene.path) as db:
        for row in then[table.name].values():
            put(db, table.name, row)


def _forged_successor(scene: Scene, _then: dict[str, dict[Row, Row]]) -> None:
    """A header of the next epoch, certified with the old identity's seed, with a keyset of his own making."""
    from strongroom.keys.keyset import Keyset
    from strongroom.keys.unlocked import UnlockedKeys

    past = scene.past
    keys = UnlockedKeys(past.header, past.root_key, Keyset.decode(past.keyset))
    forged, records = keys.next_epoch(past.slots)
    body, mac = forged.seal_header(records)
    with attacker(scene.path) as db:
        db.execute("DELETE FROM slots")
        put(db, "header", (1, body, mac))
        for record in records:
            put(db, "slots", (record.slot_id, record.encode()))


FORGERIES: dict[str, Callable[[Scene, dict[str, dict[Row, Row]]], None]] = {
    "the removed slot's row": _old_slot_row,
    "the old header": _old_header,
    "the old header and all old slots": _old_header_and_slots,
    "a next epoch of his own": _forged_successor,
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_he_plants_is_refused_or_named(forgery: str, scene: Scene) -> None:
    """Resurrected or forged: whoever opens the vault refuses it or sees it in verify, also who has it open already."""
    import strongroom
    from strongroom.stores.files import create_private

    then = dump(scene.path)
    key_file = scene.path.parent / "owner.key"
    create_private(str(key_file), encode_key_file(scene.owner), mode=0o400)
    os.chmod(scene.path.parent, 0o700)
    with strongroom.open(scene.path, key_file=key_file) as vault:
        remove(scene, vault)
        vault.set("new", {"password": "of today"})
    with strongroom.open(scene.path, key_file=key_file) as running:
        FORGERIES[forgery](scene, then)
        with pytest.raises(StrongroomError):
            running.verify()
    for credential in (scene.leaver, scene.owner, scene.spare):
        with pytest.raises((Tampered, WrongKey)), opened(scene.path, credential) as vault:
            vault.verify()
    with pytest.raises(Tampered):
        strongroom.open(scene.path, key_file=key_file)


# --- nothing of the old keys is left


def _rotate(_scene: Scene, vault: Vault) -> None:
    vault.rotate()


def _rotate_root(_scene: Scene, vault: Vault) -> None:
    vault.rotate(root=True)


ROTATIONS = {"rotate": _rotate, "rotate --root": _rotate_root, "slot remove": remove}


def leftovers(directory: Path, before: dict[str, dict[Row, Row]], path: Path) -> set[str]:
    """The tables of which sealed bytes of before are still in some file, though no row holds them any more."""
    after = dump(path)
    kept = b"".join(bytes(value) for rows in after.values() for row in rows.values() for value in row
                    if isinstance(value, bytes))  # fmt: skip
    contents = [file.read_bytes() for file in directory.iterdir() if file.name.startswith(path.name)]
    assert kept[:64] in b"".join(contents) or contents, "the detector is blind"
    found = set()
    for name, rows in before.items():
        for row in rows.values():
            body = row[-1] if name != "header" else row[1]
            assert isinstance(body, bytes)
            pieces = [body[at : at + 32] for at in range(0, len(body) - 32, 32)]
            if any(piece in content for piece in pieces if piece not in kept for content in contents):
                found.add(name)
    return found


@pytest.mark.parametrize("how", ROTATIONS)
def test_nothing_under_the_old_keys_is_left(how: str, scene: Scene) -> None:
    """Neither in the file, nor in its free pages, nor in the log, while the vault is still open."""
    with opened(scene.path, scene.owner) as vault:
        before = dump(scene.path)
        ROTATIONS[how](scene, vault)
        assert leftovers(scene.path.parent, before, scene.path) == set()
        assert len(vault._core.keys.keyset.data_keys()) == 1
    assert leftovers(scene.path.parent, before, scene.path) == set()


@pytest.mark.parametrize("fault", ["no secure_delete", "no scrub"])
def test_the_search_finds_what_was_left(fault: str, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted faults: free pages that are not overwritten, and a log that is not emptied."""
    from strongroom.stores import sqlite_file

    if fault == "no scrub":
        monkeypatch.setattr(SqliteStore, "scrub", lambda _store: None)
    else:
        settings = tuple(one for one in sqlite_file._SETTINGS if not one.startswith("secure_delete"))
        monkeypatch.setattr(sqlite_file, "_SETTINGS", (*settings, "secure_delete = OFF"))
    with opened(scene.path, scene.owner) as vault:
        before = dump(scene.path)
        vault.rotate(root=True)
        assert leftovers(scene.path.parent, before, scene.path)


ROTATING = """
import os, sys
from strongroom.keys.slots.key_file import decode_key_file
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault import rotation
from strongroom.vault.opening import open_vault
rotation._BATCH = 7
key = decode_key_file(bytearray(bytes.fromhex(sys.argv[2])))
vault = open_vault(SqliteStore.open(sys.argv[1]), key, author="killed")
def progress(done, total):
    if done >= int(sys.argv[3]):
        os.kill(os.getpid(), 9)
vault.rotate(root=sys.argv[4] == "root", progress=progress)
"""


@pytest.mark.parametrize("root", [False, True])
def test_a_killed_rotation_goes_on(root: bool, scene: Scene) -> None:
    """Killed three times, each time further; it reads at every stage, and nothing is left at the end."""
    before = dump(scene.path)
    key = encode_key_file(scene.owner).hex()
    for number, at in enumerate((7, 21, 49)):
        words = [str(scene.path), key, str(at), "root" if root and not number else "data"]
        done = subprocess.run([sys.executable, "-c", ROTATING, *words], capture_output=True, timeout=60, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr
        with opened(scene.path, scene.owner) as vault:
            assert rotation.is_unfinished(vault._core)
            assert vault.get("a/13", "password").reveal() == "of then 13"
            vault.set(f"between/{number}", {"n": "1"})
            vault.verify()
    with opened(scene.path, scene.owner) as vault:
        assert vault.status().epoch == (2 if root else 1)
        vault.rotate()
        assert not rotation.is_unfinished(vault._core)
        vault.verify()
        assert leftovers(scene.path.parent, before, scene.path) == set()
    with opened(scene.path, scene.spare) as vault:
        assert vault.get("between/2").public("n") == "1"
