"""Cut the power while a vault is changed: every image of the disk opens, verifies and holds what was acknowledged."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from random import Random

import pytest

from tests.faults import disk, strace
from tests.faults.vault_judging import judge
from tests.faults.vault_steps import SCENARIOS
from tests.faults.vault_trials import IS_WHOLE, Bases, Trial, in_pairs, made_bases

pytestmark = strace.needs_strace()

IMAGES = 100
"""About how many images of one scenario are judged in a run that is not whole: those of every n-th call."""
# An editor is a process of its own, and only a single one can be replayed; what it changes is `put`.
CUT = [scenario for scenario in SCENARIOS if scenario != "editing"]

Image = tuple[dict[str, bytes], list[str]]


@pytest.fixture(scope="module")
def bases() -> Iterator[Bases]:
    with made_bases() as made:
        yield made


def contents(directory: str) -> dict[str, bytes]:
    """Every file below *directory* by its path from there."""
    found = {}
    for folder, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, directory)] = file.read()
    return found


def images(trial: Trial, extra: int) -> list[Image]:
    """What a power cut may leave at each moment, with what had been said until then."""
    directory = trial.new_directory()
    before = contents(directory)
    said, lines = trial.record(directory, disk.CALLS, disk.OPTIONS)
    shutil.rmtree(directory)
    random, seen, found = Random(1), set(), []

    def look(state: disk.Disk) -> None:
        for image in state.images(random, extra):
            # -shm is only an index; SQLite makes it anew after a crash.
            kept = {name: content for name, content in image.items() if not name.endswith("-shm")}
            key = hash((tuple(sorted(kept.items())), len(state.said)))
            if key not in seen:
                seen.add(key)
                found.append((kept, list(state.said)))

    disk.Disk(directory, look, before).replay(lines)
    assert found[-1][1] == said, "not everything was replayed"
    return found


def judge_image(scenario: str, image: Image) -> list[str]:
    """Lay the image down and judge it."""
    files, said = image
    directory = tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    try:
        for folder in ("state", "state/strongroom", "memory"):
            os.mkdir(f"{directory}/{folder}", 0o700)
        for name, content in files.items():
            mode = 0o400 if name.endswith(".key") else 0o600
            with open(os.open(f"{directory}/{name}", os.O_CREAT | os.O_WRONLY, mode), "wb") as file:
                file.write(content)
        return judge(directory, scenario, said)
    finally:
        shutil.rmtree(directory)


def findings_of(scenario: str, found: list[Image], is_enough: Callable[[str], bool] = lambda _line: False) -> list[str]:
    """What is wrong with the images; those that are enough end the search."""
    findings: list[str] = []
    for start in range(0, len(found), 16):
        for lines in in_pairs(lambda image: judge_image(scenario, image), found[start : start + 16]):
            findings += lines
        if any(map(is_enough, findings)):
            break
    return findings


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("scenario", CUT)
def test_no_power_cut_loses_what_was_acknowledged(bases: Bases, scenario: str) -> None:
    """Whatever was going on: nothing lost, nothing half there, and a key that opens it."""
    found = images(Trial(bases, scenario), extra=6 if IS_WHOLE else 2)
    # A list of a few lines is written in a few calls, a vault in hundreds.
    assert len(found) > (6 if scenario == "allowing" else 40)
    step = 1 if IS_WHOLE else max(1, len(found) // IMAGES)
    assert findings_of(scenario, found[::step]) == []


# planted fault: (scenario, what is found)
PLANTED = {
    "no-sync": ("put", "lost: "),
    "no-directory-sync": ("making", "lost: init"),
    "anchor-first": ("put", "RolledBack"),
    "half-batch": ("batch", "torn: many"),
    "stranger-first": ("only slot", "neither the old nor the new key"),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_the_detector_finds_a_planted_fault(bases: Bases, planted: str) -> None:
    """A vault that does not wait for the disk, or commits in the wrong order, is found out."""
    scenario, expected = PLANTED[planted]
    found = images(Trial(bases, scenario, planted), extra=0)

    def is_enough(finding: str) -> bool:
        return expected in finding

    findings = findings_of(scenario, found, is_enough)
    assert any(map(is_enough, findings)), findings
