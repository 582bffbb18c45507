"""One client of the agent, or of the echo server: reads when told to, and tells how long it took."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable

import strongroom


def reader(location: str, path: str) -> Callable[[], object]:
    """A read of one field through the API."""
    vault = strongroom.open(location)
    return lambda: vault.get(path, "password")


def echoer(path: str) -> Callable[[], object]:
    """A round trip of 64 bytes."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(path)
    message = bytes(64)

    def call() -> None:
        connection.sendall(message)
        if len(connection.recv(4096)) != len(message):
            raise AssertionError("the echo is another one")

    return call


def main() -> None:
    """For each line on standard input, as many calls as it says; the seconds they took on standard output."""
    kind, *places = sys.argv[1:]
    call = reader(*places) if kind == "read" else echoer(*places)
    call()
    print("ready", flush=True)
    for line in sys.stdin:
        count = int(line)
        start = time.perf_counter()
        for _ in range(count):
            call()
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
