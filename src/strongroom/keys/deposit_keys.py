"""The keys of deposits: the vault's, which opens them, its notice, and the depositor's own.

Bytes in, bytes out; where they lie is others' business. Source: docs/format.md#deposits.
"""

from __future__ import annotations

from strongroom.crypto import hybrid, kdf, labels, signatures
from strongroom.crypto.digest import sha256
from strongroom.crypto.entropy import random_buffer
from strongroom.crypto.labels import context
from strongroom.errors import FormatUnsupported, NotFound, RolledBack, Tampered, WrongKey
from strongroom.keys import identity
from strongroom.keys.format import (
    CERTIFICATES_MAX,
    ID_BYTES,
    IDENTITY_BYTES,
    SIGNATURE_BYTES,
    SLOT_PUBLIC_KEY_BYTES,
    Certificate,
    Header,
)
from strongroom.keys.slots.key_file import from_hex, to_hex
from strongroom.secret import HiddenBuffer, SecretBytes, wipe
from strongroom.wire import Reader, u8, u32, u64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.keys.keyset import Keyset
    from strongroom.keys.unlocked import UnlockedKeys

OVERHEAD_BYTES = hybrid.OVERHEAD_BYTES

_NOTICE_MAGIC = b"SRDK"
_FORM = 1
_FILE_MAGIC = b"strongroom-depositor-v1"
# Hex digits between the colons: vault id, depositor id, epoch, identity, seed, checksum.
_FILE_DIGITS = (32, 32, 8, 64, 64, 8)
_FILE_BYTES = len(_FILE_MAGIC) + sum(_FILE_DIGITS) + len(_FILE_DIGITS) + 1


class PinnedVault:
    """What a depositor knows for certain of the vault that it writes to.

    Attributes:
        vault_id: 16 bytes.
        identity: 32 bytes, the vault's Ed25519 public key since *epoch*.
    """

    __slots__ = ("epoch", "identity", "vault_id")

    def __init__(self, vault_id: bytes, epoch: int, identity: bytes) -> None:
        self.vault_id = vault_id
        self.epoch = epoch
        self.identity = identity


class DepositorKey:
    """A depositor's own key: it signs deposits and opens nothing.

    Args:
        pinned: the vault.
        depositor_id: 16 bytes.
        seed: 32 bytes of an Ed25519 key; taken over, overwritten by `wipe`.
    """

    __slots__ = ("_seed", "depositor_id", "pinned")

    def __init__(self, pinned: PinnedVault, depositor_id: bytes, seed: bytearray) -> None:
        self.pinned = pinned
        self.depositor_id = depositor_id
        self._seed = SecretBytes(seed)

    def public_key(self) -> bytes:
        """32 bytes, for the vault."""
        return signatures.public_key(self._seed.reveal_buffer())

    def sign(self, version: int, deposit_id: bytes, counter: int, sealed: bytes) -> bytes:
        """The signature over one deposit, 64 bytes."""
        parts = (deposit_id, self.depositor_id, u64(counter), sealed)
        message = context(self.pinned.vault_id, labels.DEPOSIT_SIGNATURE, version, *parts)
        return signatures.sign(self._seed.reveal_buffer(), message)

    def encode(self) -> bytearray:
        """The depositor's file, which the caller wipes."""
        pinned = self.pinned
        # Of its final size at once: a buffer that grows leaves pieces behind.
        line = HiddenBuffer(_FILE_BYTES)
        line[: len(_FILE_MAGIC)] = _FILE_MAGIC
        seed = HiddenBuffer(self._seed.reveal_buffer())
        place = len(_FILE_MAGIC)
        for word in (pinned.vault_id, self.depositor_id, u32(pinned.epoch), pinned.identity, seed):
            line[place] = ord(":")
            to_hex(word, line, place + 1)
            place += 1 + 2 * len(word)
        wipe(seed)
        line[place] = ord(":")
        line[place + 1 :] = _checksum(memoryview(line)[:place]) + b"\n"
        return line

    def wipe(self) -> None:
        """Overwrite the key."""
        self._seed.wipe()

    def __repr__(self) -> str:
        return f"DepositorKey({self.depositor_id.hex()}, <hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a depositor's key cannot be pickled or copied")


