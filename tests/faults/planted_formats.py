"""Two formats after the first one, planted: there is no second one yet, and what will bring a vault to it is tested.

Format 2 has a table of marks, one for each node; in format 3 another table with a number more has taken its
place. So tables are made, filled from others, and dropped with what was in them.
"""

from __future__ import annotations

from collections.abc import Callable

from strongroom.crypto import labels
from strongroom.stores import schema
from strongroom.stores.interface import Table, Writing, blob
from strongroom.stores.schema import NODES, TABLES, Format
from strongroom.vault import upgrading
from strongroom.vault.core import Core

MARKS = Table(200, "marks", (("id", "BLOB"), ("body", "BLOB")), 1)
COUNTED_MARKS = Table(201, "counted_marks", (("id", "BLOB"), ("count", "INTEGER"), ("body", "BLOB")), 1)
FORMATS = (schema.FORMATS[0], Format(2, (*TABLES, MARKS)), Format(3, (*TABLES, COUNTED_MARKS)))


def mark_each_node(core: Core, rows: Writing) -> None:
    """To format 2: seals something of each node, so that keys are needed."""
    for row in list(rows.scan(NODES)):
        name = core.tree.open(row).node.name.encode()
        rows.put(MARKS, (blob(row, 2), core.envelope.encrypt(labels.OBJECT, name, blob(row, 2))))


def count_marks(_core: Core, rows: Writing) -> None:
    """To format 3."""
    for number, row in enumerate(list(rows.scan(MARKS))):
        rows.put(COUNTED_MARKS, (blob(row, 0), number, blob(row, 1)))


def plant(setter: Callable[[object, str, object], None] = setattr, *, until: int = 3) -> None:
    """Make this program one of a later day.

    Args:
        setter: as `setattr`, or what undoes it later.
        until: the newest format that it knows.
    """
    setter(schema, "FORMATS", FORMATS[:until])
    setter(upgrading, "MOVES", {2: mark_each_node, 3: count_marks})
    setter(labels, "FORMAT", until)


def marks(core: Core) -> dict[bytes, str]:
    """What the marks say, by the node's id."""
    with core.reading() as rows:
        found = list(rows.scan(COUNTED_MARKS))
    assert sorted(row[1] for row in found) == list(range(len(found)))
    return {blob(row, 0): core.envelope.decrypt(labels.OBJECT, blob(row, 2), blob(row, 0)).decode() for row in found}


def names(core: Core) -> dict[bytes, str]:
    """What they should say."""
    with core.reading() as rows:
        return {blob(row, 2): core.tree.open(row).node.name for row in rows.scan(NODES)}
