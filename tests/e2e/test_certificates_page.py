"""docs/certificates.md is true: its commands and its Python run as they stand, from top to bottom."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.certificates import run
from tests.e2e.conftest import Machine
from tests.peers import require_programs

PAGE = (Path(__file__).resolve().parents[2] / "docs/certificates.md").read_text(encoding="utf-8")


def test_the_page_is_true(keyed: Machine) -> None:
    """All commands but the one that stays, then one program, made of all its blocks."""
    require_programs("certutil")
    commands = [line for line in re.findall(r"^    strongroom (.*)$", PAGE, re.MULTILINE) if "--watch" not in line]
    assert len(commands) == 6
    database = keyed.home / ".pki" / "nssdb"  # as Chromium makes it
    database.mkdir(parents=True)
    assert run("certutil", "-N", "-d", f"sql:{database}", "--empty-password").returncode == 0
    for command in commands:
        done = keyed.run(*shlex.split(command))
        assert done.code == 0, done
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(blocks)],
        env=keyed.full_environment(None), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert keyed.run("verify").code == 0


def test_every_fixture_is_named() -> None:
    """The page names all that the plugin brings."""
    from strongroom.testing import tls

    source = Path(tls.__file__).read_text(encoding="utf-8")
    fixtures = re.findall(r"^@pytest\.fixture.*\ndef (\w+)", source, re.MULTILINE)
    assert len(fixtures) == 9
    assert [name for name in fixtures if name not in PAGE] == []
