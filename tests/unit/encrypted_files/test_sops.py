"""SOPS files without the program: what is refused, in which words, and that hostile files take no time."""

from __future__ import annotations

import re
import time
import traceback
from datetime import UTC, datetime, timedelta

import pytest

from strongroom.credentials.age import bech32
from strongroom.credentials.hidden import HiddenText
from strongroom.credentials.identities import Identity, X25519Identity
from strongroom.crypto.age import X25519PrivateKey
from strongroom.encrypted_files.sops import flat, is_sops
from strongroom.encrypted_files.sops.file import FORMATS, SopsFile, encrypt
from strongroom.encrypted_files.sops.metadata import MacDigest
from strongroom.encrypted_files.sops.rules import Rule, compile_pattern
from strongroom.encrypted_files.sops.values import Token, canonical, go_float, seal
from strongroom.encrypted_files.sops.yaml_text import resolve
from strongroom.errors import Conflict, FormatUnsupported, StrongroomError, Tampered, VaultLocked, WrongKey
from strongroom.formats.interface import BadFile
from strongroom.secret import HiddenBuffer

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
PRIVATE = bytes(range(32))
PLAIN = {
    "yaml": b"# c\ndb:\n  password: canary-1\n  port: 5\nl: [canary-2, null]\n",
    "json": b'{\n\t"db": {"password": "canary-1", "port": 5},\n\t"l": ["canary-2", null]\n}\n',
    "dotenv": b"# c\nDB_PASSWORD=canary-1\nEMPTY=\nL=canary-2\n",
    "ini": b"; c\n[db]\npassword = canary-1\nl = canary-2\n",
    "binary": b"canary-1 = [\n",
}


def recipient(private: bytes = PRIVATE) -> str:
    public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    return bech32.encode("age", public)


def identities(private: bytes = PRIVATE) -> list[Identity]:
    return [X25519Identity(bytearray(private))]


def made(format: str, plain: bytes | None = None) -> bytes:
    return encrypt(PLAIN[format] if plain is None else plain, format, [recipient()], NOW)


def opened(data: bytes, format: str) -> SopsFile:
    file = SopsFile(data, format)
    file.unlock(identities())
    return file


@pytest.mark.parametrize("format", FORMATS)
def test_there_and_back(format: str) -> None:
    """The plaintext comes back byte for byte; no value is in the file; an edit of nothing changes no value."""
    data = made(format)
    assert b"canary" not in data
    assert is_sops(data)
    assert not is_sops(PLAIN[format])
    with opened(data, format) as file:
        plain = file.plaintext()
        assert plain == PLAIN[format]
        again = file.edited(plain, NOW)
    with pytest.raises(VaultLocked):
        file.plaintext()
    changed = [line for line in again.splitlines() if line not in data.splitlines()]
    assert len(changed) == 1, changed  # the MAC, which is encrypted anew
    assert "canary" not in repr(file) + repr(file._tree) + repr(file._tree.leaves)


@pytest.mark.parametrize("format", FORMATS)
def test_every_byte_of_the_values(format: str) -> None:
    """No byte of an encrypted value or of the MAC can be another one."""
    data = made(format)
    lines = data.split(b"\n")
    tried = 0
    for number, line in enumerate(lines):
        start = line.find(b"data:")
        end = line.find(b",type:")
        # Nothing notices what happens to a comment: a weak spot.
        for place in range(start, end, 7) if start >= 0 and b"type:comment" not in line else ():
            old = line[place : place + 1]
            if not old.isalnum():
                continue
            new = b"B" if old == b"A" else b"A"
            lines[number] = line[:place] + new + line[place + 1 :]
            tried += 1
            with pytest.raises((Tampered, FormatUnsupported)):
                opened(b"\n".join(lines), format)
        lines[number] = line
    assert tried > 20


@pytest.mark.parametrize("format", FORMATS)
def test_cut_anywhere(format: str) -> None:
    """A file that was cut before the end of its MAC is refused with an error of ours; nothing covers what follows."""
    data = made(format)
    for length in range(0, data.rindex(b"type:str]"), 37):
        with pytest.raises((StrongroomError, BadFile)):
            opened(data[:length], format)


def test_wrong_keys() -> None:
    """Another identity, none, and a file for other services."""
    data = made("yaml")
    for keys in (identities(bytes(range(1, 33))), []):
        with pytest.raises(WrongKey):
            SopsFile(data, "yaml").unlock(keys)
    for format, old in (("yaml", b"    age:"), ("json", b'"age"')):
        with pytest.raises(FormatUnsupported, match="pgp"):
            SopsFile(made(format).replace(old, old.replace(b"age", b"pgp")), format).unlock(identities())


