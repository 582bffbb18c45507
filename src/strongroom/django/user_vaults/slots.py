"""Wrapping a user key and unwrapping it: pure, without a database.

The construction is that of a vault's key slots (`keys/slots`): a stretched password or the bits of a code go through
HKDF together with everything that names the slot, and the key that comes out wraps the user key in a message of
suite 1. Source: docs/format.md#user-vaults.
"""

from __future__ import annotations

from strongroom.credentials import boxes
from strongroom.crypto import aead, kdf, labels
from strongroom.crypto.labels import context
from strongroom.crypto.mac import Mac
from strongroom.django.user_vaults import escrow
from strongroom.django.user_vaults.models import UserVault, VaultSlot
from strongroom.django.user_vaults.unlocked import USER_KEY_BYTES
from strongroom.errors import Tampered, WrongKey
from strongroom.keys.slots.passphrase import Argon2idProfile, PassphraseCredential, Pbkdf2Profile
from strongroom.keys.slots.recovery import RecoveryCredential
from strongroom.secret import SecretBytes, wipe
from strongroom.wire import counted, text, u8, u32, u64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Credential = PassphraseCredential | RecoveryCredential

SLOTS_MAX = 8
MEMORY_KIB_MAX = 262_144
PBKDF2_ITERATIONS_MAX = 2_000_000
"""A server opens vaults for whoever tries to log in: the ceilings are lower than those of a vault of one's own."""
_WRAPPED_BYTES = USER_KEY_BYTES + aead.OVERHEAD_BYTES
_NUMBERS = {"password": 1, "recovery": 3, "escrow": 64}
_NONE, _ARGON2ID, _PBKDF2, _HPKE = 0, 1, 2, 3


def wrap(slot: VaultSlot, vault: UserVault, credential: Credential, user_key: SecretBytes) -> VaultSlot:
    """Fill *slot*, which has its id, kind and time, with *user_key* wrapped under *credential*; costs one derivation.

    Returns: the same slot, not saved.
    """
    if isinstance(credential, PassphraseCredential):
        profile = credential.profile
        if isinstance(profile, Argon2idProfile):
            slot.algorithm, slot.memory_kib = _ARGON2ID, profile.memory_kib
            slot.iterations, slot.lanes = profile.iterations, profile.lanes
        else:
            slot.algorithm, slot.iterations = _PBKDF2, profile.iterations
        slot.salt = credential.new_parameters()[1 : 1 + kdf.STRETCH_SALT_BYTES]
    else:
        slot.algorithm = _NONE
        slot.salt = credential.new_parameters()
    parameters = _parameters(slot)
    kek = _kek(slot, vault, credential, parameters)
    try:
        slot.wrapped = aead.wrap(kek, user_key.reveal_buffer(), _context(slot, vault, parameters))
    finally:
        wipe(kek)
    return slot


def unwrap(slot: VaultSlot, vault: UserVault, credential: Credential) -> SecretBytes:
    """The user key out of *slot*; costs one derivation, and none if the slot is out of bounds.

    Raises:
        WrongKey: another password or code, or the slot was changed: they cannot be told apart.
        Tampered: the slot is malformed, or out of bounds.
    """
    parameters = _parameters(slot)
    wrapped = stored_bytes(slot.wrapped)
    if len(wrapped) != _WRAPPED_BYTES:
        raise Tampered("malformed slot of a user vault: a wrapped key has one length")
    kek = _kek(slot, vault, credential, parameters)
    try:
        return SecretBytes(aead.unwrap(kek, wrapped, _context(slot, vault, parameters)))
    except Tampered:
        raise WrongKey(f"this does not open the {slot.kind} slot of the user vault") from None
    finally:
        wipe(kek)


def seal(slot: VaultSlot, vault: UserVault, public: bytes, user_key: SecretBytes) -> VaultSlot:
    """Fill *slot* with *user_key* sealed to the public key of an organisation.

    Returns: the same slot, not saved.
    """
    slot.algorithm = _HPKE
    slot.salt = escrow.fingerprint(public)
    slot.wrapped = boxes.seal(public, user_key.reveal_buffer(), info=escrow_info(slot, vault))
    return slot


def escrow_info(slot: VaultSlot, vault: UserVault) -> bytes:
    """What an escrow slot is sealed for: it opens as this slot of this user's vault alone."""
    user = str(vault.user_id).encode("utf-8")
    return context(vault.pk.bytes, labels.USER_ESCROW, 0, slot.pk.bytes, user, stored_bytes(slot.salt))


def proof(vault: UserVault, slots: Sequence[VaultSlot], user_key: SecretBytes) -> bytes:
    """The MAC over a vault's row and all of its slots, under *user_key*."""
    return _mac(vault, user_key).digest(_covered(vault, slots))