def new_depositor_key(keys: UnlockedKeys, depositor_id: bytes) -> DepositorKey:
    """A new key for a depositor, which pins the vault's identity of today."""
    header = keys.header
    pinned = PinnedVault(header.vault_id, header.epoch, header.identity)
    return DepositorKey(pinned, depositor_id, random_buffer(signatures.SEED_BYTES))


def decode_depositor_key(data: bytearray) -> DepositorKey:
    """Read a depositor's file, which is wiped. A missing newline is forgiven.

    Raises: WrongKey: it is none, or damaged.
    """
    try:
        view = memoryview(data)[: _FILE_BYTES - 1]
        if len(data) - data.endswith(b"\n") != _FILE_BYTES - 1 or view[: len(_FILE_MAGIC)] != _FILE_MAGIC:
            raise WrongKey("this is not a strongroom depositor's file", advice="see: strongroom deposit --help")
        place = len(_FILE_MAGIC)
        parts = []
        for digits in _FILE_DIGITS:
            parts.append(view[place + 1 : place + 1 + digits])
            place += 1 + digits
        vault_id, depositor_id, epoch, identity_key, seed, checksum = parts
        if data.count(b":") != len(parts) or _checksum(view[: -len(checksum) - 1]) != bytes(checksum):
            raise WrongKey("the depositor's file is damaged", advice="make another: strongroom deposit add-key")
        pinned = PinnedVault(
            bytes(from_hex(vault_id)), int.from_bytes(from_hex(epoch), "big"), bytes(from_hex(identity_key))
        )
        return DepositorKey(pinned, bytes(from_hex(depositor_id)), from_hex(seed))
    finally:
        wipe(data)


def _checksum(line: memoryview) -> bytes:
    return sha256(line)[:4].hex().encode("ascii")


def ensure_deposit_seed(keyset: Keyset) -> bool:
    """Make the first deposit key, if there is none. Returns: whether it was made; the header must be sealed then."""
    if keyset.purpose_versions(labels.DEPOSIT_SEED):
        return False
    keyset.add_purpose_key(labels.DEPOSIT_SEED)
    return True


def renew_deposit_seed(keyset: Keyset) -> None:
    """With a new root key: another deposit key, if there is one. The one before stays, for what is under way."""
    if keyset.purpose_versions(labels.DEPOSIT_SEED):
        keyset.add_purpose_key(labels.DEPOSIT_SEED)
        keyset.drop_old_purpose_keys(labels.DEPOSIT_SEED, keep=2)


def has_deposit_key(keys: UnlockedKeys) -> bool:
    """Whether the vault has a deposit key."""
    return bool(keys.keyset.purpose_versions(labels.DEPOSIT_SEED))


def is_newest_notice(keys: UnlockedKeys, data: bytes) -> bool:
    """Whether a notice, as it lies in the inbox, is of today's epoch, identity and deposit key."""
    return data.startswith(_notice_head(keys.header, keys.keyset.purpose_versions(labels.DEPOSIT_SEED)[0]))


def _notice_head(header: Header, version: int) -> bytes:
    return b"".join((_NOTICE_MAGIC, u8(_FORM), header.vault_id, u32(header.epoch), u32(version)))


def make_notice(keys: UnlockedKeys) -> bytes:
    """The signed notice of the newest deposit key.

    Raises: IndexError: there is no deposit key.
    """
    header = keys.header
    version = keys.keyset.purpose_versions(labels.DEPOSIT_SEED)[0]
    private = _private_key(keys, version)
    public = hybrid.public_key(private)
    wipe(private)
    message = context(header.vault_id, labels.DEPOSIT_KEY, header.epoch, u32(version), public, header.identity)
    certificates = [u32(link.epoch) + link.identity + link.signature for link in header.certificates]
    signature = signatures.sign(keys.keyset.purpose_key(labels.IDENTITY_SEED), message)
    head = _notice_head(header, version)
    return b"".join((head, public, header.identity, u32(len(certificates)), *certificates, signature))


