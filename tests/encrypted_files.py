"""Files, identities and the command that the tests of encrypted files share."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from strongroom import encrypted_files, streams
from strongroom.credentials.age import bech32
from strongroom.credentials.recipients import x25519_text
from strongroom.encrypted_files import EncryptedFile, FileRecipient, OpenFile

ALICE, BOB, CAROL = (bech32.encode("age-secret-key-", bytes([number]) * 32).upper() for number in (65, 66, 67))

FILES = {
    "yaml": "# the database\ndb:\n  user: app # not secret\n  password: 'p&1'\nport: 5432\nkeys:\n  - one\n  - two\n"
    "text: |\n  several\n  lines\nempty:\n",
    "json": '{\n  "db": {"user": "app", "password": "p&1"},\n  "port": 5432,\n  "keys": ["one", null]\n}\n',
    "toml": "# top\nport = 5432\n[db]\nuser = 'app' # not secret\npassword = \"p&1\"\nkeys = [\"one\", \"two\"]\n",
    "ini": "[db]\n# who\nuser = app\npassword = p&1\n\n[other]\nport: 5432\n",
    "dotenv": "# who\nexport DB_USER=app\nDB_PASSWORD='p&1'\nURL=\"http://${DB_USER}\" # where\nEMPTY=\n",
    "dotenv-posix": "DB_USER=app\nDB_PASSWORD='p&1'\n",
    "dotenv-compose": "DB_USER=app\nDB_PASSWORD='p&1'\n",
}


def identity(text: str) -> streams.Identity:
    """One identity of its text."""
    return streams.parse_identities(bytearray(text.encode()))[0]


def public(text: str) -> str:
    """The recipient of an identity."""
    private = bech32.decode(bytearray(text.encode()), "AGE-SECRET-KEY-")
    return x25519_text(X25519PrivateKey.from_private_bytes(bytes(private)).public_key().public_bytes_raw())


def recipient(text: str) -> FileRecipient:
    """The recipient of an identity, of an encrypted file."""
    return FileRecipient(public(text))


def made(text: str, format: str, *who: str, plain: tuple[str, ...] = ()) -> bytes:
    """An encrypted file."""
    people = [recipient(one) for one in who or (ALICE,)]
    with encrypted_files.encrypt(text.encode(), people, format=format, plain=plain) as file:
        return file.encoded()


def opened(data: bytes, who: str = ALICE) -> OpenFile:
    """A file opened by one identity."""
    return encrypted_files.read(data).unlock([identity(who)])


def changed(data: bytes, who: str = ALICE, **values: str) -> bytes:
    """A file with other values."""
    with opened(data, who) as file:
        for name, value in values.items():
            file.set((name,), value)
        return file.encoded()


def locked(data: bytes) -> EncryptedFile:
    """A file that nobody has opened."""
    return encrypted_files.read(data)
