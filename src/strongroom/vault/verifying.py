"""Is what lies in the store what was written? And if not: what happened to which item?

First the ledger's sum over every row; then each row is opened where it lies, and folders, items and
versions (`verifying_tree`), key slots, stored objects and the audit log are held against each other. The
names of what was swapped, changed, deleted, inserted, duplicated or rolled back come from that comparison.
"""

from __future__ import annotations

from strongroom.errors import FormatUnsupported, RolledBack, Tampered
from strongroom.keys import identity
from strongroom.keys.format import SlotRecord
from strongroom.stores.interface import Reading, Row, Table, blob, integer
from strongroom.stores.schema import HEADER, NODES, OBJECTS, SLOTS, VERSIONS
from strongroom.vault import depositors, grants, naming, settings, shares
from strongroom.vault.core import Core
from strongroom.vault.ledger import REMOVED, State, stamp_of
from strongroom.vault.replay import Replay
from strongroom.vault.slots import NOTE_TYPE, read_note
from strongroom.vault.verifying_tree import TreeVerifier

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Progress = Callable[[int, int], None]

_FINDINGS_SHOWN = 1000
_ROWS_BETWEEN = 100


class Report:
    """What `Vault.verify` counted in a vault in which it found nothing wrong.

    Attributes:
        deposits_waiting: in the inbox, which is no part of the vault; None when it cannot be looked into.
    """

    __slots__ = ("audit_entries", "commit_counter", "deposits_waiting", "folders", "items", "slots", "versions")

    def __init__(self) -> None:
        self.items = 0
        self.folders = 0
        self.versions = 0
        self.slots = 0
        self.audit_entries = 0
        self.commit_counter = 0
        self.deposits_waiting: int | None = 0


