"""The machine that the other programs and strongroom share."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import PATIENCE_SECONDS, Done, Machine
from tests.peers import require_programs

__all__ = ["Desktop"]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """An empty machine."""
    os.chmod(tmp_path, 0o700)
    return Machine(tmp_path)


@pytest.fixture
def keyed(machine: Machine) -> Machine:
    """A machine with a vault that a key file opens; no variable names the key file."""
    done = machine.run("init", "--key-file", str(machine.key))
    assert done.code == 0, done
    return machine


class Desktop:
    """A session bus and a real gnome-keyring on it, unlocked, in a home of their own."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.log = machine.root / "bus.log"
        runtime = machine.root / "runtime"
        runtime.mkdir(mode=0o700)
        # The bus starts programs by itself, such as the one that asks for a password: they find no display.
        self.environment = {**machine.environment, "XDG_RUNTIME_DIR": str(runtime)}
        with self.log.open("wb") as log:
            self._bus = subprocess.Popen(
                ["dbus-daemon", "--session", "--nofork", "--print-address=1", f"--address=unix:dir={runtime}"],
                stdout=subprocess.PIPE,
                stderr=log,
                env=self.environment,
            )
        assert self._bus.stdout is not None
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = self._bus.stdout.readline().decode().strip()
        self._is_stopped = False
        machine.run = self._again_where_slow(machine.run)  # type: ignore[method-assign]
        self._keyring = subprocess.Popen(
            ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self.environment,
        )
        assert self._keyring.stdin is not None
        self._keyring.stdin.write(b"login password")
        self._keyring.stdin.close()
        self.run("gdbus", "wait", "--session", "--timeout", "60", "org.freedesktop.secrets")

    def _again_where_slow(self, run: Callable[..., Done]) -> Callable[..., Done]:
        """The bus has a second to answer, the keyring five: where both are slow a command is repeated, as people do."""

        def run_again(*words: str, environment: dict[str, str] | None = None, **more: bytes) -> Done:
            given = (environment or {}).get("DBUS_SESSION_BUS_ADDRESS")
            said = ["there is no session with an OS keyring", *(() if self._is_stopped else ("did not answer within",))]
            for _ in range(10):
                done = run(*words, environment=environment, **more)
                if given != self.environment["DBUS_SESSION_BUS_ADDRESS"] or not any(one in done.err for one in said):
                    break
            return done

        return run_again

    def run(self, *command: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Another program of this session."""
        return subprocess.run(
            command, input=stdin, capture_output=True, env=self.environment, timeout=PATIENCE_SECONDS, check=False
        )

    def secrets(self) -> list[str]:
        """The names of strongroom's entries, as secret-tool sees them."""
        done = self.run("secret-tool", "search", "--all", "service", "strongroom")
        lines = (done.stdout + done.stderr).decode().splitlines()
        return sorted(line.rpartition(" = ")[2] for line in lines if line.startswith("attribute.username"))

    def lookup(self, name: str) -> bytes:
        """An entry's text."""
        return self.run("secret-tool", "lookup", "service", "strongroom", "username", name).stdout

    def lock(self) -> None:
        """Lock the keyring, as a screen saver may."""
        method = ("--object-path", "/org/freedesktop/secrets", "--method", "org.freedesktop.Secret.Service.Lock")
        login = "[objectpath '/org/freedesktop/secrets/collection/login']"
        done = self.run("gdbus", "call", "--session", "--dest", "org.freedesktop.secrets", *method, login)
        assert done.returncode == 0, done.stderr

    def stop(self) -> None:
        """Stop the keyring's process."""
        self._is_stopped = True
        self._keyring.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Continue it."""
        self._is_stopped = False
        self._keyring.send_signal(signal.SIGCONT)

    def was_asked(self) -> bool:
        """Whether a window was opened, or tried to, to ask somebody for a password."""
        return b"SystemPrompter" in self.log.read_bytes()

    def close(self) -> None:
        self.go_on()
        for process in (self._keyring, self._bus):
            process.terminate()
            process.wait(PATIENCE_SECONDS)
            if process.stdout is not None:
                process.stdout.close()


@pytest.fixture
def desktop(keyed: Machine) -> Iterator[Desktop]:
    """A desktop session, on a machine with a vault that a key file opens."""
    require_programs("dbus-daemon", "gnome-keyring-daemon", "secret-tool", "gdbus")
    session = Desktop(keyed)
    yield session
    session.close()
