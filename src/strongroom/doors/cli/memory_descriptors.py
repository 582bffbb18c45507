"""Values on descriptors that the child inherits: files that have no name, lie in memory, and end with it."""

from __future__ import annotations

import os

from strongroom.errors import Denied, StoreUnavailable


def memory_descriptor(value: bytes) -> int:
    """A descriptor of a file that holds *value*, at its beginning, unchangeable and inherited by children.

    Raises:
        Denied: this system has no such files.
        StoreUnavailable: it gives no more of them.
    """
    if not hasattr(os, "memfd_create"):
        raise Denied("there are no memory-backed files here", advice="hand the value over in a variable: --env")
    import fcntl

    try:
        descriptor = os.memfd_create("strongroom", os.MFD_ALLOW_SEALING)
        os.fchmod(descriptor, 0o400)
        view = memoryview(value)
        while view:
            view = view[os.write(descriptor, view) :]
        os.lseek(descriptor, 0, os.SEEK_SET)
        # What one reader sees, no other one can have changed.
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    except OSError as error:
        raise StoreUnavailable(f"cannot make a file in memory: {(error.strerror or '').lower()}") from None
    os.set_inheritable(descriptor, True)
    return descriptor


def path_of(descriptor: int, process: int) -> str:
    """A path under which the child, and what it starts, can open the file as long as the child lives.

    Args:
        process: the child's process id. Not ``self``: a program's own children close what they inherit.
    """
    return f"/proc/{process}/fd/{descriptor}"
