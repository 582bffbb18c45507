"""Showing a recovery code: once, on the terminal itself, never in a pipe by accident."""

from __future__ import annotations

from strongroom.errors import WouldPrompt
from strongroom.locate.terminal import Terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.doors.cli.interface import GlobalArguments
    from strongroom.keys.slots.recovery import RecoveryCredential


def may_show_code(arguments: GlobalArguments) -> None:
    """Make sure that a code could be shown, before it is made.

    Raises: WouldPrompt: there is no terminal, and no ``--json`` to put it into.
    """
    if arguments.json:
        return
    terminal = Terminal.open()
    if terminal is None:
        raise WouldPrompt(
            "a recovery code is shown on a terminal, and there is none",
            advice="run this on a terminal, or take the code from the output of --json",
        )
    terminal.close()


def show_code(recovery: RecoveryCredential) -> None:
    """Write the code to the terminal.

    Raises: WouldPrompt: the terminal is gone; the slot is there, but nobody has seen its code.
    """
    terminal = Terminal.open()
    if terminal is None:
        raise WouldPrompt(
            "the recovery code was made, but the terminal is gone and nobody has seen it",
            advice="make another and remove this one: strongroom slot add recovery-code; strongroom slot list",
        )
    with terminal, recovery.code() as code:
        terminal.show("\nrecovery code, shown once; write it down and keep it away from this machine:\n\n")
        terminal.show(f"    {code.reveal()}\n\n")
