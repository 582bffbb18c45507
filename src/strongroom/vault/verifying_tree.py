"""Folders, items and versions, as `verifying` finds them: against each other, and against what the log knows.

Each row is opened where it lies; what does not open there is left to `naming`.
"""

from __future__ import annotations

from strongroom.crypto import labels
from strongroom.errors import FormatUnsupported, Tampered
from strongroom.stores.interface import Reading, Row, blob, integer
from strongroom.stores.schema import NODES, VERSIONS
from strongroom.vault.naming import A_NAME, BadRow
from strongroom.vault.records import DESTROYED, FOLDER, ITEM, TOP, decode_fields
from strongroom.wire import u64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.vault.core import Core
    from strongroom.vault.names import Place
    from strongroom.vault.replay import Replay
    from strongroom.vault.verifying import Report, Steps


class TreeVerifier:
    """One pass over nodes and versions.

    Args:
        replay: what the audit log says was written.
        report: counts what is found.
        steps: counts what is looked at.

    Attributes:
        places: node id -> the newest node of that id.
        paths: item id -> its path.
        bad: the rows that do not belong where they lie.
    """

    def __init__(self, core: Core, rows: Reading, replay: Replay, report: Report, steps: Steps) -> None:
        self.core = core
        self.steps = steps
        self.rows = rows
        self.replay = replay
        self.report = report
        self.findings: list[str] = []
        self.places: dict[bytes, Place] = {}
        self.paths: dict[bytes, str] = {}
        self.bad: list[BadRow] = []
        self._rolled_back: set[bytes] = set()

    def run(self) -> list[str]:
        """Returns: one finding for each thing that is wrong, beside `bad`."""
        self._nodes()
        self._revisions()
        self._versions()
        return self.findings

    def _nodes(self) -> None:
        twins: list[tuple[Place, Place]] = []
        for row in self.steps.each(self.rows.scan(NODES)):
            try:
                place = self.core.tree.open(row)
            except (Tampered, FormatUnsupported):
                self.bad.append(BadRow(NODES, row, A_NAME, None))
                continue
            other = self.places.get(place.id)
            if other is not None:
                place, other = self._newer(place, other)
                twins.append((place, other))
            self.places[place.id] = place
        for place in self.places.values():
            path = self._path(place)
            if place.node.kind == FOLDER:
                self._folder(place, path)
            else:
                self.report.items += 1
                self.paths[place.id] = path
        for newer, older in twins:
            end = "/" if newer.node.kind == FOLDER else ""
            self.findings.append(f"duplicated: {self._path(older)}{end}, an older name of {self._path(newer)}{end}")
        for bad in self.bad:
            bad.what = self._name_of(bad.row)

    def _newer(self, one: Place, two: Place) -> tuple[Place, Place]:
        """Two nodes of one id, the one first that was written last."""
        if one.node.kind == ITEM:
            is_newer = one.node.revision > two.node.revision
        else:
            is_newer = (self.replay.folders.get(one.id) or "").rstrip("/").split("/")[-1] == one.node.name
        return (one, two) if is_newer else (two, one)

    def _folder(self, place: Place, path: str) -> None:
        self.report.folders += 1
        moved_to = self.replay.folders.get(place.id, f"{path}/")
        if moved_to != f"{path}/":
            self.findings.append(f"rolled back: {path}/, which was moved to {moved_to}")
        elif next(iter(self.rows.scan(NODES, place.id)), None) is None:
            # A folder goes with what was in it last.
            self.findings.append(f"inserted: {path}/, an empty folder")

    def _name_of(self, row: Row) -> str:
        """What lies, or lay, where this row of the nodes table is."""
        node_id = blob(row, 2)
        path = self.replay.path(node_id)
        if path is not None:
            return path
        for place in self.places.values():
            if place.parent == node_id:
                known = self.replay.path(place.id)
                return known.rstrip("/").rpartition("/")[0] + "/" if known else "a folder"
        return A_NAME

    def _path(self, place: Place) -> str:
        first, parts = place, [place.node.name]
        seen = {place.id}
        while place.parent != TOP:
            above = self.places.get(place.parent)
            if above is None or above.id in seen:
                known = self.replay.path(first.id) or "/".join(reversed(parts))
                self.findings.append(f"deleted: a folder above {known}")
                return known.rstrip("/")
            place = above
            seen.add(place.id)
            parts.append(place.node.name)
        return "/".join(reversed(parts))

    def _revisions(self) -> None:
        unreadable = {bad.row[2] for bad in self.bad}
        for node_id, known in self.replay.written.items():
            place = self.places.get(node_id)
            if place is None:
                if known.revision and node_id not in unreadable:
                    self.findings.append(f"deleted: {known.path}")
            elif known.revision == 0:
                self.findings.append(f"inserted: {self.paths[node_id]}, which was destroyed")
            elif place.node.revision < known.revision:
                self._rolled_back.add(node_id)
                now, then = place.node.revision, known.revision
                self.findings.append(f"rolled back: {self.paths[node_id]}, from write {then} to write {now}")
        if self.replay.findings:
            return  # what the log does not know may have stood in the entries that are gone
        for node_id, path in self.paths.items():
            last = self.replay.written.get(node_id)
            if last is None or 0 < last.revision < self.places[node_id].node.revision:
                self.findings.append(f"rolled back: the audit log, which does not know the newest write of {path}")

    def _versions(self) -> None:
        unreadable = {bad.row[2] for bad in self.bad}
        seen: set[tuple[bytes, int]] = set()
        for row in self.steps.each(self.rows.scan(VERSIONS)):
            item, number, body = blob(row, 0), integer(row, 1), blob(row, 2)
            self.report.versions += 1
            place = self.places.get(item)
            if place is None or place.node.kind != ITEM:
                if item not in unreadable:
                    of = self.replay.path(item) or "an item that does not exist"
                    self.bad.append(BadRow(VERSIONS, row, f"version {number} of {of}", None))
                continue
            path = self.paths[item]
            entry = place.node.entry(number)
            if entry is None or entry.state == DESTROYED:
                if item not in self._rolled_back:
                    self.bad.append(BadRow(VERSIONS, row, f"version {number} of {path}", None))
                continue
            seen.add((item, number))
            try:
                parts = (item, u64(number), entry.edition)
                # As a view, whose content no traceback shows.
                decode_fields(memoryview(self.core.envelope.decrypt(labels.VERSION, body, *parts)))
            except (Tampered, FormatUnsupported):
                self.bad.append(BadRow(VERSIONS, row, f"version {number} of {path}", parts))
        self._missing(seen)

    def _missing(self, seen: set[tuple[bytes, int]]) -> None:
        for node_id, path in self.paths.items():
            for entry in self.places[node_id].node.entries:
                if entry.state != DESTROYED and (node_id, entry.number) not in seen:
                    self.findings.append(f"deleted: version {entry.number} of {path}")
