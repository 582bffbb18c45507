"""An anchor's text: one for each record, and nothing else is believed."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.crypto import signatures
from strongroom.errors import FormatUnsupported, RolledBack, Tampered
from strongroom.keys.format import Header
from strongroom.keys.identity import certify
from strongroom.locate import counter_file, places
from strongroom.locate.anchor_record import LEFT_MAX, LENGTH_MAX, WAS_MAX, AnchorRecord, decode, encode

VAULT, ONE, TWO = bytes(range(16)), b"\x01" * 16, b"\x02" * 16
SEEDS = {epoch: bytearray([epoch]) * 32 for epoch in range(1, 60)}
KEYS = {epoch: signatures.public_key(seed) for epoch, seed in SEEDS.items()}
STRANGER = signatures.public_key(bytearray(b"\xff" * 32))
FIRST_FORM = b"""strongroom-anchor-v1
vault 000102030405060708090a0b0c0d0e0f
lineage 02020202020202020202020202020202
counter 61
left 01010101010101010101010101010101 100
backup 1795319973229403 60
checksum """
TEXT = FIRST_FORM.replace(b"-v1", b"-v2").replace(
    b"checksum ",
    b"identity 3 %s\nwas 1 %s\nwas 2 %s\nchecksum " % tuple(KEYS[epoch].hex().encode() for epoch in (3, 1, 2)),
)


def sealed(body: bytes) -> bytes:
    return body + sha256(body.removesuffix(b"checksum ")).hexdigest()[:8].encode() + b"\n"


def header(epoch: int = 3, lineage: bytes = TWO, *, identity: bytes | None = None, known_from: int = 1) -> Header:
    """That of a vault whose root key was replaced until *epoch*."""
    certificates = [
        certify(SEEDS[number - 1], VAULT, number, KEYS[number]) for number in range(known_from + 1, epoch + 1)
    ]
    return Header(
        vault_id=VAULT,
        lineage=lineage,
        epoch=epoch,
        created_us=0,
        identity=identity or KEYS[epoch],
        certificates=tuple(certificates),
    )


def test_the_text_is_the_documented_one() -> None:
    """docs/format.md#anchor, letter by letter, also of the form that knew no identity."""
    record = AnchorRecord(VAULT, TWO, 61, left=((ONE, 100),), backup=(1795319973229403, 60))
    assert encode(record) == sealed(FIRST_FORM)
    assert encode(decode(sealed(FIRST_FORM), VAULT)) == sealed(FIRST_FORM)
    record.identity, record.was = (3, KEYS[3]), ((1, KEYS[1]), (2, KEYS[2]))
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
    "an identity in the first form": sealed(TEXT.replace(b"-v2", b"-v1")),
    "the second form without an identity": sealed(FIRST_FORM.replace(b"-v1", b"-v2")),
    "older identities alone": sealed(FIRST_FORM.replace(b"backup", b"was 1 %s\nbackup" % (b"0" * 64))),
    "too many identities": sealed(TEXT.replace(b"checksum", b"was 1 %s\n" % (b"0" * 64) * 15 + b"checksum")),
    "a short identity": sealed(TEXT.replace(KEYS[3].hex().encode(), b"00")),
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
        decode(sealed(TEXT.replace(b"anchor-v2", b"anchor-v3")), VAULT)


REPLACED = "which a restored backup or a copy has replaced"
OLDER = "at commit 60, and commit 61 was seen"
VERDICTS: dict[str, tuple[Header, int, type[Tampered] | None, str]] = {
    "the same": (header(), 61, None, ""),
    "newer": (header(), 62, None, ""),
    "one commit older": (header(), 60, RolledBack, OLDER),
    "a lineage nobody has seen": (header(lineage=b"\x03" * 16), 1000, RolledBack, "is a restored backup"),
    "the lineage that was left": (header(lineage=ONE), 100, RolledBack, REPLACED),
    "the lineage that was left, newer": (header(lineage=ONE), 101, RolledBack, REPLACED),
    "new root keys": (header(5), 70, None, ""),
    "new root keys, and an older commit": (header(5), 60, RolledBack, OLDER),
    "an older root key": (header(2), 99, RolledBack, "of root key 2, and root key 3 was seen"),
    "an older root key in a lineage nobody has seen": (
        header(1, b"\x03" * 16), 62, RolledBack, "from before the root key was replaced",
    ),
    "another identity": (header(identity=STRANGER), 99, Tampered, "is not the vault that this machine knows"),
    "another identity of an older epoch": (header(2, identity=STRANGER), 99, Tampered, "is not the vault"),
    "another identity in a new lineage": (header(3, ONE, identity=STRANGER), 99, Tampered, "is not the vault"),
    "another identity that nothing leads to": (header(5, identity=STRANGER), 99, Tampered, "is not the vault"),
    "a certificate too few": (header(5, known_from=4), 99, Tampered, "is not the vault"),
}  # fmt: skip


@pytest.mark.parametrize("case", VERDICTS)
def test_the_verdict_on_a_vault(case: str) -> None:
    """Same identity, same lineage and not older: fine; everything else is refused with its reason and advice."""
    found, counter, kind, refusal = VERDICTS[case]
    record = decode(sealed(TEXT), VAULT)
    if kind is None:
        record.check("v.db", found, counter, is_proved=False)
        return
    with pytest.raises(Tampered) as caught:
        record.check("v.db", found, counter, is_proved=False)
    assert type(caught.value) is kind
    assert refusal in caught.value.message
    assert ("--accept-lineage" in caught.value.advice) is ("nobody has seen" in case)
    assert ("--accept-vault" in caught.value.advice) is (kind is Tampered)


