"""From root to a user of its own, for good, before anything is served."""

from __future__ import annotations

import os

from strongroom.errors import Denied, NotFound, UnsafePermissions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pwd import struct_passwd

_PLACES = ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")

def user_named(name: str) -> struct_passwd:
    """The password database's entry of *name*.

    Raises:
        NotFound: there is none.
        Denied: it is root.
    """
    import pwd

    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise NotFound(f"there is no user {name}", advice=f"make one: useradd --system {name}") from None
    if entry.pw_uid == 0:
        raise Denied("the agent's user is somebody else than root", advice="name one: --user NAME")
    return entry


def become(entry: struct_passwd) -> None:
    """Take on a user's uid, gid and groups, and see that there is no way back.

    Raises: Denied: the system refuses, or root could be had again.
    """
    try:
        os.initgroups(entry.pw_name, entry.pw_gid)
        os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
        os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    except OSError as error:
        raise Denied(
            f"cannot become user {entry.pw_name}: {(error.strerror or '').lower()}", advice="start the agent as root"
        ) from None
    try:
        os.setuid(0)
    except OSError:
        pass  # as it must be
    else:
        raise Denied(f"user {entry.pw_name} could become root again")
    if os.getresuid() != (entry.pw_uid,) * 3 or os.getresgid() != (entry.pw_gid,) * 3:
        raise Denied(f"the process did not become user {entry.pw_name}")
    _leave_environment(entry)


def _leave_environment(entry: struct_passwd) -> None:
    """The places of whom this process was are not the new user's, unless they are in that user's own directories."""
    os.environ["HOME"] = entry.pw_dir
    for name in _PLACES:
        place = os.environ.get(name, "")
        if place and not _would_be_made_by(entry.pw_uid, place):
            del os.environ[name]


def _would_be_made_by(uid: int, path: str) -> bool:
    """Whether *path*, or the nearest directory above it that is there, belongs to that user."""
    while path.startswith("/"):
        try:
            return os.stat(path).st_uid == uid
        except FileNotFoundError:
            path = os.path.dirname(path)
        except OSError:
            break
    return False


def make_directory_for(entry: struct_passwd, path: str) -> None:
    """Make a directory, as root, in which that user's agent listens and into which everybody may look.

    Raises: UnsafePermissions, Denied: it is there already and another user's or a link, or cannot be made.
    """
    try:
        os.mkdir(path, 0o755)
    except FileExistsError:
        pass
    except OSError as error:
        why = (error.strerror or "").lower()
        raise Denied(f"cannot make {path}: {why}", advice="start the agent as root") from None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        why = (error.strerror or "").lower()
        raise UnsafePermissions(f"{path} is no directory: {why}", advice="name another place: --socket") from None
    try:
        owner = os.fstat(descriptor).st_uid
        if owner not in (0, entry.pw_uid):
            raise UnsafePermissions(
                f"{path} belongs to user {owner}, not to {entry.pw_name}", advice="name another place: --socket"
            )
        os.fchown(descriptor, entry.pw_uid, entry.pw_gid)
        os.fchmod(descriptor, 0o755)  # it holds a socket for others  # nosec B103
    finally:
        os.close(descriptor)


def refuse_readable(path: str) -> None:
    """Refuse a key file that the agent's user can read: then dropping root would protect nothing.

    Args:
        path: that of the key file, which was read as root.

    Raises: UnsafePermissions: it can be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return
    os.close(descriptor)
    raise UnsafePermissions(
        f"the agent's own user can read the key file {path}", advice=f"chown root {path}\nchmod 0400 {path}"
    )