def test_a_key_of_a_wrong_length() -> None:
    """The age file inside holds something else than 32 bytes."""
    from strongroom.encrypted_files.sops import metadata

    file = SopsFile(made("json"), "json")
    for key in (bytearray(31), bytearray(33)):
        file.metadata.groups[0].age = [(recipient(), metadata._armored(key, recipient()))]
        with pytest.raises(Tampered, match="length"):
            file.unlock(identities())


def test_what_keeps_a_file_from_new_recipients() -> None:
    """Keys of other services would keep the old data key, and a split one is not split again."""
    data = made("json").replace(b'"age": [', b'"kms": [{"arn": "x"}],\n\t\t"age": [')
    file = opened(data, "json")
    assert file.metadata.others == ("kms",)
    with pytest.raises(Conflict, match="kms"):
        file.with_recipients([recipient()], NOW)
    assert b'"arn": "x"' in file.edited(file.plaintext(), NOW)
    for wrong in ([], [recipient(), recipient()], ["age1plugin1q"], ["nobody"]):
        with pytest.raises(ValueError):
            encrypt(PLAIN["json"], "json", wrong, NOW)


REFUSED = {
    "no mapping": ("yaml", b"- a\n", BadFile),
    "an anchor": ("yaml", b"a: &x 1\nb: *x\n", BadFile),
    "an anchored list": ("yaml", b"a: &x [1]\nb: *x\n", BadFile),
    "a tag": ("yaml", b"a: !secret x\n", BadFile),
    "a Python object": ("yaml", b"a: !!python/object:os.system x\n", BadFile),
    "two documents": ("yaml", b"a: 1\n---\nb: 2\n", FormatUnsupported),
    "a name that is a number": ("yaml", b"1: x\n", BadFile),
    "a name twice": ("yaml", b"a: 1\na: 2\n", BadFile),
    "a merge": ("yaml", b"<<: {a: 1}\n", BadFile),
    "infinite": ("yaml", b"a: .inf\n", BadFile),
    "no value": ("yaml", b"# only a comment\na: {}\n", BadFile),
    "encrypted already": ("yaml", b"a: ENC[AES256_GCM,data:x]\n", BadFile),
    "metadata already": ("yaml", b"a: 1\nsops: 1\n", BadFile),
    "a huge whole number": ("yaml", b"a: 9223372036854775808\n", BadFile),
    "a JSON list": ("json", b"[1]", BadFile),
    "a JSON number that would change": ("json", b'{"a": 12345678901234567890}', BadFile),
    "a JSON name twice": ("json", b'{"a": 1, "a": 2}', BadFile),
    "half of a surrogate pair": ("json", b'{"a": "\\ud800"}', BadFile),
    "a line without an equals sign": ("dotenv", b"A=1\nexport\n", BadFile),
    "an INI value that is cut": ("ini", b"[a]\nb = c#d\n", BadFile),
    "an INI value in three quotes": ("ini", b'[a]\nb = """c"""\n', BadFile),
    "an INI line that goes on": ("ini", b"[a]\nb = c\\\n", BadFile),
    "an INI section twice": ("ini", b"[a]\nb = 1\n[a]\nc = 2\n", BadFile),
    "an INI option twice": ("ini", b"[a]\nb = 1\nb = 2\n", BadFile),
    "bytes": ("binary", b"\xff\xfe", BadFile),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_sops_would_not_bring_back(case: str) -> None:
    """Refused before anything is encrypted; the message quotes nothing."""
    format, plain, error = REFUSED[case]
    with pytest.raises(error) as raised:
        encrypt(plain, format, [recipient()], NOW)
    assert "canary" not in str(raised.value)


def test_metadata_that_is_none() -> None:
    """Missing, of a wrong type, with too many keys, groups beside keys, two rules, no time."""
    good = made("json")
    wrong = {
        b'"lastmodified": "2026-11-22T10:00:00Z"': b'"lastmodified": "yesterday"',
        b'"age": [': b'"age": 5, "pgp": [',
        b'"unencrypted_suffix": "_unencrypted"': b'"unencrypted_suffix": "_u", "encrypted_regex": "^a$"',
        b'"version"': b'"shamir_threshold": 5, "version"',
        b'"version": ': b'"key_groups": [{"age": []}], "version": ',
        b'"enc": "': b'"enc": 5, "x": "',
        b'"unencrypted_suffix": "_unencrypted",': b'"encrypted_regex": 7,',
        b'"unencrypted_suffix": "_unencrypted"  ': b"",
    }
    for before, after in wrong.items():
        data = good.replace(before, after)
        if data == good:
            continue
        with pytest.raises(BadFile):
            SopsFile(data, "json")
    with pytest.raises(BadFile, match="no metadata"):
        SopsFile(PLAIN["yaml"], "yaml")
    with pytest.raises(FormatUnsupported, match="comments"):
        SopsFile(good.replace(b'"unencrypted_suffix": "_u', b'"encrypted_comment_regex": "sops:'), "json")


def test_rules() -> None:
    """Which names are encrypted; patterns are searched for in each name on the way."""
    rule = Rule({"encrypted_regex": "^(data|stringData)$"})
    assert rule.encrypts(("data", "x"))
    assert not rule.encrypts(("metadata", "x"))
    assert not Rule({"unencrypted_suffix": "_u"}).encrypts(("a_u", "b"))
    assert Rule({"encrypted_suffix": "_e"}).encrypts(("a", "b_e"))
    assert Rule({"unencrypted_regex": "(?i)kind"}).encrypts(("x",))
    assert not Rule({"unencrypted_regex": "(?i)kind"}).encrypts(("Kind",))
    assert Rule({}).encrypts(())


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a|a)*b",
        "(?=a)b",
        "(?P<x>a)(?P=x)",
        r"(a)\1",
        "a{1,9999}",
        "x" * 600,
        "(?:a+)+",
        "(a*)*",
        "(?!x)",
        "[a-z]{3}",
    ],
)
def test_patterns_that_might_take_long(pattern: str) -> None:
    """Not compiled at all."""
    with pytest.raises(FormatUnsupported):
        compile_pattern(pattern)


