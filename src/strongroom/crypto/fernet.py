"""Fernet tokens, for exchange with other programs; nothing in the vault is encrypted with it.

The library does the cryptography. What it is lenient about is refused here: a token has one
spelling (canonical URL-safe base64, RFC 4648 section 5), and its time is looked at by
whoever calls, once the token has proved genuine.
Source: https://github.com/fernet/spec; docs/format.md#named-keys.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64

from cryptography.fernet import Fernet
from cryptography.fernet import InvalidToken as _InvalidToken

from strongroom.errors import Expired, Tampered

KEY_BYTES = 32
TOKEN_BYTES_MIN = 100
"""Version, time, 16 bytes of IV, one block, 32 bytes of tag: 73 bytes in base64."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

_TO_STANDARD = bytes.maketrans(b"-_+/", b"+/\0\0")
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class InvalidToken(Tampered, _InvalidToken):
    """No token of these keys, or not spelled as Fernet spells it; also the library's ``InvalidToken``."""

    def __init__(self, message: str = "no token of these keys, or a changed one") -> None:
        super().__init__(message, advice="a token is read with the key that made it, in the one spelling it has")


class TokenExpired(Expired, _InvalidToken):
    """A genuine token, older than was asked for; also the library's ``InvalidToken``."""


class FernetKey:
    """One Fernet key.

    Args:
        key: 32 bytes, the signing half first. The library keeps a copy for as long as this object lives.
    """

    __slots__ = ("_fernet",)

    def __init__(self, key: Buffer) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a Fernet key has {KEY_BYTES} bytes")
        self._fernet = Fernet(encode(key))

    def encrypt(self, data: bytes, seconds: int) -> bytes:
        """A token of *data*, dated *seconds* after 1970 UTC."""
        return self._fernet.encrypt_at_time(data, seconds)

    def decrypt(self, token: bytes) -> bytes:
        """What is in a token that `canonical` let through, whatever its date.

        Raises: InvalidToken: another key, or changed.
        """
        try:
            return self._fernet.decrypt(token)
        except _InvalidToken:
            raise InvalidToken from None

    def __repr__(self) -> str:
        return "FernetKey(<hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a key cannot be pickled or copied")


def encode(data: Buffer) -> bytes:
    """URL-safe base64 with its padding, as keys and tokens are spelled."""
    return b2a_base64(data, newline=False).translate(_TO_URL_SAFE)


def decode(text: bytes) -> bytes:
    """The bytes that `encode` made *text* of.

    Raises: ValueError: any other spelling: line breaks, foreign characters or the standard alphabet,
        missing or further padding, bits that say nothing.
    """
    try:
        data = a2b_base64(text.translate(_TO_STANDARD))
    except Base64Error:
        raise ValueError("this is not URL-safe base64") from None
    if encode(data) != text:
        raise ValueError("this is not canonical URL-safe base64")
    return data


def canonical(token: bytes | str) -> tuple[bytes, int]:
    """A token, and its date in seconds since 1970 UTC, which nobody has authenticated yet.

    Raises:
        TypeError: neither bytes nor str.
        InvalidToken: not spelled as Fernet spells it.
    """
    if isinstance(token, str):
        token = token.encode("ascii", "replace")
    elif not isinstance(token, bytes):
        raise TypeError("a token is bytes or str")
    try:
        data = decode(token)
    except ValueError:
        raise InvalidToken from None
    if len(token) < TOKEN_BYTES_MIN or data[0] != 0x80:
        raise InvalidToken
    return token, int.from_bytes(data[1:9], "big")
