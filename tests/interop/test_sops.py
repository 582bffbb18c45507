"""SOPS files and the real ``sops``: it opens ours, we open its, and both edit what the other wrote."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from strongroom import streams
from strongroom.encrypted_files.sops.file import SopsFile, encrypt
from strongroom.encrypted_files.sops.rules import Rule
from strongroom.errors import Tampered, WrongKey
from tests.e2e.conftest import PATIENCE_SECONDS
from tests.peers import require, require_programs

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)

YAML = """\
# top

# about db
db:
  # the user
  user: admin  # beside it
  password: "s3cret: #1"
  port: 5432
  ratio: 3.25
  huge: 1e+21
  on: true
  none: null
  empty: ""
  date: 2001-01-01
  # foot
list:
  # in a list
  - one
  - name: two  # beside two
    v: 0x1F
  # before brackets
  - [a, "b, c"]
flow: {a: 1, b: [x]}  # beside brackets
url_unencrypted: https://example.net
text: |
  line 1
    line 2
folded: >-
  one
  two
# end
"""
JSON = '{"db": {"password": "s3cret\\n\\u00e9", "port": 5432}, "l": [true, null, 1.5, {"e": ""}], "u_unencrypted": 7}'
DOTENV = '# comment\nDB_PASSWORD="s3cret # 1"\n\nMULTI=a\\nb\nEMPTY=\nURL_unencrypted=https://example.net/?a=b\n'
INI = (
    "top = 1\n\n; about db\n; in two lines\n[db]\n# the user\nuser = admin\n"
    'password = `with # inside`\nurl_unencrypted = x\n\n[other]\nk=v\n'
)
FILES = {"yaml": YAML, "json": JSON, "dotenv": DOTENV, "ini": INI}
ENDINGS = {"yaml": ".yaml", "json": ".json", "dotenv": ".env", "ini": ".ini", "binary": ".bin"}


class Sops:
    """The program, with one age key, in a directory of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.program = shutil.which("sops", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}") or ""
        require(bool(self.program), "not installed: sops")
        self.keys = [self._key(f"key-{number}.txt") for number in range(3)]

    def _key(self, name: str) -> str:
        path = self.root / name
        subprocess.run(["age-keygen", "-o", str(path)], check=True, capture_output=True, timeout=PATIENCE_SECONDS)
        return next(line.split()[-1] for line in path.read_text().splitlines() if "public key" in line)

    def identities(self, *numbers: int) -> list[streams.Identity]:
        """The private parts of some keys."""
        found = list[streams.Identity]()
        for number in numbers:
            found += streams.parse_identities(bytearray((self.root / f"key-{number}.txt").read_bytes()))
        return found

    def run(self, *words: str, keys: str = "key-0.txt") -> subprocess.CompletedProcess[bytes]:
        """One command."""
        environment = {"HOME": str(self.root), "PATH": "/usr/bin:/bin", "SOPS_AGE_KEY_FILE": str(self.root / keys)}
        return subprocess.run(
            [self.program, *words], env=environment, cwd=self.root, capture_output=True, timeout=PATIENCE_SECONDS
        )

    def cover_only_encrypted(self, pattern: str) -> None:
        """Write only.yaml, with which the MAC leaves out what *pattern* does not match."""
        (self.root / "only.yaml").write_text(
            f"creation_rules:\n  - mac_only_encrypted: true\n    encrypted_regex: {pattern}\n    age: {self.keys[0]}\n"
        )

    def encrypted(self, format: str, text: str, *words: str) -> bytes:
        """What sops makes of *text*."""
        name = f"plain{ENDINGS[format]}"
        (self.root / name).write_text(text)
        # A setting is for the command as a whole, and stands before its name.
        words = (*words, "encrypt") if "--config" in words else ("encrypt", "--age", self.keys[0], *words)
        done = self.run(*words, name)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def decrypted(self, format: str, data: bytes, *words: str, keys: str = "key-0.txt") -> bytes:
        """What sops reads from *data*."""
        name = f"sealed{ENDINGS[format]}"
        (self.root / name).write_bytes(data)
        done = self.run("decrypt", *words, name, keys=keys)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def sops(tmp_path: Path) -> Sops:
    require_programs("age-keygen")
    return Sops(tmp_path)


