"""The fenced blocks of a page, and what the comments before them say about running them.

A page is ordinary Markdown. Blocks marked ``sh``, ``console`` and ``python`` are run by the test
suite, in their order; HTML comments, which no reader sees, say what cannot be guessed:

    <!-- file: report.py -->             the next block is written to that file, and not run
    <!-- not run: needs a desktop -->    the next block cannot run in a test, with the reason
    <!-- ends with: 7 -->                the next block's exit status, if it is not 0
    <!-- answers: username = dustin -->  what is typed at questions of the next block
    <!-- needs: age git -->              programs without which this page is not run
    <!-- instead: /mnt/usb => $HOME -->  from here on in commands, files and programs
    <!-- hidden ... -->                  holds blocks that are run and not shown

No I/O here but reading the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
RUNNABLE = ("sh", "console", "python")
WORDS = ("file", "not run", "ends with", "answers", "needs", "instead", "hidden")
# Other comments: the bounds of what scripts write into pages.
MARKS = ("made by ", "end", "reference ", "costs", "machines")
_COMMENT = r"^<!--(?P<comment>.*?)-->[ \t]*$"
_FENCE = r"^```(?P<language>[\w-]*)[^\n]*\n(?P<text>.*?)^```[ \t]*$"
_EITHER = re.compile(f"{_COMMENT}|{_FENCE}", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """One fenced block, with what is said about it."""

    language: str
    text: str
    line: int
    said: dict[str, str]

    @property
    def is_run(self) -> bool:
        """Whether something happens: it is run, or written to a file."""
        return "not run" not in self.said and ("file" in self.said or self.language in RUNNABLE)


class Command(NamedTuple):
    """A line after a ``$``, and what the page shows below it."""

    text: str
    shown: str


def pages() -> list[Path]:
    """Every page of the manual, by its path in the repository; decisions, which run nothing, are not among them."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]
    decisions = ROOT / "docs" / "decisions"
    return sorted(page.relative_to(ROOT) for page in found if decisions not in page.parents)


def blocks(text: str) -> list[Block]:
    """The blocks of a page in their order, those in hidden comments among them.

    Raises: ValueError: a comment begins with no word that is known here, or stands before no block.
    """
    return list(_blocks(text, 1))


def _blocks(text: str, first_line: int) -> Iterator[Block]:
    said: dict[str, str] = {}
    end_of_said = 0
    for found in _EITHER.finditer(text):
        line = first_line + text.count("\n", 0, found.start())
        if said and text[end_of_said : found.start()].strip():
            raise ValueError(f"line {line}: no block follows after {said}")
        comment = found["comment"]
        if comment is None:
            yield Block(found["language"], found["text"], line, said)
            said = {}
            continue
        word, _, rest = comment.strip().partition(":")
        if comment.split(maxsplit=1)[:1] == ["hidden"]:
            yield from _blocks(comment, line)
        elif word in ("needs", "instead"):
            yield Block(word, rest.strip(), line, {})
        elif word in WORDS:
            said[word] = rest.strip()
            end_of_said = found.end()
        elif not comment.strip().startswith(MARKS):
            raise ValueError(f"line {line}: {word!r} is no word of a page's comments")
    if said:
        raise ValueError(f"no block follows after {said}")


def commands(text: str) -> list[Command]:
    """What a console block types and shows. A command goes on after a backslash at the end of its line."""
    found: list[Command] = []
    lines = iter(text.splitlines())
    for line in lines:
        if not line.startswith("$ "):
            if not found:
                raise ValueError(f"a console block begins with a command: {line!r}")
            found[-1] = Command(found[-1].text, f"{found[-1].shown}{line}\n")
            continue
        command = line[2:]
        while command.endswith("\\"):
            command = f"{command[:-1]}{next(lines).strip()}"
        found.append(Command(command, ""))
    return found


def fits(shown: str, screen: str) -> bool:
    """Whether a page shows what was on the screen: ``...`` stands for anything, as a line of its own for any lines."""
    lines = [line.rstrip() for line in shown.strip("\n").splitlines()]
    seen = "".join(f"{line.rstrip()}\n" for line in screen.strip("\n").splitlines())
    return re.fullmatch("".join(map(_pattern, lines)), seen) is not None


def _pattern(line: str) -> str:
    if line == "...":
        return r"(?:[^\n]*\n)*?"
    return r"[^\n]*?".join(map(re.escape, line.split("..."))) + r"\n"
