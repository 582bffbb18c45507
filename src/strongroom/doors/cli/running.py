"""From an argument list to an exit code: finding the verb, and what each failure becomes."""

from __future__ import annotations

import gc
import os

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import (
    BROKEN_PIPE,
    INTERRUPTED,
    OK,
    SIGNALLED,
    UNEXPECTED,
    EndedBySignal,
    UsageError,
    exit_code,
)
from strongroom.errors import StoreUnavailable, StrongroomError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn


# A plain get makes 15,000 objects that the collector looks at; it begins after the first 50,000.
_OBJECTS_BEFORE_COLLECTING = 50_000


def run_and_leave(words: list[str]) -> NoReturn:
    """Run one command line and end the process with its code."""
    # Looking for cycles among modules that have just been loaded finds none, and took 1.7 ms of a 43 ms read.
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTING)
    _occupy_standard_descriptors()
    _leave(run(words))


def leave_interrupted() -> NoReturn:
    """End the process as Ctrl-C does."""
    _leave(INTERRUPTED)


def _leave(code: int) -> NoReturn:
    if code > SIGNALLED:
        _die_by_signal(code - SIGNALLED)
    _overwrite_freed_keys()
    # Everything was written with os.write and every vault is locked: what the interpreter would
    # still do is free memory, 3 ms of a 40 ms read.
    os._exit(code)


def _overwrite_freed_keys() -> None:
    """Once more than the vault did when it was locked: what was alive then is free now."""
    import sys

    mac = sys.modules.get("strongroom.crypto.mac")
    if mac is not None:
        mac.overwrite_freed_keys()


def write_and_leave(rest: memoryview) -> NoReturn:
    """Write what is left of a value, and end the process with the exit code of ``get``."""

    def write() -> int:
        output.value(rest)
        return OK

    _leave(_guarded(write))


def run(words: list[str]) -> int:
    """Run one command line.

    Args:
        words: the words after the program's name.

    Returns: the exit code; what went wrong has been said on standard error.
    """
    return _guarded(lambda: _dispatch(words))


def _guarded(act: Callable[[], int]) -> int:
    try:
        return act()
    except StrongroomError as error:
        output.error(error)
        return exit_code(error)
    except output.ClosedOutput:
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED
    except EndedBySignal as signalled:
        return SIGNALLED + signalled.number
    except Exception as error:
        if _is_out_of_descriptors(error):
            output.note("too many open files: the operating system gives this process no more")
            output.hint("raise the limit, then try again: ulimit -n 64")
            return exit_code(StoreUnavailable(""))
        _report_bug(error)
        return UNEXPECTED


def _is_out_of_descriptors(error: Exception) -> bool:
    """Whether a module that is loaded late could not be, for want of a descriptor."""
    from errno import EMFILE, ENFILE

    if isinstance(error, OSError):
        return error.errno in (EMFILE, ENFILE)
    # The loader of shared objects leaves nothing but its words.
    return isinstance(error, ImportError) and any(os.strerror(one) in str(error) for one in (EMFILE, ENFILE))


def _dispatch(words: list[str]) -> int:
    from strongroom.doors.cli.quick import read_get

    plain = read_get(words)
    if plain is not None:
        from strongroom.doors.cli.commands import get

        return get.run(plain)
    return _run_verb(words)


def _run_verb(words: list[str]) -> int:
    from strongroom.doors.cli.commands import VERBS, load

    verb, rest = find_verb(words)
    if verb == "--version":
        from strongroom import __version__

        output.line(f"strongroom {__version__}")
        return OK
    if verb in ("", "help", "-h", "--help"):
        from strongroom.doors.cli.help import show_help

        return show_help(rest, was_asked=bool(verb))
    if verb not in VERBS:
        from strongroom.doors.cli.help import no_command

        raise no_command(verb)
    from strongroom.doors.cli.arguments import parse, split_at_dashes

    before, _ = split_at_dashes(rest)
    if "-h" in before or "--help" in before:
        from strongroom.doors.cli.help import show_help

        return show_help([verb], was_asked=True)
    command = load(verb)
    return command.run(parse(verb, command, rest))


def find_verb(words: list[str]) -> tuple[str, list[str]]:
    """The verb, and everything else: options before it are as good as after it.

    Raises: UsageError: an option that no command takes stands before the verb.
    """
    from strongroom.doors.cli.arguments import GLOBAL_FLAGS, GLOBAL_OPTIONS_WITH_VALUE

    place = 0
    while place < len(words):
        word = words[place]
        name = word.partition("=")[0]
        if name in GLOBAL_OPTIONS_WITH_VALUE:
            place += 1 if "=" in word else 2
        elif word in GLOBAL_FLAGS:
            place += 1
        elif word in ("-h", "--help", "--version") or not word.startswith("-"):
            return word, words[:place] + words[place + 1 :]
        else:
            shown = name if name.startswith("--") else name[:2]
            raise UsageError(f"unknown option {shown} before the command", advice=_instead_of(shown))
    return "", []


def _instead_of(option: str) -> str:
    from difflib import get_close_matches

    from strongroom.doors.cli.arguments import GLOBAL_FLAGS, GLOBAL_OPTIONS_WITH_VALUE

    near = get_close_matches(option, (*GLOBAL_OPTIONS_WITH_VALUE, *GLOBAL_FLAGS, "--help", "--version"), 1)
    meant = [f"did you mean: {near[0]}"] if near else []
    return "\n".join([*meant, "a command's own options stand behind it", "all commands: strongroom help"])


def _occupy_standard_descriptors() -> None:
    # A program started with `>&-` would be given descriptor 1 for the next file it opens, and
    # write a value into it. Read-only, so that writing to the closed one still fails.
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)


def _die_by_signal(number: int) -> None:
    """Let the shell see which signal it was: a script stops at Ctrl-C, instead of going on."""
    import signal

    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _report_bug(error: Exception) -> None:
    """Where it happened, without the exception's words, which may hold anything."""
    from traceback import walk_tb

    places = []
    for frame, number in walk_tb(error.__traceback__):
        place = frame.f_code.co_filename.replace("\\", "/").rpartition("strongroom/")[2]
        places.append(f"  {place}:{number} in {frame.f_code.co_name}")
    output.note(f"unexpected {type(error).__name__}: this is a bug in strongroom")
    for place in places[-8:]:
        output.hint(place)
    if isinstance(error, OSError):
        output.hint(f"  the operating system said: {(error.strerror or '').lower()}")
    output.hint("please report it with these lines; they hold no secret")


