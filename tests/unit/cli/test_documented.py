"""docs/cli.md says what the parser does: every command, option and exit code, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from strongroom import errors
from strongroom.doors.cli import exit_codes
from strongroom.doors.cli.arguments import build_parser
from strongroom.doors.cli.commands import VERBS, load

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "cli.md").read_text()
_, COMMANDS = PAGE.split("## Commands\n")
COMMANDS, CODES = COMMANDS.split("## Exit codes\n")
SECTIONS = {section.split("`", 1)[0]: section.split("\n", 1)[1] for section in COMMANDS.split("### `strongroom ")[1:]}
GLOBAL = {
    "--vault", "--key-file", "--passphrase-fd", "--identity", "--share-fd", "--expect-counter", "--expect-vault",
    "--no-agent", "--json", "--yes", "-h", "--help",
}  # fmt: skip


def options_of(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])(--?[a-z][a-z0-9-]*)", " ".join(re.findall(r"`([^`]*)`", text))))


def test_every_command_is_documented() -> None:
    """The headings are the parser's usage lines, in the order of help."""
    usages = [f"{verb} {load(verb).WORDS}".strip() for verb in VERBS]
    assert re.findall(r"^### `strongroom ([^`]+)`$", COMMANDS, re.MULTILINE) == [*usages, "help [COMMAND]"]


def test_every_option_is_documented() -> None:
    """Each command's options stand in its section, and its section names no other."""
    for verb in VERBS:
        command = load(verb)
        parser = build_parser(verb, command)
        real = {name for action in parser._actions for name in action.option_strings}
        section = SECTIONS[f"{verb} {command.WORDS}".strip()]
        assert real - GLOBAL <= options_of(section), verb
        assert options_of(section) <= real, verb


def test_the_global_options_are_documented() -> None:
    """The table of every command's options is complete."""
    parser = build_parser("verify", load("verify"))
    assert {name for action in parser._actions for name in action.option_strings} == GLOBAL
    table = PAGE.split("## Options of every command\n")[1].split("\n## ")[0]
    assert options_of(table) >= GLOBAL


def test_every_exit_code_is_documented() -> None:
    """The table of codes is the program's, and every error class has a code of its own or its parent's."""
    rows = re.findall(r"^\| (\d+) \| [^|]+ \| (\w*) ?\|$", CODES, re.MULTILINE)
    documented = {name: int(code) for code, name in rows if name}
    assert documented == {kind.__name__: code for kind, code in exit_codes.EXIT_CODES}
    assert [int(code) for code, _ in rows] == list(range(16))
    for name in dir(errors):
        kind = getattr(errors, name)
        if isinstance(kind, type) and issubclass(kind, errors.StrongroomError) and kind is not errors.StrongroomError:
            assert exit_codes.exit_code(kind("x")) > exit_codes.USAGE, name
    assert exit_codes.exit_code(errors.StrongroomError("x")) == exit_codes.UNEXPECTED


def test_every_command_explains_itself() -> None:
    """A summary in the house's form, and a help page that ends with examples."""
    for verb in VERBS:
        command = load(verb)
        assert command.SUMMARY[0].islower()
        assert not command.SUMMARY.endswith(".")
        page = build_parser(verb, command).format_help()
        assert page.startswith(f"usage: strongroom {verb} [options]")
        lines = command.EXAMPLES.splitlines()
        assert any(line.startswith(f"strongroom {verb}") for line in lines), verb
        assert page.endswith("\nexamples:\n" + "".join(f"  {line}\n" for line in lines)), verb
