"""One reading of a named key, and what works with each of its versions."""

from __future__ import annotations

from time import monotonic

from strongroom.errors import Denied
from strongroom.vault.named_keys.kinds import worker
from strongroom.vault.named_keys.messages import Sealer
from strongroom.vault.named_keys.record import PUBLIC_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.vault.named_keys.kinds import Worker
    from strongroom.vault.named_keys.record import KeyRecord, Material


class State:
    """One reading of a key: replaced as a whole, so that threads never see half of a change."""

    __slots__ = ("item_version", "loaded", "primary", "record", "sealers", "workers")

    def __init__(self, record: KeyRecord, item_version: int) -> None:
        self.record = record
        self.item_version = item_version
        self.loaded = monotonic()
        self.workers: dict[int, Worker] = {}
        # What encrypts or authenticates; a key pair is asked for its halves.
        self.primary = self.worker(record.primary.number) if record.kind not in PUBLIC_BYTES else None
        # What decrypts, by number; empty for other kinds than ``aead``.
        self.sealers: dict[int, Sealer] = {}
        if record.kind == "aead":
            self.sealers = {one.number: self.worker(one.number) for one in record.usable()}  # type: ignore[misc]

    def worker(self, number: int) -> Worker:
        """What works with one version; made when it is first needed."""
        found = self.workers.get(number)
        if found is None:
            record = self.record
            found = self.workers[number] = worker(record.kind, record.id, number, self.material(number))
        return found

    def material(self, number: int) -> Material:
        """The private part of one version.

        Raises: Denied: it is somebody else's, and not here.
        """
        found = self.record.materials.get(number)
        if found is None:
            raise Denied("only the public part of this key is here", advice="whoever made it has the private part")
        return found
