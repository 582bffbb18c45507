"""Scans: the planted leaks that strongroom and pattern scanners find, and the speed over 88 MB with 200 secrets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import strongroom
from bench.agent_peers import PATIENCE_SECONDS, end, find_program, wait_for
from bench.leaks import PLACES, SECRETS, plant
from bench.measure import Result, compare, percentile, result, seconds
from bench.rows import Bench
from strongroom.locate.agent_process import SCRUBBING

GOAL_BYTES_A_SECOND = 40_000_000
CORPUS_BYTES = 88_000_000
QUICK_BYTES = 4_000_000
SECRETS_COUNT = 200
_LENGTHS = (8, 12, 16, 24, 32, 40, 64)
_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_!@/+"
_FOUND = 13


def scan_finds(bench: Bench) -> Iterator[Result]:
    """Fifteen leaks of ten secrets, as `bench.leaks` plants them."""
    place = bench.directory / "leaks"
    place.mkdir()
    plant(place)
    vault = _vault(bench, "leaks.db", SECRETS)
    done = subprocess.run(_scan(bench, vault, place, "--json", "--no-agent"), capture_output=True, check=False)
    assert done.returncode == _FOUND, done.stderr
    listed = json.loads(done.stdout)["findings"]
    found = {(Path(one["file"]).relative_to(place).as_posix(), int(one["line"])) for one in listed}
    ours = float(len(found & _places()))
    for name, lines in (("gitleaks", _gitleaks(place)), ("detect-secrets", _detect_secrets(place))):
        if lines is not None:
            theirs = float(len(lines & _places()))
            ratio = ours / max(theirs, 1.0)
            goal = len(PLACES) / max(theirs, 1.0)
            yield Result(f"leaks found, of {len(PLACES)}", name, "", ours, theirs, ratio, ratio, ratio, goal, True)


def scan_speed(bench: Bench) -> Iterator[Result]:
    """A whole `strongroom scan`, through an agent and with a key of its own, against 40 MB a second."""
    corpus = bench.directory / "corpus"
    size = _write_corpus(corpus, QUICK_BYTES if bench.quick else CORPUS_BYTES)
    values = {
        f"bulk/item-{number}": "".join(
            _ALPHABET[byte % len(_ALPHABET)] for byte in os.urandom(_LENGTHS[number % len(_LENGTHS)])
        )
        for number in range(SECRETS_COUNT)
    }
    vault = _vault(bench, "scan.db", values)
    what = f"scan of {size / 1e6:.0f} MB for {SECRETS_COUNT} secrets"
    rounds = 2 if bench.quick else 7
    own = partial(_run, _scan(bench, vault, corpus, "--no-agent"))
    yield _against_goal(f"{what}, own key", own, size, rounds)
    path = bench.directory / "scan.sock"
    agent = subprocess.Popen(
        [sys.executable, "-P", "-m", "strongroom", "agent-process", "--vault", str(vault), "--socket", str(path),
         "--key-file", str(bench.key_file)],
        env={**os.environ, **SCRUBBING, "XDG_RUNTIME_DIR": ""}, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(path.stat)
        words = [*_program(), "scan", str(corpus), "--vault", str(vault)]
        environment = {**os.environ, "STRONGROOM_AGENT_SOCKET": str(path)}
        asked = partial(_run, words, environment)
        yield _against_goal(f"{what}, agent", asked, size, rounds)
        gitleaks = find_program("gitleaks")
        if gitleaks is not None and not bench.quick:
            # It looks for patterns of vendors' keys, not for values: another task on the same files.
            other = partial(_run, [gitleaks, "dir", str(corpus), "--no-banner", "--exit-code=0", "--log-level=error"])
            yield compare(f"{what}, agent", "gitleaks dir", asked, other, rounds=min(rounds, 3), goal=None)
    finally:
        end(agent)


def _against_goal(what: str, ours: partial[None], size: int, rounds: int) -> Result:
    taken = [seconds(ours, 1) for _ in range(rounds + 1)][1:]
    bound = [size / GOAL_BYTES_A_SECOND] * rounds
    made = result(what, "40 MB/s", taken, bound, goal=1)
    print(f"  {size / 1e6 / percentile(taken, 0.5):.0f} MB/s", file=sys.stderr, flush=True)
    return made


def _vault(bench: Bench, name: str, values: dict[str, str]) -> Path:
    (bench.directory / name).mkdir(mode=0o700)
    with strongroom.create(str(bench.file(name)), key_file=str(bench.key_file)) as vault:
        vault.set_many({path: {"password": value} for path, value in values.items()})
    return bench.file(name)


def _write_corpus(directory: Path, size: int) -> int:
    """This interpreter's own source, again and again, as *size* bytes in directories of 200 files; its real size."""
    sources = sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py"))
    written = number = 0
    while written < size:
        folder = directory / str(number // 200)
        folder.mkdir(parents=True, exist_ok=True)
        data = sources[number % len(sources)].read_bytes()
        (folder / f"{number}.py").write_bytes(data)
        written += len(data)
        number += 1
    return written


def _program() -> list[str]:
    program = find_program("strongroom")
    return [program] if program else [sys.executable, "-m", "strongroom"]


def _scan(bench: Bench, vault: Path, place: Path, *options: str) -> list[str]:
    return [*_program(), "scan", str(place), "--vault", str(vault), "--key-file", str(bench.key_file), *options]


def _run(command: list[str], environment: dict[str, str] | None = None) -> None:
    subprocess.run(
        command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        timeout=10 * PATIENCE_SECONDS,
    )  # fmt: skip


def _places() -> set[tuple[str, int]]:
    return {(file, line) for file, line, _ in PLACES}


def _gitleaks(place: Path) -> set[tuple[str, int]] | None:
    program = find_program("gitleaks")
    if program is None:
        return None
    options = ["--no-banner", "--exit-code=0", "--log-level=error", "--report-format=json", "--report-path=-"]
    done = subprocess.run([program, "dir", str(place), *options], capture_output=True, check=True)
    found = json.loads(done.stdout)
    return {(Path(one["File"]).relative_to(place).as_posix(), int(one["StartLine"])) for one in found}


def _detect_secrets(place: Path) -> set[tuple[str, int]] | None:
    program = find_program("detect-secrets")
    if program is None:
        return None
    done = subprocess.run([program, "scan", "--all-files", "."], cwd=place, capture_output=True, check=True)
    found = json.loads(done.stdout)["results"]
    return {(file, int(one["line_number"])) for file, lines in found.items() for one in lines}


ROWS = (scan_finds, scan_speed)
