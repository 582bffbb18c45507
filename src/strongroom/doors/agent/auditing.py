"""The agent's own hand on the audit file: what is written down, what is only counted, and how a file ends."""

from __future__ import annotations

import os

from strongroom.doors.agent.clocks import Dates, seconds
from strongroom.doors.agent.refusals import Refusals
from strongroom.errors import StrongroomError, VaultLocked
from strongroom.vault.policy import Principal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.locate.audit_writing import AuditFile
    from strongroom.service.interface import AuditEntry

_OTHERS = 65_534  # nobody in particular


class Auditing:
    """Writes what the service answers into the open vault's audit file. Implements `service.interface.AuditSink`.

    Args:
        owner_uid: whose requests are all written down; so are all that succeed.

    Attributes:
        note: what went wrong at the end of the last file; empty when nothing did.
    """

    def __init__(self, dates: Dates, *, owner_uid: int) -> None:
        self.note = ""
        self._dates = dates
        self._owner_uid = owner_uid
        self._file: AuditFile | None = None
        self._refusals = Refusals(seconds())

    def use(self, file: AuditFile) -> None:
        """Write into *file* from now on."""
        self._file = file
        self.note = ""

    def record_all(self, entries: Sequence[AuditEntry]) -> None:
        """Write a line for each; see `service.interface.AuditSink.record_all`.

        Raises:
            VaultLocked: there is no open vault.
            StoreUnavailable: they cannot be written.
        """
        if self._file is None:
            raise VaultLocked("the vault is locked", advice="unlock it: strongroom unlock")
        for entry in entries:
            if entry[4] != "ok" and entry[0].uid != self._owner_uid:
                entries = self._admitted(entries)
                break
        if entries:
            self._file.record_all(entries)

    def _admitted(self, entries: Sequence[AuditEntry]) -> list[AuditEntry]:
        now = seconds()
        admits, owner = self._refusals.admits, self._owner_uid
        return [one for one in entries if one[4] == "ok" or one[0].uid == owner or admits(one[0].uid, now)]

    def tick(self) -> None:
        """Tell of what was only counted, once a minute. Called about once a second."""
        now = seconds()
        if self._file is not None and self._refusals.is_due(now):
            try:
                self._tell(self._file)
            except StrongroomError as error:
                self.note = error.message

    def _tell(self, file: AuditFile) -> None:
        date = self._dates.now_us()
        counts = self._refusals.take_counts(seconds())
        if not counts:
            return
        try:
            file.record_all([_counted(uid, count, date) for uid, count in counts])
        except BaseException:
            self._refusals.put_back(counts)
            raise

    def end(self, reason: str) -> None:
        """The last line, for which the chain's key is still there; a full disk must not keep the rest from ending.

        Args:
            reason: why the vault is locked.
        """
        file, self._file = self._file, None
        if file is None:
            return
        try:
            self._tell(file)
            file.record(own_principal(), "lock", "", (), reason, "", self._dates.now_us())
        except StrongroomError as error:
            self.note = error.message
        self.let_go(file)

    def let_go(self, file: AuditFile) -> None:
        """Close *file*, so that the next one may go on with it."""
        try:
            file.close()
        except OSError as error:
            self.note = f"the audit file was not written to the end: {(error.strerror or '').lower()}"

    @property
    def notes(self) -> list[str]:
        """What a person should know, one line each."""
        trouble = "" if self._file is None else self._file.trouble
        return [line for line in (self.note, trouble and f"the audit file: {trouble}") if line]


def own_principal() -> Principal:
    """The agent itself."""
    return Principal(os.getuid(), os.getgid(), pid=os.getpid())


def _counted(uid: int, count: int, now_us: int) -> AuditEntry:
    who = Principal(_OTHERS if uid < 0 else uid, _OTHERS)
    return who, "refused", "", (), f"{count} more refused requests, not written down one by one", "", now_us
