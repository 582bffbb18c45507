"""An anchor's text: one for each record, and nothing else is believed."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.errors import FormatUnsupported, RolledBack, Tampered
from strongroom.locate.anchor_record import LEFT_MAX, LENGTH_MAX, AnchorRecord, decode, encode

VAULT, ONE, TWO = bytes(range(16)), b"\x01" * 16, b"\x02" * 16
TEXT = b"""strongroom-anchor-v1
vault 000102030405060708090a0b0c0d0e0f
lineage 02020202020202020202020202020202
counter 61
left 01010101010101010101010101010101 100
backup 1795319973229403 60
checksum """


def sealed(body: bytes) -> bytes:
    return body + sha256(body.removesuffix(b"checksum ")).hexdigest()[:8].encode() + b"\n"


def test_the_text_is_the_documented_one() -> None:
    """docs/format.md#anchor, letter by letter."""
    record = AnchorRecord(VAULT, TWO, 61, left=((ONE, 100),), backup=(1795319973229403, 60))
    assert encode(record) == sealed(TEXT)
    assert encode(decode(sealed(TEXT), VAULT)) == sealed(TEXT)
    assert decode(sealed(TEXT), VAULT).left == ((ONE, 100),)


@given(place=st.integers(0, len(sealed(TEXT)) - 1), flip=st.integers(1, 255))
def test_every_changed_byte_is_noticed(place: int, flip: int) -> None:
    """No single byte can differ, also not in the case of a digit."""
    data = bytearray(sealed(TEXT))
    data[place] ^= flip
    with pytest.raises((Tampered, FormatUnsupported)):
        decode(bytes(data), VAULT)


@given(st.binary(max_size=300))
def test_anything_may_lie_there(data: bytes) -> None:
    """Whatever the file holds, the answer is one of our errors."""
    with pytest.raises((Tampered, FormatUnsupported)):
        decode(data, VAULT)


LEFT = b"left %032d 1\n"
WRONG = {
    "empty": b"",
    "cut": sealed(TEXT)[:-1],
    "extended": sealed(TEXT) + b"\n",
    "a leading zero": sealed(TEXT.replace(b"counter 61", b"counter 061")),
    "upper case": sealed(TEXT.replace(b"0a0b", b"0A0B")),
    "a number beyond 64 bits": sealed(TEXT.replace(b"counter 61", b"counter 18446744073709551616")),
    "a negative number": sealed(TEXT.replace(b"counter 61", b"counter -61")),
    "a line too many": sealed(TEXT.replace(b"backup", b"colour red\nbackup")),
    "a line twice": sealed(TEXT.replace(b"backup", b"backup 1 1\nbackup")),
    "lines in another order": sealed(TEXT.replace(b"counter 61\n", b"").replace(b"lineage", b"counter 61\nlineage")),
    "spaces in the id": sealed(TEXT.replace(b"0202", b"02 02", 1)),
    "another vault": sealed(TEXT.replace(b"0e0f", b"0e0e")),
    "too many lineages": sealed(TEXT.replace(b"backup", b"".join(LEFT % number for number in range(16)) + b"backup")),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_encode_never_writes_is_refused(case: str) -> None:
    """A right checksum over a wrong text helps nobody."""
    with pytest.raises(Tampered):
        decode(WRONG[case], VAULT)


def test_a_newer_form_is_not_called_tampering() -> None:
    """An anchor of a newer program is exit 14."""
    with pytest.raises(FormatUnsupported):
        decode(sealed(TEXT.replace(b"anchor-v1", b"anchor-v2")), VAULT)


VERDICTS = {
    "the same": (TWO, 61, None),
    "newer": (TWO, 62, None),
    "one commit older": (TWO, 60, "at commit 60, and commit 61 was seen"),
    "a lineage nobody has seen": (b"\x03" * 16, 1000, "is a restored backup"),
    "the lineage that was left": (ONE, 100, "which a restored backup has replaced"),
    "the lineage that was left, newer": (ONE, 101, "which a restored backup has replaced"),
}


@pytest.mark.parametrize("case", VERDICTS)
def test_the_verdict_on_a_vault(case: str) -> None:
    """Same lineage and not older: fine; everything else is refused with its reason and advice."""
    lineage, counter, refusal = VERDICTS[case]
    record = decode(sealed(TEXT), VAULT)
    if refusal is None:
        record.check("v.db", lineage, counter)
        return
    with pytest.raises(RolledBack) as caught:
        record.check("v.db", lineage, counter)
    assert refusal in caught.value.message
    assert ("--accept-lineage" in caught.value.advice) is (case == "a lineage nobody has seen")


def test_a_counter_only_grows_within_its_lineage() -> None:
    """A lower counter, or one of another lineage, changes nothing."""
    record = AnchorRecord(VAULT, TWO, 61)
    assert record.advanced(TWO, 60) is record
    assert record.advanced(ONE, 99) is record
    assert record.advanced(TWO, 62).counter == 62


def test_lineages_that_were_left_are_remembered_within_bounds() -> None:
    """Sixteen of them fit with room to spare, and the oldest goes first."""
    record = AnchorRecord(VAULT, bytes(16), (1 << 64) - 1, backup=((1 << 64) - 1, (1 << 64) - 1))
    for number in range(1, 40):
        record = record.moved(bytes([number]) * 16, (1 << 64) - 1)
    assert [lineage[0] for lineage, _ in record.left] == list(range(39 - LEFT_MAX, 39))
    assert len(encode(record)) < LENGTH_MAX
    assert encode(decode(encode(record), VAULT)) == encode(record)
    assert record.moved(record.left[0][0], 5).is_new(record.lineage) is False
