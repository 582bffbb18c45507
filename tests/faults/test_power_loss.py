"""Cut the power after every call that reaches the disk: what was acknowledged is on every image it may leave."""

import os
import shutil
import tempfile
from random import Random

import pytest

from tests.faults import disk, strace
from tests.faults.judging import judge

pytestmark = strace.needs_strace()


@pytest.fixture
def scratch():
    place = tempfile.mkdtemp(prefix="faults", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    yield place
    shutil.rmtree(place)


def cut_everywhere(scratch, *planted, extra=12, is_enough=lambda _findings: False):
    """How many images were looked at, and what was wrong with them."""
    directory = tempfile.mkdtemp(dir=scratch)
    said, lines = strace.record(directory, disk.CALLS, *planted, options=disk.OPTIONS)
    assert "exchanged" in said
    random, findings, seen = Random(1), [], set()

    def look(state):
        if is_enough(findings):
            return
        for image in state.images(random, extra):
            # -shm is only an index; SQLite makes it anew after a crash.
            image = {name: content for name, content in image.items() if not name.endswith("-shm")}
            key = hash((tuple(sorted(image.items())), len(state.said)))
            if key not in seen:
                seen.add(key)
                findings.extend(_judge_image(scratch, image, state.said))

    disk.Disk(directory, look).replay(lines)
    return len(seen), findings


def _judge_image(scratch, image, said):
    directory = tempfile.mkdtemp(dir=scratch)
    for name, content in image.items():
        with open(os.open(f"{directory}/{name}", os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
            file.write(content)
    try:
        return judge(directory, said)
    finally:
        shutil.rmtree(directory)


def test_no_power_cut_loses_what_was_acknowledged(scratch):
    count, findings = cut_everywhere(scratch)
    assert findings == []
    assert count > 1000


PLANTED = {"no-sync": "commit", "no-directory-sync": "lost: ", "no-file-sync": "anchor", "in-place": "anchor"}


@pytest.mark.parametrize("planted", PLANTED)
def test_the_detector_finds_a_planted_fault(scratch, planted):
    expected = PLANTED[planted]

    def is_enough(findings):
        return any(expected in finding for finding in findings)

    _, findings = cut_everywhere(scratch, planted, extra=0, is_enough=is_enough)
    assert is_enough(findings), findings
