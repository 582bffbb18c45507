"""The encoding of records: injective, bounded, total."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom import wire
from strongroom.errors import Tampered
from strongroom.wire import Reader

# A record as a list of (kind, value); the writers and readers of each kind.
WRITERS: dict[str, Callable[..., bytes]] = {
    "u8": wire.u8, "u32": wire.u32, "u64": wire.u64, "counted": wire.counted, "text": wire.text,
}  # fmt: skip
VALUES = st.one_of(
    st.tuples(st.just("u8"), st.integers(0, 2**8 - 1)),
    st.tuples(st.just("u32"), st.integers(0, 2**32 - 1)),
    st.tuples(st.just("u64"), st.integers(0, 2**64 - 1)),
    st.tuples(st.just("counted"), st.binary(max_size=40)),
    st.tuples(st.just("text"), st.text(max_size=40)),
)
LIMIT = 200


def encode(record: list[tuple[str, object]]) -> bytes:
    """The record's bytes."""
    return b"".join(WRITERS[kind](value) for kind, value in record)


def read(reader: Reader, kind: str) -> object:
    """One value of *kind*."""
    if kind == "counted":
        return reader.counted(LIMIT)
    return reader.text(LIMIT) if kind == "text" else getattr(reader, kind)()


@given(st.lists(VALUES, max_size=8))
def test_what_was_written_is_read(record: list[tuple[str, object]]) -> None:
    """Every record comes back, and ends where it ended."""
    reader = Reader(encode(record), "record")
    assert [(kind, read(reader, kind)) for kind, _ in record] == record
    reader.finish()


@given(st.lists(VALUES, min_size=1, max_size=5), st.data())
def test_a_cut_record_is_refused(record: list[tuple[str, object]], data: st.DataObject) -> None:
    """No prefix of a record reads as that record."""
    whole = encode(record)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    reader = Reader(cut, "record")
    with pytest.raises(Tampered, match="malformed record: it ends too early"):
        for kind, _ in record:
            read(reader, kind)


@given(st.lists(VALUES, max_size=5), st.binary(min_size=1, max_size=5))
def test_an_extended_record_is_refused(record: list[tuple[str, object]], more: bytes) -> None:
    """Bytes that are left over are an error."""
    reader = Reader(encode(record) + more, "record")
    for kind, _ in record:
        read(reader, kind)
    with pytest.raises(Tampered, match="bytes are left over"):
        reader.finish()


@given(st.binary(max_size=60), st.lists(st.sampled_from(sorted(WRITERS)), max_size=6))
def test_any_bytes_are_a_record_or_refused(data: bytes, kinds: list[str]) -> None:
    """A reader of arbitrary bytes raises Tampered or gives values that encode to the same bytes again."""
    reader = Reader(data, "record")
    try:
        record = [(kind, read(reader, kind)) for kind in kinds]
        reader.finish()
    except Tampered:
        return
    assert encode(record) == data


REFUSALS: dict[str, tuple[bytes, Callable[[Reader], object], str]] = {
    "counted beyond its limit": (wire.counted(b"12345"), lambda reader: reader.counted(4), "a field is too long"),
    "buffer beyond its limit": (wire.counted(b"12345"), lambda reader: reader.counted_buffer(4), "a field is too long"),
    "text beyond its limit": (wire.text("12345"), lambda reader: reader.text(4), "a field is too long"),
    "a length of 4 GiB": (b"\xff\xff\xff\xff", lambda reader: reader.counted(2**32), "it ends too early"),
    "a buffer of 4 GiB": (b"\xff\xff\xff\xff", lambda reader: reader.counted_buffer(2**32), "it ends too early"),
    "too many entries": (wire.u32(5), lambda reader: reader.count(4), "too many entries"),
    "text that is not UTF-8": (wire.counted(b"\xff\xfe"), lambda reader: reader.text(9), "text is not UTF-8"),
    "an overlong UTF-8 form": (wire.counted(b"\xc0\x80"), lambda reader: reader.text(9), "text is not UTF-8"),
    "a surrogate in UTF-8": (wire.counted(b"\xed\xa0\x80"), lambda reader: reader.text(9), "text is not UTF-8"),
    "u8 at the end": (b"", lambda reader: reader.u8(), "it ends too early"),
    "u32 at the end": (b"\0\0\0", lambda reader: reader.u32(), "it ends too early"),
    "u64 at the end": (bytes(7), lambda reader: reader.u64(), "it ends too early"),
    "buffer at the end": (b"ab", lambda reader: reader.take_buffer(3), "it ends too early"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_refused(case: str) -> None:
    """Limits are compared before anything is taken; the bytes themselves are in no message and no cause."""
    data, take, why = REFUSALS[case]
    with pytest.raises(Tampered) as refusal:
        take(Reader(data, "slot record"))
    assert str(refusal.value) == f"malformed slot record: {why}"
    assert refusal.value.__cause__ is None
    assert refusal.value.__context__ is None or refusal.value.__suppress_context__


def test_at_the_limit() -> None:
    """A limit itself is allowed."""
    assert Reader(wire.counted(b"1234"), "record").counted(4) == b"1234"
    assert Reader(wire.u32(4), "record").count(4) == 4


def test_buffers_are_the_callers_own() -> None:
    """take_buffer and counted_buffer give bytearrays that can be wiped without touching the record."""
    data = bytearray(wire.counted(b"key") + b"tail")
    reader = Reader(data, "record")
    key = reader.counted_buffer(8)
    tail = reader.take_buffer(4)
    reader.finish()
    key[:] = b"xxx"
    tail[:] = b"yyyy"
    assert data == wire.counted(b"key") + b"tail"


@pytest.mark.parametrize(("writer", "value"), [(wire.u8, 256), (wire.u32, 2**32), (wire.u64, 2**64), (wire.u64, -1)])
def test_numbers_that_do_not_fit(writer: Callable[[int], bytes], value: int) -> None:
    """A number is never cut to fit."""
    import struct

    with pytest.raises(struct.error):
        writer(value)
