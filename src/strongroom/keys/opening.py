"""Unlocking: from a credential to the keys of a vault.

Nothing in the store is believed before the last step of `unlock` has passed. Bounds
of every slot are checked before any key derivation runs; a passphrase costs one
derivation for each passphrase slot that it does not open, of which there are at most
32. Source: docs/format.md#key-slots.
"""

from __future__ import annotations

from strongroom.crypto import labels
from strongroom.crypto.entropy import random_buffer
from strongroom.errors import FormatUnsupported, RolledBack, Tampered, VaultLocked, WrongKey
from strongroom.keys import sealing
from strongroom.keys.format import (
    IDENTITY_BYTES,
    ROOT_KEY_BYTES,
    SLOT_PRIVATE_KEY_BYTES,
    SLOTS_MAX,
    Header,
    SlotRecord,
)
from strongroom.keys.keyset import Keyset
from strongroom.keys.slots import registry
from strongroom.keys.unlocked import UnlockedKeys
from strongroom.secret import SecretBytes, wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.keys.slots.interface import Credential

    SlotRow = tuple[bytes, bytes]

__all__ = ["UnlockedKeys", "create_keys", "reload_keys", "reopen_keys", "unlock"]

_RESTORE = "restore a backup: strongroom restore-backup"
_NO_SLOT = f"""\
a recovery code is taken in the place of the passphrase
if it is surely the right one, the vault was changed: try another key, or {_RESTORE}"""


def create_keys(vault_id: bytes, lineage: bytes, now_us: int) -> UnlockedKeys:
    """The keys of a new vault; it has no slot yet.

    Args:
        vault_id: 16 random bytes.
        lineage: 16 random bytes.
        now_us: µs since 1970 UTC.
    """
    from strongroom.crypto import signatures

    keyset = Keyset.generate(now_us)
    header = Header(
        vault_id=vault_id,
        lineage=lineage,
        epoch=1,
        created_us=now_us,
        identity=signatures.public_key(keyset.purpose_key(labels.IDENTITY_SEED)),
    )
    return UnlockedKeys(header, SecretBytes(random_buffer(ROOT_KEY_BYTES)), keyset)


def unlock(body: bytes, mac: bytes, slot_rows: Sequence[SlotRow], credential: Credential) -> UnlockedKeys:
    """Open the vault with *credential*.

    A slot that is damaged is passed over, so that it cannot make the right credential
    look wrong; once another slot opens, the header MAC, which covers them all, refuses.

    Args:
        body: of the header row.
        mac: of the header row.
        slot_rows: (slot id, record) of every slot.
        credential: stays the caller's.

    Raises:
        WrongKey: it opens no slot; the same for every reason.
        Tampered: a slot opened, but what follows does not hold; or none did and some are damaged.
        FormatUnsupported: written by a newer program.
    """
    header = Header.decode(body)
    records, flaws = _decode_each(slot_rows)
    candidates = [record for record in records if credential.may_open(record)]
    for record in candidates:
        try:
            wrapped = sealing.open_wrap(header.vault_id, record, credential)
        except Tampered:
            # A wrong passphrase and a changed wrap look the same: both lead to the next slot.
            continue
        try:
            root_key, floor = _receive_root_key(header, record, wrapped)
        finally:
            wipe(wrapped)
        keys = _open_header(header, body, mac, slot_rows, root_key, record.slot_id)
        keys.is_slot_behind = floor < header.epoch
        keys.is_slot_public = registry.is_public(record.kind)
        if keys.is_slot_public:
            _prove_identity(keys)
        return keys
    raise _no_slot_opens(flaws, has_candidates=bool(candidates))


def reload_keys(keys: UnlockedKeys, body: bytes, mac: bytes, slot_rows: Sequence[SlotRow]) -> UnlockedKeys:
    """Read a header that another program has sealed meanwhile, with the root key in hand.

    Args:
        keys: of the same vault; wiped once the new ones are made, untouched when that fails.

    Raises: VaultLocked, RolledBack, Tampered: as `reopen_keys`.
    """
    new = reopen_keys(keys, body, mac, slot_rows)
    keys.wipe()
    return new


