"""The example site as three real Unix users: web serves, sync works, the agent is a third, and root holds the key.

What web cannot read is tried as web, behind the site's back. Needs root and Debian's user tools.
"""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.django_site import (
    EXAMPLE,
    PATIENCE_SECONDS,
    SECRET,
    Visitor,
    chromium,
    require_browser,
    visitor,
    wait_until,
)
from tests.e2e.test_cron import copy_modules, remove_user
from tests.e2e.test_system_agent import is_for_everybody

TOOLS = ("useradd", "userdel", "groupadd", "groupdel", "usermod", "runuser", "install", "shred", "od")
MISSING = [tool for tool in TOOLS if not shutil.which(tool)]
IS_ROOT = sys.platform.startswith("linux") and os.geteuid() == 0
# What the site imports besides strongroom itself.
PACKAGES = ("django", "asgiref", "sqlparse", "gunicorn", "packaging", "authlib", "joserfc")

pytestmark = [
    pytest.mark.skipif(not IS_ROOT, reason="only root can make three users and become each of them"),
    pytest.mark.skipif(bool(MISSING), reason=f"these tools are missing: {MISSING}"),
]


class World:
    """Users, vault and site as the example's own script makes them, under names of this test's own."""

    def __init__(self, root: Path) -> None:
        tag = os.urandom(3).hex()
        self.root = root
        self.owner, self.web, self.sync = (f"{word}-{tag}" for word in ("srv", "srw", "srs"))
        self.groups = (f"srg-{tag}", f"srx-{tag}")
        self.state, self.keys, self.site_state = root / "state", root / "keys", root / "site"
        self.socket = root / "run" / "agent.sock"
        self.modules = root / "modules"
        self.modules.mkdir()
        copy_modules(self.modules)
        for name in PACKAGES:
            found = Path(sysconfig.get_path("purelib")) / name
            if found.is_dir():
                shutil.copytree(found, self.modules / name, ignore=shutil.ignore_patterns("__pycache__", "*.po", "gis"))
        self.code = root / "code"
        shutil.copytree(EXAMPLE, self.code, ignore=shutil.ignore_patterns("__pycache__"))
        root.chmod(0o755)
        self.python = self._python()
        self.processes: list[subprocess.Popen[str]] = []
        self.agent: subprocess.Popen[str] | None = None
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        self.photos = ""
        self.count = 0

    def _python(self) -> str:
        for path in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
            if os.path.exists(path) and all(map(is_for_everybody, (Path(path).absolute(), Path(path).resolve()))):
                return path
        pytest.skip("no interpreter of this version that every user may run")

    # What a visitor asks of a site.

    def account(self) -> tuple[str, str]:
        self.count += 1
        return f"guest-{self.count}", SECRET.format(self.count)

    def name(self) -> str:
        self.count += 1
        return f"visitor-{self.count}"

    @property
    def lines(self) -> list[str]:
        return []

    # Starting and ending.

    def set_up(self) -> None:
        names = {"OWNER": self.owner, "WEB": self.web, "SYNC": self.sync}
        names |= {"GROUP": self.groups[0], "SITE_GROUP": self.groups[1]}
        places = {"STATE": str(self.state), "KEYS": str(self.keys), "SITE": str(self.site_state)}
        program = {"STRONGROOM": f"{self.python} -m strongroom", "PYTHONPATH": str(self.modules)}
        done = subprocess.run(
            [str(EXAMPLE / "setup.sh")], env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **names, **places, **program},
            capture_output=True, text=True, timeout=120, cwd="/",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        self.socket.parent.mkdir()
        shutil.chown(self.socket.parent, self.owner, self.owner)
        self.start_kestrel()
        self.start_agent()
        done = self.as_user(self.web, "manage.py", "migrate", "--verbosity", "0")
        assert done.returncode == 0, done.stderr
        number = self.listening.fileno()
        serve = ["-m", "gunicorn", "--bind", f"fd://{number}", "--threads", "4", "--log-level", "warning"]
        self.start(self.web, *serve, "shoebox.wsgi", pass_fds=(number,))
        self.start(self.sync, "manage.py", "sync_external", "--pause", "0.5")

    def start_kestrel(self) -> None:
        accounts = {f"guest-{number}": SECRET.format(number) for number in range(20)}
        kestrel = subprocess.Popen(
            [self.python, "-m", "kestrel"], cwd=self.code, env={"PYTHONPATH": str(self.modules)}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.processes.append(kestrel)
        assert kestrel.stdin is not None
        assert kestrel.stdout is not None
        kestrel.stdin.write(json.dumps({"accounts": accounts, "programs": {}}) + "\n")
        kestrel.stdin.flush()
        self.photos = kestrel.stdout.readline().strip()

    def start_agent(self) -> None:
        words = ["--vault", self.state / "vault.db", "--key-file", self.keys / "vault.key", "--user", self.owner]
        self.agent = subprocess.Popen(
            [self.python, "-m", "strongroom", "agent", *map(str, words), "--socket", str(self.socket)],
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(self.modules), "HOME": "/nonexistent"}, cwd="/", text=True,
        )  # fmt: skip
        # Its mode is opened to others once the vault is open and the grants are known.
        wait_until(lambda: self.socket.exists() and self.socket.stat().st_mode & 0o006, "the agent does not serve")

    def stop_agent(self) -> None:
        if self.agent is not None:
            self.agent.send_signal(signal.SIGTERM)
            self.agent.wait(PATIENCE_SECONDS)
            self.agent = None

    def environment(self, user: str) -> dict[str, str]:
        chosen = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(self.modules),
            "DJANGO_SETTINGS_MODULE": "shoebox.settings",
            "SHOEBOX_STATE": str(self.site_state),
            "SHOEBOX_PHOTOS": self.photos,
            "SHOEBOX_EVERY_SECONDS": "3600",
            "SHOEBOX_SECRET_KEY_FILE": str(self.keys / user / "secret-key"),
            "STRONGROOM_VAULT": str(self.state / "vault.db"),
            "STRONGROOM_AGENT_SOCKET": str(self.socket),
        }
        if user == self.web:
            chosen["STRONGROOM_DEPOSIT_KEY"] = str(self.keys / self.web / "deposit.key")
        return chosen

    def identity(self, user: str) -> dict[str, Any]:
        entry = pwd.getpwnam(user)
        groups = [group.gr_gid for group in grp.getgrall() if user in group.gr_mem]
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": groups, "umask": 0o007}

    def start(self, user: str, *words: str, **options: Any) -> None:
        process = subprocess.Popen(
            [self.python, *words], env=self.environment(user), cwd=self.code, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, **self.identity(user), **options,
        )  # fmt: skip
        self.processes.append(process)

    def as_user(
        self, user: str, *words: str, program: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program or self.python, *words], env={**self.environment(user), **variables}, cwd=self.code, text=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_SECONDS, **self.identity(user),
        )  # fmt: skip

    def tear_down(self) -> None:
        self.stop_agent()
        for process in reversed(self.processes):
            process.terminate()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
            process.wait(PATIENCE_SECONDS)
        self.listening.close()
        for name in (self.web, self.sync, self.owner):
            if any(entry.pw_name == name for entry in pwd.getpwall()):
                remove_user(name)
        for group in self.groups:
            subprocess.run(["groupdel", group], capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """The whole site, as three users."""
    require_browser()
    root = Path(tempfile.mkdtemp(prefix="strongroom-site-", dir="/var/tmp"))
    made = World(root)
    try:
        made.set_up()
        yield made
    finally:
        made.tear_down()
        shutil.rmtree(root)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium."""
    require_browser()
    with chromium() as started:
        yield started


@pytest.fixture
def anna(world: World, browser: Any) -> Iterator[Visitor]:
    """Somebody who has signed up."""
    with visitor(world, browser) as one:  # type: ignore[arg-type]
        yield one.signs_up()


def test_what_web_cannot_read(world: World, anna: Visitor) -> None:
    """A credential that web took, and sync has used, web reads nowhere: no file, no agent, no inbox, no database."""
    _username, secret = anna.adds_account(hand_over=True)
    anna.waits_for_sync("4 photos")
    path = f"handed-over/kestrel/credentials/{handed_over(world)[-1]}"
    got = world.as_user(world.sync, "-m", "strongroom", "get", path, "password")
    assert (got.returncode, got.stdout) == (0, secret), got
    for words in (("get", path, "password"), ("ls",), ("ls", "handed-over/kestrel/credentials"), ("log", path)):
        tried = world.as_user(world.web, "-m", "strongroom", *words)
        assert (tried.returncode, secret in tried.stdout + tried.stderr) == (5, False), (words, tried)
    vault_key = world.keys / "vault.key"
    vault = world.state / "vault.db"
    for file in (vault, vault.with_name("vault.db-wal"), vault_key, world.keys / world.sync / "secret-key"):
        assert file.exists(), file
        assert world.as_user(world.web, str(file), program="/bin/cat").returncode != 0, file
    tried = world.as_user(world.web, "-m", "strongroom", "--no-agent", "--key-file", str(vault_key), "get", path)
    assert tried.returncode not in (0, 1), tried
    # Every byte that web may read, and what sync's process would show.
    search = f"grep -rlaF {secret} {world.root} /proc/{world.processes[-1].pid}/environ 2>/dev/null; true"
    assert world.as_user(world.web, "-c", search, program="/bin/sh").stdout == ""
    search = f"grep -rlaF {anna.name} {world.root} 2>/dev/null; true"
    assert "site.sqlite3" in world.as_user(world.web, "-c", search, program="/bin/sh").stdout


REVEAL = """
from albums.models import Account
from strongroom.django.user_vaults import KeyUnavailable
for account in Account.objects.exclude(password=None):
    try:
        print(account.password.reveal())
    except KeyUnavailable as error:
        print("unavailable:", error.reason)
"""


def test_what_nobody_reads_without_its_owner(world: World, anna: Visitor) -> None:
    """What was not handed over opens for its owner's session alone, and not for web's or sync's own programs."""
    _username, secret = anna.adds_account()
    assert anna.shows_password() == secret
    for user in (world.web, world.sync):
        done = world.as_user(user, "manage.py", "shell", "--no-imports", "-c", REVEAL)
        if "--no-imports" in done.stderr:
            done = world.as_user(user, "manage.py", "shell", "-c", REVEAL)
        assert done.returncode == 0, done.stderr
        assert set(done.stdout.splitlines()) == {"unavailable: anonymous"}, (user, done)
    assert world.as_user(world.sync, str(world.keys / world.web / "secret-key"), program="/bin/cat").returncode != 0


def test_the_settings_for_a_real_machine(world: World) -> None:
    """Django's and strongroom's own checks have nothing to say of them; behind TLS every cookie is Secure."""
    done = world.as_user(world.web, "manage.py", "check", "--deploy", "--fail-level", "INFO", SHOEBOX_HTTPS="1")
    assert done.returncode == 0, done
    ask = "from django.test import Client; print(Client().get('/log-in/', secure=True, headers={'host': 'localhost'})"
    done = world.as_user(world.web, "-c", f"import django; django.setup(); {ask}.cookies.output())", SHOEBOX_HTTPS="1")
    assert done.returncode == 0, done
    assert "csrftoken=" in done.stdout
    assert "; Secure" in done.stdout


def test_without_the_agent(world: World, anna: Visitor) -> None:
    """The site goes on taking credentials, sealed into the inbox; the worker uses them as soon as the agent is back."""
    before = set(handed_over(world))
    world.stop_agent()
    try:
        _username, secret = anna.adds_account(hand_over=True)
        new = set(handed_over(world)) - before
        assert len(new) == 1
        inbox = world.state / "vault.db.inbox"
        waiting = list(inbox.glob("*.deposit"))
        assert len(waiting) == 1
        assert secret.encode() not in waiting[0].read_bytes()
        assert world.as_user(world.sync, str(waiting[0]), program="/bin/cat").returncode != 0
    finally:
        world.start_agent()
    path = f"handed-over/kestrel/credentials/{new.pop()}"
    got: list[subprocess.CompletedProcess[str]] = []

    def is_taken_in() -> bool:
        got.append(world.as_user(world.sync, "-m", "strongroom", "get", path, "password"))
        return got[-1].returncode == 0

    wait_until(is_taken_in, "the agent does not take in what waits")
    assert got[-1].stdout == secret
    assert world.as_user(world.web, "-m", "strongroom", "get", path, "password").returncode == 5


def test_without_any_way_to_the_vault(world: World, anna: Visitor) -> None:
    """Neither agent nor depositor's key: the page says so, nothing is stored by half, and later it works."""
    key = world.keys / world.web / "deposit.key"
    world.stop_agent()
    key.rename(key.with_suffix(".away"))
    try:
        username, secret = world.account()
        anna.goes("/accounts/add/").fills(label="Holidays", username=username, password=secret).clicks("Store it")
        assert anna.heading() == "Not now"
        assert any(complaint.startswith("503 ") for complaint in anna.complaints)
        anna.complaints.clear()
        anna.goes("/")
        assert "The box is empty" in anna.text()
    finally:
        key.with_suffix(".away").rename(key)
        world.start_agent()
    anna.goes("/accounts/add/").fills(label="Holidays", username=username, password=secret).clicks("Store it")
    anna.waits_for_sync("4 photos")


def handed_over(world: World) -> list[str]:
    """The keys of all rows, as root reads them."""
    import sqlite3
    import uuid

    connection = sqlite3.connect(f"file:{world.site_state / 'site.sqlite3'}?mode=ro", uri=True)
    try:
        rows = connection.execute("SELECT id FROM strongroom_hand_over_handedover ORDER BY created").fetchall()
    finally:
        connection.close()
    return [str(uuid.UUID(row[0])) for row in rows]
