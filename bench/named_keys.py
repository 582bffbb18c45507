"""Encryption with a named key beside what a program would call otherwise: the bare cipher, Fernet, openssl."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.measure import Result, compare, result, seconds
from bench.rows import Bench
from strongroom.vault.named_keys.named_key import NamedKey

SIZES = {"16 B": 16, "64 B": 64, "1 KiB": 1_024, "16 KiB": 16_384, "256 KiB": 262_144, "1 MiB": 1_048_576}
LARGE = {"1 MiB": 1_048_576, "16 MiB": 16_777_216}


def named_key(bench: Bench) -> Iterator[Result]:
    """A message of each size, encrypted and decrypted."""
    key = _key(bench)
    fernet, bare = Fernet(Fernet.generate_key()), AESGCM(os.urandom(32))
    for label, size in SIZES.items():
        data = os.urandom(size)
        ours, theirs = key.encrypt(data), fernet.encrypt(data)
        nonce = os.urandom(12)
        sealed = bare.encrypt(nonce, data, None)
        # Turns of about a millisecond: on a busy machine both are disturbed alike.
        repeat = max(1, 1_000_000 // (4_000 + 20 * size))
        for what, work, token, plain in (
            ("encrypt", lambda data=data: key.encrypt(data), lambda data=data: fernet.encrypt(data),
             lambda data=data: bare.encrypt(os.urandom(12), data, None)),
            ("decrypt", lambda ours=ours: key.decrypt(ours), lambda theirs=theirs: fernet.decrypt(theirs),
             lambda nonce=nonce, sealed=sealed: bare.decrypt(nonce, sealed, None)),
        ):  # fmt: skip
            name = f"named key, {what} {label}"
            rounds = bench.rounds * (1 if bench.quick else 5)
            yield compare(name, "Fernet", work, token, rounds=rounds, repeat=repeat, goal=1, at_least=True)
            yield compare(name, "bare AES-256-GCM", work, plain, rounds=rounds, repeat=repeat, goal=None)


def named_key_beside_openssl(bench: Bench) -> Iterator[Result]:
    """A MiB and more, beside what openssl says of its own cipher on this machine."""
    if shutil.which("openssl") is None:
        print("openssl is not installed: its lines are left out", file=sys.stderr)
        return
    key = _key(bench)
    rounds = 1 if bench.quick else 5
    for label, size in LARGE.items():
        data = os.urandom(size)
        message = key.encrypt(data)
        for what, work in (("encrypt", partial(key.encrypt, data)), ("decrypt", partial(key.decrypt, message))):
            seconds(work, 3)
            ours, peer = [], []
            for _ in range(rounds):
                ours.append(seconds(work, max(3, 100_000_000 // size)))
                peer.append(openssl_seconds(size, what))
            yield result(
                f"named key, {what} {label}", "openssl speed -evp aes-256-gcm", ours, peer, goal=0.8, at_least=True
            )


def openssl_seconds(size: int, what: str) -> float:
    """How long openssl's cipher takes for one block of *size* bytes, by its own measurement."""
    options = ["-decrypt"] if what == "decrypt" else []
    done = subprocess.run(
        ["openssl", "speed", "-mr", "-seconds", "1", *options, "-bytes", str(size), "-evp", "aes-256-gcm"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    # The last line is +F:number:name:bytes each second.
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("+F:"))
    return size / float(line.rsplit(":", 1)[1])


def _key(bench: Bench) -> NamedKey:
    return bench.small.keys["bench"] if "bench" in bench.small.keys else bench.small.keys.create("bench")


ROWS = (named_key, named_key_beside_openssl)
