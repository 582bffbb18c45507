"""Merging encrypted files is merging their plain texts; and whatever is edited, only what changed is encrypted anew."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.encrypted_files.merging import merge
from strongroom.formats.interface import BadFile
from tests.encrypted_files import made, opened

EXAMPLES = int(os.environ.get("STRONGROOM_MERGES", "15"))
ORDINARY = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=EXAMPLES == 15
)

NAMES = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta")
VALUES = st.sampled_from(("1", "two", "'3'", '"four four"', "a & b", "x#y"))
MAPPINGS = st.dictionaries(st.sampled_from(NAMES), VALUES, min_size=2)
WORDS = st.sampled_from(("set", "set", "set", "remove"))
EDITS = st.lists(st.tuples(WORDS, st.sampled_from(NAMES), VALUES), max_size=4)


def edited(values: dict[str, str], edits: list[tuple[str, str, str]]) -> dict[str, str]:
    """The mapping after some edits; never empty."""
    after = dict(values)
    for word, name, value in edits:
        if word == "set":
            after[name] = value
        elif len(after) > 1:
            after.pop(name, None)
    return after


def yaml(values: dict[str, str]) -> str:
    """Lines, with something between them that is no value."""
    return "# top\n" + "".join(f"{name}: {value}\n" for name, value in values.items()) + "# end\n"


def in_order(values: dict[str, str], *before: dict[str, str]) -> dict[str, str]:
    """In the order of the names: what an editor with a habit does, so that only values differ between sides."""
    return {name: values[name] for name in NAMES if name in values}


def expected(base: dict[str, str], ours: dict[str, str], theirs: dict[str, str]) -> dict[str, str] | None:
    """The merge of mappings, said without a line of text; None for a conflict."""
    after = {}
    for name in NAMES:
        old, mine, yours = base.get(name), ours.get(name), theirs.get(name)
        if mine != yours and mine != old and yours != old:
            return None
        taken = yours if mine == old else mine
        if taken is not None:
            after[name] = taken
    return after


def sides(base: str, ours: str, theirs: str) -> tuple[bytes, bytes, bytes]:
    """Three encrypted revisions of one file."""
    first = made(base, "yaml")
    done = []
    for text in (ours, theirs):
        with opened(first) as file:
            file.replace(text.encode())
            done.append(file.encoded())
    return first, done[0], done[1]


@ORDINARY
@given(base=MAPPINGS, mine=EDITS, yours=EDITS)
def test_a_merge_of_encrypted_edits_is_the_encrypted_merge_of_edits(
    base: dict[str, str], mine: list[tuple[str, str, str]], yours: list[tuple[str, str, str]]
) -> None:
    """Value by value, for every pair of edits; a conflict where, and only where, both changed one value differently."""
    base = in_order(base)
    ours, theirs = in_order(edited(base, mine)), in_order(edited(base, yours))
    wanted = expected(base, ours, theirs)
    data = sides(yaml(base), yaml(ours), yaml(theirs))
    with opened(data[0]) as old, opened(data[1]) as one, opened(data[2]) as other:
        merged = merge(old, one, other)
        if wanted is None:
            assert merged.file is None and merged.conflicts
            return
        if merged.file is None:
            # Both put names into, or took them out of, the same place: no value may be lost by a guess.
            assert set(base) != set(ours) and set(base) != set(theirs), merged.conflicts
            return
        text = bytes(merged.file.plaintext()).decode()
        encoded = merged.file.encoded().decode()
        assert bytes(opened(encoded.encode()).plaintext()).decode() == text
        assert dict(line.split(": ", 1) for line in text.splitlines() if line[0] != "#") == wanted
        tokens = set(re.findall(r"strongroom1\.[\w-]+", encoded))
        known = set(re.findall(r"strongroom1\.[\w-]+", b"".join(data).decode()))
        assert tokens <= known, "what nobody changed is not encrypted anew, and what one side changed neither"


@ORDINARY
@given(base=MAPPINGS, mine=EDITS, yours=EDITS)
def test_where_git_merges_the_plain_texts_the_result_is_git_s(
    base: dict[str, str], mine: list[tuple[str, str, str]], yours: list[tuple[str, str, str]]
) -> None:
    """Comments, order and all; git is the judge."""
    texts = [yaml(base), yaml(edited(base, mine)), yaml(edited(base, yours))]
    with tempfile.TemporaryDirectory() as place:
        for name, text in zip(("base", "ours", "theirs"), texts, strict=True):
            (Path(place) / name).write_text(text)
        done = subprocess.run(
            ["git", "merge-file", "-p", "ours", "base", "theirs"], cwd=place, capture_output=True, timeout=60
        )
    if done.returncode:
        return
    data = sides(*texts)
    with opened(data[0]) as old, opened(data[1]) as one, opened(data[2]) as other:
        merged = merge(old, one, other)
        if merged.file is None:
            names = re.findall(rb"^(\w+):", done.stdout, re.MULTILINE)
            assert len(set(names)) != len(names), "git's result has a name twice, and nothing else is a reason"
            return
        assert bytes(merged.file.plaintext()) == done.stdout


@ORDINARY
@given(before=MAPPINGS, edits=EDITS, format=st.sampled_from(("yaml", "json", "ini", "dotenv", "toml")))
def test_an_edit_encrypts_what_it_changed_and_nothing_else(
    before: dict[str, str], edits: list[tuple[str, str, str]], format: str
) -> None:
    """Whatever else moves."""

    def text(values: dict[str, str]) -> str:
        plain = {name: value.strip("'\"") for name, value in values.items()}
        if format == "json":
            return json.dumps(plain, indent=1)
        between = {"yaml": ": ", "ini": " = ", "toml": " = ", "dotenv": "="}[format]
        head = "[s]\n" if format == "ini" else ""
        return head + "".join(f"{name}{between}{written(value)}\n" for name, value in plain.items())

    def written(value: str) -> str:
        if format == "ini":
            return value
        return f"'{value}'" if format == "dotenv" else json.dumps(value)

    after = edited(before, edits)
    data = made(text(before), format)
    with opened(data) as file:
        file.replace(text(after).encode())
        new = file.encoded()
    with opened(new) as file:
        assert file.plaintext().decode().strip() == text(after).strip()
    tokens = [set(re.findall(r"strongroom1\.[\w-]+", one.decode())) for one in (data, new)]
    old = {name: value.strip("'\"") for name, value in before.items()}
    changed = {name for name in after if old.get(name) != after[name].strip("'\"")}
    assert len(tokens[1] - tokens[0]) == len(changed)


@ORDINARY
@given(text=st.text(alphabet=st.sampled_from("ab:- #'\"&*!|>\n[]{},\\$=%\t1é"), max_size=60))
@pytest.mark.parametrize("format", ["yaml", "toml", "ini", "dotenv", "dotenv-posix", "json"])
def test_every_file_that_can_be_encrypted_comes_back(text: str, format: str) -> None:
    """To the byte, but for the line end of an unended last line; and what cannot is refused in our words."""
    try:
        data = made(text, format)
    except BadFile:
        return
    with opened(data) as file:
        assert file.plaintext().decode() in (text, text + "\n")
