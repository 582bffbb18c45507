"""The anchor: small files per user and machine that remember which vault lay where, and its newest state.

An intact older copy of the whole vault file is what no key can tell from the newest one;
nor can a key tell two vaults apart that it opens both, and an age identity opens what anybody
makes for it. These files, which do not travel with the vault, can. They are looked at when a
vault is opened. The newest counter is written down before a commit is acknowledged, and brought
to the disk when the last time is a second or more ago, or when the vault is locked: a power cut
leaves the anchor up to a second behind, and nothing leaves it ahead of what was committed.

A place that cannot be written is a note: the vault opens, less well guarded. An anchor
that is there and says no, or says nothing sensible, is an error.
"""

from __future__ import annotations

import os
from time import monotonic

from strongroom.errors import FormatUnsupported, NotFound, StrongroomError, Tampered
from strongroom.locate.anchor_record import LENGTH_MAX, AnchorRecord, decode, encode
from strongroom.locate.counter_file import CounterFile
from strongroom.locate.state_directory import Mutex, is_foreign, make_directory, state_directory
from strongroom.stores import durable, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.keys.format import Header
    from strongroom.vault.vault import Vault

    Tell = Callable[[str], None]
    Change = Callable[[AnchorRecord], AnchorRecord]

_EVERY_SECONDS = 1.0
_WHAT = "anchor"
_COMPLAINT = (
    "an older copy of this vault, or another vault in its place, would not be noticed, because no anchor can be kept: "
)


class FileAnchor:
    """The anchor of one vault, in one directory. Implements `vault.anchoring.Anchor`.

    Args:
        directory: from `state_directory`; made when something is written first.
        vault_id: 16 bytes.
        tell: receives one line when the anchor cannot be kept; called once.
    """

    def __init__(self, directory: str, vault_id: bytes, *, tell: Tell) -> None:
        self.path = os.path.join(directory, f"{vault_id.hex()}.anchor")
        self._vault_id = vault_id
        self._newest = CounterFile(os.path.join(directory, f"{vault_id.hex()}.counter"))
        self._tell = tell
        self._has_told = False
        self._written = (0, 0)
        self._written_at = monotonic()

    def read(self) -> AnchorRecord | None:
        """What is known of the vault; None when nothing is.

        Raises:
            Tampered: the file is damaged, or about another vault.
            UnsafePermissions: somebody else could change it.
            FormatUnsupported: a newer program wrote it.
            StoreUnavailable: it cannot be read.
        """
        record = self._read_file()
        if record is not None:
            self._written = (0 if record.identity is None else record.identity[0], record.counter)
            record.counter = max(record.counter, self._newest.read(record.lineage))
        return record

    def _read_file(self) -> AnchorRecord | None:
        try:
            data = files.read_private(self.path, LENGTH_MAX, _WHAT)
        except NotFound:
            return None
        try:
            return decode(bytes(data), self._vault_id)
        except (Tampered, FormatUnsupported) as error:
            from shlex import quote

            raise type(error)(
                f"the anchor {self.path} cannot be believed: {error.message}",
                advice=error.advice
                or f"begin anew: rm {quote(self.path)}\n"
                "and see that the vault has come as far as you know: strongroom verify --expect-counter N",
            ) from None

    def compare(
        self, location: str, header: Header, counter: int, record: AnchorRecord | None, *, is_proved: bool
    ) -> None:
        """Refuse a vault that is older than the record says, or another; remember one that is newer.

        Args:
            location: of the vault, which was just opened.
            header: its own.
            counter: its own, read after *record* was: another program may commit and write the anchor between the two.
            record: from `read`.
            is_proved: as in `AnchorRecord.knows`.

        Raises: Tampered, RolledBack: as `AnchorRecord.check`.
        """
        if record is not None:
            record.check(location, header, counter, is_proved=is_proved)
        self.settle(counter, header)

    def advance(self, counter: int, header: Header) -> None:
        """See `vault.anchoring.Anchor.advance`: to the disk at most once a second."""
        if header.epoch != self._written[0] or monotonic() - self._written_at >= _EVERY_SECONDS:
            self.settle(counter, header)
        elif counter > self._written[1]:
            self._keep(lambda: self._newest.raise_to(header.lineage, counter))

    def settle(self, counter: int, header: Header) -> None:
        """See `vault.anchoring.Anchor.settle`."""
        if (header.epoch, counter) > self._written:
            self._change(lambda record: record.advanced(header, counter), counter, header)

    def backed_up(self, counter: int, header: Header, now_us: int) -> None:
        """See `vault.anchoring.Anchor.backed_up`."""
        self._change(lambda record: record.advanced(header, counter).backed_up(now_us, counter), counter, header)

    def accept(self, counter: int, header: Header) -> None:
        """Believe this lineage and identity from now on, whatever was known before."""
        self._change(lambda record: record.moved(header, counter), counter, header)

    def _change(self, change: Change, counter: int, header: Header) -> None:
        self._keep(lambda: self.write(change, counter, header))

    def _keep(self, write: Callable[[], None]) -> None:
        keep(write, self.complain)

    def complain(self, reason: str) -> None:
        """Tell, once, that nothing remembers this vault's newest state."""
        if not self._has_told:
            self._has_told = True
            self._tell(_COMPLAINT + reason)

    def write(self, change: Change, counter: int, header: Header) -> None:
        """Change the file under a mutex, so that two programs never take it back.

        Args:
            change: from what is there now to what shall be there.
            counter: what a file that is not there yet begins with.
            header: of the vault.

        Raises: StrongroomError, OSError: it was not written.
        """
        directory = durable.parent(self.path)
        make_directory(directory)
        with Mutex(os.path.join(directory, "lock")):
            there = self._read_file()
            record = change(there or AnchorRecord.of(header, counter))
            if there is None or encode(record) != encode(there):
                files.replace_private(self.path, encode(record))
        self._written = max(self._written, (header.epoch, counter))
        self._written_at = monotonic()


def keep(write: Callable[[], None], complain: Tell) -> None:
    """Write something of an anchor; that it cannot be written is said and no error."""
    try:
        write()
    except StrongroomError as error:
        complain(error.message)
    except OSError as error:
        complain((error.strerror or "unknown error").lower())
    except ImportError as error:
        # A module that is loaded late, where no file can be opened any more.
        complain(f"Python's {error.name} cannot be loaded")


def anchor_of(vault: Vault, *, tell: Tell | None = None) -> FileAnchor | None:
    """The anchor for *vault*; None, with a note, where this user has no place for one.

    Args:
        tell: receives the note, and later ones; None for the vault's own.
    """
    tell = tell or vault.notes.append
    directory = anchor_directory(tell)
    return None if directory is None else FileAnchor(directory, vault.vault_id, tell=tell)


def anchor_directory(tell: Tell) -> str | None:
    """Where this user's anchors lie; None, with a note, where there is no place for them."""
    try:
        directory = state_directory()
    except NotFound as error:
        tell(_COMPLAINT + error.message)
        return None
    if is_foreign(directory):
        tell(f"{_COMPLAINT}{directory} is another user's")
        return None
    return directory
