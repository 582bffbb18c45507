"""What somebody without a key may do to an encrypted file, and what strongroom says then."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from strongroom import encrypted_files
from strongroom.encrypted_files.merging import merge
from strongroom.errors import FormatUnsupported, Tampered, WrongKey
from strongroom.formats.interface import BadFile
from tests.encrypted_files import ALICE, BOB, CAROL, FILES, changed, identity, locked, made, opened, public, recipient

YAML = "a: one\nb: two\nlist:\n  - x\n  - y\nempty:\nplain: seen\n"


def lines_of(data: bytes) -> list[str]:
    return data.decode().splitlines(keepends=True)


def token(line: str) -> str:
    found = re.search(r"strongroom1\.[\w-]+", line)
    assert found
    return found[0]


def swap(lines: list[str], first: int, second: int) -> list[str]:
    """Two tokens, each in the other's place."""
    one, two = token(lines[first]), token(lines[second])
    lines[first] = lines[first].replace(one, two)
    lines[second] = lines[second].replace(two, one)
    return lines


def put(lines: list[str], number: int, line: str) -> list[str]:
    return [*lines[:number], line, *lines[number + 1 :]]


def flipped(lines: list[str], number: int) -> list[str]:
    one = token(lines[number])
    return put(lines, number, lines[number].replace(one, one[:40] + ("A" if one[40] != "A" else "B") + one[41:]))


def trailing(lines: list[str], word: str) -> int:
    return next(number for number, line in enumerate(lines) if line.startswith(f"#strongroom {word}"))


def of_another_file(lines: list[str]) -> list[str]:
    """The value of the same name of another file for the same reader."""
    return put(lines, 0, lines_of(made(YAML, "yaml", plain=("plain",)))[0])


def without_a_recipient(lines: list[str]) -> list[str]:
    number = trailing(lines, "for ") + 1
    return lines[:number] + lines[number + 1 :]


def one_more_recipient(lines: list[str]) -> list[str]:
    number = trailing(lines, "for ")
    stanza = lines[number].split(" ")[2]
    return [*lines[:number], f"#strongroom for {stanza} {public(CAROL)}\n", *lines[number:]]


