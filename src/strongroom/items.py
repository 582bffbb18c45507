"""What is kept: paths, fields, items, versions, and the settings of items.

Pure values without I/O. Nothing here knows how they are encrypted or stored.
"""

from __future__ import annotations

from functools import lru_cache

from strongroom.errors import NotFound
from strongroom.secret import SecretBytes, SecretStr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime, timedelta

PATH_BYTES_MAX = 4096
COMPONENT_BYTES_MAX = 1024
DEPTH_MAX = 32
FIELD_NAME_BYTES_MAX = 1024
FIELDS_MAX = 256
ITEM_BYTES_MAX = 16 * 1024 * 1024
RESERVED_MARK = "@"
"""What the first component of a path begins with that is strongroom's own: docs/format.md#reserved-paths."""

# Characters that change how *other* characters are shown (Unicode TR 36, bidi spoofing).
_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SECRET_WORDS = frozenset((
    "apikey", "auth", "code", "cookie", "credential", "credentials", "dsn", "key", "keys", "mnemonic", "otp",
    "pass", "passcode", "passphrase", "passwd", "password", "passwords", "pat", "pin", "private", "psk", "pw",
    "pwd", "salt", "secret", "secrets", "seed", "session", "token", "tokens", "totp",
))  # fmt: skip
_SECRET_ENDINGS = ("password", "passwd", "passphrase", "secret", "token", "apikey")
_NOT_SECRET_WORDS = frozenset(("public", "pub", "id", "url", "name", "type"))


def check_name(name: str, what: str, limit: int) -> None:
    """Refuse a name that could not round-trip exactly or could fool a reader.

    Args:
        name: a path component or a field name.
        what: how to call it in the message.
        limit: longest accepted UTF-8 encoding in bytes.

    Raises: ValueError: empty, too long, control, bidi or surrogate characters, white
        space at either end, or not in Unicode normal form NFC.
    """
    if not name:
        raise ValueError(f"{what} is empty")
    if len(name) > limit:
        raise ValueError(f"{what} is longer than {limit} bytes")
    if name != name.strip():
        raise ValueError(f"{what} begins or ends with white space")
    if name.isascii():
        if not name.isprintable():
            raise ValueError(f"{what} holds a control character")
        return
    import unicodedata  # 1.3 ms of start-up that ASCII names need not pay

    for character in name:
        if "\ud800" <= character <= "\udfff":
            raise ValueError(f"{what} is not UTF-8")
        if unicodedata.category(character) in ("Cc", "Zl", "Zp") or character in _BIDI_CONTROLS:
            raise ValueError(f"{what} holds the control character U+{ord(character):04X}")
    if len(name.encode("utf-8")) > limit:
        raise ValueError(f"{what} is longer than {limit} bytes")
    if not unicodedata.is_normalized("NFC", name):
        raise ValueError(f"{what} is not in Unicode normal form C")


def quoted(text: str) -> str:
    """*text* as one word of a shell command that a person may paste."""
    if text and all(character.isalnum() or character in "/._-+=:,@%" for character in text):
        return text
    return "'" + text.replace("'", "'\\''") + "'"


def quoted_name(*names: str) -> str:
    """*names* as the last words of one of our commands, also where one would pass for an option."""
    mark = "-- " if any(name.startswith("-") for name in names) else ""
    return mark + " ".join(map(quoted, names))


class ReservedPath(str):
    """A path that the program itself uses: the one way to what lies below a name with an ``@`` at the front.

    Named keys and the like are ordinary items there. A plain ``str`` with such a path, which may come
    from a user, is refused everywhere.
    """

    __slots__ = ()


def parse_path(path: str) -> tuple[str, ...]:
    """Split an item's path into its components, parsed once and never again.

    Args:
        path: ``folder/.../name``: 1 to 32 components of 1 to 1,024 bytes, 4,096 in all.

    Raises:
        TypeError: not a string.
        ValueError: empty components, ``.`` or ``..``, a name `check_name` refuses, or one that is
            reserved, unless it is a `ReservedPath`.
    """
    if not isinstance(path, str):
        raise TypeError("a path is a str")
    if len(path) > PATH_BYTES_MAX:
        raise ValueError(f"path is longer than {PATH_BYTES_MAX} bytes")
    if path[:1] == RESERVED_MARK and type(path) is not ReservedPath:
        raise ValueError("a name that begins with @ is strongroom's own; choose another")
    components = tuple(path.split("/"))
    if len(components) > DEPTH_MAX:
        raise ValueError(f"path has more than {DEPTH_MAX} components")
    for component in components:
        check_name(component, "path component", COMPONENT_BYTES_MAX)
        if component in (".", ".."):
            raise ValueError("path component is . or ..")
    if not path.isascii() and len(path.encode("utf-8")) > PATH_BYTES_MAX:
        raise ValueError(f"path is longer than {PATH_BYTES_MAX} bytes")
    return components


def parse_folder(prefix: str) -> tuple[str, ...]:
    """As `parse_path` for a folder: ``""`` is the top, one trailing ``/`` is allowed."""
    if not isinstance(prefix, str):
        raise TypeError("a path is a str")
    if prefix in ("", "/"):
        return ()
    bare = prefix.removesuffix("/")
    return parse_path(ReservedPath(bare) if type(prefix) is ReservedPath else bare)


