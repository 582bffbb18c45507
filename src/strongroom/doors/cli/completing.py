"""What could stand next on a command line: from the parser and the help pages, and items' names from an agent.

A shell asks at every key press of a tab, so nothing here opens a vault, asks a person or waits for a lock:
names come from an agent that is unlocked already, or not at all. No value is ever read.
"""

from __future__ import annotations

import re

from strongroom.doors.cli.arguments import GLOBAL_FLAGS, GLOBAL_OPTIONS_WITH_VALUE, build_parser, split_at_dashes
from strongroom.doors.cli.commands import VERBS, load
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.errors import StrongroomError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Action
    from collections.abc import Callable, Iterable, Iterator, Sequence

WORDS, FILES, COMMANDS = "words", "files", "commands"
"""What the shell completes: the words that follow, names of files, or names of programs."""

_ITEM_WORDS = {"PATH", "PREFIX", "FOLDER"}
_ITEM_WORDS_OF = {("mv", "SOURCE"), ("mv", "TARGET")}
_FILE_WORDS = {
    *("BASE", "DIR", "FILE", "OURS", "OUT", "PLACE", "SIGNATURE", "SOURCE", "TARGET", "TEMPLATE", "THEIRS"),
}  # fmt: skip
_PLACEHOLDER = re.compile(r"\[?([A-Z]+)(\.\.\.)?\]?")
_LITERAL = re.compile(r"\[?([a-z][a-z0-9-]*)\]?")


class Candidates:
    """What could stand in one place.

    Attributes:
        kind: one of `WORDS`, `FILES` and `COMMANDS`.
        words: with a description each, which may be empty.
    """

    __slots__ = ("kind", "words")

    def __init__(self, kind: str = WORDS, words: Iterable[tuple[str, str]] = ()) -> None:
        self.kind = kind
        self.words = list(words)


def complete(typed: Sequence[str], list_folder: Callable[[str], Iterable[str]]) -> Candidates:
    """What could stand in the place of the last word of *typed*.

    Args:
        typed: the words after the program's name, of which the last one may be empty or half a word.
        list_folder: the names in a folder of the vault, those of folders with a slash at their end.
    """
    before, current = list(typed[:-1]), typed[-1] if typed else ""
    found = _find(before, current, list_folder)
    # A shell shows what it is given: nothing that would move the cursor, and nothing that does not fit.
    words: dict[str, str] = {}
    for word, said in found.words:
        if word.startswith(current) and word.isprintable():
            # What several lines of a help page begin with is described by none of them.
            words[word] = "" if words.get(word, said) != said else said
    return Candidates(found.kind, words.items())


def _find(before: list[str], current: str, list_folder: Callable[[str], Iterable[str]]) -> Candidates:
    from strongroom.doors.cli.running import find_verb

    options, after = split_at_dashes(before)
    try:
        verb, rest = find_verb(options)
    except UsageError:
        return Candidates()
    if not verb:
        return _first_word(options, current)
    if verb == "help":
        return Candidates(WORDS, ((name, load(name).SUMMARY) for name in VERBS) if len(rest) == 0 else ())
    if verb not in VERBS:
        return Candidates()
    is_after = len(options) < len(before)
    actions = list(build_parser(verb, load(verb))._actions)
    if not is_after:
        waiting = _option_that_waits(actions, rest)
        if waiting is not None:
            return _value(verb, waiting, current, list_folder)
        if current.startswith("-"):
            return _options(verb, actions, rest, current)
    if load(verb).WORDS.startswith("-- "):
        if not is_after:
            return Candidates(WORDS, [("--", "what follows is the program")])
        return Candidates(FILES if after else COMMANDS)
    return _word(verb, [*_plain(actions, rest), *after], current, list_folder)


def _first_word(options: Sequence[str], current: str) -> Candidates:
    if options and options[-1] in GLOBAL_OPTIONS_WITH_VALUE:
        return Candidates(FILES)
    if current.startswith("-"):
        names = (*GLOBAL_OPTIONS_WITH_VALUE, *GLOBAL_FLAGS, "--help", "--version")
        return Candidates(WORDS, ((name, "") for name in names))
    return Candidates(WORDS, [*((verb, load(verb).SUMMARY) for verb in VERBS), ("help", "explain a command")])


def _option_that_waits(actions: Iterable[Action], words: Sequence[str]) -> Action | None:
    """The option whose value would be the next word."""
    if not words:
        return None
    return next((one for one in actions if words[-1] in one.option_strings and one.nargs is None), None)


def _value(
    verb: str, option: Action, current: str, list_folder: Callable[[str], Iterable[str]], prefix: str = ""
) -> Candidates:
    if option.choices is not None:
        return Candidates(WORDS, ((f"{prefix}{choice}", "") for choice in option.choices))
    return _named(verb, str(option.metavar or ""), current.removeprefix(prefix), list_folder, prefix)


