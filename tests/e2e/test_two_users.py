"""The example of the two users with three real ones: web leaves, sync reads, the agent serves, and root holds the key.

Needs root and Debian's user tools; what is made is removed again. Otherwise it says why it was skipped.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_cron import copy_modules, remove_user
from tests.e2e.test_system_agent import is_for_everybody

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "two-users"
PASSWORD = "correct-Horse-27-battery"
PATIENCE_SECONDS = 60.0
TOOLS = ("useradd", "userdel", "groupadd", "groupdel", "usermod", "runuser", "install", "shred")
MISSING = [tool for tool in TOOLS if not shutil.which(tool)]
IS_ROOT = sys.platform.startswith("linux") and os.geteuid() == 0

pytestmark = [
    pytest.mark.skipif(not IS_ROOT, reason="only root can make three users and become each of them"),
    pytest.mark.skipif(bool(MISSING), reason=f"these tools are missing: {MISSING}"),
]


class World:
    """The arrangement that the example's own script has made, under names of this test's own."""

    def __init__(self, root: Path) -> None:
        tag = os.urandom(3).hex()
        self.root = root
        self.owner, self.web, self.sync, self.group = (f"{word}-{tag}" for word in ("srv", "srw", "srs", "srg"))
        self.state, self.keys, self.run_directory = root / "state", root / "keys", root / "run"
        self.socket = self.run_directory / "agent.sock"
        self.script = EXAMPLE / "setup.sh"
        self.modules = root / "modules"
        self.modules.mkdir()
        copy_modules(self.modules)
        for name in ("web.py", "sync.py"):
            shutil.copy(EXAMPLE / name, root)
        root.chmod(0o755)
        self.python = self._python()
        self.agent: subprocess.Popen[bytes] | None = None

    def _python(self) -> str:
        for path in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
            if os.path.exists(path) and all(map(is_for_everybody, (Path(path).absolute(), Path(path).resolve()))):
                return path
        pytest.skip("no interpreter of this version that every user may run")

    def set_up(self) -> subprocess.CompletedProcess[str]:
        names = {"OWNER": self.owner, "WEB": self.web, "SYNC": self.sync, "GROUP": self.group}
        places = {"STATE": str(self.state), "KEYS": str(self.keys)}
        program = {"STRONGROOM": f"{self.python} -m strongroom", "PYTHONPATH": str(self.modules)}
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **names, **places, **program}
        done = subprocess.run(
            [str(self.script)], env=environment, capture_output=True, text=True, timeout=120, cwd="/"
        )
        if done.returncode == 0:
            self.run_directory.mkdir()
            shutil.chown(self.run_directory, self.owner, self.owner)
        return done

    def environment(self, user: str) -> dict[str, str]:
        chosen = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(self.modules),
            "STRONGROOM_VAULT": str(self.state / "vault.db"),
        }
        if self.agent is not None:
            chosen["STRONGROOM_AGENT_SOCKET"] = str(self.socket)
        if user == self.web:
            chosen["STRONGROOM_DEPOSIT_KEY"] = str(self.keys / "web" / "deposit.key")
        return chosen

    def as_user(self, user: str, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        entry = pwd.getpwnam(user)
        groups = [group.gr_gid for group in grp.getgrall() if user in group.gr_mem]
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=PATIENCE_SECONDS, cwd=self.root,
            env=self.environment(user), user=entry.pw_uid, group=entry.pw_gid, extra_groups=groups,
        )  # fmt: skip

    def strongroom(self, user: str, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return self.as_user(user, self.python, "-m", "strongroom", *words, stdin=stdin)

    def start_agent(self) -> None:
        words = ["--vault", self.state / "vault.db", "--key-file", self.keys / "vault.key", "--user", self.owner]
        self.agent = subprocess.Popen(
            [self.python, "-m", "strongroom", "agent", *map(str, words), "--socket", str(self.socket)],
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(self.modules), "HOME": "/nonexistent"},
            cwd="/",
            stderr=subprocess.PIPE,
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        # Its mode is opened to others once the vault is open and the grants are known.
        while not (self.socket.exists() and self.socket.stat().st_mode & 0o006):
            assert self.agent.poll() is None, self.agent.stderr and self.agent.stderr.read()
            assert time.monotonic() < deadline, "the agent does not serve"
            time.sleep(0.05)

    def stop_agent(self) -> None:
        if self.agent is not None:
            self.agent.send_signal(signal.SIGTERM)
            self.agent.communicate(timeout=PATIENCE_SECONDS)
            self.agent = None

    def tear_down(self) -> None:
        self.stop_agent()
        for name in (self.owner, self.web, self.sync):
            if any(entry.pw_name == name for entry in pwd.getpwall()):
                remove_user(name)
        subprocess.run(["groupdel", self.group], capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    root = Path(tempfile.mkdtemp(prefix="strongroom-two-users-", dir="/var/tmp"))
    made = World(root)
    try:
        done = made.set_up()
        assert done.returncode == 0, done.stderr
        made.start_agent()
        yield made
    finally:
        made.tear_down()
        shutil.rmtree(root)


def leave(world: World, site: str, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
    return world.as_user(world.web, world.python, "web.py", site, "dustin", stdin=password + "\n")


def test_web_leaves_and_sync_reads(world: World) -> None:
    """A password that web has left is what sync logs in with; the agent's process is neither root nor the two."""
    done = leave(world, "bank")
    assert (done.returncode, done.stdout) == (0, "version 1\n"), done.stderr
    read = world.as_user(world.sync, world.python, "sync.py")
    assert f"bank: logged in as dustin with {len(PASSWORD)} characters" in read.stdout, read.stderr
    got = world.strongroom(world.sync, "get", "sites/bank", "password")
    assert (got.returncode, got.stdout) == (0, PASSWORD), got.stderr
    assert world.agent is not None
    status = Path(f"/proc/{world.agent.pid}/status").read_text()
    uid = str(pwd.getpwnam(world.owner).pw_uid)
    assert f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}" in status


