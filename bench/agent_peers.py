"""Other programs that print one secret: each set up as its users have it, and left out when it is not installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PATIENCE_SECONDS = 20.0
ITEM = "bank-checking"

KEYRING_BACKEND = """
from pathlib import Path
from keyring.backend import KeyringBackend

class PlainFile(KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        return Path(__file__).with_name("value").read_text()

    def set_password(self, service, username, password):
        raise NotImplementedError
"""

Command = list[str]


class Peer:
    """A command that prints the value, and the environment it wants."""

    def __init__(self, name: str, command: Command, environment: dict[str, str]) -> None:
        self.name = name
        self.command = command
        self.environment = environment


def find_program(name: str) -> str | None:
    """The program that a Python package carries, the one beside this interpreter, or the one on PATH.

    A binary inside a package comes first: pip's script, which only starts it, would cost a peer an interpreter's start.
    """
    carried = sorted(Path(sys.prefix).glob(f"lib/python3*/site-packages/*/bin/{name}"))
    if carried:
        if not os.access(carried[0], os.X_OK):
            carried[0].chmod(0o755)  # as the package's own script does when it starts it first
        return str(carried[0])
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name)


@contextmanager
def installed_peers(directory: Path, value: str) -> Iterator[list[Peer]]:
    """The peers that are there, each with *value* stored and checked; what is missing is told."""
    makers = (pass_show, sops_decrypt, keyring_get, bao_kv_get)
    with ExitStack() as cleanup:
        peers = []
        for make in makers:
            place = directory / make.__name__
            place.mkdir(mode=0o700)
            peer = make(place, value, cleanup)
            if peer is None:
                print(f"{make.__name__.replace('_', ' ')} is not installed: its line is left out", file=sys.stderr)
            else:
                peers.append(peer)
        yield peers


def run(command: Command, environment: dict[str, str], stdin: str = "") -> str:
    """What *command* prints.

    Raises: subprocess.CalledProcessError: it failed.
    """
    done = subprocess.run(
        command, env=environment, input=stdin, capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS * 3
    )
    return done.stdout


def pass_show(place: Path, value: str, cleanup: ExitStack) -> Peer | None:
    """``pass show``, with a GnuPG key whose agent asks for nothing."""
    program = find_program("pass")
    if program is None or not find_program("gpg"):
        return None
    # gpg-agent's socket has no room for a long path.
    home = Path("/tmp") / f"srb-{os.getpid()}"
    home.mkdir(mode=0o700)
    cleanup.callback(shutil.rmtree, home, ignore_errors=True)
    environment = {"GNUPGHOME": str(home), "PASSWORD_STORE_DIR": str(place / "store"), "PATH": os.environ["PATH"]}
    environment["HOME"] = str(place)
    cleanup.callback(subprocess.run, ["gpgconf", "--kill", "all"], env=environment, check=False)
    run(["gpg", "--batch", "--passphrase", "", "--quick-gen-key", "bench@example.org"], environment)
    run([program, "init", "bench@example.org"], environment)
    run([program, "insert", "--multiline", ITEM], environment, value)
    return Peer("pass show", [program, "show", ITEM], environment)


def sops_decrypt(place: Path, value: str, _cleanup: ExitStack) -> Peer | None:
    """``sops decrypt`` of one value, with an age key."""
    program, keygen = find_program("sops"), find_program("age-keygen")
    if program is None or keygen is None:
        return None
    environment = {"SOPS_AGE_KEY_FILE": str(place / "key"), "HOME": str(place), "PATH": os.environ["PATH"]}
    run([keygen, "-o", str(place / "key")], environment)
    recipient = run([keygen, "-y", str(place / "key")], environment).strip()
    plain, encrypted = place / "plain.json", place / "secrets.json"
    plain.write_text(f'{{"password": "{value}"}}')
    encrypted.write_text(run([program, "encrypt", "--age", recipient, str(plain)], environment))
    plain.unlink()
    return Peer("sops decrypt", [program, "decrypt", "--extract", '["password"]', str(encrypted)], environment)


def keyring_get(place: Path, value: str, _cleanup: ExitStack) -> Peer | None:
    """``keyring get``, with a backend that reads a file and does nothing else: no real one is faster."""
    program = find_program("keyring")
    if program is None:
        return None
    (place / "bench_backend.py").write_text(KEYRING_BACKEND)
    (place / "value").write_text(value)
    environment = {
        "PYTHON_KEYRING_BACKEND": "bench_backend.PlainFile",
        "PYTHONPATH": str(place),
        "HOME": str(place),
        "PATH": os.environ["PATH"],
    }
    return Peer("keyring get, plain file", [program, "get", "bench", ITEM], environment)


def bao_kv_get(place: Path, value: str, cleanup: ExitStack) -> Peer | None:
    """``bao kv get`` from a development server of OpenBao on this machine."""
    program = find_program("bao")
    if program is None:
        return None
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"127.0.0.1:{port}"
    environment = {"BAO_ADDR": f"http://{address}", "BAO_TOKEN": "bench", "HOME": str(place)}
    environment["PATH"] = os.environ["PATH"]
    options = ["-dev", "-dev-root-token-id=bench", "-dev-no-store-token", f"-dev-listen-address={address}"]
    with (place / "server.log").open("w") as log:
        server = subprocess.Popen([program, "server", *options], env=environment, stdout=log, stderr=log)
    cleanup.callback(end, server)
    wait_for(lambda: socket.create_connection(("127.0.0.1", port), 1).close())
    wait_for(lambda: run([program, "kv", "put", f"secret/{ITEM}", f"password={value}"], environment))
    return Peer("bao kv get", [program, "kv", "get", "-field=password", f"secret/{ITEM}"], environment)


def end(process: subprocess.Popen[bytes]) -> None:
    """Stop *process*."""
    process.terminate()
    process.wait(PATIENCE_SECONDS)


def wait_for(attempt: Callable[[], object]) -> None:
    """Call *attempt* until it does not fail.

    Raises: what it raised last, after 20 seconds.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            attempt()
        except (OSError, subprocess.CalledProcessError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