def _options(verb: str, actions: Iterable[Action], words: Sequence[str], current: str) -> Candidates:
    name, equals, _ = current.partition("=")
    if equals:
        named = next((one for one in actions if name in one.option_strings and one.nargs is None), None)
        return _value(verb, named, current, lambda _folder: (), f"{name}=") if named is not None else Candidates()
    given = {word.partition("=")[0] for word in words}
    return Candidates(
        WORDS,
        (
            (option, one.help or "")
            for one in actions
            if type(one).__name__ == "_AppendAction" or not given.intersection(one.option_strings)
            for option in one.option_strings
            if option.startswith("--") or current == option
        ),
    )


def _plain(actions: Sequence[Action], words: Sequence[str]) -> list[str]:
    """The words that are neither options nor their values."""
    plain: list[str] = []
    is_value = False
    for word in words:
        if is_value:
            is_value = False
        elif word.startswith("-") and word != "-":
            is_value = any(word in one.option_strings and one.nargs is None for one in actions)
        else:
            plain.append(word)
    return plain


def _word(
    verb: str, plain: Sequence[str], current: str, list_folder: Callable[[str], Iterable[str]]
) -> Candidates:
    """The word behind *plain*: by the lines of the help page that begin so, else by the command's own grammar."""
    found = Candidates()
    for line, said in _usages(verb):
        part = _at(line, len(plain)) if _fits(line, plain) else ""
        if _LITERAL.fullmatch(part):
            found.words.append((part, said))
        elif part:
            found = _join(found, _named(verb, part, current, list_folder))
    if not found.words and found.kind == WORDS and (not plain or not any(True for _ in _usages(verb))):
        names = [match[0] for match in map(_PLACEHOLDER.fullmatch, load(verb).WORDS.split()) if match]
        return _named(verb, _at(names, len(plain)), current, list_folder)
    return found


def _usages(verb: str) -> Iterator[tuple[list[str], str]]:
    """The lines ``  slot add key-file FILE    what it does`` of a help page, without the verb, and what is said."""
    for line in load(verb).DETAILS.splitlines():
        if not line.startswith(f"  {verb} "):
            continue
        behind = line[3 + len(verb) :]
        if behind.startswith(" "):
            continue  # the verb alone
        usage, _, said = behind.partition("  ")
        # token django | fernet | uuid
        for one in usage.split(" | "):
            words: list[str] = []
            for word in one.split():
                is_literal = _LITERAL.fullmatch(word) is not None
                is_text = is_literal and words and _PLACEHOLDER.fullmatch(words[-1])
                if is_text or not (is_literal or _PLACEHOLDER.fullmatch(word)):
                    break
                words.append(word.strip("[]") if is_literal else word)
            yield words, said.strip()


def _fits(line: Sequence[str], plain: Sequence[str]) -> bool:
    parts = (_at(line, number) for number in range(len(plain)))
    return all(part == word or _PLACEHOLDER.fullmatch(part) for part, word in zip(parts, plain, strict=True))


def _at(line: Sequence[str], number: int) -> str:
    """A grammar's word of that number; one with three dots goes on for ever."""
    if number < len(line):
        return line[number]
    return line[-1] if line and "..." in line[-1] else ""


def _named(
    verb: str, part: str, current: str, list_folder: Callable[[str], Iterable[str]], prefix: str = ""
) -> Candidates:
    name = part.strip("[]").removesuffix("...")
    if name in _ITEM_WORDS or (verb, name) in _ITEM_WORDS_OF:
        folder = current[: current.rfind("/") + 1]
        return Candidates(WORDS, ((f"{prefix}{folder}{child}", "") for child in list_folder(folder)))
    return Candidates(FILES if name in _FILE_WORDS else WORDS)


def _join(one: Candidates, other: Candidates) -> Candidates:
    return Candidates(FILES if FILES in (one.kind, other.kind) else WORDS, [*one.words, *other.words])


def folder_through_agent(typed: Sequence[str]) -> Callable[[str], list[str]]:
    """Lists folders of the vault that the options in *typed* name, through its agent when that is unlocked."""

    def list_folder(folder: str) -> list[str]:
        from strongroom.doors.cli.opening import location_of
        from strongroom.locate.agents import find_agent

        arguments = _global_arguments(typed)
        if not arguments.use_agent:
            return []
        try:
            found = find_agent(location_of(arguments), is_named=arguments.vault is not None)
            if found is None or isinstance(found, StrongroomError):
                return []
            try:
                return list(found.list(folder))
            finally:
                found.close()
        except (StrongroomError, ValueError):
            return []  # Whoever runs the command is told; a shell that completes a word shows nothing.

    return list_folder


def _global_arguments(typed: Sequence[str]) -> GlobalArguments:
    arguments = GlobalArguments()
    for word, following in zip(typed, [*typed[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name == "--":
            break
        if name == "--vault":
            arguments.vault = value if equals else following
        elif word == "--no-agent":
            arguments.use_agent = False
    return arguments
