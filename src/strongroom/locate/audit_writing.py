"""The agent's audit files, appended to: before an answer is given, its line is there.

A line is in the file, by one write(2), before the answer that it is about is given: it survives
the end of the agent by any signal. It is on the disk at most a second later, which is what a
power cut can take. While nothing can be written nothing is answered; when it can be again,
the record goes on where it ended, and says so. Files are rotated by size and never removed here:
how long they are kept is a person's decision.
"""

from __future__ import annotations

import errno
import os
import threading
from time import monotonic

from strongroom.crypto.entropy import random_bytes
from strongroom.errors import StoreUnavailable, StrongroomError, UnsafePermissions
from strongroom.locate.audit_files import file_path, list_writers, read_end
from strongroom.locate.state_directory import lock_or_fail
from strongroom.stores import durable, files
from strongroom.vault.audit_file import WRITER_BYTES, AuditKeys, Chain
from strongroom.vault.policy import Principal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.service.interface import AuditEntry
    from strongroom.vault.core import Core

FILE_BYTES_MAX = 32 * 1024 * 1024
SYNC_SECONDS = 1.0
_RETRY_SECONDS = 1.0


class AuditFile:
    """Appends to one writer's files. Implements `service.interface.AuditSink`.

    Args:
        directory: made with mode 0700 if it is absent.
        core: of the open vault.

    Attributes:
        notes: what is wrong with files of before, for a person; one line each.
        trouble: why nothing can be written at the moment, or no new file begun; empty when nothing is wrong.

    Raises: UnsafePermissions, StoreUnavailable: about the directory.
    """

    def __init__(self, directory: str, core: Core, *, file_bytes_max: int = FILE_BYTES_MAX) -> None:
        self.directory = directory
        self.notes: list[str] = []
        self.trouble = ""
        self._keys = AuditKeys(core)
        self._file_bytes_max = file_bytes_max
        self._mutex = threading.Lock()
        self._is_closed = False
        # Behind the last whole line there may be a part of one, of which nobody was told.
        self._is_torn = False
        # The disk did not take what had been written: nobody knows how much of it is there.
        self._is_suspect = False
        self._retry_at = 0.0
        self._withheld = 0
        _make_directory(directory)
        self._descriptor = -1
        self._chain = Chain(self._keys)
        self._continue_or_begin()
        self._dirty = threading.Event()
        self._ends = threading.Event()
        self._syncer = threading.Thread(target=self._sync_for_ever, name="audit-sync", daemon=True)
        self._syncer.start()

    def record_all(self, entries: Sequence[AuditEntry]) -> None:
        """Write a line for each, by one write(2); see `service.interface.AuditSink.record_all`.

        Raises: StoreUnavailable: they could not be written; what they are about must not be answered.
        """
        with self._mutex:
            chain = self._chain
            before = chain.sequence, chain.link
            try:
                self._make_sure()
                # A file that was begun just now has a first line, which stays.
                before = chain.sequence, chain.link
                lines = [chain.line(*self._resumed(entries[0][-1]))] if self._withheld else []
                lines += [chain.line(*entry) for entry in entries]
                self._append(b"".join(lines))
            except BaseException:
                chain.sequence, chain.link = before
                self._withheld += len(entries)
                raise
            self._withheld = 0
            if self._size > self._file_bytes_max:
                self._rotate()
        if not self._dirty.is_set():
            self._dirty.set()

    def record(
        self,
        principal: Principal,
        operation: str,
        path: str,
        fields: Sequence[str],
        outcome: str,
        request_id: str,
        now_us: int,
    ) -> None:
        """Write one line.

        Raises: StoreUnavailable: as `record_all`.
        """
        self.record_all([(principal, operation, path, fields, outcome, request_id, now_us)])

    def position(self) -> tuple[str, int, bytes]:
        """The writer, and number and link of the newest line."""
        with self._mutex:
            return self._writer, self._chain.sequence, self._chain.link

    def close(self) -> None:
        """Write everything to the disk and let go of the file."""
        self._ends.set()
        self._dirty.set()
        self._syncer.join()
        with self._mutex:
            self._is_closed = True
            if self._descriptor >= 0:
                try:
                    os.fdatasync(self._descriptor)
                finally:
                    os.close(self._descriptor)
                    self._descriptor = -1

    def _resumed(self, now_us: int) -> AuditEntry:
        """What the record says of the time in which it could not be written."""
        own = Principal(os.getuid(), os.getgid(), pid=os.getpid())
        said = f"{self._withheld} entries before this one could not be written, and were not answered"
        return own, "audit", "", (), said, "", now_us

    def _make_sure(self) -> None:
        """Have a file that may be appended to.

        Raises: StoreUnavailable: there is none at the moment.
        """
        if self._is_closed:
            raise StoreUnavailable("the audit file cannot be written: the agent has closed it")
        try:
            if self._is_torn:
                os.ftruncate(self._descriptor, self._size)
                self._is_torn = False
            if self._is_suspect:
                if monotonic() < self._retry_at:
                    raise StoreUnavailable(self.trouble)
                self._retry_at = monotonic() + _RETRY_SECONDS
                self._begin(self._number + 1)
                self._is_suspect = False
        except (OSError, StrongroomError) as error:
            raise self._failed(error) from None

    def _append(self, lines: bytes) -> None:
        try:
            _write(self._descriptor, lines)
        except OSError as error:
            self._is_torn = True
            raise self._failed(error) from None
        self._size += len(lines)
        if self._withheld:
            self.trouble = ""

    def _failed(self, error: OSError | StrongroomError) -> StoreUnavailable:
        self.trouble = _reason(error)
        return StoreUnavailable(f"the audit file cannot be written: {self.trouble}")

    def _rotate(self) -> None:
        """Begin the next file; what was written stands, so where that fails this one goes on for a while."""
        if monotonic() < self._retry_at:
            return
        try:
            os.fdatasync(self._descriptor)
            self._begin(self._number + 1)
        except (OSError, StrongroomError) as error:
            self._retry_at = monotonic() + _RETRY_SECONDS
            self.trouble = f"no new audit file can be begun: {_reason(error)}"
            return
        self.trouble = ""

    def _sync_for_ever(self) -> None:
        while not self._ends.is_set():
            self._dirty.wait()
            self._ends.wait(SYNC_SECONDS)
            self._dirty.clear()
            with self._mutex:
                descriptor = os.dup(self._descriptor) if self._descriptor >= 0 else -1
            if descriptor < 0:
                return
            try:
                # Not under the mutex: requests go on meanwhile.
                os.fdatasync(descriptor)
            except OSError as error:
                self.trouble = _reason(error)
                # A second fdatasync would say that all is well. The next line begins a new file, whose
                # first one tells where this one ended: what is missing here is found by `audit verify`.
                self._is_suspect = True
            finally:
                os.close(descriptor)

    def _continue_or_begin(self) -> None:
        """Go on with the newest file of a writer that no other agent uses, or begin a new writer."""
        for writer, numbers in list_writers(self.directory).items():
            path = file_path(self.directory, writer, numbers[-1])
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
            except OSError as error:
                self.notes.append(f"{path}: {(error.strerror or '').lower()}; the audit goes on in a new file")
                continue
            try:
                files.check_private_status(os.fstat(descriptor), path, "audit file")
                lock_or_fail(descriptor)
                self._chain, cut = read_end(descriptor, self._keys)
            except (OSError, StrongroomError) as error:
                os.close(descriptor)
                if isinstance(error, StrongroomError):
                    self.notes.append(f"{path}: {error.message}; the audit goes on in a new file")
                continue
            self._writer, self._number, self._descriptor = writer, numbers[-1], descriptor
            self._size = os.fstat(descriptor).st_size
            if cut or self._size > self._file_bytes_max:
                self._begin(self._number + 1, cut=cut)
            return
        self._writer = random_bytes(WRITER_BYTES).hex()
        self._chain = Chain(self._keys)
        self._begin(1)

    def _begin(self, number: int, *, cut: int = 0) -> None:
        """Go on in a new file; where that fails everything stays as it was.

        Raises: OSError, StoreUnavailable.
        """
        chain = self._chain
        before = chain.sequence, chain.link
        path = file_path(self.directory, self._writer, number)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(path, flags, 0o600)
        except OSError as error:
            raise durable.os_error(error, path, "audit file") from None
        try:
            lock_or_fail(descriptor)
            line = chain.begin_file(self._writer, number, cut=cut)
            _write(descriptor, line)
            os.fdatasync(descriptor)
            durable.sync_dir(self.directory)
        except BaseException:
            chain.sequence, chain.link = before
            os.close(descriptor)
            os.unlink(path)
            raise
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._number, self._size = descriptor, number, len(line)
        self._is_torn = False


def _write(descriptor: int, lines: bytes) -> None:
    if os.write(descriptor, lines) != len(lines):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _reason(error: OSError | StrongroomError) -> str:
    return (error.strerror or "").lower() if isinstance(error, OSError) else error.message


def _make_directory(directory: str) -> None:
    try:
        os.mkdir(directory, 0o700)
    except FileExistsError:
        pass
    except FileNotFoundError:
        from strongroom.locate.state_directory import make_directory

        make_directory(directory)
    except OSError as error:
        raise durable.os_error(error, directory) from None
    files.check_private_dir(directory)
    if os.stat(directory).st_mode & 0o077:
        raise UnsafePermissions(f"{directory} is open to other users", advice=f"chmod go= {directory}")
