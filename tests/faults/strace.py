"""Running a script under strace: what it called, or with one call failing or killing it."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import strongroom

WORKLOAD = str(Path(__file__).with_name("workload.py"))
_SOURCE = str(Path(strongroom.__file__).parents[1])
# Neither site packages nor user settings: the same calls in every run, and a quick start.
_PYTHON = [sys.executable, "-S", "-B"]
_ENVIRONMENT = {"PYTHONPATH": _SOURCE, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": ""}


def needs_strace():
    """The mark for tests that cannot run here without it."""
    works = shutil.which("strace") is not None
    if works:
        probe = subprocess.run(
            ["strace", "-f", "--seccomp-bpf", "-qq", "-o", os.devnull, "true"], capture_output=True, check=False
        )
        works = probe.returncode == 0
    return pytest.mark.skipif(not works, reason="strace is not installed, or may not trace here")


def record(directory, calls, *arguments, options=()):
    """Run the workload and return what it said and the lines of its trace."""
    trace = f"{directory}.trace"
    command = ["strace", "-f", "-qq", "-o", trace, *options, "-e", f"trace={','.join(calls)}"]
    run = subprocess.run(
        [*command, *_PYTHON, WORKLOAD, directory, *arguments],
        capture_output=True, text=True, env=_ENVIRONMENT, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    try:
        with open(trace, errors="replace") as lines:
            return run.stdout.splitlines(), lines.readlines()
    finally:
        os.unlink(trace)


def inject(directory, call, fault, when, *arguments):
    """Run the workload with *fault* at the *when*-th *call*.

    Returns: what it said, and whether the fault happened at all.
    """
    trace = f"{directory}.trace"
    # The filter makes a run three times as fast, but strace 6.1 then injects no signals.
    options = [] if fault.startswith("signal") else ["--seccomp-bpf"]
    run = subprocess.run(
        ["strace", "-f", "-qq", *options, "-o", trace, "-e", f"trace={call}",
         "-e", f"inject={call}:{fault}:when={when}", *_PYTHON, WORKLOAD, directory, *arguments],
        capture_output=True, text=True, env=_ENVIRONMENT, check=False, timeout=120,
    )  # fmt: skip
    with open(trace, errors="replace") as lines:
        happened = "(INJECTED)" in lines.read() or run.returncode == -signal.SIGKILL
    os.unlink(trace)
    return run.stdout.splitlines(), happened
