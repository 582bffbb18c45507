"""Who a grant is for, in the words of this machine: users, groups, executables; and back into words."""

from __future__ import annotations

import os
import stat
from typing import Protocol

from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.opening import checked_folder, checked_path
from strongroom.errors import NotFound, UnsafePermissions
from strongroom.items import RESERVED_MARK, ReservedPath, parse_folder, parse_path
from strongroom.vault.policy import CAPABILITIES, UNNAMED_ID, Executable, Principal, decide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from strongroom.vault.policy import Decision, Grant
    from strongroom.vault.vault import Vault


class Narrowed(Protocol):
    """The options that say whom a grant, or a question about one, is for."""

    user: str | None
    group: str | None
    executable: str | None
    unit: str
    lifetime: timedelta | None
    name: str


def add(vault: Vault, arguments: Narrowed, rules: Mapping[str, Sequence[str]]) -> list[Grant]:
    """Add what *arguments* say, with the *rules* that hold any patterns.

    Raises: UsageError: a pattern, name or combination that cannot be granted.
    """
    subject, number, shown = subject_of(arguments.user, arguments.group)
    executable = None if arguments.executable is None else executable_at(arguments.executable)
    try:
        return vault.add_grant(
            arguments.name,
            subject,
            number,
            {rule: patterns for rule, patterns in rules.items() if patterns},
            shown=shown,
            executable=executable,
            unit=arguments.unit,
            lifetime=arguments.lifetime,
        )
    except ValueError as error:
        raise UsageError(str(error), advice="strongroom grant --help") from None


def decision(vault: Vault, arguments: Narrowed, path: str, capability: str) -> Decision:
    """What the policy says of this user, path and capability now; a folder's path ends with a slash.

    Raises: UsageError: no user, no path or no capability.
    """
    from time import time_ns

    if arguments.user is None:
        raise UsageError("grant test needs --user NAME")
    principal = principal_of(arguments.user, arguments.executable, arguments.unit)
    folder = path.endswith("/")
    if path[:1] == RESERVED_MARK:
        path = ReservedPath(path)  # nothing is opened: what was granted there may be asked
    components = (*parse_folder(checked_folder(path)), "") if folder else parse_path(checked_path(path))
    try:
        return decide(vault.grants(), principal, _owner(vault.location), components, capability, time_ns() // 1000)
    except ValueError:
        known = ", ".join(one for one in CAPABILITIES if one != "deny")
        raise UsageError(f"a capability is one of: {known}") from None


def _owner(location: str) -> int:
    try:
        return os.stat(location).st_uid
    except OSError:
        return -1  # nobody; what the owner may do need not be asked


def subject_of(user: str | None, group: str | None) -> tuple[str, int, str]:
    """``"user"`` or ``"group"``, its number and its name.

    Raises:
        UsageError: neither, or both.
        NotFound: there is none of this name.
    """
    if (user is None) == (group is None):
        raise UsageError("a grant is for one: --user NAME or --group NAME")
    if user is not None:
        number, name, _ = _user(user)
        return "user", number, name
    from grp import getgrgid, getgrnam

    word = group or ""
    try:
        found = getgrgid(int(word)) if _is_number(word) else getgrnam(word)
    except KeyError:
        if _is_number(word):
            return "group", int(word), ""
        raise NotFound("there is no such group", advice="see them: getent group") from None
    return "group", found.gr_gid, found.gr_name


def principal_of(user: str, executable: str | None, unit: str) -> Principal:
    """The principal that a program of this user would be.

    Raises: NotFound: there is no such user or file.
    """
    uid, name, gid = _user(user)
    groups = os.getgrouplist(name, gid) if name else []
    program = None if executable is None else executable_at(executable, must_be_roots=False)
    return Principal(uid, gid, groups, executable=program, unit=unit)


def executable_at(path: str, *, must_be_roots: bool = True) -> Executable:
    """The program's file at *path*, links followed.

    Raises:
        NotFound: there is none.
        UnsafePermissions: not root's, or somebody else may write to it.
    """
    real = os.path.realpath(path)
    try:
        found = os.stat(real)
    except OSError:
        raise NotFound(f"no file {path}", advice="name an executable") from None
    if not stat.S_ISREG(found.st_mode):
        raise UsageError(f"{path} is not a file")
    if must_be_roots and (found.st_uid != 0 or found.st_mode & 0o022):
        raise UnsafePermissions(
            f"{real} could be replaced by somebody else than root", advice="only a file of root's narrows a grant"
        )
    return Executable(real, device=found.st_dev, inode=found.st_ino, owner=found.st_uid)


def row_of(grant: Grant) -> tuple[str, ...]:
    """One line of ``grant list``."""
    shown = grant.describe()
    narrowed = [grant.executable.path] if grant.executable else []
    return (
        grant.name,
        f"{grant.subject} {grant.shown or grant.subject_id}",
        ",".join(_texts(shown["capabilities"])),
        " ".join(_texts(shown["patterns"])),
        " ".join([*narrowed, *([grant.unit] if grant.unit else [])]) or "-",
        f"until {moment(grant.expires_us):%Y-%m-%d %H:%M}" if grant.expires_us else "-",
    )


def as_json(grant: Grant) -> Mapping[str, object]:
    """What ``--json`` shows of a grant."""
    shown = grant.describe()
    for name in ("created", "expires"):
        microseconds = shown.pop(f"{name}_us")
        shown[name] = moment(int(str(microseconds))).isoformat() if microseconds else None
    return shown


def moment(microseconds: int) -> datetime:
    """µs since 1970 as an aware UTC time."""
    from datetime import UTC, datetime, timedelta

    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def _texts(values: object) -> list[str]:
    return [str(value) for value in values] if isinstance(values, list) else []


def _user(word: str) -> tuple[int, str, int]:
    from pwd import getpwnam, getpwuid

    try:
        found = getpwuid(int(word)) if _is_number(word) else getpwnam(word)
    except KeyError:
        if _is_number(word):
            # A user of another machine, or one that is made later; its groups are unknown.
            return int(word), "", UNNAMED_ID
        raise NotFound("there is no such user", advice="see them: getent passwd") from None
    return found.pw_uid, found.pw_name, found.pw_gid


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 10
