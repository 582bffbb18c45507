"""What ``encrypt``, ``decrypt``, ``sign`` and ``check`` share: where bytes come from and go to, how far they are."""

from __future__ import annotations

import os
import signal
from time import monotonic

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import EndedBySignal, UsageError
from strongroom.doors.cli.progress import Progress
from strongroom.errors import NotFound, Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Self

    from strongroom.credentials.stream_files import InputFile, NewFile

STANDARD = "-"
_STDIN = 0
_SHOWN_BYTES_MAX = 1_048_576
_BEFORE_SECONDS = 0.3
_LIKENESS = 0.7


def open_source(path: str) -> InputFile:
    """The file at *path*, or standard input for ``-``.

    Raises:
        UsageError: somebody would have to type it.
        NotFound, StoreUnavailable: as `InputFile`.
    """
    from strongroom.credentials.stream_files import InputFile

    if path != STANDARD:
        try:
            return InputFile(path)
        except NotFound as error:
            error.advice = error.advice or near_file(path)
            raise
    if output.is_terminal(_STDIN):
        raise UsageError("name a file, or put something into standard input")
    return InputFile("standard input", descriptor=_STDIN)


class StandardOutput:
    """Standard output as a place to write a stream to; a terminal is shown nothing before all of it is there."""

    __slots__ = ("_held", "_is_terminal", "written")

    is_whole = False

    def __init__(self) -> None:
        self._is_terminal = output.is_terminal()
        self._held = bytearray()
        self.written = 0

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        """Write all of *data*.

        Raises: UsageError: it is more than a terminal should be shown.
        """
        if not self._is_terminal:
            output.value(data)
            self.written += len(data)
        elif len(self._held) + len(data) > _SHOWN_BYTES_MAX:
            raise UsageError("this is too long for a terminal", advice="write it to a file: --output FILE")
        else:
            self._held += data
        return len(data)

    def publish(self) -> None:
        """Show what was held back."""
        if self._held:
            output.value(self._held)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        from strongroom.secret import wipe

        wipe(self._held)


def open_target(path: str, *, is_secret: bool, replace: bool) -> NewFile | StandardOutput:
    """Where to write: a new file, or standard output for ``-``.

    Args:
        is_secret: whether the file is for nobody else to read.
        replace: whether one that exists is replaced.

    Raises: UsageError: *path* is empty, as of a variable that is not set. Conflict, StoreUnavailable: as `NewFile`.
    """
    from strongroom.credentials.stream_files import SECRET_MODE, SHARED_MODE, NewFile

    if not path:
        raise UsageError("--output is empty", advice="--output FILE, or - for standard output")
    if path == STANDARD:
        return StandardOutput()
    return NewFile(path, mode=SECRET_MODE if is_secret else SHARED_MODE, replace=replace)


class Showing:
    """How far a command is in *source*: called with the number of bytes read.

    Nothing is shown where nobody can tell how much there is, nor of what takes no time.

    Args:
        what: such as ``"encrypted"``.
    """

    def __init__(self, what: str, source: InputFile) -> None:
        self._progress = Progress(what, shown=output.sized)
        self._total = source.size
        self._begin = monotonic() + _BEFORE_SECONDS

    def __call__(self, done: int) -> None:
        """Show it, ten times a second at most."""
        if self._total and monotonic() > self._begin:
            self._progress(done, self._total)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._progress.__exit__()


class Tidy:
    """A block that a signal ends in order, so that no unfinished file is left where it has to have a name."""

    # Windows has no SIGHUP.
    _SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))

    def __enter__(self) -> Self:
        for number in self._SIGNALS:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, self._end)
        return self

    def __exit__(self, *_exc: object) -> None:
        for number in self._SIGNALS:
            if signal.getsignal(number) == self._end:
                signal.signal(number, signal.SIG_DFL)

    def _end(self, number: int, _frame: FrameType | None) -> None:
        raise EndedBySignal(number)


def say_uncertain(written: int) -> None:
    """Say that what a pipe received is not known to be the whole, when there is any."""
    if written:
        output.note(f"{written} bytes were written; it is not known that they are all: do not use them")


class Damaged:
    """A block in which tampering is about a file, not about the vault: the next step is another one."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Tampered) and not error.advice:
            error.advice = "get the file again from where it came from"


def near_file(path: str) -> str:
    """A hint at the file beside *path* that was probably meant; empty when nothing is near."""
    from difflib import get_close_matches

    from strongroom.items import quoted

    directory, name = os.path.split(path)
    try:
        found = get_close_matches(name, os.listdir(directory or "."), 1, _LIKENESS)
    except OSError:
        return ""  # Whatever is the matter with the directory, the file is not there.
    return "".join(f"did you mean: {quoted(os.path.join(directory, one))}" for one in found)


def read_small(path: str, limit: int, what: str) -> bytes:
    """A file of others that is no secret, such as a signature or a list of keys.

    Raises:
        NotFound: there is none.
        UsageError: it cannot be read, or is longer than *limit*.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotFound(f"there is no {what} at {path}", advice=near_file(path)) from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {(error.strerror or '').lower()}") from None
    try:
        pieces, left = [], limit + 1
        while left and (piece := os.read(descriptor, left)):
            pieces.append(piece)
            left -= len(piece)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {(error.strerror or '').lower()}") from None
    finally:
        os.close(descriptor)
    if not left:
        raise UsageError(f"{path} is too long for a {what}")
    return b"".join(pieces)

