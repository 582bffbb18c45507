"""The search of a scan: every spelling of a value is found where it stands, and nothing that is merely similar."""

from __future__ import annotations

import base64
import html
import json
import shlex
import string
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bench.leaks import PLACES, SECRETS, plant
from strongroom.formats.scan_forms import LENGTH_MAX, forms
from strongroom.formats.scan_search import Search, is_searchable, squeeze
from strongroom.formats.scanner import VALUES_MAX, Scanner
from strongroom.items import Field, Item, Version

SECRET = "Tr0ub4dor & 3/ü?'x\"y\\z"
RAW = SECRET.encode()


def search_for(*values: bytes) -> Search:
    search = Search()
    for number, value in enumerate(values):
        search.add(number, value)
    return search


def found(text: bytes, *values: bytes) -> list[tuple[bytes, str]]:
    return [(text[one.start : one.end], one.form) for one in search_for(*values).find([text])]


SPELLINGS: dict[str, tuple[bytes, str]] = {
    "as it is": (RAW, "as stored"),
    "hex": (RAW.hex().encode(), "hex"),
    "hex in capitals": (RAW.hex().upper().encode(), "hex"),
    "Python's quote": (quote(SECRET).encode(), "percent-encoded"),
    "with nothing safe": (quote(SECRET, safe="").encode(), "percent-encoded"),
    "in small letters": (quote(SECRET, safe="").lower().replace("tr0ub", "Tr0ub").encode(), "percent-encoded"),
    "a form's": (quote_plus(SECRET).encode(), "percent-encoded"),
    "encodeURIComponent": (quote(SECRET, safe="!'()*").encode(), "percent-encoded"),
    "JSON": (json.dumps(SECRET)[1:-1].encode(), "JSON-escaped"),
    "JSON in UTF-8": (json.dumps(SECRET, ensure_ascii=False)[1:-1].encode(), "JSON-escaped"),
    "JSON of PHP": (json.dumps(SECRET)[1:-1].replace("/", "\\/").encode(), "JSON-escaped"),
    "HTML": (html.escape(SECRET).encode(), "HTML-escaped"),
    "XML text": (html.escape(SECRET, quote=False).encode(), "HTML-escaped"),
    "a shell's word": (shlex.quote(SECRET)[1:-1].encode(), ""),
    "backslashes": ("".join(c if c.isalnum() else f"\\{c}" for c in SECRET).encode(), "backslash-escaped"),
    "UTF-16": ("Tr0ub4dor-12".encode("utf-16-le"), "UTF-16"),
    "two literals": (b"\"Tr0ub4\" \"dor-12\"", "split over literals"),
    "two lines": (b"'Tr0ub4'\n    'dor-12'", "split over literals"),
    "an operator": (b"\"Tr0ub4\" + \"dor-12\"", "split over literals"),
    "PHP's operator": (b"'Tr0ub4' . 'dor-12'", "split over literals"),
    "three literals": (b"('Tr0'\n 'ub4d'\n 'or-12')", "split over literals"),
    "a continued line": (b"Tr0ub4\\\n  dor-12", "split over lines"),
}
PLAIN = b"Tr0ub4dor-12"


