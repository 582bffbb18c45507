"""The units in examples/systemd are those that `agent install` writes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.doors.cli.units import unit

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "systemd"
# file: (interpreter, vault, key file, is_system, user)
UNITS = {
    "user-strongroom-agent.service": (
        "/home/dustin/venv/bin/python", "/home/dustin/.local/share/strongroom/vault.db", None, False, "",
    ),
    "system-strongroom-agent.service": (
        "/opt/strongroom/bin/python", "/var/lib/strongroom/vault.db", "/etc/strongroom/agent.key", True, "strongroom",
    ),
}  # fmt: skip


def test_no_example_is_forgotten() -> None:
    """Each unit in the directory is compared."""
    assert {path.name for path in EXAMPLES.glob("*.service")} == set(UNITS)


@pytest.mark.parametrize("name", UNITS)
def test_the_example_is_what_is_written(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte by byte, with the example's paths."""
    python, vault, key_file, is_system, user = UNITS[name]
    monkeypatch.setattr(sys, "executable", python)
    assert (EXAMPLES / name).read_text() == unit(vault, key_file, is_system=is_system, user=user)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_understands_it(name: str, tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say but that the example's interpreter is not there."""
    text = (EXAMPLES / name).read_text().replace(UNITS[name][0], "/bin/true")
    (tmp_path / "strongroom-agent.service").write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "strongroom-agent.service")],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    complaints = [line for line in done.stderr.splitlines() if "strongroom-agent" in line]
    assert complaints == []
