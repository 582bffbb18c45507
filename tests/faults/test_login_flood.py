"""A flood of logins against a real hasher: memory and the other threads of the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

# In a process of its own, whose peak of memory is nobody else's.
PROGRAM = """
import re, sys, threading, time
from strongroom import PasswordHasher, PasswordMismatch
from strongroom.passwords import Argon2idCost

def peak():
    # Not ru_maxrss, which a program inherits from whoever started it.
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])

places, logins = int(sys.argv[1]), 24
hasher = PasswordHasher(Argon2idCost(memory_kib=65_536, iterations=1), most_at_once=places)
stored = hasher.hash("letmein")
one = peak()
refused, gaps, is_over = [], [], threading.Event()

def log_in(number):
    try:
        hasher.verify("letmeout", stored if number % 2 else None)
    except PasswordMismatch:
        refused.append(number)

def beat():
    while not is_over.is_set():
        started = time.perf_counter()
        time.sleep(0.002)
        gaps.append(time.perf_counter() - started)

beating = threading.Thread(target=beat)
beating.start()
threads = [threading.Thread(target=log_in, args=(number,)) for number in range(logins)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
is_over.set()
beating.join()
most = peak()
gaps.sort()
print(len(refused), (most - one) // 1024, int(gaps[-len(gaps) // 20 or -1] * 1000))
"""


def flood(places: int) -> tuple[int, int, int]:
    """How many were refused; the MiB more than one hash takes; in ms the longest of 19 in 20 pauses of a bystander."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(places)], capture_output=True, text=True, timeout=120, check=True
    )
    refused, more, pause = map(int, done.stdout.split())
    return refused, more, pause


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_flood_takes_the_memory_of_its_places() -> None:
    """Twenty-four logins at two places take 64 MiB more than one; with a place for each they would take 1.5 GiB."""
    refused, more, pause = flood(2)
    assert refused == 24
    assert more < 64 + 32
    assert pause < 500


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_measure_would_notice() -> None:
    """With six places it is far more."""
    refused, more, _ = flood(6)
    assert refused == 24
    assert more > 64 + 32
