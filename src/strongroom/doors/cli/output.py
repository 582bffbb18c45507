"""Everything the command line writes goes through here.

Standard output carries what was asked for and nothing else; notes, hints and errors go
to standard error. A terminal never receives a control character that came from a vault,
a file or an argument: it is shown as an escape. There is no colour to switch off.
"""

from __future__ import annotations

import os

from strongroom.errors import StoreUnavailable, StrongroomError, Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_STDOUT = 1
_STDERR = 2
# Bidirectional overrides, line and paragraph separators: they make text read as something else.
_MISLEADING = frozenset(
    "\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
)


class ClosedOutput(Exception):
    """Whoever read standard output went away, as ``| head`` does."""


def is_terminal(descriptor: int = _STDOUT) -> bool:
    """Whether *descriptor* is a terminal; a closed one is not."""
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def is_control(character: str) -> bool:
    """Whether a terminal would act on *character* instead of showing it."""
    code = ord(character)
    return code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 or character in _MISLEADING


def escape(text: str, *, keep: str = "") -> str:
    """*text* with every control character but those of *keep* as ``\\xNN`` or ``\\uNNNN``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(one) if is_control(one) and one not in keep else one for one in text)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def value(data: bytes | bytearray | memoryview) -> None:
    """Write one value: exactly its bytes, or made harmless and with a newline for a terminal."""
    if not is_terminal():
        _write(_STDOUT, data)
        return
    text = str(data, "utf-8", "surrogateescape")
    # A byte that is not UTF-8 stands as a lone surrogate U+DC80..DCFF: shown as that byte.
    shown = "".join(
        f"\\x{ord(c) - 0xDC00:02x}" if 0xDC80 <= ord(c) <= 0xDCFF else escape(c, keep="\n\t") for c in text
    )
    _write(_STDOUT, (shown if shown.endswith("\n") else shown + "\n").encode("utf-8"))
    if shown != text:
        note("control characters are shown escaped; a pipe or a file receives the exact bytes")


def line(text: str) -> None:
    """One line on standard output."""
    _write(_STDOUT, (escape(text) + "\n").encode("utf-8", "backslashreplace"))


def text(several_lines: str) -> None:
    """A text of this program's own, such as a help page, as it stands."""
    _write(_STDOUT, several_lines.encode("utf-8"))


def lines(texts: Iterable[str]) -> None:
    """Lines on standard output, in one write."""
    _write(_STDOUT, "".join(escape(text) + "\n" for text in texts).encode("utf-8", "backslashreplace"))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table in columns, with its header only for a terminal, so that scripts see rows alone."""
    cells = [[escape(cell) for cell in row] for row in rows]
    if is_terminal():
        cells.insert(0, list(header))
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))] if cells else []
    lines("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)


def json(content: object) -> None:
    """*content* as JSON in plain ASCII: one line in a pipe, indented on a terminal."""
    from json import dumps

    text = dumps(content, ensure_ascii=True, allow_nan=False, indent=2 if is_terminal() else None)
    _write(_STDOUT, (text + "\n").encode("ascii"))


def note(text: str) -> None:
    """A remark on standard error."""
    complain(f"strongroom: {escape(text)}\n")


def hint(text: str) -> None:
    """The next step on standard error; each line of *text* is one."""
    for one in text.splitlines():
        complain(f"hint: {escape(one)}\n")


def error(problem: StrongroomError) -> None:
    """An error, what was found, and the next steps."""
    note(problem.message)
    if isinstance(problem, Tampered):
        for finding in problem.findings:
            complain(f"  {escape(finding)}\n")
    # The rooms that meet a changed byte know neither items nor commands.
    hint(problem.advice or ("see what happened: strongroom verify" if isinstance(problem, Tampered) else ""))


def transient(text: str) -> None:
    """One line on the terminal behind standard error that the next one writes over; empty: none."""
    complain(f"\r\x1b[K{escape(text)}")


def complain(several_lines: str) -> None:
    """A text of this program's own on standard error, as it stands."""
    try:
        _write(_STDERR, several_lines.encode("utf-8", "backslashreplace"))
    except (ClosedOutput, StoreUnavailable):
        # Nobody listens to standard error; the exit code still says it.
        return


def _write(descriptor: int, data: bytes | bytearray | memoryview) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BrokenPipeError:
            raise ClosedOutput from None
        except BlockingIOError:
            # Another program left the shared terminal or pipe in non-blocking mode.
            _wait_until_writable(descriptor)
        except OSError as problem:
            raise StoreUnavailable(f"cannot write to standard output: {(problem.strerror or '').lower()}") from None


def _wait_until_writable(descriptor: int) -> None:
    import select

    select.select([], [descriptor], [])
