"""An interrupt at every step of a call: what Python calls a step, one after the other, and each only once.

Python looks at signals when a function begins, when a call has come back, and when a loop goes round again.
`at_calls` raises at the first two, for functions written in C as well. `at_lines` raises before every line, which
is more often than a signal could, but does not come between two steps of one line.
"""

from __future__ import annotations

import dis
import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType

import strongroom

_HOUSE = str(Path(strongroom.__file__).parent)
_LOCKS = ("mutex", "_mutex")
_ENDS = ("SWAP", "LOAD_CONST")


KEPT: list[BaseException] = []
"""The last one, with its traceback and all the frames in it, as an interactive Python keeps it."""


class Interrupted(KeyboardInterrupt):
    """What Ctrl-C raises, told from a real one."""


def _ignore(_what: object) -> None:
    """What is raised in a destructor goes no further."""


def at_lines(number: int, act: Callable[[], object]) -> bool:
    """Whether *act* was interrupted, before the so manieth line of the house; False: it has fewer.

    Not where a ``with`` of a bare lock ends, or does nothing: the event of that line comes while the lock is held and
    no handler stands around it. No signal is ever looked at there.
    """
    count = 0

    def each_line(frame: FrameType, event: str, _arg: object) -> object:
        nonlocal count
        if event == "line" and count < number and not _ends_with_of_a_lock(frame):
            count += 1
            if count == number:
                raise Interrupted
        return each_line

    def each_call(frame: FrameType, _event: str, _arg: object) -> object:
        return each_line if frame.f_code.co_filename.startswith(_HOUSE) else None

    before = sys.gettrace()
    sys.settrace(each_call)  # type: ignore[arg-type]
    try:
        _interrupted(act)
    finally:
        sys.settrace(before)
    return count == number


def at_calls(number: int, act: Callable[[], object]) -> bool:
    """Whether *act* was interrupted, at the so manieth beginning or end of a call in the house; False: it has fewer."""
    count = 0

    def each_call(frame: FrameType, event: str, _arg: object) -> None:
        nonlocal count
        if event == "c_call" or count == number or not _is_in_house(frame, event):
            return
        count += 1
        if count == number:
            raise Interrupted

    before = sys.getprofile()
    sys.setprofile(each_call)
    try:
        _interrupted(act)
    finally:
        sys.setprofile(before)
    return count == number


def _interrupted(act: Callable[[], object]) -> None:
    hook, sys.unraisablehook = sys.unraisablehook, _ignore
    try:
        act()
    except Interrupted as error:
        KEPT[:] = [error]
    finally:
        sys.unraisablehook = hook


def _is_in_house(frame: FrameType, event: str) -> bool:
    if frame.f_code.co_filename.startswith(_HOUSE):
        return True
    # A call that comes back to the house from elsewhere.
    caller = frame.f_back
    return event == "return" and caller is not None and caller.f_code.co_filename.startswith(_HOUSE)


_ends: dict[CodeType, set[int]] = {}


def _ends_with_of_a_lock(frame: FrameType) -> bool:
    code = frame.f_code
    if code not in _ends:
        _ends[code] = _ends_of_locks(code)
    return frame.f_lasti in _ends[code]


def _ends_of_locks(code: CodeType) -> set[int]:
    """Where in *code* the end of a ``with x.mutex`` begins: on the line on which the mutex was read."""
    steps = list(dis.get_instructions(code))
    lines = {step.offset: line for step, line in zip(steps, _lines_of(steps), strict=True)}
    of_locks = {
        lines[step.offset]
        for step, following in itertools.pairwise(steps)
        if following.opname == "BEFORE_WITH" and step.argval in _LOCKS
    }
    return {
        step.offset
        for step in steps
        if of_locks and (step.opname == "NOP" or (lines[step.offset] in of_locks and step.opname in _ENDS))
    }


def _lines_of(steps: list[dis.Instruction]) -> list[int | None]:
    return [None if step.positions is None else step.positions.lineno for step in steps]
