"""What lies sealed in header and slots: the header MAC, the keyset, a slot's wrap.

Shared by making (`unlocked`) and reading (`opening`), so that both build every key
and context in one place. Source: docs/format.md#keys, #header, #key-slots.
"""

from __future__ import annotations

from strongroom.crypto import aead, kdf, labels
from strongroom.crypto.labels import context
from strongroom.crypto.mac import Mac
from strongroom.errors import Tampered
from strongroom.keys.format import Header, SlotRecord, claimed_slot_id
from strongroom.keys.keyset import Keyset
from strongroom.secret import SecretBytes, wipe
from strongroom.wire import u8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.keys.slots.interface import Credential

    SlotRow = tuple[bytes, bytes]


def header_mac(root_key: SecretBytes, header: Header, body: bytes, slot_rows: Sequence[SlotRow]) -> bytes:
    """The MAC over the header's body and every slot."""
    return _header_key(root_key, header).digest(_header_message(header, body, slot_rows))


def check_header_mac(
    root_key: SecretBytes, header: Header, body: bytes, mac: bytes, slot_rows: Sequence[SlotRow]
) -> None:
    """Authenticate the header and the slots beside it, also those that this program cannot read.

    Raises: Tampered: something was changed, added, taken away or put under another id.
    """
    try:
        _header_key(root_key, header).verify(_header_message(header, body, slot_rows), mac)
    except Tampered:
        raise Tampered(
            "the header or a key slot is not what was written: changed, added or taken away",
            advice="restore a backup: strongroom restore-backup FILE",
        ) from None
    # The MAC covers records in the order of the ids that they lie under, not those ids themselves.
    if any(claimed_slot_id(record) != slot_id for slot_id, record in slot_rows):
        raise Tampered("a key slot lies under another slot's id")


def seal_keyset(root_key: SecretBytes, header: Header, keyset: Keyset) -> bytes:
    """The keyset as it stands in the header."""
    key = kdf.derive(root_key.reveal_buffer(), labels.PURPOSE_KEYSET, header.vault_id, header.epoch)
    try:
        encoded = keyset.encode()
        try:
            return aead.wrap(key, encoded, context(header.vault_id, labels.KEYSET, header.epoch))
        finally:
            wipe(encoded)
    finally:
        wipe(key)


def open_keyset(root_key: SecretBytes, header: Header) -> Keyset:
    """The keyset of a header.

    Raises: Tampered, FormatUnsupported: as `Keyset.decode`, or it does not decrypt.
    """
    key = kdf.derive(root_key.reveal_buffer(), labels.PURPOSE_KEYSET, header.vault_id, header.epoch)
    try:
        encoded = aead.unwrap(key, header.keyset, context(header.vault_id, labels.KEYSET, header.epoch))
    finally:
        wipe(key)
    try:
        return Keyset.decode(encoded)
    finally:
        wipe(encoded)


def seal_wrap(vault_id: bytes, record: SlotRecord, credential: Credential, secret: bytearray) -> bytes:
    """Seal *secret* under the key-encryption key of a slot whose other fields are final."""
    key = _slot_key(vault_id, record, credential)
    try:
        return aead.wrap(key, secret, _wrap_context(vault_id, record))
    finally:
        wipe(key)


def open_wrap(vault_id: bytes, record: SlotRecord, credential: Credential) -> bytearray:
    """Open what `seal_wrap` made; the caller wipes it.

    Raises: Tampered: another credential, or changed bytes; nobody can tell which.
    """
    key = _slot_key(vault_id, record, credential)
    try:
        return aead.unwrap(key, record.wrap, _wrap_context(vault_id, record))
    finally:
        wipe(key)


def _header_key(root_key: SecretBytes, header: Header) -> Mac:
    key = kdf.derive(root_key.reveal_buffer(), labels.PURPOSE_HEADER, header.vault_id, header.epoch)
    try:
        return Mac(key)
    finally:
        wipe(key)


def _header_message(header: Header, body: bytes, slot_rows: Sequence[SlotRow]) -> bytes:
    records = [record for _slot_id, record in sorted(slot_rows)]
    return context(header.vault_id, labels.HEADER_MAC, header.epoch, body, *records)


def _slot_key(vault_id: bytes, record: SlotRecord, credential: Credential) -> bytearray:
    secret = credential.secret(record.parameters)
    try:
        return kdf.slot_key(secret, vault_id, record.slot_id, record.kind, record.parameters)
    finally:
        wipe(secret)


def _wrap_context(vault_id: bytes, record: SlotRecord) -> bytes:
    parts = (record.slot_id, u8(record.kind), record.parameters, record.public_key)
    return context(vault_id, labels.SLOT_WRAP, 0, *parts)