def test_names_that_make_a_pattern_slow() -> None:
    """The steps are counted before they are taken."""
    rule = Rule({"encrypted_regex": "a*a*a*a*b"})
    with pytest.raises(FormatUnsupported):
        rule.encrypts(("a" * 500,))
    for wrong in ("(", "[", "a**"):
        with pytest.raises((BadFile, FormatUnsupported)):
            compile_pattern(wrong)


@pytest.mark.parametrize(
    "text", ["data:,iv:,tag:", "data:AA==,iv:AA==,tag:AA==", "data:x,iv:A", "data:A,iv:A,tag:A"]
)
def test_tokens_that_are_none(text: str) -> None:
    """Refused before any key is used."""
    with pytest.raises(Tampered):
        Token(f"ENC[AES256_GCM,{text},type:str]")


def test_kinds_of_values() -> None:
    """A type that the file says and the value is not; an unknown one; numbers as Go writes them."""
    key = bytes(32)
    for kind, data in (("int", "x"), ("float", "inf"), ("bool", "maybe"), ("int", "9" * 30)):
        with pytest.raises(Tampered):
            Token(seal(key, kind, data, b"")).open(key, b"")
    with pytest.raises(FormatUnsupported):
        Token(seal(key, "blob", "x", b""))
    assert [go_float(one) for one in (1.0, 0.1, 1e21, 1e-7, -2.5)] == ["1", "0.1", "1" + "0" * 21, "0.0000001", "-2.5"]
    assert [canonical("bool", one) for one in ("true", "False", "1")] == ["True", "False", "True"]
    assert resolve("1_0", 1) == ("int", "10")


def test_flat_metadata() -> None:
    """Lists and mappings as names, and back; holes, huge places and names twice are refused."""
    nested = {"age": [{"recipient": "a", "enc": "x\ny\n"}, {"recipient": "b", "enc": ""}], "version": "3"}
    assert flat.unflatten(flat.flatten(nested)) == nested
    for wrong in (
        {"a__list_1": "x"},
        {"a__list_99999999999": "x"},
        {"a__list_x": "x"},
        {"a": "x", "a__map_b": "y"},
        {"a__map_b": "y", "a__map_b__list_0": "z"},
        {"a__list_0": "x", "a__map_b": "y"},
        {"a" + "__map_b" * 12: "x"},
    ):
        with pytest.raises(BadFile):
            flat.unflatten(wrong)


def test_hostile_files_take_no_time() -> None:
    """Rows of comments, names and brackets at the limits: an error or an answer within the limit of a test."""
    begin = time.process_time()
    for text in (b"a: 1\n" + b"# c\n" * 30_000, b"a: " + b"[" * 60 + b"]" * 60, b"x" * 200_000, b"a: 1 # c\n# d\n" * 3):
        with pytest.raises(BadFile):
            encrypt(text, "yaml", [recipient()], NOW)
    with pytest.raises(BadFile):
        encrypt(b'{"a":' * 200 + b"1" + b"}" * 200, "json", [recipient()], NOW)
    assert time.process_time() - begin < 60


def _no_place(file: SopsFile) -> None:
    file.with_value(["db", "password"], HiddenText("canary\nnew"), NOW)


