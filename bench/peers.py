"""What strongroom is measured against: each peer does the same task with less, or in the usual way."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

Row = tuple[object, ...]
CONTEXT = b"bench"
PBKDF2_ITERATIONS = 100_000


def connect(path: Path) -> sqlite3.Connection:
    """A connection that is as durable as strongroom's: WAL, synchronous=FULL."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA secure_delete=ON")
    return connection


class RawTable:
    """One table of sealed values in SQLite and one ledger row, with nothing around it."""

    def __init__(self, path: Path) -> None:
        self.key = os.urandom(32)
        self.connection = connect(path)
        self.connection.execute("CREATE TABLE entry (id BLOB PRIMARY KEY, body BLOB) STRICT, WITHOUT ROWID")
        self.connection.execute("CREATE TABLE ledger (id INTEGER PRIMARY KEY, body BLOB) STRICT")

    def seal(self, value: bytes) -> bytes:
        """One suite 1 message."""
        encryptor = Cobblestone256Encryptor(self.key, CONTEXT)
        return encryptor.update(value) + encryptor.finalize()

    def get(self, name: bytes) -> bytes:
        """One point read and one suite 1 open."""
        row = self.connection.execute("SELECT body FROM entry WHERE id = ?", (name,)).fetchone()
        decryptor = Cobblestone256Decryptor(self.key, CONTEXT)
        opened = decryptor.update(row[0])
        return opened + decryptor.finalize()

    def set(self, name: bytes, body: bytes, ledger: bytes) -> None:
        """One durable upsert of a value that is sealed already, and of a ledger row."""
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        execute("INSERT INTO entry VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body", (name, body))
        execute("INSERT INTO ledger VALUES (0, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body", (ledger,))
        execute("COMMIT")

    def set_many(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """One `executemany` in one durable transaction."""
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany("INSERT OR REPLACE INTO entry VALUES (?, ?)", rows)
        self.connection.execute("COMMIT")


class SameRows:
    """A database with a vault's own tables that is fed the very rows the vault has written.

    What is left is SQLite's share of a write: no encryption, no names, no ledger sum.
    """

    def __init__(self, vault: Path, path: Path) -> None:
        self.source = sqlite3.connect(vault, isolation_level=None)
        self.connection = connect(path)
        for (statement,) in self.source.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL"):
            self.connection.execute(statement)
        self.tables = [name for (name,) in self.source.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        self.insert = {
            name: f"INSERT OR REPLACE INTO {name} VALUES ({', '.join('?' * self.width(name))})" for name in self.tables
        }
        self.seen: set[Row] = set()
        self.write(self.fresh())

    def width(self, table: str) -> int:
        """How many columns *table* has."""
        return len(self.source.execute(f"PRAGMA table_info({table})").fetchall())

    def fresh(self) -> list[tuple[str, list[Row]]]:
        """The rows that the vault has written since the last call, by table."""
        found = []
        for table in self.tables:
            rows = [row for row in self.source.execute(f"SELECT * FROM {table}") if (table, *row) not in self.seen]
            self.seen.update((table, *row) for row in rows)
            if rows:
                found.append((table, rows))
        return found

    def write(self, batch: Sequence[tuple[str, list[Row]]]) -> None:
        """Write them in one durable transaction."""
        self.connection.execute("BEGIN IMMEDIATE")
        for table, rows in batch:
            if len(rows) == 1:
                self.connection.execute(self.insert[table], rows[0])
            else:
                self.connection.executemany(self.insert[table], rows)
        self.connection.execute("COMMIT")


class Pbkdf2Store:
    """The field's usual recipe: for each value a salt, PBKDF2 of the passphrase, Fernet."""

    def __init__(self, path: Path, passphrase: bytes) -> None:
        self.passphrase = passphrase
        self.connection = connect(path)
        self.connection.execute("CREATE TABLE entry (id TEXT PRIMARY KEY, salt BLOB, token BLOB) STRICT")

    def fernet(self, salt: bytes) -> Fernet:
        """The key of one entry, derived anew."""
        import base64

        derivation = PBKDF2HMAC(algorithm=SHA256(), length=32, salt=salt, iterations=PBKDF2_ITERATIONS)
        return Fernet(base64.urlsafe_b64encode(derivation.derive(self.passphrase)))

    def set(self, name: str, value: bytes) -> None:
        """Store one value."""
        salt = os.urandom(16)
        token = self.fernet(salt).encrypt(value)
        self.connection.execute("INSERT OR REPLACE INTO entry VALUES (?, ?, ?)", (name, salt, token))

    def get(self, name: str) -> bytes:
        """Read one value."""
        salt, token = self.connection.execute("SELECT salt, token FROM entry WHERE id = ?", (name,)).fetchone()
        return self.fernet(salt).decrypt(token)


class CryptFile:
    """keyrings.cryptfile, the encrypted file of the keyring library: Argon2 for each call.

    Raises: ImportError: it is not installed.
    """

    def __init__(self, path: Path, passphrase: str) -> None:
        from keyrings.cryptfile.cryptfile import CryptFileKeyring

        self.keyring = CryptFileKeyring()
        self.keyring.file_path = str(path)
        self.keyring.keyring_key = passphrase

    def set(self, name: str, value: str) -> None:
        """Store one value."""
        self.keyring.set_password("bench", name, value)

    def get(self, name: str) -> str:
        """Read one value."""
        return str(self.keyring.get_password("bench", name))
