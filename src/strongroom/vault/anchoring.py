"""What a vault tells the anchor that was set beside it. The anchor itself is in `locate.anchor`."""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.keys.format import Header


class Anchor(Protocol):
    """Remembers, outside the store, how far a vault has come.

    No method raises for a place that cannot be written: a commit that has happened is not
    an error because nobody could note it down. What went wrong is told to whoever opened the vault.
    """

    def advance(self, counter: int, header: Header) -> None:
        """After a commit of this program and before it is acknowledged, or when it has seen one of others.

        May wait with bringing it to the disk, so that many writes cost one; a program that is killed
        in between must not make it forgotten.

        Args:
            counter: the commit counter after it.
            header: the vault's now.
        """

    def settle(self, counter: int, header: Header) -> None:
        """When the vault is locked: bring to the disk what waited.

        Args:
            counter: the newest commit counter that this program has seen.
            header: the vault's then.
        """

    def backed_up(self, counter: int, header: Header, now_us: int) -> None:
        """After a backup.

        Args:
            counter: the commit counter that the backup holds.
            header: the vault's.
            now_us: µs since 1970 UTC.
        """
