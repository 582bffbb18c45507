"""The audit log inside the store: one sealed, chained entry per commit.

An entry says when, who, what and to which nodes; never a value, never a field name.
It commits together with the write that it describes. Source: docs/format.md#audit.
"""

from __future__ import annotations

from strongroom.crypto import labels
from strongroom.crypto.mac import Mac
from strongroom.errors import FormatUnsupported, Tampered
from strongroom.items import PATH_BYTES_MAX
from strongroom.keys.envelope import Envelope
from strongroom.stores.interface import Reading, Row, blob, integer
from strongroom.stores.schema import AUDIT
from strongroom.vault.ledger import LedgeredRows
from strongroom.vault.records import AUTHOR_BYTES_MAX
from strongroom.wire import Reader, text, u8, u32, u64

_FORM = 1
_WRITER_BYTES = 16
_NO_LINK = bytes(32)
TOUCHED_MAX = 100_000
OPERATION_BYTES_MAX = 64
ENTRY_BYTES_MAX = 16 * 1024 * 1024
"""Well below the longest value that a store takes."""


def writer_id(writer: int) -> bytes:
    """The id of a writer's chain: its number."""
    return writer.to_bytes(_WRITER_BYTES, "big")


class Touched:
    """One node that a commit wrote; revision 0 says that it was removed."""

    __slots__ = ("node_id", "path", "revision", "version")

    def __init__(self, node_id: bytes, revision: int, version: int, path: str) -> None:
        self.node_id = node_id
        self.revision = revision
        self.version = version
        self.path = path


class AuditEntry:
    """What one commit did.

    Attributes:
        time: µs since 1970 UTC.
        counter: the commit counter after it, as far as the commit has seen others.
    """

    __slots__ = ("author", "counter", "operation", "request_id", "time", "touched")

    def __init__(
        self, time: int, author: str, operation: str, counter: int, request_id: bytes, touched: list[Touched]
    ) -> None:
        self.time = time
        self.author = author
        self.operation = operation
        self.counter = counter
        self.request_id = request_id
        self.touched = touched


def _encode(entry: AuditEntry) -> bytes:
    parts = [
        u8(_FORM),
        u64(entry.time),
        text(entry.author),
        text(entry.operation),
        u64(entry.counter),
        entry.request_id,
        u32(len(entry.touched)),
    ]
    for item in entry.touched:
        parts += [item.node_id, u64(item.revision), u64(item.version), text(item.path)]
    return b"".join(parts)


def _decode(data: bytes) -> tuple[AuditEntry, bytes]:
    reader = Reader(data, "audit entry")
    if reader.u8() != _FORM:
        raise FormatUnsupported("this audit entry was written by a newer strongroom")
    time = reader.u64()
    author = reader.text(AUTHOR_BYTES_MAX)
    operation = reader.text(OPERATION_BYTES_MAX)
    counter = reader.u64()
    request_id = reader.take(16)
    touched = []
    for _ in range(reader.count(TOUCHED_MAX)):
        node_id = reader.take(16)
        revision, version = reader.u64(), reader.u64()
        touched.append(Touched(node_id, revision, version, reader.text(PATH_BYTES_MAX)))
    link = reader.take(32)
    reader.finish()
    return AuditEntry(time, author, operation, counter, request_id, touched), link


class AuditLog:
    """Appends to the chain of a writer and walks all of them.

    Args:
        mac: HMAC under the audit key, for the links.
        envelope: seals the entries.
    """

    __slots__ = ("_envelope", "_mac", "_tails")

    def __init__(self, mac: Mac, envelope: Envelope) -> None:
        self._mac = mac
        self._envelope = envelope
        # Writer -> sequence and link of its newest entry, as long as nobody else has committed.
        self._tails: dict[int, tuple[int, bytes]] = {}

    def forget(self) -> None:
        """Look for the newest entry again: another program committed, or a transaction was undone."""
        self._tails.clear()

    def append(self, rows: LedgeredRows, entry: AuditEntry) -> None:
        """Add *entry* to the chain of this writer, in the transaction that it describes.

        Raises:
            Tampered: the last entry does not open.
            ValueError: the commit touches more than one entry can name. An entry that nobody can
                read back would stop every later commit.
        """
        sequence, link = self._tails.get(rows.writer) or self._newest(rows)
        sequence += 1
        body = _encode(entry)
        if len(entry.touched) > TOUCHED_MAX or len(body) > ENTRY_BYTES_MAX:
            raise ValueError(f"one commit writes at most {TOUCHED_MAX:,} items; write them in several")
        link = self._mac.digest(link + body)
        sealed = self._envelope.encrypt(labels.AUDIT_ENTRY, body + link, writer_id(rows.writer), u64(sequence))
        row: Row = (writer_id(rows.writer), sequence, sealed)
        rows.put(AUDIT, row, replaces=None)
        self._tails[rows.writer] = sequence, link

    def _newest(self, rows: LedgeredRows) -> tuple[int, bytes]:
        last = rows.last(AUDIT, writer_id(rows.writer))
        return (0, _NO_LINK) if last is None else (integer(last, 1), self.open(last)[1])

    def open(self, row: Row) -> tuple[AuditEntry, bytes]:
        """The entry in *row*, and its link.

        Raises: Tampered: it was not sealed for this place in this vault's log.
        """
        writer, sequence, body = blob(row, 0), integer(row, 1), blob(row, 2)
        if sequence < 1:
            raise Tampered("an audit entry has an impossible number")
        return _decode(self._envelope.decrypt(labels.AUDIT_ENTRY, body, writer, u64(sequence)))

    def follows(self, link: bytes, previous_link: bytes, entry: AuditEntry) -> bool:
        """Whether *link* continues the chain from *previous_link* over *entry*."""
        try:
            self._mac.verify(previous_link + _encode(entry), link)
        except Tampered:
            return False
        return True

    def walk(self, rows: Reading) -> list[Row]:
        """All rows of all chains, one chain after the other, each in order, unopened."""
        return list(rows.scan(AUDIT))


FIRST_LINK = _NO_LINK
