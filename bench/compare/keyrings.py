"""The keyring library among the programs of the comparison: on a desktop's service, and with an encrypted file."""

# ruff: noqa: D102 - what the class above says of a method holds for each program
from __future__ import annotations

import importlib.util
import shutil
import signal
import subprocess
import sys
import tempfile
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

from bench.compare.programs import BUILD, PATIENCE_SECONDS, NotHere, Program, need, run, wait_for

TRIES, FEW_SECONDS = 4, 8.0
PASSPHRASE = "tea-with-nine-blue-elephants"
VERSION = "import importlib.metadata as m; print(m.version('{}'))"
# The backend asks for its passphrase on a terminal, and has an attribute for programs that know it.
JOB = """\
import sys
from pathlib import Path
from keyrings.alt.file import EncryptedKeyring

ring = EncryptedKeyring()
ring.keyring_key = Path({passphrase!r}).read_text()
if sys.argv[1] == "set":
    ring.set_password("shop", sys.argv[2], sys.stdin.read())
else:
    value = ring.get_password("shop", sys.argv[2])
    if value is None:
        sys.exit("not found")
    print(value)
"""


def directory_of(module: str, *packages: str) -> str:
    """The directory to import *module* from; "" when Python finds it by itself.

    Raises: NotHere: it can be neither found nor installed.
    """
    try:
        if importlib.util.find_spec(module):
            return ""
    except ModuleNotFoundError:
        pass  # not even its parent is there: below it is installed
    target = BUILD / module
    if not target.exists():
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-qq"]
        if subprocess.run([*pip, "--target", str(target), *packages], capture_output=True, check=False).returncode:
            raise NotHere(module)
    return str(target)


class KeyringAlt(Program):
    """The encrypted file of keyrings.alt, for machines without a desktop; read and written by a script."""

    name, setup = "keyring: keyrings.alt", "its encrypted file; a passphrase in a file"
    pip = ("keyrings.alt", "keyring", "pycryptodomex")

    def start(self) -> None:
        target = directory_of("keyrings.alt.file", *self.pip)
        self.settings = {"XDG_DATA_HOME": str(self.store)} | ({"PYTHONPATH": target} if target else {})
        self.help_commands = [[sys.executable, "-m", "keyring", "--help"]]
        self.path = self.store / "python_keyring" / "crypted_pass.cfg"
        self.passphrase = self.home / "passphrase"
        self.passphrase.touch(mode=0o600)
        self.passphrase.write_text(PASSPHRASE)
        self.keys = [PASSPHRASE]
        self.job = self.home / "job.py"
        self.job.write_text(JOB.format(passphrase=str(self.passphrase)))

    def version(self) -> str:
        return self.checked([sys.executable, "-c", VERSION.format("keyrings.alt")]).strip()

    def putting(self, name: str, value: str) -> tuple[list[str], str]:
        return [sys.executable, str(self.job), "set", name], value

    def getting(self, name: str) -> list[str]:
        return [sys.executable, str(self.job), "get", name]

    def _read(self) -> RawConfigParser:
        parser = RawConfigParser()
        parser.read(self.path)
        return parser

    def cut(self, name: str) -> Any:
        return self._read()["shop"][name.replace("_", "_5F")]

    def paste(self, name: str, what: Any) -> None:
        parser = self._read()
        parser["shop"][name.replace("_", "_5F")] = what
        with self.path.open("w") as file:
            parser.write(file)

    def lose_key(self) -> None:
        self.passphrase.write_text("another one")


class KeyringDesktop(Program):
    """keyring's own choice on Linux: the Secret Service, here GNOME's, with a bus of its own, unlocked by a login."""

    name, setup = "keyring: desktop", "GNOME's Secret Service, unlocked by a login's password"
    apt = ("gnome-keyring", "dbus")
    pip = ("keyring", "SecretStorage")
    bus: subprocess.Popen[bytes] | None = None
    service: subprocess.Popen[bytes] | None = None
    password = PASSPHRASE

    def start(self) -> None:
        # A socket has no room for a long path.
        self.run_directory = Path(tempfile.mkdtemp(prefix="bus-"))
        self.dbus, self.daemon = need("dbus-daemon"), need("gnome-keyring-daemon")
        if not importlib.util.find_spec("secretstorage"):
            raise NotHere("SecretStorage")
        self.settings = {
            "PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring", "XDG_DATA_HOME": str(self.store),
        }  # fmt: skip
        self.session = {
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.run_directory}/bus",
            "XDG_RUNTIME_DIR": str(self.run_directory),
        }
        self.keys = [self.password]
        self.help_commands = [[sys.executable, "-m", "keyring", "--help"], [self.daemon, "--help"]]
        self.again()

    def again(self) -> None:
        # Killed, the service may leave a bus behind on which the next one finds no place: then both are made anew.
        for _ in range(TRIES - 1):
            try:
                return self._once(FEW_SECONDS)
            except OSError:
                self.end_for_a_while()
        return self._once(PATIENCE_SECONDS)

    def _once(self, seconds: float) -> None:
        if self.bus is None:
            (self.run_directory / "bus").unlink(missing_ok=True)
            shutil.rmtree(self.run_directory / "keyring", ignore_errors=True)
            words = ["--session", "--nofork", "--nopidfile", f"--address=unix:path={self.run_directory}/bus"]
            self.bus = subprocess.Popen([self.dbus, *words], env=self.environment(), stderr=subprocess.DEVNULL)
            wait_for(lambda: self._or_raise((self.run_directory / "bus").exists()), seconds)
        self.service = subprocess.Popen(
            [self.daemon, "--unlock", "--components=secrets", "--foreground"], env=self.environment(),
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self.service.stdin is not None
        self.service.stdin.write(self.password.encode())
        self.service.stdin.close()
        words = ["--session", "--dest=org.freedesktop.DBus", "--print-reply", "/", "org.freedesktop.DBus.GetNameOwner"]
        asking = ["dbus-send", *words, "string:org.freedesktop.secrets"]
        wait_for(lambda: self._or_raise(run(asking, self.environment()).code == 0), seconds)

    def _or_raise(self, is_done: bool) -> None:
        if not is_done:
            raise OSError("its service does not start")

    def end_for_a_while(self) -> None:
        for process in (self.service, self.bus):
            if process is not None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        self.service = self.bus = None

    def end(self) -> None:
        self.end_for_a_while()
        shutil.rmtree(self.run_directory, ignore_errors=True)

    def server_pid(self) -> int | None:
        return self.service.pid if self.service else None

    def version(self) -> str:
        return self.checked([sys.executable, "-c", VERSION.format("keyring")]).strip()

    def putting(self, name: str, value: str) -> tuple[list[str], str]:
        return [sys.executable, "-m", "keyring", "set", "shop", name], value

    def getting(self, name: str) -> list[str]:
        return [sys.executable, "-m", "keyring", "get", "shop", name]

    def cut(self, name: str) -> Any:
        raise NotHere("all values are one ciphertext")

    def lose_key(self) -> None:
        self.end_for_a_while()
        self.password = "another one"
        self.again()
