"""``file install-git`` and ``file check --staged``: a repository that merges such files and takes no plain text."""

from __future__ import annotations

import os

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import OK, UsageError
from strongroom.doors.cli.file_git import ATTRIBUTE, repository_at
from strongroom.doors.cli.pre_commit import add_line
from strongroom.errors import Denied, StoreUnavailable, StrongroomError
from strongroom.formats.interface import FILE_BYTES_MAX, BadFile
from strongroom.items import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Final

    from strongroom.doors.cli.commands.file import Arguments
    from strongroom.doors.cli.scan_git import Object, Repository

_COMMENT = (
    "Refuses a commit of plain text in files that .gitattributes calls strongroom. Made by: strongroom file install-git"
)
_PATHS_AT_ONCE = 200


def install_git(arguments: Arguments) -> int:
    """Tell git what merges and compares encrypted files, add the hook, and say which files they are."""
    from strongroom.locate.addresses import expand_user

    repository = _at_top(".")
    options = ""
    if arguments.identity:
        options = f" --identity {quoted(os.path.abspath(expand_user(arguments.identity)))}"
    for pattern in arguments.patterns:
        _check_pattern(pattern)
    hook = _install_hook(repository, options)
    # Kept values would be plain text in the repository: cachetextconv stays off.
    settings = {
        "merge.strongroom.name": "encrypted files, value by value",
        "merge.strongroom.driver": f"strongroom file merge{options} -- %O %A %B %P",
        "diff.strongroom.textconv": f"strongroom file textconv{options} --",
        "diff.strongroom.cachetextconv": "false",
    }
    for name, value in settings.items():
        repository.ask("config", "--local", name, value, own_hooks=True)
    added = [line for pattern in arguments.patterns if (line := _add_attribute(repository, pattern))]
    if arguments.json:
        output.json({"hook": hook, "settings": settings, "attributes": added})
        return OK
    output.note(f"git merges and compares encrypted files here, and {hook} looks for plain text before each commit")
    for line in added:
        output.note(f"added to .gitattributes: {line}")
    which = "which files they are: strongroom file install-git '*.secret.yaml'"
    output.hint("git add .gitattributes" if added else which)
    output.hint("settings and hook stay in this clone: each clone needs strongroom file install-git")
    return OK


def _at_top(path: str) -> Repository:
    """The repository, asked from its top directory."""
    repository = repository_at(os.path.join(path, "x"))
    top = repository.ask("rev-parse", "--show-toplevel") or b""
    repository.directory = os.fsdecode(top.rstrip(b"\n"))
    return repository


def _check_pattern(pattern: str) -> None:
    if not pattern or pattern[0] in "!#-[" or any(one.isspace() or one in '"\\' for one in pattern):
        raise UsageError("a PATTERN is of .gitattributes, without blanks, quotation marks or backslashes")


def _add_attribute(repository: Repository, pattern: str) -> str:
    from strongroom.doors.cli.ignoring import append_line

    line = f"{pattern} {ATTRIBUTE} diff={ATTRIBUTE} merge={ATTRIBUTE}"
    path = os.path.join(repository.directory, ".gitattributes")
    try:
        if os.path.lexists(path):
            with open(path, "rb") as file:
                if line.encode("utf-8") in file.read(FILE_BYTES_MAX).split(b"\n"):
                    return ""
        append_line(path, line)
    except OSError as error:
        raise StoreUnavailable(f"{path} was not changed: {(error.strerror or '').lower()}") from None
    return line


def _install_hook(repository: Repository, options: str) -> str:
    # As it is configured: a team may keep its hooks elsewhere.
    asked = repository.ask("rev-parse", "--git-path", "hooks", own_hooks=True) or b""
    folder = os.path.join(repository.directory, os.fsdecode(asked.rstrip(b"\n")))
    path = os.path.join(folder, "pre-commit")
    add_line(path, _COMMENT, f"strongroom file check --staged{options}")
    return path


def check_staged(arguments: Arguments) -> int:
    """Refuse what git is about to commit, if a file that has the attribute is not encrypted, or not intact.

    Raises: Denied: some are not.
    """
    from strongroom.encrypted_files.trailer import HAS_CONFLICT

    repository = _at_top(".")
    objects = list(_with_attribute(repository, repository.staged()))
    wrong = 0
    actions: set[str] = set()
    for one, read in repository.contents(objects):
        said = _problem(arguments, one, read)
        if said:
            wrong += 1
            actions.add("edit" if said.endswith(HAS_CONFLICT) else "encrypt")
            output.note(said)
    if wrong:
        raise Denied(
            f"{wrong} of the staged files must not be committed as they are",
            advice="\n".join([*(f"strongroom file {action} FILE" for action in sorted(actions)), "git add FILE"]),
        )
    return OK


def _with_attribute(repository: Repository, objects: Sequence[Object]) -> Iterator[Object]:
    for start in range(0, len(objects), _PATHS_AT_ONCE):
        some = objects[start : start + _PATHS_AT_ONCE]
        words = ("check-attr", "--cached", "-z", ATTRIBUTE, "--", *(one.path for one in some))
        fields = (repository.ask(*words) or b"").split(b"\0")
        # Path, attribute and value of each.
        for one, value in zip(some, fields[2::3], strict=False):
            if value not in (b"unspecified", b"unset"):
                yield one


def _problem(arguments: Arguments, one: Object, read: Callable[[int], bytes]) -> str:
    """What is wrong with a staged file; empty for nothing."""
    from strongroom import encrypted_files
    from strongroom.doors.cli.file_actions import check_form
    from strongroom.doors.cli.file_keys import Keys
    from strongroom.locate.identities import IDENTITY_VARIABLE

    if one.size > FILE_BYTES_MAX:
        return f"{one.path} is longer than an encrypted file may be"
    parts = []
    while piece := read(one.size + 1):
        parts.append(piece)
    try:
        file = encrypted_files.read(b"".join(parts))
        check_form(file)
        if arguments.identity or os.environ.get(IDENTITY_VARIABLE):
            with Keys(arguments) as keys:
                keys.open(file, one.path).close()
    except BadFile as error:
        return f"{one.path} is no encrypted file: {error}"
    except StrongroomError as error:
        return f"{one.path}: {error}"
    return ""


ACTIONS: Final[dict[str, Callable[[Arguments], int]]] = {"install-git": install_git}
