"""The audit log from its first entry to its last: is it whole, and what should the store hold?

`verifying` compares what is there with what was written last according to this.
Source: docs/format.md#audit.
"""

from __future__ import annotations

from strongroom.errors import FormatUnsupported, Tampered
from strongroom.stores.interface import Row, blob, integer
from strongroom.vault.audit import FIRST_LINK, WRITER, AuditEntry, AuditLog, Touched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.stores.interface import Reading


class Replay:
    """What the log tells.

    Args:
        counter: of the ledger; None when that cannot be read.

    Attributes:
        findings: what is wrong with the log itself; while there are some, it may not know the newest writes.
        entries: how many rows it has.
        written: node id -> the last write to it, under the path that it has by now.
        rewritten: ids of items of which one write was counted twice: rolled back, then written again.
        folders: id of each folder that was ever moved -> the path that it has by now.
        stamps: ``/header`` and its like -> the stamp of that row when it was written last.
    """

    __slots__ = ("_audit", "_counter", "_sources", "entries", "findings", "folders", "rewritten", "stamps", "written")

    def __init__(self, audit: AuditLog, rows: Reading, counter: int | None) -> None:
        self.findings: list[str] = []
        self.entries = 0
        self.written: dict[bytes, Touched] = {}
        self.rewritten: set[bytes] = set()
        self.folders: dict[bytes, str] = {}
        self.stamps: dict[str, bytes] = {}
        self._audit = audit
        self._counter = counter
        self._sources: dict[bytes, str] = {}
        self._walk(rows)

    def path(self, node_id: bytes) -> str | None:
        """Where the item or moved folder of this id was last known to be."""
        known = self.written.get(node_id)
        return known.path if known else self.folders.get(node_id)

    def _walk(self, rows: Reading) -> None:
        link, expected = FIRST_LINK, 1
        for row in self._audit.walk(rows):
            self.entries += 1
            sequence = integer(row, 1)
            opened = self._open(row)
            if opened is None and self._is_planted(row):
                continue
            if sequence != expected:
                self._missing(expected, sequence - 1)
                link = b""
            if opened is None:
                self.findings.append(f"changed: audit entry {sequence}")
                link, expected = b"", sequence + 1
                continue
            entry, own_link = opened
            if link and not self._audit.follows(own_link, link, entry):
                self.findings.append(f"changed: audit entry {sequence} does not continue the one before it")
            for item in entry.touched:
                self._touch(item)
            link, expected = own_link, sequence + 1
        if self._counter is None:
            return
        if expected - 1 < self._counter:
            self._missing(expected, self._counter)
        elif expected - 1 > self._counter:
            self.findings.append(f"rolled back: the ledger, from commit {expected - 1} to {self._counter}")

    def _open(self, row: Row) -> tuple[AuditEntry, bytes] | None:
        try:
            return self._audit.open(row) if blob(row, 0) == WRITER else None
        except (Tampered, FormatUnsupported):
            return None

    def _is_planted(self, row: Row) -> bool:
        """Whether an entry that does not open lies where the log has none."""
        writer, sequence = blob(row, 0), integer(row, 1)
        if writer != WRITER:
            self.findings.append(f"inserted: audit entry {sequence} of an unknown writer")
        elif sequence < 1 or (self._counter is not None and sequence > self._counter):
            self.findings.append(f"inserted: audit entry {sequence}")
        else:
            return False
        return True

    def _missing(self, first: int, last: int) -> None:
        what = f"entry {first}" if first == last else f"entries {first} to {last}"
        self.findings.append(f"deleted: audit {what}")

    def _touch(self, item: Touched) -> None:
        if item.path.startswith("/"):
            self.stamps[item.path] = item.node_id
        elif item.path.endswith("/"):
            self._move_folder(item)
        else:
            before = self.written.get(item.node_id)
            if before is not None and 0 < item.revision <= before.revision:
                self.rewritten.add(item.node_id)
            self.written[item.node_id] = item

    def _move_folder(self, item: Touched) -> None:
        """A moved folder is listed twice, with its old and its new path; all below it moves too."""
        source = self._sources.pop(item.node_id, None)
        if source is None:
            self._sources[item.node_id] = item.path
            return
        for known in self.written.values():
            if known.path.startswith(source):
                known.path = item.path + known.path[len(source) :]
        for folder_id, path in self.folders.items():
            if path.startswith(source):
                self.folders[folder_id] = item.path + path[len(source) :]
        self.folders[item.node_id] = item.path
