"""The manual pages, from the parser and the help pages: ``strongroom(1)``, and one page for each command.

    python distribution/manual.py DIRECTORY

The wheel carries them as ``share/man/man1``. Source: man(7).
"""

from __future__ import annotations

import argparse
import datetime
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from textwrap import fill

SOURCE = Path(__file__).resolve().parents[1] / "src"

_OVERVIEW = """\
strongroom keeps usernames, passwords, tokens and keys, encrypted in one file or in PostgreSQL, for people and
for programs that run with nobody at the keyboard. A command reads through the vault's agent while that is
unlocked, and else opens the vault with a key file, an identity, the desktop's keyring or a passphrase.
"""
_ENVIRONMENT = {
    "STRONGROOM_VAULT": "the vault, where --vault names none",
    "STRONGROOM_KEY_FILE": "a key file that opens it",
    "STRONGROOM_IDENTITY_FILE": "an age identity or SSH private key that opens it",
    "STRONGROOM_AGENT_SOCKET": "the agent's socket, where it is not the usual one",
}
_FILES = {
    "$XDG_DATA_HOME/strongroom/vault.db": "the vault; below ~/.local/share where the variable is not set",
    "$XDG_STATE_HOME/strongroom": "what this machine has seen of its vaults; below ~/.local/state",
}


def escaped(text: str) -> str:
    """*text* as roff shows it letter by letter: no line is a request, a dash is a dash to copy."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    text = text.replace("^", "\\(ha").replace("~", "\\(ti").replace('"', "\\(dq")
    return "\n".join(f"\\&{line}" if line.startswith(".") else line for line in text.split("\n"))


def prose(text: str) -> list[str]:
    """Paragraphs as they flow; lines that are indented, as they stand."""
    lines: list[str] = []
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        rows = block.split("\n")
        while rows:
            is_table = rows[0].startswith(" ")
            count = next((n for n, row in enumerate(rows) if row.startswith(" ") != is_table), len(rows))
            part, rows = rows[:count], rows[count:]
            body = [escaped(row) for row in (part if is_table else fill("\n".join(part), 70).split("\n"))]
            lines += [".PP", ".nf", *body, ".fi"] if is_table else [".PP", *body]
    # A section's first paragraph begins by itself.
    return lines[1:] if lines[:1] == [".PP"] else lines


def entry(name: str, said: str) -> list[str]:
    """One row of a list."""
    return [".TP", f".B {name}", escaped(fill(said, 70))]


def option(action: argparse.Action) -> list[str]:
    """One option, with its value's name."""
    choices = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else ""
    metavar = action.metavar or choices or action.dest.upper()
    value = ""
    if action.nargs is None:
        value = f" \\fI{escaped(str(metavar))}\\fR"
    elif action.nargs == "?":
        value = f" [\\fI{escaped(str(metavar))}\\fR]"
    names = ", ".join(f"\\fB{escaped(one)}\\fR" for one in action.option_strings)
    return [".TP", f"{names}{value}", escaped(fill(str(action.help or ""), 70))]


def head(name: str, summary: str) -> list[str]:
    """The title and the first section."""
    from strongroom import __version__

    moment = int(os.environ.get("SOURCE_DATE_EPOCH", "1767225600"))
    date = datetime.datetime.fromtimestamp(moment, datetime.UTC).date()
    return [
        '.\\" Made from the parser by distribution/manual.py.',
        f'.TH {escaped(name.upper())} 1 {date} "strongroom {__version__}"',
        ".SH NAME",
        f"{escaped(name)} \\- {escaped(fill(summary, 50))}",
        ".SH SYNOPSIS",
    ]


def exit_status() -> list[str]:
    """What each code means: the first line of its error's own words."""
    from strongroom.doors.cli.exit_codes import EXIT_CODES

    said = {0: "Done.", 1: "Unexpected: a bug in strongroom.", 13: "scan found something."}
    for kind, code in EXIT_CODES:
        said.setdefault(code, (kind.__doc__ or "").partition("\n")[0])
    rows = [line for code, text in sorted(said.items()) for line in entry(str(code), text)]
    return [".SH EXIT STATUS", *rows, *entry("128 + n", "Ended by signal n.")]


