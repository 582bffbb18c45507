"""Opening with a key file: 32 random bytes that lie on the machine, mode 0400.

Only its bytes are made and read here; `locate` reads and writes the file.
Source: docs/format.md#key-slots.
"""

from __future__ import annotations

from _operator import _compare_digest

from strongroom.crypto.digest import sha256
from strongroom.crypto.entropy import random_buffer, random_bytes
from strongroom.errors import Tampered, WrongKey
from strongroom.secret import HiddenBuffer, wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.keys.format import SlotRecord

KIND = 2
ID_BYTES = 16
KEY_BYTES = 32
KEY_FILE_BYTES = 125

_MAGIC = b"strongroom-key-v1:"
_ID = slice(len(_MAGIC), len(_MAGIC) + 2 * ID_BYTES)
_KEY = slice(_ID.stop + 1, _ID.stop + 1 + 2 * KEY_BYTES)
_CHECKSUM = slice(_KEY.stop + 1, _KEY.stop + 9)
_HEX = b"0123456789abcdef"


class KeyFileCredential:
    """A key file's content.

    Args:
        key_file_id: 16 bytes; not secret, and says which slots it belongs to.
        key: 32 bytes, taken over and wiped with this object.
    """

    __slots__ = ("_key", "key_file_id")

    kind = KIND

    def __init__(self, key_file_id: bytes, key: bytearray) -> None:
        if len(key_file_id) != ID_BYTES or len(key) != KEY_BYTES:
            raise ValueError("a key file holds an id of 16 bytes and a key of 32")
        self.key_file_id = key_file_id
        self._key = key

    def may_open(self, record: SlotRecord) -> bool:
        """Whether the slot names this key file."""
        return record.kind == KIND and record.parameters == self.key_file_id

    def secret(self, parameters: bytes) -> bytearray:
        """A copy of the key; see `Credential.secret`."""
        check_parameters(parameters)
        if not self._key:
            raise ValueError("this key file was wiped")
        return HiddenBuffer(self._key)

    def new_parameters(self) -> bytes:
        """The key file's id."""
        return self.key_file_id

    def wipe(self) -> None:
        """Overwrite the key; `secret` fails afterwards."""
        wipe(self._key)
        self._key = bytearray()

    def __repr__(self) -> str:
        return f"KeyFileCredential({self.key_file_id.hex()}, <hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a credential cannot be pickled or copied")


def new_key_file() -> KeyFileCredential:
    """A new random key with a new id."""
    return KeyFileCredential(random_bytes(ID_BYTES), random_buffer(KEY_BYTES))


def encode_key_file(credential: KeyFileCredential) -> bytearray:
    """The file's 125 bytes, which the caller wipes."""
    line = HiddenBuffer(KEY_FILE_BYTES)
    line[: len(_MAGIC)] = _MAGIC
    to_hex(credential.key_file_id, line, _ID.start)
    line[_ID.stop] = ord(":")
    key = credential.secret(credential.key_file_id)
    to_hex(key, line, _KEY.start)
    wipe(key)
    line[_KEY.stop] = ord(":")
    line[_CHECKSUM] = _checksum(line)
    line[_CHECKSUM.stop] = ord("\n")
    return line


def decode_key_file(data: bytearray) -> KeyFileCredential:
    """Read a key file's content, which is wiped. A missing newline is forgiven.

    Raises: WrongKey: it is no key file, or damaged.
    """
    try:
        if len(data) == KEY_FILE_BYTES and data.endswith(b"\n"):
            line = memoryview(data)[:-1]
        else:
            line = memoryview(data)
        if len(line) != KEY_FILE_BYTES - 1 or line[: len(_MAGIC)] != _MAGIC:
            raise WrongKey("this is not a strongroom key file", advice="it begins with strongroom-key-v1:")
        colons = line[_ID.stop] == line[_KEY.stop] == ord(":")
        if not colons or not _compare_digest(_checksum(data), line[_CHECKSUM]):
            raise WrongKey("the key file is damaged", advice="restore it from its copy, or open with another slot")
        return KeyFileCredential(bytes(from_hex(line[_ID])), from_hex(line[_KEY]))
    finally:
        wipe(data)


def check_parameters(parameters: bytes) -> None:
    """Refuse what are not the parameters of a key file slot.

    Raises: Tampered: not 16 bytes.
    """
    if len(parameters) != ID_BYTES:
        raise Tampered("malformed slot parameters: a key file id has 16 bytes")


def describe(parameters: bytes) -> str:
    """The key file's id in words."""
    return f"key file {parameters.hex()}"


def _checksum(line: bytearray) -> bytes:
    return sha256(memoryview(line)[: _KEY.stop])[:4].hex().encode("ascii")


# bytes.hex() and bytes.fromhex() would leave the key behind in objects that cannot be wiped.
def to_hex(data: bytes | bytearray, line: bytearray, position: int) -> None:
    """Write *data* into *line* from *position* on, as lower-case hex digits."""
    for number, byte in enumerate(data):
        line[position + 2 * number] = _HEX[byte >> 4]
        line[position + 2 * number + 1] = _HEX[byte & 15]


def from_hex(digits: memoryview) -> bytearray:
    """The bytes that an even number of hex digits stand for, in a buffer that the caller wipes.

    Raises: WrongKey: other characters.
    """
    data = HiddenBuffer(len(digits) // 2)
    for number in range(len(data)):
        high, low = _HEX.find(digits[2 * number]), _HEX.find(digits[2 * number + 1])
        if high < 0 or low < 0:
            wipe(data)
            raise WrongKey("the key file is damaged", advice="restore it from its copy, or open with another slot")
        data[number] = high << 4 | low
    return data
