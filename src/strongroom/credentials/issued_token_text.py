"""The text of an issued token, which a scanner recognises offline.

    acme_6Zt0q1ZcBv9XyJ3s_mX4...              PREFIX _ ID _ SECRET CHECKSUM

PREFIX is the issuer's, in lower case. ID is public, 16 characters. SECRET is 43 characters
of base62, 256 bits, and CHECKSUM six: the CRC-32 of all that stands before it. No character
needs quoting, and a double click selects all of it. Source: docs/format.md#issued-tokens.
"""

from __future__ import annotations

from zlib import crc32

from strongroom.credentials.hidden import HiddenText
from strongroom.credentials.tokens import BASE62, characters
from strongroom.errors import TokenRefused
from strongroom.secret import SecretStr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX_MAX = 32
ID_LENGTH = 16
SECRET_LENGTH = 43
CHECKSUM_LENGTH = 6
PATTERN = r"\b[a-z][a-z0-9_]{0,30}[a-z0-9]_[0-9A-Za-z]{16}_[0-9A-Za-z]{49}\b"
"""For secret scanners: what matches and passes `recognise` is an issued token, but for one in four billion."""

_TEXT_MAX = PREFIX_MAX + ID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH + 2
_PREFIX = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")
_ALPHABET = frozenset(BASE62)


def check_prefix(prefix: str) -> None:
    """Say whether *prefix* can be one.

    Raises: ValueError: not 2 to 32 characters of a-z, 0-9 and ``_``, from a letter to none of ``_``.
    """
    is_one = 2 <= len(prefix) <= PREFIX_MAX and _PREFIX.issuperset(prefix)
    if not is_one or not prefix[0].isalpha() or prefix[-1] == "_":
        raise ValueError(f"a prefix is 2 to {PREFIX_MAX} of a-z, 0-9 and _, and begins with a letter")


def new_text(prefix: str) -> tuple[str, SecretStr]:
    """A new id, and the whole token."""
    check_prefix(prefix)
    token_id = characters(BASE62, ID_LENGTH).decode()
    text = bytearray(f"{prefix}_{token_id}_", "ascii") + characters(BASE62, SECRET_LENGTH)
    text += _checksum(text)
    return token_id, SecretStr(text)


def recognise(text: str) -> tuple[str, str]:
    """The prefix and the id of *text*, when it has the form and the checksum of an issued token.

    No store is asked: whether it was ever issued, or is still valid, `TokenIssuer.verify` says.

    Raises: TokenRefused: it is none.
    """
    prefix, _, rest = text.rpartition("_")[0].rpartition("_")
    tail = HiddenText(text.rpartition("_")[2])
    try:
        check_prefix(prefix)
    except ValueError:
        raise TokenRefused("this is not a token") from None
    is_one = (
        len(text) <= _TEXT_MAX
        and len(rest) == ID_LENGTH
        and len(tail) == SECRET_LENGTH + CHECKSUM_LENGTH
        and _ALPHABET.issuperset(rest + tail)
    )
    if not is_one or text[-CHECKSUM_LENGTH:] != _checksum(text[:-CHECKSUM_LENGTH].encode("ascii")).decode():
        raise TokenRefused("this is not a token")
    return prefix, rest


def find(text: str) -> Iterator[tuple[int, str, str]]:
    """Where issued tokens stand in *text*: the offset, prefix and id of each."""
    import re

    for match in re.finditer(PATTERN, text, re.ASCII):
        try:
            prefix, token_id = recognise(match.group())
        except TokenRefused:
            continue  # It looks like one, and its checksum says that it is none.
        yield match.start(), prefix, token_id


def _checksum(data: bytes | bytearray) -> bytes:
    number = crc32(data)
    found = bytearray()
    for _ in range(CHECKSUM_LENGTH):
        number, place = divmod(number, len(BASE62))
        found.append(ord(BASE62[place]))
    return bytes(reversed(found))
