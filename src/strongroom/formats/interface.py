"""What every reader of a foreign file gives: entries, each a value and its place, and the text with others in it.

A reader is a module with ``read(data) -> Document``; `registry` lists them. Limits are checked
before anything parses. Nothing here shows a value: not `repr`, not an error.
"""

from __future__ import annotations

from _bisect import bisect_right

from strongroom.items import is_secret_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FILE_BYTES_MAX = 4 * 1024 * 1024
LINE_BYTES_MAX = 1024 * 1024
LINES_MAX = 100_000
BLANKS_MAX = 256
"""In a row on one line: parsers that look for what follows them, such as configparser's, take time by their square."""
ENTRIES_MAX = 20_000
DEPTH_MAX = 24
"""Of names inside each other; a vault's path has 32 components."""

_BOM = "\ufeff"
# What begins like this is no text, and its format may run code or unpack without limit when it is read.
_NOT_TEXT = (
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "a zip archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"\x80\x02", "a pickle"),
    (b"\x80\x03", "a pickle"),
    (b"\x80\x04", "a pickle"),
    (b"\x80\x05", "a pickle"),
    (b"%PDF-", "a PDF"),
    (b"\x7fELF", "a program"),
)
_TOKEN_BEGINNINGS = (
    "-----BEGIN ", "AKIA", "ASIA", "AGE-SECRET-KEY-", "eyJ", "ghp_", "gho_", "ghs_", "ghu_", "github_pat_", "glpat-",
    "hvs.", "npm_", "pypi-", "rk_live_", "s.", "sk-", "sk_live_", "sk_test_", "whsec_", "xoxa-", "xoxb-", "xoxp-",
)  # fmt: skip
_TOKEN_CHARACTERS_MIN = 16
_PLAIN_NAMES = frozenset(("email", "enabled", "host", "id", "login", "name", "port", "type", "url", "user", "username"))


class BadFile(ValueError):
    """A foreign file that is refused: malformed, too large, or with something in it that is never done.

    The message names lines, columns, names and limits, and never what stands there.
    """


class Entry:
    """One value of a file, and the names that lead to it.

    Attributes:
        keys: from the outside in; at least one.
        kind: ``"text"``, ``"json"`` (a number, true, false or null as JSON writes it) or ``"bytes"``.
        data: the value; UTF-8 for text and JSON.
        line: where it stands, from 1; 0 where lines mean nothing.
        span: the characters that write it, as start and end; (0, 0) where it cannot be replaced.
        is_secret: whether it looks as if it had to be kept.
        note: why it cannot be taken as it stands; empty when it can.
    """

    __slots__ = ("data", "is_secret", "keys", "kind", "line", "note", "span")

    def __init__(
        self,
        keys: tuple[str, ...],
        data: bytes,
        *,
        kind: str = "text",
        line: int = 0,
        span: tuple[int, int] = (0, 0),
        is_secret: bool | None = None,
        note: str = "",
    ) -> None:
        self.keys = keys
        self.data = data
        self.kind = kind
        self.line = line
        self.span = span
        self.is_secret = looks_secret(keys, data) if is_secret is None else is_secret
        self.note = note

    def __repr__(self) -> str:
        return f"Entry({'.'.join(self.keys)!r}, {self.kind!r}, line={self.line}, <hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("an entry may hold a secret and cannot be pickled")


class Document:
    """A file that was read.

    Args:
        text: all of it, without a byte order mark.
        entries: in the order of the file.
        write: how this format writes a text as a value, quotes and all; None where it cannot hold references.
        place: what stands in an entry's span for a written value, given what stands there now, such as a
            YAML anchor; None for the written value alone.
        template: how a template for ``render`` takes a value: ``"json"``, or ``""`` for as it is; None: not at all.
        last_counts: a name may be given twice, and then the last value counts.
        bom: whether a byte order mark stood before the text.
    """

    __slots__ = ("_bom", "_place", "_text", "_write", "entries", "last_counts", "template")

    def __init__(
        self,
        text: str,
        entries: Sequence[Entry],
        write: Callable[[str], str] | None = None,
        *,
        place: Callable[[Entry, str, str], str] | None = None,
        template: str | None = None,
        last_counts: bool = False,
        bom: bool = False,
    ) -> None:
        if len(entries) > ENTRIES_MAX:
            raise BadFile(f"more than {ENTRIES_MAX} values in one file")
        self._text = text
        self._write = write
        self._place = place
        self._bom = bom
        self.entries = tuple(entries)
        self.template = template
        self.last_counts = last_counts

    @property
    def can_replace(self) -> bool:
        """Whether this format can hold references."""
        return self._write is not None

    def replaced(self, texts: Mapping[int, str]) -> bytes:
        """The file with texts in the place of values; all else stays as it is, byte for byte.

        Args:
            texts: number of the entry -> the text that it shall have.

        Raises: BadFile: the format cannot write such a text there.
        """
        if self._write is None:
            raise BadFile("this format has no place for references")
        return self.spliced({number: self._write(text) for number, text in texts.items()})

    def spliced(self, pieces: Mapping[int, str]) -> bytes:
        """As `replaced`, with values that are written already, quotes and all."""
        done, place = [], 0
        for number in sorted(pieces, key=lambda one: self.entries[one].span):
            entry = self.entries[number]
            start, end = entry.span
            if start < place or end < start or (start, end) == (0, 0):
                raise BadFile(f"{'.'.join(entry.keys)} cannot be replaced where it stands")
            piece = pieces[number]
            if self._place is not None:
                piece = self._place(entry, piece, self._text[start:end])
            done += [self._text[place:start], piece]
            place = end
        done.append(self._text[place:])
        return self.encoded("".join(done))

    def spellings(self) -> list[str]:
        """How each value is written, quotes and all, in the order of `entries`: what `spliced` puts back."""
        return [self._text[start:end] for start, end in (entry.span for entry in self.entries)]

    def encoded(self, text: str) -> bytes:
        """*text* as this file is encoded."""
        return (_BOM if self._bom else "").encode() + text.encode("utf-8")

    def __repr__(self) -> str:
        return f"Document({len(self.entries)} entries, <hidden>)"


