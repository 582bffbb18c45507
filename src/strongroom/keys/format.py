"""The bytes of the header and of a key slot's record.

Decoders are pure, bounded and total, and refuse every parameter that is out of
bounds, so that no key derivation runs on a cost that somebody planted. Nothing here
is authenticated; `opening` does that. Source: docs/format.md#header, #key-slots.
"""

from __future__ import annotations

from strongroom.crypto import labels
from strongroom.errors import FormatUnsupported
from strongroom.keys.slots import registry
from strongroom.wire import Reader, counted, u8, u32, u64

SLOTS_MAX = 32
CERTIFICATES_MAX = 1_024
RECIPIENTS_MAX = 64
RECIPIENT_BYTES_MAX = 4_096
KEYSET_BYTES_MAX = 131_072

ID_BYTES = 16
IDENTITY_BYTES = 32
SIGNATURE_BYTES = 64
SLOT_PUBLIC_KEY_BYTES = 1_216
SLOT_PRIVATE_KEY_BYTES = 96
ROOT_KEY_BYTES = 32
WRAP_BYTES = 236
HANDOVER_BYTES = 1_168

_HEADER_MAGIC = b"SRVAULT\0"
_SLOT_MAGIC = b"SRSL"
_SLOT_FORM = 1


class Certificate:
    """One link of the identity chain: the identity from *epoch* on, signed by the one before."""

    __slots__ = ("epoch", "identity", "signature")

    def __init__(self, epoch: int, identity: bytes, signature: bytes) -> None:
        self.epoch = epoch
        self.identity = identity
        self.signature = signature


class Header:
    """What there is once per vault.

    Attributes:
        vault_id: 16 bytes, for good.
        lineage: 16 bytes; another one after a backup was restored.
        epoch: counts root keys, from 1.
        created_us: µs since 1970 UTC.
        identity: Ed25519 public key of this epoch.
        certificates: ascending epochs; how older identities lead to this one.
        recipients: pinned public keys, each 1 to 4,096 bytes.
        keyset: the sealed keyset.
        format: of the vault; the store says it, too.
    """

    __slots__ = (
        "certificates", "created_us", "epoch", "format", "identity", "keyset", "lineage", "recipients", "vault_id",
    )  # fmt: skip

    def __init__(
        self,
        *,
        vault_id: bytes,
        lineage: bytes,
        epoch: int,
        created_us: int,
        identity: bytes,
        certificates: tuple[Certificate, ...] = (),
        recipients: tuple[bytes, ...] = (),
        keyset: bytes = b"",
        format: int | None = None,
    ) -> None:
        self.format = labels.FORMAT if format is None else format
        self.vault_id = vault_id
        self.lineage = lineage
        self.epoch = epoch
        self.created_us = created_us
        self.identity = identity
        self.certificates = certificates
        self.recipients = recipients
        self.keyset = keyset

    def encode(self) -> bytes:
        """The header's body."""
        parts = [
            _HEADER_MAGIC,
            u8(self.format),
            u8(labels.SUITE),
            self.vault_id,
            self.lineage,
            u32(self.epoch),
            u64(self.created_us),
            u64(0),
            self.identity,
            u32(len(self.certificates)),
        ]
        parts += [u32(link.epoch) + link.identity + link.signature for link in self.certificates]
        parts.append(u32(len(self.recipients)))
        parts += [counted(recipient) for recipient in self.recipients]
        parts.append(counted(self.keyset))
        return b"".join(parts)

    @staticmethod
    def decode(body: bytes) -> Header:
        """Read a header's body.

        Raises:
            FormatUnsupported: another format, suite or flag.
            Tampered: anything else that is not what `encode` writes.
        """
        reader = Reader(body, "header")
        if reader.take(len(_HEADER_MAGIC)) != _HEADER_MAGIC:
            raise reader.malformed("it does not begin like one")
        format = reader.u8()
        if not 0 < format <= labels.FORMAT or reader.u8() != labels.SUITE:
            raise FormatUnsupported("this vault was written by a newer strongroom", advice="upgrade strongroom")
        vault_id = reader.take(ID_BYTES)
        lineage = reader.take(ID_BYTES)
        epoch = reader.u32()
        if epoch < 1:
            raise reader.malformed("epochs count from 1")
        created_us = reader.u64()
        if reader.u64() != 0:
            raise FormatUnsupported("this vault uses a feature of a newer strongroom", advice="upgrade strongroom")
        header = Header(
            vault_id=vault_id,
            lineage=lineage,
            epoch=epoch,
            created_us=created_us,
            identity=reader.take(IDENTITY_BYTES),
            certificates=_read_certificates(reader, epoch),
            recipients=_read_recipients(reader),
            keyset=reader.counted(KEYSET_BYTES_MAX),
            format=format,
        )
        reader.finish()
        return header


