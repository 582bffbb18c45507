"""Certificates for tests, and the programs of others that judge them."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from strongroom.crypto.x509.certificates import Certificate
from strongroom.crypto.x509.issuing import Issuer, new_root
from strongroom.crypto.x509.keys import PrivateKey, new_key
from strongroom.crypto.x509.names import parse_constraints, parse_names
from strongroom.locate.key_files import obtain_key_file
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault.opening import create_vault, open_vault
from strongroom.vault.vault import Vault

PERMITTED = ("internal.test", "example.test", "127.0.0.0/8", "10.0.0.0/8", "::1")
NAMES = ("web.internal.test", "api.internal.test", "127.0.0.1", "bot@internal.test")
# Some of these are set on a developer's machine, and hide what is tested.
TRUST_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
PATIENCE_SECONDS = 60.0


class Chain:
    """Root, intermediate and one leaf, in memory."""

    def __init__(self, kind: str = "p256", permit: tuple[str, ...] = PERMITTED, now: datetime | None = None) -> None:
        self.now = now or datetime.now(UTC)
        self.root_key, self.intermediate_key = new_key(kind), new_key(kind)
        constraints = parse_constraints(permit)
        self.root = new_root(self.root_key, "test root", constraints, now=self.now, lifetime=timedelta(days=3650))
        self.intermediate = Issuer(self.root, self.root_key).issue_authority(
            self.intermediate_key.public, "test intermediate", now=self.now, lifetime=timedelta(days=1095)
        )
        self.issuer = Issuer(self.intermediate, self.intermediate_key)

    def leaf(
        self, *names: str, kind: str = "p256", profile: str = "server", lifetime: timedelta | None = None
    ) -> tuple[Certificate, PrivateKey]:
        key = new_key(kind)
        parsed = parse_names(names or NAMES)
        return self.issuer.issue(key.public, parsed, now=self.now, profile=profile, lifetime=lifetime), key

    def write(self, folder: Path, leaf: Certificate, key: PrivateKey | None = None) -> Path:
        """root.pem, intermediate.pem, leaf.pem, chain.pem and service.pem in *folder*."""
        folder.mkdir(exist_ok=True)
        (folder / "root.pem").write_bytes(self.root.pem())
        (folder / "intermediate.pem").write_bytes(self.intermediate.pem())
        (folder / "leaf.pem").write_bytes(leaf.pem())
        (folder / "chain.pem").write_bytes(leaf.pem() + self.intermediate.pem())
        if key is not None:
            (folder / "service.pem").write_bytes(bytes(key.pem()) + leaf.pem() + self.intermediate.pem())
        return folder


class Place(Protocol):
    """A machine of tests/e2e."""

    home: Path
    vault: Path
    key: Path
    environment: dict[str, str]


@contextmanager
def vault_with_authority(
    machine: Place, permit: tuple[str, ...] = ("internal.test", "localhost", "127.0.0.1"), ago: timedelta = timedelta()
) -> Iterator[Vault]:
    """The machine's vault, made if it has none, with an authority; root.pem and intermediate.pem in its home.

    In this process: the five commands that would do it take a second or two.

    Args:
        ago: by how much the clock is behind while it is open.
    """
    credential, is_new = obtain_key_file(str(machine.key))
    machine.environment["STRONGROOM_KEY_FILE"] = str(machine.key)

    def clock_us() -> int:
        return time.time_ns() // 1000 - ago // timedelta(microseconds=1)

    if not is_new:
        with open_vault(SqliteStore.open(str(machine.vault)), credential, author="tester") as vault:
            yield vault
        return
    machine.vault.parent.mkdir(parents=True, mode=0o700)
    store = SqliteStore.create(str(machine.vault))
    with create_vault(store, [credential], author="tester", clock_us=clock_us) as vault:
        store.publish()
        vault.ca.create(permit)
        (machine.home / "root.pem").write_bytes(vault.ca.root.pem())
        (machine.home / "intermediate.pem").write_bytes(vault.ca.intermediate.pem())
        yield vault


def environment(**more: str) -> dict[str, str]:
    """This process's, without what names other roots."""
    return {name: value for name, value in os.environ.items() if name not in TRUST_VARIABLES} | more


def run(*command: str, cwd: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    """A program of others, to its end."""
    return subprocess.run(
        command, cwd=cwd, env=environment(**more), capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )


def openssl(folder: Path, *options: str, leaf: str = "leaf.pem") -> subprocess.CompletedProcess[str]:
    """Verify strictly."""
    return run(
        "openssl", "verify", "-x509_strict", *options, "-CAfile", "root.pem", "-untrusted", "intermediate.pem", leaf,
        cwd=folder,
    )  # fmt: skip


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until somebody listens."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert process.poll() is None, "the server has ended"
            assert time.monotonic() < deadline, "nobody listens"
            time.sleep(0.02)
