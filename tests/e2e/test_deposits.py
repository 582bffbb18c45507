"""Deposits on the command line: a depositor is made, leaves things, and a key holder looks at them."""

from __future__ import annotations

import json
import time

import pytest

from strongroom.locate.depositing import Depositor, write_depositor_file
from tests.agents import LINUX, AgentUnderTest, make_vault, open_vault


@pytest.fixture
def depositing(keyed):
    """A vault with the depositor web, whose key is in a file of its own."""
    done = keyed.run("deposit", "add-key", "web", "sites/*", "--out", str(keyed.home / "web.key"))
    assert (done.code, done.out) == (0, b""), done
    where = keyed.home / "web.key"
    assert done.err == f"strongroom: wrote the key of depositor web to {where}: it writes and opens nothing\n"
    return keyed


def leave(machine, *words: str, stdin: bytes = b"tiger\n", key: str = "web.key"):
    """As a program does that has the depositor's key and nothing else."""
    environment = {**machine.environment, "STRONGROOM_DEPOSIT_KEY": str(machine.home / key)}
    del environment["STRONGROOM_KEY_FILE"]
    return machine.run("deposit", *words, stdin=stdin, environment=environment)


def test_what_is_left_is_there_when_the_vault_is_opened_next(depositing) -> None:
    """No command takes it in: the next read does. The version says who left it."""
    done = leave(depositing, "sites/a", "username=dustin", "password")
    assert (done.code, done.out, done.err) == (0, b"", "strongroom: deposited sites/a\n")
    assert depositing.run("get", "sites/a", "password").out == b"tiger"
    (version,) = json.loads(depositing.run("log", "sites/a", "--json").out)
    assert version["author"] == "deposit web"
    assert json.loads(depositing.run("verify", "--json").out)["deposits_waiting"] == 0


def test_a_deposit_replaces_the_fields_and_keeps_the_history(depositing) -> None:
    """Nothing is merged: who cannot read cannot know what was there."""
    leave(depositing, "sites/a", "username=dustin", "password")
    done = leave(depositing, "sites/a", "--json", stdin=b'{"token": "t"}')
    assert (done.code, set(json.loads(done.out))) == (0, {"path", "deposit"}), done
    assert json.loads(depositing.run("get", "sites/a", "--json").out)["fields"] == {"token": "t"}
    assert depositing.run("get", "sites/a", "password", "--version", "1").out == b"tiger"


def test_what_is_outside_the_patterns_waits_for_a_person(depositing) -> None:
    """Listed with the reason, named by verify and doctor, taken in or removed on a person's word."""
    for path in ("other/a", "other/b"):
        assert leave(depositing, path, "password").code == 0
    assert depositing.run("get", "other/a").code == 4
    waiting = json.loads(depositing.run("deposit", "list", "--json").out)
    assert [(one["path"], one["depositor"], one["reason"], one["fields"]) for one in waiting] == [
        (path, "web", "web may not deposit there", ["password"]) for path in ("other/a", "other/b")
    ]
    table = depositing.run("deposit", "list").text
    assert "other/a" in table
    assert "tiger" not in table
    verified = depositing.run("verify")
    assert (verified.code, verified.err.count("waits: web may not deposit there")) == (0, 2), verified
    assert "deposits waiting: 2" in verified.text
    assert "strongroom deposit list" in depositing.run("doctor").text
    first, second = (one["id"] for one in waiting)
    asked = depositing.run("deposit", "accept", first[:10])
    assert asked.code == 8
    assert "Take in other/a (password) from web (uid " in asked.err
    done = depositing.run("deposit", "accept", first[:10], "--yes")
    assert done.err.splitlines() == [
        "strongroom: took in other/a, version 1, from web",
        "strongroom: 1 still wait: strongroom deposit list",
    ]
    assert depositing.run("get", "other/a", "password").out == b"tiger"
    assert depositing.run("deposit", "discard", second).err == f"strongroom: discarded the deposit {second}\n"
    assert json.loads(depositing.run("deposit", "list", "--json").out) == []
    assert depositing.run("deposit", "accept").code == 0
    assert depositing.run("deposit", "discard", second).code == 4


def test_a_backup_holds_what_was_left_before_it(depositing) -> None:
    """Deposits are taken in first; what waits for a person is named, is not in the copy, and outlives its return."""
    copy = str(depositing.home / "copy.db")
    assert leave(depositing, "sites/a", "password").code == 0
    assert leave(depositing, "other/a", "password").code == 0
    done = depositing.run("backup", copy)
    assert done.code == 0, done
    assert "not in it: deposits that wait for a person: 1 (strongroom deposit list)" in done.err
    assert leave(depositing, "sites/b", "password").code == 0
    assert depositing.run("get", "sites/b", "password").out == b"tiger"
    assert depositing.run("restore-backup", copy, "--yes").code == 0
    assert depositing.run("get", "sites/a", "password").out == b"tiger"
    assert depositing.run("get", "sites/b", "password").code == 4
    (waiting,) = json.loads(depositing.run("deposit", "list", "--json").out)
    assert waiting["path"] == "other/a"
    assert leave(depositing, "sites/c", "password").code == 0
    assert depositing.run("get", "sites/c", "password").out == b"tiger"


