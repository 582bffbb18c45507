"""What may run beside itself in several threads, and not while the process forks.

A child has one thread, and whatever its parent's other threads had locked at that moment: the library's memory, a pool
of threads, the lock of a module that is being imported. A fork waits until none of them is at it, and they for it.
"""

from __future__ import annotations

import os
from _thread import allocate_lock


class Beside:
    """A block that any number of threads may be in at once; a fork waits until all have left it.

    It has no state but that it is entered: one for the process. Not to be entered by a thread that is in it: if another
    one forks in between, both wait for ever.
    """

    __slots__ = ("_count", "_counting", "_door", "_none")

    def __init__(self) -> None:
        self._door = allocate_lock()
        self._counting = allocate_lock()
        self._none = allocate_lock()
        self._count = 0
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self._shut, after_in_parent=self._open, after_in_child=self._open)

    def __enter__(self) -> None:
        # The door is held by a fork that waits: else there would always be somebody who just came in.
        with self._door, self._counting:
            self._count += 1
            if self._count == 1:
                self._none.acquire()

    def __exit__(self, *_exc: object) -> None:
        with self._counting:
            self._count -= 1
            if not self._count:
                self._none.release()

    def _shut(self) -> None:
        self._door.acquire()
        self._none.acquire()
        # Whoever was last may still be letting go of it.
        self._counting.acquire()

    def _open(self) -> None:
        self._counting.release()
        self._none.release()
        self._door.release()


beside = Beside()
"""For functions of the library that several threads may call at once."""
