"""The list of allowed files: by content, for one user, and never less strict because it is damaged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.errors import Tampered, UnsafePermissions
from strongroom.formats.references import parse
from strongroom.locate.allowed_files import (
    Allowed,
    _decode,
    _encode,
    allow,
    digest_of,
    find_allowed,
    forget,
    list_allowed,
)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    os.chmod(tmp_path, 0o700)
    return {"XDG_STATE_HOME": str(tmp_path / "state"), "HOME": str(tmp_path)}


def path_of(environment: dict[str, str]) -> Path:
    return Path(environment["XDG_STATE_HOME"]) / "strongroom" / "allowed-files"


def test_a_content_is_allowed_wherever_it_lies_until_it_changes(environment: dict[str, str]) -> None:
    """Nothing but the content counts."""
    assert find_allowed(b"one", environment) is None
    allow(b"one", "/p/a b", ["db", "mail/smtp"], environment)
    allow(b"two", "/p/ö\udcff", [], environment)
    found = find_allowed(b"one", environment)
    assert found is not None
    assert (found.prefixes, found.place) == (("db", "mail/smtp"), "/p/a b")
    assert find_allowed(b"one\n", environment) is None
    assert [one.place for one in list_allowed(environment)] == ["/p/a b", "/p/ö\udcff"]
    assert oct(path_of(environment).stat().st_mode) == "0o100600"


def test_the_newest_word_about_a_content_counts(environment: dict[str, str]) -> None:
    """A limit can be put on and taken off."""
    allow(b"one", "/a", ["db"], environment)
    allow(b"one", "/b", [], environment)
    assert [(one.place, one.prefixes) for one in list_allowed(environment)] == [("/b", ())]


def test_what_was_allowed_is_taken_back_by_its_place(environment: dict[str, str]) -> None:
    """In every content that the file had."""
    allow(b"one", "/a", [], environment)
    allow(b"two", "/a", [], environment)
    allow(b"three", "/b", [], environment)
    assert len(forget(["/a", "/c"], environment)) == 2
    assert find_allowed(b"one", environment) is None
    assert find_allowed(b"three", environment) is not None


@pytest.mark.parametrize(
    ("prefixes", "reference", "is_covered"),
    [
        ([], "strongroom://anything#x", True),
        (["db"], "strongroom://db/prod#x", True),
        (["db"], "strongroom://db#x", True),
        (["db"], "strongroom://dbs/prod#x", False),
        (["db/prod"], "strongroom://db#x", False),
        (["a", "db/prod"], "strongroom://db/prod/deep#x", True),
        (["db"], "strongroom://%64b/prod#x", True),
        (["db"], "strongroom://DB/prod#x", False),
    ],
)
def test_a_prefix_covers_whole_components(prefixes: list[str], reference: str, is_covered: bool) -> None:
    """After decoding."""
    assert Allowed("", prefixes, "").covers(parse(reference)) is is_covered


LINE = f"allow {digest_of(b'x')} * %2Fa\n"
DAMAGED = {
    "empty": "",
    "another first line": f"strongroom-allowed-files-v2\n{LINE}",
    "no newline at the end": f"strongroom-allowed-files-v1\n{LINE.strip()}",
    "a cut line": f"strongroom-allowed-files-v1\n{LINE[:30]}\n",
    "another word": f"strongroom-allowed-files-v1\n{LINE.replace('allow', 'deny')}",
    "capitals in the digest": f"strongroom-allowed-files-v1\nallow {'A' * 64} * %2Fa\n",
    "no prefixes": f"strongroom-allowed-files-v1\n{LINE.replace('*', '')}",
    "an empty prefix": f"strongroom-allowed-files-v1\n{LINE.replace('*', 'db|')}",
    "a prefix that is no path": f"strongroom-allowed-files-v1\n{LINE.replace('*', '../x')}",
    "a bad place": f"strongroom-allowed-files-v1\n{LINE.replace('%2F', '%2')}",
    "an empty line": f"strongroom-allowed-files-v1\n\n{LINE}",
    "not ASCII": f"strongroom-allowed-files-v1\n{LINE}ü\n",
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_list_allows_nothing(environment: dict[str, str], text: str) -> None:
    """And is not written over."""
    allow(b"one", "/a", [], environment)
    path_of(environment).write_text(text)
    with pytest.raises(Tampered) as caught:
        find_allowed(b"one", environment)
    assert "rm " in caught.value.advice
    with pytest.raises(Tampered):
        allow(b"two", "/b", [], environment)
    assert path_of(environment).read_text() == text


def test_a_list_that_others_could_write_is_refused(environment: dict[str, str]) -> None:
    """Whoever writes it decides what is believed."""
    allow(b"one", "/a", [], environment)
    path_of(environment).chmod(0o666)
    with pytest.raises(UnsafePermissions):
        find_allowed(b"one", environment)


def test_the_oldest_go_when_there_are_too_many(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The list stays readable."""
    monkeypatch.setattr("strongroom.locate.allowed_files._FILES_MAX", 3)
    for number in range(5):
        allow(bytes([number]), f"/{number}", [], environment)
    assert [one.place for one in list_allowed(environment)] == ["/2", "/3", "/4"]


@given(
    st.lists(
        st.tuples(st.binary(), st.lists(st.sampled_from(["a", "a/b", "ü x", "p|q"]), max_size=3), st.text(max_size=20)),
        max_size=4,
    )
)
def test_every_list_reads_back(entries: list[tuple[bytes, list[str], str]]) -> None:
    """Whatever names files and items have."""
    known = [Allowed(digest_of(data), prefixes, os.fsdecode(place.encode())) for data, prefixes, place in entries]
    again = _decode(_encode(known))
    assert [(a.digest, a.prefixes, a.place) for a in again] == [(a.digest, a.prefixes, a.place) for a in known]