def check_proof(vault: UserVault, slots: Sequence[VaultSlot], user_key: SecretBytes) -> None:
    """Say whether the vault and its slots are what was written by who had the user key.

    Raises: Tampered: a slot was added, taken away, changed or brought from another vault.
    """
    try:
        _mac(vault, user_key).verify(_covered(vault, slots), stored_bytes(vault.proof))
    except Tampered:
        raise Tampered(
            "the user vault is not what was written: a slot or its row was changed, added or taken away",
            advice="restore the tables strongroom_user_vaults_uservault and _vaultslot from a backup",
        ) from None


def is_outdated(slot: VaultSlot, profile: Argon2idProfile | Pbkdf2Profile) -> bool:
    """Whether a new slot with *profile* would cost a guesser more, or is of the other kind."""
    if isinstance(profile, Argon2idProfile):
        cost = slot.memory_kib * slot.iterations
        return bool(slot.algorithm != _ARGON2ID or cost < profile.memory_kib * profile.iterations)
    return bool(slot.algorithm != _PBKDF2 or slot.iterations < profile.iterations)


def user_text(user: Any) -> str:
    """A user's primary key as it is bound."""
    return str(user.pk)


def _mac(vault: UserVault, user_key: SecretBytes) -> Mac:
    key = kdf.derive(user_key.reveal_buffer(), labels.PURPOSE_USER_VAULT, vault.pk.bytes, 1)
    try:
        return Mac(key)
    finally:
        wipe(key)


def _kek(slot: VaultSlot, vault: UserVault, credential: Credential, parameters: bytes) -> bytearray:
    secret = credential.secret(parameters)
    try:
        return kdf.slot_key(secret, vault.pk.bytes, slot.pk.bytes, _NUMBERS[slot.kind], parameters)
    finally:
        wipe(secret)


def _context(slot: VaultSlot, vault: UserVault, parameters: bytes) -> bytes:
    return context(
        vault.pk.bytes,
        labels.USER_KEY_WRAP,
        0,
        slot.pk.bytes,
        u8(_NUMBERS[slot.kind]),
        str(vault.user_id).encode("utf-8"),
        parameters,
    )


def _parameters(slot: VaultSlot) -> bytes:
    """The slot's parameters as a vault's slot has them, within bounds; whoever writes the table chose them.

    Raises: Tampered: another kind of slot, or out of bounds.
    """
    salt = stored_bytes(slot.salt)
    if len(salt) != kdf.STRETCH_SALT_BYTES:
        raise _malformed("a salt has 32 bytes")
    cost = (slot.memory_kib, slot.iterations, slot.lanes)
    if slot.kind == VaultSlot.Kind.RECOVERY and slot.algorithm == _NONE and cost == (0, 0, 0):
        return salt
    if slot.kind != VaultSlot.Kind.PASSWORD:
        raise _malformed("no such kind of slot with this algorithm")
    try:
        if any(type(one) is not int for one in cost):
            raise TypeError("a cost is a whole number")
        if slot.algorithm == _ARGON2ID and slot.memory_kib <= MEMORY_KIB_MAX:
            return Argon2idProfile(memory_kib=cost[0], iterations=cost[1], lanes=cost[2]).encode(salt)
        if slot.algorithm == _PBKDF2 and slot.iterations <= PBKDF2_ITERATIONS_MAX and cost[0] == cost[2] == 0:
            return Pbkdf2Profile(iterations=cost[1]).encode(salt)
    except (TypeError, ValueError):
        raise _malformed("its cost is out of bounds") from None
    raise _malformed("its cost is out of bounds")


def _covered(vault: UserVault, slots: Sequence[VaultSlot]) -> bytes:
    if len(slots) > SLOTS_MAX:
        raise _malformed(f"it has more than {SLOTS_MAX} slots")
    try:
        parts = [vault.pk.bytes, text(str(vault.user_id)), u64(vault.created_us), u64(vault.generation)]
        for slot in sorted(slots, key=lambda one: one.pk.bytes):
            costs = u32(slot.memory_kib) + u32(slot.iterations) + u32(slot.lanes)
            parts += [slot.pk.bytes, text(slot.kind), u32(slot.algorithm), costs]
            parts += [counted(stored_bytes(slot.salt)), counted(stored_bytes(slot.wrapped)), u64(slot.created_us)]
    except Exception:
        # SQLite keeps any type in any column; what cannot be spelled was not written here.
        raise _malformed("a column holds what it cannot hold") from None
    return b"".join(parts)


def stored_bytes(value: object) -> bytes:
    """What a column of bytes holds; SQLite keeps any type in any column, and ``bytes`` of a number is so many zeros.

    Raises: Tampered: something else.
    """
    if not isinstance(value, bytes | bytearray | memoryview):
        raise _malformed("a column of bytes holds something else")
    return bytes(value)


def _malformed(why: str) -> Tampered:
    return Tampered(f"malformed slot of a user vault: {why}")
