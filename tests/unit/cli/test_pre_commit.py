"""git's pre-commit hook: lines of ours live together in one file, and nobody else's file is touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from strongroom.doors.cli.pre_commit import add_line
from strongroom.errors import Conflict, StoreUnavailable

SCAN, CHECK = "strongroom scan --staged", "strongroom file check --staged"


@pytest.mark.parametrize("commands", [(SCAN, CHECK), (CHECK + " --identity '/home/a b/id'", SCAN + " --prefix db/")])
def test_both_commands_have_a_line_whichever_came_first(tmp_path: Path, commands: tuple[str, str]) -> None:
    """Each ends the commit when it fails; a second time changes nothing."""
    hook = tmp_path / "hooks" / "pre-commit"
    for command in (*commands, *commands):
        add_line(str(hook), "Refuses a commit of one kind.", command)
    said = "# Refuses a commit of one kind."
    assert hook.read_text().splitlines() == [
        "#!/bin/sh", said, f"{commands[0]} || exit", said, f"{commands[1]} || exit"
    ]  # fmt: skip
    assert os.access(hook, os.X_OK)
    assert os.listdir(hook.parent) == ["pre-commit"]


def test_the_hook_of_an_older_version_lets_the_next_line_run(tmp_path: Path) -> None:
    """It replaced the shell by the scan, and what came behind it would never have run."""
    hook = tmp_path / "pre-commit"
    hook.write_text(f"#!/bin/sh\n# Refuses a commit that holds a value\nexec {SCAN}\n")
    add_line(str(hook), "Refuses a commit of another kind.", SCAN)
    assert hook.read_text().endswith(f"exec {SCAN}\n")
    add_line(str(hook), "Refuses a commit of another kind.", CHECK)
    assert [line for line in hook.read_text().splitlines() if line[0] != "#"] == [f"{SCAN} || exit", f"{CHECK} || exit"]


@pytest.mark.parametrize("first", [SCAN, f"exec {SCAN}", f"exec {SCAN} || exit", f"{SCAN} || exit"])
def test_what_was_the_last_line_still_ends_the_commit(tmp_path: Path, first: str) -> None:
    """Its own status was the hook's, and is not once another line comes behind it."""
    hook = tmp_path / "pre-commit"
    hook.write_text(f"#!/bin/sh\n{first}\n")
    add_line(str(hook), "Refuses a commit of another kind.", CHECK)
    assert [line for line in hook.read_text().splitlines() if line[0] != "#"] == [f"{SCAN} || exit", f"{CHECK} || exit"]


@pytest.mark.parametrize("end", [" # look", " \\"])
def test_a_line_behind_which_nothing_can_be_put_is_nobodys_to_change(tmp_path: Path, end: str) -> None:
    """`|| exit` would be part of its comment, or of its last word."""
    hook = tmp_path / "pre-commit"
    hook.write_text(text := f"#!/bin/sh\nexec {SCAN}{end}\n")
    with pytest.raises(Conflict):
        add_line(str(hook), "Refuses a commit of another kind.", CHECK)
    assert hook.read_text() == text


@pytest.mark.parametrize(
    "text",
    ["#!/bin/sh\nexit 0\n", "\n", f"#!/bin/sh\n{SCAN} || true\n", f"#!/bin/sh\n{SCAN}; rm -r x\n",
     f"#!/bin/sh\n{SCAN} --prefix other || exit\n", f"#!/usr/bin/env python3\n{CHECK}\n", f"#!/bin/sh\n{CHECK} $(x)\n"],
)  # fmt: skip
def test_another_hook_stays_as_it_is(tmp_path: Path, text: str) -> None:
    """Its owner is told the line; so is who asks for other options than before."""
    hook = tmp_path / "pre-commit"
    hook.write_text(text)
    with pytest.raises(Conflict) as caught:
        add_line(str(hook), "Refuses a commit.", SCAN)
    assert caught.value.advice.endswith(f": {SCAN} || exit")
    assert hook.read_text() == text


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """What it leads to belongs to somebody else."""
    elsewhere = tmp_path / "shared"
    elsewhere.write_text("#!/bin/sh\n")
    (tmp_path / "pre-commit").symlink_to(elsewhere)
    with pytest.raises(Conflict):
        add_line(str(tmp_path / "pre-commit"), "Refuses a commit.", SCAN)
    assert elsewhere.read_text() == "#!/bin/sh\n"


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """It is said, and nothing is left behind."""
    (tmp_path / "hooks").write_text("")
    with pytest.raises(StoreUnavailable):
        add_line(str(tmp_path / "hooks" / "pre-commit"), "Refuses a commit.", SCAN)
    assert os.listdir(tmp_path) == ["hooks"]