def reopen_keys(keys: UnlockedKeys, body: bytes, mac: bytes, slot_rows: Sequence[SlotRow]) -> UnlockedKeys:
    """Read a header of the same vault, here or in a copy, with the root key in hand.

    Args:
        keys: untouched.

    Raises:
        VaultLocked: there is a new root key, which only a credential opens.
        RolledBack: there is an older one.
        Tampered: the header is not of this vault, or not what was written.
    """
    header = Header.decode(body)
    if header.vault_id != keys.header.vault_id:
        raise Tampered("the header of another vault was put in place")
    if header.epoch > keys.header.epoch:
        raise VaultLocked("the root key was rotated meanwhile", advice="open the vault again")
    if header.epoch < keys.header.epoch:
        raise RolledBack(f"the root key went back from epoch {keys.header.epoch} to {header.epoch}", advice=_RESTORE)
    root_key = SecretBytes(keys.root_key.reveal_buffer())
    new = _open_header(header, body, mac, slot_rows, root_key, keys.slot_id)
    new.is_slot_behind = keys.is_slot_behind
    new.is_slot_public = keys.is_slot_public
    return new


def _receive_root_key(header: Header, record: SlotRecord, wrapped: bytearray) -> tuple[SecretBytes, int]:
    """From an opened wrap to the root key and the slot's epoch floor.

    Most slots have seen the newest root key and hold it; the others get it by handover.
    """
    end = SLOT_PRIVATE_KEY_BYTES + IDENTITY_BYTES
    pinned = bytes(wrapped[SLOT_PRIVATE_KEY_BYTES:end])
    floor = int.from_bytes(wrapped[end:-ROOT_KEY_BYTES], "big")
    if header.epoch < floor:
        raise RolledBack(f"the root key went back from epoch {floor} to {header.epoch}", advice=_RESTORE)
    if header.epoch > floor:
        return _receive_handover(header, record, wrapped, pinned, floor), floor
    if header.identity != pinned:
        raise _strange_identity()
    return SecretBytes(wrapped[-ROOT_KEY_BYTES:]), floor


def _receive_handover(
    header: Header, record: SlotRecord, wrapped: bytearray, pinned: bytes, floor: int
) -> SecretBytes:
    from strongroom.keys import identity  # HPKE and Ed25519: 5 ms that a slot of this epoch does not need

    if identity.follow(header, pinned, floor) != header.identity:
        raise _strange_identity()
    private_key = wrapped[:SLOT_PRIVATE_KEY_BYTES]
    try:
        return SecretBytes(identity.receive(header, record, private_key))
    finally:
        wipe(private_key)


def _prove_identity(keys: UnlockedKeys) -> None:
    """Whoever makes a vault for a recipient writes any identity into it, and has the private key of his own alone."""
    try:
        keys.check_identity()
    except BaseException:
        keys.wipe()
        raise


def _strange_identity() -> Tampered:
    return Tampered("the vault's identity is not the one that this key slot leads to", advice=_RESTORE)


def _open_header(
    header: Header, body: bytes, mac: bytes, slot_rows: Sequence[SlotRow], root_key: SecretBytes, slot_id: bytes
) -> UnlockedKeys:
    """The last steps; *root_key* is wiped when one of them fails."""
    try:
        sealing.check_header_mac(root_key, header, body, mac, slot_rows)
        keyset = sealing.open_keyset(root_key, header)
        keys = UnlockedKeys(header, root_key, keyset, slot_id=slot_id, sealed=(body, mac))
    except BaseException:
        root_key.wipe()
        raise
    return keys


def _decode_each(slot_rows: Sequence[SlotRow]) -> tuple[list[SlotRecord], list[Tampered | FormatUnsupported]]:
    if len(slot_rows) > SLOTS_MAX:
        raise Tampered(f"there are more than {SLOTS_MAX} key slots", advice=_RESTORE)
    records: list[SlotRecord] = []
    flaws: list[Tampered | FormatUnsupported] = []
    for _slot_id, record in slot_rows:
        try:
            records.append(SlotRecord.decode(record))
        except (Tampered, FormatUnsupported) as error:
            flaws.append(error)
    return records, flaws


def _no_slot_opens(
    flaws: list[Tampered | FormatUnsupported], *, has_candidates: bool
) -> WrongKey | Tampered | FormatUnsupported:
    damaged = tuple(str(flaw) for flaw in flaws if isinstance(flaw, Tampered))
    if damaged:
        message = f"{len(damaged)} of the key slots are damaged, and no other one opens"
        return Tampered(message, advice=_RESTORE, findings=damaged)
    if flaws and not has_candidates:
        return FormatUnsupported(str(flaws[0]), advice=flaws[0].advice)
    # A slot that was changed cannot be told from a wrong passphrase: only the key that it would give says which it is.
    return WrongKey("no key slot opens with this", advice=_NO_SLOT)