ATTACKS: dict[str, Callable[[list[str]], list[str]]] = {
    "a byte of a value is changed": lambda lines: flipped(lines, 0),
    "two values are exchanged": lambda lines: swap(lines, 0, 1),
    "two values of a list are exchanged": lambda lines: swap(lines, 3, 4),
    "a value is taken away": lambda lines: lines[1:],
    "the last value is taken away": lambda lines: put(lines, 5, ""),
    "a value is there twice": lambda lines: put(lines, 1, "c: " + token(lines[0]) + "\n" + lines[1]),
    "an entry of a list is there twice": lambda lines: put(lines, 4, lines[4] * 2),
    "a value is called otherwise": lambda lines: put(lines, 0, lines[0].replace("a:", "z:")),
    "a value is plain text": lambda lines: put(lines, 0, "a: two\n"),
    "a value is added in plain text": lambda lines: ["admin: true\n", *lines],
    "an empty value is filled": lambda lines: put(lines, 5, "empty: full\n"),
    "a value is emptied": lambda lines: put(lines, 0, "a:\n"),
    "a readable value is changed": lambda lines: put(lines, 6, "plain: unseen\n"),
    "a comment is added": lambda lines: ["# call this number\n", *lines],
    "lines are moved": lambda lines: [lines[1], lines[0], *lines[2:]],
    "a value of another file": of_another_file,
    "a recipient is taken away": without_a_recipient,
    "a recipient is added": one_more_recipient,
    "a recipient has another name": lambda lines: [line.replace(public(BOB), public(CAROL)) for line in lines],
    "another name stays readable": lambda lines: [line.replace("plain plain", "plain *") for line in lines],
    "a name stays readable no longer": lambda lines: [line for line in lines if "plain plain" not in line],
    "another revision": lambda lines: [line.replace("revision 1", "revision 2") for line in lines],
    "a cut after the trailer's middle": lambda lines: lines[:-1],
    "something behind the trailer": lambda lines: [*lines, "more: x\n"],
    "a second trailer": lambda lines: [*lines, *lines[trailing(lines, "file") :]],
    "a blank in the trailer": lambda lines: [*lines[:-1], lines[-1].replace("mac ", "mac  ")],
    "a MAC of the wrong length": lambda lines: [*lines[:-1], lines[-1][:60] + "\n"],
    "a changed MAC of the text": lambda lines: [*lines[:-1], lines[-1][:-10] + "AAAAAAAAA\n"],
    "another format": lambda lines: [line.replace("file 1 yaml", "file 1 toml") for line in lines],
    "another file's id": lambda lines: [re.sub(r"yaml \S{22}", "yaml " + "A" * 22, line) for line in lines],
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_changed_is_not_opened(attack: str) -> None:
    """Nothing of such a file is given out."""
    lines = lines_of(made(YAML, "yaml", ALICE, BOB, plain=("plain",)))
    data = "".join(ATTACKS[attack](list(lines))).encode()
    assert data != "".join(lines).encode()
    with pytest.raises(Tampered):
        opened(data)


@pytest.mark.parametrize("format", FILES)
def test_every_character_counts(format: str) -> None:
    """A sample of places: whatever is there instead, the file does not open, or it is no such file at all."""
    data = made(FILES[format], format)
    for place in range(0, len(data), max(len(data) // 60, 1)):
        if data[place : place + 1] == b"\n":
            continue
        other = data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]
        with pytest.raises((Tampered, WrongKey, BadFile, FormatUnsupported)):
            opened(other)


def test_the_unchanged_file_opens() -> None:
    """So that the attacks above are what is refused."""
    assert opened(made(YAML, "yaml", ALICE, BOB, plain=("plain",))).plaintext() == YAML.encode()


@pytest.mark.parametrize(
    "attack",
    [name for name in ATTACKS if "recipient" in name or "stays readable" in name or "revision" in name],
)
def test_accepting_a_changed_text_accepts_no_changed_trailer(attack: str) -> None:
    """`accept` is for what a person wrote into the text; who may read it is not a part of that."""
    data = "".join(ATTACKS[attack](lines_of(made(YAML, "yaml", ALICE, BOB, plain=("plain",))))).encode()
    with pytest.raises(Tampered):
        locked(data).unlock([identity(ALICE)], accept=True)


@pytest.mark.parametrize(
    "attack", ["two values are exchanged", "a value of another file", "a byte of a value is changed"]
)
def test_accepting_a_changed_text_accepts_no_value_in_another_place(attack: str) -> None:
    """Each is bound to its place by itself."""
    data = "".join(ATTACKS[attack](lines_of(made(YAML, "yaml", ALICE, BOB, plain=("plain",))))).encode()
    with pytest.raises(Tampered):
        locked(data).unlock([identity(ALICE)], accept=True)


def test_what_a_person_added_is_encrypted_when_it_is_accepted() -> None:
    """The rest keeps its ciphertext."""
    data = made(YAML, "yaml", plain=("plain",))
    with locked(b"new: secret\n" + data).unlock([identity(ALICE)], accept=True) as file:
        after = file.encoded()
    assert b"secret" not in after and [token(line) for line in lines_of(data)[:2]] == [
        token(line) for line in lines_of(after)[1:3]
    ]
    assert opened(after).get("new").reveal() == "secret"


def test_a_whole_file_made_anew_for_the_same_reader_opens() -> None:
    """What no key can tell: it is said in the threat model, and in `docs/format-files.md`."""
    assert opened(made("a: planted\n", "yaml", ALICE, CAROL)).get("a").reveal() == "planted"


def test_an_old_revision_opens_and_says_which_it_is() -> None:
    """A file alone does not know that it is old; `revision` is for whoever remembers."""
    old = made("a: 1\n", "yaml")
    new = changed(old, a="2")
    assert (opened(old).revision, opened(new).revision) == (1, 2)


def planted(base: bytes, *who: str, revision: int = 0) -> bytes:
    """A file that somebody without its key made to be merged with it: same file id and format, a key of his own."""
    file_id = re.search(rb"#strongroom file 1 yaml (\S+)", base)
    people = [recipient(one) for one in who or (ALICE, CAROL)]
    with encrypted_files.encrypt(b"a: 1\nb: planted\n", people, format="yaml") as file:
        from strongroom.crypto.entropy import random_buffer
        from strongroom.encrypted_files.sealing import FileKey

        file._key = FileKey(random_buffer(32), locked(base).file_id, "yaml")
        file._tokens = {}
        file._revision = revision
        data = file.encoded()
    assert file_id and file_id[1] in data
    return data


def test_a_planted_side_of_a_merge_reads_nothing_of_ours() -> None:
    """Its recipients are not believed: anybody can encrypt a file to us and to himself."""
    base = made("a: 1\nb: 2\n", "yaml", ALICE, BOB)
    ours = changed(base, a="ours")
    merged = merge(opened(base), opened(ours), opened(planted(base)))
    assert merged.file is None
    assert any(public(CAROL) in line for line in merged.conflicts)


def test_a_planted_side_leaves_no_name_readable() -> None:
    """The merge would write what our side holds in plain text; one who has the key may ask for that."""
    base = made("a: 1\nb: 2\n", "yaml", ALICE, CAROL)
    ours = changed(base, a="ours")
    with opened(planted(base)) as file:
        file.plain = ("*",)
        file._encoded = ""
        theirs = file.encoded()
    merged = merge(opened(base), opened(ours), opened(theirs))
    assert merged.file is None and any("readable" in line for line in merged.conflicts)
    assert "ours" not in merged.text.replace("<<<<<<< ours", "")
    with opened(base) as file:
        file.plain = ("a",)
        file._encoded = ""
        theirs = file.encoded()
    merged = merge(opened(base), opened(ours), opened(theirs))
    assert merged.file is not None and any("readable: a" in line for line in merged.notes)


def test_a_planted_side_without_strangers_gets_no_key_of_ours() -> None:
    """Its maker knows the key that he made: the result has a new one."""
    base = made("a: 1\nb: 2\n", "yaml", ALICE, CAROL)
    ours = changed(base, a="ours")
    theirs = planted(base)
    merged = merge(opened(base), opened(ours), opened(theirs))
    assert merged.file is not None
    keys = [bytes(one._open_key().key) for one in (merged.file, opened(ours), opened(theirs))]
    assert len(set(keys)) == 3


def test_what_a_planted_side_does_to_a_merge_is_said() -> None:
    """That it may be a stranger's, and whom it takes away: a rotation looks the same, so it is no conflict."""
    base = made("a: 1\nb: 2\n", "yaml", ALICE, BOB)
    ours = changed(base, a="ours")
    merged = merge(opened(base), opened(ours), opened(planted(base, ALICE)))
    assert merged.file is not None
    assert any("another key" in line for line in merged.notes)
    assert any("takes a reader away" in line and public(BOB) in line for line in merged.notes)
    assert merge(opened(base), opened(ours), opened(changed(base, b="hers"))).notes == ()


def test_a_planted_side_does_not_count_to_the_end() -> None:
    """The merged file would be the last one that anybody can write."""
    base = made("a: 1\nb: 2\n", "yaml", ALICE, CAROL)
    ours = changed(base, a="ours")
    for revision in (2**53 - 1, 2**53 - 2, 2**52):
        merged = merge(opened(base), opened(ours), opened(planted(base, revision=revision)))
        assert merged.file is None and any("calls itself revision" in line for line in merged.conflicts)
    assert merge(opened(base), opened(ours), opened(planted(base, revision=7))).file is not None


@pytest.mark.parametrize("other", ["key team {}", "{} ", " {}"])
def test_one_key_has_one_name_among_the_readers(other: str) -> None:
    """Who is taken away under one of two would go on reading under the other."""
    twice = encrypted_files.FileRecipient(other.format(public(BOB)))
    with pytest.raises(ValueError, match="twice"):
        encrypted_files.encrypt(b"a: 1\n", [recipient(ALICE), recipient(BOB), twice], format="yaml")
    with opened(made(YAML, "yaml", ALICE, BOB)) as file, pytest.raises(ValueError, match="twice"):
        file.add_recipients([twice])


def test_a_removed_reader_does_not_come_back_by_a_merge() -> None:
    """She still knows the old key, and can make a side that is intact under it."""
    base = made("a: 1\nb: 2\n", "yaml", ALICE, BOB)
    with opened(base) as file:
        file.remove_recipients([public(BOB)])
        ours = file.encoded()
    with opened(base, BOB) as file:
        file.set(("b",), "hers")
        file.add_recipients([recipient(CAROL)])
        theirs = file.encoded()
    merged = merge(opened(base), opened(ours), opened(theirs))
    assert merged.file is None and any(public(CAROL) in line for line in merged.conflicts)
    with opened(base, BOB) as file:
        file.set(("b",), "hers")
        theirs = file.encoded()
    merged = merge(opened(base), opened(ours), opened(theirs))
    assert merged.file is not None
    after = merged.file.encoded()
    assert locked(after).recipients == (public(ALICE),)
    with pytest.raises(WrongKey):
        opened(after, BOB)


@pytest.mark.parametrize("value", ["strongroom1.hunter2", "strongroom1.AAAA and hunter2", f"strongroom1.{'A' * 138}é"])
def test_what_only_begins_as_a_token_is_plain_text(value: str) -> None:
    """A hook without a key lets none of it pass."""
    lines = lines_of(made(YAML, "yaml", plain=("plain",)))
    assert locked("".join(lines).encode()).plaintext_names() == []
    assert locked("".join(put(lines, 0, f'a: "{value}"\n')).encode()).plaintext_names() == [("a",)]


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("ini", "[s]\nkey = -----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----\n"),
        ("yaml", "a: b\n# -----BEGIN PRIVATE KEY-----\n# MIIEvQ\n"),
        ("dotenv-compose", 'A="pass"word\nB=1\n'),
    ],
)
def test_no_part_of_a_value_stays_readable(format: str, text: str) -> None:
    """What a parser takes for names or comments, and a person for a value, is not left in a file called encrypted."""
    with pytest.raises(BadFile):
        made(text, format)


