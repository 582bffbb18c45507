"""Writes to a vault on PostgreSQL without end, and says what was acknowledged; the server dies meanwhile.

postgres_workload.py URL KEY_FILE [--give-up]

A write whose outcome is unknown, or that was refused, is repeated with its request id until it succeeds;
with --give-up the first error ends the program, which says what it was.
"""

from __future__ import annotations

import os
import sys
from time import sleep

import strongroom
from strongroom.errors import OutcomeUnknown, StoreUnavailable, StrongroomError

_ATTEMPTS = 6_000


def say(*words: object) -> None:
    os.write(1, " ".join(map(str, words)).encode() + b"\n")


def write(vault: strongroom.Vault, number: int) -> None:
    request_id = os.urandom(16)
    for _ in range(_ATTEMPTS):
        try:
            vault.set(f"item/{number}", {"password": f"value {number}"}, request_id=request_id)
        except OutcomeUnknown:
            say("unknown", number)
        except StoreUnavailable:
            say("refused", number)
        else:
            say("acknowledged", number)
            return
        sleep(0.01)
    say("gave up", number)
    sys.exit(1)


def main(location: str, key_file: str, *options: str) -> None:
    vault = strongroom.open(location, key_file=key_file, use_agent=False)
    number = 0
    while True:
        number += 1
        if not options:
            write(vault, number)
            continue
        try:
            vault.set(f"item/{number}", {"password": f"value {number}"})
        except StrongroomError as error:
            say("failed", type(error).__name__, number)
            return
        say("acknowledged", number)


if __name__ == "__main__":
    main(*sys.argv[1:])
