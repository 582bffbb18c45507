"""Argon2id in several threads of one process: the library's threads are shared, and two derivations at once hang."""

from __future__ import annotations

import subprocess
import sys

import pytest

# In a process of its own, because a hang cannot be ended from within.
PROGRAM = """
import os, sys
from threading import Thread
from strongroom.crypto import kdf

def derive():
    found.append(bytes(kdf.stretch_argon2id(b"x" * 32, bytes(32), memory_kib=19_456, iterations=2, lanes=4)))

def together(count):
    threads = [Thread(target=derive) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads

found = []
threads = together(6)
if sys.argv[1] == "fork":
    # While threads that the child does not have are at it.
    child = os.fork()
    if child == 0:
        found.clear()
        derive()
        os._exit(len(found) - 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
for thread in threads:
    thread.join()
print(len(found), len(set(found)))
"""


@pytest.mark.parametrize("how", ["threads", "fork"])
def test_derivations_at_the_same_time_all_end_with_the_same_key(how: str) -> None:
    """Six threads open a vault with one passphrase; meanwhile the process may fork."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, how], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "6 1\n"), done.stderr
