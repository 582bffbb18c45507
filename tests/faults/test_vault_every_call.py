"""Kill, EIO, ENOSPC, EROFS at the storage calls of everything that changes a vault.

Nothing acknowledged is lost, nothing is half there, an old or a new key opens it, never neither,
and `verify` is clean. There are 5,000 points; a run takes every n-th of them, about five for
each fault in each scenario. STRONGROOM_FAULTS_WHOLE=1 takes all, in a quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import strace
from tests.faults.vault_steps import SCENARIOS
from tests.faults.vault_trials import CALLS, NAMES, SYNCS, WRITES, Bases, Trial, made_bases, sample

pytestmark = strace.needs_strace()

SAMPLE = 5

# fault: (what strace injects, at which of the calls, which calls)
FAULTS = {
    "killed": ("signal=SIGKILL", "{}", WRITES + SYNCS + NAMES),
    "I/O error": ("error=EIO", "{}", CALLS),
    "disk full from here on": ("error=ENOSPC", "{}+", WRITES),
    "every later sync fails": ("error=EIO", "{}+", SYNCS),
    "read-only from here on": ("error=EROFS", "{}+", ("pwrite64", "unlink", "rename", "link")),
}


@pytest.fixture(scope="module")
def bases() -> Iterator[Bases]:
    with made_bases() as made:
        yield made


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_fault_at_the_storage_calls(bases: Bases, scenario: str) -> None:
    """Whatever is being done to the vault, and whatever goes wrong meanwhile."""
    trial = Trial(bases, scenario)
    counts = trial.count_calls()
    tried = happened = 0
    for injected, when, calls in FAULTS.values():
        points = sample([(call, number) for call in calls for number in range(1, counts[call] + 1)], SAMPLE)
        happened_here, findings = trial.try_points(injected, when, points)
        assert findings == []
        tried += len(points)
        happened += happened_here
    # Random ids make a run a few calls longer or shorter than the one that was counted.
    assert happened >= 0.8 * tried, f"{happened} of {tried}"


# planted fault: (scenario, fault, the calls at which it shows, what is then found)
PLANTED = {
    "early-answer": ("put", "killed", "fdatasync", "lost: "),
    "half-batch": ("batch", "killed", "fdatasync", "torn: many"),
    "stranger-first": ("only slot", "killed", "fdatasync", "neither the old nor the new key"),
    "keys-first": ("rotation", "killed", "fdatasync", "names data key 1, which does not exist"),
    "anchor-first": ("put", "killed", "fdatasync", "RolledBack"),
    "no-counter": ("put", "killed", "fdatasync", "forgotten: commit"),
    "in-place": ("restoring", "killed", "pwrite64", "Tampered"),
    "file-first": ("importing", "killed", "fdatasync", "neither the file nor the vault"),
    "untidy": ("editing", "I/O error", "fdatasync", "left behind: strongroom-"),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_the_detector_finds_a_planted_fault(bases: Bases, planted: str) -> None:
    """A vault that is broken in a known way is found out at one of the calls."""
    scenario, name, call, expected = PLANTED[planted]
    injected, when, _ = FAULTS[name]
    trial = Trial(bases, scenario, planted)
    counts = trial.count_calls()
    _, findings = trial.try_points(injected, when, sample([(call, at + 1) for at in range(counts[call])], 10))
    assert any(expected in finding for finding in findings), findings
