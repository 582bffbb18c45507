"""docs/keys.md is true: its Python runs as it stands, from top to bottom."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = (Path(__file__).resolve().parents[2] / "docs/keys.md").read_text(encoding="utf-8")


def test_the_pages_python_runs(keyed) -> None:
    """One program, made of all its blocks; afterwards the vault is whole."""
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 4
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(blocks)],
        env=keyed.environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert keyed.run("key", "list").text.split()[::5] == ["inbox", "invoices", "sessions"]
    assert keyed.run("verify").code == 0


def test_the_pages_grant_is_one(keyed) -> None:
    """With a user that is here in the place of www."""
    (line,) = re.findall(r"`strongroom (grant add [^`]*)`", PAGE)
    words = line.replace("'", "").replace("www", "daemon").split()
    assert keyed.run(*words).code == 0
    for path, capability, code in (
        ("@keys/sessions", "read", 0),
        ("@uses/sessions/1", "create", 0),
        ("@uses/sessions/1", "update", 0),
        ("@keys/other", "read", 5),
        ("@keys/sessions", "update", 5),
    ):
        assert keyed.run("grant", "test", path, capability, "--user", "daemon").code == code, path
