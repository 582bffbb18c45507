"""`strongroom file`: encrypt a file, read and change it, let others in and out; by identity file, or by the vault."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Machine
from tests.encrypted_files import ALICE, BOB, FILES, public
from tests.peers import require_programs

TEXT = FILES["yaml"]


@pytest.fixture
def office(machine: Machine) -> Machine:
    """A machine without a vault, with Alice's identity file and Bob's, and a plain file."""
    for name, identity in (("alice", ALICE), ("bob", BOB)):
        (machine.home / name).write_text(f"# {public(identity)}\n{identity}\n")
        (machine.home / name).chmod(0o600)
    (machine.home / "app.yaml").write_text(TEXT)
    return machine


@pytest.fixture
def sealed(office: Machine) -> Machine:
    """The same with the file encrypted to Alice, whose identity the environment names."""
    done = office.run("file", "encrypt", "app.yaml", "-r", public(ALICE))
    assert done.code == 0, done
    office.environment["STRONGROOM_IDENTITY_FILE"] = str(office.home / "alice")
    return office


def test_a_file_is_encrypted_in_its_place_and_comes_back(office: Machine) -> None:
    """Without any vault; its mode is kept, what lay there is overwritten, and nothing is left beside it."""
    (office.home / "app.yaml").chmod(0o640)
    before = set(office.home.iterdir())
    done = office.run("file", "encrypt", "app.yaml", "-r", public(ALICE), "--plain", "port")
    assert done.code == 0 and done.out == b"" and "overwritten" in done.err, done
    text = (office.home / "app.yaml").read_text()
    assert "p&1" not in text and "port: 5432" in text and "# the database" in text
    assert (office.home / "app.yaml").stat().st_mode & 0o777 == 0o640
    assert set(office.home.iterdir()) == {*before, office.home / ".local"}, "who may read it is remembered there"
    done = office.run("file", "decrypt", "app.yaml", "--identity", "alice")
    assert (done.code, done.text) == (0, TEXT), done
    done = office.run("file", "decrypt", "app.yaml", "--identity", "alice", "-o", "plain.yaml")
    assert done.code == 0 and (office.home / "plain.yaml").stat().st_mode & 0o777 == 0o600


def test_one_value_is_read_and_written(sealed: Machine) -> None:
    """Exact bytes on standard output; the value to be never stands on a command line."""
    assert sealed.run("file", "get", "app.yaml", "db.password").out == b"p&1"
    assert sealed.run("file", "get", "app.yaml", "db", "password").out == b"p&1"
    assert json.loads(sealed.run("file", "get", "app.yaml", "port", "--json").text) == {"value": 5432, "revision": 1}
    done = sealed.run("file", "set", "app.yaml", "db.password", stdin=b"new one\n")
    assert done.code == 0 and "revision 2" in done.err, done
    assert sealed.run("file", "set", "app.yaml", "db.token", stdin=b"added").code == 0
    assert sealed.run("file", "get", "app.yaml", "db.token").out == b"added"
    assert sealed.run("file", "set", "app.yaml", "db.lines", stdin=b"one\ntwo\n\n").code == 0
    assert sealed.run("file", "get", "app.yaml", "db.lines").out == b"one\ntwo\n"
    for stdin, code in ((b"", 8), (b"\xff", 2)):
        done = sealed.run("file", "set", "app.yaml", "db.token", stdin=stdin)
        assert done.code == code and "bug" not in done.err, done
    text = sealed.run("file", "decrypt", "app.yaml").text
    assert 'password: "new one"\n  token: "added"\n  lines: "one\\ntwo\\n"\nport: 5432' in text


@pytest.mark.parametrize("with_agent", [False, True], ids=["by itself", "through the agent"])
def test_a_file_that_can_be_read_once(keyed: Machine, with_agent: bool) -> None:
    """As of ``file get <(git show HEAD:app.yaml) KEY``: nobody looks into it first."""
    (keyed.home / "app.yaml").write_text(TEXT)
    assert keyed.run("key", "create", "app").code == 0
    assert keyed.run("file", "encrypt", "app.yaml", "--key", "app").code == 0
    data = (keyed.home / "app.yaml").read_bytes()
    if with_agent:
        assert keyed.run("unlock", "--key-file", str(keyed.key)).code == 0
    try:
        for words, out in (
            (("get", "/dev/stdin", "db.password"), b"p&1"),
            (("decrypt", "/dev/stdin"), TEXT.encode()),
            (("check", "/dev/stdin"), b""),
        ):
            done = keyed.run("file", *words, stdin=data)
            assert (done.code, done.out) == (0, out), done
    finally:
        if with_agent:
            keyed.run("agent", "stop")


def test_refusals_have_their_codes(sealed: Machine) -> None:
    """One code for each cause, one sentence, and no value in any."""
    (sealed.home / "plain.yaml").write_text("a: hunter2\n")
    (sealed.home / "twice.yaml").write_text("a: hunter2\na: 3\n")
    bob = ("--identity", "bob")
    cases = {
        ("get", "app.yaml", "nothing"): (4, "there is no value nothing"),
        ("get", "absent.yaml", "a"): (4, "there is no file at absent.yaml"),
        ("get", "plain.yaml", "a"): (2, "nothing in it says"),
        ("get", "app.yaml", "db.user", *bob): (6, "none of the keys"),
        ("get", "app.yaml", "db.user", "--identity", "gone"): (4, "gone"),
        ("get", "app.yaml"): (2, "needs KEY"),
        ("encrypt", "plain.yaml"): (2, "who may open"),
        ("encrypt", "twice.yaml", "-r", public(ALICE)): (2, "a name a second time"),
        ("encrypt", "app.yaml", "-r", public(ALICE)): (2, "encrypted already"),
        ("encrypt", "plain.yaml", "-r", "age1nonsense"): (2, "recipient"),
        ("encrypt", "plain.yaml", "-r", public(ALICE), "-o", "app.yaml"): (10, "app.yaml"),
        ("check", "app.yaml", "--min-revision", "2"): (7, "revision 1"),
        ("recipients", "app.yaml", "--remove", public(BOB)): (4, "no such recipient"),
        ("recipients", "app.yaml", "--remove", public(ALICE)): (2, "nobody could read it any more"),
        ("frobnicate", "app.yaml"): (2, "file has no such action"),
    }
    for words, (code, said) in cases.items():
        done = sealed.run("file", *words)
        assert done.code == code and said in done.err and done.out == b"", (words, done)
        assert "hunter2" not in done.err and "p&1" not in done.err and "Traceback" not in done.err
    done = sealed.run("file", "get", "app.yaml", "db.user", environment={"HOME": str(sealed.home), "PATH": "/usr/bin"})
    assert done.code == 8 and "--identity FILE" in done.err
    (sealed.home / "alice").chmod(0o644)
    assert sealed.run("file", "get", "app.yaml", "db.user").code == 9


def test_a_change_by_hand_is_refused_until_it_is_accepted(sealed: Machine) -> None:
    """A new value in plain text is found without a key, too."""
    path = sealed.home / "app.yaml"
    path.write_text("new: by-hand\n" + path.read_text())
    done = sealed.run("file", "get", "app.yaml", "new")
    assert done.code == 7 and "--accept" in done.err and "git diff app.yaml" in done.err
    done = sealed.run("file", "check", "app.yaml", "--without-key", environment={"HOME": "/", "PATH": "/usr/bin"})
    assert done.code == 7 and "not encrypted: new" in done.err
    done = sealed.run("file", "encrypt", "app.yaml", "--accept")
    assert done.code == 0 and "encrypted anew: new" in done.err, done
    assert sealed.run("file", "get", "app.yaml", "new").out == b"by-hand"
    assert sealed.run("file", "check", "app.yaml").code == 0


def test_people_come_and_go(sealed: Machine) -> None:
    """By their public keys, a file of them, or an SSH key; whoever is taken out reads nothing new."""
    (sealed.home / "team").write_text(f"# the team\n{public(BOB)}\n")
    assert sealed.run("file", "recipients", "app.yaml", "-r", "team").code == 0
    assert sealed.run("file", "recipients", "app.yaml").text.split() == [public(ALICE), public(BOB)]
    assert sealed.run("file", "get", "app.yaml", "port", "--identity", "bob").out == b"5432"
    require_programs("ssh-keygen")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "id"], cwd=sealed.home, check=True)
    key = (sealed.home / "id.pub").read_text()
    assert sealed.run("file", "recipients", "app.yaml", "-r", key.strip()).code == 0
    assert sealed.run("file", "get", "app.yaml", "port", "--identity", "id").out == b"5432"
    done = sealed.run("file", "recipients", "app.yaml", "--remove", public(BOB), "--remove", key.strip())
    assert done.code == 0 and "change them" in done.err, done
    for name in ("bob", "id"):
        assert sealed.run("file", "get", "app.yaml", "port", "--identity", name).code == 6
    before = (sealed.home / "app.yaml").read_text()
    assert sealed.run("file", "rotate", "app.yaml").code == 0
    after = (sealed.home / "app.yaml").read_text()
    assert before.splitlines()[2] != after.splitlines()[2]


def test_a_rotation_may_be_told_for_whom(sealed: Machine) -> None:
    """Whoever else the file names gets no new key, and the file stays as it was."""
    assert sealed.run("file", "recipients", "app.yaml", "-r", public(BOB)).code == 0
    (sealed.home / "team").write_text(f"{public(ALICE)}\n")
    before = (sealed.home / "app.yaml").read_text()
    for allowed in (public(ALICE), "team"):
        done = sealed.run("file", "rotate", "app.yaml", "-r", allowed)
        assert done.code == 5 and f"--remove {public(BOB)}" in done.err, done
    assert (sealed.home / "app.yaml").read_text() == before
    assert sealed.run("file", "rotate", "app.yaml", "-r", "team", "-r", public(BOB)).code == 0
    assert (sealed.home / "app.yaml").read_text() != before
    assert sealed.run("file", "recipients", "app.yaml", "--remove", public(BOB)).code == 0
    assert sealed.run("file", "rotate", "app.yaml", "-r", "team").code == 0


def test_an_editor_sees_the_plain_text_in_memory_alone(sealed: Machine) -> None:
    """What it leaves malformed is refused, and the file is as it was."""
    editor = sealed.home / "editor"
    editor.write_text('#!/bin/sh\necho "$1" > seen; sed -i "$EDIT" "$1"\n')
    editor.chmod(0o755)
    sealed.environment["EDITOR"] = str(editor)
    before = (sealed.home / "app.yaml").read_text()
    sealed.environment["EDIT"] = "s/app/other/"
    done = sealed.run("file", "edit", "app.yaml")
    assert done.code == 0 and "revision 2" in done.err, done
    seen = Path((sealed.home / "seen").read_text().strip())
    assert seen.name == "app.yaml" and not seen.exists() and not seen.parent.exists()
    after = (sealed.home / "app.yaml").read_text()
    assert sum(one != other for one, other in zip(before.splitlines(), after.splitlines(), strict=True)) == 3
    sealed.environment["EDIT"] = "s/nothing/else/"
    assert "unchanged" in sealed.run("file", "edit", "app.yaml").err
    sealed.environment["EDIT"] = "1s/.*/a: [/"
    assert sealed.run("file", "edit", "app.yaml").code == 2
    assert (sealed.home / "app.yaml").read_text() == after


@pytest.mark.parametrize("kind", ["aead", "box"])
def test_a_key_of_the_vault_opens_it_through_the_agent_too(keyed: Machine, kind: str) -> None:
    """Alone, beside a person, and after a rotation of the key; a file for nobody else says what is missing."""
    (keyed.home / "app.yaml").write_text(TEXT)
    assert keyed.run("key", "create", "app", "--kind", kind).code == 0
    done = keyed.run("file", "encrypt", "app.yaml", "--key", "app")
    assert done.code == 0, done
    assert keyed.run("file", "get", "app.yaml", "db.password").out == b"p&1"
    assert keyed.run("key", "rotate", "app").code == 0
    assert keyed.run("file", "set", "app.yaml", "db.password", stdin=b"q&2").code == 0
    done = keyed.run("file", "recipients", "app.yaml", "-r", public(ALICE))
    if kind == "box":
        assert done.code == 2 and "do not stand beside" in done.err, "it is hybrid, and stays so"
    else:
        assert done.code == 0, done
        assert keyed.run("file", "recipients", "app.yaml", "--remove", public(ALICE)).code == 0
    assert keyed.run("file", "rotate", "app.yaml").code == 0
    assert keyed.run("file", "rotate", "app.yaml", "--key", "app").code == 0, "also of its older version"
    assert keyed.run("key", "create", "other", "--kind", kind).code == 0
    done = keyed.run("file", "rotate", "app.yaml", "--key", "other")
    assert done.code == 5 and "--remove app\n" in done.err, done
    assert keyed.run("unlock", "--key-file", str(keyed.key)).code == 0
    try:
        agent = {name: value for name, value in keyed.environment.items() if name != "STRONGROOM_KEY_FILE"}
        told = {**agent, "PYTHONPROFILEIMPORTTIME": "1"}
        done = keyed.run("file", "get", "app.yaml", "db.password", environment=told)
        assert done.out == b"q&2" and "strongroom.agent_file_read" in done.err
        assert "cryptography" not in done.err and "cli.running" not in done.err, "the agent has opened it"
        assert keyed.run("file", "get", "app.yaml", "absent", environment=agent).code == 4
        assert "@keys/app" in keyed.run("audit", "--json").text
        assert keyed.run("file", "set", "app.yaml", "db.password", stdin=b"r", environment=agent).code == 0
        assert keyed.run("file", "check", "app.yaml", environment=agent).code == 0
    finally:
        keyed.run("agent", "stop")
    assert keyed.run("key", "destroy", "app", "--yes").code == 0
    done = keyed.run("file", "get", "app.yaml", "db.password")
    assert done.code == 6 and "app" in done.err, done


def test_a_stranger_s_program_can_find_the_key(sealed: Machine) -> None:
    """A stanza is a file of age's: `age` opens it, and finds file id and key (docs/format-files.md)."""
    require_programs("age")
    import base64

    words = next(line for line in (sealed.home / "app.yaml").read_text().splitlines() if " for " in line).split(" ")
    stanza = base64.urlsafe_b64decode(words[2] + "=" * (-len(words[2]) % 4))
    done = subprocess.run(["age", "-d", "-i", "alice"], input=stanza, cwd=sealed.home, capture_output=True, check=True)
    first = next(line for line in (sealed.home / "app.yaml").read_text().splitlines() if " file 1 " in line)
    assert len(done.stdout) == 48
    assert base64.urlsafe_b64encode(done.stdout[:16]).rstrip(b"=").decode() == first.split(" ")[4]
