"""The first promise of the README; what it tells to type is typed by test_pages.py, its links are test_site.py's."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_first_two_commands_are_the_promised_ones() -> None:
    """The README opens with `make demo` and `make test`, and the Makefile has both."""
    block = re.search(r"^```console\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert block is not None
    assert [line.split("#")[0].strip() for line in block[1].splitlines()] == ["$ make demo", "$ make test"]
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^demo:", makefile, re.MULTILINE)
    assert re.search(r"^test:", makefile, re.MULTILINE)


def test_there_is_one_program_in_it() -> None:
    """What a reader sees of Python is one block."""
    shown = re.sub(r"<!--.*?-->", "", README, flags=re.DOTALL)
    assert len(re.findall(r"^```python$", shown, re.MULTILINE)) == 1
