"""Showing new shares: each once, one person at a time, on the terminal itself."""

from __future__ import annotations

import os

from strongroom.doors.cli.exit_codes import UsageError
from strongroom.errors import WouldPrompt
from strongroom.locate.terminal import Terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.doors.cli.interface import GlobalArguments
    from strongroom.secret import SecretStr

# A second screen, which leaves nothing in the terminal's scroll-back when it is left (xterm's 1049).
_OTHER_SCREEN = "\x1b[?1049h\x1b[H"
_FIRST_SCREEN = "\x1b[?1049l"
_WORDS_IN_LINE = 6


def parse_share_numbers(text: str) -> tuple[int, int]:
    """The threshold and the number of shares in words such as ``2of3``.

    Raises: UsageError: anything else; the bounds are the kind's to check.
    """
    threshold, of, count = text.partition("of")
    is_number = all(part.isascii() and part.isdigit() and len(part) <= 2 for part in (threshold, count))
    if not of or not is_number:
        raise UsageError("shares are given as 2of3: how many open the vault, and how many there are")
    return int(threshold), int(count)


def may_show_shares(arguments: GlobalArguments) -> None:
    """Make sure that shares could be shown, before they are made.

    Raises: WouldPrompt: there is no terminal, and no ``--json`` to put them into.
    """
    if arguments.json:
        return
    terminal = Terminal.open()
    if terminal is None:
        raise WouldPrompt(
            "shares are shown on a terminal, and there is none",
            advice="run this on a terminal, or take the shares from the output of --json",
        )
    terminal.close()


def show_shares(shares: Sequence[SecretStr], threshold: int) -> None:
    """Show one share after another; this comes before the slot is made, so that nothing hangs on unseen ones.

    Raises: WouldPrompt: the terminal is gone, or Ctrl-D was typed.
    """
    terminal = Terminal.open()
    if terminal is None:
        raise WouldPrompt("there is no terminal to show the shares on")
    has_screens = os.environ.get("TERM", "dumb") != "dumb"
    with terminal:
        terminal.show(f"\n{len(shares)} shares follow, each shown this once; any {threshold} of them open the vault.\n")
        terminal.ask("The first person looks at the screen alone, and presses Enter: ")
        for number, share in enumerate(shares, 1):
            terminal.show(_OTHER_SCREEN if has_screens else "\n")
            try:
                terminal.show(f"share {number} of {len(shares)}; write it down and keep it to yourself:\n\n")
                terminal.show(_in_lines(share))
                terminal.ask("\nwritten down and compared? Enter: ")
            finally:
                terminal.show(_FIRST_SCREEN if has_screens else "\n")
            if number < len(shares):
                terminal.ask("The next person comes, and presses Enter: ")


def _in_lines(share: SecretStr) -> str:
    words = share.reveal().split()
    rows = [words[start : start + _WORDS_IN_LINE] for start in range(0, len(words), _WORDS_IN_LINE)]
    return "".join(f"  {'  '.join(word.ljust(8) for word in row).rstrip()}\n" for row in rows)
