"""Programs of the tests that need a process of their own: they fork, are killed, or have other settings of Django."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run_beside(name: str, *words: object, options: tuple[str, ...] = (), seconds: int = 240) -> list[str]:
    """Run ``tests/django/NAME.py`` to its end, which has to be a good one.

    Args:
        words: its arguments.
        options: the interpreter's.

    Returns: the lines that it printed.
    """
    done = subprocess.run(
        [sys.executable, *options, str(ROOT / "tests" / "django" / f"{name}.py"), *map(str, words)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()