def opened(sops: Sops, data: bytes, format: str) -> SopsFile:
    """A SOPS file, unlocked."""
    file = SopsFile(data, format)
    file.unlock(sops.identities(0))
    return file


@pytest.mark.parametrize("format", FILES)
def test_both_ways(sops: Sops, format: str) -> None:
    """Ours is decrypted by sops to what it makes of its own; its is decrypted by us to a file with the same meaning."""
    theirs = sops.encrypted(format, FILES[format])
    wanted = sops.decrypted(format, theirs)
    ours = encrypt(FILES[format].encode(), format, sops.keys[:1], NOW)
    assert b"s3cret" not in ours
    assert b"admin" not in ours
    assert sops.decrypted(format, ours) == wanted
    assert b"ENC[" not in wanted
    plain = opened(sops, theirs, format).plaintext()
    assert b"ENC[" not in plain
    assert b"sops" not in plain
    again = encrypt(plain, format, sops.keys[:1], NOW)
    assert sops.decrypted(format, again) == wanted


@pytest.mark.parametrize("format", FILES)
def test_layout_and_comments_stay(sops: Sops, format: str) -> None:
    """What we decrypt of our own is the file as it was, but for how a value may be written."""
    ours = encrypt(FILES[format].encode(), format, sops.keys[:1], NOW)
    plain = opened(sops, ours, format).plaintext().decode()
    lines = FILES[format].splitlines()
    same = [line for line in lines if line in plain.splitlines()]
    # Quotation marks, 0x1F, 1e+21, the date and the folded text are written in their plain form.
    assert len(same) >= len(lines) - 7 if format == "yaml" else len(same) >= len(lines) - 1
    assert [line for line in lines if line.lstrip()[:1] in ("#", ";")] == [
        line for line in plain.splitlines() if line.lstrip()[:1] in ("#", ";")
    ]


@pytest.mark.parametrize("format", FILES)
def test_an_edit_changes_what_it_changes(sops: Sops, format: str) -> None:
    """Of a file of sops's, one value is changed: all other lines stay as they are, and sops reads the new value."""
    theirs = sops.encrypted(format, FILES[format])
    file = opened(sops, theirs, format)
    if format == "yaml":
        # Its first comment, which sops made an item of the list, is not counted.
        assert file.value(["list", "0"]) == ("str", "one")
    changed = file.plaintext().replace(b"s3cret", b"canary").replace(b"with # inside", b"canary")
    edited = file.edited(changed, NOW)
    before, after = theirs.splitlines(), edited.splitlines()
    differing = [line for line in after if line not in before]
    # The value, lastmodified and mac; and sops's comments in lists, which were items, are comments again.
    assert len(differing) <= (5 if format == "yaml" else 3), differing
    assert b"canary" in sops.decrypted(format, edited)
    assert file.edited(file.plaintext(), NOW).count(b"ENC[") == theirs.count(b"ENC[")


@pytest.mark.parametrize("format", FILES)
def test_sops_edits_ours(sops: Sops, format: str) -> None:
    """`sops set` on a file of ours, and back."""
    name = f"ours{ENDINGS[format]}"
    (sops.root / name).write_bytes(encrypt(FILES[format].encode(), format, sops.keys[:1], NOW))
    place = {"dotenv": '["DB_PASSWORD"]'}.get(format, '["db"]["password"]')
    done = sops.run("set", name, place, '"canary"')
    assert done.returncode == 0, done.stderr
    file = opened(sops, (sops.root / name).read_bytes(), format)
    assert b"canary" in file.plaintext()


def test_comments_of_every_layout(sops: Sops) -> None:
    """Comments beside, above, below, in lists without indentation and in brackets: sops decrypts each of ours."""
    text = (
        "a:\n- x\n# before b\nb:  # beside b\n  # first in b\n  c: 1\n\n  # before d\n  d: {e: 1}  # of the brackets\n"
        "  # foot of b\n\nf: |\n  text # no comment\n# before g\ng:\n  - h: 1  # beside h\n    i: 2\n  # between\n"
        "  - j: 3\nk: 'it # is'\nl: v#w\n# last\n"
    )
    ours = encrypt(text.encode(), "yaml", sops.keys[:1], NOW)
    assert ours.count(b"type:comment]") == 10
    plain = sops.decrypted("yaml", ours)
    assert b"ENC[" not in plain
    assert plain.count(b"# ") == 12


