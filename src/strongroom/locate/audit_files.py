"""The agent's audit files on disk: found beside the vault, appended to, rotated, read.

A line is in the file, by one write(2), before the answer that it is about is given: it survives
the end of the agent by any signal. It is on the disk at most a second later, which is what a
power cut can take. What a line says is `vault.audit_file`'s business.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading

from strongroom.crypto.entropy import random_bytes
from strongroom.errors import StoreUnavailable, StrongroomError, Tampered, UnsafePermissions
from strongroom.locate.addresses import is_path
from strongroom.stores import durable, files
from strongroom.vault.audit_file import (
    FIRST_LINK,
    LINE_BYTES_MAX,
    WRITER_BYTES,
    AuditKeys,
    Chain,
    parse_line,
    split_line,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from strongroom.vault.core import Core
    from strongroom.vault.policy import Principal

FILE_BYTES_MAX = 32 * 1024 * 1024
SYNC_SECONDS = 1.0
_SUFFIX = ".log"
_NUMBER_DIGITS = 6
_TAIL_BYTES = 2 * (LINE_BYTES_MAX + 1)
_READ_BYTES = 1024 * 1024


def audit_directory(location: str, vault_id: bytes) -> str:
    """Where the audit files of the vault at *location* lie.

    Args:
        location: from `find_location`.
        vault_id: names the directory of a vault that is no file.
    """
    if is_path(location):
        return os.path.realpath(location) + ".audit"
    from strongroom.locate.state_directory import state_directory

    return os.path.join(state_directory(), "audit", vault_id.hex())


class AuditFile:
    """Appends to one writer's files. Implements `service.interface.AuditSink`.

    Args:
        directory: made with mode 0700 if it is absent.
        core: of the open vault.

    Attributes:
        notes: what is wrong with files of before, for a person; one line each.

    Raises: UnsafePermissions, StoreUnavailable: about the directory.
    """

    def __init__(self, directory: str, core: Core, *, file_bytes_max: int = FILE_BYTES_MAX) -> None:
        self.directory = directory
        self.notes: list[str] = []
        self._keys = AuditKeys(core)
        self._file_bytes_max = file_bytes_max
        self._mutex = threading.Lock()
        self._broken = ""
        _make_directory(directory)
        self._descriptor = -1
        self._chain = Chain(self._keys)
        self._continue_or_begin()
        self._dirty = threading.Event()
        self._ends = threading.Event()
        self._syncer = threading.Thread(target=self._sync_for_ever, name="audit-sync", daemon=True)
        self._syncer.start()

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
        """Write one line; see `service.interface.AuditSink.record`.

        Raises: StoreUnavailable: it could not be written, now or before; nothing may be answered.
        """
        with self._mutex:
            if self._broken:
                raise StoreUnavailable(f"the audit file cannot be written: {self._broken}")
            line = self._chain.line(principal, operation, path, fields, outcome, request_id, now_us)
            self._append(line)
            if self._size > self._file_bytes_max:
                self._rotate()
        self._dirty.set()

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
            if self._descriptor >= 0:
                os.fdatasync(self._descriptor)
                os.close(self._descriptor)
                self._descriptor = -1
            self._broken = "the agent has closed it"

    def _append(self, line: bytes) -> None:
        try:
            written = os.write(self._descriptor, line)
            if written != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            # The chain has gone on without the file: from here on nothing is answered.
            self._broken = (error.strerror or "").lower()
            raise StoreUnavailable(f"the audit file cannot be written: {self._broken}") from None
        self._size += len(line)

    def _rotate(self) -> None:
        try:
            os.fdatasync(self._descriptor)
            os.close(self._descriptor)
            self._begin(self._number + 1)
        except (OSError, StrongroomError) as error:
            self._broken = getattr(error, "strerror", None) or str(error)
            raise StoreUnavailable(f"the audit file cannot be rotated: {self._broken}") from None

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
                self._broken = (error.strerror or "").lower()
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
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                cut = self._take_up(descriptor, path)
            except (OSError, StrongroomError) as error:
                os.close(descriptor)
                if isinstance(error, StrongroomError):
                    self.notes.append(f"{path}: {error.message}; the audit goes on in a new file")
                continue
            self._writer, self._number, self._descriptor = writer, numbers[-1], descriptor
            self._size = os.fstat(descriptor).st_size
            if cut or self._size > self._file_bytes_max:
                self._begin(self._number + 1, cut=cut)
                os.close(descriptor)
            return
        self._writer = random_bytes(WRITER_BYTES).hex()
        self._chain = Chain(self._keys)
        self._begin(1)

    def _take_up(self, descriptor: int, path: str) -> int:
        """Set the chain to the end of a file whose last lines hold; how many bytes are cut off behind it."""
        size = os.fstat(descriptor).st_size
        start = max(0, size - _TAIL_BYTES)
        *lines, cut = os.pread(descriptor, _TAIL_BYTES, start).split(b"\n")
        if start:
            lines = lines[1:]  # begins somewhere inside a line
        if not lines:
            raise Tampered("it holds no whole line")
        last = parse_line(lines[-1])
        number = last["n"]
        if not isinstance(number, int):
            raise Tampered("a line of the audit file is malformed")
        if "strongroom-audit" in last and len(lines) == 1:
            previous = _hex_link(last.get("previous"))
        else:
            previous = split_line(lines[-2])[1] if len(lines) > 1 else FIRST_LINK
        chain = Chain(self._keys, number - 1, previous)
        chain.follow(lines[-1])
        self._chain = chain
        return len(cut)

    def _begin(self, number: int, *, cut: int = 0) -> None:
        path = file_path(self.directory, self._writer, number)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._descriptor = os.open(path, flags, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise durable.os_error(error, path, "audit file") from None
        self._number = number
        self._size = 0
        self._append(self._chain.begin_file(self._writer, number, cut=cut))
        os.fdatasync(self._descriptor)
        durable.sync_dir(self.directory)


def file_path(directory: str, writer: str, number: int) -> str:
    """The path of one file of a writer."""
    return os.path.join(directory, f"{writer}-{number:0{_NUMBER_DIGITS}}{_SUFFIX}")


def list_writers(directory: str) -> dict[str, list[int]]:
    """The writers there are, and the numbers of their files, ascending; none where there is no directory.

    Raises: UnsafePermissions: the directory is open to others.
    """
    if not os.path.lexists(directory):
        return {}
    files.check_private_dir(directory)
    found: dict[str, list[int]] = {}
    for name in sorted(os.listdir(directory)):
        writer, dash, number = name.removesuffix(_SUFFIX).partition("-")
        is_one = name.endswith(_SUFFIX) and dash and len(writer) == 2 * WRITER_BYTES
        if is_one and number.isascii() and number.isdigit() and len(number) >= _NUMBER_DIGITS:
            found.setdefault(writer, []).append(int(number))
    return {writer: sorted(numbers) for writer, numbers in found.items()}


def read_lines(path: str) -> Iterator[tuple[bytes, bool]]:
    """The lines of one file without their newlines, and whether there was one.

    Raises:
        UnsafePermissions, NotFound, StoreUnavailable: about the file.
        Tampered: a line is too long.
    """
    files.check_private_file(path, "audit file")
    try:
        with open(path, "rb", buffering=_READ_BYTES, opener=_open_unfollowed) as file:
            while line := file.readline(LINE_BYTES_MAX + 1):
                if len(line) > LINE_BYTES_MAX:
                    raise Tampered("a line of the audit file is too long")
                yield line.removesuffix(b"\n"), line.endswith(b"\n")
    except OSError as error:
        raise durable.os_error(error, path, "audit file") from None


def _open_unfollowed(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)


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


def _hex_link(text: object) -> bytes:
    try:
        link = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        link = b""
    if len(link) != len(FIRST_LINK):
        raise Tampered("a line of the audit file is malformed")
    return link
