"""A child whose output passes through a mask: its signals, its exit status and every other byte stay its own.

Only an output that is no terminal is masked. A program that writes to a terminal keeps it, and a
person who looks at it may see what the program shows them.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from time import monotonic

from strongroom.doors.cli.executing import execute
from strongroom.doors.cli.output import is_terminal
from strongroom.formats.masking import Mask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_OUTPUTS = (1, 2)
_READ_BYTES = 64 * 1024
_IDLE_SECONDS = 0.2
_PATIENCE_SECONDS = 5.0
_FORWARDED = frozenset(
    getattr(signal, name)
    for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGWINCH")
    if hasattr(signal, name)
)
# What a key on the terminal sends, it sends to the child as well.
_OF_KEYS = frozenset(getattr(signal, name, signal.SIGINT) for name in ("SIGINT", "SIGQUIT", "SIGWINCH"))


def masked_outputs() -> list[int]:
    """The outputs that go through a mask."""
    return [output for output in _OUTPUTS if not is_terminal(output)]


def supervise(
    command: Sequence[str], environment: Callable[[int], Mapping[bytes, bytes]], values: Sequence[bytes]
) -> tuple[int, int]:
    """Run *command*, and take *values* out of what it writes.

    Args:
        environment: gives the child's, for its process id.
        values: as `Mask` takes them.

    Returns: its exit status as `os.waitstatus_to_exitcode` gives it (minus the signal that ended it); and the
        number of the error if it could not be started, else 0.
    """
    streams = _Streams(masked_outputs(), values)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _FORWARDED)
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        _become(command, environment, streams, before, writes)
    os.close(writes)
    _leave_no_core()
    streams.close_ends_of_child()
    forwarding = _Forwarding(child)
    try:
        refused = os.read(reads, 4)
        os.close(reads)
        if not refused:
            streams.copy_while(child)
        _wait_for_end(child)
    finally:
        forwarding.end()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, int.from_bytes(refused, "big")


def _become(
    command: Sequence[str],
    environment: Callable[[int], Mapping[bytes, bytes]],
    streams: _Streams,
    mask: set[int | signal.Signals],
    writes: int,
) -> None:
    """In the child; never returns."""
    number = 1
    try:
        streams.take_as_child()
        made = environment(os.getpid())
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        number = execute(command, made).errno or 1
    finally:
        # Also for an exception: two processes must never go on as one program.
        os.write(writes, number.to_bytes(4, "big"))
        os._exit(1)


def _leave_no_core() -> None:
    """This process holds the values, and ends by the signal that ended the child."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _wait_for_end(child: int) -> None:
    """Wait without taking its status, so that nobody else can get its number while signals go to it."""
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)


class _Stream:
    """One output of the child: what it writes to, what we read from, where it goes."""

    def __init__(self, outputs: list[int], values: Sequence[bytes]) -> None:
        self.outputs = outputs
        self.mask = Mask(values)
        self.reads, self.writes = os.pipe()

    def copy(self) -> bool:
        """Copy what there is; False at the end, and when nobody can take it any more."""
        data = os.read(self.reads, _READ_BYTES)
        if not data:
            self._write(self.mask.finish())
            return False
        return self._write(self.mask.feed(data))

    def _write(self, data: bytes) -> bool:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self.outputs[0], view) :]
            except BlockingIOError:
                select.select([], [self.outputs[0]], [])
            except OSError:
                # The reader is gone or the disk is full: the child learns it as it would without us.
                return False
        return True


class _Streams:
    """The masked outputs of one child; two that are the same file stay one, so that lines keep their order."""

    def __init__(self, outputs: list[int], values: Sequence[bytes]) -> None:
        same = len(outputs) == 2 and os.path.samestat(os.fstat(outputs[0]), os.fstat(outputs[1]))
        self._streams = [_Stream(part, values) for part in ([outputs] if same else [[one] for one in outputs])]

    def take_as_child(self) -> None:
        """Make the pipes this process's outputs."""
        for stream in self._streams:
            for output in stream.outputs:
                os.dup2(stream.writes, output)

    def close_ends_of_child(self) -> None:
        """Keep only what is read from."""
        for stream in self._streams:
            os.close(stream.writes)

    def copy_while(self, child: int) -> None:
        """Copy until every output is at its end; what outlives the child is left to a process in the background."""
        self._copy(os.pidfd_open(child) if hasattr(os, "pidfd_open") else -1)
        if self._streams and not os.fork():
            # Something that the child has started still holds the pipes. Whoever waits for the child shall not wait.
            try:
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
                self._copy(-1)
            finally:
                os._exit(0)

    def _copy(self, ended: int) -> None:
        """Copy until every output is at its end, or the child has ended and nothing comes for a moment.

        Args:
            ended: a descriptor that becomes readable then; -1: do not look.
        """
        poll = select.poll()
        for descriptor in (*(stream.reads for stream in self._streams), *((ended,) if ended >= 0 else ())):
            poll.register(descriptor, select.POLLIN)
        deadline: float | None = None
        while self._streams:
            ready = {descriptor for descriptor, _ in poll.poll(None if deadline is None else _IDLE_SECONDS * 1000)}
            if ended in ready:
                poll.unregister(ended)
                deadline = monotonic() + _PATIENCE_SECONDS
            if deadline is not None and (not ready or monotonic() > deadline):
                return
            for stream in [one for one in self._streams if one.reads in ready]:
                if not stream.copy():
                    poll.unregister(stream.reads)
                    os.close(stream.reads)
                    self._streams.remove(stream)


class _Forwarding:
    """Hands the signals that come to this process to the child, in a thread of its own, until `end`.

    Args:
        child: not waited for before `end` was called, so that its number is still its own.
    """

    def __init__(self, child: int) -> None:
        self._child = child
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="signals", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            came = signal.sigwaitinfo(_FORWARDED)
            if self._is_over:
                return
            # A positive code is the kernel's: a key was pressed, and the child has the signal already.
            if came.si_signo not in _OF_KEYS or came.si_code <= 0:
                os.kill(self._child, came.si_signo)

    def end(self) -> None:
        """Stop it."""
        self._is_over = True
        signal.pthread_kill(self._thread.ident or 0, signal.SIGTERM)
        self._thread.join()
