"""The README's first promise, and where its links lead; what it tells to type is typed by test_pages.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

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


PLACES = ("*.md", "docs/**/*.md", "examples/**/*.md", "changelog/*.md")
DOCUMENTS = sorted(path.relative_to(ROOT) for place in PLACES for path in ROOT.glob(place))


@pytest.mark.parametrize("name", DOCUMENTS, ids=str)
def test_every_link_leads_somewhere(name: Path) -> None:
    """A link within the repository names a file that is there, and a heading that it has."""
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        path, _, heading = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}
            assert heading in anchors, target
