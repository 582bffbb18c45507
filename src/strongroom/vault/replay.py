"""The audit log from its first entry to its last: is it whole, and what should the store hold?

Each writer has a chain of its own. What an entry follows from bears a smaller commit counter, so
that all chains together are read in the order of those. `verifying` compares what is there with
what was written last according to this. Source: docs/format.md#audit.
"""

from __future__ import annotations

from strongroom.errors import FormatUnsupported, Tampered
from strongroom.stores.interface import WRITERS_MAX, Row, blob, integer
from strongroom.vault.audit import FIRST_LINK, AuditEntry, AuditLog, Touched, writer_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from strongroom.stores.interface import Reading
    from strongroom.vault.ledger import State


class Replay:
    """What the log tells.

    Args:
        state: of the ledger; None when that cannot be read.

    Attributes:
        findings: what is wrong with the log itself; while there are some, it may not know the newest writes.
        entries: how many rows it has.
        written: node id -> the last write to it, under the path that it has by now.
        rewritten: ids of items of which one write was counted twice: rolled back, then written again.
        folders: id of each folder that was ever moved -> the path that it has by now.
        stamps: ``/header`` and its like -> the stamp of that row when it was written last.
    """

    __slots__ = ("_audit", "_sources", "_state", "entries", "findings", "folders", "rewritten", "stamps", "written")

    def __init__(self, audit: AuditLog, rows: Reading, state: State | None) -> None:
        self.findings: list[str] = []
        self.entries = 0
        self.written: dict[bytes, Touched] = {}
        self.rewritten: set[bytes] = set()
        self.folders: dict[bytes, str] = {}
        self.stamps: dict[str, bytes] = {}
        self._audit = audit
        self._state = state
        self._sources: dict[bytes, str] = {}
        self._walk(self._audit.walk(rows))

    def path(self, node_id: bytes) -> str | None:
        """Where the item or moved folder of this id was last known to be."""
        known = self.written.get(node_id)
        return known.path if known else self.folders.get(node_id)

    def _walk(self, rows: list[Row]) -> None:
        self.entries = len(rows)
        chains: dict[bytes, list[Row]] = {}
        for row in rows:
            chains.setdefault(blob(row, 0), []).append(row)
        streams = []
        for writer in range(WRITERS_MAX):
            chain = chains.pop(writer_id(writer), [])
            if chain or self._committed(writer):
                streams.append(self._chain(writer, chain))
        seen, unseen = 0, ""
        for before, (counter, entry) in enumerate(streams[0] if len(streams) == 1 else _in_order(streams)):
            if seen < counter:
                seen = counter
                if before + 1 < counter and not unseen:
                    # It has seen more commits than there are before it, whatever was written since.
                    unseen = f"rolled back: a writer's commits, from {counter} in all to {before + 1}"
            for item in entry.touched:
                self._touch(item)
        for chain in chains.values():
            self.findings += [f"inserted: audit entry {integer(row, 1)} of an unknown writer" for row in chain]
        if unseen and not self.findings:
            # Of another writer, of whom ledger and chain know less together.
            self.findings.append(unseen)

    def _chain(self, writer: int, rows: list[Row]) -> Iterator[tuple[int, AuditEntry]]:
        """The entries of one writer with their commit counters; what is wrong with its chain becomes a finding."""
        of = f" of writer {writer}" if writer else ""
        link, expected, seen = FIRST_LINK, 1, 0
        for row in rows:
            sequence = integer(row, 1)
            opened = self._open(row)
            if opened is None and self._is_planted(writer, sequence, of):
                continue
            if sequence != expected:
                self._missing(expected, sequence - 1, of)
                link = b""
            if opened is None:
                self.findings.append(f"changed: audit entry {sequence}{of}")
                link, expected = b"", sequence + 1
                continue
            entry, own_link = opened
            if link and not self._audit.follows(own_link, link, entry):
                self.findings.append(f"changed: audit entry {sequence}{of} does not continue the one before it")
            if entry.counter <= seen:
                self.findings.append(f"rolled back: audit entry {sequence}{of} has seen less than the one before it")
            yield entry.counter, entry
            link, expected, seen = own_link, sequence + 1, max(seen, entry.counter)
        committed = self._committed(writer)
        if committed is None:
            return
        if expected - 1 < committed:
            self._missing(expected, committed, of)
        elif expected - 1 > committed:
            self.findings.append(f"rolled back: the ledger{of}, from commit {expected - 1} to {committed}")

    def _committed(self, writer: int) -> int | None:
        """How often this writer has committed according to the ledger; None when that cannot be read."""
        return None if self._state is None else self._state.shares.get(writer, (0, 0))[1]

    def _open(self, row: Row) -> tuple[AuditEntry, bytes] | None:
        try:
            return self._audit.open(row)
        except (Tampered, FormatUnsupported):
            return None

    def _is_planted(self, writer: int, sequence: int, of: str) -> bool:
        """Whether an entry that does not open lies where the log has none."""
        committed = self._committed(writer)
        if sequence >= 1 and (committed is None or sequence <= committed):
            return False
        self.findings.append(f"inserted: audit entry {sequence}{of}")
        return True

    def _missing(self, first: int, last: int, of: str) -> None:
        what = f"entry {first}" if first == last else f"entries {first} to {last}"
        self.findings.append(f"deleted: audit {what}{of}")

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


def _in_order(streams: list[Iterator[tuple[int, AuditEntry]]]) -> Iterable[tuple[int, AuditEntry]]:
    """The entries of several chains by their commit counters: a linear order in which nothing precedes its cause."""
    from heapq import merge  # only where several writers were at work

    return merge(*streams, key=lambda numbered: numbered[0])
