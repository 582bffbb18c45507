"""Uses a vault on PostgreSQL, one step for each line that it is told; the network goes away in between.

postgres_network.py URL KEY_FILE

Steps: ``open``; ``begin NAME ID`` (a write that is committed by) ``commit``; ``set NAME ID``; ``get NAME``.
After each it says what came of it, and after how many seconds.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from time import monotonic

import strongroom
from strongroom.errors import StrongroomError


class Steps:
    def __init__(self, location: str, key_file: str) -> None:
        self.place = (location, key_file)
        self.open()

    def open(self) -> str:
        location, key_file = self.place
        self.vault = strongroom.open(location, key_file=key_file, use_agent=False)
        return "opened"

    def begin(self, name: str, request_id: str) -> str:
        self.stack = ExitStack()
        self.stack.enter_context(self.vault.transaction(request_id=bytes.fromhex(request_id)))
        self.vault.set(name, {"password": "x"})
        return "begun"

    def commit(self) -> str:
        self.stack.close()
        return "committed"

    def set(self, name: str, request_id: str) -> str:
        self.vault.set(name, {"password": "x"}, request_id=bytes.fromhex(request_id))
        return "set"

    def get(self, name: str) -> str:
        return f"got {self.vault.get(name, 'password').reveal()}"


def main() -> None:
    steps = Steps(*sys.argv[1:3])
    print("ready", flush=True)
    for line in sys.stdin:
        name, *words = line.split()
        begun = monotonic()
        try:
            said = getattr(steps, name)(*words)
        except StrongroomError as error:
            said = type(error).__name__
        print(f"{monotonic() - begun:.1f} {said}", flush=True)


if __name__ == "__main__":
    main()
