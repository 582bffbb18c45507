"""A PostgreSQL server of the benchmarks' own: Debian's package, as it comes from its makers, on a Unix socket."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from socket import socket
from typing import Any, Self

PATIENCE_SECONDS = 60.0


def find(name: str) -> str | None:
    """The path of one of the server's programs; None where it is not installed."""
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    return shutil.which(name, path=os.pathsep.join([*map(str, newest), os.environ.get("PATH", "")]))


class Server:
    """It runs while its block does, as a user who is not root; its files go with it."""

    def __init__(self) -> None:
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.root = Path(tempfile.mkdtemp(prefix="strongroom-bench-"))
        with socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = str(probe.getsockname()[1])
        if os.geteuid() == 0:
            shutil.chown(self.root, self.user)

    @property
    def place(self) -> str:
        """What names the server in a URL's query."""
        return f"host={self.root}&port={self.port}&user=bench"

    @property
    def far_place(self) -> str:
        """The same over TCP, as from another machine that is next to this one."""
        return f"host=127.0.0.1&port={self.port}&user=bench"

    @property
    def near(self) -> tuple[str, ...]:
        """The same for the server's own programs."""
        return "-h", str(self.root), "-p", self.port

    def _options(self) -> dict[str, Any]:
        if os.geteuid() != 0:
            return {"cwd": "/"}
        account = pwd.getpwnam(self.user)
        return {"cwd": "/", "user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def run(self, program: str, *words: str) -> str:
        """What one of its programs prints."""
        found = find(program)
        assert found is not None
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [found, *words], capture_output=True, text=True, check=True, **self._options()
        )
        return done.stdout

    def __enter__(self) -> Self:
        data = str(self.root / "data")
        self.run("initdb", "-D", data, "-U", "bench", "-A", "trust", "--no-locale", "-E", "UTF8")
        program = find("postgres")
        assert program is not None
        settings = (
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={self.root}",
            "max_connections=200",
        )
        options = [word for setting in settings for word in ("-c", setting)]
        with (self.root / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [program, "-D", data, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._options()
            )
        give_up = time.monotonic() + PATIENCE_SECONDS
        while subprocess.run([find("pg_isready") or "pg_isready", "-q", *self.near], check=False).returncode:
            assert time.monotonic() < give_up, (self.root / "log").read_text()
            time.sleep(0.05)
        self.run("createdb", *self.near, "-U", "bench", "vaults")
        return self

    def __exit__(self, *_exc: object) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_SECONDS)
        shutil.rmtree(self.root)
