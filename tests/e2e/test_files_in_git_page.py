"""docs/files-in-git.md names actions that there are; the page itself is run by test_pages.py."""

from __future__ import annotations

import re
from pathlib import Path

from strongroom.doors.cli.commands.file import DETAILS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "files-in-git.md").read_text(encoding="utf-8")


def test_its_commands_are_those_that_help_shows() -> None:
    """No action is named that there is not."""
    actions = set(re.findall(r"strongroom file ([a-z-]+)", PAGE)) | set(re.findall(r"`file ([a-z-]+)", PAGE))
    assert actions and actions <= set(re.findall(r"^  file ([a-z-]+)", DETAILS, re.MULTILINE))
