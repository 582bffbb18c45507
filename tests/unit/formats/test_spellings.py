"""What is written in a value's place can be taken out, replaced, and put back to the byte."""

from __future__ import annotations

import pytest

from strongroom.formats import toml_file, yaml_file
from strongroom.formats.interface import BadFile
from strongroom.formats.registry import reader

FILES = {
    "yaml": "a: &x hello # c\nb: !secret foo\nc: |+\n  multi\n  line\n\nd: >-\n    folded\n    text\n"
    "f: [1, \"two\", ~]\n"
    "g: 'it''s'\nh: &y |\n  blk\ni: *x\nj: {k: v}\n",
    "json": '{"a": {"b": [1, 2.5e3, "x", null, true]}, "p": "\\u00e9"}\n',
    "toml": "a = 'lit' # c\n[b]\nc = \"\"\"x\ny\"\"\"\nd=[1,\n \"two\", true]\n"
    "e={f=1979-05-27, \"g.h\"=2}\n[[t]]\nz=1_000\n",
    "ini": "[s]\n# c\na = 1\nb: two\n  more\n\n[t]\nz=%(x)s\n",
    "dotenv": "# c\nexport A='x y'\nB=\"a ${A} b\" # c\nD=plain\n",
}


@pytest.mark.parametrize("format", FILES)
def test_what_was_replaced_can_be_put_back(format: str) -> None:
    """Anchors, tags, blocks, quotes and comments survive a stay of something else in a value's place."""
    read = reader(format, "python-dotenv")
    before = FILES[format].encode()
    document = read(before)
    replaced = document.replaced(dict.fromkeys(range(len(document.entries)), "in-its-place"))
    assert replaced != before
    after = read(replaced)
    assert [entry.data for entry in after.entries] == [b"in-its-place"] * len(after.entries)
    assert after.spliced(dict(enumerate(document.spellings()))) == before


@pytest.mark.parametrize("value", ["foo &bar", "a & b", '"a &b"', "foo &bar baz"])
def test_an_ampersand_inside_a_yaml_value_is_no_anchor(value: str) -> None:
    """It went into the file beside the reference that replaced the value, as an anchor."""
    document = yaml_file.read(f"password: {value}\n".encode())
    assert document.replaced({0: "new"}) == b'password: "new"\n'
    assert document.spellings() == [value]


@pytest.mark.parametrize("value", ["&a foo", "&a !t foo"])
def test_an_anchor_stays_before_what_replaces_the_value(value: str) -> None:
    """Others refer to it."""
    assert yaml_file.read(f"x: {value}\ny: *a\n".encode()).replaced({0: "new"}) == b'x: &a "new"\ny: *a\n'


def test_a_text_is_added_to_a_toml_file() -> None:
    """Into the table that is there, or a new one; never over a value."""
    assert toml_file.with_added("[a]\nb = 1 # c\n", ("a", "n"), "v") == '[a]\nb = 1 # c\nn = "v"\n'
    assert toml_file.read(toml_file.with_added("a = 1\n", ("t", "n"), "v").encode()).entries[1].keys == ("t", "n")
    with pytest.raises(BadFile):
        toml_file.with_added("a = 1\n", ("a", "n"), "v")
