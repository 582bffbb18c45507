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
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

_STDOUT = 1
_STDERR = 2
_BETWEEN = "  "
_MORE = "    "
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


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, none: str = "") -> None:
    """A table in columns, with its header only for a terminal, so that scripts see rows alone.

    On a terminal that is too narrow the last columns stand on a line of their own, indented.

    Args:
        none: what a person is told in place of a header with nothing below it.
    """
    cells = [[escape(cell) for cell in row] for row in rows]
    if none and not cells:
        if is_terminal():
            note(none)
        return
    columns = None
    if is_terminal():
        cells.insert(0, list(header))
        columns = _terminal_width()
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))] if cells else []
    for_one_line = _columns_that_fit(widths, columns)
    lines(
        ("" if part is for_one_line[0] else _MORE) + _BETWEEN.join(row[at].ljust(widths[at]) for at in part).rstrip()
        for row in cells
        for part in for_one_line
    )


def _columns_that_fit(widths: Sequence[int], width: int | None) -> list[list[int]]:
    """The columns by the lines on which they stand: a terminal would break a line that is too long anywhere."""
    parts: list[list[int]] = [[]]
    used = 0
    for column, needed in enumerate(widths):
        if width is not None and parts[-1] and used + needed > width:
            parts.append([])
            used = len(_MORE)
        parts[-1].append(column)
        used += needed + len(_BETWEEN)
    return parts


def _terminal_width() -> int | None:
    """How many characters a line holds; None if the terminal does not say, as when it has no window."""
    try:
        return os.get_terminal_size(_STDOUT).columns or None
    except OSError:
        return None


def pairs(settings: Mapping[str, object]) -> None:
    """Names and what they are set to, one a line, the settings below each other."""
    width = max(map(len, settings), default=0) + 2
    lines(f"{name.replace('_', ' ') + ':':<{width}}{setting}" for name, setting in settings.items())


def moment(time: datetime | None) -> str:
    """*time* for a person, to the second: in JSON it is ISO 8601."""
    return "never" if time is None else f"{time:%Y-%m-%d %H:%M:%S} UTC"


def counted(number: int, noun: str) -> str:
    """*number* with *noun* as it goes with it: ``1 value``, ``10,000 values``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def sized(count: int) -> str:
    """*count* bytes in the unit that suits a person: ``19 bytes``, ``4.2 kB``, ``1,200.0 MB``."""
    if count < 1_000:
        return counted(count, "byte")
    return f"{count / 1_000:,.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:,.1f} MB"


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
