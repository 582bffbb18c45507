"""From the words of a command line to one command's arguments.

Options are argparse's; the words between them are taken by a command's ``WORDS``, such
as ``"PATH [FIELD]"``, which is also what ``--help`` and docs/cli.md show. Options may
stand anywhere before ``--``. No message repeats what was typed beyond an option's
name: a mistyped option may carry a password.
"""

from __future__ import annotations

import argparse
import re

from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.help_pages import Formatter, below_the_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from strongroom.doors.cli.interface import Command, GlobalArguments

GLOBAL_OPTIONS_WITH_VALUE = (
    "--vault",
    "--key-file",
    "--passphrase-fd",
    "--identity",
    "--share-fd",
    "--expect-counter",
    "--expect-vault",
)
GLOBAL_FLAGS = ("--json", "--no-agent", "--yes")

# What argparse says, and what a person is told: without what was typed, which may be a value.
_IN_PLAIN_WORDS = (
    (r"^argument ", ""),
    (r": ignored explicit argument .*", " takes no value"),
    (r": invalid choice: .* \(choose from (.*)\)$", r" takes \1"),
    (r": expected one argument$", " needs a value"),
    (r": not allowed with argument ", " is not allowed with "),
    (r"^(--?[a-z-]+(?:/--?[a-z-]+)*): takes ", r"\1 takes "),
)


class Parser(argparse.ArgumentParser):
    """An argument parser that raises UsageError, without repeating values."""

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print and exit with."""
        what = message
        for pattern, plain in _IN_PLAIN_WORDS:
            what = re.sub(pattern, plain, what, flags=re.DOTALL)
        if what != message and " takes " in what:
            # argparse quotes the choices, or does not: that depends on Python.
            what = what.replace("'", "")
        raise UsageError(what, advice=f"{self.prog} --help")


def whole_number(text: str) -> int:
    """An option's value as a number of 0 or more."""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise argparse.ArgumentTypeError("takes a whole number")
    return int(text)


def positive_number(text: str) -> int:
    """An option's value as a number of 1 or more."""
    number = whole_number(text)
    if not number:
        raise argparse.ArgumentTypeError("takes a whole number from 1")
    return number


def fingerprint(text: str) -> str:
    """An option's value as a vault's fingerprint."""
    from strongroom.locate.expected import checked_fingerprint

    try:
        return checked_fingerprint(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def build_parser(verb: str, command: Command) -> Parser:
    """The parser of one command's options.

    Args:
        verb: the command's name.
        command: its module.
    """
    parser = Parser(
        prog=f"strongroom {verb}",
        usage=f"strongroom {verb} [options] {command.WORDS}".rstrip(),
        description=f"{command.SUMMARY[0].upper()}{command.SUMMARY[1:]}.",
        epilog=below_the_options(command),
        formatter_class=Formatter,
        allow_abbrev=False,
        add_help=False,
    )
    command.add_options(parser)
    add_global_options(parser)
    return parser


def add_global_options(parser: argparse.ArgumentParser) -> None:
    """The options that every command takes."""
    group = parser.add_argument_group("options of every command")
    group.add_argument("--vault", metavar="FILE", help="the vault (default: STRONGROOM_VAULT, else this user's own)")
    group.add_argument("--key-file", metavar="FILE", help="open with this key file")
    group.add_argument(
        "--passphrase-fd", metavar="N", type=whole_number, help="read the passphrase as one line from descriptor N"
    )
    group.add_argument(
        "--expect-counter", metavar="N", type=whole_number, help="refuse a vault that is older than its commit N"
    )
    group.add_argument(
        "--expect-vault",
        metavar="FINGERPRINT",
        type=fingerprint,
        help="refuse another vault than the one that has, or had, this fingerprint",
    )
    group.add_argument("--identity", metavar="FILE", help="open with this age identity or SSH private key")
    group.add_argument(
        "--share-fd", metavar="N", type=whole_number, help="read Shamir shares, one a line, from descriptor N"
    )
    group.add_argument("--no-agent", dest="use_agent", action="store_false", help="do not ask an agent")
    group.add_argument("--json", action="store_true", help="print JSON")
    group.add_argument("--yes", action="store_true", help="answer yes to every question")
    group.add_argument("-h", "--help", action="store_true", help="show this and leave")
    for option in group._group_actions:
        # Unset options leave the defaults of the arguments' class alone.
        option.default = argparse.SUPPRESS


def parse(verb: str, command: Command, given: Sequence[str]) -> GlobalArguments:
    """One command's arguments.

    Args:
        verb: the command's name.
        command: its module.
        given: the options and words, without the verb.

    Raises: UsageError: an unknown option, a missing or surplus word.
    """
    before, after = split_at_dashes(given)
    parser = build_parser(verb, command)
    arguments = command.Arguments()
    _, rest = parser.parse_known_args(before, namespace=arguments)
    for word in rest:
        if word.startswith("-") and word != "-":
            name = word.partition("=")[0]
            shown = name if name.startswith("--") else name[:2]
            raise UsageError(f"unknown option {shown}", advice=_instead_of(shown, parser))
    grammar = command.WORDS
    if grammar.startswith("-- "):
        # Another program's words: an option among them must never be taken for one of ours.
        grammar = grammar[3:]
        if rest:
            raise UsageError(f"{verb} takes its words after --", advice=f"strongroom {verb} [options] {command.WORDS}")
        if not after:
            raise UsageError(f"{verb} needs {grammar}", advice=f"strongroom {verb} [options] {command.WORDS}")
    take_words(verb, grammar, [*rest, *after], arguments)
    return arguments


def _instead_of(option: str, parser: Parser) -> str:
    """What was probably meant by an option that there is not."""
    from difflib import get_close_matches

    near = get_close_matches(option, [one for one in parser._option_string_actions if one.startswith("--")], 1)
    meant = [f"did you mean: {near[0]}"] if near else []
    return "\n".join([*meant, f"all options: {parser.prog} --help", "a word that begins with a dash goes after --"])


def split_at_dashes(given: Sequence[str]) -> tuple[list[str], list[str]]:
    """What stands before the first ``--``, and what after it."""
    words = list(given)
    if "--" not in words:
        return words, []
    place = words.index("--")
    return words[:place], words[place + 1 :]


def take_words(verb: str, grammar: str, words: Sequence[str], arguments: object) -> None:
    """Give each word its name.

    Args:
        verb: the command's name, for messages.
        grammar: ``NAME`` (exactly one), ``[NAME]`` (may be left out), ``NAME...`` (one or more) and
            ``[NAME...]`` (any number) in this order; a name is the attribute in upper case, unless that stands
            behind it, as in ``FILE=what``.
        words: what was given.
        arguments: receives them.

    Raises: UsageError: a word too few or too many.
    """
    left = list(words)
    usage = f"strongroom {verb} {_without_attributes(grammar)}"
    for part in grammar.split():
        is_optional = part.startswith("[")
        is_last = part.strip("[]").endswith("...")
        name, _, attribute = part.strip("[]").removesuffix("...").partition("=")
        if not left and not is_optional:
            raise UsageError(f"{verb} needs {name}", advice=usage)
        if is_last:
            setattr(arguments, attribute or name.lower(), left)
            left = []
        elif left:
            setattr(arguments, attribute or name.lower(), left.pop(0))
    if left:
        takes = _without_attributes(grammar) or "options"
        raise UsageError(f"{verb} takes no more than {takes}", advice=f"strongroom {verb.partition(' ')[0]} --help")


def _without_attributes(grammar: str) -> str:
    return re.sub("=[a-z_]+", "", grammar)
