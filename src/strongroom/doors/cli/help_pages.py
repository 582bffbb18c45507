"""How a help page is laid out: as wide as the terminal, in columns, with examples that can be copied."""

from __future__ import annotations

from argparse import HelpFormatter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.doors.cli.interface import Command

WIDTH_MAX = 98
"""Longer lines are hard to read, however wide the terminal is."""

_EXAMPLES = "\nexamples:\n"


class Formatter(HelpFormatter):
    """Lays out what stands below the options, which argparse would either leave alone or make one paragraph."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog)
        self._width = min(self._width, WIDTH_MAX)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return lay_out(text, width)


def below_the_options(command: Command) -> str:
    """What a command's help page says below its options: the details, and the examples."""
    examples = "".join(f"  {line}\n" for line in command.EXAMPLES.splitlines())
    return f"{command.DETAILS}{_EXAMPLES}{examples}"


def lay_out(text: str, width: int) -> str:
    """*text*, with its paragraphs and columns made to fit *width*.

    Args:
        text: paragraphs, and rows that begin with two spaces, of a left and a right column with two spaces or more
            between them. A line that begins with three goes on with the row above. What follows ``examples:`` is
            left alone, because it is there to be copied.
        width: in characters.
    """
    details, heading, examples = text.partition(_EXAMPLES)
    laid_out = [line for block in _blocks(details) for line in _laid_out(block, width)]
    return "\n".join(laid_out).strip("\n") + "\n" * bool(laid_out) + heading + examples


def _blocks(text: str) -> Iterator[list[str]]:
    """The lines of each paragraph, each row, and each gap between them."""
    block: list[str] = []
    for line in text.splitlines():
        if block and not _goes_on(block, line):
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def _goes_on(block: list[str], line: str) -> bool:
    if block[0].startswith("  "):
        return line.startswith("   ")
    return bool(block[0] and line) and not line.startswith(" ")


def _laid_out(block: list[str], width: int) -> list[str]:
    from textwrap import wrap

    first, *more = block
    if not first.startswith("  "):
        return wrap(" ".join(block), width, break_long_words=False, break_on_hyphens=False) or [""]
    left, _, right = first.strip().partition("  ")
    said = " ".join([right.strip(), *(line.strip() for line in more)])
    start = first.index(right.strip(), 2 + len(left)) if right else width
    begin = f"  {left}"
    if start <= width // 2:
        return wrap(
            said, width, initial_indent=begin.ljust(start), subsequent_indent=" " * start, break_on_hyphens=False
        )
    # Too narrow for two columns.
    indent = " " * 6
    return [begin, *wrap(said, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)]
