"""What is empty, missing or over says which command goes on."""

from __future__ import annotations

import pytest

from strongroom.doors.cli import agent_status, output, streams
from strongroom.doors.cli.progress import Progress
from strongroom.doors.cli.streams import Showing, near_file, open_source, read_small
from strongroom.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

RUNNING = {
    "running": True, "vault": "v.db", "pid": 7, "user": 0, "connections": 1, "socket": "s", "locked_because": "",
    "failed_attempts": 0, "verified": None, "key_memory": "locked", "protections": {}, "notes": [],
}  # fmt: skip


def status(capfd: pytest.CaptureFixture[str], **changes: object) -> tuple[str, str]:
    agent_status.show({**RUNNING, "locked": False, "seconds_left": None, **changes}, as_json=False)
    found = capfd.readouterr()
    return found.out, found.err


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(28_620, "7 h 57 min"), (3600, "1 h"), (59, "59 s"), (0, "0 s"), (90_061, "1 d 1 h"), (61, "1 min 1 s")],
)
def test_the_time_that_is_left_can_be_read(capfd: pytest.CaptureFixture[str], seconds: int, shown: str) -> None:
    """Nobody divides 28,620 seconds in the head."""
    out, err = status(capfd, seconds_left=seconds)
    assert (f"unlocked, for {shown} more\n" in out, err) == (True, "")


def test_an_agent_without_an_end_says_so_with_one_word(capfd: pytest.CaptureFixture[str]) -> None:
    """No number where there is none."""
    assert "state:          unlocked\n" in status(capfd)[0]


@pytest.mark.parametrize(("count", "shown"), [(1, "1 attempt to unlock"), (2, "2 attempts to unlock")])
def test_one_is_not_several(capfd: pytest.CaptureFixture[str], count: int, shown: str) -> None:
    """It reads as a person would say it."""
    assert f"failed:         {shown}\n" in status(capfd, failed_attempts=count)[0]


@pytest.mark.parametrize("changes", [{"running": False, "left_behind": True}, {"locked": True}])
def test_an_agent_that_serves_nobody_leads_to_unlock(
    capfd: pytest.CaptureFixture[str], changes: dict[str, object]
) -> None:
    """The command stands on standard error: standard output is the status alone."""
    out, err = status(capfd, **changes)
    assert ("strongroom unlock" in out, err) == (False, "hint: strongroom unlock\n")


@pytest.mark.parametrize("is_terminal", [True, False])
def test_an_empty_list_is_said_to_a_person_alone(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, is_terminal: bool
) -> None:
    """A program gets no line at all; a person no header with nothing below it."""
    monkeypatch.setattr(output, "is_terminal", lambda _descriptor=1: is_terminal)
    output.table(("NAME",), [], none="no keys yet: strongroom key create NAME")
    said = "strongroom: no keys yet: strongroom key create NAME\n" if is_terminal else ""
    assert capfd.readouterr() == ("", said)


WIDE = """\
NAME      KIND     SINCE
a         aead     2026-11-22
long one  signing  2026-11-22
"""
NARROW = """\
NAME      KIND
    SINCE
a         aead
    2026-11-22
long one  signing
    2026-11-22
"""


@pytest.mark.parametrize(("width", "shown"), [(29, WIDE), (28, NARROW), (None, WIDE), (3, None)])
def test_a_table_fits_its_terminal(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int | None, shown: str | None
) -> None:
    """What does not fit stands on a line of its own below, aligned too; nothing is left out, however narrow it is."""
    monkeypatch.setattr(output, "is_terminal", lambda _descriptor=1: True)
    monkeypatch.setattr(output, "_terminal_width", lambda: width)
    output.table(("NAME", "KIND", "SINCE"), [("a", "aead", "2026-11-22"), ("long one", "signing", "2026-11-22")])
    out = capfd.readouterr().out
    assert out == shown if shown else out.split() == WIDE.split()


def test_a_pipe_gets_one_line_for_each_row(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """However narrow a terminal there is elsewhere, and without a header."""
    monkeypatch.setattr(output, "_terminal_width", lambda: 5)
    output.table(("NAME", "KIND"), [("long one", "signing")])
    assert capfd.readouterr().out == "long one  signing\n"


def test_a_misspelt_file_leads_to_the_one_beside_it(tmp_path: Path) -> None:
    """Quoted, so that it can be typed."""
    (tmp_path / "my report.txt").write_text("x")
    missing = str(tmp_path / "my reprot.txt")
    meant = f"did you mean: '{tmp_path}/my report.txt'"
    assert near_file(missing) == meant
    for ask in (lambda: read_small(missing, 9, "file"), lambda: open_source(missing)):
        with pytest.raises(NotFound, match="there is no file at") as caught:
            ask()
        assert caught.value.advice == meant


@pytest.mark.parametrize("name", ["zzz", "nowhere/report.txt", "/proc/1/cwd/nowhere/x", ""])
def test_nothing_near_is_no_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Neither is a directory that is not there or not to be read."""
    (tmp_path / "report.txt").write_text("x")
    monkeypatch.chdir(tmp_path)
    assert near_file(name) == ""


def test_how_far_a_file_is_can_be_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In megabytes and not in ten digits; numbers of other things have their commas."""
    said: list[str] = []
    monkeypatch.setattr(output, "is_terminal", lambda _descriptor=1: True)
    monkeypatch.setattr(output, "transient", said.append)
    monkeypatch.setattr(streams, "_BEFORE_SECONDS", -1.0)
    (tmp_path / "big").write_bytes(bytes(5_000_000))
    with open_source(str(tmp_path / "big")) as source, Showing("encrypted", source) as progress:
        progress(2_500_000)
    with Progress("re-encrypted") as progress:
        progress(1_000, 3_000)
    assert said == [
        "strongroom: encrypted 50 % (2.5 MB of 5.0 MB)", "", "strongroom: re-encrypted 33 % (1,000 of 3,000)", "",
    ]  # fmt: skip
