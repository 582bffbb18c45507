"""The header of an age file: stanzas, and a MAC over them. Pure but for reading the stream.

Source: C2SP age.md, Header; every line has one form.
"""

from __future__ import annotations

from binascii import Error as NotBase64
from binascii import a2b_base64, b2a_base64

from strongroom.errors import FormatUnsupported, Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.credentials.streaming import Source

MAGIC = b"age-encryption.org/"
VERSION = b"age-encryption.org/v1\n"
HEADER_BYTES_MAX = 1_048_576
STANZAS_MAX = 1_024
_COLUMNS = 64
_LINE_BYTES_MAX = 16_384
_TAG_BYTES = 32
_STANZA = b"-> "
_FOOTER = b"--- "


class Stanza:
    """The file key for one recipient: a kind, arguments and a body."""

    __slots__ = ("arguments", "body")

    def __init__(self, arguments: Sequence[str], body: bytes) -> None:
        self.arguments = tuple(arguments)
        self.body = body

    @property
    def kind(self) -> str:
        """The first argument."""
        return self.arguments[0]

    def argument(self, place: int, length: int) -> bytes:
        """The base64 of argument number *place*.

        Raises: Tampered: malformed, or not of *length* bytes.
        """
        data = unarmored(self.arguments[place].encode("ascii"))
        if len(data) != length:
            raise malformed()
        return data

    def expect(self, arguments: int, body_bytes: int) -> None:
        """Compare the numbers of arguments after the kind and of bytes.

        Raises: Tampered: they are others; nothing is decrypted before they are known.
        """
        if len(self.arguments) != arguments + 1 or len(self.body) != body_bytes:
            raise malformed()

    def encode(self) -> bytes:
        """Its lines."""
        encoded = to_base64(self.body)
        # The last line is short, and empty when the one before is full.
        lines = [encoded[place : place + _COLUMNS] for place in range(0, len(encoded) + 1, _COLUMNS)]
        return _STANZA + " ".join(self.arguments).encode("ascii") + b"\n" + b"\n".join(lines) + b"\n"


def encode(stanzas: Sequence[Stanza]) -> bytes:
    """A header, up to the ``---`` that the MAC covers."""
    return VERSION + b"".join(stanza.encode() for stanza in stanzas) + _FOOTER.rstrip()


def finish(header: bytes, tag: bytes) -> bytes:
    """The header with its MAC."""
    return header + b" " + to_base64(tag) + b"\n"


def read(source: Source) -> tuple[list[Stanza], bytes, bytes]:
    """Read a header.

    Returns: the stanzas, the bytes that the MAC covers, and the MAC.
    Raises:
        Tampered: malformed, or longer than 1 MiB.
        FormatUnsupported: another version of age.
    """
    version = source.take_line(len(VERSION) + 16)
    if version != VERSION:
        if version.startswith(MAGIC) and version.removeprefix(MAGIC)[:1] == b"v" and b"\r" not in version:
            raise FormatUnsupported("this file is of another version of age")
        raise malformed()
    covered = bytearray(version)
    stanzas: list[Stanza] = []
    while True:
        line = _line(source, covered)
        if line.startswith(_FOOTER):
            tag = unarmored(line.removeprefix(_FOOTER))
            if len(tag) != _TAG_BYTES:
                raise malformed()
            del covered[-len(line) - 1 + len(_FOOTER.rstrip()) :]
            break
        stanzas.append(_read_stanza(line, source, covered))
        if len(stanzas) > STANZAS_MAX:
            raise malformed()
    if not stanzas or (len(stanzas) > 1 and any(stanza.kind == "scrypt" for stanza in stanzas)):
        # Beside a passphrase somebody else could have encrypted: the passphrase's holder would take it for his own.
        raise malformed()
    return stanzas, bytes(covered), tag


def _read_stanza(first: bytes, source: Source, covered: bytearray) -> Stanza:
    arguments = first.removeprefix(_STANZA).split(b" ")
    if not first.startswith(_STANZA) or not all(arguments):
        raise malformed()
    if any(not 0x21 <= byte <= 0x7E for argument in arguments for byte in argument):
        raise malformed()
    body = bytearray()
    while True:
        line = _line(source, covered)
        if len(line) > _COLUMNS:
            raise malformed()
        body += unarmored(line)
        if len(line) < _COLUMNS:
            return Stanza([argument.decode("ascii") for argument in arguments], bytes(body))


def _line(source: Source, covered: bytearray) -> bytes:
    line = source.take_line(_LINE_BYTES_MAX)
    covered += line
    if not line.endswith(b"\n") or len(covered) > HEADER_BYTES_MAX:
        raise malformed()
    return line[:-1]


def to_base64(data: bytes) -> bytes:
    """Base64 without padding."""
    return b2a_base64(data, newline=False).rstrip(b"=")


def unarmored(text: bytes) -> bytes:
    """The bytes of base64 without padding.

    Raises: Tampered: malformed, padded, or with bits that stand for nothing.
    """
    try:
        data = a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True)
    except NotBase64:
        raise malformed() from None
    if to_base64(data) != text:
        raise malformed()
    return data


def malformed() -> Tampered:
    """The error for a header that no age would have written."""
    return Tampered("the header of this age file was changed or cut")
