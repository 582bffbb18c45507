"""The comparison with other programs: its page is what was measured, and the questions find what they look for."""

from __future__ import annotations

import json
import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bench.compare.comparison_text import PAGE, QUESTIONS, RESULTS, TIME, page
from bench.compare.file_programs import Age, Plain
from bench.compare.mishaps import at_once, created_readable, killed, on_show, other_machines, plaintext_written, synced
from bench.compare.ours import Strongroom
from bench.compare.owner_questions import take_turns
from bench.compare.programs import Done, Program, clean_environment
from bench.compare.programs_page import PROGRAMS, ask, ask_one
from bench.compare.questions import Outcome, Question, changed_bytes, seen, swapped
from bench.compare.tracing import killed_write
from tests.peers import require

BROKE_OFF = "could not be asked to its end"
# What needs strace, or asks again and again, takes long.
LONG = {killed, changed_bytes, on_show, plaintext_written, created_readable, synced, other_machines, at_once}
QUICK = {text: one for text, one in QUESTIONS.items() if one not in LONG and one.__name__ != "installed_size"}
# Where a plain file does well, or has nothing to lose.
PLAIN_HOLDS = {"from cron, no terminal": True, "after a restart, from cron": True}
PLAIN_HAS_NONE = {"another key": None, "the key replaced": None}
# An older state of one item is in the threat model, and `verify` finds it; the others are what a key file costs.
OURS_LOSES = {"one value's older form put back", "the whole disk is taken", "a read is on record"}


@pytest.fixture(autouse=True)
def _no_settings_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STRONGROOM_VAULT", "STRONGROOM_KEY_FILE", "STRONGROOM_AGENT_SOCKET"):
        monkeypatch.delenv(name, raising=False)


def kept() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def faults(found: dict[str, Any]) -> list[str]:
    """Cells without an origin: not of the function that is asked, not within the run, or with nothing to say."""
    wanted = {text: f"{one.__module__}.{one.__name__}" for text, one in QUESTIONS.items()}
    wanted[TIME] = f"{take_turns.__module__}.{take_turns.__name__}"
    names = [kind.name for kind in PROGRAMS]
    wrong = [] if list(found["programs"]) == names else [f"programs: {list(found['programs'])} and not {names}"]
    for name, one in found["programs"].items():
        wrong += [f"{name}: {text}: not asked" for text in wanted if text not in one["answers"]]
        for text, answer in one["answers"].items():
            if answer["by"] != wanted.get(text):
                wrong.append(f"{name}: {text}: by {answer['by']}")
            run = found["timed"] if text == TIME else one["asked"]
            begun, ended = (datetime.fromisoformat(run[when]) for when in ("began", "ended"))
            if not begun <= datetime.fromisoformat(answer["at"]) <= ended or answer["seconds"] < 0:
                wrong.append(f"{name}: {text}: at another time")
            is_said = answer["word"] and not any(word in answer["word"] for word in ("not run", "not be asked"))
            if not is_said or answer["held"] not in (True, False, None):
                wrong.append(f"{name}: {text}: {answer['held']} {answer['word']}")
    return wrong


def test_the_page_says_what_was_measured() -> None:
    """`python -m bench.compare.programs_page --page` was run after the last change."""
    assert PAGE.read_text(encoding="utf-8") == page(kept())


def test_every_cell_has_an_origin() -> None:
    """Each program was asked each question, by the function of that question, while the program was asked."""
    assert faults(kept()) == []


@pytest.mark.parametrize(
    ("what", "value"),
    [("by", "somebody"), ("at", "2001-01-01T00:00:00+00:00"), ("word", ""), ("word", BROKE_OFF),
     ("held", "yes")],
)
def test_a_cell_that_was_typed_in_is_noticed(what: str, value: str) -> None:
    """The check above fails for each part of a cell."""
    found = kept()
    found["programs"]["age"]["answers"]["two values swapped"][what] = value
    assert len(faults(found)) == 1


