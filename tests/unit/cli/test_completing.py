"""What a shell is offered for half a command line."""

from __future__ import annotations

import re

import pytest

from strongroom.doors.cli.commands import VERBS, load
from strongroom.doors.cli.completing import COMMANDS, FILES, WORDS, complete

FOLDERS = {"": ["bank/", "mail"], "bank/": ["checking", "savings account", "$(reboot)"]}
GLOBAL = {
    "--vault", "--key-file", "--passphrase-fd", "--identity", "--share-fd", "--expect-counter", "--expect-vault",
    "--no-agent", "--json", "--yes",
}  # fmt: skip

DEPOSITS = ["list", "accept", "discard", "add-key", "keys", "remove-key"]

# What was typed, the last word being the one to complete; the kind; the words that follow.
CASES: dict[str, tuple[list[str], str, list[str]]] = {
    "a verb": (["ge"], WORDS, ["get"]),
    "two verbs": (["rest"], WORDS, ["restore", "restore-backup"]),
    "nothing fits": (["nonsense"], WORDS, []),
    "a verb behind options": (["--json", "--vault", "x", "up"], WORDS, ["upgrade"]),
    "an option before the verb": (["--va"], WORDS, ["--vault"]),
    "its value": (["--vault", ""], FILES, []),
    "help": (["help", "ge"], WORDS, ["get"]),
    "no second word of help": (["help", "get", ""], WORDS, []),
    "an unknown verb": (["nonsense", ""], WORDS, []),
    "an unknown option": (["--nonsense", "get", ""], WORDS, []),
    "items at the top": (["get", ""], WORDS, ["bank/", "mail"]),
    "items in a folder": (["get", "bank/"], WORDS, ["bank/checking", "bank/savings account", "bank/$(reboot)"]),
    "half a name": (["rm", "bank/s"], WORDS, ["bank/savings account"]),
    "no second item": (["get", "mail", ""], WORDS, []),
    "several items": (["export", "mail", "bank/c"], WORDS, ["bank/checking"]),
    "both words of mv": (["mv", "mail", "m"], WORDS, ["mail"]),
    "the stores of copy": (["copy", "a.db", ""], FILES, []),
    "an item behind options": (["get", "--version", "2", "m"], WORDS, ["mail"]),
    "an option's item": (["import", ".env", "--to", "m"], WORDS, ["mail"]),
    "an item behind --": (["get", "--", "m"], WORDS, ["mail"]),
    "a file": (["render", ""], FILES, []),
    "an option's file": (["render", "x", "-o", ""], FILES, []),
    "an option's choices": (["sign", "x", "--format", ""], WORDS, ["minisign", "ssh"]),
    "the same with =": (["sign", "x", "--format=s"], WORDS, ["--format=ssh"]),
    "a file with =": (["render", "x", "--output="], FILES, []),
    "= behind what takes no value": (["get", "--json="], WORDS, []),
    "an option's free text": (["sign", "x", "--comment", ""], WORDS, []),
    "long options": (["get", "--a"], WORDS, ["--allow-expired"]),
    "an option once": (["get", "--allow-expired", "--a"], WORDS, []),
    "one that may be repeated": (["export", "--env", "A=b", "--en"], WORDS, ["--env"]),
    "actions": (["agent", ""], WORDS, ["status", "stop", "install"]),
    "an action's words": (["slot", "add", "key"], WORDS, ["key-file", "keyring"]),
    "their file": (["slot", "add", "key-file", ""], FILES, []),
    "an action's item": (["grant", "test", "m"], WORDS, ["mail"]),
    "an action's second file": (["file", "check", "one", ""], FILES, []),
    "alternatives": (["token", "fe"], WORDS, ["fernet"]),
    "a path or an action": (["deposit", ""], WORDS, ["bank/", "mail", *DEPOSITS]),
    "an unknown action": (["slot", "nonsense", ""], WORDS, []),
    "the dashes of run": (["run", "--mask", ""], WORDS, ["--"]),
    "its program": (["run", "--", ""], COMMANDS, []),
    "its program's words": (["run", "--", "ls", "x"], FILES, []),
    "nothing typed": ([], WORDS, [*VERBS, "help"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_fits(case: str) -> None:
    """The kind, and every word."""
    typed, kind, words = CASES[case]
    found = complete(typed, lambda folder: FOLDERS.get(folder, []))
    assert (found.kind, sorted(word for word, _ in found.words)) == (kind, sorted(words))


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "a\x1b[2J", "a\u202eb", "a\x85b"])
def test_a_name_that_moves_the_cursor_is_not_offered(name: str) -> None:
    """The lines of the answer are the lines that were meant, and a terminal gets no control character."""
    found = complete(["get", ""], lambda _folder: [name, "plain"])
    assert [word for word, _ in found.words] == ["plain"]


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_and_action_is_offered(verb: str) -> None:
    """Each option with its help; each line of a help page that begins with the verb."""
    offered = dict(complete([verb, "--"], lambda _folder: ()).words)
    assert GLOBAL | {"--help"} <= set(offered)
    assert all(offered.values())
    actions = {word for word, _ in complete([verb, ""], lambda _folder: ()).words}
    for action in re.findall(rf"^  {verb} ([a-z][a-z-]*) ", load(verb).DETAILS, re.MULTILINE):
        assert action in actions
    assert set(getattr(load(verb), "_GRAMMARS", ())) <= actions, "what a command takes, its help page has a row for"


def test_actions_behind_an_action_and_those_named_in_passing() -> None:
    """Each has a row of its own on the help page."""
    behind = complete(["ca", "trust", ""], lambda _folder: ()).words
    assert [word for word, _ in behind] == ["install", "remove", "status"]
    assert {"disable", "enable"} <= {word for word, _ in complete(["key", ""], lambda _folder: ()).words}
