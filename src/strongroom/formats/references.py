"""References: what stands in a file, a command or a program in the place of a value.

    strongroom://db/prod#password            the field "password" of the item "db/prod"
    strongroom://mail/smtp                   its only field
    strongroom://db/prod#password?as=url     percent-encoded, for a URL

One grammar, used everywhere; docs/format.md#references is its definition. Pure, bounded and
total: any text is a reference or a `BadReference`. No message repeats the text, for what was
meant to be a reference may be a password.
"""

from __future__ import annotations

from strongroom.items import FIELD_NAME_BYTES_MAX, check_name, parse_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from strongroom.items import Field, Item

SCHEME: Final = "strongroom://"
LENGTH_MAX: Final = 16 * 1024
"""Characters: a path and a field name with every byte percent-encoded."""

ENCODINGS: Final = ("base64", "url", "json")

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# What else needs no percent sign: it means nothing to a shell's word, a template or this grammar.
_PLAIN = _UNRESERVED | frozenset("@:+,=")
_HEX = frozenset("0123456789abcdefABCDEF")


class BadReference(ValueError):
    """A text that is no reference, or a value that has no such form; the message repeats neither."""


class Reference:
    """What one reference names. Immutable by use, hashable, and public: it holds no value.

    Args:
        path: the item's path, as `strongroom.items.parse_path` takes it.
        field: the field's name; None for the only one.
        encoding: ``""`` for the value as stored, or one of `ENCODINGS`.

    Raises: BadReference: they name nothing that could be stored, or no encoding.
    """

    __slots__ = ("encoding", "field", "path")

    def __init__(self, path: str, field: str | None = None, *, encoding: str = "") -> None:
        try:
            parse_path(path)
            if field is not None:
                check_name(field, "field name", FIELD_NAME_BYTES_MAX)
        except ValueError as error:
            raise BadReference(f"the reference names nothing that can be stored: {error}") from None
        if encoding and encoding not in ENCODINGS:
            raise BadReference(f"?as= takes {', '.join(ENCODINGS)}")
        self.path = path
        self.field = field
        self.encoding = encoding

    @property
    def name(self) -> str:
        """Path and field, for people."""
        return self.path if self.field is None else f"{self.path}#{self.field}"

    def value(self, item: Item) -> bytes:
        """What the reference stands for.

        Args:
            item: the one at `path`.

        Returns: the value in its encoding; the caller hands it on.
        Raises: as `field_of`; BadReference: the value is bytes, and bytes have no JSON.
        """
        return _encoded(self.field_of(item), self.encoding, self.name)

    def field_of(self, item: Item) -> Field:
        """The field that the reference names.

        Args:
            item: the one at `path`.

        Raises:
            NotFound: the item has no such field.
            BadReference: no field is named and there are several.
        """
        if self.field is None:
            names = item.names()
            if len(names) != 1:
                raise BadReference(f"{self.path} has {len(names)} fields: name one, as in {self.path}#FIELD")
            return item.field(names[0])
        return item.field(self.field)

    def __str__(self) -> str:
        """The one canonical spelling, in ASCII; `parse` gives the same reference back."""
        path = "/".join(map(_quote, self.path.split("/")))
        field = "" if self.field is None else f"#{_quote(self.field)}"
        return f"{SCHEME}{path}{field}" + (f"?as={self.encoding}" if self.encoding else "")

    def __repr__(self) -> str:
        return f"Reference({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Reference):
            return NotImplemented
        return (self.path, self.field, self.encoding) == (other.path, other.field, other.encoding)

    def __hash__(self) -> int:
        return hash((self.path, self.field, self.encoding))


def is_reference(text: str) -> bool:
    """Whether *text* is meant as a reference; `parse` says whether it is one."""
    return text[: len(SCHEME)].lower() == SCHEME


def parse(text: str) -> Reference:
    """The reference that *text* spells.

    Args:
        text: at most `LENGTH_MAX` characters.

    Raises:
        TypeError: not a string.
        BadReference: it is none; the message does not repeat it.
    Source: docs/format.md#references
    """
    if not isinstance(text, str):
        raise TypeError("a reference is a str")
    if len(text) > LENGTH_MAX:
        raise BadReference(f"a reference has at most {LENGTH_MAX} characters")
    if not text.startswith(SCHEME):
        raise BadReference(f"a reference begins with {SCHEME}")
    rest, question, query = text[len(SCHEME) :].partition("?")
    path, hash_sign, field = rest.partition("#")
    if "#" in query:
        raise BadReference("?as= stands after the field: PATH#FIELD?as=base64")
    encoding = ""
    if question:
        key, _, encoding = query.partition("=")
        if key != "as" or encoding not in ENCODINGS:
            raise BadReference(f"after the question mark stands as= and one of {', '.join(ENCODINGS)}")
    if hash_sign and not field:
        raise BadReference("no field stands after #")
    # Split first: an encoded slash must not become another component.
    components = [_unquote(one, "path") for one in path.split("/")]
    if any("/" in one for one in components):
        raise BadReference("a path component cannot hold a slash")
    return Reference("/".join(components), _unquote(field, "field") if field else None, encoding=encoding)


def _unquote(text: str, what: str) -> str:
    if text.isascii() and "%" not in text and _PLAIN.issuperset(text):
        return text
    data = bytearray()
    place = 0
    while place < len(text):
        one = text[place]
        if one == "%":
            digits = text[place + 1 : place + 3]
            if len(digits) != 2 or not _HEX.issuperset(digits):
                raise BadReference(f"a percent sign in the {what} is not followed by two hexadecimal digits")
            data.append(int(digits, 16))
            place += 3
            continue
        if one.isascii() and one not in _PLAIN:
            shown = "white space" if one.isspace() else repr(one)
            raise BadReference(f"{shown} in the {what} is written as %{ord(one):02X}")
        try:
            data += one.encode("utf-8")
        except UnicodeEncodeError:
            raise BadReference(f"the {what} is not UTF-8") from None
        place += 1
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise BadReference(f"the {what} is not UTF-8") from None


def _quote(text: str) -> str:
    if text.isascii() and _PLAIN.issuperset(text):
        return text
    return "".join(chr(byte) if chr(byte) in _PLAIN else f"%{byte:02X}" for byte in text.encode("utf-8"))


def percent_decoded(text: str) -> bytes:
    """What `percent_encoded` was given.

    Raises: BadReference: it did not make *text*.
    """
    pieces = text.split("%")
    try:
        data = pieces[0].encode("ascii") + b"".join(
            bytes((int(one[:2], 16),)) + one[2:].encode("ascii") for one in pieces[1:]
        )
    except ValueError:
        data = b""
    if percent_encoded(data) != text.encode("utf-8", "surrogatepass"):
        raise BadReference("this is not percent-encoded")
    return data


def percent_encoded(data: bytes | bytearray) -> bytes:
    """*data* for any part of a URL: all but letters, digits and ``-._~`` as ``%XX``."""
    return "".join(chr(byte) if chr(byte) in _UNRESERVED else f"%{byte:02X}" for byte in data).encode("ascii")


def _encoded(field: Field, encoding: str, name: str) -> bytes:
    if encoding == "base64":
        from binascii import b2a_base64

        return b2a_base64(field.data, newline=False)
    if encoding == "url":
        return percent_encoded(field.data)
    if encoding == "json" and field.kind != "json":
        if field.kind == "bytes":
            raise BadReference(f"{name} is bytes, which JSON does not have: take ?as=base64")
        from json import dumps

        return dumps(str(field.data, "utf-8")).encode("ascii")
    return bytes(field.data)
