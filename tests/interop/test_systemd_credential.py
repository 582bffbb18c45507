"""A systemd service's credential is a key file: laid down by a real systemd, and as systemd lays it down for others."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import strongroom
from strongroom.locate import unlock
from strongroom.stores.registry import open_store
from tests.e2e.conftest import PATIENCE_SECONDS, Machine
from tests.peers import require, require_programs

NOBODY = 65_534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can lay down files of other users")

# A user's systemd in a mount namespace of its own, where it believes that the machine was booted by one.
# Mounts are shared there, because a service's credentials are a ramfs that systemd mounts.
IN_NAMESPACE = """
set -eu
mount --make-rshared /
mkdir -p /run/systemd
mount -t tmpfs -o mode=755 tmpfs /run/systemd
mkdir /run/systemd/system
timeout 60 dbus-daemon --session --nofork --nosyslog --address=$DBUS_SESSION_BUS_ADDRESS 2>/dev/null & bus=$!
timeout 60 /lib/systemd/systemd --user --unit=basic.target >/dev/null 2>&1 & manager=$!
trap 'kill $manager $bus; wait' EXIT
tries=0
until systemctl --user is-active --quiet basic.target; do
    tries=$((tries + 1)); test $tries -lt 100; sleep 0.1
done
systemd-run --user --quiet --wait --pipe --working-directory=/ -p "LoadCredential=strongroom-key:$CREDENTIAL" \
    -E HOME="$HOME" -E PYTHONPATH="${PYTHONPATH:-}" "$@"
"""


@needs_root
def test_a_service_of_a_real_systemd(keyed: Machine) -> None:
    """`LoadCredential=strongroom-key:FILE` is all that a unit needs."""
    require_programs("unshare", "systemd-run", "dbus-daemon")
    assert keyed.run("set", "bank/checking", "password", "--key-file", str(keyed.key), stdin=b"canary-90c2\n").code == 0
    runtime = keyed.root / "runtime"
    runtime.mkdir(mode=0o700)
    environment = {
        **keyed.full_environment(None),
        "XDG_RUNTIME_DIR": str(runtime),
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={runtime}/bus",
        "CREDENTIAL": str(keyed.key),
    }
    look = 'stat -c "%a %u" "$CREDENTIALS_DIRECTORY" "$CREDENTIALS_DIRECTORY"/*; stat -f -c %T "$CREDENTIALS_DIRECTORY"'
    get = f"{sys.executable} -m strongroom get bank/checking password"
    without = f"env -u CREDENTIALS_DIRECTORY {get}"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", IN_NAMESPACE, "sh", "sh", "-c", f"{look}; {get}; echo; {without}"],
        env=environment,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    output = done.stdout.decode().splitlines()
    assert output == ["500 0", "400 0", "ramfs", "canary-90c2"], done
    assert done.returncode == 8, "without the credential nothing opens it"


def acl(*entries: tuple[int, int, int]) -> bytes:
    """A POSIX access control list as the kernel stores it: (tag, permissions, id) for each entry."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def grant(path: Path, permissions: int) -> None:
    """Let NOBODY have root's file in the way systemd does it: an entry for the user, seen as the group's bits."""
    user, named, group, mask, others, nobody_else = 1, 2, 4, 16, 32, 0xFFFF_FFFF
    entries = (
        (user, permissions, nobody_else),
        (named, permissions, NOBODY),
        (group, 0, nobody_else),
        (mask, permissions, nobody_else),
        (others, 0, nobody_else),
    )
    try:
        os.setxattr(path, "system.posix_acl_access", acl(*entries))
    except OSError as error:
        require(False, f"no access control lists in {path.parent}: {error.strerror}")


