"""Header and slot record: what is written, and what is refused to be read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.crypto import labels
from strongroom.errors import FormatUnsupported, Tampered
from strongroom.keys.format import Certificate, Header, SlotRecord, claimed_slot_id
from strongroom.wire import u8, u32

HEADER = Header(
    vault_id=bytes(range(16)),
    lineage=bytes(range(16, 32)),
    epoch=3,
    created_us=5,
    identity=b"I" * 32,
    certificates=(Certificate(2, b"J" * 32, b"S" * 64), Certificate(3, b"I" * 32, b"T" * 64)),
    recipients=(b"recipient",),
    keyset=b"sealed keyset",
)
ARGON2ID = u8(1) + b"s" * 32 + u32(65_536) + u32(3) + u32(4)
PBKDF2 = u8(2) + b"s" * 32 + u32(600_000)


def _record(kind: int = 1, parameters: bytes = ARGON2ID) -> SlotRecord:
    return SlotRecord(
        kind=kind,
        slot_id=b"slot id 16 bytes",
        created_us=7,
        parameters=parameters,
        public_key=b"P" * 1_216,
        wrap=b"W" * 236,
        epoch=3,
        handover=b"H" * 1_168,
        signature=b"S" * 64,
    )


def test_the_header_is_laid_out_as_documented() -> None:
    body = HEADER.encode()
    assert body.startswith(b"SRVAULT\0\x01\x01" + bytes(range(32)) + u32(3))
    assert body.endswith(u32(1) + u32(9) + b"recipient" + u32(13) + b"sealed keyset")
    assert len(body) == 8 + 2 + 16 + 16 + 4 + 8 + 8 + 32 + 4 + 2 * 100 + 4 + 13 + 17


def test_a_header_reads_back_the_same() -> None:
    header = Header.decode(HEADER.encode())
    assert header.encode() == HEADER.encode()
    assert (header.epoch, header.created_us, header.recipients, header.keyset) == (3, 5, (b"recipient",), HEADER.keyset)
    assert [link.epoch for link in header.certificates] == [2, 3]


def test_no_header_that_was_cut_or_extended_is_read() -> None:
    body = HEADER.encode()
    for end in range(len(body)):
        with pytest.raises(Tampered):
            Header.decode(body[:end])
    with pytest.raises(Tampered, match="left over"):
        Header.decode(body + b"\0")


def _at(position: int, new: bytes) -> Callable[[bytes], bytes]:
    return lambda data: data[:position] + new + data[position + len(new) :]


# Positions: magic 0, format 8, suite 9, epoch 42, flags 54, certificates 94.
BAD_HEADERS: dict[str, tuple[Callable[[bytes], bytes], type[Exception]]] = {
    "other magic": (_at(0, b"X"), Tampered),
    "format 0": (_at(8, b"\0"), FormatUnsupported),
    "format 2": (_at(8, b"\2"), FormatUnsupported),
    "suite 2": (_at(9, b"\2"), FormatUnsupported),
    "epoch 0": (_at(42, u32(0)), Tampered),
    "epoch before its certificates": (_at(42, u32(2)), Tampered),
    "a flag": (_at(61, b"\1"), FormatUnsupported),
    "too many certificates": (_at(94, u32(1_025)), Tampered),
    "certificate of epoch 1": (_at(98, u32(1)), Tampered),
    "certificates out of order": (_at(98, u32(3)), Tampered),
    "too many recipients": (_at(298, u32(65)), Tampered),
    "recipient too long": (_at(302, u32(4_097)), Tampered),
    "recipient longer than the header": (_at(302, u32(4_000)), Tampered),
    "keyset too long": (_at(315, u32(131_073)), Tampered),
}


@pytest.mark.parametrize("case", BAD_HEADERS)
def test_a_header_out_of_bounds_is_refused(case: str) -> None:
    change, error = BAD_HEADERS[case]
    with pytest.raises(error):
        Header.decode(change(HEADER.encode()))


def test_an_empty_recipient_is_refused() -> None:
    header = Header.decode(HEADER.encode())
    header.recipients = (b"",)
    with pytest.raises(Tampered, match="recipient"):
        Header.decode(header.encode())


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [(1, ARGON2ID), (1, PBKDF2), (2, bytes(16)), (3, bytes(32))],
    ids=lambda value: str(value)[:8],
)
def test_a_slot_record_reads_back_the_same(kind: int, parameters: bytes) -> None:
    data = _record(kind, parameters).encode()
    record = SlotRecord.decode(data)
    assert record.encode() == data
    assert (record.kind, record.parameters, record.created_us, record.epoch) == (kind, parameters, 7, 3)
    assert claimed_slot_id(data) == record.slot_id == b"slot id 16 bytes"


def test_the_slot_record_is_laid_out_as_documented() -> None:
    data = _record().encode()
    assert data.startswith(b"SRSL\x01\x01slot id 16 bytes" + bytes(7) + b"\x07" + u32(45) + ARGON2ID + b"P")
    assert len(data) == 4 + 1 + 1 + 16 + 8 + 4 + 45 + 1_216 + 236 + 4 + 1_168 + 64


def test_no_slot_record_that_was_cut_or_extended_is_read() -> None:
    data = _record().encode()
    for end in range(len(data)):
        with pytest.raises(Tampered):
            SlotRecord.decode(data[:end])
    with pytest.raises(Tampered, match="left over"):
        SlotRecord.decode(data + b"\0")


def _argon2id(memory_kib: int, iterations: int, lanes: int) -> bytes:
    return u8(1) + b"s" * 32 + u32(memory_kib) + u32(iterations) + u32(lanes)


BAD_PARAMETERS: dict[str, tuple[int, bytes, type[Exception]]] = {
    "kind 0": (0, b"", FormatUnsupported),
    "kind 7": (7, bytes(16), FormatUnsupported),
    "algorithm 3": (1, u8(3) + ARGON2ID[1:], FormatUnsupported),
    "no parameters": (1, b"", Tampered),
    "memory below the bound": (1, _argon2id(19_455, 3, 4), Tampered),
    "memory above the bound": (1, _argon2id(2_097_153, 3, 4), Tampered),
    "memory of 4 TiB": (1, _argon2id(0xFFFF_FFFF, 3, 4), Tampered),
    "no iterations": (1, _argon2id(65_536, 0, 4), Tampered),
    "too many iterations": (1, _argon2id(65_536, 11, 4), Tampered),
    "no lanes": (1, _argon2id(65_536, 3, 0), Tampered),
    "too many lanes": (1, _argon2id(65_536, 3, 9), Tampered),
    "argon2id cut": (1, ARGON2ID[:-1], Tampered),
    "argon2id extended": (1, ARGON2ID + b"\0", Tampered),
    "argon2id's parameters called pbkdf2's": (1, u8(2) + ARGON2ID[1:], Tampered),
    "pbkdf2's parameters called argon2id's": (1, u8(1) + PBKDF2[1:], Tampered),
    "pbkdf2 too cheap": (1, u8(2) + b"s" * 32 + u32(599_999), Tampered),
    "pbkdf2 with one iteration": (1, u8(2) + b"s" * 32 + u32(1), Tampered),
    "pbkdf2 of years": (1, u8(2) + b"s" * 32 + u32(0xFFFF_FFFF), Tampered),
    "short salt": (1, u8(1) + b"s" * 31 + ARGON2ID[33:], Tampered),
    "short key file id": (2, bytes(15), Tampered),
    "long key file id": (2, bytes(17), Tampered),
    "short recovery salt": (3, bytes(31), Tampered),
    "more than 256 bytes": (1, bytes(257), Tampered),
}


@pytest.mark.parametrize("case", BAD_PARAMETERS)
def test_slot_parameters_out_of_bounds_are_refused(case: str) -> None:
    kind, parameters, error = BAD_PARAMETERS[case]
    with pytest.raises(error):
        SlotRecord.decode(_record(kind, parameters).encode())


@pytest.mark.parametrize(
    ("position", "error"), [(0, Tampered), (3, Tampered), (4, FormatUnsupported)], ids=["magic", "magic end", "form"]
)
def test_another_magic_or_form_is_refused(position: int, error: type[Exception]) -> None:
    data = bytearray(_record().encode())
    data[position] ^= 0x80
    with pytest.raises(error):
        SlotRecord.decode(bytes(data))


@given(st.binary(max_size=4_000))
def test_decoders_are_total(data: bytes) -> None:
    for decode in (Header.decode, SlotRecord.decode):
        for prefix in (b"", b"SRVAULT\0\x01\x01", b"SRSL\x01\x01"):
            with pytest.raises((Tampered, FormatUnsupported)):
                decode(prefix + data)


def test_a_header_keeps_the_format_that_it_was_written_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """An older vault stays one until somebody upgrades it, whatever this program writes."""
    body = HEADER.encode()
    monkeypatch.setattr(labels, "FORMAT", 2)
    assert Header.decode(body).format == 1
    assert Header.decode(body).encode() == body


def test_a_new_slot_was_handed_nothing_yet() -> None:
    """No epoch, no handover, no signature, until the identity's owner makes them."""
    record = SlotRecord(kind=1, slot_id=bytes(16), created_us=7, parameters=ARGON2ID, public_key=b"P" * 1_216)
    assert (record.epoch, record.wrap, record.handover, record.signature) == (0, b"", b"", b"")
