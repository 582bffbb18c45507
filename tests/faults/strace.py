"""Running a script under strace: what it called, or with one call failing or killing it."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import cryptography
import pytest

import strongroom

WORKLOAD = str(Path(__file__).with_name("workload.py"))
VAULT_WORKLOAD = str(Path(__file__).with_name("vault_workload.py"))
_PATHS = [str(Path(package.__file__).parents[1]) for package in (strongroom, cryptography)]
_PATHS.append(str(Path(__file__).parents[2]))
# Neither site packages nor user settings: the same calls in every run, and a quick start.
_PYTHON = [sys.executable, "-S", "-B"]
_ENVIRONMENT = {"PYTHONPATH": ":".join(_PATHS), "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": ""}


def needs_strace():
    """The mark for tests that cannot run here without it."""
    works = shutil.which("strace") is not None
    if works:
        probe = subprocess.run(
            ["strace", "-f", "--seccomp-bpf", "-qq", "-o", os.devnull, "true"], capture_output=True, check=False
        )
        works = probe.returncode == 0
    return pytest.mark.skipif(not works, reason="strace is not installed, or may not trace here")


def run(directory, *arguments, script=WORKLOAD):
    """Run the workload without strace, and return what it said."""
    done = subprocess.run(
        [*_PYTHON, script, *_words(script, directory, arguments)],
        capture_output=True, text=True, env=_ENVIRONMENT, check=False, timeout=120,
    )  # fmt: skip
    return done.stdout.splitlines()


def record(directory, calls, *arguments, options=(), script=WORKLOAD):
    """Run the workload and return what it said and the lines of its trace.

    Args:
        arguments: of the script, after the directory; the scenario of VAULT_WORKLOAD stands before it.
    """
    trace = f"{directory}.trace"
    command = ["strace", "-f", "-qq", "-o", trace, *options, "-e", f"trace={','.join(calls)}"]
    run = subprocess.run(
        [*command, *_PYTHON, script, *_words(script, directory, arguments)],
        capture_output=True, text=True, env=_ENVIRONMENT, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    try:
        with open(trace, errors="replace") as lines:
            return run.stdout.splitlines(), lines.readlines()
    finally:
        os.unlink(trace)


def inject(directory, call, fault, when, *arguments, script=WORKLOAD):
    """Run the workload with *fault* at the *when*-th *call*.

    Returns: what it said, and whether the fault happened at all.
    """
    trace = f"{directory}.trace"
    # The filter makes a run three times as fast, but strace 6.1 then injects no signals.
    options = [] if fault.startswith("signal") else ["--seccomp-bpf"]
    run = subprocess.run(
        ["strace", "-f", "-qq", *options, "-o", trace, "-e", f"trace={call}",
         "-e", f"inject={call}:{fault}:when={when}", *_PYTHON, script,
         *_words(script, directory, arguments)],
        capture_output=True, text=True, env=_ENVIRONMENT, check=False, timeout=120,
    )  # fmt: skip
    with open(trace, errors="replace") as lines:
        happened = "(INJECTED)" in lines.read() or run.returncode == -signal.SIGKILL
    os.unlink(trace)
    return run.stdout.splitlines(), happened


def _words(script, directory, arguments):
    """The vault's workload is told its scenario first."""
    if script == WORKLOAD:
        return [directory, *arguments]
    scenario, *planted = arguments
    return [scenario, directory, *planted]
