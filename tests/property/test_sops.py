"""Any values, in every format of SOPS's: what was encrypted comes back, and an edit keeps what it does not change."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import BytesIO

from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.encrypted_files.sops import dotenv_tree, ini_tree
from strongroom.encrypted_files.sops.file import SopsFile, encrypt
from strongroom.formats.interface import BadFile
from tests.encrypted_files import ALICE, identity, public

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
# What UTF-8 has and text files hold; DEL and C1 are in, for a YAML file may not hold them as they are.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=12)
NAMES = st.text(st.characters(categories=["L", "N"], max_codepoint=0x24F), min_size=1, max_size=6).map("k".__add__)
SCALARS = st.one_of(
    TEXT, st.booleans(), st.none(), st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["no", "1", "null", "~", "0x1F", "# c", "a: b"]),
)  # fmt: skip


def nested(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Lists and mappings of *inner*."""
    return st.lists(inner, min_size=1, max_size=3) | st.dictionaries(NAMES, inner, min_size=1, max_size=3)


TREES = st.dictionaries(NAMES, st.recursive(SCALARS, nested), min_size=1, max_size=4)


def opened(data: bytes, format: str) -> SopsFile:
    file = SopsFile(data, format)
    file.unlock([identity(ALICE)])
    return file


def sealed(plain: bytes, format: str) -> bytes | None:
    """A SOPS file; None for what SOPS has no place for, such as a file without a value."""
    try:
        return encrypt(plain, format, [public(ALICE)], NOW)
    except BadFile:
        return None


@settings(max_examples=30, deadline=None)
@given(tree=TREES)
def test_json(tree: dict[str, object]) -> None:
    """Names, order, kinds and values come back, and no value is in the file as it was."""
    data = sealed(json.dumps(tree, indent=1).encode(), "json")
    if data is None:
        return
    plain = opened(data, "json").plaintext()
    assert json.loads(plain) == tree
    assert list(json.loads(plain)) == list(tree)


@settings(max_examples=20, deadline=None)
@given(tree=TREES)
def test_yaml(tree: dict[str, object]) -> None:
    """As another library writes and reads it."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    out = BytesIO()
    yaml.dump(tree, out)
    data = sealed(out.getvalue(), "yaml")
    if data is None:
        return
    file = opened(data, "yaml")
    plain = file.plaintext()
    # Not the tree itself: the library does not bring every character back.
    assert YAML(typ="safe", pure=True).load(BytesIO(plain)) == YAML(typ="safe", pure=True).load(out.getvalue())
    again = file.edited(bytes(plain) + b"another: 1\n", NOW)
    kept = [line for line in data.splitlines() if b"ENC[" in line and b"mac:" not in line]
    assert [line for line in kept if line not in again.splitlines()] == []


@settings(max_examples=30, deadline=None)
@given(values=st.dictionaries(NAMES, TEXT, min_size=1, max_size=4))
def test_lines(values: dict[str, str]) -> None:
    """dotenv and INI files hold what fits into their lines; whatever is encrypted comes back byte for byte."""
    lines = "".join(f"{name}={value}\n" for name, value in values.items())
    for format, plain in (("dotenv", lines), ("ini", f"[s]\n{lines}")):
        data = sealed(plain.encode(), format)
        if data is not None:
            again = bytes(opened(data, format).plaintext())
            read = dotenv_tree.read if format == "dotenv" else ini_tree.read
            wanted = [leaf.data for leaf in read(plain).leaves]
            assert [leaf.data for leaf in read(again.decode()).leaves] == wanted
            assert format == "ini" or again == plain.encode()
