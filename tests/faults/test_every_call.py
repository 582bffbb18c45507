"""Kill, EIO, ENOSPC at the 1st, 2nd, 3rd... storage call: nothing acknowledged is lost, nothing is half there.

A run takes every sync, link, rename and unlink, and every third of the writes and reads between
them; STRONGROOM_FAULTS_WHOLE=1 takes all of them.
"""

import os
import shutil
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults import strace
from tests.faults.judging import judge
from tests.faults.vault_trials import IS_WHOLE

pytestmark = strace.needs_strace()

WRITES = ("pwrite64", "write", "ftruncate")
SYNCS = ("fdatasync", "fsync")
NAMES = ("link", "rename", "unlink")
READS = ("pread64",)
CALLS = WRITES + SYNCS + NAMES + READS
STRIDE = 3

FAULTS = {
    "killed": ("signal=SIGKILL", "{}", WRITES + SYNCS + NAMES),
    "I/O error": ("error=EIO", "{}", CALLS),
    "disk full": ("error=ENOSPC", "{}", WRITES),
    "disk full from here on": ("error=ENOSPC", "{}+", ("ftruncate", "write")),
    "every later sync fails": ("error=EIO", "{}+", SYNCS),
}


@pytest.fixture
def scratch():
    """Many small directories, in memory where there is some: syncs are counted here, not tested."""
    place = tempfile.mkdtemp(prefix="faults", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    yield place
    shutil.rmtree(place)


def new_directory(scratch):
    return tempfile.mkdtemp(dir=scratch)


def count_calls(scratch, *planted):
    """How often an undisturbed run makes each call."""
    directory = new_directory(scratch)
    said, lines = strace.record(directory, CALLS, *planted)
    assert "exchanged" in said
    assert judge(directory, said, is_tidy=True) == []
    return Counter(line.split("(")[0].split()[-1] for line in lines)


def points_of(counts, calls):
    """The calls at which the fault is to happen: (name, its number)."""
    strides = {call: 1 if IS_WHOLE or call in SYNCS + NAMES else STRIDE for call in calls}
    return [(call, number) for call in calls for number in range(1, counts[call] + 1, strides[call])]


def try_all(scratch, fault, when, points, *planted):
    """Every finding of every point, with the point."""

    def one(point):
        call, number = point
        directory = new_directory(scratch)
        said, happened = strace.inject(directory, call, fault, when.format(number), *planted)
        # What could not be unlinked is left, and a removal that failed is an error like any other.
        is_tidy = "KILL" not in fault and call != "unlink"
        findings = judge(directory, said, is_tidy=is_tidy, may_be_damaged=call in READS)
        if not happened:
            findings.append("the fault did not happen")
        shutil.rmtree(directory)
        return [f"{call} {number}: {finding}" for finding in findings]

    with ThreadPoolExecutor(2) as pool:
        return [finding for findings in pool.map(one, points) for finding in findings]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_at_every_storage_call(scratch, name):
    fault, when, calls = FAULTS[name]
    counts = count_calls(scratch)
    points = points_of(counts, calls)
    assert all(counts[call] for call in calls), counts
    assert try_all(scratch, fault, when, points) == []


PLANTED = {
    "early-answer": ("killed", "fdatasync", "lost: commit"),
    "two-transactions": ("killed", "fdatasync", "torn: commit"),
    "in-place": ("killed", "write", "half there: anchor"),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_the_detector_finds_a_planted_fault(scratch, planted):
    name, call, expected = PLANTED[planted]
    fault, when, _ = FAULTS[name]
    counts = count_calls(scratch, planted)
    findings = try_all(scratch, fault, when, points_of(counts, [call]), planted)
    assert any(expected in finding for finding in findings), findings