def test_a_cell_that_is_missing_is_noticed() -> None:
    """One question that one program was not asked."""
    found = kept()
    del found["programs"]["age"]["answers"][TIME]
    assert faults(found) == [f"age: {TIME}: not asked"]


def test_every_question_finds_what_it_looks_for() -> None:
    """A plain file, in which everything that a stranger does to it succeeds."""
    answers = {text: one["held"] for text, one in ask(Plain, QUICK).items()}
    assert answers == dict.fromkeys(QUICK, False) | PLAIN_HOLDS | PLAIN_HAS_NONE


@pytest.mark.timeout(600)
def test_ours_holds() -> None:
    """Everything but what the page's bold cells in our row say."""
    answers = {text: one for text, one in ask(Strongroom, QUICK).items() if one["held"] is not True}
    # To be another reader takes root.
    expected = OURS_LOSES if os.geteuid() == 0 else OURS_LOSES | {"one value for another reader"}
    assert set(answers) == expected, answers
    assert {text for text, one in kept()["programs"][Strongroom.name]["answers"].items()
            if one["held"] is False} == OURS_LOSES  # fmt: skip


@pytest.mark.parametrize("question", [plaintext_written, created_readable, synced])
def test_strace_sees_what_a_shell_does(question: Question) -> None:
    """A plain file is written as it is, for all to read, and left to the disk's own time."""
    require(shutil.which("strace") is not None, "strace is not installed")
    assert ask_one(Plain, question).held is False


class OnShow(Plain):
    """The same with the value among the arguments."""

    def putting(self, name: str, value: str) -> tuple[list[str], str]:
        command, stdin = super().putting(name, value)
        return ["env", f"VALUE={value}", *command], stdin


def test_a_value_among_the_arguments_is_noticed() -> None:
    """`env VALUE=...` shows it to everybody."""
    require(shutil.which("strace") is not None, "strace is not installed")
    assert ask_one(OnShow, on_show) == Outcome(False, "the value")
    assert ask_one(Plain, on_show) == Outcome(True, "nothing")


class CutOff(Plain):
    """A file that is emptied first, and then written with one call."""

    def putting(self, name: str, value: str) -> tuple[list[str], str]:
        return ["sh", "-c", f"exec cat > {self.path}"], f"{name}={value}\n"


def test_a_kill_finds_a_file_that_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed as soon as the file has been opened, while its one write waits: what was there is gone."""
    require(shutil.which("strace") is not None, "strace is not installed")
    program = CutOff(tmp_path)
    assert program.put("A", "old").code == 0
    assert program.get("A").gives("old")
    command, stdin = program.putting("A", "new")
    assert killed_write(program, command, stdin, None).happened is False
    assert program.get("A").gives("new")
    monkeypatch.setattr("bench.compare.tracing.DELAY_MICROSECONDS", 60_000_000)
    assert killed_write(program, command, stdin, 0.0).happened is True
    assert program.get("A").code != 0
    assert program.path.read_bytes() == b""


def test_a_wrong_value_is_never_taken_for_the_right_one() -> None:
    """A read that ends well with something else is not held for a refusal."""
    assert seen(Done(0, "x\n", ""), "right", old="old") == Outcome(False, "gives something else")
    assert seen(Done(0, "old\n", ""), "right", old="old") == Outcome(False, "gives the old value")
    assert seen(Done(1, "", ""), "right", old="old").held is True


def test_age_is_asked_the_same(tmp_path: Path) -> None:
    """The harness sees a refusal where there is one: another program than ours."""
    require(shutil.which("age") is not None, "age is not installed")
    clean_environment()
    program: Program = Age(tmp_path)
    assert program.put("A", "value").code == 0
    assert program.get("A").gives("value")
    program.lose_key()
    assert program.get("A").code != 0
    assert ask_one(Age, swapped) == Outcome(False, "gives the other value")
