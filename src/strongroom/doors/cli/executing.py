"""Becoming another program: what `run` ends with."""

from __future__ import annotations

import errno
import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CANNOT_EXECUTE = 126
NO_PROGRAM = 127

# Without them nothing finds its programs, its home, its terminal or its language.
_ALWAYS = frozenset((b"HOME", b"LANG", b"LOGNAME", b"PATH", b"PWD", b"SHELL", b"TERM", b"TMPDIR", b"TZ", b"USER"))


def base_environment(*, is_clean: bool) -> dict[bytes, bytes]:
    """What the child's environment begins with: this process's own, or the little that everything needs."""
    if not is_clean:
        return dict(os.environb)
    return {name: text for name, text in os.environb.items() if name in _ALWAYS or name.startswith(b"LC_")}


def execute(command: Sequence[str], environment: Mapping[bytes, bytes]) -> OSError:
    """Become *command*, found on the PATH of *environment*.

    Returns: why it could not be; and only then.
    """
    # Python ignores these two, and a program that inherits that does not end when its reader goes away.
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGPIPE, signal.SIGXFSZ)}
    try:
        os.execvpe(command[0], list(command), environment)  # noqa: S606 - what `run` is for  # nosec B606
    except OSError as error:
        refused = error
    except ValueError:
        refused = OSError(errno.EINVAL, "an argument holds a NUL")
    for number, handler in before.items():
        signal.signal(number, handler)
    return refused


def code_of(number: int) -> int:
    """The exit code for an error of `execute`, as shells and env(1) have it."""
    return NO_PROGRAM if number in (errno.ENOENT, errno.ENOTDIR) else CANNOT_EXECUTE


def explain(command: str, number: int) -> tuple[str, str]:
    """What to say of an error of `execute`, and the hint."""
    if number == errno.ENOENT:
        return f"there is no program {command}", ""
    hint = "hand long values over in files: --file NAME=REFERENCE" if number == errno.E2BIG else ""
    return f"cannot start {command}: {os.strerror(number).lower()}", hint
