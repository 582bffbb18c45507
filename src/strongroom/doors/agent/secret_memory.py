"""The memory in which the agent's keys lie, and what could be had of it on this machine."""

from __future__ import annotations

from strongroom.keys.housing import key_bytes, rehouse
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.doors.agent.system import System
    from strongroom.keys.unlocked import UnlockedKeys

ARENA_BYTES = 64 * 1024
"""More than a keyset of 1,024 data keys, 64 purpose keys and the root key."""

UNREADABLE = "memfd_secret"
LOCKED = "locked"
ORDINARY = "ordinary"


class SecretMemory:
    """Two arenas that keys take turns in: a rotation brings new keys while the old ones are still there.

    Attributes:
        kind: ``"memfd_secret"``, ``"locked"`` (never swapped out) or ``"ordinary"``.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._arenas: list[memoryview] = []
        self._turn = 0
        self.kind = UNREADABLE
        for _ in range(2):
            pages = system.secret_pages(ARENA_BYTES)
            if pages is None:
                pages, is_locked = system.locked_pages(ARENA_BYTES)
                kind = LOCKED if is_locked else ORDINARY
                # The weaker of the two is what may be claimed.
                self.kind = ORDINARY if ORDINARY in (kind, self.kind) else LOCKED
            if pages is None:
                self.kind = ORDINARY
                return
            self._arenas.append(pages)

    def house(self, keys: UnlockedKeys) -> None:
        """Move *keys* into the arena whose turn it is; where there is none they stay in the heap."""
        if len(self._arenas) < 2 or key_bytes(keys) > ARENA_BYTES:
            self.kind = ORDINARY
            return
        self._turn = 1 - self._turn
        arena = self._arenas[self._turn]
        wipe(arena)
        used = 0

        def allocate(length: int) -> memoryview:
            nonlocal used
            place = arena[used : used + length]
            used += length
            return place

        rehouse(keys, allocate)

    def give_back(self) -> None:
        """Let the system have what a large piece of work has left free."""
        self._system.give_back()

    def wipe(self) -> None:
        """Overwrite everything in both arenas."""
        for arena in self._arenas:
            wipe(arena)
