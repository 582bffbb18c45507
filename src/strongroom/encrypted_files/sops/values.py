"""One value as SOPS writes it encrypted, and the text of values as its MAC sees them.

Source: getsops/sops, aes/cipher.go and ToBytes of sops.go.
"""

from __future__ import annotations

import re
from binascii import Error as NotBase64
from binascii import a2b_base64, b2a_base64

from strongroom.crypto.foreign import sops
from strongroom.encrypted_files.sops.tree import COMMENT
from strongroom.errors import FormatUnsupported, Tampered
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

INT_MAX = 2**63
_FLOAT_CHARACTERS_MAX = 15
_TOKEN = re.compile(
    r"ENC\[AES256_GCM,data:([A-Za-z0-9+/]*={0,2}),iv:([A-Za-z0-9+/]+={0,2}),tag:([A-Za-z0-9+/]+={0,2}),type:([a-z0-9]+)\]"
)
_NONCE_BYTES = range(12, 129)
_KINDS = ("str", "int", "float", "bool", "bytes", "time", COMMENT)


def is_encrypted(text: str) -> bool:
    """Whether *text* begins as an encrypted value does."""
    return text.startswith("ENC[AES256_GCM,")


class Token:
    """An encrypted value, taken apart.

    Attributes:
        kind: what it says that it holds, which nothing authenticates but the MAC of the whole file.
    """

    __slots__ = ("_nonce", "_sealed", "_tag", "kind", "text")

    def __init__(self, text: str) -> None:
        """Take *text* apart.

        Raises:
            Tampered: it is none.
            FormatUnsupported: of a kind that SOPS did not have when this was written.
        """
        found = _TOKEN.fullmatch(text)
        if found is None:
            raise Tampered("an encrypted value of this SOPS file was changed or cut")
        self.text = text
        self._sealed, self._nonce, self._tag = (_decoded(part) for part in found.groups()[:3])
        self.kind = found[4]
        if self.kind not in _KINDS:
            raise FormatUnsupported(f"a value of this SOPS file is of the unknown kind {self.kind[:16]}")
        if len(self._nonce) not in _NONCE_BYTES or len(self._tag) != sops.TAG_BYTES:
            raise Tampered("an encrypted value of this SOPS file was changed or cut")

    def open(self, key: Buffer, associated: bytes) -> str:
        """The value as the MAC sees it.

        Raises: Tampered: changed, of other names, or no text of its kind.
        """
        opened = sops.open_sealed(key, self._sealed, self._nonce, self._tag, associated)
        try:
            text = opened.decode("utf-8")
        except UnicodeDecodeError:
            raise FormatUnsupported("a value of this SOPS file is not UTF-8 text") from None
        finally:
            wipe(opened)
        return canonical(self.kind, text)


def seal(key: Buffer, kind: str, data: str, associated: bytes) -> str:
    """*data* encrypted, as SOPS writes it."""
    parts = (_encoded(part) for part in sops.seal(key, data.encode("utf-8"), associated))
    return "ENC[AES256_GCM,data:{},iv:{},tag:{},type:{}]".format(*parts, kind)


def canonical(kind: str, text: str) -> str:
    """*text* of a decrypted value as SOPS holds it in memory, which is what its MAC is over.

    Raises: Tampered: it is no number or truth value.
    """
    try:
        if kind == "int":
            return str(checked_int(int(text)))
        if kind == "float":
            return go_float(float(text))
    except (ValueError, OverflowError):
        raise Tampered("a number of this SOPS file is none") from None
    if kind == "bool":
        if text.lower() not in ("true", "false", "1", "0", "t", "f"):
            raise Tampered("a truth value of this SOPS file is none")
        return "True" if text[0] in "tT1" else "False"
    return text


def checked_int(number: int) -> int:
    """*number*, if Go's int can hold it.

    Raises: ValueError: it cannot.
    """
    if not -INT_MAX <= number < INT_MAX:
        raise ValueError("the number has more than 64 bits")
    return number


def go_float(number: float) -> str:
    """As Go's ``FormatFloat(number, 'f', -1, 64)``: the shortest that is read back, without an exponent.

    Raises: ValueError: infinite, or no number.
    """
    from decimal import Decimal

    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError("the number is not finite")
    return format(Decimal(repr(number)), "f").removesuffix(".0")


def short_float(data: str) -> str:
    """What `go_float` wrote, with an exponent where its digits would be more than the number has."""
    return repr(float(data)).removesuffix(".0") if len(data) > _FLOAT_CHARACTERS_MAX else data


def _decoded(part: str) -> bytes:
    try:
        data = a2b_base64(part, strict_mode=True) if part else b""
    except NotBase64:
        raise Tampered("an encrypted value of this SOPS file was changed or cut") from None
    if _encoded(data) != part:
        # Bits that stand for nothing.
        raise Tampered("an encrypted value of this SOPS file was changed or cut")
    return data


def _encoded(part: bytes) -> str:
    return b2a_base64(part, newline=False).decode("ascii")
