"""KeePass databases, KDBX 3.1 and 4, through pykeepass (extra ``keepass``). Only read.

How much the key derivation costs stands in the file, before anything is authenticated: it is read and bounded here
first. What the file holds is authenticated before it is parsed: a hostile file needs the password, too.
"""

from __future__ import annotations

from struct import error as StructError
from struct import unpack_from

from strongroom.crypto.foreign.keepass import aes_kdf
from strongroom.errors import FormatUnsupported, WrongKey
from strongroom.formats import keepass_unpacking
from strongroom.formats.csv_file import free_keys
from strongroom.formats.interface import BadFile, Document, Entry
from strongroom.formats.keepass_references import resolved
from strongroom.keys.slots.bound import missing_extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

FILE_BYTES_MAX = 16 * 1024 * 1024
AES_ROUNDS_MAX = 500_000_000
ARGON2_MEMORY_BYTES_MAX = 2 * 1024**3
ARGON2_WORK_BYTES_MAX = 64 * 1024**3
"""Memory times iterations."""

_SIGNATURE = b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5"
_OLD_SIGNATURE = b"\x03\xd9\xa2\x9a\x65\xfb\x4b\xb5"
_AES_KDF = bytes.fromhex("c9d9f39a628a4460bf740d08c18a4fea")
_ARGON2 = (bytes.fromhex("ef636ddf8c29444b91f7a9a403e30a0c"), bytes.fromhex("9e298b1956db4773b23dfc3ec6f0a1e6"))
_HEADER_BYTES_MAX = 65_536


class Cost:
    """What opening a database takes.

    Attributes:
        rounds: of AES; 0 for Argon2.
        seed: of AES.
    """

    __slots__ = ("rounds", "seed")

    def __init__(self, rounds: int, seed: bytes) -> None:
        self.rounds = rounds
        self.seed = seed


def is_keepass(data: bytes | bytearray) -> bool:
    """Whether *data* begins as a KeePass database."""
    return data.startswith((_SIGNATURE, _OLD_SIGNATURE))


def cost_of(data: bytes | bytearray) -> Cost:
    """Read the header, and compare what opening the file would cost with the bounds.

    Raises:
        BadFile: no KeePass database, or cut.
        FormatUnsupported: of another version, or it would cost too much.
    """
    if data.startswith(_OLD_SIGNATURE):
        raise FormatUnsupported("this is a database of KeePass 1; KeePass 2 and KeePassXC make a newer one of it")
    if not data.startswith(_SIGNATURE):
        raise BadFile("this is no KeePass database")
    try:
        major = unpack_from("<H", data, 10)[0]
        if major not in (3, 4):
            raise FormatUnsupported(f"KDBX version {major} is not read here")
        fields = dict(_fields(data, 12, "<BH" if major == 3 else "<BI", 3 if major == 3 else 5))
        if major == 3:
            return _aes(unpack_from("<Q", fields[6])[0], fields[5])
        return _derivation(fields[11])
    except (StructError, KeyError, IndexError, UnicodeDecodeError):
        raise BadFile("this KeePass database was cut or changed") from None


def _fields(data: bytes | bytearray, place: int, shape: str, width: int) -> Iterator[tuple[int, bytes]]:
    while place < _HEADER_BYTES_MAX:
        number, length = unpack_from(shape, data, place)
        place += width
        if length > _HEADER_BYTES_MAX or place + length > len(data):
            break
        yield number, bytes(data[place : place + length])
        place += length
        if not number:
            return
    raise BadFile("this KeePass database was cut or changed")


def _derivation(data: bytes) -> Cost:
    """The parameters of KDBX 4, a dictionary of typed values."""
    found, place = dict[str, bytes](), 2
    while data[place]:
        length = unpack_from("<I", data, place + 1)[0]
        name = data[place + 5 : place + 5 + length].decode("ascii")
        place += 5 + length
        length = unpack_from("<I", data, place)[0]
        found[name] = data[place + 4 : place + 4 + length]
        place += 4 + length
    if found["$UUID"] == _AES_KDF:
        return _aes(unpack_from("<Q", found["R"])[0], found["S"])
    if found["$UUID"] not in _ARGON2:
        raise FormatUnsupported("the key derivation of this KeePass database is not known here")
    memory, iterations = unpack_from("<Q", found["M"])[0], unpack_from("<Q", found["I"])[0]
    lanes = unpack_from("<I", found["P"])[0]
    if memory > ARGON2_MEMORY_BYTES_MAX or memory * iterations > ARGON2_WORK_BYTES_MAX or not 1 <= lanes <= 64:
        raise FormatUnsupported("opening this KeePass database would take more memory or time than is allowed here")
    return Cost(0, b"")


