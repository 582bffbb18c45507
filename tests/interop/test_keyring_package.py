"""The keyring package on top of the vault: its own suite for backends, and what it does while it looks for one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import keyring.backend
import keyring.errors
import pytest
from keyring.testing.backend import BackendBasicTests

import strongroom
from strongroom.doors.keyring import PRIORITY, VaultKeyring
from tests.e2e.conftest import Machine

BACKEND = "strongroom.doors.keyring.VaultKeyring"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A vault that STRONGROOM_VAULT and STRONGROOM_KEY_FILE name."""
    tmp_path.chmod(0o700)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("STRONGROOM_VAULT", str(tmp_path / "vault.db"))
    monkeypatch.setenv("STRONGROOM_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.delenv("STRONGROOM_AGENT_SOCKET", raising=False)
    strongroom.create(tmp_path / "vault.db", key_file=tmp_path / "key").lock()
    return tmp_path


@pytest.mark.filterwarnings("ignore:Empty usernames are deprecated:DeprecationWarning")
class TestItsOwnSuite(BackendBasicTests):
    """What keyring asks of every backend, with its own tests."""

    @pytest.fixture(autouse=True)
    def _vault(self, place: Path) -> None:
        """Before the suite's own fixture, which makes the backend."""

    @pytest.fixture(autouse=True)
    def _init_properties(self, _vault: None) -> Iterator[None]:
        self.keyring = self.init_keyring()
        self.credentials_created: set[tuple[str, str]] = set()
        yield
        self.cleanup()

    def init_keyring(self) -> VaultKeyring:
        return VaultKeyring()


def test_the_suite_is_all_there() -> None:
    """Fifteen tests, as keyring 25 has them; fewer would mean that a new name hides one."""
    inherited = [name for name in dir(TestItsOwnSuite) if name.startswith("test_")]
    assert len(inherited) >= 15


def test_entries_are_items_that_people_can_read(place: Path) -> None:
    """The item says service and user as they were given; its path holds what a path can."""
    VaultKeyring().set_password("https://a/b", " ü%", "pw")
    with strongroom.open() as vault:
        assert list(vault.walk()) == ["keyring/https:%2F%2Fa%2Fb/%20ü%25"]
        item = vault.get("keyring/https:%2F%2Fa%2Fb/%20ü%25")
        assert (item.public("service"), item.public("username")) == ("https://a/b", " ü%")
        assert item.is_secret("password")
        assert vault.history("keyring/https:%2F%2Fa%2Fb/%20ü%25")[0].number == 1


def test_a_new_password_is_a_new_version(place: Path) -> None:
    """Nothing is lost by a program that overwrites, or deletes."""
    backend = VaultKeyring()
    for password in ("one", "two"):
        backend.set_password("s", "u", password)
    backend.delete_password("s", "u")
    assert backend.get_password("s", "u") is None
    assert backend.get_credential("s", None) is None
    with pytest.raises(keyring.errors.PasswordDeleteError):
        backend.delete_password("s", "u")
    with strongroom.open() as vault:
        assert vault.get("keyring/s/u", "password", version=1).reveal() == "one"
        vault.restore("keyring/s/u")
    assert backend.get_password("s", "u") == "two"
    backend.delete_password("s", "u")
    backend.set_password("s", "u", "three")
    assert backend.get_password("s", "u") == "three"


def test_a_locked_vault_is_said_and_nobody_is_asked(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key: KeyringLocked, with the command that unlocks, in every operation."""
    monkeypatch.delenv("STRONGROOM_KEY_FILE")
    backend = VaultKeyring()
    operations = (
        lambda: backend.get_password("s", "u"),
        lambda: backend.set_password("s", "u", "canary-4411"),
        lambda: backend.delete_password("s", "u"),
        lambda: backend.get_credential("s", None),
    )
    for operation in operations:
        with pytest.raises(keyring.errors.KeyringLocked, match="strongroom unlock") as caught:
            operation()
        assert "canary" not in str(caught.value)


def test_no_vault_is_not_a_backend(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this user has none, keyring passes us over; a name that leads nowhere is an InitError."""
    assert PRIORITY == VaultKeyring.priority < 5
    assert VaultKeyring.viable
    monkeypatch.setenv("STRONGROOM_VAULT", str(place / "none.db"))
    with pytest.raises(RuntimeError, match="strongroom init"):
        assert VaultKeyring.priority
    assert not VaultKeyring.viable
    with pytest.raises(keyring.errors.InitError):
        VaultKeyring().get_password("s", "u")


def test_what_is_no_password_is_refused(place: Path) -> None:
    """Bytes, half of a surrogate pair and names without end are keyring's own errors, and hold no value."""
    backend = VaultKeyring()
    with strongroom.open() as vault:
        vault.set("keyring/s/b", {"password": b"\xff", "username": "b"})
        vault.set("keyring/s/n", {"note": "x"})
    for user in ("b", "n"):
        with pytest.raises(keyring.errors.KeyringError):
            backend.get_password("s", user)
    with pytest.raises(keyring.errors.PasswordSetError) as caught:
        backend.set_password("s", "u", "canary\ud800")
    assert "canary" not in str(caught.value)
    for name in ("x" * 5000, "\ud800"):
        with pytest.raises(keyring.errors.KeyringError):
            backend.get_password(name, "u")


def test_its_properties_name_another_vault(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """KEYRING_PROPERTY_LOCATION and _FOLDER are taken, as keyring documents it."""
    strongroom.create(place / "other.db", key_file=place / "key").lock()
    monkeypatch.setenv("KEYRING_PROPERTY_LOCATION", str(place / "other.db"))
    monkeypatch.setenv("KEYRING_PROPERTY_FOLDER", "apps")
    VaultKeyring().set_password("s", "u", "elsewhere")
    with strongroom.open(place / "other.db") as vault:
        assert vault.get("apps/s/u", "password").reveal() == "elsewhere"


PROBE = """
import sys
import keyring.backend, keyring.core

seen = []
DEEDS = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "socket.connect", "sqlite3.connect")
sys.addaudithook(lambda event, arguments: event in DEEDS and seen.append(event))
import strongroom.doors.keyring
viable = strongroom.doors.keyring.VaultKeyring.viable
print(viable, seen, "cryptography" in sys.modules, "sqlite3" in sys.modules)
"""


def test_probing_is_silent(keyed: Machine) -> None:
    """Asked for its priority it starts, opens, connects to and prints nothing, and loads no cryptography or SQLite."""
    environment = keyed.full_environment({**keyed.environment, "STRONGROOM_VAULT": str(keyed.vault)})
    environment.pop("COVERAGE_PROCESS_CONFIG", None)  # coverage itself loads SQLite
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        env=environment,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("True [] False False\n", "")


def test_programs_use_it_through_the_package(keyed: Machine) -> None:
    """The keyring command itself, with the vault behind it, over a pipe and without a terminal."""
    environment = {
        **keyed.environment,
        "STRONGROOM_KEY_FILE": str(keyed.key),
        "PYTHON_KEYRING_BACKEND": BACKEND,
        "PYTHONWARNINGS": "error",
    }

    def run(*words: str, stdin: bytes = b"", **more: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "keyring", *words],
            input=stdin,
            env=keyed.full_environment({**environment, **more}),
            capture_output=True,
            timeout=60,
            check=False,
        )

    assert run("set", "pypi", "me", stdin=b"canary-77aa\n").returncode == 0
    assert run("get", "pypi", "me").stdout == b"canary-77aa\n"
    assert keyed.run("get", "keyring/pypi/me", "password", "--key-file", str(keyed.key)).out == b"canary-77aa"
    started = time.monotonic()
    done = run("get", "pypi", "me", STRONGROOM_KEY_FILE="")
    assert done.returncode != 0
    assert b"strongroom unlock" in done.stderr
    assert time.monotonic() - started < 60
    assert run("del", "pypi", "me").returncode == 0
    assert run("get", "pypi", "me").returncode == 1


def test_the_entry_point_is_declared() -> None:
    """Installed, keyring finds the backend by itself."""
    import tomllib

    declared = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["entry-points"]
    module = declared["keyring.backends"]["strongroom"]
    assert any(kind.__module__ == module for kind in keyring.backend.KeyringBackend._classes)
    assert os.path.basename(module.replace(".", "/")) == "keyring"


def test_through_the_agent(keyed: Machine) -> None:
    """With no key in the program: the agent answers while it is unlocked, and locked it is KeyringLocked at once."""
    program = (
        "import keyring.errors\n"
        "from strongroom.doors.keyring import VaultKeyring\n"
        "backend = VaultKeyring()\n"
        "try:\n"
        "    backend.set_password('s', 'u', 'p')\n"
        "    print(backend.get_password('s', 'u'), backend.get_password('s', 'x'))\n"
        "    print(backend.get_credential('s', None).username, backend.get_credential('x', None))\n"
        "    backend.delete_password('s', 'u')\n"
        "except keyring.errors.KeyringLocked as error:\n"
        "    print('locked', 'strongroom unlock' in str(error))\n"
    )
    environment = {name: value for name, value in keyed.environment.items() if name != "STRONGROOM_KEY_FILE"}

    def run() -> str:
        return subprocess.run(
            [sys.executable, "-c", program],
            env=keyed.full_environment(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout

    assert keyed.run("unlock", "--key-file", str(keyed.key)).code == 0
    try:
        assert run() == "p None\nu None\n"
        assert keyed.run("lock").code == 0
        assert run() == "locked True\n"
    finally:
        keyed.run("agent", "stop")
    assert run() == "locked True\n"
