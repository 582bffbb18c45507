"""A flood of log-ins at real servers, counted and not timed: `python -m bench --only django_logins` has the times."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from bench.django_logins import Site
from bench.login_flood import log_in
from tests.patience import PATIENCE_SECONDS, wait_for

ROOT = Path(__file__).resolve().parents[2]
PARALLEL = 60
SERVERS = {
    "gunicorn": ("gunicorn", "--threads", "8", "--log-level", "error", "--bind", "127.0.0.1:{}",
                 "bench.login_site:application"),
    "uvicorn": ("uvicorn", "--log-level", "error", "--no-proxy-headers", "--lifespan", "off", "--port", "{}",
                "bench.login_site:asgi"),
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site's directory."""
    directory = tmp_path_factory.mktemp("login-site")
    subprocess.run([sys.executable, "-m", "bench.login_site"], env=_environment(directory), cwd=ROOT, check=True)
    return directory


def _environment(directory: Path) -> dict[str, str]:
    return {**os.environ, "LOGIN_SITE": str(directory), "LOGIN_SITE_COST": "least"}


@contextmanager
def _running(made: Path, name: str) -> Iterator[Site]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    words = [sys.executable, "-m", *(word.format(port) for word in SERVERS[name])]
    with subprocess.Popen(words, env=_environment(made), cwd=ROOT, stderr=subprocess.DEVNULL) as server:
        try:
            site = Site(port, server.pid)
            wait_for(lambda: _answers(port, server), "the server", every_seconds=0.05)
            site.enter()
            yield site
        finally:
            server.terminate()


def _answers(port: int, server: subprocess.Popen[bytes]) -> bool:
    assert server.poll() is None, "the server ended"
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("name", SERVERS)
def test_a_flood_is_sent_away_and_pages_are_served(made: Path, name: str) -> None:
    """Each log-in is answered, with 302 or with 429 and Retry-After; a session that is unlocked notices nothing."""
    answers: list[tuple[int, bytes]] = []

    async def flood() -> None:
        answers.extend(await asyncio.gather(*(log_in(site.port, number) for number in range(PARALLEL))))

    with _running(made, name) as site:
        until = time.monotonic() + PATIENCE_SECONDS
        pages = 0
        while 429 not in {status for status, _head in answers}:
            assert time.monotonic() < until, "there was always room"
            others = Thread(target=lambda: asyncio.run(flood()))
            others.start()
            while others.is_alive():
                site.page()
                pages += 1
            others.join()
        assert {status for status, _head in answers} == {302, 429}
        assert all(b"\r\nretry-after: " in head.lower() for status, head in answers if status == 429)
        assert pages > 0
        # Whoever was sent away gets in when it is quiet again.
        assert site.log_in("user7", "velvet quarter 9317")[0] == 302