class SlotRecord:
    """One way to open the root key.

    Attributes:
        kind: a number of `registry.KINDS`.
        slot_id: 16 bytes.
        created_us: µs since 1970 UTC; when the slot was made or its secret last changed.
        parameters: of the key derivation; which depends on the kind.
        public_key: 1,216 bytes; the root key is sealed to it.
        wrap: 204 bytes; the private key, sealed under the slot's key-encryption key.
        epoch: of the root key handed over.
        handover: 1,168 bytes; the sealed root key.
        signature: 64 bytes; the vault identity's, over the handover.
    """

    __slots__ = (
        "created_us",
        "epoch",
        "handover",
        "kind",
        "parameters",
        "public_key",
        "signature",
        "slot_id",
        "wrap",
    )

    def __init__(
        self,
        *,
        kind: int,
        slot_id: bytes,
        created_us: int,
        parameters: bytes,
        public_key: bytes,
        wrap: bytes = b"",
        epoch: int = 0,
        handover: bytes = b"",
        signature: bytes = b"",
    ) -> None:
        self.kind = kind
        self.slot_id = slot_id
        self.created_us = created_us
        self.parameters = parameters
        self.public_key = public_key
        self.wrap = wrap
        self.epoch = epoch
        self.handover = handover
        self.signature = signature

    def encode(self) -> bytes:
        """The record's bytes."""
        return b"".join(
            (
                _SLOT_MAGIC,
                u8(_SLOT_FORM),
                u8(self.kind),
                self.slot_id,
                u64(self.created_us),
                counted(self.parameters),
                self.public_key,
                self.wrap,
                u32(self.epoch),
                self.handover,
                self.signature,
            )
        )

    @staticmethod
    def decode(data: bytes) -> SlotRecord:
        """Read a record; its kind and every parameter are within bounds afterwards.

        Raises:
            FormatUnsupported: another form, kind or key derivation.
            Tampered: anything else that is not what `encode` writes.
        """
        reader = Reader(data, "slot record")
        if reader.take(len(_SLOT_MAGIC)) != _SLOT_MAGIC:
            raise reader.malformed("it does not begin like one")
        if reader.u8() != _SLOT_FORM:
            raise FormatUnsupported("a key slot was written by a newer strongroom", advice="upgrade strongroom")
        kind = reader.u8()
        parameters_bytes_max = registry.parameters_bytes_max(kind)
        record = SlotRecord(
            kind=kind,
            slot_id=reader.take(ID_BYTES),
            created_us=reader.u64(),
            parameters=reader.counted(parameters_bytes_max),
            public_key=reader.take(SLOT_PUBLIC_KEY_BYTES),
            wrap=reader.take(WRAP_BYTES),
            epoch=reader.u32(),
            handover=reader.take(HANDOVER_BYTES),
            signature=reader.take(SIGNATURE_BYTES),
        )
        reader.finish()
        registry.check_parameters(record.kind, record.parameters)
        return record


def claimed_slot_id(record: bytes) -> bytes:
    """The id in a slot record of any form or kind: its place is the same in all of them."""
    start = len(_SLOT_MAGIC) + 2
    return record[start : start + ID_BYTES]


def _read_certificates(reader: Reader, epoch: int) -> tuple[Certificate, ...]:
    links = []
    # The first identity, of epoch 1, has no certificate.
    before = 1
    for _ in range(reader.count(CERTIFICATES_MAX)):
        link = Certificate(reader.u32(), reader.take(IDENTITY_BYTES), reader.take(SIGNATURE_BYTES))
        if not before < link.epoch <= epoch:
            raise reader.malformed("its certificates are out of order")
        before = link.epoch
        links.append(link)
    return tuple(links)


def _read_recipients(reader: Reader) -> tuple[bytes, ...]:
    recipients = tuple(reader.counted(RECIPIENT_BYTES_MAX) for _ in range(reader.count(RECIPIENTS_MAX)))
    if not all(recipients):
        raise reader.malformed("a recipient is empty")
    return recipients