@pytest.mark.parametrize(("text", "form"), SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("before", range(9))
def test_each_spelling_is_found_wherever_it_begins(text: bytes, form: str, before: int) -> None:
    """At every place relative to a border of words."""
    values = (RAW, PLAIN)
    whole = b"x" * before + b"= " + text + b" ;\n"
    hits = found(whole, *values)
    assert len(hits) == 1, hits
    if form:
        assert hits[0][1] == form


@pytest.mark.parametrize("offset", range(3))
@pytest.mark.parametrize("alphabet", [b"+/", b"-_"])
@pytest.mark.parametrize("width", [0, 20, 64])
def test_base64_is_found_at_each_alignment_in_both_alphabets_and_wrapped(
    offset: int, alphabet: bytes, width: int
) -> None:
    """Inside a longer text, as in a header or a manifest."""
    value = b"\xfb\xef\xbe?>~" + RAW
    encoded = base64.b64encode(b"u:p"[:offset] + value + b"..", altchars=alphabet)
    if width:
        encoded = b"\n    ".join(encoded[at : at + width] for at in range(0, len(encoded), width))
    hits = found(b"data: " + encoded + b"\n", value)
    assert [form for _, form in hits] in (["base64"], ["split over lines"])


SIMILAR = {
    "other letters": b"Tr0ub4dor-13",
    "another case": b"tr0ub4dor-12",
    "no hyphen": b"Tr0ub4dor12",
    "a blank": b"Tr0ub4dor 12",
    "a list": b"'Tr0ub4', 'dor-12'",
    "a sum": b"Tr0ub4 + dor-12",
    "a sentence": b"Tr0ub4 dor-12",
    "two lines": b"Tr0ub4\ndor-12",
    "cut off": b"Tr0ub4dor-1",
}


@pytest.mark.parametrize("text", SIMILAR.values(), ids=SIMILAR)
def test_what_is_similar_is_not_found(text: bytes) -> None:
    """A finding is the value, in one of its spellings."""
    assert found(b"= " + text + b"\n", PLAIN) == []


def test_the_fifteen_planted_leaks_are_found(tmp_path: Path) -> None:
    """Each at its line, and nothing else in those files."""
    plant(tmp_path)
    names = list(SECRETS)
    search = search_for(*(SECRETS[name].encode() for name in names))
    places = []
    for file in sorted(one for one in tmp_path.rglob("*") if one.is_file()):
        text = file.read_bytes()
        for match in search.find([text]):
            line = text.count(b"\n", 0, match.start) + 1
            places.append((str(file.relative_to(tmp_path)), line, names[match.value]))
    assert sorted(places) == sorted(PLACES)
    assert len(places) == 15


def test_several_texts_are_looked_through_at_once_and_never_across_their_border() -> None:
    """Offsets are of each text."""
    half = len(PLAIN) // 2
    search = search_for(PLAIN, RAW)
    hits = search.find([b"", PLAIN[:half], PLAIN[half:], b"a" + RAW, b"bb" + PLAIN])
    assert [(one.text, one.start, one.value) for one in hits] == [(3, 1, 1), (4, 2, 0)]


def test_what_squeezing_leaves_is_enough_to_suspect_a_text() -> None:
    """Each that holds a value is among the suspects, and one that is merely similar may be."""
    search = search_for(PLAIN, RAW)
    texts = [b"clean", b"x Tr0ub4 dor12", b"'Tr0ub4' 'dor-12'", RAW.hex().encode(), b"\xff" * 100]
    assert search.suspects(squeeze(texts)) == {(1, 0), (2, 0), (3, 1)}
    assert {match.text for match in search.find(texts)} == {2, 3}


def test_every_place_is_reported_once() -> None:
    """Several in one text, and one inside another value."""
    url = b"postgres://u:Tr0ub4dor-12@host/db"
    hits = search_for(PLAIN, url).find([PLAIN + b" " + PLAIN + b"\n" + url])
    assert [(one.start, one.value) for one in hits] == [(0, 0), (13, 0), (26, 1), (39, 0)]


def test_values_of_punctuation_are_found_as_they_are() -> None:
    """Of these the quick search has nothing left to go by."""
    value = b"!a-+.|&\\\"b$"
    assert is_searchable(value)
    assert not is_searchable(b"!a-+.|&\\\"b")
    assert is_searchable(b"-+ab.c&d|")
    assert found(b"x" + value + b"y !ab$", value) == [(value, "as stored")]
    assert found(b"x -+ab.c&d| y", b"-+ab.c&d|") == [(b"-+ab.c&d|", "as stored")]


def test_a_long_value_is_found_by_its_beginning() -> None:
    """And a key of several lines also where it is indented."""
    key = "-----BEGIN KEY-----\n" + "\n".join(base64.b64encode(bytes([n]) * 48).decode() for n in range(20)) + "\n"
    indented = "".join(f"    {line}\n" for line in key.splitlines())
    assert [form for _, form in found(f"key: |\n{indented}".encode(), key.strip().encode())] == ["as stored"]
    assert [form for _, form in found(json.dumps(key).encode(), key.encode())] == ["JSON-escaped"]
    long = bytes(33 + n % 90 for n in range(LENGTH_MAX * 2))
    assert len(found(b"x" + long + b"x", long)) == 1


def test_a_text_full_of_the_value_gives_a_bounded_answer() -> None:
    """A thousand lines say as much as a million."""
    assert len(found((PLAIN + b"\n") * 5_000, PLAIN)) == 1_000


# What people and generators choose: any printable character, and some beyond ASCII.
VALUES = st.text(st.sampled_from(string.printable[:95] + "äöüß€😀"), min_size=8, max_size=40).filter(
    lambda text: is_searchable(text.encode()) and text == text.strip()
)
ENCODERS = {
    "as stored": str.encode,
    "hex": lambda text: text.encode().hex().encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "after a colon": lambda text: base64.b64encode(b"u:" + text.encode()),
    "JSON": lambda text: json.dumps(text).encode(),
    "URL": lambda text: quote(text, safe="").encode(),
    "HTML": lambda text: html.escape(text).encode(),
    "split": lambda text: json.dumps(text[:5]).encode() + b" + " + json.dumps(text[5:]).encode(),
}


@given(VALUES, st.sampled_from(sorted(ENCODERS)), st.binary(max_size=40), st.binary(max_size=40))
def test_a_value_is_found_in_any_surroundings(value: str, encoder: str, before: bytes, after: bytes) -> None:
    """Whatever bytes stand before and after it."""
    text = before + b" \n " + ENCODERS[encoder](value) + b" \n " + after
    is_escaped = not value.isascii() or '"' in value or "\\" in value
    # Escaped and split at once is more than is promised.
    assume(encoder != "split" or not is_escaped)
    assert search_for(value.encode()).find([text])


@given(VALUES, st.binary(max_size=300))
def test_what_is_found_is_the_value(value: str, text: bytes) -> None:
    """In random bytes there is no value of eight characters; a finding in them would be an invention."""
    raw = value.encode()
    hits = search_for(raw).find([text])
    assert all(any(form in text for form in forms(raw)) for _ in hits)


def item(path: str, **fields: tuple[str, bytes, bool]) -> Item:
    made = {name: Field(name, kind, data, is_secret=secret) for name, (kind, data, secret) in fields.items()}
    return Item(path, Version(1, created_us=0, deleted_us=0, expires_us=0, destroyed=False, author=""), made)


def test_a_scanner_takes_the_secret_fields_and_names_what_it_leaves_out() -> None:
    """Texts inside JSON as well; nothing public, nothing short."""
    scanner = Scanner()
    scanner.add(item("a", user=("text", b"public-name", False), password=("text", b"first-secret", True)))
    scanner.add(item("b", pin=("text", b"1234", True), key=("bytes", b"\x00\x01\x02\x03\xffbytes", True)))
    nested = ("json", b'{"x": ["deep-secret", 5], "y": "tiny"}', True)
    scanner.add(item("c", tokens=nested, dots=("text", b"." * 20, True)))
    assert (scanner.items, scanner.values) == (3, 3)
    assert scanner.skipped == ["b#pin", "c#tokens", "c#dots"]
    text = b"public-name first-secret deep-secret \x00\x01\x02\x03\xffbytes 1234 ...................."
    assert [(one.path, one.field) for one in scanner.find([text])] == [
        ("a", "password"), ("c", "tokens"), ("b", "key")
    ]  # fmt: skip
    assert "secret" not in repr(scanner) + repr(scanner.find([text])).replace("as stored", "")


def test_a_scanner_has_a_limit() -> None:
    """So that nobody fills the agent's memory."""
    scanner = Scanner()
    scanner._names = [("x", "y")] * VALUES_MAX
    with pytest.raises(ValueError, match="name a folder"):
        scanner.add(item("a", password=("text", b"first-secret", True)))