def check_notice(data: bytes, pinned: PinnedVault) -> tuple[int, bytes]:
    """The version of the deposit key and the key itself, if the pinned vault has signed it.

    Raises:
        Tampered: another vault's, or signed by somebody else.
        RolledBack: it is older than what the depositor's file knows.
        FormatUnsupported: written by a newer program.
    """
    reader = Reader(data, "deposit key notice")
    if reader.take(len(_NOTICE_MAGIC)) != _NOTICE_MAGIC:
        raise reader.malformed("it does not begin like one")
    if reader.u8() != _FORM:
        raise FormatUnsupported("the deposit key was written by a newer strongroom", advice="upgrade strongroom")
    vault_id, epoch, version = reader.take(ID_BYTES), reader.u32(), reader.u32()
    public, identity_key = reader.take(SLOT_PUBLIC_KEY_BYTES), reader.take(IDENTITY_BYTES)
    certificates = tuple(
        Certificate(reader.u32(), reader.take(IDENTITY_BYTES), reader.take(SIGNATURE_BYTES))
        for _ in range(reader.count(CERTIFICATES_MAX))
    )
    signature = reader.take(SIGNATURE_BYTES)
    reader.finish()
    if vault_id != pinned.vault_id:
        raise Tampered("the deposit key is another vault's", advice="whose depositor's file is this?")
    if epoch < pinned.epoch:
        raise RolledBack(f"the deposit key went back from epoch {pinned.epoch} to {epoch}")
    header = Header(
        vault_id=vault_id,
        lineage=bytes(ID_BYTES),
        epoch=epoch,
        created_us=0,
        identity=identity_key,
        certificates=certificates,
    )
    if identity.follow(header, pinned.identity, pinned.epoch) != identity_key:
        raise Tampered("the deposit key was not signed by this vault")
    message = context(vault_id, labels.DEPOSIT_KEY, epoch, u32(version), public, identity_key)
    signatures.verify(identity_key, message, signature)
    return version, public


def deposit_info(vault_id: bytes, version: int, deposit_id: bytes, depositor_id: bytes, counter: int) -> bytes:
    """The HPKE ``info`` of one deposit."""
    return context(vault_id, labels.DEPOSIT, version, deposit_id, depositor_id, u64(counter))


def seal_deposit(public: bytes, plaintext: bytes | bytearray, info: bytes) -> bytes:
    """Seal a deposit to a key from `check_notice`."""
    return hybrid.seal(public, plaintext, info)


def open_deposit(keys: UnlockedKeys, version: int, sealed: bytes, info: bytes) -> bytearray:
    """Open a deposit.

    Returns: its plaintext, which the caller wipes.
    Raises:
        NotFound: this version of the deposit key is gone, or never was.
        Tampered: it was not sealed to this key with this *info*.
    """
    if version not in keys.keyset.purpose_versions(labels.DEPOSIT_SEED):
        raise NotFound("it was sealed to a deposit key that this vault does not have (any more)")
    private = _private_key(keys, version)
    try:
        return hybrid.open_sealed(private, sealed, info)
    finally:
        wipe(private)


def check_signature(
    public: bytes,
    vault_id: bytes,
    version: int,
    deposit_id: bytes,
    depositor_id: bytes,
    counter: int,
    sealed: bytes,
    signature: bytes,
) -> None:
    """Check a deposit's signature.

    Raises: Tampered: it is not this depositor's.
    """
    parts = (deposit_id, depositor_id, u64(counter), sealed)
    signatures.verify(public, context(vault_id, labels.DEPOSIT_SIGNATURE, version, *parts), signature)


def _private_key(keys: UnlockedKeys, version: int) -> bytearray:
    seed = keys.keyset.purpose_key(labels.DEPOSIT_SEED, version)
    return kdf.deposit_private_key(seed, keys.header.vault_id, version)