TRACEBACKS = {
    "a wrong MAC": ("json", lambda data: opened(data.replace(b"T10:00:00Z", b"T10:00:01Z"), "json")),
    "a value in the open": ("yaml", lambda data: opened(re.sub(rb"ENC[^\n]*type:int.", b"5", data), "yaml")),
    "an edit that is no YAML": ("yaml", lambda data: opened(data, "yaml").edited(HiddenBuffer(b"a: {canary: ["), NOW)),
    "an edit that is no JSON": ("json", lambda data: opened(data, "json").edited(HiddenBuffer(b'{"canary": '), NOW)),
    "an edit of an anchor": ("yaml", lambda data: opened(data, "yaml").edited(HiddenBuffer(b"a: &x canary"), NOW)),
    "an edit that is cut": ("ini", lambda data: opened(data, "ini").edited(HiddenBuffer(b"[a]\nb = canary#1\n"), NOW)),
    "a value of several lines": ("ini", lambda data: _no_place(opened(data, "ini"))),
}


@pytest.mark.parametrize("case", TRACEBACKS)
def test_nothing_is_shown_by_a_traceback_with_locals(case: str) -> None:
    """Wherever in these files an error comes from."""
    format, act = TRACEBACKS[case]
    try:
        act(made(format))
    except (StrongroomError, BadFile) as error:
        found = traceback.TracebackException.from_exception(error, capture_locals=True)
    else:
        pytest.fail("there was no error")
    frames = [frame for frame in found.stack if "/strongroom/" in frame.filename]
    assert frames
    shown = [f"{frame.name}: {name} = {value}" for frame in frames for name, value in (frame.locals or {}).items()]
    assert [line for line in shown if "canary" in line] == []


@pytest.mark.parametrize(
    ("format", "names", "text"),
    [
        ("dotenv", ["DB_PASSWORD"], "C:\\new"),
        ("dotenv", ["NEW"], "C:\\new"),
        ("dotenv", ["NEW"], "x\r"),
        ("dotenv", ["DB_PASSWORD"], "x\r"),
        ("dotenv", ["a=b"], "x"),
        ("dotenv", ["#a"], "x"),
        ("dotenv", ["a\nb"], "x"),
        ("ini", ["db", "new"], "'ab'"),
    ],
)
def test_what_would_be_set_as_another_value_is_refused(format: str, names: list[str], text: str) -> None:
    """A value that the format reads otherwise, or under another name, is refused and not silently changed."""
    with opened(made(format), format) as file, pytest.raises(BadFile) as caught:
        file.with_value(names, text, NOW)
    assert text not in str(caught.value)


def test_an_edit_does_not_change_the_values_beside_it() -> None:
    """`sops set` stores a backslash with an n in a .env file, which its plaintext would make a line end of."""
    file = opened(made("dotenv", b"A=x\nB=y\n"), "dotenv")
    key, digest = file._unlocked(), MacDigest(encrypted_only=False)
    for value in ("C:\\new", "y"):
        digest.update(value)
    settings = file.metadata.edited(key, digest.finish(), NOW)
    text = re.sub(r"(?m)^A=.*$", lambda _: "A=" + seal(key, "str", "C:\\new", b"A:"), file._tree.text)
    with opened(text.replace(file.metadata.mac, str(settings["mac"])).encode(), "dotenv") as other:
        assert other.value(["A"]) == ("str", "C:\\new")
        with pytest.raises(BadFile, match="sops set"):
            other.with_value(["B"], "z", NOW)
        with pytest.raises(BadFile, match="sops set"):
            other.edited(other.plaintext(), NOW)


@pytest.mark.parametrize("written", [r'"\\x32\2"', r">-\n        \1\2"])
def test_metadata_in_another_writing_is_no_file_that_nobody_opens(written: str) -> None:
    """The time stays where it is written with escapes: the MAC would be one for another, so nothing is written."""
    data = re.sub(r"lastmodified: [\"']?(2)([^\"'\n]*)[\"']?", "lastmodified: " + written, made("yaml").decode())
    with opened(data.encode(), "yaml") as file, pytest.raises(BadFile, match="as only sops can change it"):
        file.with_value(["db", "password"], "other", NOW + timedelta(days=1))


@pytest.mark.parametrize(
    "pattern",
    ["a?" * 60 + "b", r"\s?" * 60 + "b", "(a|a)" * 60 + "x", "((a|b)" * 60 + ")" * 60 + "x", "(" + "a?" * 60 + ")b"],
)
def test_patterns_with_many_ways_through_them_are_not_matched(pattern: str) -> None:
    """Each optional character and each group doubles the steps: refused before the first, or it would never end."""
    with pytest.raises(FormatUnsupported):
        Rule({"encrypted_regex": pattern}).encrypts(["a" * 60])


@pytest.mark.parametrize("pattern", ["^(data|stringData)$", "^https?_(user|pass)_(old|new)$", "(?i)^x-?(a|b)$|^(c|d)$"])
def test_patterns_with_few_ways_are_matched(pattern: str) -> None:
    assert Rule({"encrypted_regex": pattern}).encrypts(["x"]) is False