def test_web_reads_nothing(world: World) -> None:
    """Not what it has left itself, not a name, not through the agent and not from a file."""
    leave(world, "secretive")
    for words in (
        ("get", "sites/secretive", "password"), ("get", "sites/bank"), ("ls",), ("ls", "sites/"), ("log", "sites/bank"),
        ("set", "elsewhere/x", "password"), ("rm", "sites/bank"), ("mv", "sites/bank", "sites/x"),
    ):  # fmt: skip
        done = world.strongroom(world.web, *words, stdin="x")
        assert done.returncode == 5, (words, done)
        assert PASSWORD not in done.stdout + done.stderr
        assert "secretive" not in done.stdout
    for path in ("vault.db", "vault.db-wal", "."):
        tried = world.as_user(world.web, "ls" if path == "." else "cat", str(world.state / path))
        assert tried.returncode != 0, path


def test_sync_writes_nothing(world: World) -> None:
    """It reads and lists below sites/, and that is all."""
    leave(world, "readable")
    for words in (("set", "sites/readable", "password"), ("rm", "sites/readable"), ("deposit", "sites/x", "password")):
        done = world.strongroom(world.sync, *words, stdin="x")
        assert done.returncode == 5, (words, done)
    assert world.strongroom(world.sync, "get", "sites/readable", "password").stdout == PASSWORD


def test_nobody_but_root_reads_the_key(world: World) -> None:
    """Not even the user as whom the agent runs; and none of the three opens the vault without it."""
    key = str(world.keys / "vault.key")
    for user in (world.owner, world.web, world.sync):
        assert world.as_user(user, "cat", key).returncode != 0, user
        opened = world.strongroom(user, "--no-agent", "--key-file", key, "get", "sites/bank", "password")
        assert opened.returncode not in (0, 1), (user, opened)
        assert PASSWORD not in opened.stdout + opened.stderr


def test_without_the_agent_web_still_leaves(world: World) -> None:
    """Sealed into the inbox; taken in when the agent runs again; and while it runs, within seconds."""
    world.stop_agent()
    try:
        done = leave(world, "offline", "left-in-the-dark")
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("deposit ")
        deposit = world.state / "vault.db.inbox" / f"{done.stdout.split()[1]}.deposit"
        assert deposit.stat().st_uid == pwd.getpwnam(world.web).pw_uid
        assert b"left-in-the-dark" not in deposit.read_bytes()
        # Another user, who is not in the group, neither sees nor leaves anything.
        assert world.as_user(world.sync, "ls", str(deposit.parent)).returncode != 0
        assert world.as_user(world.sync, "cat", str(deposit)).returncode != 0
        # Who deposits may not replace or remove what the vault's owner has put there.
        assert world.as_user(world.web, "rm", "-f", str(deposit.parent / "key")).returncode != 0
        again = world.strongroom(world.web, "deposit", "sites/offline2", "username=x", "password", stdin="second")
        assert again.returncode == 0, again.stderr
    finally:
        world.start_agent()
    assert wait_for(world, "sites/offline") == "left-in-the-dark"
    assert wait_for(world, "sites/offline2") == "second"
    assert list(deposit.parent.glob("*.deposit")) == []
    later = world.strongroom(world.web, "deposit", "sites/later", "username=x", "password", stdin="third")
    assert later.returncode == 0, later.stderr
    assert wait_for(world, "sites/later") == "third"


def wait_for(world: World, path: str) -> str:
    """What sync reads at *path* as soon as it is there."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        done = world.strongroom(world.sync, "get", path, "password")
        if done.returncode == 0:
            return done.stdout
        assert done.returncode == 4, done
        time.sleep(0.2)
    return ""
