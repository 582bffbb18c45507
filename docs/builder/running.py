"""Runs a page: every block in its order, on a machine of the page's own."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from docs.builder.blocks import Block, blocks, commands, fits
from docs.builder.terminal import ANSWERS, PASSPHRASE, Machine


class PageIsWrong(AssertionError):
    """A page says something that is not so."""


def needs(text: str) -> list[str]:
    """The programs without which the page cannot be run."""
    return [name for block in blocks(text) if block.language == "needs" for name in block.text.split()]


def program(name: str) -> Path | None:
    """Where a program is: beside the Python that runs this, or on the path."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.is_file() else shutil.which(name)
    return Path(found) if found else None


def run_page(name: str, text: str, machine: Machine) -> int:
    """Run the blocks of the page *text*; how many there were.

    Raises: PageIsWrong: a block ends otherwise than it should, or shows something else.
    """
    instead: list[tuple[str, str]] = []
    count = 0
    for block in blocks(text):
        if block.language == "instead":
            old, _, new = block.text.partition("=>")
            instead.append((old.strip(), new.strip().replace("$HOME", str(machine.home))))
        elif block.is_run:
            count += 1
            block_text = block.text
            for old, new in instead:
                block_text = block_text.replace(old, new)
            _run(f"{name}:{block.line}", block._replace(text=block_text), machine)
    return count


def _run(title: str, block: Block, machine: Machine) -> None:
    if "file" in block.said:
        # By the shell, which knows in which directory we are, and what stands in the place of something else.
        end = "END_OF_PAGE_BLOCK"
        name = block.said["file"]
        _shell(title, f"mkdir -p \"$(dirname {name})\"; cat > {name} << '{end}'\n{block.text}{end}", block, machine, "")
    elif block.language == "python":
        if trace := machine.python(title, block.text):
            raise PageIsWrong(f"{title}:\n{trace}")
    elif block.language == "sh":
        _shell(title, block.text, block, machine, "")
    else:
        for command in commands(block.text):
            _shell(title, command.text, block, machine, command.shown)


def _shell(title: str, text: str, block: Block, machine: Machine, shown: str) -> None:
    own = dict(re.findall(r"([^=;]+?) = ([^;]*)(?:; *|$)", block.said.get("answers", "")))
    status, screen = machine.shell(text, {**own, **ANSWERS})
    if status != int(block.said.get("ends with", "0")):
        raise PageIsWrong(f"{title}: exit {status}\n$ {text}\n{screen}")
    if PASSPHRASE in screen:
        raise PageIsWrong(f"{title}: what was typed without echo is on the screen after $ {text}")
    if shown and not fits(shown, screen):
        raise PageIsWrong(f"{title}: the page shows\n{shown}\nand the screen\n{screen}\nafter $ {text}")
