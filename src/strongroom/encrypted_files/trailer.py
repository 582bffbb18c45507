"""What stands at the end of an encrypted file: format, file id, revision, who may read, and the MAC of it all.

Comment lines, and in JSON, which has no comments, the last member of the object. Pure: text in, text out;
nothing here is believed before `sealing.check` has compared the MAC. Source: docs/format-files.md#the-trailer.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

from strongroom.errors import FormatUnsupported, Tampered
from strongroom.formats.interface import BadFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

VERSION = "1"
MARK = "#strongroom "
HAS_CONFLICT = "git has left a conflict in it"
FORMATS = ("yaml", "json", "toml", "ini", "dotenv", "dotenv-compose", "dotenv-posix")
JSON = "json"
MEMBER = "strongroom"

FILE_ID_BYTES = 16
MAC_BYTES = 64
"""Of the trailer 32, and of the whole text 32."""
RECIPIENTS_MAX = 32
PLAIN_MAX = 64
PLAIN_CHARACTERS_MAX = 256
RECIPIENT_CHARACTERS_MAX = 4_096
STANZA_BYTES_MAX = 4_096
REVISION_MAX = 2**53

_JSON_LINES = re.compile(r',\r?\n  "strongroom": \[\r?\n((?:    "[^"\\\r\n]*",?\r?\n)+)  \]\s*\}\s*\Z')
_JSON_LINE = re.compile(r'    "([^"\\\r\n]*)"(,?)\r?\n')
_MARK_LINE = re.compile(rf'^(?:{MARK}|    "file \\d+ json )', re.MULTILINE)
_CONFLICT = re.compile("^<<<<<<< ", re.MULTILINE)


class Stanza:
    """The file key for one recipient.

    Attributes:
        text: who it is: ``age1...``, ``ssh-ed25519 AAAA...`` or ``key NAME``.
        body: a file of age's, or of our own for a key of kind ``aead``, that holds file id and file key.
    """

    __slots__ = ("body", "text")

    def __init__(self, text: str, body: bytes) -> None:
        self.text = text
        self.body = body


class Trailer:
    """A trailer, decoded.

    Attributes:
        format: one of `FORMATS`.
        file_id: 16 bytes.
        revision: counts what was written, from 1.
        plain: patterns of names whose values stay readable.
        stanzas: 1 to 32.
        mac: 64 bytes.
    """

    __slots__ = ("file_id", "format", "mac", "plain", "revision", "stanzas")

    def __init__(
        self,
        format: str,
        file_id: bytes,
        revision: int,
        plain: Sequence[str],
        stanzas: Sequence[Stanza],
        mac: bytes = b"",
    ) -> None:
        self.format = format
        self.file_id = file_id
        self.revision = revision
        self.plain = tuple(plain)
        self.stanzas = tuple(stanzas)
        self.mac = mac

    def lines(self) -> list[str]:
        """All of it but the MAC's own characters, which follow the last line."""
        return [
            f"file {VERSION} {self.format} {_text(self.file_id)}",
            f"revision {self.revision}",
            *(f"plain {one}" for one in self.plain),
            *(f"for {_text(one.body)} {one.text}" for one in self.stanzas),
            "mac ",
        ]

    def covered(self) -> bytes:
        """What the first MAC is made over: who may read the file, whatever became of its text."""
        return "\n".join(self.lines()).encode("utf-8")


def is_encrypted(text: str) -> bool:
    """Whether *text* has a trailer, whatever it is worth, or had one before git put its marks into it."""
    return _MARK_LINE.search(text) is not None


def has_conflict(text: str) -> bool:
    """Whether git left a conflict in an encrypted file."""
    return _CONFLICT.search(text) is not None and is_encrypted(text)


