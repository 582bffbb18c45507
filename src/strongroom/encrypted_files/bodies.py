"""A file's text with its values encrypted one by one, and back; names, order and comments stay as they are.

Source: docs/format-files.md#values.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from strongroom.credentials.hidden import HiddenText
from strongroom.encrypted_files.sealing import TOKEN_MARK, is_token_text
from strongroom.encrypted_files.trailer import FORMATS, JSON, MEMBER
from strongroom.errors import Tampered
from strongroom.formats.interface import BadFile, Document, decode
from strongroom.formats.registry import reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from strongroom.encrypted_files.sealing import FileKey

    Path = tuple[str, ...]
    Tokens = Mapping[tuple[Path, str], str]

_DIALECT = "python-dotenv"
_PRIVATE_KEY = "PRIVATE KEY-----"


class Body:
    """The text of a file, and its values.

    Args:
        text: without a trailer.
        format: one of `trailer.FORMATS`.

    Attributes:
        paths: the names that lead to each value, in order; no two are the same.
        spellings: how each is written.

    Raises: BadFile: not of that format, or a name stands in it twice.
    """

    __slots__ = ("document", "format", "paths", "spellings", "text")

    def __init__(self, text: str, format: str) -> None:
        self.format = format
        self.document = read_text(text, format)
        self.text = HiddenText(text)
        self.paths = tuple(entry.keys for entry in self.document.entries)
        seen: set[Path] = set()
        for path in self.paths:
            if path in seen:
                raise BadFile(f"{'.'.join(path)} stands in it twice")
            seen.add(path)
        self.spellings = tuple(HiddenText(one) for one in self.document.spellings())

    def values(self) -> dict[Path, str]:
        """How each value is written, by its names."""
        return dict(zip(self.paths, self.spellings, strict=True))

    def spliced(self, pieces: Mapping[int, str]) -> str:
        """The text with other spellings at these numbers."""
        return self.document.spliced(pieces).decode("utf-8").removeprefix("\ufeff")

    def __repr__(self) -> str:
        return f"Body({self.format!r}, {len(self.paths)} values, <hidden>)"


def read_text(text: str, format: str) -> Document:
    """The values in *text*.

    Raises:
        BadFile: it is not of that format.
        FormatUnsupported: an extra is not installed.
    """
    if format not in FORMATS:
        raise BadFile(f"an encrypted file is one of {', '.join(FORMATS)}")
    name, _, dialect = format.partition("-")
    read: Callable[[bytes | bytearray], Document] = reader(name, dialect or _DIALECT)
    return read(text.encode("utf-8"))


def text_of(data: bytes | bytearray) -> str:
    """The text of a file.

    Raises: BadFile: none, too large, or with a byte order mark, which programs disagree about.
    """
    text, bom = decode(data)
    if bom:
        raise BadFile("the file begins with a byte order mark; take it away first")
    return text


def is_token(spelling: str) -> bool:
    """Whether a value, with or without its quotes, begins as an encrypted one."""
    return spelling.lstrip("'\"").startswith(TOKEN_MARK)


def is_whole_token(spelling: str) -> bool:
    """Whether a value is written as an encrypted one to its end: nothing that a person typed behind the mark."""
    return is_token_text(spelling.strip("'\""))


def stays_plain(path: Path, spelling: str, plain: Sequence[str]) -> bool:
    """Whether a value is left as it is: nothing is written there, or a pattern names it."""
    return not spelling.strip() or any(fnmatchcase(".".join(path), pattern) for pattern in plain)


def encrypt_body(body: Body, key: FileKey, plain: Sequence[str], known: Tokens) -> str:
    """The text with all values encrypted that do not stay plain.

    Args:
        known: tokens by path and spelling, under this very key; what is there is taken as it is.

    Raises: BadFile: a value cannot be replaced, or looks as if it were encrypted already.
    """
    texts = {}
    for number, (path, spelling) in enumerate(zip(body.paths, body.spellings, strict=True)):
        if is_token(spelling):
            raise BadFile(f"the value of {'.'.join(path)} looks as if it were encrypted already")
        if body.format == JSON and path[0] == MEMBER:
            raise BadFile(f"a member named {MEMBER} is where an encrypted JSON file has its trailer")
        if not stays_plain(path, spelling, plain):
            texts[number] = known.get((path, spelling)) or key.encrypt(path, spelling)
    done = body.document.replaced(texts).decode("utf-8")
    _check_same(Body(done, body.format), texts, body)
    kept = sum(one.count(_PRIVATE_KEY) for n, one in enumerate(body.spellings) if n not in texts)
    if done.count(_PRIVATE_KEY) > kept:
        # As in an INI file, where the lines of one that are not indented are names without a value.
        raise BadFile("a private key in it is no value, or in a comment, and would stay readable")
    return done


def _check_same(done: Body, texts: Mapping[int, str], before: Body) -> None:
    """Nothing is written that would not be read as it was meant."""
    for number, entry in enumerate(done.document.entries):
        token = texts.get(number)
        expected = before.document.entries[number].data if token is None else token.encode("ascii")
        if token is None and before.document.last_counts:
            continue  # A variable in it may stand for a value that is encrypted now.
        if entry.data != expected:
            raise BadFile(f"the value of {'.'.join(entry.keys)} cannot be replaced where it stands")
    if done.paths != before.paths:
        raise BadFile("this file cannot hold encrypted values")


def decrypt_body(text: str, key: FileKey, plain: Sequence[str]) -> tuple[Body, dict[tuple[Path, str], str]]:
    """The text with its values decrypted, and the token of each.

    Raises: Tampered: a value does not open where it stands, or is none; a value stands there as plain text.
    """
    try:
        body = Body(text, key.format)
        tokens: dict[tuple[Path, str], str] = {}
        pieces = {}
        for number, entry in enumerate(body.document.entries):
            path, spelling = entry.keys, body.spellings[number]
            if is_token(spelling):
                token = entry.data.decode("ascii", "replace")
                pieces[number] = key.decrypt(path, token)
                tokens[path, pieces[number]] = token
            elif not stays_plain(path, spelling, plain):
                raise Tampered(f"the value of {'.'.join(path)} is not encrypted")
        found = Body(body.spliced(pieces), key.format)
    except BadFile as error:
        raise Tampered(f"this encrypted file is malformed: {error}") from None
    if found.paths != body.paths:
        raise Tampered("a value of this encrypted file is more than one value")
    return found, tokens
