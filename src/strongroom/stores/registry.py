"""From a location to a store: a path is SQLite, ``postgresql://...`` PostgreSQL, another ``scheme:...`` what serves it.

The schemes of this package are listed here. Others register under the entry point group
``strongroom.stores``: the name is the scheme, the object a `StoreKind`. They are looked up
only for a scheme that is not in the list, because that costs 37 ms.
"""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.stores.interface import Store

ENTRY_POINTS = "strongroom.stores"


class StoreKind(Protocol):
    """What serves a scheme."""

    def open(self, location: str, *, any_format: bool = False) -> Store:
        """The store at *location*, given without its scheme.

        Args:
            any_format: it may be of an older format, to be upgraded; else that is FormatUnsupported.

        Raises: VaultNotFound, UnsafePermissions, FormatUnsupported, Tampered, StoreUnavailable.
        """

    def create(self, location: str) -> Store:
        """A new, empty store, to be published at *location*.

        Raises: Conflict, UnsafePermissions, StoreUnavailable.
        """


def open_store(location: str, *, any_format: bool = False) -> Store:
    """The store at *location*: a path, ``sqlite:PATH``, ``postgresql://...``, or a scheme that a plug-in serves.

    Args:
        any_format: as in `StoreKind.open`.

    Raises:
        ValueError: nothing serves its scheme.
        VaultNotFound, UnsafePermissions, FormatUnsupported, Tampered, StoreUnavailable: as the kind's `open`.
    """
    kind, rest = _kind_of(location)
    return kind.open(rest, any_format=True) if any_format else kind.open(rest)


def create_store(location: str) -> Store:
    """A new, empty store, to be published at *location*.

    Raises:
        ValueError: nothing serves its scheme.
        Conflict, UnsafePermissions, StoreUnavailable: as the kind's `create`.
    """
    kind, rest = _kind_of(location)
    return kind.create(rest)


def open_copy(path: str, *, check_pages: bool = True) -> Store:
    """A backup to be read, which is not changed: every kind of store writes its backups as one SQLite file.

    Raises: VaultNotFound, Tampered, FormatUnsupported: as `sqlite_copies.open_copy`.
    """
    from strongroom.stores import sqlite_copies  # only the kind that is used is loaded

    return sqlite_copies.open_copy(path, check_pages=check_pages)


def split_scheme(location: str) -> tuple[str, str]:
    """The scheme in lower case and what follows its colon; a plain path has the scheme ``""``.

    A scheme has at least two characters, so that a Windows drive is none. Source: RFC 3986, 3.1.
    """
    scheme, colon, rest = location.partition(":")
    is_scheme = len(scheme) > 1 and scheme[0].isalpha() and scheme.isascii()
    if colon and is_scheme and all(character.isalnum() or character in "+-." for character in scheme):
        return scheme.lower(), rest
    return "", location


def _kind_of(location: str) -> tuple[StoreKind, str]:
    scheme, rest = split_scheme(location)
    if scheme in ("", "sqlite"):
        from strongroom.stores.sqlite import SqliteStore  # only the kind that is used is loaded

        return SqliteStore, _sqlite_path(rest) if scheme else rest
    if scheme in ("postgresql", "postgres"):
        from strongroom.stores.postgres import PostgresStore  # only the kind that is used is loaded

        return PostgresStore, rest
    return _stranger(scheme), rest


def _sqlite_path(rest: str) -> str:
    """The path of a ``sqlite:`` URL: ``sqlite:PATH`` or ``sqlite:///ABSOLUTE``, taken as it stands."""
    if rest.startswith("//"):
        if not rest.startswith("///"):
            raise ValueError("a sqlite: location names no host; write sqlite:PATH or sqlite:///PATH")
        rest = rest[2:]
    if not rest:
        raise ValueError("a sqlite: location names a file; write sqlite:PATH")
    return rest


def _stranger(scheme: str) -> StoreKind:
    from importlib.metadata import entry_points  # 37 ms that only plug-ins pay

    found = list(entry_points(group=ENTRY_POINTS, name=scheme))
    if not found:
        raise ValueError(f"nothing serves {scheme}: locations; a file of that name is written ./{scheme}:...")
    if len(found) > 1:
        raise ValueError(f"several packages serve {scheme}: locations; uninstall all but one")
    try:
        kind: StoreKind = found[0].load()
    except Exception as error:
        # A plug-in may fail in any way; it is named, and never skipped.
        raise ValueError(f"the plug-in {found[0].value} does not load: {type(error).__name__}") from error
    return kind
