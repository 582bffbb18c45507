"""Many log-ins at once at a server, each again as soon as it is answered: ``python -m bench.login_flood PORT ...``.

Prints what they were answered with. A process of its own, so that it does not slow down who measures.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from urllib.parse import urlencode

from bench.login_site import NAMES, PASSWORD

TOKEN = "t" * 32


def request(number: int, password: str = PASSWORD) -> bytes:
    """A log-in as somebody else from another address for each *number*."""
    fields = {"username": NAMES[number % len(NAMES)], "password": password, "csrfmiddlewaretoken": TOKEN}
    body = urlencode(fields).encode()
    head = (
        "POST /login/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept: text/html\r\n"
        f"X-Forwarded-For: 203.0.{number // 250}.{number % 250 + 1}\r\nCookie: csrftoken={TOKEN}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def log_in(port: int, number: int) -> tuple[int, bytes]:
    """The status and the head of one answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request(number))
        await writer.drain()
        answer = await reader.read()
    finally:
        writer.close()
    return int(answer.split(b" ", 2)[1]), answer.partition(b"\r\n\r\n")[0]


async def flood(port: int, parallel: int, rounds: int, seconds: float) -> Counter[str]:
    """*parallel* log-ins at a time, *rounds* of each or for so many seconds."""
    seen: Counter[str] = Counter()
    until = time.monotonic() + seconds

    async def one(number: int) -> None:
        for _ in range(rounds):
            try:
                status, _head = await log_in(port, number)
            except (OSError, IndexError, ValueError):
                seen["no answer"] += 1
                await asyncio.sleep(0.05)
            else:
                seen[str(status)] += 1
            if time.monotonic() > until:
                return

    await asyncio.gather(*(one(number) for number in range(parallel)))
    return seen


if __name__ == "__main__":
    port, parallel, rounds, seconds = sys.argv[1:]
    print(json.dumps(asyncio.run(flood(int(port), int(parallel), int(rounds), float(seconds)))))
