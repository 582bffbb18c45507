"""``strongroom help``: the list of commands, and the help of one."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import OK, USAGE, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_EXAMPLE = """
a first vault, and a password that a program reads:
  strongroom init
  strongroom set bank/checking username=dustin password
  strongroom get bank/checking password
"""

# What other programs call it, or what it is called in plain words.
_ALSO_CALLED = {
    **dict.fromkeys(("create", "new", "setup"), "init"),
    **dict.fromkeys(("add", "insert", "put", "store", "save", "write", "patch", "generate"), "set"),
    **dict.fromkeys(("show", "read", "cat", "print", "view", "reveal"), "get"),
    **dict.fromkeys(("list", "dir"), "ls"),
    **dict.fromkeys(("tree", "items", "find", "search"), "ls -r"),
    **dict.fromkeys(("delete", "del", "remove", "destroy"), "rm"),
    **dict.fromkeys(("move", "rename"), "mv"),
    **dict.fromkeys(("history", "versions"), "log"),
    **dict.fromkeys(("undelete", "undo", "rollback"), "restore"),
    **dict.fromkeys(("exec", "env", "with"), "run"),
    **dict.fromkeys(("template", "inject", "fill"), "render"),
    **dict.fromkeys(("dump", "plaintext"), "export"),
    **dict.fromkeys(("grep", "leaks"), "scan"),
    **dict.fromkeys(("trust",), "ca trust status"),
    **dict.fromkeys(("cert", "certificate", "certs"), "ca"),
    **dict.fromkeys(("passwd", "password", "passphrase", "rekey"), "slot change ID"),
    **dict.fromkeys(("slots", "recipients"), "slot list"),
    **dict.fromkeys(("keyring", "recovery-code"), "slot add KIND"),
    **dict.fromkeys(("login", "signin", "open"), "unlock"),
    **dict.fromkeys(("logout", "close"), "lock"),
    **dict.fromkeys(("info", "id"), "status"),
    **dict.fromkeys(("policy", "permit", "share"), "grant"),
    **dict.fromkeys(("migrate",), "copy"),
    **dict.fromkeys(("expire", "settings", "config"), "configure"),
    "version": "--version",
}


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
            raise no_command(named[0])
        output.text(build_parser(named[0], load(named[0])).format_help())
        return OK
    if was_asked:
        output.text(_overview())
        return OK
    output.complain(_overview())
    return USAGE


def _overview() -> str:
    """All commands with what each does, in 80 columns, or as many as the terminal has if those are fewer."""
    from shutil import get_terminal_size

    from strongroom.doors.cli.commands import GROUPS, VERBS, load
    from strongroom.doors.cli.help_pages import lay_out

    width = max(map(len, VERBS))
    listed = "".join(
        f"\n{group}:\n" + "".join(f"  {verb.ljust(width)}  {load(verb).SUMMARY}\n" for verb in verbs)
        for group, verbs in GROUPS
    )
    text = (
        "usage: strongroom [options] COMMAND ...\n\n"
        "A credentials vault: passwords, keys and tokens, encrypted in one file.\n"
        f"{listed}{_EXAMPLE}\nstrongroom help COMMAND says more.\n"
    )
    return lay_out(text, min(get_terminal_size().columns, 80))


def no_command(verb: str) -> UsageError:
    """The error for a word that is no command, with the one that was probably meant."""
    near = closest(verb)
    return UsageError(
        f"there is no command {verb}", advice=f"did you mean: {near}" if near else "all of them: strongroom help"
    )


def closest(verb: str) -> str:
    """The command that was probably meant, as one to type; empty when nothing is near."""
    from difflib import get_close_matches

    from strongroom.doors.cli.commands import VERBS

    lower = verb.lower()
    if lower in _ALSO_CALLED:
        return f"strongroom {_ALSO_CALLED[lower]}"
    near = get_close_matches(lower, (*VERBS, *_ALSO_CALLED), 1)
    return "".join(f"strongroom {_ALSO_CALLED.get(one, one)}" for one in near)
