"""The word behind a verb, as in ``strongroom key create``: which one it is, and which one was probably meant."""

from __future__ import annotations

from typing import Protocol

from strongroom.doors.cli.exit_codes import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_LIKENESS = 0.7

# What other programs call it: each word stands for the first of these that the verb has.
_ALSO_CALLED = {
    **dict.fromkeys(("ls", "all"), ("list",)),
    **dict.fromkeys(("show", "view", "info", "cat", "inspect"), ("show", "describe", "decrypt", "list", "status")),
    **dict.fromkeys(("new", "make", "generate", "gen", "create", "add"), ("create", "issue", "add", "add-key", "new")),
    **dict.fromkeys(("rm", "delete", "del", "revoke", "remove"), ("remove", "destroy", "revoke", "discard")),
    **dict.fromkeys(("check", "validate"), ("verify", "check", "doctor", "test")),
    **dict.fromkeys(("verify", "lint"), ("check", "verify", "doctor")),
    **dict.fromkeys(("kill", "end", "quit", "shutdown"), ("stop",)),
    **dict.fromkeys(("service", "systemd", "unit", "enable", "setup"), ("install", "timer", "install-git", "init")),
    **dict.fromkeys(("rekey", "roll", "refresh", "reissue"), ("rotate", "renew", "change")),
    **dict.fromkeys(("readers", "updatekeys", "keys"), ("recipients", "keys")),
    **dict.fromkeys(("approve", "take", "import"), ("accept", "import")),
    **dict.fromkeys(("reject", "drop"), ("discard", "remove")),
    **dict.fromkeys(("recognize", "identify"), ("recognise", "describe")),
    **dict.fromkeys(("benchmark", "tune"), ("calibrate",)),
    **dict.fromkeys(("encode", "seal"), ("encrypt",)),
    **dict.fromkeys(("hook", "git"), ("install-git",)),
    "diff": ("textconv",),
    "sign": ("issue", "mac"),
    "password": ("passphrase",),
}
# What is a command of its own here: the agent is started and ended as daemons of other programs are.
_COMMANDS = {
    ("agent", "start"): "strongroom unlock",
    ("agent", "restart"): "strongroom unlock",
    ("agent", "unlock"): "strongroom unlock",
    ("agent", "lock"): "strongroom lock",
    ("agent", "run"): "strongroom agent",
    ("agent", "serve"): "strongroom agent",
}


class WithAction(Protocol):
    """The arguments of a command that takes an action and words behind it."""

    action: str
    word: list[str]


def take_action(verb: str, grammars: Mapping[str, str], arguments: WithAction) -> None:
    """Give the words behind the action their names.

    Args:
        verb: the command's name.
        grammars: of each action, as `arguments.take_words` reads them.
        arguments: receive them.

    Raises: UsageError: no such action, or a word too few or too many.
    """
    from strongroom.doors.cli.arguments import take_words

    if arguments.action not in grammars:
        raise no_action(verb, arguments.action, grammars)
    take_words(f"{verb} {arguments.action}", grammars[arguments.action], arguments.word, arguments)


def no_action(verb: str, given: str, known: Collection[str]) -> UsageError:
    """The error for a word that is no action of *verb*; the word is not repeated: it may be a secret.

    Args:
        given: what was typed; empty when nothing was.
        known: the actions that there are.
    """
    meant = nearest_action(verb, given, known)
    what = "has no such action" if given else "needs an action"
    hints = [f"did you mean: {meant}"] if meant else [f"it has {', '.join(known)}"]
    return UsageError(f"{verb} {what}", advice="\n".join([*hints, f"what each does: strongroom {verb} --help"]))


def nearest_action(verb: str, given: str, known: Collection[str]) -> str:
    """The command that was probably meant; empty when nothing is near."""
    from difflib import get_close_matches

    lower = given.lower()
    if (verb, lower) in _COMMANDS:
        return _COMMANDS[verb, lower]
    called = next((one for one in _ALSO_CALLED.get(lower, ()) if one in known), None)
    near = [called] if called else get_close_matches(lower, known, 1, _LIKENESS)
    return "".join(f"strongroom {verb} {one}" for one in near)
