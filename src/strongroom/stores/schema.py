"""The tables, shared by every kind of store. Source: docs/format.md#tables.

Numbers are never reused and columns only ever appended: the ledger's row encoding
and the contexts of sealed rows depend on both.
"""

from __future__ import annotations

from strongroom.stores.interface import Table

HEADER = Table(1, "header", (("id", "INTEGER"), ("body", "BLOB"), ("mac", "BLOB")), 1)
SLOTS = Table(2, "slots", (("id", "BLOB"), ("record", "BLOB")), 1)
OBJECTS = Table(3, "objects", (("type", "INTEGER"), ("id", "BLOB"), ("body", "BLOB")), 2)
NODES = Table(4, "nodes", (("parent", "BLOB"), ("token", "BLOB"), ("id", "BLOB"), ("body", "BLOB")), 2)
VERSIONS = Table(5, "versions", (("item", "BLOB"), ("number", "INTEGER"), ("body", "BLOB")), 2)
AUDIT = Table(6, "audit", (("writer", "BLOB"), ("sequence", "INTEGER"), ("body", "BLOB")), 2)
LEDGER = Table(7, "ledger", (("bucket", "INTEGER"), ("body", "BLOB")), 1)

TABLES = (HEADER, SLOTS, OBJECTS, NODES, VERSIONS, AUDIT, LEDGER)


class Format:
    """One state of the tables. A format that was released never changes; another one takes its place.

    A table whose columns change is another table, with a number and a name of its own: so a
    store comes to a format by making the tables that are new and dropping those that are gone.

    Attributes:
        number: counts from 1.
        tables: all of them.
    """

    __slots__ = ("number", "tables")

    def __init__(self, number: int, tables: tuple[Table, ...]) -> None:
        self.number = number
        self.tables = tables


FORMATS = (Format(1, TABLES),)
"""Every format that this program knows, in order. The last one is what it writes; others it
only reads to bring the vault to the last one (`strongroom.vault.upgrading`)."""


def newest() -> Format:
    """The format that this program writes."""
    return FORMATS[-1]


def known(number: int) -> Format | None:
    """The format with this number; None for one that never existed, or that a newer program wrote."""
    return FORMATS[number - 1] if 0 < number <= len(FORMATS) else None
