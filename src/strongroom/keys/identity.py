"""The vault's identity: who may hand the root key to a slot.

HPKE's base mode authenticates nobody, so every handover is signed. A slot remembers
the identity of the time when it was made; certificates lead from there to today's.
Source: docs/format.md#key-slots.
"""

from __future__ import annotations

from strongroom.crypto import hybrid, labels, signatures
from strongroom.crypto.labels import context
from strongroom.errors import Tampered
from strongroom.keys.format import Certificate, Header, SlotRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.secret import SecretBytes


def certify(seed: bytearray, vault_id: bytes, epoch: int, successor: bytes) -> Certificate:
    """Sign the next identity with the one that it follows.

    Args:
        seed: of the identity until now.
        epoch: the first one of the successor.
        successor: its public key.
    """
    message = context(vault_id, labels.IDENTITY_CERTIFICATE, epoch, signatures.public_key(seed), successor)
    return Certificate(epoch, successor, signatures.sign(seed, message))


def follow(header: Header, trusted: bytes, floor: int) -> bytes:
    """The identity that *trusted*, known since epoch *floor*, leads to by the header's certificates.

    Raises: Tampered: a certificate was not signed by the identity before it.
    """
    for link in header.certificates:
        if link.epoch > floor:
            message = context(header.vault_id, labels.IDENTITY_CERTIFICATE, link.epoch, trusted, link.identity)
            signatures.verify(trusted, message, link.signature)
            trusted = link.identity
    return trusted


def leads_to(header: Header, known: bytes) -> bool:
    """Whether *known*, an identity of this vault at whatever epoch, is the header's or leads to it.

    Args:
        header: of a vault that was opened, so that its identity is the vault's.
    """
    if known == header.identity:
        return True
    # The first identity alone stands in no certificate.
    floor = next((link.epoch for link in header.certificates if link.identity == known), 0)
    try:
        return follow(header, known, floor) == header.identity
    except Tampered:
        return False


def hand_over(root_key: SecretBytes, seed: bytearray, header: Header, record: SlotRecord) -> None:
    """Seal a root key to a slot and sign that; the slot's secret is not needed.

    Args:
        root_key: of the header's epoch.
        seed: of the header's identity.
        record: gets the epoch, the handover and its signature.
    """
    record.epoch = header.epoch
    info = _slot_context(labels.HANDOVER, header, record)
    record.handover = hybrid.seal(record.public_key, root_key.reveal_buffer(), info)
    message = _slot_context(labels.HANDOVER_SIGNATURE, header, record, record.handover, header.identity)
    record.signature = signatures.sign(seed, message)


def check_handover(header: Header, record: SlotRecord) -> None:
    """Check that a slot was handed the header's root key by the header's identity.

    Raises: Tampered: another epoch, or not signed by this identity for this slot.
    """
    if record.epoch != header.epoch:
        raise Tampered("a key slot and the header are of different epochs")
    message = _slot_context(labels.HANDOVER_SIGNATURE, header, record, record.handover, header.identity)
    signatures.verify(header.identity, message, record.signature)


def receive(header: Header, record: SlotRecord, private_key: bytearray) -> bytearray:
    """Check a handover, then open it.

    Args:
        header: its identity was reached by `follow`.
        private_key: 96 bytes, the slot's.

    Returns: the root key, which the caller wipes.
    Raises: Tampered: as `check_handover`, or it does not open.
    """
    check_handover(header, record)
    return hybrid.open_sealed(private_key, record.handover, _slot_context(labels.HANDOVER, header, record))


def _slot_context(object_type: int, header: Header, record: SlotRecord, *more: bytes) -> bytes:
    return context(header.vault_id, object_type, record.epoch, record.slot_id, record.public_key, *more)
