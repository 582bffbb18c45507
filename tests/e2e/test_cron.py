"""The example job under Debian's own cron daemon: a line in /etc/cron.d, a user of its own, nobody logged in.

Needs root, cron and Debian's user tools. What it makes is removed again: the user,
the line, the vault and the daemon when it was started here.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CRON = ROOT / "examples" / "cron"
CRON_D = Path("/etc/cron.d")
PASSWORD = "correct-Horse-27-battery"
# cron wakes at each full minute, and reads a new file in /etc/cron.d at the next one.
PATIENCE_SECONDS = 130

pytestmark = pytest.mark.timeout(PATIENCE_SECONDS + 120)


class Account:
    """Who the job runs as, and the interpreter and modules this account may use."""

    def __init__(self, name: str, home: Path, python: str, environment: dict[str, str]) -> None:
        entry = pwd.getpwnam(name)
        self.name, self.uid, self.gid = name, entry.pw_uid, entry.pw_gid
        self.home = home
        self.python = python
        self.environment = environment

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run the interpreter as this account."""
        return subprocess.run(
            [self.python, *arguments],
            input=stdin, text=True, capture_output=True, timeout=60, cwd=self.home, env=self.environment,
            user=self.uid, group=self.gid, extra_groups=(),
        )  # fmt: skip


@contextmanager
def system_user(name: str, home: Path) -> Iterator[None]:
    """A system user without a password and without a shell of its own."""
    subprocess.run(["useradd", "--system", "--no-create-home", "--home-dir", home, name], check=True, timeout=60)
    try:
        yield
    finally:
        remove_user(name)


def remove_user(name: str) -> None:
    """Remove the user once its last process has ended; cron's own child outlives the job by a moment."""
    for _ in range(300):
        done = subprocess.run(["userdel", name], capture_output=True, text=True, timeout=60)
        if done.returncode == 0:
            return
        time.sleep(0.2)
    raise AssertionError(done.stderr)


@contextmanager
def cron_daemon() -> Iterator[None]:
    """The running cron, or one that is started here and ended afterwards."""
    daemon = subprocess.Popen(["cron", "-f"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert daemon.stderr is not None
    try:
        daemon.wait(2)
        # It ended at once: only because another one holds the lock is that what is needed here.
        assert "can't lock" in daemon.stderr.read()
    except subprocess.TimeoutExpired:
        pass  # It runs.
    try:
        yield
    finally:
        daemon.terminate()
        daemon.wait(60)
        daemon.stderr.close()


@contextmanager
def bank(log: Path) -> Iterator[str]:
    """The service of the example, run by somebody else than the job; yields its address."""
    command = [sys.executable, str(CRON / "service.py"), "--log", str(log)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"dustin:{PASSWORD}\n")
            process.stdin.close()
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def copy_modules(target: Path) -> None:
    """strongroom and what it needs, readable by everybody, as `pip install --target` would leave them."""
    shutil.copytree(ROOT / "src" / "strongroom", target / "strongroom", ignore=shutil.ignore_patterns("__pycache__"))
    site = Path(sysconfig.get_path("platlib"))
    for pattern in ("cryptography", "cffi", "_cffi_backend*", "pycparser"):
        for path in site.glob(pattern):
            if path.is_dir():
                shutil.copytree(path, target / path.name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(path, target)


def choose_account(name: str, home: Path, environment: dict[str, str]) -> Account:
    """The new user with an interpreter it may run, or root when there is none."""
    tried = []
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        account = Account(name, home, python, environment)
        try:
            done = account.run("-c", "import strongroom; strongroom.open")
        except (PermissionError, FileNotFoundError) as error:
            tried.append(f"{python}: {error.strerror}")
            continue
        if done.returncode == 0:
            return account
        tried.append(f"{python}: {done.stderr.strip().splitlines()[-1:]}")
    print(f"runs as root, because a user could run no interpreter: {tried}")
    return Account("root", home, sys.executable, environment)


@contextmanager
def stage(name: str) -> Iterator[Account]:
    """A user and its home directory with everything the job needs."""
    home = Path(tempfile.mkdtemp(prefix="strongroom-cron-", dir="/var/tmp"))
    try:
        with system_user(name, home):
            modules = home / "modules"
            modules.mkdir()
            copy_modules(modules)
            shutil.copy(CRON / "report.py", home)
            home.chmod(0o755)
            environment = {
                "PYTHONPATH": str(modules),
                "STRONGROOM_VAULT": str(home / "private" / "vault.db"),
                "STRONGROOM_KEY_FILE": str(home / "private" / "cron.key"),
            }
            account = choose_account(name, home, environment)
            (home / "private").mkdir(mode=0o700)
            for path in (home, home / "private"):
                os.chown(path, account.uid, account.gid)
            yield account
    finally:
        shutil.rmtree(home)


def store_credential(account: Account, address: str) -> None:
    """init and set, as the user would type them."""
    key_file = account.environment["STRONGROOM_KEY_FILE"]
    strongroom = ("-m", "strongroom")
    done = account.run(*strongroom, "init", "--key-file", key_file, "--no-recovery-code")
    assert done.returncode == 0, done.stderr
    words = ("set", "bank/checking", "username=dustin", f"url={address}", "password")
    done = account.run(*strongroom, *words, stdin=PASSWORD + "\n")
    assert done.returncode == 0, done.stderr


def crontab(account: Account) -> str:
    """The example's crontab, for every minute and with this account's paths."""
    lines = [f"{name}={value}" for name, value in account.environment.items()]
    command = f"{account.python} {account.home}/report.py >> {account.home}/report.log 2>&1"
    return "\n".join([*lines, f"* * * * * {account.name} {command}", ""])


def wait_for(path: Path) -> str:
    """The content of *path* as soon as there is some; empty when it takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if path.exists() and (content := path.read_text()).endswith("\n"):
            return content
        time.sleep(0.2)
    return ""


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root may write to /etc/cron.d")
@pytest.mark.skipif(not shutil.which("cron") or not shutil.which("useradd"), reason="Debian's cron is not installed")
def test_cron_runs_the_job_and_the_bank_sees_the_login(tmp_path: Path) -> None:
    """A crontab line, a key file and nobody at the keyboard: the log-in reaches the service within two minutes."""
    name = f"srcron{os.getpid()}"
    bank_log = tmp_path / "bank.log"
    with ExitStack() as cleanup:
        account = cleanup.enter_context(stage(name))
        address = cleanup.enter_context(bank(bank_log))
        store_credential(account, address)
        line = CRON_D / f"strongroom-{name}"
        cleanup.callback(line.unlink, missing_ok=True)
        line.write_text(crontab(account))
        line.chmod(0o644)
        cleanup.enter_context(cron_daemon())
        seen = wait_for(bank_log)
        said = wait_for(account.home / "report.log") if seen else "nothing"
        assert seen, f"no log-in; the job's log: {said}"
        assert seen.split(" ", 1)[1] == "dustin logged in\n"
        assert said.endswith("balance 1,234.56\n")
        assert PASSWORD not in line.read_text() + said
    assert not line.exists()
    assert name not in {entry.pw_name for entry in pwd.getpwall()}
    assert name not in {entry.gr_name for entry in grp.getgrall()}