def decode(data: bytes | bytearray) -> tuple[str, bool]:
    """The text of a file, and whether a byte order mark stood before it.

    Raises: BadFile: too large, a line too long, too many blanks in a row, not text, not UTF-8, NUL characters in it.
    """
    if len(data) > FILE_BYTES_MAX:
        raise BadFile(f"the file is longer than {FILE_BYTES_MAX} bytes")
    for beginning, what in _NOT_TEXT:
        if data.startswith(beginning):
            raise BadFile(f"this is {what}, not UTF-8 text")
    zero = data.find(b"\0")
    if zero >= 0:
        raise BadFile(f"line {line_at(data, zero)} holds a NUL character")
    _check_lines(data)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        # `from None`: the cause holds the file.
        raise BadFile(f"line {line_at(data, error.start)} is not UTF-8") from None
    _check_blanks(text)
    return text.removeprefix(_BOM), text.startswith(_BOM)


def _check_blanks(text: str) -> None:
    from re import finditer

    for run in finditer(r"[^\S\n]+", text):
        if run.end() - run.start() > BLANKS_MAX:
            line = text.count("\n", 0, run.start()) + 1
            raise BadFile(f"line {line} holds more than {BLANKS_MAX} blanks in a row")


def _check_lines(data: bytes | bytearray) -> None:
    if data.count(b"\n") > LINES_MAX:
        raise BadFile(f"the file has more than {LINES_MAX} lines")
    start = 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        if end - start > LINE_BYTES_MAX:
            raise BadFile(f"line {line_at(data, start)} is longer than {LINE_BYTES_MAX} bytes")
        start = end + 1


def line_at(text: bytes | bytearray, place: int) -> int:
    """The number, from 1, of the line in which *place* lies."""
    return text.count(b"\n", 0, place) + 1


class Lines:
    """Where the lines of a text begin, for many questions about one text."""

    __slots__ = ("_starts",)

    def __init__(self, text: str) -> None:
        self._starts = [0]
        place = text.find("\n")
        while place >= 0:
            self._starts.append(place + 1)
            place = text.find("\n", place + 1)

    def at(self, place: int) -> int:
        """The number, from 1, of the line in which *place* lies."""
        return bisect_right(self._starts, place)

    def start(self, number: int) -> int:
        """Where line *number* begins."""
        return self._starts[number - 1]


def check_depth(keys: Sequence[object], line: int) -> None:
    """Refuse names nested beyond `DEPTH_MAX`.

    Raises: BadFile: they are.
    """
    if len(keys) > DEPTH_MAX:
        raise BadFile(f"line {line} is nested more than {DEPTH_MAX} deep")


def looks_secret(keys: Sequence[str], data: bytes) -> bool:
    """Whether the names or the value itself say that this has to be kept.

    A name such as ``password`` (`items.is_secret_name`), also further out when the last one does not
    deny it; a URL with a password; a private key; the beginning of a known kind of token.
    """
    if any(is_secret_name(key) for key in keys[-1:]):
        return True
    if any(is_secret_name(key) for key in keys[:-1]) and not is_plain_name(keys[-1]):
        return True
    text = data[:4096].decode("utf-8", "replace").lstrip()
    return is_token(text) or has_password(text)


def is_token(text: str) -> bool:
    """Whether *text* begins as a private key or a known kind of token does."""
    is_long = len(text) >= _TOKEN_CHARACTERS_MIN
    return is_long and text.startswith(_TOKEN_BEGINNINGS) and "PUBLIC KEY" not in text[:40]


def is_plain_name(name: str) -> bool:
    """Whether *name* says that its value is no secret, inside something that is."""
    return name.lower() in _PLAIN_NAMES


def has_password(text: str) -> bool:
    """Whether *text* is a URL with a password in it, also one that should have been percent-encoded."""
    scheme, colon, rest = text.partition("://")
    if not colon or not scheme or not all(one.isalnum() or one in "+-." for one in scheme):
        return False
    # A web address may hold an @ in its path; in the others a / before the @ belongs to the password.
    whole = rest.partition("/")[0] if scheme.lower() in ("http", "https") else rest
    user, at, _ = whole.rpartition("@")
    return bool(at) and bool(user.partition(":")[2])

