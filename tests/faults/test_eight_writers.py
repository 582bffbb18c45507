"""Eight processes at once: no update is lost, nobody is told that the store is locked, one creator wins."""

import os
import subprocess
import sys
from collections import Counter

import pytest

from strongroom.stores.schema import AUDIT, HEADER, LEDGER, VERSIONS
from strongroom.stores.sqlite import SqliteStore

PROCESSES = 8
ROUNDS = 25

# Each process opens and closes the store again and again: the last one to close removes the log, the
# next one makes it anew, and SQLite's own waiting does not cover every step of that.
WRITER = """
import sys
from strongroom.stores.schema import AUDIT, LEDGER
from strongroom.stores.sqlite import SqliteStore
path, name, rounds = sys.argv[1], sys.argv[2].encode(), int(sys.argv[3])
sys.stdin.readline()
for number in range(rounds):
    store = SqliteStore.open(path)
    for step in range(4):
        with store.writing() as rows:
            count = int(rows.get(LEDGER, 0)[1]) + 1
            rows.put(LEDGER, (0, b"%d" % count))
            rows.put(AUDIT, (name, number * 4 + step, b"%d" % count))
        with store.reading() as rows:
            assert int(rows.get(LEDGER, 0)[1]) >= count
    if number % 5 == 0:
        try:
            store.scrub()
        except Exception as error:
            assert getattr(error, "is_transient", False), error
    store.close()
print("done")
"""

CREATOR = """
import sys
from strongroom.errors import Conflict
from strongroom.stores.schema import HEADER
from strongroom.stores.sqlite import SqliteStore
path, name = sys.argv[1], sys.argv[2].encode()
sys.stdin.readline()
try:
    store = SqliteStore.create(path)
    with store.writing() as rows:
        rows.put(HEADER, (1, name, b""))
    store.publish()
    print("made")
except Conflict:
    store = SqliteStore.open(path)
    with store.reading() as rows:
        assert rows.get(HEADER, 1) is not None
    print("found")
store.close()
"""

COMPARE_AND_SET = """
import sys
from strongroom.stores.schema import VERSIONS
from strongroom.stores.sqlite import SqliteStore
path, name, rounds = sys.argv[1], sys.argv[2].encode(), int(sys.argv[3])
sys.stdin.readline()
store = SqliteStore.open(path)
for number in range(1, rounds + 1):
    with store.writing() as rows:
        if rows.get(VERSIONS, b"cas", number) is None:
            rows.put(VERSIONS, (b"cas", number, name))
            print(number)
store.close()
"""


def together(script, *arguments):
    """The output of eight processes that start their work at one moment."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, arguments[0], str(number), *arguments[1:]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for number in range(PROCESSES)
    ]  # fmt: skip
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    results = [process.communicate(timeout=240) for process in processes]
    assert [process.returncode for process in processes] == [0] * PROCESSES, [error for _, error in results if error]
    return [output for output, _ in results]


@pytest.fixture
def path(tmp_path):
    tmp_path.chmod(0o700)
    return f"{tmp_path}/vault.db"


@pytest.fixture
def published(path):
    store = SqliteStore.create(path)
    with store.writing() as rows:
        rows.put(HEADER, (1, b"", b""))
        rows.put(LEDGER, (0, b"0"))
    store.publish()
    store.close()
    return path


def test_no_update_is_lost(published):
    assert together(WRITER, published, str(ROUNDS)) == ["done\n"] * PROCESSES
    store = SqliteStore.open(published)
    with store.reading() as rows:
        total = PROCESSES * ROUNDS * 4
        assert rows.get(LEDGER, 0) == (0, b"%d" % total)
        assert sorted(int(row[2]) for row in rows.scan(AUDIT)) == list(range(1, total + 1))
    store.close()
    assert os.listdir(os.path.dirname(published)) == ["vault.db"]


def test_each_number_has_exactly_one_winner(published):
    outputs = together(COMPARE_AND_SET, published, str(ROUNDS * 4))
    winners = Counter(int(line) for output in outputs for line in output.split())
    assert winners == Counter(range(1, ROUNDS * 4 + 1))
    store = SqliteStore.open(published)
    with store.reading() as rows:
        for number, output in ((row[1], outputs[int(row[2])]) for row in rows.scan(VERSIONS, b"cas")):
            assert str(number) in output.split()
    store.close()


def test_one_of_eight_creators_wins_and_the_others_find_its_store(path):
    outputs = together(CREATOR, path)
    assert Counter(outputs) == {"made\n": 1, "found\n": PROCESSES - 1}
    assert os.listdir(os.path.dirname(path)) == ["vault.db"]
    store = SqliteStore.open(path)
    with store.reading() as rows:
        assert rows.get(HEADER, 1)[1] == str(outputs.index("made\n")).encode()
    store.close()
