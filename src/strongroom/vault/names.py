"""The tree of names: from a path to a node, without decrypting its neighbours.

A look-up goes by blind index, HMAC(index key, parent id || kind || component), so
the store learns neither names nor which of them are equal. Nodes that were opened
once are kept until another connection has committed. Source: docs/format.md#names.
"""

from __future__ import annotations

from strongroom.crypto import entropy, labels
from strongroom.crypto.mac import Mac
from strongroom.errors import Conflict, NotFound, Tampered
from strongroom.items import RESERVED_MARK
from strongroom.keys.envelope import Envelope
from strongroom.stores.interface import Reading, Row, blob
from strongroom.stores.schema import NODES
from strongroom.vault.ledger import LedgeredRows
from strongroom.vault.records import FOLDER, ITEM, TOP, Node, decode_node, encode_node
from strongroom.wire import u8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.vault.policy import Grant

_PLACES_MAX = 8192
TOKEN_BYTES = 16


class Place:
    """A node and where it lies: its row, opened."""

    __slots__ = ("id", "node", "parent", "row", "token")

    def __init__(self, row: Row, node: Node) -> None:
        self.parent = blob(row, 0)
        self.token = blob(row, 1)
        self.id = blob(row, 2)
        self.node = node
        self.row = row


class Tree:
    """Finds, makes, moves and removes nodes.

    Args:
        macs: HMAC under each index key, the newest first; there are several while keys are rotated.
        envelope: opens and seals nodes.
    """

    __slots__ = ("_asked", "_envelope", "_mac", "_old_macs", "_places", "grants")

    def __init__(self, macs: list[Mac], envelope: Envelope) -> None:
        self._mac, *self._old_macs = macs
        self._envelope = envelope
        # Keyed by full path; a folder's ends with "/". Only authenticated nodes get in.
        self._places: dict[str, Place] = {}
        # The last name that a token was made of, and that token: what is written was looked up just before.
        self._asked: tuple[tuple[bytes, int, str] | None, bytes] = None, b""
        # Who may do what below these names; opened once, and valid for as long as they are.
        self.grants: tuple[Grant, ...] | None = None

    def forget(self) -> None:
        """Drop what is remembered: another program committed, or a transaction was undone."""
        self._places.clear()
        self.grants = None

    def known_item(self, path: str) -> Place | None:
        """The item at *path* if it was opened before and is still valid: the fast way in."""
        return self._places.get(path)

    def find(self, rows: Reading | LedgeredRows, components: tuple[str, ...], kind: int) -> Place | None:
        """The node at this path, or None.

        Raises: Tampered: a node on the way does not open in its place.
        """
        key = _key(components, kind)
        place = self._places.get(key)
        if place is not None:
            return place
        parent = self.folder_id(rows, components[:-1])
        if parent is None:
            return None
        row = rows.get(NODES, parent, self._newest_token(parent, kind, components[-1]))
        for mac in self._old_macs if row is None else ():
            row = row or rows.get(NODES, parent, _token(mac, parent, kind, components[-1]))
        if row is None:
            return None
        place = self.open(row)
        if place.node.kind != kind or place.node.name != components[-1]:
            raise Tampered("a node lies under a name that is not its own", advice="run: strongroom verify")
        self._remember(key, place)
        return place

    def find_many(self, rows: Reading, paths: list[tuple[str, ...]]) -> None:
        """Remember the items at these paths and the folders above them, with one question for each level.

        What is not found at once, such as a node that a rotation has not come to yet, is for `find`.
        """
        for level in range(1, max(map(len, paths), default=0) + 1):
            wanted: dict[Row, tuple[tuple[str, ...], int]] = {}
            for components in paths:
                parent = self._known_folder(components[: level - 1])
                kind = FOLDER if level < len(components) else ITEM
                if level > len(components) or parent is None or _key(components[:level], kind) in self._places:
                    continue
                token = self._newest_token(parent, kind, components[level - 1])
                wanted[parent, token] = components[:level], kind
            for key, row in rows.get_many(NODES, list(wanted)).items():
                place = self.open(row)
                components, kind = wanted[key]
                if place.node.kind == kind and place.node.name == components[-1]:
                    self._remember(_key(components, kind), place)

    def _known_folder(self, components: tuple[str, ...]) -> bytes | None:
        place = self._places.get(_key(components, FOLDER)) if components else None
        return place.id if place is not None else None if components else TOP

    def folder_id(self, rows: Reading | LedgeredRows, components: tuple[str, ...]) -> bytes | None:
        """The id of the folder at this path; the top folder always exists."""
        if not components:
            return TOP
        place = self.find(rows, components, FOLDER)
        return None if place is None else place.id

    def open(self, row: Row) -> Place:
        """Authenticate and decode one row of the nodes table.

        Raises: Tampered: it was not sealed for this place.
        """
        place = blob(row, 0), blob(row, 1), blob(row, 2)
        plaintext = self._envelope.decrypt(labels.NODE, blob(row, 3), *place)
        return Place(row, decode_node(plaintext))

    def children(self, rows: Reading | LedgeredRows, folder_id: bytes) -> list[Place]:
        """The nodes directly in a folder, sorted by name."""
        places = [self.open(row) for row in rows.scan(NODES, folder_id)]
        places.sort(key=lambda place: (place.node.name, place.node.kind))
        return places

    def shown_children(self, rows: Reading | LedgeredRows, folder_id: bytes) -> list[Place]:
        """As `children`, without what is reserved: docs/format.md#reserved-paths."""
        places = self.children(rows, folder_id)
        if folder_id == TOP:
            return [place for place in places if place.node.name[:1] != RESERVED_MARK]
        return places

    def walk_shown(
        self, rows: Reading | LedgeredRows, folder_id: bytes, prefix: str
    ) -> Iterator[tuple[str, Place]]:
        """As `walk`, without what is reserved; from the top folder it is not even opened."""
        for place in self.shown_children(rows, folder_id):
            if place.node.kind == ITEM:
                yield prefix + place.node.name, place
            else:
                yield from self.walk(rows, place.id, f"{prefix}{place.node.name}/", (folder_id,))

    def walk(
        self, rows: Reading | LedgeredRows, folder_id: bytes, prefix: str, above: tuple[bytes, ...] = ()
    ) -> Iterator[tuple[str, Place]]:
        """Every item below a folder with its full path, in order of names.

        Raises: Tampered: a folder lies inside itself, as older names that were put back can make it.
        """
        if folder_id in above:
            raise Tampered("a folder lies inside itself", advice="run: strongroom verify")
        for place in self.children(rows, folder_id):
            if place.node.kind == ITEM:
                yield prefix + place.node.name, place
            else:
                yield from self.walk(rows, place.id, f"{prefix}{place.node.name}/", (*above, folder_id))

    def make_folder(self, rows: LedgeredRows, components: tuple[str, ...]) -> bytes:
        """The id of the folder at this path, made together with its parents if absent."""
        if not components:
            return TOP
        place = self.find(rows, components, FOLDER)
        if place is None:
            parent = self.make_folder(rows, components[:-1])
            place = self.insert(rows, parent, components, Node(FOLDER, components[-1]), entropy.random_bytes(16))
            rows.expect_nothing(NODES, place.id)
        return place.id

    def insert(
        self, rows: LedgeredRows, parent: bytes, components: tuple[str, ...], node: Node, node_id: bytes
    ) -> Place:
        """Put a node that is known to be absent into the folder *parent*."""
        token = self._newest_token(parent, node.kind, components[-1])
        row: Row = (parent, token, node_id, self._seal(node, parent, token, node_id))
        rows.put(NODES, row, replaces=None)
        place = Place(row, node)
        self._remember(_key(components, node.kind), place)
        return place

    def save(self, rows: LedgeredRows, place: Place) -> None:
        """Write a node back whose content was changed in memory."""
        token = self._newest_token(place.parent, place.node.kind, place.node.name)
        row: Row = (place.parent, token, place.id, self._seal(place.node, place.parent, token, place.id))
        if token == place.token:
            rows.put(NODES, row, replaces=place.row)
        else:
            # The index key was rotated: the node lies elsewhere from now on.
            rows.delete(NODES, place.row)
            rows.put(NODES, row, replaces=None)
        place.row, place.token = row, token

    def remove(self, rows: LedgeredRows, components: tuple[str, ...], place: Place) -> None:
        """Delete a node, and every folder above it that becomes empty."""
        rows.delete(NODES, place.row)
        if place.node.kind == FOLDER:
            self._places.clear()
        else:
            self._places.pop(_key(components, ITEM), None)
        above = components[:-1]
        if above and next(iter(rows.scan(NODES, place.parent)), None) is None:
            folder = self.find(rows, above, FOLDER)
            if folder is not None:
                self.remove(rows, above, folder)

    def move(self, rows: LedgeredRows, source: tuple[str, ...], target: tuple[str, ...], kind: int) -> Place:
        """Give a node another name or folder; what it holds is not touched.

        Raises:
            Conflict: the target exists.
            ValueError: a folder would end up inside itself.
        """
        if kind == FOLDER and target[: len(source)] == source:
            raise ValueError("a folder cannot be moved into itself")
        if self.find(rows, target, kind) is not None:
            raise Conflict(f"{'/'.join(target)} exists already", advice="choose another name, or remove it first")
        place = self.find(rows, source, kind)
        if place is None:
            raise NotFound(f"nothing at {'/'.join(source)}", advice="see what there is: strongroom ls")
        parent = self.make_folder(rows, target[:-1])
        place.node.name = target[-1]
        # In before out: a folder that held only this node must not be pruned in between.
        moved = self.insert(rows, parent, target, place.node, place.id)
        self.remove(rows, source, place)
        return moved

    def has_current_token(self, place: Place) -> bool:
        """Whether a node lies where the newest index key puts it."""
        return place.token == self._newest_token(place.parent, place.node.kind, place.node.name)

    def _newest_token(self, parent: bytes, kind: int, component: str) -> bytes:
        asked = parent, kind, component
        if asked != self._asked[0]:
            # In one step, so that no Ctrl-C leaves the one question with the other answer.
            self._asked = asked, _token(self._mac, parent, kind, component)
        return self._asked[1]

    def _seal(self, node: Node, parent: bytes, token: bytes, node_id: bytes) -> bytes:
        return self._envelope.encrypt(labels.NODE, encode_node(node), parent, token, node_id)

    def _remember(self, key: str, place: Place) -> None:
        if len(self._places) >= _PLACES_MAX:
            self._places.clear()
        self._places[key] = place


def _token(mac: Mac, parent: bytes, kind: int, component: str) -> bytes:
    return mac.digest(parent + u8(kind) + component.encode("utf-8"))[:TOKEN_BYTES]


def _key(components: tuple[str, ...], kind: int) -> str:
    return "/".join(components) + ("/" if kind == FOLDER else "")
