"""``strongroom completion``: what has a shell complete this program's words."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.interface import GlobalArguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "have the shell complete commands, options and items' names"
WORDS = "ACTION [WORD...]"
DETAILS = """\
  completion bash        a script: eval "$(strongroom completion bash)" in ~/.bashrc
  completion zsh         a script, kept as _strongroom in a directory of $fpath, or evaluated behind compinit
  completion fish        a script: strongroom completion fish | source in config.fish
  completion words       what the scripts ask: -- and the words so far, of which the last may be half a word

Items' names come from the vault's agent while it is unlocked, and from nowhere else: a key press opens
no vault and asks for no passphrase. No value is read.
"""
EXAMPLES = """\
strongroom completion bash > completion.bash && . ./completion.bash
"""


class Arguments(GlobalArguments):
    """What ``completion`` was given."""

    action: str
    word: list[str]

    def __init__(self) -> None:
        self.word = []


def add_options(parser: ArgumentParser) -> None:
    """Add nothing: it has no options of its own."""


def run(arguments: Arguments) -> int:
    """Print a script, or what could stand next."""
    from strongroom.doors.cli.completion_scripts import SCRIPTS

    if arguments.action == "words":
        return _words(arguments.word)
    if arguments.action not in SCRIPTS:
        from strongroom.doors.cli.actions import no_action

        raise no_action("completion", arguments.action, SCRIPTS)
    if arguments.word:
        raise UsageError(f"completion {arguments.action} takes no more words")
    output.text(SCRIPTS[arguments.action])
    return 0


def _words(typed: list[str]) -> int:
    from strongroom.doors.cli.completing import complete, folder_through_agent

    found = complete(typed, folder_through_agent(typed))
    output.lines([found.kind])
    # A tab stands between a word and what is said of it; `complete` lets no other one through.
    output.text("".join(f"{word}\t{said}\n" for word, said in found.words))
    return 0
