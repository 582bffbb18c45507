"""curl on the agent's own socket speaks KV v2 as it would with Vault: the same words, envelope and errors."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.agents import LINUX, AgentUnderTest, make_vault
from tests.peers import require_programs

pytestmark = pytest.mark.skipif(not LINUX, reason="the agent is tested on Linux")


def curl(agent: AgentUnderTest, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """The status and what the JSON says; None without any."""
    words = ["curl", "-sS", "--unix-socket", str(agent.socket), "-X", method, "-w", "\n%{http_code}"]
    if body is not None:
        words += ["-H", "Content-Type: application/json", "--data-binary", "@-"]
    done = subprocess.run(
        [*words, f"http://localhost/v1/{path}"],
        input=b"" if body is None else json.dumps(body).encode(),
        capture_output=True,
        timeout=60,
        check=True,
    )
    text, _, status = done.stdout.rpartition(b"\n")
    return int(status), json.loads(text) if text.strip() else None


def test_a_day_with_curl(tmp_path: Path) -> None:
    """Write, read, list, look at the seal, seal; and every refusal without a value in it."""
    require_programs("curl")
    make_vault(tmp_path)
    with AgentUnderTest(tmp_path) as agent:
        agent.unlocked()
        status, written = curl(agent, "POST", "secret/data/mail/smtp", {"data": {"user": "bot", "password": "tiger"}})
        assert (status, written["data"]["version"]) == (200, 1)
        status, read = curl(agent, "GET", "secret/data/mail/smtp")
        assert (status, read["data"]["data"]) == (200, {"user": "bot", "password": "tiger"})
        assert {"request_id", "lease_id", "renewable", "lease_duration", "wrap_info", "warnings", "auth"} < set(read)
        status, listed = curl(agent, "LIST", "secret/metadata/mail")
        assert (status, listed["data"]) == (200, {"keys": ["smtp"]})
        assert curl(agent, "GET", "secret/metadata/mail?list=true")[1]["data"] == {"keys": ["smtp"]}
        assert curl(agent, "GET", "secret/metadata/mail/smtp")[1]["data"]["current_version"] == 1
        stale = {"options": {"cas": 7}, "data": {"password": "wolf"}}
        status, refused = curl(agent, "POST", "secret/data/mail/smtp", stale)
        assert status == 400
        assert "did not match" in str(refused)
        assert "wolf" not in str(refused)
        assert curl(agent, "DELETE", "secret/data/mail/smtp") == (204, None)
        status, gone = curl(agent, "GET", "secret/data/mail/smtp")
        assert (status, gone["data"]["data"]) == (404, None)
        assert curl(agent, "GET", "secret/data/none") == (404, {"errors": []})
        assert curl(agent, "GET", "sys/seal-status")[1]["sealed"] is False
        assert curl(agent, "POST", "sys/seal") == (204, None)
        assert curl(agent, "GET", "sys/seal-status")[1]["sealed"] is True
        assert curl(agent, "GET", "secret/data/mail/smtp") == (503, {"errors": ["Vault is sealed"]})
        assert agent.status()["locked"] is True
