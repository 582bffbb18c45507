"""What is not to be under way while a process forks."""

from __future__ import annotations

import subprocess
import sys

import pytest

from strongroom.crypto.foreign.forks import Beside

# Each in a process of its own: a hang cannot be ended from within, and forks of the tests' own process warn.
BESIDE = """
import os
from threading import Barrier, Thread
from strongroom.crypto.foreign.forks import beside

together = Barrier(3)

def enter():
    with beside:
        together.wait(60)

threads = [Thread(target=enter) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(60)
assert not together.broken, "they waited for each other"
print("done")
"""
WAITS = """
import os, time
from threading import Event, Thread
from strongroom.crypto.foreign.forks import beside

inside, leave, forked, seen = Event(), Event(), Event(), []

def stay():
    with beside:
        inside.set()
        leave.wait(60)
        time.sleep(0.2)  # long enough for a fork that does not wait
        seen.append("left")

def fork():
    child = os.fork()
    if child == 0:
        with beside:
            os._exit(7)
    seen.append("forked")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7, "the child could not enter"
    with beside:
        seen.append("entered")

first = Thread(target=stay)
first.start()
assert inside.wait(60)
second = Thread(target=fork)
second.start()
leave.set()
first.join(60)
second.join(60)
assert seen == ["left", "forked", "entered"], seen
print("done")
"""
MANY = """
import os
from threading import Event, Thread
from strongroom.crypto.foreign.forks import beside

stop = Event()

def enter():
    while not stop.is_set():
        with beside:
            pass

threads = [Thread(target=enter) for _ in range(4)]
for thread in threads:
    thread.start()
for _ in range(30):
    child = os.fork()
    if child == 0:
        with beside:
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
stop.set()
for thread in threads:
    thread.join(60)
print("done")
"""
HASHES = """
import os, sys, time
from threading import Event, Thread
from strongroom.credentials.password_costs import Argon2idCost
from strongroom.credentials.passwords import PasswordHasher

begun = Event()

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name.endswith("kdf.argon2"):
            begun.set()
            time.sleep(1)  # long enough to fork in between, which is what shall not happen

def hash_one():
    PasswordHasher(Argon2idCost(memory_kib=19_456, iterations=2, lanes=1)).hash("correct horse")

sys.meta_path.insert(0, Slow())
thread = Thread(target=hash_one)
thread.start()
assert begun.wait(60)
child = os.fork()
if child == 0:
    hash_one()
    os._exit(0)
thread.join()
deadline = time.monotonic() + 60
while not os.waitpid(child, os.WNOHANG)[0]:
    if time.monotonic() > deadline:
        os.kill(child, 9)
        sys.exit("the child waits for ever")
    time.sleep(0.01)
print("done")
"""


@pytest.mark.parametrize("program", [BESIDE, WAITS, MANY, HASHES], ids=["beside", "waits", "many", "hashes"])
def test_a_fork_waits_for_all_that_may_run_beside_each_other(program: str) -> None:
    """And they for it: afterwards parent and child go on."""
    words = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(words, capture_output=True, text=True, timeout=240)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_a_fork_is_kept_out_from_the_first_who_enters_to_the_last_who_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, object]] = []
    monkeypatch.setattr("os.register_at_fork", lambda **called: asked.append(called))
    one = Beside()
    assert asked == [{"before": one._shut, "after_in_parent": one._open, "after_in_child": one._open}]
    for _ in range(2):
        with one:
            assert one._none.locked()
            with one:
                assert one._none.locked()
            assert one._none.locked()
        assert not (one._none.locked() or one._door.locked() or one._counting.locked())
