"""The word behind a verb: a misspelt one gets the command that was meant, and is not repeated."""

from __future__ import annotations

import re

import pytest

from strongroom.doors.cli.actions import no_action
from strongroom.doors.cli.arguments import parse, take_words
from strongroom.doors.cli.commands import VERBS, load
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.interface import GlobalArguments

MISSPELT = {
    "agent satus": "strongroom agent status",
    "agent start": "strongroom unlock",
    "agent kill": "strongroom agent stop",
    "agent service": "strongroom agent install",
    "audit verfy": "strongroom audit verify",
    "ca int": "strongroom ca init",
    "ca rm": "strongroom ca revoke",
    "completion bsh": "strongroom completion bash",
    "file encrpt": "strongroom file encrypt",
    "file updatekeys": "strongroom file recipients",
    "file diff": "strongroom file textconv",
    "grant ls": "strongroom grant list",
    "grant create": "strongroom grant add",
    "hash descrbe": "strongroom hash describe",
    "hash check": "strongroom hash verify",
    "key creat": "strongroom key create",
    "key NEW": "strongroom key create",
    "key rm": "strongroom key destroy",
    "slot delete": "strongroom slot remove",
    "token pasphrase": "strongroom token passphrase",
    "token create": "strongroom token issue",
}


def refused(words: list[str]) -> UsageError:
    verb, *rest = words
    command = load(verb)
    with pytest.raises(UsageError) as caught:
        command.run(parse(verb, command, rest))
    return caught.value


@pytest.mark.parametrize("words", MISSPELT)
def test_names_the_action_that_was_meant(words: str) -> None:
    """What is spelt nearly so, or so elsewhere, leads to the command to type."""
    assert refused(words.split()).advice.splitlines()[0] == f"did you mean: {MISSPELT[words]}"


@pytest.mark.parametrize("words", MISSPELT)
def test_what_is_meant_is_a_command(words: str) -> None:
    """The command that is named has a line on its help page, or is a command itself."""
    _, verb, *action = MISSPELT[words].split()
    assert verb in VERBS
    page = load(verb).DETAILS + load(verb).WORDS
    assert not action or re.search(rf"\b{verb} (.*\| )?{action[0]}\b", page) or action[0] in page


@pytest.mark.parametrize("verb", "agent audit ca completion file grant hash key slot token".split())
def test_does_not_repeat_what_was_typed(verb: str) -> None:
    """It may be a token that somebody meant to pipe: neither error nor hint has it, and the actions are listed."""
    error = refused([verb, "hunter2"])
    assert "hunter2" not in f"{error.message}{error.advice}"
    assert error.advice.startswith("it has ")


def test_a_missing_action_is_said_to_be_missing() -> None:
    """Nothing was typed, so nothing is unknown."""
    assert no_action("file", "", ["encrypt"]).message == "file needs an action"


def test_a_grammar_shows_what_a_word_is() -> None:
    """A person reads FILE; the attribute that holds it may be called otherwise."""
    arguments = GlobalArguments()
    take_words("ca renew", "FILE=what [NAME=names...]", ["a", "b", "c"], arguments)
    assert (arguments.what, arguments.names) == ("a", ["b", "c"])  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match=r"^ca renew needs FILE$") as caught:
        take_words("ca renew", "FILE=what [NAME=names...]", [], arguments)
    assert caught.value.advice == "strongroom ca renew FILE [NAME...]"


OPTIONS = {
    "a choice": (["key", "--kind", "hunter2"], "--kind takes aead, fernet, signing, box, hmac"),
    "a value that is missing": (["agent", "--socket"], "--socket needs a value"),
    "a value too many": (["ls", "--json=hunter2"], "--json takes no value"),
    "two that exclude each other": (["key", "--stage", "--retire"], "--retire is not allowed with --stage"),
    "a number": (["token", "--length", "hunter2"], "--length takes a whole number"),
    "two names": (["encrypt", "--output"], "-o/--output needs a value"),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_an_option_is_refused_in_plain_words(case: str) -> None:
    """One sentence, without what was typed and without argparse's words."""
    words, expected = OPTIONS[case]
    with pytest.raises(UsageError) as caught:
        parse(words[0], load(words[0]), words[1:])
    assert caught.value.message == expected
