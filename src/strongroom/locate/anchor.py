"""The anchor: a small file per user and machine that remembers the newest state of a vault.

An intact older copy of the whole vault file is what no key can tell from the newest one;
this file, which does not travel with the vault, can. It is looked at when a vault is
opened, and written when the vault has moved on: at once if the last time is a second or
more ago, else when the vault is locked. A program that is killed in between leaves the
anchor some commits behind, and never ahead of what was committed.

A place that cannot be written is a note: the vault opens, less well guarded. An anchor
that is there and says no, or says nothing sensible, is an error.
"""

from __future__ import annotations

import os
from time import monotonic

from strongroom.errors import FormatUnsupported, NotFound, RolledBack, StrongroomError, Tampered
from strongroom.locate.anchor_record import LENGTH_MAX, AnchorRecord, decode, encode
from strongroom.locate.state_directory import Mutex, is_foreign, make_directory, state_directory
from strongroom.stores import durable, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.vault.vault import Vault

    Tell = Callable[[str], None]
    Change = Callable[[AnchorRecord], AnchorRecord]

_EVERY_SECONDS = 1.0
_WHAT = "anchor"
_COMPLAINT = "an older copy of this vault would not be noticed, because no anchor can be kept: "


class FileAnchor:
    """The anchor of one vault, in one file. Implements `vault.anchoring.Anchor`.

    Args:
        directory: from `state_directory`; made when something is written first.
        vault_id: 16 bytes.
        lineage: 16 bytes; what the counters that come in count in.
        tell: receives one line when the anchor cannot be kept; called once.
    """

    def __init__(self, directory: str, vault_id: bytes, lineage: bytes, *, tell: Tell) -> None:
        self.path = os.path.join(directory, f"{vault_id.hex()}.anchor")
        self._vault_id = vault_id
        self._lineage = lineage
        self._tell = tell
        self._has_told = False
        self._written = 0
        self._written_at = monotonic()

    def read(self) -> AnchorRecord | None:
        """What the file says; None when there is none.

        Raises:
            Tampered: it is damaged, or about another vault.
            UnsafePermissions: somebody else could change it.
            FormatUnsupported: a newer program wrote it.
            StoreUnavailable: it cannot be read.
        """
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
                advice=error.advice or f"begin anew: rm {quote(self.path)}\n"
                "and see that the vault has come as far as you know: strongroom verify --expect-counter N",
            ) from None

    def compare(self, vault: Vault, expect_counter: int | None) -> None:
        """Refuse a vault that is older than the file says; remember one that is newer.

        Args:
            vault: just opened.
            expect_counter: as in `guard`.

        Raises:
            RolledBack: it is older, or of another lineage.
            Tampered, FormatUnsupported, UnsafePermissions, StoreUnavailable: as `read`.
        """
        # In this order: another program may commit and write the anchor between the two.
        record = self.read()
        counter = vault.commit_counter
        expect(vault.location, counter, expect_counter)
        if record is not None:
            record.check(vault.location, self._lineage, counter)
            self._written = record.counter
        self.settle(counter)

    def advance(self, counter: int) -> None:
        """See `vault.anchoring.Anchor.advance`: at most one write a second."""
        if monotonic() - self._written_at >= _EVERY_SECONDS:
            self.settle(counter)

    def settle(self, counter: int) -> None:
        """See `vault.anchoring.Anchor.settle`."""
        if counter > self._written:
            self._keep(lambda record: record.advanced(self._lineage, counter), counter)

    def backed_up(self, counter: int, now_us: int) -> None:
        """See `vault.anchoring.Anchor.backed_up`."""

        def change(record: AnchorRecord) -> AnchorRecord:
            record = record.advanced(self._lineage, counter)
            backup = (now_us, counter)
            return AnchorRecord(record.vault_id, record.lineage, record.counter, left=record.left, backup=backup)

        self._keep(change, counter)

    def accept(self, counter: int) -> None:
        """Believe this lineage from now on, whatever was known before."""
        self._keep(lambda record: record.moved(self._lineage, counter), counter)

    def _keep(self, change: Change, counter: int) -> None:
        try:
            self.write(change, counter)
        except StrongroomError as error:
            self._complain(error.message)
        except OSError as error:
            self._complain((error.strerror or "unknown error").lower())
        except ImportError as error:
            # A module that is loaded late, where no file can be opened any more.
            self._complain(f"Python's {error.name} cannot be loaded")

    def _complain(self, reason: str) -> None:
        """Tell, once, that nothing remembers this vault's newest state."""
        if not self._has_told:
            self._has_told = True
            self._tell(_COMPLAINT + reason)

    def write(self, change: Change, counter: int) -> None:
        """Change the file under a mutex, so that two programs never take it back.

        Args:
            change: from what is there now to what shall be there.
            counter: what a file that is not there yet begins with.

        Raises: StrongroomError, OSError: it was not written.
        """
        directory = durable.parent(self.path)
        make_directory(directory)
        with Mutex(os.path.join(directory, "lock")):
            there = self.read()
            record = change(there or AnchorRecord(self._vault_id, self._lineage, counter))
            if there is None or encode(record) != encode(there):
                files.replace_private(self.path, encode(record))
        self._written = max(self._written, counter)
        self._written_at = monotonic()


def anchor_of(vault: Vault, *, tell: Tell | None = None) -> FileAnchor | None:
    """The anchor for *vault*; None, with a note, where this user has no place for one.

    Args:
        tell: receives the note, and later ones; None for the vault's own.
    """
    tell = tell or vault.notes.append
    try:
        directory = state_directory()
    except NotFound as error:
        tell(_COMPLAINT + error.message)
        return None
    if is_foreign(directory):
        tell(f"{_COMPLAINT}{directory} is another user's")
        return None
    return FileAnchor(directory, vault.vault_id, vault.lineage, tell=tell)


def guard(vault: Vault, *, expect_counter: int | None = None, tell: Tell | None = None) -> None:
    """Compare a vault that was just opened with what is known of it, and remember it from now on.

    Args:
        expect_counter: the commit counter that it must have reached; None for no such demand.
        tell: receives a line when no anchor can be kept; None for the vault's notes.

    Raises:
        RolledBack: it is older than what this machine has seen, or than *expect_counter*, or of another lineage.
        Tampered, FormatUnsupported, UnsafePermissions, StoreUnavailable: about the anchor itself.
    """
    anchor = anchor_of(vault, tell=tell)
    if anchor is None:
        expect(vault.location, vault.commit_counter, expect_counter)
    else:
        anchor.compare(vault, expect_counter)
    vault.anchor = anchor


def remember_new(vault: Vault, *, tell: Tell | None = None) -> None:
    """Begin the anchor of a vault that was just made; that it cannot be written is a note and no error.

    Args:
        tell: receives the note; None for the vault's own.
    """
    vault.anchor = anchor = anchor_of(vault, tell=tell)
    if anchor is not None:
        anchor.settle(vault.commit_counter)


def expect(location: str, counter: int, least: int | None) -> None:
    """Refuse a vault that has not come as far as somebody knows it has.

    Raises: RolledBack: *counter* is less than *least*.
    """
    if least is not None and counter < least:
        raise RolledBack(
            f"{location} is at commit {counter}, and commit {least} was expected",
            advice="it is an older copy: find the newest one",
        )
