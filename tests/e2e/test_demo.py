"""`make demo` does what the README promises, from an empty directory to a job that has logged in."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CRON = ROOT / "examples" / "cron"


def test_the_demo_tells_a_true_story() -> None:
    """The job logs in, is refused with a wrong password, logs in again; a changed byte is found; nothing is left."""
    build = ROOT / "build"
    before = set(build.glob("demo-*"))
    environment = {name: os.environ[name] for name in ("PYTHONPATH", "COVERAGE_PROCESS_CONFIG") if name in os.environ}
    command = [sys.executable, str(CRON / "demo.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    lines = [line.strip() for line in done.stdout.splitlines()]
    bank = [line.removeprefix("the bank's log: ").split(" ", 1)[1] for line in lines if line.startswith("the bank's")]
    assert bank == ["dustin logged in", "dustin refused: wrong username or password", "dustin logged in"]
    job = [line.removeprefix("the job's log:").strip() for line in lines if line.startswith("the job's")]
    assert job[1] == "report: the bank refused: 401 Unauthorized"
    assert job[0].endswith("balance 1,234.56")
    assert job[2].endswith("balance 1,234.56")
    assert any(line.startswith("found in its") and ": 0 of" in line for line in lines)
    finding = "duplicated: version 3 of bank/checking holds a copy of version 2 of bank/checking"
    assert f"both end with 7: {finding}" in lines
    assert "correct-Horse-27-battery" not in done.stdout
    assert set(build.glob("demo-*")) == before
    assert len(lines) < 35


def test_the_bank_refuses_a_stranger(tmp_path: Path) -> None:
    """The service the examples log in to does check: no session, a wrong password and an unknown name are refused."""
    log = tmp_path / "bank.log"
    command = [sys.executable, str(CRON / "service.py"), "--log", str(log)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as bank:
        try:
            assert bank.stdin is not None
            assert bank.stdout is not None
            bank.stdin.write("dustin:right\n")
            bank.stdin.close()
            address = bank.stdout.readline().strip()
            requests = {
                "no session": (f"{address}/balance", None, 403),
                "forged session": (f"{address}/balance", None, 403),
                "wrong password": (f"{address}/login", {"username": "dustin", "password": "wrong"}, 401),
                "unknown name": (f"{address}/login", {"username": "right", "password": "right"}, 401),
                "nothing": (f"{address}/login", {}, 401),
            }
            for case, (url, form, status) in requests.items():
                data = None if form is None else urllib.parse.urlencode(form).encode()
                request = urllib.request.Request(url, data)
                if case == "forged session":
                    request.add_header("Cookie", "session=00")
                with pytest.raises(urllib.error.HTTPError) as refusal:
                    urllib.request.urlopen(request, timeout=60)
                refusal.value.close()
                assert refusal.value.code == status, case
        finally:
            bank.terminate()
    words = [line.split(" ", 1)[1] for line in log.read_text().splitlines()]
    refused = "refused: wrong username or password"
    assert words == [f"dustin {refused}", f"somebody {refused}", f"somebody {refused}"]
