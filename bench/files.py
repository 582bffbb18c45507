"""Files: encryption and decryption beside age, signatures beside PyNaCl."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench.agent_peers import find_program
from bench.measure import Result, compare
from bench.rows import Bench
from strongroom import Vault
from strongroom.crypto import signatures

FILE_BYTES = 1 << 30
QUICK_BYTES = 1 << 24
KEY = "bench"


class _Files:
    """A large file, an age identity, and how both programs are started."""

    def __init__(self, bench: Bench, age: str, keygen: str) -> None:
        place = bench.directory / "files"
        place.mkdir(mode=0o700, exist_ok=True)
        self.plain, self.ours, self.theirs = place / "plain", place / "plain.strongroom", place / "plain.age"
        self.identity = place / "identity"
        # Of zeros, so that the disk has no part in it: what is read is the page cache's at the first round already.
        with self.plain.open("wb") as file:
            file.truncate(QUICK_BYTES if bench.quick else FILE_BYTES)
        if not self.identity.exists():
            subprocess.run([keygen, "-o", str(self.identity)], check=True, capture_output=True)
        shown = subprocess.run([keygen, "-y", str(self.identity)], check=True, capture_output=True)
        self.recipient = shown.stdout.decode().strip()
        self.age = age
        program = Path(sys.executable).with_name("strongroom")
        start = [str(program)] if program.exists() else [sys.executable, "-m", "strongroom"]
        self.options = ["--vault", str(bench.file("small.db")), "--key-file", str(bench.key_file), "--no-agent"]
        self.start = start

    def strongroom(self, *words: str) -> Callable[[], object]:
        """A call of the command line with the bench's vault."""
        return _runs([*self.start, *words, *self.options])

    def age_runs(self, *words: str) -> Callable[[], object]:
        """A call of age."""
        return _runs([self.age, *words])

    def age_durably(self, output: Path, *words: str) -> Callable[[], object]:
        """A call of age, with what it wrote brought to the disk, as strongroom does."""

        def run() -> None:
            _runs([self.age, "-o", str(output), *words])()
            descriptor = os.open(output, os.O_RDWR)
            os.fsync(descriptor)
            os.close(descriptor)

        return run


def _runs(command: list[str]) -> Callable[[], object]:
    environment = {name: os.environ[name] for name in ("PYTHONPATH", "XDG_STATE_HOME") if name in os.environ}
    work = partial(subprocess.run, command, env=environment, stdin=subprocess.DEVNULL, check=True)
    return partial(work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def file_encryption(bench: Bench) -> Iterator[Result]:
    """A file of 1 GiB as a whole process, into nowhere and into a file."""
    age, keygen = find_program("age"), find_program("age-keygen")
    if age is None or keygen is None:
        print("age is not installed: its lines are left out", file=sys.stderr)
        return
    _ensure_key(bench.small)
    files = _Files(bench, age, keygen)
    plain, null = str(files.plain), os.devnull
    rounds = 2 if bench.quick else 9
    encrypt = files.strongroom("encrypt", "--key", KEY, "-o", null, plain)
    in_age = files.strongroom("encrypt", "-r", files.recipient, "-o", null, plain)
    theirs = files.age_runs("-r", files.recipient, "-o", null, plain)
    yield compare("encrypt 1 GiB, our format", "age", encrypt, theirs, rounds=rounds, goal=1.3, at_least=True)
    yield compare("encrypt 1 GiB, age format", "age", in_age, theirs, rounds=rounds, goal=None, at_least=True)
    encrypt = files.strongroom("encrypt", "--key", KEY, "--force", "-o", str(files.ours), plain)
    theirs = files.age_durably(files.theirs, "-r", files.recipient, plain)
    what = "encrypt 1 GiB to a durable file, our format"
    yield compare(what, "age, and fsync", encrypt, theirs, rounds=rounds, goal=None, at_least=True)
    decrypt = files.strongroom("decrypt", "-o", null, str(files.ours))
    theirs = files.age_runs("--decrypt", "-i", str(files.identity), "-o", null, str(files.theirs))
    yield compare("decrypt 1 GiB, our format", "age", decrypt, theirs, rounds=rounds, goal=1.3, at_least=True)
    in_age = _runs([*files.start, "decrypt", "--identity", str(files.identity), "-o", null, str(files.theirs)])
    yield compare("decrypt 1 GiB, age format", "age", in_age, theirs, rounds=rounds, goal=None, at_least=True)
    shutil.rmtree(files.plain.parent)


def _ensure_key(vault: Vault) -> None:
    if KEY not in vault.keys:
        vault.keys.create(KEY, "aead")


def sign_and_verify(bench: Bench) -> Iterator[Result]:
    """One Ed25519 signature of 64 bytes, which is what is signed of a file of any size."""
    try:
        from nacl.signing import SigningKey
    except ImportError:
        print("PyNaCl is not installed: its lines are left out", file=sys.stderr)
        return
    seed, message = bytearray(os.urandom(32)), os.urandom(64)
    peer = SigningKey(bytes(seed))
    check = peer.verify_key
    signature, public = signatures.sign(seed, message), signatures.public_key(seed)
    assert peer.sign(message).signature == signature
    yield compare(
        "sign 64 bytes", "PyNaCl", lambda: signatures.sign(seed, message),
        # A key at rest is a seed for both, and becomes a key for each signature.
        lambda: SigningKey(bytes(seed)).sign(message), rounds=bench.rounds, repeat=300, goal=None, at_least=True,
    )  # fmt: skip
    yield compare(
        "verify 64 bytes", "PyNaCl", lambda: signatures.verify(public, message, signature),
        lambda: check.verify(message, signature), rounds=bench.rounds, repeat=300, goal=None, at_least=True,
    )  # fmt: skip


ROWS = (file_encryption, sign_and_verify)
