"""No descriptors, a full disk, a read-only disk: everything that changes a vault is refused whole, or goes through."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.vault_judging import judge
from tests.faults.vault_steps import SCENARIOS
from tests.faults.vault_trials import IS_WHOLE, Bases, Trial, in_pairs, made_bases

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits and mounts of Linux")


@pytest.fixture(scope="module")
def bases() -> Iterator[Bases]:
    with made_bases() as made:
        yield made


@contextmanager
def mounted(place: Path, kilobytes: int) -> Iterator[str]:
    """A disk of this size."""
    place.mkdir(mode=0o700)
    options = f"size={kilobytes}k,mode=0700"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "strongroom-test", str(place)], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"a small disk needs root: {done.stderr.strip()}")
    try:
        yield str(place)
    finally:
        subprocess.run(["umount", str(place)], check=True)


def succeeded(scenario: str, said: list[str]) -> bool:
    return all(f"done {step.name}" in said for step in SCENARIOS[scenario])


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_few_descriptors(bases: Bases, scenario: str) -> None:
    """From one more than none to enough: each number is enough, or leaves everything as it was."""
    trial = Trial(bases, scenario)

    def attempt(number: int) -> tuple[bool, list[str]]:
        directory = trial.new_directory()
        said = trial.run(directory, f"descriptors={number}")
        findings = [f"{number} descriptors: {one}" for one in judge(directory, scenario, said, is_tidy=number > 8)]
        shutil.rmtree(directory)
        return succeeded(scenario, said), findings

    results = in_pairs(attempt, list(range(4, 16 if IS_WHOLE else 12)))
    assert [line for _, findings in results for line in findings] == []
    assert not results[0][0]
    assert results[-1][0]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_disk_that_fills_up(bases: Bases, scenario: str, tmp_path: Path) -> None:
    """A real disk with a little room, a little more, and enough."""
    trial = Trial(bases, scenario)
    results = []
    with mounted(tmp_path / "disk", 4096) as disk:
        for free in range(0, 700, 20) if IS_WHOLE else (0, 8, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024):
            directory = trial.new_directory(disk)
            fill(disk, free * 1024)
            said = trial.run(directory)
            # What could not be written stays so while the disk is full; then there is room again.
            os.unlink(f"{disk}/ballast")
            results.append(succeeded(scenario, said))
            assert judge(directory, scenario, said, is_tidy=True) == [], f"{free} KiB free"
            shutil.rmtree(directory)
    assert results[0] is False
    assert results[-1] is True


def fill(disk: str, free: int) -> None:
    """Leave about *free* bytes."""
    left = os.statvfs(disk)
    size = left.f_bavail * left.f_bsize - free
    with open(f"{disk}/ballast", "wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, size)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_disk_that_was_mounted_read_only(bases: Bases, scenario: str, tmp_path: Path) -> None:
    """Everything is refused, and everything is there when it can be written again."""
    trial = Trial(bases, scenario)
    with mounted(tmp_path / "disk", 4096) as disk:
        directory = trial.new_directory(disk)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        try:
            said = trial.run(directory)
        finally:
            subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        assert [line for line in said if line.startswith(("done", "foreign", "unknown"))] == []
        assert judge(directory, scenario, said, is_tidy=True) == []


def test_a_vault_on_a_read_only_disk_says_so(bases: Bases, tmp_path: Path) -> None:
    """Reading is exit 15 and names the reason, and works again afterwards."""
    with mounted(tmp_path / "disk", 4096) as disk:
        place = bases[False].copy(f"{disk}/place")
        command = [sys.executable, "-m", "strongroom", "get", "kept/0", "username"]
        command += ["--vault", place.vault, "--key-file", place.first]
        environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        try:
            refused = subprocess.run(command, env=environment, capture_output=True, text=True)
        finally:
            subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        assert (refused.returncode, refused.stdout) == (15, ""), refused
        assert "read-only" in refused.stderr or "cannot be opened" in refused.stderr, refused.stderr
        assert subprocess.run(command, env=environment, capture_output=True, text=True).stdout == "kept/0"
