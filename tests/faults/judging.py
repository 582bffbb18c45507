"""Whether what a workload left behind is what it was told; see workload.py for the words."""

import os
import re

from strongroom.errors import StrongroomError
from strongroom.stores.schema import HEADER, OBJECTS, VERSIONS
from strongroom.stores.sqlite import SqliteStore
from tests.faults.workload import ANCHORS, BODY, COMMITS

_UNFINISHED = re.compile(r"\.(vault\.db|backup\.db|other\.db|aside\.db|anchor)\.[0-9a-f]{16}\.new(-wal|-shm|-journal)?")
_EXPECTED = re.compile(r"(vault\.db|backup\.db|other\.db|aside\.db)(-wal|-shm|-journal)?|anchor")


def judge(directory, said, *, is_tidy=False, may_be_damaged=False):
    """Everything that is wrong with *directory*, one line each.

    Args:
        said: the lines that the workload had said when it ended.
        is_tidy: no unfinished file may be left (after an error; a killed process cannot tidy).
        may_be_damaged: the store may have called its file damaged, as SQLite does when the
            disk cannot read it (SQLITE_IOERR_CORRUPTFS).
    """
    findings = [line for line in said if line.startswith("foreign")]
    findings += [line for line in said if line.startswith("damaged") and not may_be_damaged]
    for name in os.listdir(directory):
        if not _EXPECTED.fullmatch(name) and (is_tidy or not _UNFINISHED.fullmatch(name)):
            findings.append(f"left behind: {name}")
    findings += _judge_store(f"{directory}/vault.db", said, "created")
    for name, word in {"backup.db": "backup", "other.db": "restored", "aside.db": "exchanged"}.items():
        findings += _judge_copy(f"{directory}/{name}", said, word)
    findings += _judge_exchange(directory, said)
    findings += _judge_anchor(f"{directory}/anchor", said)
    return findings


def _judge_store(path, said, word):
    if not os.path.lexists(path):
        return [f"lost: {word}"] if word in said else []
    try:
        store = SqliteStore.open(path)
    except StrongroomError as error:
        return [f"cannot be opened after {said[-1:]}: {error}"]
    try:
        findings = _judge_rows(store, said)
        with store.writing() as rows:
            rows.put(HEADER, (2, b"still", b"writable"))
        store.scrub()
        return findings
    except StrongroomError as error:
        return [f"cannot be used after {said[-1:]}: {error}"]
    finally:
        store.close()


def _judge_rows(store, said):
    findings = []
    if store._session.connection.execute("PRAGMA integrity_check").fetchall() != [(b"ok",)]:
        findings.append("corrupt")
    with store.reading() as rows:
        if rows.get(HEADER, 1) != (1, BODY, b"mac"):
            findings.append("half created")
        for number in range(COMMITS):
            left = rows.get(VERSIONS, b"left", number) == (b"left", number, BODY)
            right = rows.get(OBJECTS, number, b"right") == (number, b"right", BODY)
            if left != right:
                findings.append(f"torn: commit {number}")
            if f"commit {number}" in said and not (left and right):
                findings.append(f"lost: commit {number}")
            if f"refused {number}" in said and (left or right):
                findings.append(f"refused, but there: commit {number}")
    return findings


def _judge_copy(path, said, word):
    """A backup, or what was made of it."""
    if not os.path.lexists(path):
        return [f"lost: {word}"] if word in said else []
    # It was made after commit COMMITS // 2, so it holds what had been acknowledged until then.
    before = [line for line in said if line.startswith("commit") and int(line.split()[1]) <= COMMITS // 2]
    return [f"{os.path.basename(path)}: {finding}" for finding in _judge_store(path, before, word)]


def _judge_exchange(directory, said):
    """After it the old vault lies aside and the backup in its place, never a mixture of both."""
    if "exchanged" not in said or not os.path.lexists(f"{directory}/aside.db"):
        return []
    old = {}
    for name in ("other.db", "aside.db"):
        store = SqliteStore.open(f"{directory}/{name}")
        with store.reading() as rows:
            old[name] = rows.get(HEADER, 3) is not None
        store.close()
    return [] if old == {"other.db": False, "aside.db": True} else [f"mixed up: {old}"]


def _judge_anchor(path, said):
    written = [number for number in range(ANCHORS) if f"anchor {number}" in said]
    if not os.path.lexists(path):
        return ["lost: anchor"] if written else []
    with open(path, "rb") as file:
        content = file.read()
    if len(content) != 3000 or len(set(content)) != 1:
        return ["half there: anchor"]
    if written and content[0] - 65 < written[-1]:
        return [f"lost: anchor {written[-1]}"]
    return []
