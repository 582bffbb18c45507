"""Real processes write to one database at once, each kind of change among them: nothing is lost, verify is clean."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import strongroom
from tests.postgres_cluster import Role

PROCESSES = 4
ROUNDS = 40
PATIENCE_SECONDS = 120.0

# Which change comes when is made of the names of round and process, so that each run meets others of its kind.
WORKER = """
import json, sys
from zlib import crc32
import strongroom
from strongroom.errors import Conflict, NotFound

url, key, name, rounds = sys.argv[1:]
vault = strongroom.open(url, key_file=key, use_agent=False)
print("ready", flush=True)
sys.stdin.readline()
written = []
for number in range(int(rounds)):
    dice = crc32(f"{name} {number}".encode())
    one, two = dice // 16 % 3, dice // 64 % 3
    vault.set(f"own/{name}/{number}", {"n": str(number)})
    try:
        match dice % 8:
            case 0:
                vault.set(f"same/{one}", {"n": name})
            case 1:
                vault.delete(f"same/{one}")
            case 2:
                vault.undelete(f"same/{one}")
            case 3:
                vault.move(f"moved/{one}", f"moved/{two}")
            case 4:
                vault.move(f"folder-{one}/", f"folder-{two}/")
            case 5:
                vault.destroy(f"gone/{one}/only")
            case 6:
                vault.set_many({f"gone/{one}/only": {"n": name}, f"moved/{two}": {"n": name}})
                vault.set(f"folder-{one}/{name}", {"n": name})
            case 7:
                vault.patch("same/all", {f"{name}.{number}": "1"}, create=True)
                written.append(f"{name}.{number}")
    except (Conflict, NotFound, ValueError):
        pass  # another was faster: nothing to move, delete or bring back
vault.verify()
vault.lock()
print(json.dumps(written), flush=True)
"""


def test_every_kind_of_change_at_once(postgres_schema: Role, tmp_path: Path) -> None:
    """What each has written of its own is there, every field of the common item too, and every chain is whole."""
    url, key = postgres_schema.vault_url, tmp_path / "key"
    strongroom.create(url, key_file=key).lock()
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, url, key, f"p{number}", str(ROUNDS)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ),
        )
        for number in range(PROCESSES)
    ]  # fmt: skip
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n", worker.communicate()
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        said = [worker.communicate(timeout=PATIENCE_SECONDS) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert [errors for _, errors in said] == [""] * PROCESSES
    with strongroom.open(url, key_file=key, use_agent=False) as vault:
        fields = {field for output, _ in said for field in json.loads(output)}
        assert set(vault.get("same/all")) == fields
        own = {f"own/p{name}/{number}": str(number) for name in range(PROCESSES) for number in range(ROUNDS)}
        assert {path: vault.get(path).public("n") for path in vault.walk("own")} == own
        report = vault.verify()
        assert report.commit_counter == report.audit_entries
