"""The one-file executable of ``make exe`` where nothing else is installed: no Python, no library but the C library's.

``make check`` makes it and names it in STRONGROOM_EXECUTABLE; as root it is run in a root directory of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import strongroom
from tests.e2e.conftest import PATIENCE_SECONDS, Done, Machine
from tests.peers import require

VARIABLE = "STRONGROOM_EXECUTABLE"
EXECUTABLE = Path(os.environ.get(VARIABLE, ""))
USER = 61_234


@pytest.fixture
def executable() -> Path:
    require(EXECUTABLE.is_file(), f"no executable: `make exe` makes it, and {VARIABLE} names it")
    return EXECUTABLE.resolve()


class EmptySystem:
    """A root directory with the executable, the C library and one user; as root it is the process's own.

    Without root's rights it is only an empty home, an empty environment and no program on PATH.
    """

    def __init__(self, root: Path, executable: Path) -> None:
        self.is_root = os.geteuid() == 0
        self.directory = root / "system"
        self.home = self.directory / "home" / "dustin"
        self.temporary = self.directory / "tmp"
        for made in (self.home, self.temporary):
            made.mkdir(parents=True)
        self.home.chmod(0o700)
        self.temporary.chmod(0o1777)
        shutil.copy(executable, self.directory / "strongroom")
        if self.is_root:
            self._fill()

    def _fill(self) -> None:
        listed = subprocess.run(["ldd", self.directory / "strongroom"], capture_output=True, text=True, check=True)
        needed = {Path(path) for path in re.findall(r"^\s+(?:\S+ => )?(/\S+)", listed.stdout, re.MULTILINE)}
        library = next(path for path in needed if path.name.startswith("libc.so")).parent
        needed.update(library / f"{name}.so.{one}" for name, one in (("libm", 6), ("librt", 1), ("libutil", 1)))
        for path in needed:
            place = self.directory / path.relative_to("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
        (self.directory / "etc").mkdir()
        (self.directory / "etc" / "passwd").write_text(f"dustin:x:{USER}:{USER}::/home/dustin:/bin/false\n")
        (self.directory / "dev").mkdir()
        os.mknod(self.directory / "dev" / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        (self.directory / "dev" / "null").chmod(0o666)
        os.chown(self.home, USER, USER)

    def run(self, *words: str, stdin: bytes = b"") -> Done:
        """As ``env -i`` in a crontab does it; no variable but those that a home elsewhere needs."""
        if self.is_root:
            chroot = shutil.which("chroot") or "/usr/sbin/chroot"
            command = [chroot, f"--userspec={USER}:{USER}", str(self.directory), "/strongroom", *words]
            environment = {}
        else:
            command = [str(self.directory / "strongroom"), *words]
            environment = {
                "HOME": str(self.home), "TMPDIR": str(self.temporary),
                "STRONGROOM_AGENT_SOCKET": str(self.home / "agent.sock"),
            }  # fmt: skip
        done = subprocess.run(
            command, input=stdin, capture_output=True, env=environment, timeout=PATIENCE_SECONDS, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr.decode())

    def path(self, name: str) -> str:
        """A file in the home, as the program names it."""
        return f"/home/dustin/{name}" if self.is_root else str(self.home / name)


@pytest.fixture
def system(tmp_path: Path, executable: Path) -> Iterator[EmptySystem]:
    made = EmptySystem(tmp_path, executable)
    try:
        yield made
    finally:
        made.run("agent", "stop")
        wait_for(lambda: not list(made.temporary.iterdir()))


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_job_where_nothing_is_installed(system: EmptySystem) -> None:
    """A vault, an agent that outlives the command that started it, and a job that reads through it."""
    done = system.run("--version")
    assert (done.code, done.text) == (0, f"strongroom {strongroom.__version__}\n"), done
    key = system.path("job.key")
    assert system.run("init", "--key-file", key).code == 0
    done = system.run("--key-file", key, "set", "bänk/checking", "username=dustin", "password", stdin=b"hunter2\n")
    assert done.code == 0, done
    assert system.run("get", "bänk/checking", "password").code == 8
    done = system.run("--key-file", key, "unlock")
    assert done.code == 0, done
    # Its directory is its own: not that of the command which started it, which took its own away.
    (unpacked,) = system.temporary.iterdir()
    assert stat.S_IMODE(unpacked.stat().st_mode) == 0o700
    for _ in range(2):
        done = system.run("get", "bänk/checking", "password")
        assert (done.code, done.text, done.err) == (0, "hunter2", ""), done
    assert list(system.temporary.iterdir()) == [unpacked]
    status = system.run("agent", "status")
    assert "unlocked" in status.text
    # Its interpreter does not read the variable that chooses the allocator.
    assert "NOT OBTAINED: freed memory is overwritten" in status.text, status
    assert system.run("lock").code == 0
    assert system.run("get", "bänk/checking", "password").code == 3
    assert system.run("agent", "stop").code == 0
    wait_for(lambda: not list(system.temporary.iterdir()))


def test_what_is_loaded_by_name_is_there(system: EmptySystem) -> None:
    """Verbs, kinds of key slots, stores and readers; what needs an extra says which, and a stranger's store is none."""
    key = system.path("job.key")
    assert system.run("init", "--key-file", key).code == 0
    for line in ("ls", "verify", "slot list", "key create k", "key list", "ca init", "doctor"):
        words = line.split()
        done = system.run("--key-file", key, *words)
        assert done.code != 1, (words, done)
        assert "unexpected" not in done.err, (words, done)
    done = system.run("--key-file", key, "import", "--format", "dotenv", "-", stdin=b"A=hunter2\n")
    assert done.code in (0, 14), done  # 14: made without the extra
    done = system.run("--key-file", key, "slot", "add", "recovery-code", "--json")
    assert done.code == 0, done
    done = system.run("--vault", "stranger://host/vault", "ls")
    assert done.code not in (0, 1), done
    assert "stranger" in done.err


