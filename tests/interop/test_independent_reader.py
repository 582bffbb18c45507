"""A reader written from the page of the format alone reads what strongroom wrote, and nothing that was changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

import strongroom
from strongroom.vault.vault import Vault
from tests.independent_reader import TABLES
from tests.independent_reader import Vault as Reader

PASSPHRASE = "zwölf Möwen über dem Hafen"
VALUES = {
    "bank/checking": {1: {"user": "dustin", "pin": "0042"}, 2: {"user": "dustin", "pin": "0043", "key": "00ff10"}},
    "bank/old/savings": {1: {"empty": ""}},
    "größe": {1: {"long": "x" * 40_000}},
}


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Vault]:
    with strongroom.create(tmp_path / "vault.db", key_file=tmp_path / "vault.key", passphrase=PASSPHRASE) as vault:
        for path, versions in VALUES.items():
            for fields in versions.values():
                vault.set(path, {name: b"\x00\xff\x10" if name == "key" else text for name, text in fields.items()})
        vault.set("gone", {"pin": "1"})
        vault.destroy("gone", versions=[1])
        yield vault


def read(directory: Path) -> dict[str, dict[int, dict[str, str]]]:
    return Reader(directory / "vault.db", key_file=(directory / "vault.key").read_text()).values()


def test_every_version_of_every_item_is_read(kept: Vault, tmp_path: Path) -> None:
    assert read(tmp_path) == VALUES
    assert Reader(tmp_path / "vault.db", passphrase=PASSPHRASE).values() == VALUES


def test_after_new_data_keys_and_new_root_keys(kept: Vault, tmp_path: Path) -> None:
    kept.rotate()
    assert read(tmp_path) == VALUES
    # Twice: from the identity in the slot's wrap two certificates lead to today's.
    for _ in range(2):
        kept.rotate(root=True)
    assert read(tmp_path) == VALUES
    assert Reader(tmp_path / "vault.db", passphrase=PASSPHRASE).values() == VALUES


def test_it_refuses_a_wrong_passphrase(kept: Vault, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="commitment"):
        Reader(tmp_path / "vault.db", passphrase=PASSPHRASE + "!")


@pytest.mark.parametrize("table", TABLES.values())
def test_it_refuses_a_changed_bit_in_any_column(kept: Vault, tmp_path: Path, table: str) -> None:
    kept.lock()
    with sqlite3.connect(tmp_path / "vault.db") as store:
        columns = [row[1] for row in store.execute(f"PRAGMA table_info({table})")]
        rows = store.execute(f"SELECT * FROM {table}").fetchall()
        for index, column in enumerate(columns):
            value = rows[-1][index]
            changed = value + 1 if isinstance(value, int) else value[:-1] + bytes([value[-1] ^ 1])
            where = " AND ".join(f"{name} = ?" for name in columns)
            store.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (changed, *rows[-1]))
            store.commit()
            with pytest.raises(Exception):  # noqa: B017 - each library has its own word for it
                read(tmp_path)
            undo = [changed if at == index else one for at, one in enumerate(rows[-1])]
            store.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (value, *undo))
            store.commit()
    assert read(tmp_path) == VALUES
