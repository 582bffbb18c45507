"""What a vault tells the anchor that was set beside it. The anchor itself is in `locate.anchor`."""

from __future__ import annotations

from typing import Protocol


class Anchor(Protocol):
    """Remembers, outside the store, how far a vault has come.

    No method raises for a place that cannot be written: a commit that has happened is not
    an error because nobody could note it down. What went wrong is told to whoever opened the vault.
    """

    def advance(self, counter: int) -> None:
        """After a commit of this program; may wait for `settle`, so that many writes cost one.

        Args:
            counter: the commit counter after it.
        """

    def settle(self, counter: int) -> None:
        """When the vault is locked: bring down what waited.

        Args:
            counter: the newest commit counter that this program has seen.
        """

    def backed_up(self, counter: int, now_us: int) -> None:
        """After a backup.

        Args:
            counter: the commit counter that the backup holds.
            now_us: µs since 1970 UTC.
        """
