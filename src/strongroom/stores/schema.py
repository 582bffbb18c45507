"""The tables, shared by every kind of store. Source: docs/format.md#tables.

Numbers are never reused and columns only ever appended: the ledger's row encoding
and the contexts of sealed rows depend on both.
"""

from __future__ import annotations

from strongroom.stores.interface import Table

FORMAT = 1
"""The store format this program writes; a greater number found in a store is refused."""

HEADER = Table(1, "header", (("id", "INTEGER"), ("body", "BLOB"), ("mac", "BLOB")), 1)
SLOTS = Table(2, "slots", (("id", "BLOB"), ("record", "BLOB")), 1)
OBJECTS = Table(3, "objects", (("type", "INTEGER"), ("id", "BLOB"), ("body", "BLOB")), 2)
NODES = Table(4, "nodes", (("parent", "BLOB"), ("token", "BLOB"), ("id", "BLOB"), ("body", "BLOB")), 2)
VERSIONS = Table(5, "versions", (("item", "BLOB"), ("number", "INTEGER"), ("body", "BLOB")), 2)
AUDIT = Table(6, "audit", (("writer", "BLOB"), ("sequence", "INTEGER"), ("body", "BLOB")), 2)
LEDGER = Table(7, "ledger", (("bucket", "INTEGER"), ("body", "BLOB")), 1)

TABLES = (HEADER, SLOTS, OBJECTS, NODES, VERSIONS, AUDIT, LEDGER)
