"""The one grammar of references: what is one, what it gives, and that nothing else is let through."""

from __future__ import annotations

import base64
import json
import string
import unicodedata
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.errors import NotFound
from strongroom.formats.references import ENCODINGS, LENGTH_MAX, BadReference, Reference, is_reference, parse
from strongroom.items import Field, Item, Version

ITEM = Item(
    "db/prod",
    Version(1, created_us=0, deleted_us=0, expires_us=0, destroyed=False, author=""),
    {
        "password": Field("password", "text", 'p w"ü/'.encode(), is_secret=True),
        "blob": Field("blob", "bytes", b"\x00\xff", is_secret=True),
        "limits": Field("limits", "json", b'{"a": 1}', is_secret=False),
    },
)
ONE = Item("x", ITEM.version, {"token": Field("token", "text", b"abc", is_secret=True)})

SPELLINGS = [
    ("strongroom://db/prod#password", "db/prod", "password", ""),
    ("strongroom://db/prod", "db/prod", None, ""),
    ("strongroom://db/prod#password?as=base64", "db/prod", "password", "base64"),
    ("strongroom://db/prod?as=json", "db/prod", None, "json"),
    ("strongroom://a%20b/%C3%BC#x%3F%23%2F", "a b/ü", "x?#/", ""),
    ("strongroom://bücher/konto#pin", "bücher/konto", "pin", ""),
    ("strongroom://%64b/prod", "db/prod", None, ""),
    ("strongroom://mail/me@example.org:25", "mail/me@example.org:25", None, ""),
]


@pytest.mark.parametrize(("text", "path", "field", "encoding"), SPELLINGS)
def test_a_reference_names_a_path_a_field_and_an_encoding(text, path, field, encoding):
    found = parse(text)
    assert (found.path, found.field, found.encoding) == (path, field, encoding)
    assert parse(str(found)) == found
    assert str(found).isascii()


REFUSED = {
    "no scheme": "db/prod#password",
    "another scheme": "vault://db/prod",
    "the scheme in capitals": "STRONGROOM://db/prod",
    "no path": "strongroom://",
    "an empty component": "strongroom://db//prod",
    "a slash at the front": "strongroom:///db",
    "a slash at the end": "strongroom://db/",
    "a way up": "strongroom://db/../mail",
    "an encoded way up": "strongroom://db/%2E%2E/mail",
    "an encoded slash": "strongroom://db%2Fprod",
    "no field after the sign": "strongroom://db#",
    "two fields": "strongroom://db#a#b",
    "the field after the encoding": "strongroom://db?as=url#password",
    "an unknown encoding": "strongroom://db#a?as=hex",
    "an encoding twice": "strongroom://db#a?as=url?as=url",
    "another question": "strongroom://db#a?version=2",
    "a question and nothing": "strongroom://db#a?",
    "a bare percent sign": "strongroom://db#100%",
    "half an escape": "strongroom://db#%4",
    "no escape": "strongroom://db#%zz",
    "not UTF-8": "strongroom://db#%ff",
    "a lone surrogate": "strongroom://db#\udc80",
    "white space": "strongroom://my account#password",
    "a newline": "strongroom://db#password\n",
    "an encoded newline": "strongroom://db#pass%0Aword",
    "an encoded NUL": "strongroom://db#%00",
    "a shell's sign": "strongroom://db#$(id)",
    "a template's end": "strongroom://db#a}}",
    "a bidirectional control": "strongroom://db#%E2%80%AEx",
    "not in normal form": "strongroom://db#u%CC%88",
    "a reserved name": "strongroom://@keys/x#private",
    "an encoded reserved name": "strongroom://%40keys/x#private",
    "much too long": "strongroom://" + "a" * LENGTH_MAX,
    "too deep": "strongroom://" + "/".join(["a"] * 33),
    "a component too long": "strongroom://" + "a" * 1025,
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_is_no_reference_is_refused(text):
    with pytest.raises(BadReference):
        parse(text)


def test_a_password_in_a_references_place_is_not_repeated():
    with pytest.raises(BadReference) as caught:
        parse("hunter2-canary")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_only_text_is_parsed():
    with pytest.raises(TypeError):
        parse(b"strongroom://db")


def test_what_is_meant_as_a_reference_is_recognised_also_misspelled():
    assert is_reference("STRONGROOM://db")
    assert not is_reference("strongroom:/db")


VALUES = [
    ("#password", 'p w"ü/'.encode()),
    ("#password?as=base64", base64.b64encode('p w"ü/'.encode())),
    ("#password?as=url", b"p%20w%22%C3%BC%2F"),
    ("#password?as=json", json.dumps('p w"ü/').encode()),
    ("#blob", b"\x00\xff"),
    ("#blob?as=base64", b"AP8="),
    ("#blob?as=url", b"%00%FF"),
    ("#limits", b'{"a": 1}'),
    ("#limits?as=json", b'{"a": 1}'),
]


@pytest.mark.parametrize(("rest", "value"), VALUES)
def test_a_value_comes_in_the_encoding_that_was_asked_for(rest, value):
    assert parse("strongroom://db/prod" + rest).value(ITEM) == value


def test_the_only_field_needs_no_name_and_several_need_one():
    assert parse("strongroom://x").value(ONE) == b"abc"
    with pytest.raises(BadReference, match="3 fields"):
        parse("strongroom://db/prod").value(ITEM)


def test_a_field_that_is_not_there_is_not_found():
    with pytest.raises(NotFound):
        parse("strongroom://db/prod#nothing").value(ITEM)


def test_bytes_have_no_json():
    with pytest.raises(BadReference, match="base64"):
        parse("strongroom://db/prod#blob?as=json").value(ITEM)


UNSTORABLE = [("", "a", ""), ("a", "", ""), ("a", "b\n", ""), ("a", "b", "hex")]


@pytest.mark.parametrize(("path", "field", "encoding"), UNSTORABLE)
def test_a_reference_is_made_of_what_can_be_stored(path, field, encoding):
    with pytest.raises(BadReference):
        Reference(path, field, encoding=encoding)


# Whatever a vault takes for a name: any script, spaces within, every sign of the grammar itself.
LETTERS = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cf", "Cn")) | st.sampled_from("%#?/&= {}'\"$")
NAMES = (
    st.text(LETTERS, min_size=1, max_size=20)
    .map(lambda name: unicodedata.normalize("NFC", name).strip())
    .filter(lambda name: name and name not in (".", "..") and not name.startswith("@"))
)


@given(
    st.lists(NAMES.map(lambda name: name.replace("/", "_")), min_size=1, max_size=4),
    st.none() | NAMES,
    st.sampled_from(("", *ENCODINGS)),
)
def test_every_name_a_vault_takes_has_a_spelling_that_leads_back(components, field, encoding):
    reference = Reference("/".join(components), field, encoding=encoding)
    spelled = str(reference)
    assert parse(spelled) == reference
    assert set(spelled) <= set(string.ascii_letters + string.digits + "-._~@:+,=%/#?")


@given(st.text(max_size=200) | st.text(string.printable, max_size=60).map(lambda rest: "strongroom://" + rest))
def test_any_text_is_a_reference_or_refused(text):
    try:
        found = parse(text)
    except BadReference:
        return
    assert parse(str(found)) == found


@given(st.binary(max_size=50))
def test_percent_encoding_gives_back_every_byte(data):
    item = Item("x", ITEM.version, {"a": Field("a", "bytes", data, is_secret=True)})
    assert unquote_to_bytes(parse("strongroom://x#a?as=url").value(item)) == data
