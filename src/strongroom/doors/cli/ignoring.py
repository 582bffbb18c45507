"""Whether git would take a file with secrets in, and a line for ``.gitignore`` when somebody wants it."""

from __future__ import annotations

import errno
import os
import stat

from strongroom.doors.cli import output
from strongroom.doors.cli.inputs import confirm, stdin_is_terminal
from strongroom.items import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.doors.cli.interface import GlobalArguments

_PATIENCE_SECONDS = 10


def look_after(path: str, arguments: GlobalArguments) -> None:
    """Say when git keeps *path*, or would; offer to have it ignored.

    On a terminal, or with ``--yes``, the line is added to the ``.gitignore`` at the top of the work tree.
    """
    folder = os.path.dirname(os.path.abspath(path))
    top = _git(folder, "rev-parse", "--show-toplevel")
    if top is None:
        return
    name = os.path.basename(path)
    if _git(folder, "ls-files", "--error-unmatch", "--", name) is not None:
        output.note(f"git keeps {path}: whoever has the repository has its history, and what stood in the file")
        output.hint(f"git rm --cached {quoted(path)}\nand change these credentials where they are used")
        return
    if _git(folder, "check-ignore", "--quiet", "--", name) is not None:
        return
    # The folder's links are followed, as git does; the file's own name is what git would keep.
    line = _pattern("/" + os.path.relpath(os.path.join(os.path.realpath(folder), name), os.path.realpath(top)))
    output.note(f"git does not ignore {path}")
    ignored = os.path.join(top, ".gitignore")
    if not (arguments.yes or stdin_is_terminal()):
        output.hint(f"echo {quoted(line)} >> {quoted(ignored)}")
        return
    if not confirm(arguments, f"add {line} to .gitignore?"):
        return
    try:
        append_line(ignored, line)
    except OSError as error:
        # What the command was for is done; a link, a folder or a file of somebody else lies there.
        output.note(f"{ignored} was not changed: {error.strerror}")
    else:
        output.note(f"added {line} to .gitignore")


def append_line(path: str, line: str) -> None:
    """Add one line to a file of the project, which may be absent or lack a newline at its end."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags, 0o644)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no ordinary file")
        size = status.st_size
        before = b"\n" if size and os.pread(descriptor, 1, size - 1) != b"\n" else b""
        os.write(descriptor, before + os.fsencode(line) + b"\n")
    finally:
        os.close(descriptor)


def _pattern(line: str) -> str:
    """*line* as a pattern of gitignore(5) that matches nothing else."""
    return "".join("\\" + one if one in "*?[\\! #" else one for one in line)


def _git(folder: str, *words: str) -> str | None:
    """What git says, or None when it fails, is not there, or takes too long."""
    import subprocess

    # A variable of a hook, or of a repository elsewhere, would have git look there.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(  # nosec B607
            ["git", "-c", "core.fsmonitor=false", *words],  # noqa: S607 - whichever git the user has
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return os.fsdecode(done.stdout).strip() if done.returncode == 0 else None
