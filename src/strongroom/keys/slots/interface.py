"""What a way to open the root key has to offer."""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.keys.format import SlotRecord


class Credential(Protocol):
    """What somebody holds: a passphrase, a key file, a recovery code, a secret from a keyring.

    A credential is used for any number of slots and vaults, one call at a time, and
    wiped by whoever made it.
    """

    @property
    def kind(self) -> int:
        """The number of `registry.KINDS` that its slots carry."""

    def may_open(self, record: SlotRecord) -> bool:
        """Whether it is worth trying on this slot; no secret is used."""

    def secret(self, parameters: bytes) -> bytearray:
        """What the slot's key is derived from, which the caller wipes; may take a second.

        Args:
            parameters: of a decoded slot record, so within their bounds.

        Raises: Tampered: the parameters are out of bounds after all.
        """

    def new_parameters(self) -> bytes:
        """Parameters for a new slot, with a fresh salt where the kind has one."""

    def wipe(self) -> None:
        """Overwrite the secret; later calls fail."""
