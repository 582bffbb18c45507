"""A server that forks after the keys were opened: no nonce comes twice, and a rotation arrives in every child."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.django.forked_writers import ALONE, CHILDREN, ROWS


def test_children_write_and_read_with_the_keys_that_their_parent_opened(tmp_path: Path) -> None:
    """As gunicorn does it with ``--preload``: three children, each before and after a rotation."""
    runner = Path(__file__).with_name("forked_writers.py")
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, str(runner), str(tmp_path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(root), str(root / "src")])},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    each = ROWS + ALONE
    before, after = (CHILDREN + 2) * each, CHILDREN * each
    said = f"{before + after} values, {before + after} nonces, {before} and {after} under each version"
    assert done.stdout.splitlines()[-1] == said
