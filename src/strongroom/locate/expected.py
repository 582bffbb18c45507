"""What somebody knows of a vault before it is opened: its fingerprint, and how far it had come."""

from __future__ import annotations

from strongroom.errors import RolledBack, Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.remote.agent import RemoteVault
    from strongroom.vault.vault import Vault

FINGERPRINT_DIGITS = 64


class Expected:
    """What somebody knows of a vault before it is opened.

    Attributes:
        fingerprint: of its identity, today's or an older one, in hex; None for no such demand.
        counter: the commit counter that it must have reached; None for no such demand.

    Raises: ValueError: that is no fingerprint.
    """

    __slots__ = ("counter", "fingerprint")

    def __init__(self, *, counter: int | None = None, fingerprint: str | None = None) -> None:
        self.counter = counter
        self.fingerprint = None if fingerprint is None else checked_fingerprint(fingerprint)

    def check(self, vault: Vault | RemoteVault, name: str) -> None:
        """Refuse a vault that is not the expected one.

        Args:
            vault: opened, here or by its agent.
            name: where it lies, for messages.

        Raises: Tampered, RolledBack: it is not.
        """
        if self.fingerprint is not None and not vault.answers_to(self.fingerprint):
            raise Tampered(
                f"{name} is another vault than the expected one: its fingerprint is {vault.fingerprint}",
                advice="put the vault that belongs there back in its place\n"
                "a backup from before the root key was replaced has an older fingerprint",
            )
        if self.counter is None:
            return
        counter = vault.commit_counter
        if counter < self.counter:
            raise RolledBack(
                f"{name} is at commit {counter}, and commit {self.counter} was expected",
                advice="it is an older copy: find the newest one",
            )


NOTHING = Expected()


def checked_fingerprint(text: str) -> str:
    """*text* as a fingerprint.

    Raises: ValueError: it is none.
    """
    digits = text.lower()
    if len(digits) != FINGERPRINT_DIGITS or not set(digits) <= set("0123456789abcdef"):
        raise ValueError(f"a vault's fingerprint has {FINGERPRINT_DIGITS} hex digits, as strongroom status shows it")
    return digits
