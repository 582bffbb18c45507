"""dotenvx: ``.env`` files with values that begin with ``encrypted:``, and the keys of ``.env.keys``. Only read.

Nothing binds a value to its name or file, so whoever can write the file can exchange values: it is said on reading.
"""

from __future__ import annotations

import re
from binascii import Error as NotBase64
from binascii import a2b_base64

from strongroom.crypto.foreign import dotenvx
from strongroom.errors import Tampered, WrongKey
from strongroom.formats.dotenv import DEFAULT_DIALECT, read
from strongroom.formats.interface import BadFile, Document, Entry, decode
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

PREFIX = b"encrypted:"
KEY_FILE = ".env.keys"
KEYS_MAX = 64
VALUES_MAX = 5_000
"""In one file: each takes a millisecond."""

_PRIVATE = re.compile(
    rb"""^[ \t]*(?:export[ \t]+)?DOTENV_PRIVATE_KEY\w*[ \t]*=[ \t]*["']?([0-9a-fA-F, \t]*)""", re.MULTILINE
)
_SCALAR = re.compile(rb"[0-9a-fA-F]{%d}" % (2 * dotenvx.PRIVATE_KEY_BYTES))
_PUBLIC = "DOTENV_PUBLIC_KEY"


def has_values(data: bytes | bytearray) -> bool:
    """Whether *data* is a .env file of dotenvx's."""
    return PREFIX in data and _PUBLIC.encode() in data


def parse_keys(data: bytearray) -> list[dotenvx.PrivateKey]:
    """The private keys of a ``.env.keys`` file.

    Args:
        data: wiped.

    Raises: WrongKey: there is none, or one is none.
    """
    found = list[dotenvx.PrivateKey]()
    try:
        for match in _PRIVATE.finditer(data):
            for word in match[1].split(b","):
                if not _SCALAR.fullmatch(word.strip()) or len(found) == KEYS_MAX:
                    raise WrongKey("the file of dotenvx's keys holds one that is none, or too many")
                scalar = bytearray.fromhex(word.strip().decode("ascii"))
                try:
                    found.append(dotenvx.PrivateKey(scalar))
                finally:
                    wipe(scalar)
    finally:
        wipe(data)
    if not found:
        raise WrongKey("there is no private key in the file of dotenvx's keys")
    return found


def read_values(
    data: bytes | bytearray, keys: Sequence[dotenvx.PrivateKey], *, dialect: str = DEFAULT_DIALECT
) -> Document:
    """The variables of the file, those that are encrypted decrypted; they are secret, whatever they are called.

    Raises:
        WrongKey: a value that no key opens; the message names its line.
        Tampered: a value that dotenvx would not have written.
        BadFile: as `dotenv.read`.
    """
    text, _ = decode(data)
    document = read(data, dialect=dialect)
    public = {entry.data.decode("ascii", "replace") for entry in document.entries if entry.keys[-1].startswith(_PUBLIC)}
    fitting = [key for key in keys if key.public() in public] or list(keys)
    sealed = [entry for entry in document.entries if entry.data.startswith(PREFIX)]
    if len(sealed) > VALUES_MAX:
        raise BadFile(f"more than {VALUES_MAX} values are encrypted in the file")
    for entry in sealed:
        entry.data = _opened(entry, fitting)
        entry.is_secret, entry.note = True, ""
    entries = [entry for entry in document.entries if not entry.keys[-1].startswith(_PUBLIC)]
    return Document(text, entries, last_counts=document.last_counts)


def _opened(entry: Entry, keys: Sequence[dotenvx.PrivateKey]) -> bytes:
    try:
        message = a2b_base64(entry.data.removeprefix(PREFIX), strict_mode=True)
    except NotBase64:
        raise Tampered(f"line {entry.line}: a value of dotenvx's was cut or changed") from None
    for key in keys:
        try:
            return bytes(key.open_sealed(message))
        except WrongKey:
            continue
        except Tampered as error:
            raise Tampered(f"line {entry.line}: {error}") from None
    raise WrongKey(f"line {entry.line}: no private key at hand opens this value, or it was changed")
