"""One value of an encrypted file as a whole process, beside sops, which has the same value in a file of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack

from bench.agent_peers import find_program, sops_decrypt
from bench.agents import SOCKET, running_agent
from bench.measure import Result, compare
from bench.rows import VALUE, Bench, runs
from strongroom import encrypted_files
from strongroom.credentials import stored_keys
from strongroom.encrypted_files import FileRecipient

KEY = "bench-files"


def file_get(bench: Bench) -> Iterator[Result]:
    """Through the agent, which opens the file; and opened by the process itself, with the vault's key file."""
    place = bench.directory / "sops"
    place.mkdir(mode=0o700)
    peer = sops_decrypt(place, VALUE, ExitStack())
    if peer is None:
        print("sops or age is not installed: its lines are left out", file=sys.stderr)
        return
    key = bench.small.keys.create(KEY, "aead")
    to = FileRecipient(f"key {KEY}", stored_keys.recipient(key))
    path = bench.directory / "values.json"
    with encrypted_files.encrypt(f'{{"password": "{VALUE}"}}'.encode(), [to], format="json") as file:
        path.write_bytes(file.encoded())
    program = find_program("strongroom")
    words = [*([program] if program else [sys.executable, "-m", "strongroom"]), "file", "get", str(path), "password"]
    vault = {"STRONGROOM_VAULT": str(bench.file("small.db"))}
    sops = runs(peer.command, VALUE, peer.environment, strip=True)
    rounds = max(5, bench.rounds // 2)
    with running_agent(bench):
        ours = runs(words, VALUE, vault | {SOCKET: os.environ[SOCKET]})
        yield compare("file get, agent", "sops decrypt --extract", ours, sops, rounds=rounds, goal=1, at_least=True)
    alone = runs([*words, "--no-agent", "--key-file", str(bench.key_file)], VALUE, vault)
    yield compare("file get, key file", "sops decrypt --extract", alone, sops, rounds=rounds, goal=None, at_least=True)


ROWS = (file_get,) if sys.platform == "linux" else ()
