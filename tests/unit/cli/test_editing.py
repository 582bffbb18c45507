"""`edit`: which editor; and the states that `log` shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from strongroom.doors.cli import editing
from strongroom.doors.cli.commands import log
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.items import Version


@pytest.mark.parametrize(
    ("environment", "command"),
    [
        ({}, ["vi", *editing._VI_ARGUMENTS]),
        ({"EDITOR": "nano"}, ["nano"]),
        ({"EDITOR": "nano", "VISUAL": "code --wait"}, ["code", "--wait"]),
        ({"EDITOR": "/usr/bin/nvim -R"}, ["/usr/bin/nvim", "-R", *editing._VI_ARGUMENTS]),
        ({"EDITOR": "'/with space/ed'"}, ["/with space/ed"]),
        ({"VISUAL": "", "EDITOR": "nano"}, ["nano"]),
    ],
)
def test_which_editor(environment: dict[str, str], command: list[str]) -> None:
    """VISUAL before EDITOR before vi; the vi family is told to leave nothing on the disk."""
    assert editing.editor_command(environment) == command


@pytest.mark.parametrize("variable", ["'unclosed", "   "])
def test_no_editor(variable: str) -> None:
    """What is no command is a usage error."""
    with pytest.raises(UsageError):
        editing.editor_command({"EDITOR": variable})


@pytest.mark.parametrize(
    ("deleted", "expires", "destroyed", "state"),
    [
        (None, None, False, "present"),
        (-1, None, False, "deleted "),
        (1, None, False, "will be deleted "),
        (None, -1, False, "expired "),
        (None, 1, False, "expires "),
        (-1, -1, True, "destroyed"),
    ],
)
def test_the_states_of_a_version(deleted: int | None, expires: int | None, destroyed: bool, state: str) -> None:
    """`log` tells what was, what is and what will be."""

    def moment(hours: int | None) -> int:
        when = datetime.now(UTC) + timedelta(hours=hours or 0)
        return 0 if hours is None else int(when.timestamp() * 1_000_000)

    version = Version(
        1, created_us=1, deleted_us=moment(deleted), expires_us=moment(expires), destroyed=destroyed, author="x"
    )
    assert log._state(version).startswith(state)