def test_depositors_are_shown_and_removed(depositing) -> None:
    """What a removed one leaves waits."""
    (shown,) = json.loads(depositing.run("deposit", "keys", "--json").out)
    assert (shown["name"], shown["patterns"]) == ("web", ["sites/*"])
    assert depositing.run("deposit", "keys").text.split() == ["web", shown["id"], "sites/*"]
    assert depositing.run("deposit", "remove-key", "web").code == 0
    assert leave(depositing, "sites/a", "password").code == 0
    (waiting,) = json.loads(depositing.run("deposit", "list", "--json").out)
    assert (waiting["reason"], waiting["depositor"]) == ("nobody known has signed it", None)
    assert depositing.run("deposit", "remove-key", "web").code == 4


def test_a_depositors_key_opens_nothing(depositing) -> None:
    """As a key file it is none."""
    assert depositing.run("--key-file", str(depositing.home / "web.key"), "ls").code == 6


# name of the case: (words after deposit, exit code, what the message says)
REFUSED = {
    "no action": ([], 2, "deposit needs ACTION"),
    "no place for the key": (["add-key", "x", "a/*"], 2, "needs --out FILE"),
    "no pattern": (["add-key", "x", "--out", "x.key"], 2, "add-key needs PATTERN"),
    "half a name": (["add-key", "x", "a*", "--out", "x.key"], 2, "a star stands for whole components"),
    "a folder": (["add-key", "x", "a/", "--out", "x.key"], 2, "one of items"),
    "a name that is taken": (["add-key", "web", "a", "--out", "x.key"], 10, "there is a depositor web"),
    "a file that is there": (["add-key", "x", "a", "--out", "web.key"], 10, "exists already"),
    "no such group": (["add-key", "x", "a", "--out", "x.key", "--group", "no-such-group"], 4, "no such group"),
    "no such place": (["add-key", "x", "a", "--out", "none/x.key"], 4, "there is no"),
    "no id": (["discard"], 2, "deposit discard needs ID"),
    "no hex": (["accept", "xyz"], 2, "hex digits"),
    "an unknown id": (["accept", "00"], 4, "no deposit waits"),
    "a path that is none": (["a//b", "password"], 2, "is not an item's path"),
    "a secret on the command line": (["sites/a", "password=tiger"], 2, "password is secret"),
    "no such key": (["sites/a", "password", "--deposit-key", "none.key"], 4, "there is no depositor's file"),
    "a vault's key": (["sites/a", "password", "--deposit-key", "key"], 6, "not a strongroom depositor's file"),
}


def test_what_is_refused(depositing) -> None:
    """The exit code and the sentence of each mistake; no depositor is left behind, and no value is repeated."""
    for case, (words, code, message) in REFUSED.items():
        done = depositing.run("deposit", *words, stdin=b"tiger\n")
        assert (done.code, message in done.err) == (code, True), (case, done)
        assert "tiger" not in done.err
    assert len(json.loads(depositing.run("deposit", "keys", "--json").out)) == 1
    assert not (depositing.home / "x.key").exists()


def test_a_full_inbox_is_a_conflict(depositing) -> None:
    """Exit 10, and the command of whoever can help."""
    inbox = depositing.vault.with_name("vault.db.inbox")
    for number in range(1024):
        (inbox / f"{number:032x}.deposit").touch()
    done = leave(depositing, "sites/a", "password")
    assert done.code == 10
    assert "the inbox is full" in done.err
    assert "strongroom deposit accept" in done.err


def test_without_an_inbox_a_deposit_is_not_found(keyed) -> None:
    """Exit 4 and who makes it, never a silent loss."""
    assert keyed.run("deposit", "add-key", "web", "a", "--out", str(keyed.home / "web.key")).code == 0
    inbox = keyed.vault.with_name("vault.db.inbox")
    (inbox / "key").unlink()
    done = leave(keyed, "a", "password")
    assert done.code == 4
    assert "strongroom deposit add-key" in done.err
    inbox.rmdir()
    assert leave(keyed, "a", "password").code == 4


@pytest.mark.skipif(not LINUX, reason="the agent runs on Linux")
def test_an_agent_takes_deposits_in_while_it_runs(tmp_path) -> None:
    """What was left before, and what comes later, is there within seconds; what is out of place waits."""
    path = make_vault(tmp_path)
    with open_vault(tmp_path) as vault:
        write_depositor_file(str(tmp_path / "web.key"), vault.deposit_key("web", ["sites/*"]))
    with Depositor(path, tmp_path / "web.key") as depositor:
        depositor.deposit("sites/before", {"password": "one"})
        with AgentUnderTest(tmp_path) as agent:
            agent.unlocked()
            assert wait_for(agent, "sites/before") == b"one"
            depositor.deposit("other/a", {"password": "out of place"})
            depositor.deposit("sites/later", {"password": "two"})
            assert wait_for(agent, "sites/later") == b"two"
            assert agent.read("other/a").status == 404
    assert len(list(tmp_path.glob("vault.db.inbox/*.deposit"))) == 1


def wait_for(agent: AgentUnderTest, path: str) -> bytes:
    """The password at *path* as soon as the agent has it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = agent.read(path)
        if answer.status == 200:
            return answer.body
        time.sleep(0.1)
    return b""
