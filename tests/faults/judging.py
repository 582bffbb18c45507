"""Whether what a workload left behind is what it was told; see workload.py for the words."""

import os
import re

from strongroom.errors import StrongroomError
from strongroom.stores.schema import HEADER, OBJECTS, VERSIONS
from strongroom.stores.sqlite import SqliteStore
from tests.faults.workload import ANCHORS, BODY, COMMITS

_UNFINISHED = re.compile(r"\.(vault\.db|backup\.db|anchor)\.[0-9a-f]{16}\.new(-wal|-shm|-journal)?")
_EXPECTED = re.compile(r"(vault\.db|backup\.db)(-wal|-shm|-journal)?|anchor")


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
    findings += _judge_backup(f"{directory}/backup.db", said)
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


def _judge_backup(path, said):
    if not os.path.lexists(path):
        return ["lost: backup"] if "backup" in said else []
    # It was made after commit COMMITS // 2, so it holds what had been acknowledged until then.
    before = [line for line in said if line.startswith("commit") and int(line.split()[1]) <= COMMITS // 2]
    return [f"backup: {finding}" for finding in _judge_store(path, before, "backup")]


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
