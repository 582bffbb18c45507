"""Who is at the other end of a connection, by the kernel's word. Linux.

Uid, gid and groups are those of the moment of connect(2) and are the boundary. Executable and
unit only ever narrow a grant: they are read from /proc while a descriptor of the process proves
that the number still means the same process, and are unknown when anything is in doubt.
"""

from __future__ import annotations

import errno
import os
import select
import socket
from struct import Struct

from strongroom.vault.policy import Executable, Principal

_CREDENTIALS = Struct("iII")
_SO_PEERGROUPS = 59
_SO_PEERPIDFD = 77  # Linux 6.5
_GROUP_BYTES = 4
_GROUPS_MAX = 65_536  # NGROUPS_MAX of Linux
_OPTION_BYTES_MAX = 1_024  # what Python's getsockopt takes
_UNITS = (".service", ".scope")


def principal_of(connection: socket.socket) -> Principal:
    """The process that made *connection*.

    Raises: OSError: the kernel does not say who it is, or not all of it: a denial may name any of the groups.
    """
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(data)
    executable, unit = _program_of(connection, pid)
    return Principal(uid, gid, _groups_of(connection), pid=pid, executable=executable, unit=unit)


def _groups_of(connection: socket.socket) -> tuple[int, ...]:
    try:
        data = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _OPTION_BYTES_MAX)
    except OSError as error:
        if error.errno != errno.ERANGE:
            raise
        data = _many_groups_of(connection)
    return Struct(f"{len(data) // _GROUP_BYTES}I").unpack(data)


def _many_groups_of(connection: socket.socket) -> bytes:
    """More groups than Python has room for, from the C library itself."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    length = ctypes.c_uint32(_GROUPS_MAX * _GROUP_BYTES)
    data = ctypes.create_string_buffer(length.value)
    if libc.getsockopt(connection.fileno(), socket.SOL_SOCKET, _SO_PEERGROUPS, data, ctypes.byref(length)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return data.raw[: length.value]


def _program_of(connection: socket.socket, pid: int) -> tuple[Executable | None, str]:
    """The executable and the system unit of a process, both unknown when it has ended or changed hands."""
    if pid <= 0:  # of another process namespace
        return None, ""
    try:
        descriptor = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERPIDFD)
    except OSError as error:
        if error.errno != errno.ENOPROTOOPT:
            # The process has ended: its number may be another's by now.
            return None, ""
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:
            return None, ""
    try:
        executable = _executable_of(pid)
        unit = _unit_of(pid)
        # The descriptor becomes readable when the process ends, and only then can the number be given
        # to another. So while it is not, what was read belongs to the one who connected.
        watch = select.poll()
        watch.register(descriptor, select.POLLIN)
        has_ended = bool(watch.poll(0))
    except OSError:
        return None, ""
    finally:
        os.close(descriptor)
    return (None, "") if has_ended else (executable, unit)


def _executable_of(pid: int) -> Executable | None:
    link = f"/proc/{pid}/exe"
    try:
        status = os.stat(link)  # the very file that runs, whatever lies under its name now
        path = os.readlink(link)
    except OSError:
        # Another user's process: only root may look.
        return None
    return Executable(path, device=status.st_dev, inode=status.st_ino, owner=status.st_uid)


def _unit_of(pid: int) -> str:
    # Without a file object, which takes longer to make than the kernel to answer.
    try:
        descriptor = os.open(f"/proc/{pid}/cgroup", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        data = os.read(descriptor, 65_536)
    except OSError:
        return ""
    finally:
        os.close(descriptor)
    return system_unit(os.fsdecode(data))


def system_unit(cgroups: str) -> str:
    """The systemd system unit that the text of ``/proc/PID/cgroup`` names; empty when it is none.

    Below ``user.slice`` everybody makes units of any name, so those are none.
    """
    for line in cgroups.splitlines():
        if line.startswith("0::/system.slice/"):
            for component in line.removeprefix("0::/system.slice/").split("/"):
                if component.endswith(_UNITS):
                    return component
                if not component.endswith(".slice"):
                    return ""
    return ""
