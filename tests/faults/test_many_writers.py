"""Eight processes write to one file at once: no update is lost and nobody sees an error.

Real processes, started anew rather than forked; what they did comes back as JSON lines.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from strongroom.keys.slots.key_file import encode_key_file
from tests.faults.attacks import KeyFileCredential, contents, make_vault, new_key_file, opened

PROCESSES = 8
ROUNDS = 12

WORKER = """
import json, sys, time
from strongroom.errors import Conflict
from strongroom.keys.slots.key_file import decode_key_file
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault.opening import open_vault

path, key, job, name, rounds = sys.argv[1:]
vault = open_vault(SqliteStore.open(path), decode_key_file(bytearray(open(key, "rb").read())), author=name)
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(rounds)):
    if job == "own":
        vault.set(f"own/{name}", {"count": str(number)})
    elif job == "count":
        while True:
            item = vault.get("counter")
            try:
                vault.set("counter", {"count": str(int(item.public("count")) + 1)}, cas=item.version.number)
                break
            except Conflict:
                pass
    elif job == "count carelessly":
        count = int(vault.get("counter", "count").reveal())
        time.sleep(0.002)
        vault.set("counter", {"count": str(count + 1)})
    elif job == "race":
        try:
            vault.set("race", {"winner": name}, cas=number)
            print(json.dumps([number, name]), flush=True)
        except Conflict:
            pass
        while vault.history("race")[-1].number <= number:
            pass
    elif job == "folders":
        vault.set_many({f"shared/{number}/{name}": {"x": name}, f"own/{name}/{number}": {"y": name}})
        vault.destroy(f"own/{name}/{number}")
    elif job == "patch":
        with vault.transaction():
            seen = vault.get("log")
            vault.patch("log", {f"{name}.{number}": "x"})
    elif job == "for ever":
        vault.set(f"mortal/{number % 3}", {"x": "y" * 5000})
        print(number, flush=True)
vault.lock()
print("done", flush=True)
"""


@pytest.fixture
def shared(tmp_path: Path) -> tuple[Path, Path, KeyFileCredential]:
    """A vault and its key in files."""
    credential = new_key_file()
    path, key = tmp_path / "shared.vault", tmp_path / "key"
    key.write_bytes(encode_key_file(credential))
    key.chmod(0o400)
    with make_vault(path, credential) as vault:
        vault.set("counter", {"count": "0"})
        vault.set("log", {"first": "x"})
        vault.configure(max_versions=1000)
    return path, key, credential


def _start(path: Path, key: Path, job: str, name: str, rounds: int = ROUNDS) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, path, key, job, name, str(rounds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    )


def _run(path: Path, key: Path, jobs: list[str]) -> list[list[str]]:
    """Let one process per job go at once; what each of them said."""
    workers = [_start(path, key, job, f"p{number}") for number, job in enumerate(jobs)]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n", worker.communicate()
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        said = [worker.communicate(timeout=120) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert [errors for _, errors in said] == [""] * len(jobs)
    assert [worker.returncode for worker in workers] == [0] * len(jobs)
    lines = [output.splitlines() for output, _ in said]
    assert all(output[-1] == "done" for output in lines)
    return [output[:-1] for output in lines]


def test_no_update_is_lost(shared: tuple[Path, Path, KeyFileCredential]) -> None:
    """Own items, new folders in common, and one item that all of them add to."""
    path, key, credential = shared
    jobs = ["own", "folders", "patch", "folders", "patch", "own", "patch", "folders"]
    _run(path, key, jobs)
    with opened(path, credential) as vault:
        fields = {"first"}
        for number, job in enumerate(jobs):
            name = f"p{number}"
            if job == "own":
                assert contents(vault, f"own/{name}") == {"count": str(ROUNDS - 1)}
                assert [version.number for version in vault.history(f"own/{name}")] == list(range(1, ROUNDS + 1))
            elif job == "folders":
                assert all(contents(vault, f"shared/{count}/{name}") == {"x": name} for count in range(ROUNDS))
            else:
                fields |= {f"{name}.{count}" for count in range(ROUNDS)}
        assert set(vault.get("log")) == fields
        assert not [entry for entry in vault.list("own") if entry.endswith("/")], "an empty folder was left"
        report = vault.verify()
        assert report.audit_entries == report.commit_counter


def test_counting_together(shared: tuple[Path, Path, KeyFileCredential]) -> None:
    """Read, add one, write if nobody was faster: the sum is exact, each version has one author."""
    path, key, credential = shared
    _run(path, key, ["count"] * PROCESSES)
    with opened(path, credential) as vault:
        assert contents(vault, "counter") == {"count": str(PROCESSES * ROUNDS)}
        versions = vault.history("counter")
        assert [version.number for version in versions] == list(range(1, PROCESSES * ROUNDS + 2))
        authors = Counter(version.author for version in versions[1:])
        assert authors == {f"p{number}": ROUNDS for number in range(PROCESSES)}
        for version in versions:
            assert contents(vault, "counter", version.number) == {"count": str(version.number - 1)}
        vault.verify()


def test_check_and_set_has_one_winner(shared: tuple[Path, Path, KeyFileCredential]) -> None:
    """In each round exactly one of eight succeeds, and its value is what is there."""
    path, key, credential = shared
    said = _run(path, key, ["race"] * PROCESSES)
    wins = [tuple(json.loads(line)) for lines in said for line in lines]
    assert sorted(number for number, _ in wins) == list(range(ROUNDS))
    with opened(path, credential) as vault:
        for number, name in wins:
            assert contents(vault, "race", number + 1) == {"winner": name}
        vault.verify()


@pytest.mark.parametrize("attempt", range(4))
def test_a_killed_writer_harms_nobody(attempt: int, shared: tuple[Path, Path, KeyFileCredential]) -> None:
    """SIGKILL at any moment: what it had acknowledged is there, the others neither wait nor fail."""
    path, key, credential = shared
    mortals = [_start(path, key, "for ever", f"m{number}", 1_000_000) for number in range(3)]
    survivors = [_start(path, key, "count", f"s{number}", 15) for number in range(3)]
    try:
        for worker in (*mortals, *survivors):
            assert worker.stdout is not None
            assert worker.stdin is not None
            assert worker.stdout.readline() == "ready\n"
            worker.stdin.write("go\n")
            worker.stdin.flush()
        acknowledged = 0
        for mortal in mortals:
            time.sleep(0.05 + 0.037 * attempt)
            mortal.send_signal(signal.SIGKILL)
            acknowledged += len(mortal.communicate(timeout=60)[0].splitlines())
        said = [worker.communicate(timeout=60) for worker in survivors]
    finally:
        for worker in (*mortals, *survivors):
            worker.kill()
            worker.wait()
    assert [(output, errors) for output, errors in said] == [("done\n", "")] * 3
    with opened(path, credential) as vault:
        assert contents(vault, "counter") == {"count": str(3 * 15)}
        written = sum(vault.history(f"mortal/{number}")[-1].number for number in range(3))
        # Each of the killed may have committed one more than it could say.
        assert acknowledged <= written <= acknowledged + 3
        vault.verify()


def test_the_detector_sees_lost_updates(shared: tuple[Path, Path, KeyFileCredential]) -> None:
    """Without check-and-set, counting together loses updates here: that it does not above is no accident."""
    path, key, credential = shared
    _run(path, key, ["count carelessly"] * PROCESSES)
    with opened(path, credential) as vault:
        assert int(vault.get("counter").public("count")) < PROCESSES * ROUNDS
        vault.verify()
