"""docs/passwords-and-tokens.md: its blocks run as they stand, and its table is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.e2e.conftest import Machine

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "passwords-and-tokens.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_blocks_run_in_their_order(keyed: Machine) -> None:
    """With a vault, the key that the page makes, and nothing else."""
    assert len(BLOCKS) == 8
    command = re.search(r"strongroom (key create passwords --kind hmac)", PAGE)
    assert command is not None
    assert keyed.run(*command.group(1).split()).code == 0
    program = [sys.executable, "-W", "error", "-c", "\n".join(BLOCKS)]
    environment = keyed.full_environment(None)
    done = subprocess.run(program, cwd=keyed.home, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_forgotten_assertion_would_show(keyed: Machine) -> None:
    """The blocks are run with their assertions on: a wrong one ends the program."""
    wrong = BLOCKS[0].replace('assert not log_in("dustin", "coffee")', 'assert log_in("dustin", "coffee")')
    assert wrong != BLOCKS[0]
    done = subprocess.run([sys.executable, "-c", wrong], capture_output=True, text=True, timeout=120)
    assert "AssertionError" in done.stderr
