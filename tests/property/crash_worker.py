"""A program that does to a vault what it is told, a line at a time, and is killed in the middle where it is told so.

    crash_worker.py VAULT KEY_FILE [PLANTED FAULT]

A line is JSON: what to do, its arguments, and how many calls to the database or the disk it
may make before it kills itself; 0 for any number. Each answer is a line as well.
"""

from __future__ import annotations

import json
import os
import signal
import sys

import strongroom
from strongroom.errors import StrongroomError
from strongroom.locate.key_files import read_key_file
from strongroom.vault.vault import Vault

REACHING_OUT = frozenset(
    ("backup", "close", "execute", "executemany", "fsync", "link", "rename", "replace", "unlink", "write")
)


class Countdown:
    """Ends this process at the n-th call that reaches out."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def __call__(self, _frame: object, event: str, function: object) -> None:
        if event == "c_call" and function.__name__ in REACHING_OUT:  # type: ignore[attr-defined]
            self.left -= 1
            if not self.left:
                os.kill(os.getpid(), signal.SIGKILL)


def slot_id(vault: Vault, label: str) -> str:
    return next(slot.id for slot in vault.slots() if slot.label == label)


def fields(value: str) -> dict[str, str]:
    return {"password": value * 200, "value": value}


DEEDS = {
    "set": lambda vault, path, value: vault.set(path, fields(value)),
    "batch": lambda vault, items: vault.set_many({path: fields(value) for path, value in items.items()}),
    "destroy": lambda vault, path: vault.destroy(path),
    "move": lambda vault, source, target: vault.move(source, target),
    "rotate": lambda vault, root: vault.rotate(root=root),
    "add": lambda vault, label, key: vault.add_slot(read_key_file(key), label=label),
    "remove": lambda vault, label: vault.remove_slot(slot_id(vault, label)),
    "change": lambda vault, label, key: vault.change_slot(slot_id(vault, label), read_key_file(key)),
    "backup": lambda vault, path: vault.backup(path),
}


def _write_one_by_one(vault: Vault, items: dict[str, str]) -> None:
    for path, value in items.items():
        vault.set(path, fields(value))


def main() -> None:
    location, key_file, *planted = sys.argv[1:]
    if planted == ["half-batch"]:
        DEEDS["batch"] = _write_one_by_one
    vault = strongroom.open(location, key_file=key_file)
    print(json.dumps("open"), flush=True)
    for line in sys.stdin:
        name, arguments, calls = json.loads(line)
        if calls:
            sys.setprofile(Countdown(calls))
        try:
            DEEDS[name](vault, *arguments)
            answer = "done"
        except StrongroomError as error:
            answer = f"{type(error).__name__}: {error}"
        finally:
            sys.setprofile(None)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
