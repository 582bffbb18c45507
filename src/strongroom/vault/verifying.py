"""Is what lies in the store what was written? And if not: what happened to which item?

First the ledger's sum over every row; then each row is opened where it lies, and nodes,
versions, key slots and the audit log are held against each other. The names of what was
swapped, changed, deleted, inserted, duplicated or rolled back come from that comparison.
"""

from __future__ import annotations

from strongroom.crypto import labels
from strongroom.errors import FormatUnsupported, RolledBack, Tampered
from strongroom.keys import identity
from strongroom.keys.format import SlotRecord
from strongroom.stores.interface import Reading, Row, Table, blob, integer
from strongroom.stores.schema import HEADER, NODES, OBJECTS, SLOTS, VERSIONS
from strongroom.vault import depositors, grants, naming, settings, shares
from strongroom.vault.core import Core
from strongroom.vault.ledger import REMOVED, State, stamp_of
from strongroom.vault.naming import A_NAME, BadRow
from strongroom.vault.records import DESTROYED, FOLDER, ITEM, TOP, decode_fields
from strongroom.vault.replay import Replay
from strongroom.vault.slots import NOTE_TYPE, read_note
from strongroom.wire import u64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

    from strongroom.vault.names import Place

_FINDINGS_SHOWN = 1000


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


class Status:
    """Numbers and names about an open vault; nothing secret.

    Attributes:
        epoch: counts root keys.
        fingerprint: 64 hex digits; see `Vault.fingerprint`.
        lineage: 32 hex digits; a restored backup starts a new one.
        commit_counter: how many commits this vault has seen.
    """

    __slots__ = (
        "_created_us", "commit_counter", "data_keys", "epoch", "fingerprint", "lineage", "location", "slots",
        "vault_id",
    )  # fmt: skip

    def __init__(self, core: Core, commit_counter: int, slots: int) -> None:
        header = core.keys.header
        self.location = core.store.location
        self.vault_id = header.vault_id.hex()
        self.lineage = header.lineage.hex()
        self.epoch = header.epoch
        self.fingerprint = header.identity.hex()
        self.commit_counter = commit_counter
        self.slots = slots
        self.data_keys = len(core.keys.keyset.data_keys())
        self._created_us = header.created_us

    @property
    def created(self) -> datetime:
        """When the vault was made; aware UTC."""
        from datetime import UTC, datetime, timedelta

        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self._created_us)


def status(core: Core) -> Status:
    """See `Vault.status`."""
    with core.reading() as rows:
        return Status(core, core.ledger.read(rows).counter, sum(1 for _ in rows.scan(SLOTS)))


def verify(core: Core) -> Report:
    """See `Vault.verify`."""
    with core.mutex:
        core.keys  # noqa: B018 - raises VaultLocked
        if core.change is not None:
            # Its rows are half written and the ledger is not sealed: that would look like tampering.
            raise RuntimeError("verify inside a transaction")
        with core.store.reading() as rows:
            _check_surroundings(core)
            verifier = _Verifier(core, rows)
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

    def __init__(self, core: Core, rows: Reading) -> None:
        self.core = core
        self.rows = rows
        self.report = Report()
        self.findings: list[str] = []
        self.state: State | None = None
        self.sum_differs = False
        self.slot_ids: list[bytes] = []
        self.are_slots_changed = False
        self.places: dict[bytes, Place] = {}
        self.paths: dict[bytes, str] = {}
        self.rolled_back: set[bytes] = set()
        self.bad: list[BadRow] = []

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
        self._nodes()
        self._revisions()
        self._versions()
        self._objects()
        self.findings += naming.explain(self.core, self.rows, self.bad, self.places, self.paths)
        self._overwritten()

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

    def _nodes(self) -> None:
        twins: list[tuple[Place, Place]] = []
        for row in self.rows.scan(NODES):
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
                self.rolled_back.add(node_id)
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
        for row in self.rows.scan(VERSIONS):
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
                if item not in self.rolled_back:
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

    def _overwritten(self) -> None:
        """What the sum knows and no row shows any more: tampering that was written over since."""
        for node_id in self.replay.rewritten:
            path = self.paths.get(node_id) or self.replay.written[node_id].path
            self.findings.append(f"rolled back: {path}, and then written again")
        if self.sum_differs and not self.findings:
            self.findings.append("changed: a row that was written over since; the ledger's sum does not fit")
