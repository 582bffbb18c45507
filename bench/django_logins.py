"""A Django site with user vaults under a flood of log-ins, in real servers: what everybody else notices of it."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

from bench.login_flood import TOKEN
from bench.login_site import PASSWORD
from bench.measure import Result, compare, percentile, result
from bench.rows import Bench

PARALLEL = 200
# gunicorn ends workers that it has not heard of for --timeout, and connections that have sent nothing for
# --keep-alive: on a machine that stands still for a while those would be the ones that are measured.
SERVERS = {
    "gunicorn, 2 workers of 8 threads": (
        "gunicorn", "--workers", "2", "--threads", "8", "--timeout", "120", "--keep-alive", "60",
        "--log-level", "error", "--bind", "127.0.0.1:{}",
        "bench.login_site:application",
    ),
    "uvicorn, 2 workers": (
        "uvicorn", "--workers", "2", "--log-level", "error", "--no-proxy-headers", "--lifespan", "off", "--port", "{}",
        "bench.login_site:asgi",
    ),
}  # fmt: skip
# Each worker process hashes one password at a time on a machine with two processors.
WORK_BYTES = 2 * 64 * 2**20
START_SECONDS = 60.0


class Site:
    """A running server.

    Args:
        port: on loopback.
        process: the one that has started the workers.
    """

    def __init__(self, port: int, process: int) -> None:
        self.port = port
        self.process = process
        self._clients = count()
        self.cookies = ""

    def log_in(self, name: str, password: str, client: str = "") -> tuple[int, str]:
        """Status and cookies, from an address of its own unless *client* says another."""
        fields = urlencode({"username": name, "password": password, "csrfmiddlewaretoken": TOKEN})
        number = next(self._clients)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded", "Cookie": f"csrftoken={TOKEN}", "Accept": "text/html",
            "X-Forwarded-For": client or f"198.18.{number // 250}.{number % 250 + 1}",
        }  # fmt: skip
        answer = self._ask("POST", "/login/", fields, headers)
        pairs = [value.partition(";")[0] for key, value in answer.getheaders() if key.lower() == "set-cookie"]
        return answer.status, "; ".join(pairs)

    def enter(self) -> None:
        """Log in for `page`."""
        status, self.cookies = self.log_in("user0", PASSWORD)
        if status != 302:
            raise RuntimeError(f"the log-in was answered with {status}")

    def page(self) -> None:
        """A page of a session that is unlocked."""
        answer = self._ask("GET", "/", None, {"Cookie": self.cookies})
        if (answer.status, self.said) != (200, b"unlocked"):
            raise RuntimeError(f"the page was answered with {answer.status}, {self.said[:40]!r}")

    def memory(self) -> int:
        """Bytes that the server's processes take, what they share counted once."""
        children = Path(f"/proc/{self.process}/task/{self.process}/children").read_text().split()
        total = 0
        for process in (str(self.process), *children):
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) * 1_024 for line in lines if line.startswith("Pss:"))
        return total

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        self.said = answer.read()
        connection.close()
        return answer


@lru_cache(maxsize=1)
def made(bench: Bench) -> Path:
    """The directory of a site with its users."""
    directory = bench.directory / "logins"
    directory.mkdir()
    environment = {**os.environ, "LOGIN_SITE": str(directory)}
    subprocess.run([sys.executable, "-m", "bench.login_site"], env=environment, check=True)
    return directory


@contextmanager
def running(bench: Bench, command: tuple[str, ...]) -> Iterator[Site]:
    """The site in a server."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    words = [sys.executable, "-m", *(word.format(port) for word in command)]
    environment = {**os.environ, "LOGIN_SITE": str(made(bench))}
    with subprocess.Popen(words, env=environment) as server:
        try:
            site = Site(port, server.pid)
            _wait(site)
            yield site
        finally:
            server.terminate()


def _wait(site: Site) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            site.log_in("nobody", PASSWORD)
            break
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
    site.enter()


def flood(site: Site, seconds: float, pages: list[float], memory: list[int]) -> dict[str, int]:
    """Ask for pages while others log in; what those were answered with."""
    words = [sys.executable, "-m", "bench.login_flood", str(site.port), str(PARALLEL), "1000000", str(seconds)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as others:
        while others.poll() is None:
            started = time.perf_counter()
            site.page()
            pages.append(time.perf_counter() - started)
            memory.append(site.memory())
        assert others.stdout is not None
        answered: dict[str, int] = json.loads(others.stdout.read())
    return answered


def django_logins(bench: Bench) -> Iterator[Result]:
    """Pages and memory under a flood; whether names that exist cost as much as others; what a refusal costs."""
    for name, command in SERVERS.items():
        with running(bench, command) as site:
            idle = site.memory()
            slowest: list[float] = []
            memory: list[int] = []
            for _ in range(1 if bench.quick else 5):
                pages: list[float] = []
                answered = flood(site, 1.0 if bench.quick else 6.0, pages, memory)
                slowest.append(percentile(pages, 0.99))
                print(f"{name}: {answered}, {len(pages)} pages", file=sys.stderr)
            line = f"Django, page while {PARALLEL} log in at once, p99, {name}"
            yield result(line, "a second", slowest, [1.0] * len(slowest), goal=1.0)
            allowed = idle + WORK_BYTES
            parts = sorted(each / allowed for each in memory)
            yield Result(
                f"Django, memory of the server meanwhile, most, {name}", "idle, and 64 MiB for each worker", "MB",
                max(memory) / 1e6, allowed / 1e6, parts[-1], percentile(parts, 0.1), parts[-1], 1.5,
            )  # fmt: skip
    # One worker: limits are each process's own here.
    one = tuple("1" if word == "2" else word for word in SERVERS["gunicorn, 2 workers of 8 threads"])
    with running(bench, one) as site:
        yield from names(bench, site)


def names(bench: Bench, site: Site) -> Iterator[Result]:
    """On a server with nothing else to do, as somebody who wants to know who is there would measure it."""
    numbers = count(1)
    rounds = 3 if bench.quick else 18  # a name may be tried 20 times

    def wrong(name: Callable[[int], str]) -> Callable[[], object]:
        return lambda: site.log_in(name(next(numbers)), "not this")

    nobody = wrong(lambda number: f"nobody{number}")
    for what, name in (("with a vault", lambda _: "user0"), ("without", lambda number: f"user{number % 150 + 50}")):
        line = f"Django, wrong password of a user {what}"
        yield compare(line, "of nobody", wrong(name), nobody, rounds=rounds, goal=1.1)
    statuses = [site.log_in("nobody", "not this", "198.51.100.1")[0] for _ in range(20)]
    if statuses[-4:] != [429] * 4:
        raise RuntimeError(f"guesses were answered with {statuses}")
    refused = partial(site.log_in, "nobody", "not this", "198.51.100.1")
    yield compare("Django, log-in that is refused", "a page", refused, site.page, rounds=rounds * 3, goal=2.0)


ROWS = (django_logins,)
