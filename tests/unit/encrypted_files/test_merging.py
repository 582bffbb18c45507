"""Merging value by value: what is taken, what is a conflict, and what a conflict looks like."""

from __future__ import annotations

import pytest

from strongroom.encrypted_files.merging import Merge, merge, resolved, with_marks_in_plain
from strongroom.encrypted_files.merging_lines import marked, merge_texts
from strongroom.errors import Tampered
from strongroom.formats.interface import BadFile
from tests.encrypted_files import ALICE, BOB, CAROL, locked, made, opened, public, recipient

BASE = "# top\na: 1\nb: 2\nlist:\n  - x\n  - y\n"


def sides(ours: str, theirs: str, *, base: str = BASE, format: str = "yaml") -> tuple[bytes, bytes, bytes]:
    """Three revisions of one file."""
    first = made(base, format)
    done = []
    for text in (ours, theirs):
        with opened(first) as file:
            file.replace(text.encode())
            done.append(file.encoded())
    return first, done[0], done[1]


def merged(ours: str, theirs: str, *, base: str = BASE, format: str = "yaml") -> Merge:
    return merge(*(opened(one) for one in sides(ours, theirs, base=base, format=format)))


def swapped(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


# name: (what ours does, what theirs does, the result)
MERGES: dict[str, tuple[tuple[str, str], tuple[str, str], str]] = {
    "neighbours": (("a: 1", "a: 10"), ("b: 2", "b: 20"), "# top\na: 10\nb: 20\nlist:\n  - x\n  - y\n"),
    "the same": (("a: 1", "a: 10"), ("a: 1", "a: 10"), "# top\na: 10\nb: 2\nlist:\n  - x\n  - y\n"),
    "one takes away": (("a: 1\n", ""), ("b: 2", "b: 20"), "# top\nb: 20\nlist:\n  - x\n  - y\n"),
    "both take away": (("a: 1\n", ""), ("a: 1\n", ""), "# top\nb: 2\nlist:\n  - x\n  - y\n"),
    "both add": (("b: 2\n", "b: 2\nc: 3\n"), ("b: 2\n", "b: 2\nd: 4\n"), BASE.replace("b: 2\n", "b: 2\nc: 3\nd: 4\n")),
    "a comment and a value": (("# top", "# other"), ("a: 1", "a: 10"), "# other\na: 10\nb: 2\nlist:\n  - x\n  - y\n"),
    "moved and changed": (
        ("a: 1\nb: 2\n", "b: 2\na: 1\n"), ("a: 1", "a: 10"), "# top\nb: 2\na: 10\nlist:\n  - x\n  - y\n"
    ),
    "two entries of a list": (("- x", "- x2"), ("- y", "- y2"), "# top\na: 1\nb: 2\nlist:\n  - x2\n  - y2\n"),
    "a list grows on one side": (
        ("- y\n", "- y\n  - z\n"), ("a: 1", "a: 10"), BASE.replace("a: 1", "a: 10") + "  - z\n"
    ),
    "only the quotation marks": (("a: 1", "a: '1'"), ("b: 2", "b: 20"), "# top\na: '1'\nb: 20\nlist:\n  - x\n  - y\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", MERGES)
@pytest.mark.parametrize("is_turned", [False, True])
def test_what_is_no_conflict_is_merged(name: str, is_turned: bool) -> None:
    """From either side, with every comment, and no value encrypted anew."""
    ours, theirs, result = MERGES[name]
    if is_turned:
        ours, theirs = theirs, ours
        result = result.replace("c: 3\nd: 4\n", "d: 4\nc: 3\n")
    data = sides(swapped(BASE, ours), swapped(BASE, theirs))
    found = merge(*(opened(one) for one in data))
    assert found.file is not None, found.conflicts
    after = found.file.encoded()
    assert bytes(opened(after).plaintext()).decode() == result
    assert locked(after).revision == 3
    tokens = [{word for word in one.decode().split('"') if word.startswith("strongroom1.")} for one in (*data, after)]
    assert tokens[3] <= tokens[0] | tokens[1] | tokens[2]


# name: (what ours does, what theirs does, what the conflict says)
CONFLICTS: dict[str, tuple[tuple[str, str], tuple[str, str], str]] = {
    "one value": (("a: 1", "a: 10"), ("a: 1", "a: 11"), "both sides changed a"),
    "changed and taken away": (("a: 1", "a: 10"), ("a: 1\n", ""), "took away a"),
    "both add it": (("b: 2\n", "b: 2\nc: 3\n"), ("b: 2\n", "b: 2\nc: 4\n"), "both sides changed c"),
    "places of a list that moved": (("- x", "- n\n  - x"), ("- y", "- y2"), "the list list"),
    "a comment": (("# top", "# one"), ("# top", "# other"), "names, order or comments"),
}


@pytest.mark.parametrize("name", CONFLICTS)
@pytest.mark.parametrize("is_turned", [False, True])
def test_a_conflict_is_one_and_shows_no_value(name: str, is_turned: bool) -> None:
    """Nothing is guessed; the marks stand around what is encrypted, and the file opens to nobody."""
    ours, theirs, said = CONFLICTS[name]
    if is_turned:
        ours, theirs = theirs, ours
    found = merged(swapped(BASE, ours), swapped(BASE, theirs))
    assert found.file is None and any(said in one for one in found.conflicts), found.conflicts
    assert found.text.count("<<<<<<< ") == found.text.count(">>>>>>> ") == 1
    values = {line.partition(": ")[2].strip("- ") for line in found.text.splitlines() if ": " in line}
    assert all(value.startswith(('"strongroom1.', "strongroom file")) for value in values if value), found.text
    with pytest.raises(BadFile, match="conflict"):
        locked(found.text.encode())


def test_a_conflict_marks_what_is_in_conflict_alone() -> None:
    """One value has one token on both sides, also when both sides changed it to the same."""
    ours, theirs = (swapped(BASE, ("a: 1", "a: same"), ("b: 2", f"b: {value}")) for value in (3, 4))
    found = merged(ours, theirs)
    assert found.conflicts == ("both sides changed b",)
    marked_lines = found.text.split("<<<<<<<")[1].split(">>>>>>>")[0].splitlines()[1:]
    assert [line.partition(":")[0] for line in marked_lines] == ["b", "=======", "b"]


def test_a_person_s_merge_keeps_what_nobody_changed() -> None:
    """And leaves no mark."""
    data = sides(swapped(BASE, ("a: 1", "a: 10")), swapped(BASE, ("a: 1", "a: 11")))
    base, ours, theirs = (opened(one) for one in data)
    shown = bytes(with_marks_in_plain(base, ours, theirs)).decode()
    assert "<<<<<<< ours\na: 10\n=======\na: 11\n>>>>>>> theirs\n" in shown
    with pytest.raises(BadFile, match="marks"):
        resolved(base, ours, theirs, shown.encode())
    with resolved(base, ours, theirs, swapped(BASE, ("a: 1", "a: 12")).encode()) as file:
        after = file.encoded()
    assert bytes(opened(after).plaintext()).decode() == swapped(BASE, ("a: 1", "a: 12"))
    assert data[0].splitlines()[2] == after.splitlines()[2], "b has its ciphertext"


def test_readers_are_merged() -> None:
    """Added by one, taken away by the other; who was taken away gets a new key's file from nobody."""
    first = made(BASE, "yaml", ALICE, BOB)
    with opened(first) as file:
        file.add_recipients([recipient(CAROL)])
        ours = file.encoded()
    with opened(first) as file:
        file.set(("a",), "10")
        theirs = file.encoded()
    found = merge(opened(first), opened(ours), opened(theirs))
    assert found.file is not None and locked(found.file.encoded()).recipients == tuple(map(public, (ALICE, BOB, CAROL)))
    turned = merge(opened(first), opened(theirs), opened(ours))
    assert turned.file is not None and any(public(CAROL) in note for note in turned.notes)
    with opened(first) as file:
        file.remove_recipients([public(BOB)])
        theirs = file.encoded()
    found = merge(opened(first), opened(ours), opened(theirs))
    assert found.file is not None
    after = found.file.encoded()
    assert locked(after).recipients == tuple(map(public, (ALICE, CAROL)))
    assert opened(after, CAROL).plaintext() == BASE.encode()


def test_different_files_are_not_merged() -> None:
    """However alike they are."""
    one, other = made(BASE, "yaml"), made(BASE, "yaml")
    with pytest.raises(Tampered, match="different encrypted files"):
        merge(opened(one), opened(one), opened(other))


def test_what_stays_readable_is_merged_too() -> None:
    """A change on one side is taken; the values are plain, or encrypted, accordingly."""
    first = made(BASE, "yaml")
    with opened(first) as file:
        file.plain = ("a",)
        file.replace(BASE.replace("a: 1", "a: 10").encode())
        ours = file.encoded()
    with opened(first) as file:
        file.set(("b",), "20")
        theirs = file.encoded()
    for sides_ in ((ours, theirs), (theirs, ours)):
        found = merge(opened(first), *(opened(one) for one in sides_))
        assert found.file is not None and b"\na: 10\n" in found.file.encoded()


@pytest.mark.parametrize(
    ("format", "base", "ours", "theirs", "result"),
    [
        ("json", '{\n "a": 1,\n "b": 2\n}\n', ("1", "10"), ("2", "20"), '{\n "a": 10,\n "b": 20\n}\n'),
        ("json", '{"a": 1, "b": 2}', ("1", "10"), ("2", "20"), '{"a": 10, "b": 20}'),
        ("toml", "a = 1\nb = 2\n[t]\nc = 3\n", ("1", "10"), ("2", "20"), "a = 10\nb = 20\n[t]\nc = 3\n"),
        ("ini", "[s]\na = 1\nb = 2\n", ("1", "10"), ("2", "20"), "[s]\na = 10\nb = 20\n"),
        ("dotenv", "A='1'\nB='2'\n", ("1", "10"), ("2", "20"), "A='10'\nB='20'\n"),
        ("yaml", "{a: 1, b: 2}\n", ("1", "10"), ("2", "20"), "{a: 10, b: 20}\n"),
        ("yaml", "a: |\n  one\n  two\nb: 2\n", ("two", "2"), ("b: 2", "b: 20"), "a: |\n  one\n  2\nb: 20\n"),
    ],
)  # fmt: skip
def test_every_format_is_merged(
    format: str, base: str, ours: tuple[str, str], theirs: tuple[str, str], result: str
) -> None:
    """Also two values on one line."""
    found = merged(swapped(base, ours), swapped(base, theirs), base=base, format=format)
    assert found.file is not None, found.conflicts
    assert bytes(found.file.plaintext()).decode() == result


def test_lines_are_merged_as_diff3_does() -> None:
    """Whatever else Unicode calls the end of a line stands inside of one."""
    assert merge_texts("a\nb\nc\n", "a2\nb\nc\n", "a\nb\nc2\n") == "a2\nb\nc2\n"
    assert merge_texts("a\n", "b\n", "c\n") is None
    assert merge_texts("a\n", "a\nb\n", "a\nc\n") is None
    assert merge_texts("a\n", "a\nb\n", "a\nc\n", prefer="ours") == "a\nb\nc\n"
    assert merge_texts("a\n", "a\nb\n", "a\nc\n", prefer="theirs") == "a\nc\nb\n"
    assert merge_texts("a\u2028b\n", "a\u2028c\n", "a\u2028b\nd\n") is None
    assert marked("a", "b", "c", ("x", "y")) == "<<<<<<< x\nb\n=======\nc\n>>>>>>> y\n"
