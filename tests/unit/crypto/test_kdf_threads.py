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


IMPORTING = """
import os, sys, time
from threading import Event, Thread
from strongroom.crypto import kdf

begun = Event()

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name.endswith(".argon2"):
            begun.set()
            time.sleep(1)  # long enough to fork in between, which is what shall not happen

def derive():
    kdf.stretch_argon2id(b"x" * 32, bytes(32), memory_kib=19_456, iterations=1, lanes=1)

sys.meta_path.insert(0, Slow())
thread = Thread(target=derive)
thread.start()
assert begun.wait(60)
child = os.fork()
if child == 0:
    derive()
    os._exit(0)
thread.join()
deadline = time.monotonic() + 30
while not os.waitpid(child, os.WNOHANG)[0]:
    if time.monotonic() > deadline:
        os.kill(child, 9)
        sys.exit("the child waits for ever")
    time.sleep(0.01)
"""


def test_a_fork_waits_for_the_library_to_be_loaded() -> None:
    """Else the child has an import lock that nobody lets go of, and never derives a key: seen on Python 3.13."""
    words = [sys.executable, "-W", "ignore", "-c", IMPORTING]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