def _aes(rounds: int, seed: bytes) -> Cost:
    if rounds > AES_ROUNDS_MAX:
        raise FormatUnsupported("opening this KeePass database would take more time than is allowed here")
    if len(seed) != 32 or not rounds:
        raise BadFile("this KeePass database was cut or changed")
    return Cost(rounds, seed)


def read(data: bytes | bytearray, password: bytes | bytearray | None, key_file: bytes | None) -> Document:
    """Every entry, as an item below its groups; those in the recycle bin, and old versions, are left.

    Args:
        password: UTF-8; None for a database that a key file alone opens.
        key_file: the content of the key file; None for none.

    Raises:
        BadFile: no KeePass database, or damaged.
        WrongKey: another password or key file.
        FormatUnsupported: it would cost or unpack to too much, or the extra ``keepass`` is not installed.
    """
    if len(data) > FILE_BYTES_MAX:
        raise BadFile(f"a KeePass database is read up to {FILE_BYTES_MAX} bytes")
    cost = cost_of(data)
    try:
        from pykeepass import PyKeePass
        from pykeepass.exceptions import CredentialsError
    except ImportError:
        raise missing_extra("keepass", "reading a KeePass database") from None
    from io import BytesIO

    # The library takes text; it cannot be wiped.
    text = None if password is None else password.decode("utf-8")
    key = None if key_file is None else BytesIO(key_file)
    try:
        transformed = None
        if cost.rounds:
            from pykeepass.kdbx_parsing.common import compute_key_composite

            transformed = aes_kdf(compute_key_composite(text, key), cost.seed, cost.rounds)
        with keepass_unpacking.bounded(keepass_unpacking.UNPACKED_BYTES_MAX):
            database = PyKeePass(BytesIO(bytes(data)), password=text, keyfile=key, transformed_key=transformed)
            # Once: those of a KDBX 3 file are unpacked all, and those of others copied, at each look at one of them.
            binaries = database.binaries
        return _document(database, binaries)
    except keepass_unpacking.TooLarge:
        raise
    except CredentialsError:
        raise WrongKey("the password or key file does not open this KeePass database") from None
    except Exception:
        # The library has an exception of its own for each kind of damage, and lets out those of three others.
        raise BadFile("this KeePass database was cut or changed") from None


def _document(database: Any, binaries: list[bytes]) -> Document:
    entries, taken = list[Entry](), dict[tuple[str, ...], int]()
    left = keepass_unpacking.Left(keepass_unpacking.UNPACKED_BYTES_MAX)
    for entry in database.entries:
        entries += _entry(database, entry, binaries, taken, left)
    return Document("", entries)


def _entry(
    database: Any, entry: Any, binaries: list[bytes], taken: dict[tuple[str, ...], int], left: keepass_unpacking.Left
) -> list[Entry]:
    bin = database.recyclebin_group
    note = "lies in the recycle bin" if bin is not None and _is_below(entry, bin) else ""
    fields: dict[str, tuple[Any, bool | None]] = {
        "username": (_text(database, entry, "username"), False),
        "password": (_text(database, entry, "password"), True), "url": (_text(database, entry, "url"), False),
        "notes": (entry.notes, True), "totp": (entry.otp, True),
    }  # fmt: skip
    for name, value in entry.custom_properties.items():
        is_secret = True if entry.is_custom_property_protected(name) else None
        fields[name if name not in fields else f"{name} (field)"] = (value, is_secret)
    *groups, title = [part or "untitled" for part in entry.path]
    if not any(value for value, _ in fields.values()) and not entry.attachments:
        return []
    keys = free_keys((*groups, title), entry.username or "", taken)
    found = [
        Entry((*keys, name), left.take(value.encode("utf-8")), is_secret=is_secret, note=note)
        for name, (value, is_secret) in fields.items()
        if value
    ]
    for attachment in entry.attachments:
        data = left.take(binaries[attachment.id])
        name = attachment.filename or "attachment"
        name = name if name not in fields else f"{name} (file)"
        found.append(Entry((*keys, name), data, kind="text" if _is_text(data) else "bytes", is_secret=True, note=note))
    return found


def _text(database: Any, entry: Any, name: str) -> str:
    """A field; one that refers to another entry's field is that one's."""
    value = getattr(entry, name) or ""
    return resolved(database, str(value))


def _is_below(entry: Any, group: Any) -> bool:
    above = entry.group
    while above is not None:
        if above.uuid == group.uuid:
            return True
        above = above.parentgroup if not above.is_root_group else None
    return False


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
