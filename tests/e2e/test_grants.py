"""Grants on the command line: added, shown, asked about, taken away, and what is refused."""

from __future__ import annotations

import json
import os

import pytest


@pytest.fixture
def sites(keyed):
    """A vault with one grant, and one denial beside it."""
    done = keyed.run(
        "grant", "add", "sync", "--user", "daemon", "--read", "sites/**", "--list", "sites/**",
        "--deny", "sites/x/*", "--for", "30d",
    )  # fmt: skip
    assert (done.code, done.out) == (0, b""), done
    assert done.err == "strongroom: added the grant sync for user daemon\n"
    return keyed


def decision(machine, *words: str) -> tuple[int, str]:
    done = machine.run("grant", "test", *words)
    return done.code, done.text.strip()


def test_a_grant_is_added_shown_and_removed(sites) -> None:
    """What is listed is what was granted; the denial has no end; removed is removed, and all of it is audited."""
    shown = {grant["capabilities"][0]: grant for grant in json.loads(sites.run("grant", "list", "--json").out)}
    assert shown["read"]["patterns"] == ["sites/**"]
    assert (shown["read"]["capabilities"], shown["read"]["subject"], shown["read"]["shown"]) == (
        ["read", "list"], "user", "daemon",
    )  # fmt: skip
    assert shown["read"]["expires"] is not None
    assert (shown["deny"]["patterns"], shown["deny"]["expires"]) == (["sites/x/*"], None)
    lines = sites.run("grant").text.splitlines()
    assert sorted(line.split()[:4] for line in lines) == [
        ["sync", "user", "daemon", "deny"], ["sync", "user", "daemon", "read,list"],
    ]  # fmt: skip
    assert sites.run("grant", "remove", "sync").err == "strongroom: removed the grant sync\n"
    assert sites.run("grant", "list").out == b""
    assert sites.run("grant", "remove", "sync").code == 4
    assert sites.run("verify").code == 0


def test_a_decision_can_be_asked_for(sites) -> None:
    """Allowed is exit 0, denied is exit 5, each with its reason; the owner may do everything."""
    assert decision(sites, "--user", "daemon", "sites/a", "read") == (0, "allowed: the grant sync allows it")
    assert decision(sites, "--user", "daemon", "sites/", "list") == (0, "allowed: the grant sync allows it")
    assert decision(sites, "--user", "daemon", "sites/x/a", "read") == (5, "denied: the grant sync denies it")
    assert decision(sites, "--user", "daemon", "sites/a", "update") == (5, "denied: nothing is granted here")
    assert decision(sites, "--user", "bin", "sites/a", "read") == (5, "denied: nothing is granted here")
    owner = decision(sites, "--user", str(os.getuid()), "anything", "delete")
    assert owner == (0, "allowed: the vault's owner may do everything")
    done = sites.run("grant", "test", "--user", "daemon", "sites/a", "read", "--json")
    assert json.loads(done.out) == {"allowed": True, "reason": "the grant sync allows it"}


def test_a_group_and_a_program_can_be_named(keyed) -> None:
    """A group by name or number; a program of root's, by what it is and not by how it is called."""
    done = keyed.run("grant", "add", "team", "--group", "daemon", "--deposit", "in/*", "--executable", "/bin/sh")
    assert done.code == 0, done
    (grant,) = json.loads(keyed.run("grant", "list", "--json").out)
    assert (grant["subject"], grant["executable"]["path"]) == ("group", os.path.realpath("/bin/sh"))
    asked = ("--user", "daemon", "in/a", "deposit")
    assert decision(keyed, *asked)[0] == 5
    assert decision(keyed, *asked, "--executable", "/bin/sh")[0] == 0
    assert decision(keyed, *asked, "--executable", "/bin/ls") == (
        5, "denied: the grant team is for another executable or unit",
    )  # fmt: skip


# name of the case: (words, exit code, what the message says)
REFUSED = {
    "nobody": (["add", "g", "--read", "a"], 2, "a grant is for one"),
    "two at once": (["add", "g", "--user", "daemon", "--group", "daemon", "--read", "a"], 2, "a grant is for one"),
    "nothing": (["add", "g", "--user", "daemon"], 2, "a grant needs something that it grants"),
    "part of a name": (["add", "g", "--user", "daemon", "--read", "a*"], 2, "a star stands for whole components"),
    "an unknown user": (["add", "g", "--user", "no-such-user", "--read", "a"], 4, "there is no such user"),
    "an unknown group": (["add", "g", "--group", "no-such-group", "--read", "a"], 4, "there is no such group"),
    "the nameless user": (["add", "g", "--user", "65534", "--read", "a"], 2, "nobody in particular"),
    "no such program": (["add", "g", "--user", "daemon", "--read", "a", "--executable", "/none"], 4, "no file /none"),
    "anybody's program": (["add", "g", "--user", "daemon", "--read", "a", "--executable", "own"], 9, "replaced"),
    "no name": (["add", "--user", "daemon", "--read", "a"], 2, "grant add needs NAME"),
    "an unknown action": (["give"], 2, "grant has no such action"),
    "a question about nobody": (["test", "a", "read"], 2, "grant test needs --user NAME"),
    "a question about no path": (["test", "a//b", "read", "--user", "daemon"], 2, "is not an item's path"),
    "a question about no capability": (["test", "a", "sudo", "--user", "daemon"], 2, "a capability is one of"),
}


def test_what_is_refused(keyed) -> None:
    """The exit code and the sentence of each mistake; nothing is granted."""
    own = keyed.home / "own"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o777)
    for case, (words, code, message) in REFUSED.items():
        done = keyed.run("grant", *words)
        assert (done.code, message in done.err) == (code, True), (case, done)
    assert json.loads(keyed.run("grant", "list", "--json").out) == []


def test_a_name_is_taken_once(sites) -> None:
    """The second grant of a name is a conflict, not an addition that nobody sees."""
    done = sites.run("grant", "add", "sync", "--user", "bin", "--read", "a")
    assert done.code == 10
    assert "there is a grant sync" in done.err
