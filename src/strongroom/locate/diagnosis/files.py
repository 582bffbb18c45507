"""Owners, modes and access control lists: of the vault, what lies beside it, key files, and all directories above.

The stores refuse what they can see from the file and its own directory; this looks further up,
where somebody could exchange the whole directory, and says who it is.
"""

from __future__ import annotations

import os
import stat
from shlex import quote
from struct import Struct

from strongroom.errors import StrongroomError, UnsafePermissions
from strongroom.locate.diagnosis.finding import Finding, from_error
from strongroom.stores import durable, files
from strongroom.stores.sqlite_file import COMPANIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_ABOUT = "permissions"
_ACL = "system.posix_acl_access"
# Source: linux/posix_acl_xattr.h; version, then tag, permissions and id of each entry.
_ACL_HEADER = Struct("<I")
_ACL_ENTRY = Struct("<HHI")
_ACL_VERSION = 2
_NAMED_USER, _NAMED_GROUP, _MASK = 0x02, 0x08, 0x10
_READ, _WRITE = 4, 2


def check_vault_files(path: str) -> Iterator[Finding]:
    """The vault at *path*, SQLite's files beside it, and the directories."""
    for ending in ("", *COMPANIONS):
        if not ending or os.path.lexists(path + ending):
            yield from _check_file(path + ending, "SQLite's file" if ending else "vault")
    yield from _check_directories(durable.parent(path))


def check_key_file(path: str, vault: str) -> Iterator[Finding]:
    """The key file at *path*, and the directories that lead to it.

    Args:
        vault: the path of the vault that it opens.
    """
    yield from _check_file(path, "key file")
    yield from _check_directories(durable.parent(path))
    is_beside = os.path.realpath(durable.parent(path)) == os.path.realpath(durable.parent(vault))
    if is_beside and os.path.lexists(path):
        yield Finding(
            "key file",
            f"the key file {path} lies in the vault's directory: whoever copies the directory has both",
            f"mv {quote(path)} to a directory of its own with mode 0700",
        )


def _check_file(path: str, what: str) -> Iterator[Finding]:
    try:
        files.check_private_file(path, what)
    except StrongroomError as error:
        yield from_error(_ABOUT, error, f"ls -l {quote(path)}")
        if not isinstance(error, UnsafePermissions):
            return  # it is not there, or cannot be looked at
    yield from _check_list(path, what, _READ | _WRITE | 1)


def _check_directories(directory: str) -> Iterator[Finding]:
    try:
        files.check_private_dir(directory)
    except StrongroomError as error:
        yield from_error(_ABOUT, error, f"ls -ld {quote(directory)}")
        if not isinstance(error, UnsafePermissions):
            return  # it is not there, or cannot be looked at
    yield from _check_list(directory, "directory", _WRITE)
    if not files.HAS_OWNERS:
        return
    # Both the way as it is written and the way that links lead: either can be cut short.
    above = {*_ancestors(os.path.abspath(directory)), *_ancestors(os.path.realpath(directory))}
    for one in sorted(above, key=len):
        yield from _check_ancestor(one)


def _ancestors(path: str) -> Iterator[str]:
    while durable.parent(path) != path:
        path = durable.parent(path)
        yield path


def _check_ancestor(path: str) -> Iterator[Finding]:
    try:
        status = os.stat(path)
    except OSError:
        return  # it cannot be entered, which opening the vault says better
    if status.st_uid not in (os.geteuid(), 0):
        yield Finding(
            _ABOUT,
            f"{path} belongs to user {status.st_uid}, who could exchange everything in it",
            f"keep the vault in a directory of your own, or: chown {os.geteuid()} {quote(path)}",
            error=UnsafePermissions,
        )
    elif status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX and not _is_private_group(status):
        yield Finding(
            _ABOUT,
            f"{path} can be written by other users, who could exchange everything in it",
            f"chmod go-w {quote(path)}",
            error=UnsafePermissions,
        )
    else:
        yield from _check_list(path, "directory", _WRITE)


def _is_private_group(status: os.stat_result) -> bool:
    """Whether only the group may write as well, and nobody else is in it: Debian's user private groups."""
    import grp
    import pwd

    if status.st_mode & 0o002:
        return False
    user = os.geteuid()
    try:
        members = {pwd.getpwnam(name).pw_uid for name in grp.getgrgid(status.st_gid).gr_mem}
    except KeyError:
        return False
    members.update(entry.pw_uid for entry in pwd.getpwall() if entry.pw_gid == status.st_gid)
    return members <= {user, 0}


def _check_list(path: str, what: str, matters: int) -> Iterator[Finding]:
    if not hasattr(os, "getxattr"):
        return
    try:
        listed = os.getxattr(path, _ACL, follow_symlinks=False)
    except OSError:
        return  # there is no list, or this file system has none
    named = [name for name, allowed in named_in(listed) if allowed & matters]
    if named:
        yield Finding(
            _ABOUT,
            f"an access control list opens {what} {path} to {', '.join(named)}",
            f"setfacl -b {quote(path)}",
            error=UnsafePermissions,
        )


def named_in(listed: bytes) -> list[tuple[str, int]]:
    """Users and groups that a POSIX access control list names, with what it really allows each.

    Args:
        listed: the extended attribute ``system.posix_acl_access``.

    Source: acl(5); an entry counts only as far as the mask lets it.
    """
    if len(listed) < _ACL_HEADER.size or _ACL_HEADER.unpack_from(listed)[0] != _ACL_VERSION:
        return [("somebody: its form is unknown", _READ | _WRITE)]
    whole = len(listed) - (len(listed) - _ACL_HEADER.size) % _ACL_ENTRY.size
    entries = list(_ACL_ENTRY.iter_unpack(listed[_ACL_HEADER.size : whole]))
    mask = next((allowed for tag, allowed, _ in entries if tag == _MASK), 7)
    words = {_NAMED_USER: "user", _NAMED_GROUP: "group"}
    return [(f"{words[tag]} {number}", allowed & mask) for tag, allowed, number in entries if tag in words]