def test_rules_about_what_is_encrypted(sops: Sops) -> None:
    """A regular expression, a suffix, and a MAC over encrypted values alone, each in both directions."""
    sops.cover_only_encrypted("^data$")
    text = "kind: Secret\ndata:\n  password: s3cret\n  # inside\nother: 1\nport_enc: 5\n"
    for words, settings in (
        (("--encrypted-regex", "^(data|stringData)$"), {"encrypted_regex": "^(data|stringData)$"}),
        (("--unencrypted-regex", "^(kind|other)$"), {"unencrypted_regex": "^(kind|other)$"}),
        (("--encrypted-suffix", "_enc"), {"encrypted_suffix": "_enc"}),
        (("--unencrypted-suffix", "d"), {"unencrypted_suffix": "d"}),
        (("--config", "only.yaml"), {}),
    ):
        theirs = sops.encrypted("yaml", text, *words)
        file = opened(sops, theirs, "yaml")
        assert b"password: s3cret" in file.plaintext()
        edited = file.edited(file.plaintext().replace(b"s3cret", b"canary"), NOW)
        assert b"password: canary" in sops.decrypted("yaml", edited)
        if settings:
            assert file.metadata.rule.settings() == settings
            ours = encrypt(text.encode(), "yaml", sops.keys[:1], NOW, rule=Rule(settings))
            assert sops.decrypted("yaml", ours) == sops.decrypted("yaml", theirs)
            assert [line for line in ours.splitlines() if b"ENC[" not in line][:3] == [
                line for line in theirs.replace(b"    password", b"  password").splitlines() if b"ENC[" not in line
            ][:3]


def test_groups_of_keys(sops: Sops) -> None:
    """Two of three shares open a file whose key was split; one does not; an edit keeps the groups."""
    groups = "".join(f"\n      - age: [{key}]" for key in sops.keys)
    (sops.root / ".sops.yaml").write_text(
        f"creation_rules:\n  - path_regex: .*\n    shamir_threshold: 2\n    key_groups:{groups}\n"
    )
    for format in FILES:
        name = f"plain{ENDINGS[format]}"
        (sops.root / name).write_text(FILES[format])
        done = sops.run("encrypt", name)
        assert done.returncode == 0, done.stderr
        file = SopsFile(done.stdout, format)
        assert file.metadata.recipients == tuple(sops.keys)
        with pytest.raises(WrongKey, match="2 groups"):
            file.unlock(sops.identities(1))
        for pair in ((0, 1), (2, 0), (1, 2)):
            file.unlock(sops.identities(*pair))
        edited = file.edited(file.plaintext().replace(b"s3cret", b"canary").replace(b"# inside", b"canary"), NOW)
        (sops.root / "two.txt").write_text(
            "".join((sops.root / f"key-{number}.txt").read_text() for number in (0, 2))
        )
        assert b"canary" in sops.decrypted(format, edited, keys="two.txt")


def test_new_recipients(sops: Sops) -> None:
    """A removed one opens nothing any more, for the data key is new; an added one opens it; hybrid ones work too."""
    ours = encrypt(YAML.encode(), "yaml", sops.keys[:2], NOW)
    file = opened(sops, ours, "yaml")
    moved = file.with_recipients(sops.keys[1:], NOW)
    assert set(ours.split()).isdisjoint(one for one in moved.split() if one.startswith(b"ENC["))
    with pytest.raises(WrongKey):
        opened(sops, moved, "yaml")
    assert sops.decrypted("yaml", moved, keys="key-2.txt") == sops.decrypted("yaml", ours)


def test_what_has_no_format(sops: Sops) -> None:
    """A file of another kind, both ways."""
    text = "-----BEGIN PRIVATE KEY-----\nno = [format\n"
    theirs = sops.encrypted("binary", text)
    assert opened(sops, theirs, "binary").plaintext() == text.encode()
    ours = encrypt(text.encode(), "binary", sops.keys[:1], NOW)
    (sops.root / "sealed.bin").write_bytes(ours)
    assert sops.run("decrypt", "sealed.bin").stdout == text.encode()