class Steps:
    """How many rows of the tree, which take the most time, were looked at."""

    def __init__(self, rows: Reading, progress: Progress | None) -> None:
        self._progress = progress
        self._done = 0
        self._total = 0 if progress is None else sum(1 for table in (NODES, VERSIONS) for _ in rows.scan(table))

    def each(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, counted."""
        for row in rows:
            self._done += 1
            if self._progress is not None and self._done % _ROWS_BETWEEN == 0:
                self._progress(self._done, self._total)
            yield row


def verify(core: Core, progress: Progress | None = None) -> Report:
    """See `Vault.verify`."""
    with core.mutex:
        core.keys  # noqa: B018 - raises VaultLocked
        if core.change is not None:
            # Its rows are half written and the ledger is not sealed: that would look like tampering.
            raise RuntimeError("verify inside a transaction")
        with core.store.reading() as rows:
            _check_surroundings(core)
            verifier = _Verifier(core, rows, Steps(rows, progress))
            verifier.synchronise()
            verifier.run()
    if verifier.findings:
        shown = tuple(verifier.findings[:_FINDINGS_SHOWN])
        many = f"{len(verifier.findings)} findings" if len(verifier.findings) > 1 else "1 finding"
        raise Tampered(
            f"{core.store.location} is not what was written: {many}",
            advice="put a good backup back with: strongroom restore-backup FILE",
            findings=shown,
        )
    verifier.report.deposits_waiting = depositors.count_waiting(core)
    return verifier.report


def _check_surroundings(core: Core) -> None:
    """A store with planted triggers or other tables says nothing about its rows."""
    try:
        core.store.check()
    except Tampered as error:
        raise Tampered(error.message, advice=error.advice, findings=(f"changed: {error.message}",)) from None


_LISTED = {grants.TYPE: "grant", depositors.TYPE: "depositor"}
"""Stored objects of which there may be many; the audit log knows which."""


def _object_name(key: tuple[int, bytes]) -> str:
    kind = _LISTED.get(key[0])
    if kind is not None:
        return f"the {kind} {key[1].hex()}"
    return "the vault's settings" if key == settings.KEY else f"the label of key slot {key[1].hex()}"


class _Verifier:
    """One pass over one moment of the store."""

    def __init__(self, core: Core, rows: Reading, steps: Steps) -> None:
        self.core = core
        self.rows = rows
        self.steps = steps
        self.report = Report()
        self.findings: list[str] = []
        self.state: State | None = None
        self.sum_differs = False
        self.slot_ids: list[bytes] = []
        self.are_slots_changed = False

    def synchronise(self) -> None:
        """Take in what other programs wrote; a forged header becomes a finding below."""
        try:
            self.core.synchronise(self.rows)
        except Tampered:
            self.core.tree.forget()

    def run(self) -> None:
        self._ledger()
        self.replay = self._audit()
        self._header_and_slots()
        tree = TreeVerifier(self.core, self.rows, self.replay, self.report, self.steps)
        self.findings += tree.run()
        self._objects()
        self.findings += naming.explain(self.core, self.rows, tree.bad, tree.places, tree.paths)
        self._overwritten(tree.paths)

    def _ledger(self) -> None:
        try:
            self.core.ledger.forget(self.core.ledger.seen)
            self.state = self.core.ledger.read(self.rows)
        except RolledBack as error:
            self.findings.append(f"rolled back: {error.message}")
        except Tampered as error:
            self.state, findings = shares.those_that_open(self.core.ledger, self.rows, error)
            self.findings += findings
        if self.state is not None:
            self.report.commit_counter = self.state.counter
            self.sum_differs = self.core.ledger.recompute(self.rows, self.core.store.format) != self.state.total

    def _header_and_slots(self) -> None:
        pairs = [(blob(row, 0), blob(row, 1)) for row in self.rows.scan(SLOTS)]
        self.report.slots = len(pairs)
        self.slot_ids = [slot_id for slot_id, _ in pairs]
        if sum(1 for _ in self.rows.scan(HEADER)) > 1:
            self.findings.append("inserted: a second header row")
        header = self.rows.get(HEADER, 1)
        if header is None:
            self.findings.append("deleted: the header")
            return
        changed = [slot_id.hex() for slot_id, record in pairs if not self._is_own_slot(slot_id, record)]
        self.findings += [f"changed: key slot {slot_id}, or inserted by a stranger" for slot_id in changed]
        if not self.core.keys.has_header(blob(header, 1), blob(header, 2)):
            self.are_slots_changed = True
            self.findings.append("changed: the header")
            return
        try:
            self.core.keys.check_slots(pairs)
            self.core.keys.check_identity()
        except (Tampered, FormatUnsupported):
            self.are_slots_changed = True
            if not changed:
                self.findings.append("changed: a key slot was deleted, put back, rolled back or altered")
            return
        self._stamp(header, HEADER, "the header and the key slots")

    def _is_own_slot(self, slot_id: bytes, data: bytes) -> bool:
        try:
            record = SlotRecord.decode(data)
            identity.check_handover(self.core.keys.header, record)
        except (Tampered, FormatUnsupported):
            return False
        return record.slot_id == slot_id

    def _audit(self) -> Replay:
        replay = Replay(self.core.audit, self.rows, self.state)
        self.report.audit_entries = replay.entries
        self.findings += replay.findings
        return replay

    def _objects(self) -> None:
        expected = {settings.KEY, *((NOTE_TYPE, slot_id) for slot_id in self.slot_ids), *self._known_objects()}
        for row in self.rows.scan(OBJECTS):
            key = (integer(row, 0), blob(row, 1))
            if key in expected or key[0] in _LISTED:
                expected.discard(key)
                self._object(row)
            elif key[0] == NOTE_TYPE and self.are_slots_changed:
                self.findings.append(f"deleted: key slot {key[1].hex()}")
            elif key[0] == NOTE_TYPE:
                self.findings.append(f"inserted: {_object_name(key)}, which does not exist")
            else:
                self.findings.append(f"inserted: a stored object of unknown type {key[0]}")
        if not self.are_slots_changed:
            self.findings += [f"deleted: {_object_name(key)}" for key in sorted(expected)]

    def _known_objects(self) -> list[tuple[int, bytes]]:
        """The grants and depositors that were made and not taken away, as far as the log can be believed."""
        known = [] if self.replay.findings else self.replay.stamps.items()
        keys = [path.split("/")[2:] for path, stamp in known if path.startswith("/objects/") and stamp != REMOVED]
        return [(int(number), bytes.fromhex(digits)) for number, digits in keys if int(number) in _LISTED]

    def _object(self, row: Row) -> None:
        key = (integer(row, 0), blob(row, 1))
        try:
            if key == settings.KEY:
                settings.read_settings(self.core.envelope, self.rows)
            elif key[0] == grants.TYPE:
                grants.read_grant(self.core, row)
            elif key[0] == depositors.TYPE:
                depositors.read_depositor(self.core, row)
            else:
                read_note(self.core, row)
        except (Tampered, FormatUnsupported):
            self.findings.append(f"changed: {_object_name(key)}")
            return
        self._stamp(row, OBJECTS, _object_name(key))

    def _stamp(self, row: Row, table: Table, what: str) -> None:
        """Compare an authentic row outside the tree with the one that was written last."""
        path, stamp = stamp_of(table, row)
        if not self.replay.findings and self.replay.stamps.get(path) != stamp:
            self.findings.append(f"rolled back: {what}")

    def _overwritten(self, paths: dict[bytes, str]) -> None:
        """What the sum knows and no row shows any more: tampering that was written over since."""
        for node_id in self.replay.rewritten:
            path = paths.get(node_id) or self.replay.written[node_id].path
            self.findings.append(f"rolled back: {path}, and then written again")
        if self.sum_differs and not self.findings:
            self.findings.append("changed: a row that was written over since; the ledger's sum does not fit")
