"""`strongroom file` with SOPS files: the same actions, and what its MAC leaves open is said each time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Machine
from tests.encrypted_files import ALICE, BOB, public

TEXT = "# about db\ndb:\n  user: app\n  password: canary-1\n  port: 5432\n  on: true\nhost_unencrypted: h\nempty: ''\n"


@pytest.fixture
def office(machine: Machine) -> Machine:
    """Alice's machine, who named her identity, and a file for her in SOPS's way."""
    for name, identity in (("alice", ALICE), ("bob", BOB)):
        (machine.home / name).write_text(identity + "\n")
        (machine.home / name).chmod(0o600)
    (machine.home / "app.yaml").write_text(TEXT)
    machine.environment["STRONGROOM_IDENTITY_FILE"] = str(machine.home / "alice")
    done = machine.run("file", "encrypt", "app.yaml", "--sops", "-r", public(ALICE))
    assert done.code == 0 and "overwritten" in done.err, done
    assert "canary" not in sealed(machine).read_text()
    return machine


def sealed(machine: Machine) -> Path:
    return machine.home / "app.yaml"


def test_values_are_read_and_written(office: Machine) -> None:
    """Exact bytes; what is said goes to standard error; a value that did not change keeps its ciphertext."""
    done = office.run("file", "get", "app.yaml", "db.password")
    assert (done.code, done.out) == (0, b"canary-1")
    assert "host_unencrypted could have been called otherwise" in done.err
    assert json.loads(office.run("file", "get", "app.yaml", "db.port", "--json").text) == {"value": 5432}
    assert json.loads(office.run("file", "get", "app.yaml", "db.on", "--json").text) == {"value": True}
    before = sealed(office).read_text().splitlines()
    assert office.run("file", "set", "app.yaml", "db.password", stdin=b"canary: 2\n").code == 0
    after = sealed(office).read_text().splitlines()
    changed = {before.index(line) for line in before if line not in after}
    # The time has seconds, and both may have been written in one.
    assert changed | {len(before) - 4} == {3, len(before) - 4, len(before) - 3}
    assert office.run("file", "set", "app.yaml", "db.token", stdin=b"new\n").code == 0
    assert office.run("file", "get", "app.yaml", "db", "token").out == b"new"
    assert office.run("file", "get", "app.yaml", "db.password").out == b"canary: 2"
    assert office.run("file", "get", "app.yaml", "nothing").code == 4
    assert office.run("file", "get", "app.yaml", "empty").out == b""


def test_the_whole_file(office: Machine) -> None:
    """Decrypted to standard output and to a file of mode 0600; edited in memory."""
    assert office.run("file", "decrypt", "app.yaml").text == TEXT
    done = office.run("file", "decrypt", "app.yaml", "-o", "plain")
    assert done.code == 0, done
    assert (office.home / "plain").stat().st_mode & 0o777 == 0o600
    assert (office.home / "plain").read_text() == TEXT
    environment = {**office.environment, "VISUAL": "sed -i s/canary-1/canary-3/"}
    assert office.run("file", "edit", "app.yaml", environment=environment).code == 0
    assert office.run("file", "get", "app.yaml", "db.password").out == b"canary-3"
    environment["VISUAL"] = "true"
    assert "unchanged" in office.run("file", "edit", "app.yaml", environment=environment).err


def test_who_may_read_it(office: Machine) -> None:
    """Somebody is added, and taken away again: then all of it is under a new key."""
    assert office.run("file", "recipients", "app.yaml").text == public(ALICE) + "\n"
    assert office.run("file", "recipients", "app.yaml", "-r", public(BOB)).code == 0
    assert office.run("file", "get", "app.yaml", "db.user", "--identity", "bob").out == b"app"
    shared = sealed(office).read_text()
    done = office.run("file", "recipients", "app.yaml", "--remove", public(BOB))
    assert "has read the values" in done.err
    assert office.run("file", "get", "app.yaml", "db.user", "--identity", "bob").code == 6
    assert not set(shared.split()) & {word for word in sealed(office).read_text().split() if word.startswith("ENC[")}
    before = sealed(office).read_text()
    done = office.run("file", "rotate", "app.yaml")
    assert done.code == 0
    assert f"its new key is for {public(ALICE)}" in done.err
    assert sealed(office).read_text() != before
    assert office.run("file", "recipients", "app.yaml", "--remove", "nobody").code == 2


def test_a_recipient_who_was_planted_gets_no_new_key(office: Machine) -> None:
    """Nothing in a SOPS file authenticates who may read it: whoever can write it waits for the next rotation."""
    text = sealed(office).read_text()
    start = text.index("- recipient:") if "- recipient:" in text else text.index("recipient:")
    block = text[text.rindex("\n", 0, start) + 1 : text.index("-----END AGE ENCRYPTED FILE-----") + 33]
    planted = block.replace(public(ALICE), public(BOB))
    sealed(office).write_text(text.replace(block, block + planted))
    assert office.run("file", "recipients", "app.yaml").text.split() == [public(ALICE), public(BOB)]
    assert office.run("file", "get", "app.yaml", "db.user", "--identity", "bob").code == 6
    before = sealed(office).read_text()
    (office.home / "team").write_text(f"# us\n{public(ALICE)}\n")
    for allowed in (public(ALICE), "team"):
        done = office.run("file", "rotate", "app.yaml", "-r", allowed)
        assert done.code == 5 and public(BOB) in done.err and "--remove" in done.err, done
    assert sealed(office).read_text() == before
    assert office.run("file", "recipients", "app.yaml", "--remove", public(BOB)).code == 0
    assert office.run("file", "rotate", "app.yaml", "-r", "team").code == 0
    assert office.run("file", "get", "app.yaml", "db.user", "--identity", "bob").code == 6


def test_check(office: Machine) -> None:
    """Intact with its weak spots by name, as JSON too; tampered is 7; without a key whether it is encrypted."""
    done = office.run("file", "check", "app.yaml")
    assert done.code == 0 and "  empty could have been put there unseen" in done.err, done
    (found,) = json.loads(office.run("file", "check", "app.yaml", "--json").text)["files"]
    assert (found["format"], len(found["weak_spots"])) == ("sops yaml", 2)
    text = sealed(office).read_text()
    lines = text.splitlines(keepends=True)
    sealed(office).write_text("".join([*lines[:2], lines[3].replace("password", "user"), *lines[3:]]))
    done = office.run("file", "check", "app.yaml")
    assert done.code == 7 and "db.user" in done.err, done
    sealed(office).write_text(text.replace(lines[2], "  user: app\n"))
    assert "not encrypted: db.user" in office.run("file", "check", "app.yaml", "--without-key").err
    sealed(office).write_text(text)
    assert office.run("file", "check", "app.yaml", "--without-key", environment={"HOME": str(office.home)}).code == 0


def test_wrong_use(office: Machine) -> None:
    """No key, another key, options of our own files, a file that is encrypted already, formats that SOPS has not."""
    nobody = {"HOME": str(office.home), "PATH": "/usr/bin:/bin"}
    done = office.run("file", "get", "app.yaml", "db.user", environment=nobody)
    assert done.code == 8 and "--identity FILE" in done.err, done
    assert office.run("file", "get", "app.yaml", "db.user", "--identity", "bob").code == 6
    for words in (
        ("file", "encrypt", "app.yaml", "--sops", "-r", public(ALICE)),
        ("file", "encrypt", "alice", "--sops"),
        ("file", "get", "app.yaml", "db.user", "--min-revision", "2"),
        ("file", "get", "app.yaml", "db.user", "--sops"),
        ("file", "recipients", "app.yaml", "--key", "k"),
    ):
        assert office.run(*words).code == 2, words
    (office.home / "anchored.yaml").write_text("a: &x 1\nb: *x\n")
    done = office.run("file", "encrypt", "anchored.yaml", "--sops", "-r", public(ALICE))
    assert done.code == 2 and "anchor" in done.err, done
    assert (office.home / "anchored.yaml").read_text() == "a: &x 1\nb: *x\n"


def test_a_file_of_no_format(office: Machine) -> None:
    """What has no format is kept as one value, as sops keeps it."""
    (office.home / "key.pem").write_text("-----BEGIN\nx = [\n")
    assert office.run("file", "encrypt", "key.pem", "--sops", "-r", public(ALICE)).code == 0
    assert "BEGIN\\n" not in (office.home / "key.pem").read_text().partition('"sops"')[0]
    assert office.run("file", "decrypt", "key.pem").text == "-----BEGIN\nx = [\n"
    assert office.run("file", "set", "key.pem", "data", stdin=b"x\n").code == 2
