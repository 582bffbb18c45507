"""Upgrades a vault, and says what came of it; killed, broken or cut meanwhile. See `vault_workload`.

upgrade_workload.py SCENARIO DIRECTORY [PLANTED FAULT ...]
"""

from __future__ import annotations

import os
import sys

from strongroom.errors import OutcomeUnknown, StrongroomError
from strongroom.locate import upgrading
from strongroom.locate.opening import open_admitted
from strongroom.locate.recognition import guard
from strongroom.stores import sqlite_file
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault import upgrading as steps
from tests.faults.planted_formats import plant


def say(*words: object) -> None:
    os.writev(1, [" ".join(map(str, words)).encode() + b"\n"])


def _in_parts(core, *, keep):
    """What an upgrade must not be: each step in a commit of its own, and the header's last."""
    from strongroom.stores import schema

    keep()
    for step in schema.FORMATS[core.store.format.number :]:
        with core.store.writing() as rows, core.store.reshaping(step):
            steps.MOVES[step.number](core, rows)
    return 1


def main() -> None:
    _scenario, directory, *planted = sys.argv[1:]
    plant()
    os.environ["XDG_STATE_HOME"] = f"{directory}/state"
    if "no-sync" in planted:
        sqlite_file._SETTINGS = (*sqlite_file._SETTINGS, "synchronous = OFF")
    if "in-parts" in planted:
        steps.upgrade = _in_parts
    if "no-copy" in planted:
        SqliteStore.backup = lambda _store, _path: None
    path = f"{directory}/vault.db"
    with open_admitted(path, key_file=f"{directory}/first.key", any_format=True, admit=guard) as vault:
        # A small log, so that it is emptied into the file while the steps are done.
        vault._core.store._session.connection.execute("PRAGMA wal_autocheckpoint = 6").fetchone()
        try:
            upgrading.upgrade_vault(vault)
            say("done upgrade")
        except OutcomeUnknown as error:
            say("unknown upgrade", error)
        except StrongroomError as error:
            say("refused upgrade", error)


if __name__ == "__main__":
    try:
        main()
    except StrongroomError as error:
        say("refused to open", error)
    except BaseException as error:
        say("foreign", type(error).__name__, error)
        raise
