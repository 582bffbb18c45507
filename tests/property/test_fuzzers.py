"""The fuzzers run, and find what is planted; their seeds are what the parsers read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import FrameType

import pytest

from fuzz.__main__ import targets
from fuzz.target import Target

ROOT = Path(__file__).parent.parent.parent
SECONDS = os.environ.get("STRONGROOM_FUZZ_SECONDS", "8")


def test_every_parser_reads_or_refuses_its_seeds() -> None:
    """And those cut short: a first look that needs no fuzzer."""
    for target in targets().values():
        seeds = list(target.seeds())
        assert seeds, target.name
        for seed in seeds:
            for length in {0, 1, len(seed) // 2, len(seed) - 1, len(seed)}:
                target(seed[:length])


class Planted(IndexError):
    """What no parser documents."""


SOURCE = str(ROOT / "src" / "strongroom") + os.sep
AROUND = (SOURCE + "secret.py", SOURCE + "errors.py")


def plant(frame: FrameType, event: str, _argument: object) -> None:
    """Fail in the first of our functions that is called: in the parser, before anything in it could catch that."""
    name = frame.f_code.co_filename
    if event == "call" and name.startswith(SOURCE) and name not in AROUND:
        raise Planted(frame.f_code.co_qualname)


def test_a_fault_planted_in_each_parser_is_a_finding() -> None:
    """Each target calls its parser with each of its seeds, and takes no IndexError of it for a refusal."""
    for target in targets().values():
        seeds = list(target.seeds())
        target(seeds[0])
        for seed in seeds:
            found = ""
            before = sys.getprofile()
            sys.setprofile(plant)
            try:
                target(seed)
            except Planted as fault:
                found = str(fault)
            finally:
                sys.setprofile(before)
            assert found, f"{target.name} did not let the planted fault through"


def test_fuzzing_all_parsers_by_turns() -> None:
    """A minute of a nightly run finds more; this shows that nothing is found within seconds."""
    pytest.importorskip("atheris", reason="atheris is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "fuzz", "--seconds", SECONDS], cwd=ROOT, capture_output=True, text=True, errors="replace"
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    runs = [int(line.split()[-1]) for line in done.stderr.splitlines() if "number_of_executed_units" in line]
    assert runs and runs[0] > len(targets())


def test_a_planted_fault_is_found(tmp_path: Path) -> None:
    """A parser that fails on one byte at one place, behind a word that has to be found first."""
    pytest.importorskip("atheris", reason="atheris is not installed")
    planted = (
        "import atheris, sys\n"
        "from fuzz.target import Target\n"
        "def run(data):\n"
        "    if data[:4] == b'SRVA' and data[4:5] == b'x': raise KeyError('planted')\n"
        "    raise ValueError\n"
        "target = Target('planted', atheris.instrument_func(run), lambda: [], (ValueError,))\n"
        f"atheris.Setup(['x', '-max_total_time=60', '-artifact_prefix={tmp_path}/'], target)\n"
        "atheris.Fuzz()\n"
    )
    done = subprocess.run([sys.executable, "-c", planted], cwd=ROOT, capture_output=True, text=True, errors="replace")
    assert done.returncode != 0 and "KeyError: 'planted'" in done.stdout + done.stderr


def test_only_documented_refusals_pass() -> None:
    def fails(_data: bytes) -> None:
        raise KeyError("undocumented")

    with pytest.raises(KeyError):
        Target("planted", fails, list, (ValueError,))(b"")