@pytest.mark.parametrize("text", ['{"strongroom": "x"}', '{"a": 1, "strongroom": {"b": [2]}}'])
def test_json_has_no_member_twice(text: str) -> None:
    """Of two that are called alike, every other program takes another one."""
    with pytest.raises(BadFile, match="trailer"):
        made(text, "json")
    assert opened(made('{"a": {"strongroom": 1}}', "json")).get("a.strongroom").reveal() == "1"


def test_a_private_key_that_is_a_value_is_encrypted() -> None:
    """Or stays, where a pattern says so."""
    pem = "  -----BEGIN PRIVATE KEY-----\n  MIIEvQ\n  -----END PRIVATE KEY-----\n"
    assert b"PRIVATE" not in made(f"a: |\n{pem}", "yaml") and b"PRIVATE" not in made(f"[s]\na =\n{pem}", "ini")
    assert b"PRIVATE" in made(f"a: |\n{pem}", "yaml", plain=("a",))


def test_a_value_that_is_more_than_one_value_is_refused() -> None:
    """Whoever has the key could write such a thing; a reader of another program's would take it for names."""
    data = made("a: 1\n", "yaml")
    with opened(data) as file:
        key = file._open_key()
        file._encoded = ""
        file._tokens = {(("a",), "1"): key.encrypt(("a",), "1\nadmin: true")}
        with pytest.raises((Tampered, BadFile)):
            file.encoded()
