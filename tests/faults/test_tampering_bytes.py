"""Every stored blob is flipped, cut and extended, and the file's own bytes are changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from strongroom.errors import StrongroomError
from strongroom.keys.slots.key_file import KeyFileCredential, new_key_file
from strongroom.vault.vault import Vault
from tests.faults.attacks import COLUMNS, Dump, Row, attacker, contents, dump, findings, make_vault, opened, put, remove
from tests.faults.staging import scene_for

PATH = "a/b"
FIELDS = {"username": "u", "password": "p"}
FLIP_STRIDE = 97
"""Of the file's pages, which are mostly empty; a prime, so that the bit that is flipped changes as well."""


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, KeyFileCredential]:
    """The least that has a row in each table."""
    credential = new_key_file()
    path = tmp_path / "small.vault"
    with make_vault(path, credential, labels=("label",)) as vault:
        vault.configure(cas_required=False)
        vault.set(PATH, FIELDS)
    return path, credential


def _blobs(rows: Dump) -> Iterator[tuple[str, Row, int, bytes]]:
    for table, found in rows.items():
        for row in found.values():
            for column, value in enumerate(row):
                if isinstance(value, bytes):
                    yield table, row, column, value


def _exchange(db: sqlite3.Connection, table: str, row: Row, column: int, value: bytes) -> Row:
    names = COLUMNS[table]
    where = " AND ".join(f"{name} = ?" for name in names)
    assert db.execute(f"UPDATE {table} SET {names[column]} = ? WHERE {where}", (value, *row)).rowcount == 1
    return (*row[:column], value, *row[column + 1 :])


def _expect_truth_or_refusal(vault: Vault) -> None:
    try:
        assert contents(vault, PATH) == FIELDS
        assert [version.number for version in vault.history(PATH)] == [1]
        assert list(vault.walk()) == [PATH]
        assert [slot.label for slot in vault.slots()] == ["label"]
        assert not vault.settings().cas_required
    except StrongroomError:
        return


def test_every_byte_of_every_blob(small: tuple[Path, KeyFileCredential]) -> None:
    """One bit of each: a vault that is open refuses or reads the truth, and verify never misses it."""
    path, credential = small
    missed, flips = [], 0
    with opened(path, credential) as vault, attacker(path) as db:
        for table, row, column, value in _blobs(dump(path)):
            for offset in range(len(value)):
                changed = bytearray(value)
                changed[offset] ^= 1 << offset % 8
                forged = _exchange(db, table, row, column, bytes(changed))
                _expect_truth_or_refusal(vault)
                if not findings(vault):
                    missed.append((table, column, offset))
                _exchange(db, table, forged, column, value)
                flips += 1
        assert not missed
        assert flips > 4000
        assert not findings(vault)


@pytest.mark.parametrize("table", ["header", "slots"])
def test_every_byte_of_what_opens_the_vault(table: str, small: tuple[Path, KeyFileCredential]) -> None:
    """With one slot, no bit of the header or of a slot can be changed and the vault still be opened."""
    path, credential = small
    with attacker(path) as db:
        for row_table, row, column, value in _blobs(dump(path)):
            for offset in range(len(value) if row_table == table else 0):
                changed = bytearray(value)
                changed[offset] ^= 0x80 >> offset % 8
                forged = _exchange(db, table, row, column, bytes(changed))
                with pytest.raises(StrongroomError), opened(path, credential):
                    pass
                _exchange(db, table, forged, column, value)
    with opened(path, credential) as vault:
        assert not findings(vault)


