"""The few calls of the C library that Python does not offer. Linux; everything else says no.

`ctypes` is loaded here, late and once: it costs 4 ms and 2 MiB.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes

_PR_SET_DUMPABLE = 4
_PR_GET_DUMPABLE = 3
_PR_SET_NO_NEW_PRIVS = 38
_MEMFD_SECRET = 447  # the same number on every architecture; Linux 5.14, on by default since 6.5
_READ_WRITE = 0x1 | 0x2
_SHARED = 0x01
_PRIVATE_ANONYMOUS = 0x22
_DONT_DUMP = 16
_WIPE_ON_FORK = 18
_FAILED = 2**64 - 1


class System:
    """The C library of this process."""

    def __init__(self) -> None:
        import ctypes

        self._ctypes = ctypes
        self._libc: ctypes.CDLL | None = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
        if self._libc is not None:
            self._libc.mmap.restype = ctypes.c_void_p
            self._libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
            self._libc.mlock.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
            self._libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]

    def hide_from_debuggers(self) -> bool:
        """Make this process not dumpable: same-user ``ptrace``, ``/proc/PID/mem`` and ``environ`` are refused."""
        libc = self._libc
        return libc is not None and not libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) and not libc.prctl(_PR_GET_DUMPABLE)

    def refuse_new_privileges(self) -> bool:
        """Nothing that this process starts may gain rights by a set-uid bit."""
        return self._libc is not None and not self._libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)

    def overwrite(self, address: int, length: int) -> None:
        """Fill memory of this process with zeros."""
        self._ctypes.memset(address, 0, length)

    def give_back(self) -> None:
        """Hand free memory back to the system. Source: malloc_trim(3)."""
        if self._libc is not None and hasattr(self._libc, "malloc_trim"):
            self._libc.malloc_trim(0)

    def secret_pages(self, length: int) -> memoryview | None:
        """Memory that the kernel itself cannot read, nor root through ``/proc/PID/mem``; None where there is none.

        Source: memfd_secret(2).
        """
        if self._libc is None:
            return None
        descriptor = self._libc.syscall(_MEMFD_SECRET, os.O_CLOEXEC)
        if descriptor < 0:
            return None
        try:
            os.ftruncate(descriptor, length)
            return self._map(length, _SHARED, descriptor)
        except OSError:
            return None
        finally:
            os.close(descriptor)

    def locked_pages(self, length: int) -> tuple[memoryview | None, bool]:
        """Ordinary memory, outside of dumps and empty in children; and whether it stays out of swap."""
        pages = self._map(length, _PRIVATE_ANONYMOUS, -1)
        if pages is None or self._libc is None:
            return None, False
        address = self._ctypes.addressof(self._ctypes.c_char.from_buffer(pages))
        for advice in (_DONT_DUMP, _WIPE_ON_FORK):
            self._libc.madvise(address, length, advice)
        return pages, not self._libc.mlock(address, length)

    def _map(self, length: int, flags: int, descriptor: int) -> memoryview | None:
        if self._libc is None:
            return None
        address = self._libc.mmap(None, length, _READ_WRITE, flags, descriptor, 0)
        if address in (None, _FAILED):
            return None
        # Never unmapped: a thread may still hold a view of it, and would crash instead of failing.
        return memoryview((self._ctypes.c_char * length).from_address(address)).cast("B")