@lru_cache(maxsize=256)
def is_secret_name(name: str) -> bool:
    """Whether a field of this name is taken to be secret when nobody said otherwise.

    ``password``, ``api_key``, ``accessToken`` are; ``username``, ``public_key``,
    ``key_id``, ``token_url`` are not.
    """
    words: list[str] = []
    word = ""
    for character in name:
        if not character.isalnum():
            words.append(word)
            word = ""
        elif character.isupper() and word and not word[-1].isupper():
            words.append(word)
            word = character
        else:
            word += character
    words = [part.lower() for part in (*words, word) if part]
    if not _NOT_SECRET_WORDS.isdisjoint(words):
        return False
    return any(part in _SECRET_WORDS or part.endswith(_SECRET_ENDINGS) for part in words)


class Field:
    """One named value of an item, as stored.

    Attributes:
        kind: ``"text"``, ``"bytes"`` or ``"json"``.
        is_secret: whether only ``reveal()`` shows it.
        data: the value's bytes (UTF-8 for text and JSON).
    """

    __slots__ = ("data", "is_secret", "kind", "name")

    def __init__(self, name: str, kind: str, data: bytes | bytearray, *, is_secret: bool) -> None:
        self.name = name
        self.kind = kind
        self.data = data
        self.is_secret = is_secret

    def hidden(self) -> SecretStr | SecretBytes:
        """A copy of the value that only ``reveal()`` shows."""
        return (SecretBytes if self.kind == "bytes" else SecretStr)(bytearray(self.data))

    def __repr__(self) -> str:
        return f"Field({self.name!r}, {self.kind!r}, is_secret={self.is_secret})"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a field may hold a secret and cannot be pickled")

    def __getstate__(self) -> object:
        raise TypeError("a field may hold a secret and has no state to export")


class Version:
    """What is known of one version of an item without reading its values.

    Attributes:
        number: 1, 2, 3...; never reused.
        author: who wrote it, as the writing program called itself.
        destroyed: the values are gone for good.
    """

    __slots__ = ("_created_us", "_deleted_us", "_expires_us", "author", "destroyed", "number")

    def __init__(
        self, number: int, *, created_us: int, deleted_us: int, expires_us: int, destroyed: bool, author: str
    ) -> None:
        self.number = number
        self._created_us = created_us
        self._deleted_us = deleted_us
        self._expires_us = expires_us
        self.destroyed = destroyed
        self.author = author

    @property
    def created(self) -> datetime:
        """When it was written, aware UTC."""
        return _moment(self._created_us)

    @property
    def deleted(self) -> datetime | None:
        """When it was, or will be, deleted; None when it is not."""
        return _moment(self._deleted_us) if self._deleted_us else None

    @property
    def expires(self) -> datetime | None:
        """When reading it begins to fail; None for never."""
        return _moment(self._expires_us) if self._expires_us else None

    def __repr__(self) -> str:
        return f"Version(number={self.number}, author={self.author!r}, destroyed={self.destroyed})"


def _moment(microseconds: int) -> datetime:
    from datetime import UTC, datetime, timedelta  # 2 ms that a plain get does not need

    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


class Item:
    """The named fields of one version of an item.

    ``item["password"]`` is a `SecretStr` (or `SecretBytes`) for *every* field;
    ``item.public("username")`` is a ``str`` for fields stored as not secret.
    """

    __slots__ = ("_fields", "path", "version")

    def __init__(self, path: str, version: Version, fields: Mapping[str, Field]) -> None:
        self.path = path
        self.version = version
        self._fields = fields

    def __getitem__(self, name: str) -> SecretStr | SecretBytes:
        """The field *name*, hidden until ``reveal()``.

        Raises: NotFound: the item has no such field.
        """
        return self.field(name).hidden()

    def field(self, name: str) -> Field:
        """The stored form of field *name*.

        Raises: NotFound: the item has no such field.
        """
        try:
            return self._fields[name]
        except KeyError:
            raise NotFound(
                f"{self.path} has no field {name!r}",
                advice=f"its fields are: {', '.join(self._fields) or 'none'}",
            ) from None

    def public(self, name: str) -> str:
        """The text of a field that is not secret.

        Raises:
            NotFound: no such field.
            ValueError: the field is secret, or bytes; use ``item[name].reveal()``.
        """
        field = self.field(name)
        if field.is_secret:
            raise ValueError(f"field {name!r} is secret; use item[{name!r}].reveal()")
        if field.kind == "bytes":
            raise ValueError(f"field {name!r} is bytes; use item[{name!r}].reveal()")
        return str(field.data, "utf-8")

    def is_secret(self, name: str) -> bool:
        """Whether the field *name* is stored as secret."""
        return self.field(name).is_secret

    def names(self) -> tuple[str, ...]:
        """The field names, in the order in which they were stored."""
        return tuple(self._fields)

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Item({self.path!r}, version={self.version.number}, fields={list(self._fields)})"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("an item may hold secrets and cannot be pickled")

    def __getstate__(self) -> object:
        raise TypeError("an item may hold secrets and has no state to export")


class ItemSettings:
    """KV v2's settings of one item, with None for "as the vault says"."""

    __slots__ = ("cas_required", "custom_metadata", "delete_version_after", "max_versions")

    def __init__(
        self,
        *,
        max_versions: int = 0,
        cas_required: bool = False,
        delete_version_after: timedelta | None = None,
        custom_metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.max_versions = max_versions
        self.cas_required = cas_required
        self.delete_version_after = delete_version_after
        self.custom_metadata = dict(custom_metadata or {})
