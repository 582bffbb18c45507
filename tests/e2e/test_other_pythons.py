"""On every other Python that is installed here: all modules load without a warning, and a vault lives its first day.

`make pythons` runs the whole unit tests there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from distribution.pythons import found
from tests.peers import require

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 300.0
DAY = """
import importlib, pkgutil, sys, warnings
import strongroom
left_out = ("strongroom.django", "strongroom.testing", "strongroom.settings.", "strongroom.doors.keyring",
            "strongroom.credentials.oauth")
names = [one.name for one in pkgutil.walk_packages(strongroom.__path__, "strongroom.", onerror=lambda name: None)]
for name in names:
    if not name.startswith(left_out):
        importlib.import_module(name)
vault = strongroom.create(sys.argv[1], key_file=sys.argv[2])
vault.set("bank/checking", {"username": "dustin", "password": strongroom.SecretStr("hunter2")})
vault.patch("bank/checking", {"username": "else"})
assert [version.number for version in vault.history("bank/checking")] in ([1, 2], [2, 1])
vault.close()
with strongroom.open(sys.argv[1], key_file=sys.argv[2], use_agent=False) as vault:
    assert vault.get("bank/checking")["password"].reveal() == "hunter2"
    vault.verify()
print("well")
"""


PYTHONS = found()


@pytest.mark.timeout(1200)  # an installation, on a machine that may be busy
@pytest.mark.parametrize("version", PYTHONS)
def test_the_first_day(version: str, tmp_path: Path) -> None:
    """Imported with warnings as errors; made, written, read and verified; and the program itself."""
    venv, python = tmp_path / "venv", tmp_path / "venv" / "bin" / "python"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE"))}
    environment |= {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"STRONGROOM_AGENT_SOCKET": str(tmp_path / "agent.sock")}
    tmp_path.chmod(0o700)

    def run(*words: str | Path) -> str:
        done = subprocess.run(
            [str(word) for word in words],
            env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (words, done.stdout[-1000:], done.stderr[-2000:])
        return done.stdout

    run(PYTHONS[version], "-m", "venv", "--without-pip", venv)
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "--no-input")
    try:
        run(*pip, "install", "-qq", "cryptography>=50")
    except AssertionError as error:
        require("No matching distribution" not in str(error), "no package index to install cryptography from")
        raise
    assert run(python, "-W", "error", "-c", DAY, tmp_path / "vault.db", tmp_path / "key") == "well\n"
    options = ("--vault", tmp_path / "vault.db", "--key-file", tmp_path / "key")
    assert run(python, "-P", "-m", "strongroom", *options, "get", "bank/checking", "username") == "else"
    assert run(python, "-P", "-m", "strongroom", *options, "unlock") == ""
    read = ("get", "bank/checking", "username")
    assert run(python, "-P", "-m", "strongroom", "--vault", tmp_path / "vault.db", *read) == "else"
    assert run(python, "-P", "-m", "strongroom", *options, "agent", "stop") == ""
