"""Masking: no value gets through however the stream is cut, and nothing else is changed or kept."""

from __future__ import annotations

import base64
import json
import shlex
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from strongroom.formats.masking import MASK, VALUE_BYTES_MAX, Mask

SECRET = b"p4ss/w\xc3\xb6rd'x\"$y"
TEXT = SECRET.decode()

SPELLINGS = {
    "as stored": SECRET,
    "hex": SECRET.hex().encode(),
    "hex in capitals": SECRET.hex().upper().encode(),
    "base64": base64.b64encode(SECRET),
    "quoted for a URL": quote(SECRET, safe="").encode(),
    "quoted in small letters": quote(SECRET, safe="").lower().encode(),
    "a path of a URL": quote(SECRET).encode(),
    "JSON": json.dumps(TEXT)[1:-1].encode(),
    "JSON in UTF-8": json.dumps(TEXT, ensure_ascii=False)[1:-1].encode(),
    "a shell's word": shlex.quote(TEXT)[1:-1].encode(),
    "Python's repr": repr(TEXT)[1:-1].encode(),
    "Python's repr of bytes": repr(SECRET)[2:-1].encode(),
}


def masked(pieces: list[bytes], values: list[bytes]) -> bytes:
    mask = Mask(values)
    return b"".join([*map(mask.feed, pieces), mask.finish()])


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_every_spelling_is_masked_wherever_the_writes_end(spelling, size):
    stream = b"before " + spelling + b" after\n"
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert masked(pieces, [SECRET]) == b"before " + MASK + b" after\n"


@pytest.mark.parametrize("before", [b"", b"u", b"us", b"user:"])
@pytest.mark.parametrize("alphabet", [b"+/", b"-_"])
def test_a_value_inside_longer_base64_is_masked_at_every_offset(before, alphabet):
    stream = base64.b64encode(before + SECRET + b"!!", altchars=alphabet)
    found = masked([stream], [SECRET])
    assert MASK in found
    # One character at each end carries bits of the neighbours too.
    assert len(found) - len(MASK) <= len(base64.b64encode(before)) + 6


def test_what_only_begins_like_a_value_passes_once_it_is_none():
    mask = Mask([b"password-one"])
    assert mask.feed(b"my password") == b"my "
    assert mask.feed(b"-two") == b"password-two"
    assert mask.feed(b" pass") == b" "
    assert mask.finish() == b"pass"


def test_a_value_that_begins_like_another_hides_the_longer_one_whole():
    mask = Mask([b"pass", b"password"])
    assert mask.feed(b"pass") == b""
    assert mask.feed(b"word") + mask.finish() == MASK
    assert masked([b"pass", b"port"], [b"pass", b"password"]) == MASK + b"port"


def test_values_that_overlap_in_the_stream_are_hidden_together():
    assert masked([b"x abcdXYefgh y"], [b"abcdXY", b"XYefgh"]) == b"x " + MASK + b" y"
    assert masked([b"x abcdX", b"Yef", b"gh y"], [b"abcdXY", b"XYefgh"]) == b"x " + MASK + b" y"


def test_a_value_of_one_letter_repeated_does_not_pile_up():
    mask = Mask([b"aaaa"])
    passed = b"".join(mask.feed(b"a" * 100) for _ in range(100))
    assert b"a" not in passed
    assert len(mask._held) < 4
    assert (passed + mask.feed(b"b") + mask.finish()).strip(b"b") == MASK


def test_a_key_of_several_lines_is_masked_line_by_line_too():
    key = b"-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END KEY-----\n"
    assert masked([b"  MIIEvQIBADANBgkqhkiG9w0B\n"], [key]) == b"  " + MASK + b"\n"
    assert masked([b"-----BEGIN KEY-----\nother"], [key]) == b"-----BEGIN KEY-----\nother"


def test_a_long_value_is_masked_to_its_end():
    value = bytes(range(33, 127)) * 100
    found = masked([b"<" + value + b">"], [value])
    assert found.startswith(b"<" + MASK)
    assert found.removesuffix(b">").endswith(MASK)
    assert not any(value[at : at + 8] in found for at in range(0, len(value), 8))
    with pytest.raises(ValueError, match="cannot be masked"):
        Mask([bytes(VALUE_BYTES_MAX + 1)])


def test_very_short_values_are_left_alone():
    assert masked([b"a 1 abc"], [b"1", b"abc", b""]) == b"a 1 abc"


def test_a_mask_shows_nothing_of_itself():
    assert "p4ss" not in repr(Mask([SECRET]))


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(ends)]


@given(
    st.lists(st.text("ab1%", min_size=4, max_size=9).map(str.encode), min_size=1, max_size=3),
    st.text("ab1% ", max_size=80).map(str.encode),
    st.lists(st.integers(0, 200), max_size=8),
)
@example([b"abab"], b"ababab abab", [3, 4, 5])
def test_how_a_stream_is_cut_changes_nothing(values, stream, places):
    """And no value is left in it; the mask itself has none of these letters but a, b, d... inside its braces."""
    whole = masked([stream], values)
    assert masked(cut(stream, places), values) == whole
    rest = whole.split(MASK)
    assert not any(value in one for value in values for one in rest)


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=8))
def test_a_stream_without_the_value_passes_byte_for_byte(stream, places):
    value = b"\x00canary that is nowhere in it\xff"
    assert b"".join([masked(cut(stream, places), [value])]) == stream