def test_what_sops_does_not_see(sops: Sops) -> None:
    """Each of these changes passes sops without a word; we open the files too, and name what is open in them."""
    text = "a_unencrypted: hi\nb_unencrypted: ro\np: s3cret\n"
    theirs = sops.encrypted("yaml", text)
    for before, after in ((b"a_unencrypted", b"z_unencrypted"), (b"hi\nb_unencrypted: ro", b"h\nb_unencrypted: iro")):
        changed = theirs.replace(before, after)
        assert changed != theirs
        sops.decrypted("yaml", changed)
        assert {one.kind for one in opened(sops, changed, "yaml").weak_spots()} == {"renamable"}
    added = b"admin: null\nadmin2: \"\"\n" + theirs
    sops.decrypted("yaml", added)
    (found,) = (one for one in opened(sops, added, "yaml").weak_spots() if one.kind == "empty")
    assert "admin, admin2" in found.text
    sops.cover_only_encrypted("^p$")
    only = sops.encrypted("yaml", text, "--config", "only.yaml")
    changed = only.replace(b"hi\n", b"anything\n")
    sops.decrypted("yaml", changed)
    (found,) = opened(sops, changed, "yaml").weak_spots()
    assert (found.kind, "a_unencrypted, b_unencrypted" in found.text) == ("changeable", True)


def test_what_both_see(sops: Sops) -> None:
    """A value changed, exchanged, removed, put in the open; no MAC: refused by both."""
    text = "a: one\nb: two\nl:\n  - three\n  - four\n"
    theirs = sops.encrypted("yaml", text)
    lines = theirs.splitlines(keepends=True)
    third, fourth = lines[3], lines[4]
    attacks = {
        "exchanged in a list": theirs.replace(third + fourth, fourth + third),
        "removed from a list": theirs.replace(fourth, b""),
        "copied in a list": theirs.replace(fourth, fourth + third),
        "moved to another name": theirs.replace(lines[1].split(b" ", 1)[1], lines[0].split(b" ", 1)[1]),
        "put in the open": theirs.replace(lines[0], b"a: one\n"),
        "with another type": theirs.replace(b"type:str]\nb", b"type:int]\nb"),
        "without a MAC": b"".join(line for line in lines if b"    mac:" not in line),
        "with an older time": theirs.replace(b'lastmodified: "20', b'lastmodified: "19'),
    }
    for what, data in attacks.items():
        assert data != theirs, what
        (sops.root / "attack.yaml").write_bytes(data)
        assert sops.run("decrypt", "attack.yaml").returncode != 0, what
        with pytest.raises(Tampered):
            opened(sops, data, "yaml")


def test_numbers_and_times(sops: Sops) -> None:
    """Each kind of scalar in the open, in YAML and JSON: our MAC is sops's, which reads them in its own way."""
    scalars = (
        "1 -1 0 0777 0o17 0b11 0x1f 1_000 1.5 -0.5 1e3 .5 5. 123456789.123 true True false null ~ '~' \"1\" yes no on "
        "off 2001-01-01 2001-01-01T10:00:00Z 2001-01-01T10:00:00.120+02:00 9223372036854775807 089 1e21 "
        "1e400 2001-13-45 v 12:30:45 ="
    )
    text = "".join(f"k{number}: {one}\n" for number, one in enumerate(scalars.split()))
    for words in ((), ("--encrypted-regex", "^none$")):
        theirs = sops.encrypted("yaml", text, *words)
        file = opened(sops, theirs, "yaml")
        as_json = sops.decrypted("yaml", theirs, "--output-type", "json")
        edited = file.edited(file.plaintext() + b"new: 1\n", NOW)
        again = json.loads(sops.decrypted("yaml", edited, "--output-type", "json"))
        assert {**json.loads(as_json), "new": 1} == again
        rule = Rule({"encrypted_regex": "^none$"} if words else {})
        ours = encrypt(text.encode(), "yaml", sops.keys[:1], NOW, rule=rule)
        assert sops.decrypted("yaml", ours, "--output-type", "json") == as_json
    numbers = '{"a": 1, "b": 1.50, "c": 1e300, "d": 123456789012345678, "e": -0.1, "f_unencrypted": 2.50, "g": 0}'
    ours = encrypt(numbers.encode(), "json", sops.keys[:1], NOW)
    assert json.loads(sops.decrypted("json", ours)) == json.loads(numbers)
