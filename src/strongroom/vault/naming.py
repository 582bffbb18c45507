"""Giving names to rows that do not open where they lie: swapped, copied, planted or changed."""

from __future__ import annotations

from strongroom.crypto import labels
from strongroom.errors import Tampered
from strongroom.stores.interface import Reading, Row, Table, blob, integer
from strongroom.stores.schema import NODES, VERSIONS
from strongroom.vault.core import Core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.vault.names import Place

_PAIRS_MAX = 64
"""Above this many bad rows nobody needs to know which of them changed places with which."""
# A blob's key id and salt: 28 bytes that no two sealed messages share.
_SALT = slice(0, 28)


A_NAME = "a name"
"""What a row of the nodes table is called whose id nobody has heard of."""


class BadRow:
    """A row that is not what belongs in its place.

    Attributes:
        what: how to call the place, such as ``"version 1 of bank/checking"``.
        parts: the context it should open under; None when nothing belongs there.
    """

    __slots__ = ("parts", "row", "table", "what")

    def __init__(self, table: Table, row: Row, what: str, parts: tuple[bytes, ...] | None) -> None:
        self.table = table
        self.row = row
        self.what = what
        self.parts = parts

    @property
    def body(self) -> bytes:
        """The sealed part of the row."""
        return blob(self.row, -1)


def explain(
    core: Core, rows: Reading, bad: list[BadRow], places: dict[bytes, Place], paths: dict[bytes, str]
) -> list[str]:
    """One finding for each bad row."""
    if not bad:
        return []
    copies = _copies(rows, bad, places, paths)
    small = bad if len(bad) <= _PAIRS_MAX else []
    return [_explain_one(core, row, small, copies) for row in bad]


def _explain_one(core: Core, bad: BadRow, others: list[BadRow], copies: dict[bytes, str]) -> str:
    for other in others:
        if other is not bad and other.table is bad.table and _belongs(core, bad, other):
            return f"swapped: {bad.what} holds what was written as {other.what}"
    original = copies.get(bad.body[_SALT])
    if original is not None:
        return f"duplicated: {bad.what} holds a copy of {original}"
    if bad.what == A_NAME or (bad.table is VERSIONS and bad.parts is None):
        return f"inserted: {bad.what}"
    return f"changed: {bad.what}"


def _belongs(core: Core, bad: BadRow, other: BadRow) -> bool:
    """Whether the body of *bad* was sealed for the place of *other*."""
    if bad.table is VERSIONS:
        return other.parts is not None and _opens(core, labels.VERSION, bad.body, other.parts)
    parent, token, node_id = blob(other.row, 0), blob(other.row, 1), blob(other.row, 2)
    own_parent, own_token, own_id = blob(bad.row, 0), blob(bad.row, 1), blob(bad.row, 2)
    # The whole row, its sealed body alone, or its id alone may have changed places.
    places = ((parent, token, node_id), (parent, token, own_id), (own_parent, own_token, node_id))
    return any(_opens(core, labels.NODE, bad.body, place) for place in places)


def _opens(core: Core, object_type: int, body: bytes, parts: tuple[bytes, ...]) -> bool:
    try:
        core.envelope.decrypt(object_type, body, *parts)
    except Tampered:
        return False
    return True


def _copies(
    rows: Reading, bad: list[BadRow], places: dict[bytes, Place], paths: dict[bytes, str]
) -> dict[bytes, str]:
    """Where else the salts of the bad rows occur: salt -> name of the place."""
    wanted = {row.body[_SALT] for row in bad}
    misplaced = {row.row[: row.table.key_length] for row in bad}
    found: dict[bytes, str] = {}
    for table in (NODES, VERSIONS):
        for row in rows.scan(table):
            salt = blob(row, -1)[_SALT]
            if salt in wanted and row[: table.key_length] not in misplaced:
                found[salt] = _name(table, row, places, paths)
    return found


def _name(table: Table, row: Row, places: dict[bytes, Place], paths: dict[bytes, str]) -> str:
    if table is VERSIONS:
        return f"version {integer(row, 1)} of {paths.get(blob(row, 0), 'an item')}"
    node_id = blob(row, 2)
    place = places.get(node_id)
    return paths.get(node_id) or (f"{place.node.name}/" if place else "a name")
