"""A small life of a store, run as a script and killed, broken or cut at every call it makes.

    workload.py DIRECTORY [PLANTED FAULT ...]

Each outcome is said on stdout, once it is certain. ``writev`` says it, because only the
store's own files are written with ``write`` and ``pwrite64``: those are the calls counted.
"""

import os
import sys

COMMITS = 4
ANCHORS = 3
BODY = bytes(range(256)) * 5


def say(*words):
    os.writev(1, [" ".join(map(str, words)).encode() + b"\n"])


def plant(faults):
    """Break the store in a known way; the tests must then find it."""
    from strongroom.stores import durable, files, sqlite_file, sqlite_session

    if "no-sync" in faults:
        sqlite_file._SETTINGS = (*sqlite_file._SETTINGS, "synchronous = OFF")
    if "no-directory-sync" in faults:
        durable.sync_dir = files.sync_dir = lambda _path: None
    if "no-file-sync" in faults:
        durable.os = files.os = _WithoutSync(os)
    if "early-answer" in faults:
        commit = sqlite_session.Session._commit

        def answer_early(session):
            if session.path.endswith("vault.db"):
                say("commit", COUNTER[0])
            commit(session)

        sqlite_session.Session._commit = answer_early
    if "in-place" in faults:
        files.replace_private = _write_in_place


class _WithoutSync:
    """The module os, but nothing is ever synced."""

    def __init__(self, module):
        self._module = module

    def __getattr__(self, name):
        return (lambda _descriptor: None) if name == "fsync" else getattr(self._module, name)


def _write_in_place(path, data):
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for start in range(0, len(data), 700):
        os.write(descriptor, data[start : start + 700])
    os.fsync(descriptor)
    os.close(descriptor)


COUNTER = [0]


def commit(store, number, faults):
    from strongroom.errors import OutcomeUnknown, StoreUnavailable, Tampered
    from strongroom.stores.schema import OBJECTS, VERSIONS

    COUNTER[0] = number
    left, right = (VERSIONS, (b"left", number, BODY)), (OBJECTS, (number, b"right", BODY))
    try:
        if "two-transactions" in faults:
            for table, row in (left, right):
                with store.writing() as rows:
                    rows.put(table, row)
        else:
            with store.writing() as rows:
                rows.put(*left)
                rows.put(*right)
        say("commit", number)
    except OutcomeUnknown:
        say("unknown", number)
    except StoreUnavailable:
        say("refused", number)
    except Tampered:
        say("refused", number)
        say("damaged", "commit")


def attempt(word, call, *arguments):
    from strongroom.errors import OutcomeUnknown, StoreUnavailable, Tampered

    try:
        call(*arguments)
        say(word)
    except OutcomeUnknown:
        # It is there, and a power cut may take it: nothing was acknowledged.
        say("unknown", word)
    except StoreUnavailable:
        say("failed", word)
    except Tampered:
        say("damaged", word)


def main():
    directory, faults = sys.argv[1], sys.argv[2:]
    from strongroom.errors import StrongroomError
    from strongroom.stores import files, sqlite_copies
    from strongroom.stores.schema import HEADER
    from strongroom.stores.sqlite import SqliteStore

    plant(faults)
    store = None
    try:
        store = SqliteStore.create(f"{directory}/vault.db")
        with store.writing() as rows:
            rows.put(HEADER, (1, BODY, b"mac"))
        store.publish()
        say("created")
    except StrongroomError as error:
        say("not created", type(error).__name__)
        if store is not None:
            attempt("closed", store.close)
        return
    # A small log, so that checkpoints happen while the workload runs.
    store._session.connection.execute("PRAGMA wal_autocheckpoint = 4").fetchone()
    for number in range(COMMITS):
        commit(store, number, faults)
        if number < ANCHORS:
            attempt(f"anchor {number}", files.replace_private, f"{directory}/anchor", bytes([65 + number]) * 3000)
        if number == COMMITS // 2:
            attempt("scrubbed", store.scrub)
            attempt("backup", store.backup, f"{directory}/backup.db")
    attempt("closed", store.close)
    backup, other = f"{directory}/backup.db", f"{directory}/other.db"
    if os.path.exists(backup):
        attempt("restored", sqlite_copies.restore_backup, backup, other)
    if os.path.exists(other):
        attempt("exchanged", exchange, backup, other, f"{directory}/aside.db")


def exchange(backup, target, aside):
    """Put the backup in the place of a vault that has a log, which must not outlive it."""
    from strongroom.errors import OutcomeUnknown, StoreUnavailable
    from strongroom.stores import sqlite_copies
    from strongroom.stores.schema import HEADER
    from strongroom.stores.sqlite import SqliteStore

    store = SqliteStore.open(target)
    try:
        with store.writing() as rows:
            rows.put(HEADER, (3, b"before the exchange", b""))
    except OutcomeUnknown:
        raise StoreUnavailable("no exchange without its mark") from None
    finally:
        store.close()
    sqlite_copies.restore_backup(backup, target, set_aside=aside)


if __name__ == "__main__":
    try:
        main()
    except BaseException as error:
        say("foreign", type(error).__name__, error)
        raise