def page(verb: str) -> str:
    """``strongroom-VERB(1)``."""
    from strongroom.doors.cli.arguments import build_parser
    from strongroom.doors.cli.commands import load

    command = load(verb)
    parser = build_parser(verb, command)
    *groups, common = [group for group in parser._action_groups if group._group_actions]
    lines = head(f"strongroom-{verb}", command.SUMMARY)
    lines += [f".B strongroom {escaped(verb)}", f"[\\fIoptions\\fR] {escaped(command.WORDS)}".rstrip()]
    if command.DETAILS.strip():
        lines += [".SH DESCRIPTION", *prose(command.DETAILS)]
    own = [line for group in groups for action in group._group_actions for line in option(action)]
    lines += [".SH OPTIONS", *own] if own else []
    lines += [".SH OPTIONS OF EVERY COMMAND", *(line for action in common._group_actions for line in option(action))]
    lines += [".SH EXAMPLES", ".nf", *(escaped(line) for line in command.EXAMPLES.splitlines()), ".fi"]
    lines += [".SH EXIT STATUS", "See", ".BR strongroom (1).", ".SH SEE ALSO", ".BR strongroom (1)"]
    return "\n".join(lines) + "\n"


def overview() -> str:
    """``strongroom(1)``."""
    from strongroom.doors.cli.arguments import build_parser
    from strongroom.doors.cli.commands import VERBS, load

    common = build_parser("verify", load("verify"))._action_groups[-1]._group_actions
    lines = head("strongroom", "a credentials vault: passwords, keys and tokens, encrypted in one file")
    lines += [".B strongroom", "[\\fIoptions\\fR] \\fIcommand\\fR [\\fIoptions\\fR] [\\fIword\\fR ...]"]
    lines += [".SH DESCRIPTION", *prose(_OVERVIEW), ".SH COMMANDS"]
    for verb in VERBS:
        lines += entry(escaped(verb), f"{load(verb).SUMMARY}.")
    lines += [".SH OPTIONS", *(line for action in common for line in option(action)), *exit_status()]
    lines += [".SH ENVIRONMENT", *_rows(_ENVIRONMENT), ".SH FILES", *_rows(_FILES), ".SH SEE ALSO"]
    pages = [f".BR strongroom\\-{escaped(verb)} (1)," for verb in VERBS]
    return "\n".join([*lines, *pages[:-1], pages[-1].rstrip(",")]) + "\n"


def _rows(table: dict[str, str]) -> Iterable[str]:
    return [line for name, said in table.items() for line in entry(escaped(name), f"{said}.")]


def write(directory: Path) -> list[Path]:
    """Write every page; where they are."""
    sys.path.insert(0, str(SOURCE))
    try:
        from strongroom.doors.cli.commands import VERBS

        pages = {"strongroom": overview(), **{f"strongroom-{verb}": page(verb) for verb in VERBS}}
    finally:
        sys.path.remove(str(SOURCE))
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("strongroom*.1"):
        old.unlink()
    written = []
    for name, text in pages.items():
        written.append(directory / f"{name}.1")
        written[-1].write_text(text, encoding="utf-8")
    return written


def write_completions(directory: Path) -> None:
    """Write what each shell loads by itself from below a prefix such as ``/usr/local``."""
    sys.path.insert(0, str(SOURCE))
    try:
        from strongroom.doors.cli.completion_scripts import SCRIPTS
    finally:
        sys.path.remove(str(SOURCE))
    directory.mkdir(parents=True, exist_ok=True)
    for shell, name in (("bash", "strongroom"), ("zsh", "_strongroom"), ("fish", "strongroom.fish")):
        (directory / name).write_text(SCRIPTS[shell], encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
