"""``strongroom help``: the list of commands, and the help of one."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import OK, USAGE, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_EXAMPLE = """
A first vault, and a password that a program reads:
  strongroom init --passphrase
  strongroom set bank/checking username=dustin password
  strongroom get bank/checking password
"""


def show_help(words: Sequence[str], *, was_asked: bool) -> int:
    """The list of commands, or the help of the one named in *words*.

    Args:
        words: what stood beside ``help``.
        was_asked: whether somebody asked, or gave no command at all.

    Returns: the exit code.
    Raises: UsageError: no such command.
    """
    from strongroom.doors.cli.arguments import build_parser
    from strongroom.doors.cli.commands import VERBS, load

    named = [word for word in words if not word.startswith("-")]
    if named:
        if named[0] not in VERBS:
            raise UsageError(f"there is no command {named[0]}", advice=closest(named[0]) or "strongroom help")
        output.text(build_parser(named[0], load(named[0])).format_help())
        return OK
    width = max(map(len, VERBS))
    listed = "".join(f"  {verb.ljust(width)}  {load(verb).SUMMARY}\n" for verb in VERBS)
    overview = (
        "usage: strongroom [options] COMMAND ...\n\n"
        "A credentials vault: passwords, keys and tokens, encrypted in one file.\n\n"
        f"commands:\n{listed}{_EXAMPLE}\nstrongroom help COMMAND says more.\n"
    )
    if was_asked:
        output.text(overview)
        return OK
    output.complain(overview)
    return USAGE


def closest(verb: str) -> str:
    """The command that was probably meant, as one to type; empty when nothing is near."""
    from difflib import get_close_matches

    from strongroom.doors.cli.commands import VERBS

    return "".join(f"strongroom {near}" for near in get_close_matches(verb, VERBS, 1))
