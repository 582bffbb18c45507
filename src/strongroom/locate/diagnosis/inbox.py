"""The inbox: whether its directory is safe, and whether something waits in it."""

from __future__ import annotations

from strongroom.errors import StrongroomError
from strongroom.locate.diagnosis.finding import Finding, from_error
from strongroom.stores.inbox import Inbox
from strongroom.vault.depositors import INBOX_ENDING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def check_inbox(location: str) -> Iterator[Finding]:
    """What can be seen of deposits without a key.

    Args:
        location: of the vault's file.
    """
    inbox = Inbox(location + INBOX_ENDING)
    if not inbox.exists:
        return
    try:
        inbox.check_own()
        waiting = len(inbox.letters())
    except StrongroomError as error:
        yield from_error("inbox", error, f"ls -ld {inbox.path}")
        return
    if waiting:
        yield Finding("inbox", f"deposits wait to be taken in or looked at: {waiting:,}", "strongroom deposit list")
