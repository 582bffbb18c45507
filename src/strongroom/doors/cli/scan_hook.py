"""The pre-commit hook that runs ``strongroom scan --staged``."""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.pre_commit import add_line
from strongroom.doors.cli.scan_git import repository_of
from strongroom.items import quoted

_COMMENT = "Refuses a commit that holds a value of the vault. Made by: strongroom scan --install-hook"


def install(start: str, options: list[str]) -> str:
    """Write the hook of the repository at *start*.

    Args:
        options: what the hook adds, such as ``--prefix work/``.

    Returns: its path.
    Raises:
        Conflict: there is another one, of somebody else's making or with other options.
        UsageError: this is no git work tree.
        StoreUnavailable: it cannot be written.
    """
    repository = repository_of(start, is_needed=True)
    if repository is None:
        raise UsageError(f"{start} is in no git work tree")
    # As it is configured: a team may keep its hooks elsewhere. The scan's own calls of git run none.
    folder = os.fsdecode((repository.ask("rev-parse", "--git-path", "hooks", own_hooks=True) or b"").rstrip(b"\n"))
    path = os.path.abspath(os.path.join(start, folder, "pre-commit"))
    add_line(path, _COMMENT, "strongroom scan --staged" + "".join(f" {quoted(one)}" for one in options))
    return path


def say_installed(path: str) -> None:
    """What was done, and how to get past it once."""
    output.note(f"{path} scans what is staged before each commit")
    output.hint("the agent has to be unlocked for it: strongroom unlock")
