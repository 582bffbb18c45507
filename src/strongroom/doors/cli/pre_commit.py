"""git's pre-commit hook: a file of our own, with a line for each command that looks at what is staged.

A hook that somebody else wrote is never changed: its owner is told which line to add.
"""

from __future__ import annotations

import os

from strongroom.errors import Conflict, StoreUnavailable

_SHEBANG = "#!/bin/sh"
_COMMANDS = ("strongroom scan --staged", "strongroom file check --staged")
_HOOK_BYTES_MAX = 64 * 1024


def add_line(path: str, comment: str, command: str) -> None:
    """Have the hook run *command*, and end the commit when it fails.

    Args:
        path: the hook's; its directory is made.
        comment: what the line is for.
        command: begins with one of ours.

    Raises:
        Conflict: there is another hook, or this command with other options.
        StoreUnavailable: it cannot be written.
    """
    line = f"{command} || exit"
    before = _lines_of(path)
    if line in before or f"exec {command}" in before:
        return
    if not all(_is_ours(one) for one in before) or any(_command_of(one) == _command_of(line) for one in before):
        raise Conflict(
            f"there is a pre-commit hook already: {path}", advice=f"add this line to it, before any exec: {line}"
        )
    # A line that was the last one needed no `|| exit`: its own status was the hook's.
    kept = [f"{_bare(one)} || exit" if _command_of(one) else one for one in before if one != _SHEBANG]
    _write(path, "".join(f"{one}\n" for one in (_SHEBANG, *kept, f"# {comment}", line)))


def _lines_of(path: str) -> list[str]:
    try:
        if os.path.islink(path):
            return [""]  # nobody's; what it leads to is not ours to change
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(_HOOK_BYTES_MAX).splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreUnavailable(f"cannot read {path}: {(error.strerror or '').lower()}") from None


def _is_ours(line: str) -> bool:
    return line == _SHEBANG or line.startswith("# Refuses a commit ") or bool(_command_of(line))


def _command_of(line: str) -> str:
    """Which of our commands *line* runs; empty for none, also when it runs something else besides."""
    command = _bare(line)
    # Nor one with a comment or that goes on in the next line, where `|| exit` behind it would be none.
    if any(one in command for one in ";&|`$()<>#\\"):
        return ""
    return next((one for one in _COMMANDS if command == one or command.startswith(one + " ")), "")


def _bare(line: str) -> str:
    return line.removeprefix("exec ").removesuffix(" || exit")


def _write(path: str, text: str) -> None:
    new = f"{path}.new-{os.getpid()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(os.open(new, flags, 0o755), "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(new, path)
    except OSError as error:
        raise StoreUnavailable(f"cannot write {path}: {(error.strerror or '').lower()}") from None
