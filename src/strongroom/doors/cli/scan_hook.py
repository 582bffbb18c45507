"""The pre-commit hook that runs ``strongroom scan --staged``."""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.scan_git import repository_of
from strongroom.errors import Conflict, StoreUnavailable
from strongroom.items import quoted

_HOOK = """\
#!/bin/sh
# Refuses a commit that holds a value of the vault. Made by: strongroom scan --install-hook
exec strongroom scan --staged{options}
"""


def install(start: str, options: list[str]) -> str:
    """Write the hook of the repository at *start*.

    Args:
        options: what the hook adds, such as ``--prefix work/``.

    Returns: its path.
    Raises:
        Conflict: there is another one.
        UsageError: this is no git work tree.
        StoreUnavailable: it cannot be written.
    """
    repository = repository_of(start, is_needed=True)
    if repository is None:
        raise UsageError(f"{start} is in no git work tree")
    # As it is configured: a team may keep its hooks elsewhere. The scan's own calls of git run none.
    folder = os.fsdecode((repository.ask("rev-parse", "--git-path", "hooks", own_hooks=True) or b"").rstrip(b"\n"))
    path = os.path.join(start, folder, "pre-commit")
    text = _HOOK.format(options="".join(f" {quoted(one)}" for one in options))
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o755)
    except FileExistsError:
        if _is_ours(path, text):
            return path
        raise Conflict(
            f"there is a pre-commit hook already: {path}", advice=f"add this line to it: {text.splitlines()[-1]}"
        ) from None
    except OSError as error:
        raise StoreUnavailable(f"cannot write {path}: {(error.strerror or '').lower()}") from None
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(text)
    return path


def _is_ours(path: str, text: str) -> bool:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read(len(text) + 1) == text
    except (OSError, UnicodeDecodeError):
        return False


def say_installed(path: str) -> None:
    """What was done, and how to get past it once."""
    output.note(f"{path} scans what is staged before each commit")
    output.hint("the agent has to be unlocked for it: strongroom unlock")
