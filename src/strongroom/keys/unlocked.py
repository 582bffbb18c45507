"""The keys of a vault in memory, and how they go back into header and slots."""

from __future__ import annotations

from strongroom.crypto import labels
from strongroom.crypto.entropy import random_buffer, random_bytes
from strongroom.crypto.mac import Mac
from strongroom.errors import Tampered
from strongroom.keys import sealing
from strongroom.keys.envelope import Envelope
from strongroom.keys.format import (
    CERTIFICATES_MAX,
    ID_BYTES,
    ROOT_KEY_BYTES,
    SLOT_PRIVATE_KEY_BYTES,
    SLOTS_MAX,
    Header,
    SlotRecord,
)
from strongroom.secret import SecretBytes, wipe
from strongroom.wire import u32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.keys.keyset import Keyset
    from strongroom.keys.slots.interface import Credential

_MAC_PURPOSES = {"index": labels.INDEX_KEY, "ledger": labels.LEDGER_KEY, "audit": labels.AUDIT_KEY}


class UnlockedKeys:
    """The keys of a vault. Made by `opening`: `create_keys`, `unlock` and `reload_keys`.

    Attributes:
        header: as it was read or last sealed.
        root_key: 32 bytes, of the header's epoch.
        keyset: the data keys and purpose keys.
        envelope: encrypts rows under the keyset.
        slot_id: the slot that opened it; empty for a new vault.
        is_slot_behind: that slot still starts from the identity of an older epoch; `new_slot`
            with the same credential and slot id brings it up to date.
        is_slot_public: that slot opens what anybody can make (`registry.is_public`): it says nothing
            about who made this vault.
    """

    __slots__ = (
        "_sealed", "envelope", "header", "is_slot_behind", "is_slot_public", "keyset", "root_key", "slot_id",
    )  # fmt: skip

    def __init__(
        self,
        header: Header,
        root_key: SecretBytes,
        keyset: Keyset,
        *,
        slot_id: bytes = b"",
        sealed: tuple[bytes, bytes] = (b"", b""),
    ) -> None:
        self.header = header
        self.root_key = root_key
        self.keyset = keyset
        self.envelope = Envelope(keyset, header.vault_id)
        self.slot_id = slot_id
        self.is_slot_behind = False
        self.is_slot_public = False
        # Body and MAC, as read or last sealed.
        self._sealed = sealed

    def mac(self, purpose: str) -> Mac:
        """HMAC under the newest key for ``"index"``, ``"ledger"`` or ``"audit"``."""
        return Mac(self.keyset.purpose_key(_MAC_PURPOSES[purpose]))

    def macs(self, purpose: str) -> list[Mac]:
        """HMAC under every key there is for a purpose, the newest first."""
        number = _MAC_PURPOSES[purpose]
        return [Mac(self.keyset.purpose_key(number, version)) for version in self.keyset.purpose_versions(number)]

    def has_header(self, body: bytes, mac: bytes) -> bool:
        """Whether this is the header that these keys were read from or last sealed into."""
        return self._sealed == (body, mac)

    def forget_header(self) -> None:
        """These keys are about to be changed: until `seal_header` they are those of no header that is stored.

        If they are not stored after all, whoever looks next reads the stored ones again.
        """
        self._sealed = (b"", b"")

    def check_slots(self, slot_rows: Sequence[tuple[bytes, bytes]]) -> list[SlotRecord]:
        """Authenticate the slots that lie beside the header of `has_header`.

        Args:
            slot_rows: (slot id, record) of every slot.

        Returns: the records, in the order of their ids.
        Raises:
            Tampered: a slot was changed, added or taken away.
            FormatUnsupported: a slot is of a kind that a newer program made.
        """
        body, mac = self._sealed
        sealing.check_header_mac(self.root_key, self.header, body, mac, slot_rows)
        return [SlotRecord.decode(record) for _slot_id, record in sorted(slot_rows)]

    def check_identity(self) -> None:
        """Check that the keyset holds the private part of the header's identity.

        Raises: Tampered: it does not; only a faulty writer holding the root key can have made it so.
        """
        from strongroom.crypto import signatures

        if signatures.public_key(self.keyset.purpose_key(labels.IDENTITY_SEED)) != self.header.identity:
            raise Tampered("the keyset is not of the header's identity")

    def seal_header(self, records: Sequence[SlotRecord]) -> tuple[bytes, bytes]:
        """The header's body with the keyset sealed anew, and its MAC over *records*.

        Args:
            records: every slot of the vault, each from `check_slots` or `new_slot`.

        Raises: ValueError: none, too many, two with one id, or one of another epoch.
        """
        rows = [(record.slot_id, record.encode()) for record in records]
        if not 1 <= len(rows) <= SLOTS_MAX or len(dict(rows)) != len(rows):
            raise ValueError(f"a vault has 1 to {SLOTS_MAX} key slots with ids of their own")
        if any(record.epoch != self.header.epoch for record in records):
            raise ValueError("a key slot was made for another root key")
        self.forget_header()
        self.header.keyset = sealing.seal_keyset(self.root_key, self.header, self.keyset)
        body = self.header.encode()
        self._sealed = (body, sealing.header_mac(self.root_key, self.header, body, rows))
        return self._sealed

    def new_slot(self, credential: Credential, now_us: int, slot_id: bytes | None = None) -> SlotRecord:
        """A slot that *credential* opens; it counts once `seal_header` has covered it.

        Args:
            credential: stays the caller's. A passphrase takes one key derivation.
            now_us: µs since 1970 UTC.
            slot_id: 16 bytes, to replace a slot; None for a new random one.
        """
        from strongroom.crypto import hybrid  # 5 ms that opening a vault does not need

        private_key, public_key = hybrid.generate()
        self.keyset.purpose_key(labels.IDENTITY_SEED)  # `VaultLocked` before the root key's zeros are sealed
        # Of its final size at once: a buffer that grows leaves pieces behind.
        wrapped = bytearray(SLOT_PRIVATE_KEY_BYTES) + self.header.identity + u32(self.header.epoch)
        wrapped += bytes(ROOT_KEY_BYTES)
        wrapped[:SLOT_PRIVATE_KEY_BYTES] = private_key
        wrapped[-ROOT_KEY_BYTES:] = self.root_key.reveal_buffer()
        wipe(private_key)
        try:
            record = SlotRecord(
                kind=credential.kind,
                slot_id=random_bytes(ID_BYTES) if slot_id is None else slot_id,
                created_us=now_us,
                parameters=credential.new_parameters(),
                public_key=public_key,
            )
            record.wrap = sealing.seal_wrap(self.header.vault_id, record, credential, wrapped)
        finally:
            wipe(wrapped)
        self._hand_over(record)
        return record

    def next_epoch(self, records: Sequence[SlotRecord]) -> tuple[UnlockedKeys, list[SlotRecord]]:
        """A new root key and identity, handed to *records* without their secrets.

        Args:
            records: the slots that may open the vault from now on, each from `check_slots`.

        Returns: new keys beside these, and the records to store; `seal_header` comes next.
        Raises: ValueError: 1,024 certificates already.
        """
        from strongroom.crypto import signatures
        from strongroom.keys import identity

        old = self.header
        if len(old.certificates) >= CERTIFICATES_MAX:
            raise ValueError(f"a vault has at most {CERTIFICATES_MAX} identity certificates")
        seed = self.keyset.purpose_key(labels.IDENTITY_SEED)
        keyset = self.keyset.copy()
        keyset.add_purpose_key(labels.IDENTITY_SEED)
        # The certificate is all that is left of the old identity; its seed would fill the keyset up.
        keyset.drop_old_purpose_keys(labels.IDENTITY_SEED)
        successor = signatures.public_key(keyset.purpose_key(labels.IDENTITY_SEED))
        header = Header(
            vault_id=old.vault_id,
            lineage=old.lineage,
            epoch=old.epoch + 1,
            created_us=old.created_us,
            identity=successor,
            certificates=(*old.certificates, identity.certify(seed, old.vault_id, old.epoch + 1, successor)),
            recipients=old.recipients,
            format=old.format,
        )
        keys = UnlockedKeys(header, SecretBytes(random_buffer(ROOT_KEY_BYTES)), keyset, slot_id=self.slot_id)
        keys.is_slot_behind = True
        handed = [SlotRecord.decode(record.encode()) for record in records]
        for record in handed:
            keys._hand_over(record)
        return keys, handed

    def wipe(self) -> None:
        """Overwrite root key and keyset; `envelope` fails with `VaultLocked` afterwards."""
        self.keyset.wipe()
        self.root_key.wipe()

    def _hand_over(self, record: SlotRecord) -> None:
        from strongroom.keys import identity

        seed = self.keyset.purpose_key(labels.IDENTITY_SEED)
        identity.hand_over(self.root_key, seed, self.header, record)

    def __repr__(self) -> str:
        return f"UnlockedKeys(vault {self.header.vault_id.hex()}, epoch {self.header.epoch}, <hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("unlocked keys cannot be pickled or copied")