LENGTHS = {
    "emptied": lambda value: b"",
    "first byte cut": lambda value: value[1:],
    "last byte cut": lambda value: value[:-1],
    "halved": lambda value: value[: len(value) // 2],
    "only the key id": lambda value: value[:4],
    "byte appended": lambda value: value + b"\0",
    "byte put before": lambda value: b"\0" + value,
    "doubled": lambda value: value * 2,
    "a chunk appended": lambda value: value + bytes(16_400),
    "a mebibyte appended": lambda value: value + bytes(1 << 20),
    "zeros": lambda value: bytes(len(value)),
    "ones": lambda value: b"\xff" * len(value),
}


@pytest.mark.parametrize("name", LENGTHS)
def test_lengths(name: str, small: tuple[Path, KeyFileCredential]) -> None:
    """Cut, extended and overwritten blobs of every row are refused and found, by a fresh reader too."""
    path, credential = small
    with opened(path, credential) as standing, attacker(path) as db:
        for table, row, column, value in _blobs(dump(path)):
            changed = LENGTHS[name](value)
            if changed == value:
                continue
            forged = _exchange(db, table, row, column, changed)
            _expect_truth_or_refusal(standing)
            assert findings(standing), (table, column)
            try:
                with opened(path, credential) as fresh:
                    _expect_truth_or_refusal(fresh)
                    assert findings(fresh), (table, column)
            except StrongroomError:
                assert table in ("header", "slots")
            _exchange(db, table, forged, column, value)
        assert not findings(standing)


def test_a_value_longer_than_any_of_ours(tmp_path: Path) -> None:
    """A blob of 80 MiB is refused before it is read into memory."""
    scene = scene_for(tmp_path)
    with attacker(scene.file) as db:
        db.execute("UPDATE versions SET body = zeroblob(80 * 1024 * 1024) WHERE item = ?", (scene.ids["mail/smtp"],))
    with opened(scene.file, scene.credential) as vault:
        with pytest.raises(StrongroomError):
            vault.get("mail/smtp")
        assert contents(vault, "bank/savings") == scene.truth["bank/savings"][1]
        assert findings(vault)


def test_bytes_of_the_file(small: tuple[Path, KeyFileCredential]) -> None:
    """Whatever byte of the closed file changes: an error of ours, or the truth; verified only if no row differs."""
    path, credential = small
    genuine, rows = path.read_bytes(), dump(path)
    refused = 0
    for offset in range(0, len(genuine), FLIP_STRIDE):
        changed = bytearray(genuine)
        changed[offset] ^= 1 << offset % 8
        path.write_bytes(changed)
        try:
            with opened(path, credential) as vault:
                _expect_truth_or_refusal(vault)
                vault.verify()
                assert contents(vault, PATH) == FIELDS
            assert dump(path) == rows, offset
        except StrongroomError:
            refused += 1
        _without_companions(path)
    assert refused > 50
    path.write_bytes(genuine)
    with opened(path, credential) as vault:
        assert not findings(vault)


@pytest.mark.parametrize("size", [0, 1, 99, 100, 512, 4095, 4096, 4097, 8192, 20_000, -4096, -1])
def test_the_file_cut_or_padded(size: int, small: tuple[Path, KeyFileCredential]) -> None:
    """A file that is cut or padded is one of our errors or the truth."""
    path, credential = small
    genuine = path.read_bytes()
    path.write_bytes(genuine[:size] if size >= 0 else genuine + bytes(-size))
    try:
        with opened(path, credential) as vault:
            _expect_truth_or_refusal(vault)
            vault.verify()
        assert size < 0
    except StrongroomError:
        assert size >= 0


@pytest.mark.parametrize("junk", [b"", b"SQLite format 3\0" + b"\xff" * 5000, b"x" * 40_000, bytes(32_768)])
@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal"])
def test_other_bytes_in_the_files_of_sqlite(ending: str, junk: bytes, small: tuple[Path, KeyFileCredential]) -> None:
    """Rubbish in the file, its log or its index: the truth, or one of our errors."""
    path, credential = small
    beside = Path(f"{path}{ending}")
    beside.write_bytes(junk)
    beside.chmod(0o600)
    try:
        with opened(path, credential) as vault:
            _expect_truth_or_refusal(vault)
            vault.verify()
            assert contents(vault, PATH) == FIELDS
    except StrongroomError:
        pass  # refused, which is all that is asked


def test_a_log_that_was_cut_or_flipped(small: tuple[Path, KeyFileCredential], tmp_path: Path) -> None:
    """A write-ahead log that somebody changed loses its newest commits, as at a power cut, and nothing else."""
    path, credential = small
    with opened(path, credential) as vault:
        vault.set(PATH, {"password": "second"})
        vault.set("c", {"password": "x"})
        genuine, log = path.read_bytes(), Path(f"{path}-wal").read_bytes()
    assert len(log) > 10_000
    twin = tmp_path / "twin.vault"
    for offset in range(0, len(log), 997):
        for changed in (log[:offset], log[:offset] + bytes([log[offset] ^ 0x10]) + log[offset + 1 :]):
            twin.write_bytes(genuine)
            twin.chmod(0o600)
            beside = Path(f"{twin}-wal")
            beside.write_bytes(changed)
            beside.chmod(0o600)
            try:
                with opened(twin, credential) as vault:
                    assert contents(vault, PATH) in (FIELDS, {"password": "second"})
                    vault.verify()
            except StrongroomError:
                pass  # refused, which is all that is asked
            _without_companions(twin)


def test_rows_duplicated_inside_the_file(small: tuple[Path, KeyFileCredential]) -> None:
    """A row under two keys is found, and so is one deleted right after verification."""
    path, credential = small
    (node,) = [row for row in dump(path)["nodes"].values() if row[0] != bytes(16)]
    with opened(path, credential) as vault, closing(sqlite3.connect(path, isolation_level=None)) as db:
        put(db, "nodes", (bytes(16), *node[1:]))
        assert any(line.startswith("duplicated") and PATH in line for line in findings(vault))
        remove(db, "nodes", (bytes(16), node[1]))
        assert not findings(vault)


def _without_companions(path: Path) -> None:
    for ending in ("-wal", "-shm", "-journal"):
        Path(f"{path}{ending}").unlink(missing_ok=True)
