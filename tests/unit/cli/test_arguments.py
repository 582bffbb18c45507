"""Argument lists: the quick way and the long way agree, and no message repeats a value."""

from __future__ import annotations

import itertools

import pytest

from strongroom.doors.cli.arguments import parse, take_words
from strongroom.doors.cli.commands import VERBS, load
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.quick import read_get
from strongroom.doors.cli.running import find_verb

PIECES = (
    ["a/b"],
    ["field"],
    ["--vault", "v"],
    ["--vault=v=w"],
    ["--vault"],
    ["--key-file", "k"],
    ["--key-file="],
    ["--no-agent"],
    ["--no-agent=x"],
    ["--json"],
    ["--version", "2"],
    ["--"],
    ["-"],
    [""],
    ["-x"],
)


NAMES = ("path", "field", "version", "allow_expired", "vault", "key_file", "passphrase_fd", "use_agent", "json", "yes")


def shown(arguments: GlobalArguments) -> dict[str, object]:
    return {name: getattr(arguments, name) for name in NAMES}


def slowly(words: list[str]) -> dict[str, object] | None:
    verb, rest = find_verb(words)
    return shown(parse(verb, load(verb), rest)) if verb == "get" else None


def test_quick_and_slow_agree() -> None:
    """Whatever the quick reader accepts, argparse understands in the same way; all orders of up to three pieces."""
    accepted = 0
    for count in range(4):
        for pieces in itertools.permutations(PIECES, count):
            for place in range(count + 1):
                words = list(itertools.chain(*pieces[:place], ["get"], *pieces[place:]))
                quick = read_get(words)
                if quick is not None:
                    accepted += 1
                    assert slowly(words) == shown(quick), words
    assert accepted > 300


@pytest.mark.parametrize(
    "words",
    [
        ["get", "a"],
        ["get", "a", "b"],
        ["--vault", "v", "get", "a", "--key-file", "k"],
        ["get", "--key-file=k", "a", "--no-agent"],
    ],
)
def test_the_plain_ways_are_quick(words: list[str]) -> None:
    """What people and crontabs write does not need argparse."""
    assert read_get(words) is not None


@pytest.mark.parametrize(
    ("grammar", "words", "expected"),
    [
        ("", [], {}),
        ("A", ["1"], {"a": "1"}),
        ("A [B]", ["1"], {"a": "1"}),
        ("A [B]", ["1", "2"], {"a": "1", "b": "2"}),
        ("A B...", ["1", "2", "3"], {"a": "1", "b": ["2", "3"]}),
        ("[A...]", [], {"a": []}),
        ("[A] [B...]", ["1"], {"a": "1", "b": []}),
    ],
)
def test_words(grammar: str, words: list[str], expected: dict[str, object]) -> None:
    """Each form of a command's WORDS."""
    arguments = GlobalArguments()
    take_words("verb", grammar, words, arguments)
    assert vars(arguments) == expected


@pytest.mark.parametrize(("grammar", "words"), [("", ["1"]), ("A", []), ("A", ["1", "2"]), ("A B...", ["1"])])
def test_too_few_and_too_many_words(grammar: str, words: list[str]) -> None:
    """Either is a usage error."""
    with pytest.raises(UsageError):
        take_words("verb", grammar, words, GlobalArguments())


def words_for(grammar: str) -> list[str]:
    """The fewest words that a command takes."""
    return [part if part == "--" else "X" for part in grammar.split() if not part.startswith("[")]


def test_every_command_leaves_unset_options_alone() -> None:
    """Without options, a command's arguments are the defaults of its class."""
    for verb in VERBS:
        command = load(verb)
        arguments = parse(verb, command, words_for(command.WORDS))
        assert (arguments.vault, arguments.key_file, arguments.passphrase_fd) == (None, None, None)
        assert (arguments.use_agent, arguments.json, arguments.yes) == (True, False, False)


def test_every_command_takes_the_options_of_every_command() -> None:
    """The six global options mean the same after every verb."""
    given = ["--vault", "v", "--key-file=k", "--passphrase-fd", "3", "--no-agent", "--json", "--yes"]
    for verb in VERBS:
        command = load(verb)
        arguments = parse(verb, command, [*given, *words_for(command.WORDS)])
        assert (arguments.vault, arguments.key_file, arguments.passphrase_fd) == ("v", "k", 3)
        assert (arguments.use_agent, arguments.json, arguments.yes) == (False, True, True)