class Service:
    """A vault of NOBODY's, and a credentials directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.credentials = root / "credentials"
        self.credentials.mkdir(mode=0o700)
        self.credential = self.credentials / "strongroom-key"
        self.home = root / "home"
        self.home.mkdir(mode=0o700)
        self.vault = self.home / "vault.db"
        key = root / "key"
        with strongroom.create(self.vault, key_file=key) as vault:
            vault.set("a", {"x": "1"})
        self.credential.write_bytes(key.read_bytes())
        self.credential.chmod(0o400)
        # What is imported late must be there before a process that may not read it becomes NOBODY's.
        assert self._attempt() == "1"
        for path in (self.home, *self.home.iterdir()):
            os.chown(path, NOBODY, NOBODY)

    def opens(self, uid: int = NOBODY) -> str:
        """What opening the vault as *uid* says: the item's value, or the error's class."""
        return as_user(uid, self._attempt)

    def _attempt(self) -> str:
        environment = {"CREDENTIALS_DIRECTORY": str(self.credentials)}
        with unlock.unlock(open_store(str(self.vault)), environment=environment) as vault:
            return vault.get("a").public("x")


def as_user(uid: int, attempt: Callable[[], str]) -> str:
    """The result of *attempt*, or its error's class, in a process of another user."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # From Python 3.12 on a fork warns of threads; the child's one thread is all it needs.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            os.write(writing, attempt().encode())
        except BaseException as error:
            os.write(writing, type(error).__name__.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    return said


@pytest.fixture
def service() -> Iterator[Service]:
    """In a directory that every user can reach, unlike pytest's own."""
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)
    yield Service(root)
    shutil.rmtree(root)


@needs_root
def test_a_service_with_a_user_of_its_own(service: Service) -> None:
    """With User= the credential stays root's, and the user gets an access control list: mode 0440, directory 0550."""
    assert service.opens() != "1"
    grant(service.credential, 4)
    grant(service.credentials, 5)
    assert (service.credential.stat().st_mode & 0o777, service.credentials.stat().st_mode & 0o777) == (0o440, 0o550)
    assert service.opens() == "1"


@needs_root
def test_a_file_system_without_lists(service: Service) -> None:
    """There systemd gives the file and its directory to the user."""
    for path in (service.credential, service.credentials):
        os.chown(path, NOBODY, NOBODY)
    service.credentials.chmod(0o500)
    assert service.opens() == "1"


@needs_root
def test_what_systemd_never_lays_down_is_refused(service: Service) -> None:
    """A group's bit without root's ownership, a world's bit, a directory others write, a link, another user's file."""
    grant(service.credential, 4)
    grant(service.credentials, 5)
    spoilt: dict[str, Callable[[], object]] = {
        "a group of its own": lambda: os.chown(service.credential, 0, 100),
        "the group may write": lambda: service.credential.chmod(0o460),
        "anybody may read": lambda: service.credential.chmod(0o444),
        "anybody may write the directory": lambda: service.credentials.chmod(0o557),
        "another user's": lambda: os.chown(service.credential, 1000, 0),
    }
    for case, spoil in spoilt.items():
        spoil()
        assert service.opens() == "UnsafePermissions", case
        os.chown(service.credential, 0, 0)
        grant(service.credential, 4)
        grant(service.credentials, 5)
        assert service.opens() == "1", case
    elsewhere = service.credentials / "elsewhere"
    service.credential.rename(elsewhere)
    service.credential.symlink_to(elsewhere)
    assert service.opens() == "UnsafePermissions"


def test_an_encrypted_credential(keyed: Machine) -> None:
    """What `systemd-creds encrypt` makes for LoadCredentialEncrypted= comes out as the key file it was."""
    require_programs("systemd-creds")
    assert keyed.run("set", "a", "x=1", "--key-file", str(keyed.key)).code == 0
    environment = {**os.environ, "SYSTEMD_CREDENTIAL_SECRET": str(keyed.root / "host-secret")}
    encrypted = keyed.root / "strongroom-key.cred"

    def creds(*words: str | Path) -> None:
        done = subprocess.run(["systemd-creds", *words], env=environment, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr

    creds("setup")
    creds("encrypt", "--with-key=host", "--name=strongroom-key", keyed.key, encrypted)
    assert b"strongroom-key-v1" not in encrypted.read_bytes()
    folder = keyed.root / "credentials"
    folder.mkdir(mode=0o700)
    creds("decrypt", "--name=strongroom-key", encrypted, folder / "strongroom-key")
    (folder / "strongroom-key").chmod(0o400)
    folder.chmod(0o500)
    done = keyed.run("get", "a", environment={**keyed.environment, "CREDENTIALS_DIRECTORY": str(folder)})
    assert (done.code, done.out) == (0, b"1"), done