def test_an_older_identity_that_was_never_seen() -> None:
    """A machine that came late knows no first identity: what opened the vault must say who made it."""
    record = AnchorRecord.of(header(3, known_from=2), 61)
    record.check("v.db", header(3), 61, is_proved=False)
    for is_proved, kind in ((False, Tampered), (True, RolledBack)):
        with pytest.raises(Tampered) as caught:
            record.check("v.db", header(1, ONE), 99, is_proved=is_proved)
        assert type(caught.value) is kind
    with pytest.raises(Tampered, match="is not the vault"):
        record.check("v.db", header(3, identity=STRANGER), 61, is_proved=True)


def test_a_certificate_of_a_strangers_leads_nowhere() -> None:
    """The next identity must be signed by the one that is known, and not by whoever has one."""
    forged = header(4)
    stranger = bytearray(b"\xfe" * 32)
    link = certify(stranger, VAULT, 4, KEYS[4])
    forged.certificates = (*forged.certificates[:-1], link)
    with pytest.raises(Tampered, match="is not the vault"):
        decode(sealed(TEXT), VAULT).check("v.db", forged, 99, is_proved=False)


def test_the_first_form_learns_the_identity() -> None:
    """An anchor from before identities were kept takes the next one that it sees, and keeps to it."""
    record = decode(sealed(FIRST_FORM), VAULT)
    record.check("v.db", header(identity=STRANGER), 61, is_proved=False)
    record = record.advanced(header(), 61)
    assert (record.identity, record.counter) == ((3, KEYS[3]), 61)
    with pytest.raises(Tampered):
        record.check("v.db", header(identity=STRANGER), 61, is_proved=False)


def test_a_counter_only_grows_within_its_lineage() -> None:
    """A lower counter, an older root key, or another lineage changes nothing."""
    record = AnchorRecord.of(header(2), 61)
    assert record.advanced(header(2), 60) is record
    assert record.advanced(header(1), 99) is record
    assert record.advanced(header(2, ONE), 99) is record
    assert record.advanced(header(2), 62).counter == 62
    newer = record.advanced(header(3), 60)
    assert (newer.counter, newer.identity, newer.was[-1]) == (61, (3, KEYS[3]), (2, KEYS[2]))


def test_lineages_and_identities_that_were_left_are_remembered_within_bounds() -> None:
    """Sixteen of each fit with room to spare, and the oldest goes first."""
    record = AnchorRecord(VAULT, bytes(16), (1 << 64) - 1, backup=((1 << 64) - 1, (1 << 64) - 1))
    for number in range(1, 40):
        record = record.moved(header(number, bytes([number]) * 16), (1 << 64) - 1)
    assert [lineage[0] for lineage, _ in record.left] == list(range(39 - LEFT_MAX, 39))
    assert record.was == tuple((epoch, KEYS[epoch]) for epoch in range(39 - WAS_MAX, 39))
    record.identity = ((1 << 32) - 1, KEYS[39])
    record.was = tuple((epoch << 26, key) for epoch, key in record.was)
    assert len(encode(record)) < LENGTH_MAX
    assert encode(decode(encode(record), VAULT)) == encode(record)
    assert record.is_new(record.left[0][0]) is False
    assert record.is_new(record.lineage) is False


DIGEST = "ab" * 32
PLACE = places._encode(DIGEST, VAULT)
COUNTER = counter_file._encode(ONE, 61)


@given(place=st.integers(0, len(PLACE) - 1), flip=st.integers(1, 255))
def test_every_changed_byte_of_a_place_is_noticed(place: int, flip: int) -> None:
    """As in an anchor."""
    data = bytearray(PLACE)
    data[place] ^= flip
    assert places._decode(PLACE, DIGEST) == VAULT
    with pytest.raises((Tampered, FormatUnsupported)):
        places._decode(bytes(data), DIGEST)
    with pytest.raises(Tampered):
        places._decode(PLACE, DIGEST.replace("a", "c"))


@given(st.binary(max_size=300))
def test_anything_may_lie_where_a_place_or_a_counter_belongs(data: bytes) -> None:
    """A place is one of our errors then; a counter, which a power cut may garble, says nothing."""
    with pytest.raises((Tampered, FormatUnsupported)):
        places._decode(data, DIGEST)
    assert counter_file._decode(data, ONE) == 0


@given(place=st.integers(0, len(COUNTER) - 1), flip=st.integers(1, 255))
def test_every_changed_byte_of_a_counter_makes_it_nothing(place: int, flip: int) -> None:
    """And so does another lineage."""
    data = bytearray(COUNTER)
    data[place] ^= flip
    assert counter_file._decode(COUNTER, ONE) == 61
    assert counter_file._decode(bytes(data), ONE) == counter_file._decode(COUNTER, TWO) == 0


def test_what_was_written_last_counts_for_its_lineage_alone(tmp_path: Path) -> None:
    """A program that wrote the counter before looks at what has become of it since."""
    tmp_path.chmod(0o700)
    path = tmp_path / "counter"
    one, other = counter_file.CounterFile(str(path)), counter_file.CounterFile(str(path))
    one.raise_to(ONE, 7)
    one.raise_to(ONE, 6)
    assert one.read(ONE) == 7
    other.raise_to(ONE, 9)
    one.raise_to(ONE, 8)
    assert one.read(ONE) == 9
    one.raise_to(ONE, 10)
    one.raise_to(TWO, 3)
    assert (one.read(ONE), one.read(TWO)) == (0, 3)
    path.write_bytes(b"garbled by a power cut")
    one.raise_to(TWO, 2)
    assert one.read(TWO) == 2