def test_programs_that_are_run_get_their_own_libraries(machine: Machine, executable: Path) -> None:
    """Neither the executable's library path nor its notes reach a child; its value, and its status, come through."""
    key = machine.home / "job.key"
    environment = {"HOME": str(machine.home), "TMPDIR": str(machine.root), "LD_LIBRARY_PATH": "/one:/two"}

    def run(*words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [executable, "--key-file", key, *words],
            input=stdin, env=environment, capture_output=True, timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip

    vault = str(machine.home / "other.db")
    environment["STRONGROOM_VAULT"] = vault
    assert run("init").returncode == 0
    assert run("set", "bank", "password", stdin=b"hunter2").returncode == 0
    done = run("run", "--env", "VALUE=strongroom://bank#password", "--", "/usr/bin/env")
    child = dict(line.split("=", 1) for line in done.stdout.decode().splitlines())
    assert child["VALUE"] == "hunter2"
    assert child["LD_LIBRARY_PATH"] == "/one:/two"
    assert not [name for name in child if "PYI" in name or "MEI" in name or name.endswith("_ORIG")]
    done = run("run", "--env", "VALUE=strongroom://bank#password", "--", "/bin/sh", "-c", "exit 42")
    assert done.returncode == 42
    # A script that uses it is not another part of it.
    itself = (str(executable), "--key-file", str(key), "get", "bank")
    done = run("run", "--env", "VALUE=strongroom://bank#password", "--", *itself)
    assert (done.returncode, done.stdout) == (0, b"hunter2"), done
    assert not list(machine.root.glob("_MEI*"))


def test_ctrl_c_at_its_prompt(machine: Machine, executable: Path) -> None:
    """The program ends as by the signal, and takes along what it unpacked."""
    machine.environment["TMPDIR"] = str(machine.root)
    with machine.at_terminal(command=[str(executable), "init", "--passphrase"]) as person:
        person.sees("assphrase")
        person.types("\x03")
        person.process.wait(PATIENCE_SECONDS)
    assert person.process.returncode in (-signal.SIGINT, 128 + signal.SIGINT)
    wait_for(lambda: not list(machine.root.glob("_MEI*")))
    assert not machine.vault.exists()


def test_a_frozen_interpreter_leaves_the_bundle(machine: Machine) -> None:
    """Without an executable at hand: what PyInstaller's parent tells its child is taken out of the environment."""
    frozen = "import runpy, sys; sys.frozen = True; runpy.run_module('strongroom', run_name='__main__', alter_sys=True)"
    machine.environment |= {"_PYI_ARCHIVE_FILE": "x", "_PYI_PARENT_PROCESS_LEVEL": "1", "LD_LIBRARY_PATH": "/bundle"}
    for before in ({}, {"LD_LIBRARY_PATH_ORIG": "/one"}):
        environment = {**machine.full_environment(None, ["run"]), **before}
        done = subprocess.run(
            [sys.executable, "-c", frozen, "run", "--", "/usr/bin/env"],
            env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False, cwd=machine.home,
        )  # fmt: skip
        assert done.returncode == 0, done
        child = dict(line.split("=", 1) for line in done.stdout.splitlines())
        assert not [name for name in child if name.startswith("_PYI_") or name.endswith("_ORIG")]
        assert child.get("LD_LIBRARY_PATH", "") == before.get("LD_LIBRARY_PATH_ORIG", "")