def split(text: str) -> tuple[str, Trailer, bytes]:
    """The file without its trailer, the trailer, and the bytes that its second MAC covers.

    Raises:
        BadFile: it has none, or git has left a conflict in it.
        Tampered: it is not as it is written.
        FormatUnsupported: a newer strongroom wrote it.
    """
    if has_conflict(text):
        raise BadFile(HAS_CONFLICT)
    found = _JSON_LINES.search(text)
    if found is not None:
        lines = [match[1] for match in _JSON_LINE.finditer(found[1])]
        commas = [match[2] for match in _JSON_LINE.finditer(found[1])]
        if commas != [","] * (len(lines) - 1) + [""]:
            _changed()
        body = text[: found.start()] + text[text.rindex("]") + 1 :]
        trailer = _decode(lines)
        if trailer.format != JSON:
            _changed()
        end = text.rindex(_text(trailer.mac))
        return body, trailer, _covered(text[:end] + text[end + len(_text(trailer.mac)) :])
    start = re.search(rf"^{MARK}", text, re.MULTILINE)
    if start is None:
        if is_encrypted(text):
            _changed()
        raise BadFile("nothing in it says that it is an encrypted file")
    own = text[start.start() :].replace("\r\n", "\n").removesuffix("\n").split("\n")
    if not all(line.startswith(MARK) for line in own):
        _changed()
    trailer = _decode([line.removeprefix(MARK) for line in own])
    if trailer.format == JSON:
        _changed()
    return text[: start.start()], trailer, _covered(text)[: -len(_text(trailer.mac)) - text.endswith("\n")]


def join(body: str, trailer: Trailer) -> tuple[str, str]:
    """The file, as what stands before its MAC and what stands after it.

    Raises: BadFile: there is no place for a trailer in it.
    """
    newline = "\r\n" if "\r\n" in body else "\n"
    lines = trailer.lines()
    if trailer.format != JSON:
        if body and not body.endswith("\n"):
            body += newline
        return body + newline.join(MARK + line for line in lines), newline
    end = body.rstrip().removesuffix("}").rstrip()
    if body.rstrip()[-1:] != "}" or end.endswith(("{", ",")):
        raise BadFile("a JSON file is an object with a value in it")
    shown = f",{newline}".join(f'    "{line}' + ('"' if number < len(lines) - 1 else "")
                               for number, line in enumerate(lines))  # fmt: skip
    return f'{end},{newline}  "strongroom": [{newline}{shown}', f'"{newline}  ]{body[len(end) :]}'


def covered_by_mac(before: str, after: str) -> bytes:
    """What the second MAC is made over, of what `join` gave."""
    return _covered(before + after if after.strip() else before)


def with_mac(before: str, after: str, mac: bytes) -> str:
    """The whole file."""
    return before + _text(mac) + after


def _covered(text: str) -> bytes:
    # git may turn the line ends of a checkout; nothing else may change.
    return text.replace("\r\n", "\n").encode("utf-8")


def _decode(lines: Sequence[str]) -> Trailer:
    """A trailer of its lines, which must be those, and in that spelling, that `Trailer.lines` would write."""
    words = lines[0].split(" ")
    if len(words) < 2 or words[0] != "file":
        _changed()
    if words[1] != VERSION or len(words) != 4 or words[2] not in FORMATS:
        raise FormatUnsupported("this file was written by a newer strongroom", advice="upgrade strongroom")
    if len(lines) > 3 + PLAIN_MAX + RECIPIENTS_MAX:
        _changed()
    revision, plain, stanzas, mac = 0, list[str](), list[Stanza](), b""
    for line in lines[1:]:
        word, _, rest = line.partition(" ")
        if word == "revision" and rest.isascii() and rest.isdigit() and len(rest) <= 16:
            revision = int(rest)
        elif word == "plain" and 0 < len(rest) <= PLAIN_CHARACTERS_MAX:
            plain.append(rest)
        elif word == "for":
            body, _, text = rest.partition(" ")
            stanzas.append(Stanza(check_recipient_text(text), _bytes(body, STANZA_BYTES_MAX)))
        elif word == "mac":
            mac = _bytes(rest, MAC_BYTES)
    trailer = Trailer(words[2], _bytes(words[3], FILE_ID_BYTES), revision, plain, stanzas, mac)
    if [*trailer.lines()[:-1], f"mac {_text(mac)}"] != list(lines) or not 1 <= revision <= REVISION_MAX:
        _changed()
    if len(trailer.file_id) != FILE_ID_BYTES or len(mac) != MAC_BYTES or not 1 <= len(stanzas) <= RECIPIENTS_MAX:
        _changed()
    return trailer


def check_recipient_text(text: str) -> str:
    """*text*, if it can stand in a trailer.

    Raises: Tampered: it cannot.
    """
    if not text or len(text) > RECIPIENT_CHARACTERS_MAX or not text.isprintable() or '"' in text or "\\" in text:
        _changed()
    return text


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _bytes(text: str, most: int) -> bytes:
    if len(text) > most * 4 // 3 + 4 or not text.isascii():
        _changed()
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        _changed()


def _changed() -> NoReturn:
    raise Tampered(
        "the trailer of this encrypted file was changed",
        advice="get the file again from where it came from: git log -p FILE",
    )
