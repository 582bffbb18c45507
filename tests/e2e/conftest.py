"""What the scripts of this room run on: a machine of its own for each test, and a person at a terminal."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from strongroom.keys.slots.passphrase import Argon2idProfile, PassphraseCredential
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault.opening import create_vault
from tests.django_site import SiteUnderTest, require_browser
from tests.measured import measuring

# Much longer than anything takes here: a machine that tests may be slow, and busy with something else.
PATIENCE_SECONDS = 60.0
PASSPHRASE = "tea with nine blue elephants"
# The cheapest that the format allows: these tests are about what is asked, not about its cost.
CHEAP = Argon2idProfile(memory_kib=19_456, iterations=1, lanes=1)


class Done:
    """A command that has ended."""

    def __init__(self, code: int, out: bytes, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def text(self) -> str:
        return self.out.decode()

    def __repr__(self) -> str:
        return f"exit {self.code}\nstdout: {self.out!r}\nstderr: {self.err}"


class Machine:
    """A home directory, an environment, and the real ``strongroom`` in processes of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "home"
        self.home.mkdir(mode=0o700)
        self.vault = self.home / ".local" / "share" / "strongroom" / "vault.db"
        self.key = self.home / "key"
        self.environment = {"HOME": str(self.home), "PATH": "/usr/bin:/bin"}

    def full_environment(self, environment: dict[str, str] | None, words: Sequence[str] = ()) -> dict[str, str]:
        """What a process is given; *words* is its command line, where that is one of ours."""
        chosen = self.environment if environment is None else environment
        needed = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
        return {**needed, **measuring(words), **chosen}

    def run(
        self,
        *words: str,
        stdin: bytes = b"",
        environment: dict[str, str] | None = None,
        pass_fds: tuple[int, ...] = (),
    ) -> Done:
        """Without a terminal, as cron does it."""
        done = subprocess.run(
            [sys.executable, "-m", "strongroom", *words],
            input=stdin,
            capture_output=True,
            env=self.full_environment(environment, words),
            cwd=self.home,
            start_new_session=True,
            timeout=PATIENCE_SECONDS,
            pass_fds=pass_fds,
        )
        return Done(done.returncode, done.stdout, done.stderr.decode())

    def at_terminal(
        self, *words: str, environment: dict[str, str] | None = None, command: list[str] | None = None, **pipes: int
    ) -> Person:
        """With a terminal of its own, and somebody at it."""
        return Person(
            command or [sys.executable, "-m", "strongroom", *words],
            environment=self.full_environment(environment, words),
            cwd=self.home,
            pipes=pipes,
        )


class Person:
    """Reads a terminal's screen and types on it; a context manager that ends what still runs."""

    def __init__(
        self, command: list[str], *, environment: dict[str, str], cwd: Path, pipes: dict[str, int]
    ) -> None:
        self.screen = ""
        self._master, self.slave = os.openpty()
        streams = {"stdin": self.slave, "stdout": self.slave, "stderr": self.slave, **pipes}
        self.process = subprocess.Popen(
            command,
            env=environment,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=self._sit_down,
            pass_fds=(self.slave,),
            **streams,
        )

    def _sit_down(self) -> None:
        """In the child: the terminal is its own, and keys send signals, also where the tests run in the background."""
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
        for number in (signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, signal.SIG_DFL)

    def sees(self, text: str) -> Person:
        """Wait until *text* is on the screen, after what was seen before."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while text not in self.screen:
            if not self._read(deadline):
                raise AssertionError(f"{text!r} did not appear; the screen says {self.screen!r}")
        self.seen, _, self.screen = self.screen.partition(text)
        return self

    def types(self, text: str) -> Person:
        """Type a line, or with a control character at its end just that key."""
        data = text.encode()
        is_key = data and data[-1] < 32
        os.write(self._master, data if is_key else data + b"\n")
        return self

    @property
    def echo_is_on(self) -> bool:
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def waits_for(self, condition: str) -> None:
        """Wait until echo is ``"off"`` or ``"on"``."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.echo_is_on is not (condition == "on"):
            assert time.monotonic() < deadline, f"echo never went {condition}"
            time.sleep(0.01)

    def ends(self) -> int:
        """Wait for the end, with the rest of the screen read; the exit code, or minus the signal."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.process.poll() is None:
            self._read(min(deadline, time.monotonic() + 0.05))
            assert time.monotonic() < deadline, f"it does not end; the screen says {self.screen!r}"
        while self._read(time.monotonic() + 0.05):
            continue
        return self.process.returncode

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        self.screen += os.read(self._master, 65536).decode("utf-8", "replace").replace("\r\n", "\n")
        return True

    def __enter__(self) -> Person:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        os.close(self._master)
        os.close(self.slave)


@pytest.fixture(scope="session")
def shoebox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteUnderTest]:
    """The example site with its worker and service, started once for all files that walk through it."""
    require_browser()
    made = SiteUnderTest(tmp_path_factory.mktemp("shoebox"))
    try:
        made.begin()
        yield made
    finally:
        made.site.close()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """An empty machine."""
    os.chmod(tmp_path, 0o700)
    return Machine(tmp_path)


@pytest.fixture
def keyed(machine: Machine) -> Machine:
    """A machine with a vault that a key file opens, named by STRONGROOM_KEY_FILE."""
    done = machine.run("init", "--key-file", str(machine.key))
    assert done.code == 0, done
    machine.environment["STRONGROOM_KEY_FILE"] = str(machine.key)
    return machine


@pytest.fixture
def phrased(machine: Machine) -> Machine:
    """A machine with a vault that PASSPHRASE opens, and an item bank/checking in it."""
    machine.vault.parent.mkdir(parents=True, mode=0o700)
    store = SqliteStore.create(str(machine.vault))
    credential = PassphraseCredential(bytearray(PASSPHRASE.encode()), profile=CHEAP)
    with create_vault(store, [credential], author="dustin") as vault:
        store.publish()
        vault.set("bank/checking", {"username": "dustin", "password": "canary-7f3a"})
    return machine
