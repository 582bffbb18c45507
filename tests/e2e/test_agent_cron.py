"""A job under Debian's own cron that reads through the agent, after the person who unlocked it has logged out.

Needs root, cron and Debian's user tools, as `test_cron`, whose stage it uses.
"""

from __future__ import annotations

import fcntl
import os
import select
import shlex
import shutil
import subprocess
import sys
import termios
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.test_cron import CRON_D, PASSWORD, PATIENCE_SECONDS, Account, bank, cron_daemon, stage, wait_for

PASSPHRASE = "tea with nine blue elephants"
MAKE = """
import strongroom, sys
with strongroom.create(sys.argv[1], passphrase=sys.argv[2]) as vault:
    vault.set("bank/checking", {"username": "dustin", "url": sys.argv[3], "password": sys.argv[4]})
"""

pytestmark = [
    pytest.mark.timeout(PATIENCE_SECONDS + 150),
    pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root may write to /etc/cron.d"),
    pytest.mark.skipif(
        not shutil.which("cron") or not shutil.which("useradd"), reason="Debian's cron is not installed"
    ),
]


def log_in_and_unlock(account: Account) -> str:
    """A login at a terminal: unlock, type the passphrase, log out, and the line hangs up; what the screen said."""
    master, slave = os.openpty()
    unlock = shlex.join([account.python, "-m", "strongroom", "unlock"])
    session = subprocess.Popen(
        ["sh", "-c", f"{unlock}; echo exit code $?"],
        stdin=slave, stdout=slave, stderr=slave, env=account.environment, cwd=account.home,
        user=account.uid, group=account.gid, extra_groups=(), start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    screen = b""
    has_typed = False
    deadline = time.monotonic() + 60
    while b"exit code" not in screen and time.monotonic() < deadline:
        if select.select([master], [], [], 1)[0]:
            screen += os.read(master, 4096)
        if not has_typed and screen.endswith(b": "):
            os.write(master, PASSPHRASE.encode() + b"\n")
            has_typed = True
    session.wait(60)
    os.close(slave)
    # Now the terminal is gone, and the kernel hangs up on whoever still belongs to it.
    os.close(master)
    return screen.decode()


def sessions_of(account: Account) -> set[int]:
    """The sessions in which this account has processes."""
    found = set()
    for place in Path("/proc").iterdir():
        try:
            if place.name.isdigit() and place.stat().st_uid == account.uid:
                found.add(os.getsid(int(place.name)))
        except (FileNotFoundError, ProcessLookupError):
            continue  # It has just ended.
    return found


def crontab(account: Account) -> str:
    """A line for every minute: no HOME, no XDG_RUNTIME_DIR, no key."""
    strongroom = f"{account.python} -m strongroom"
    log = account.home / "job.log"
    job = (
        f"(env -u HOME -u XDG_RUNTIME_DIR {strongroom} get bank/checking username; echo;"
        f" env -u HOME {account.python} {account.home}/report.py) >> {log} 2>&1"
    )
    variables = [f"{name}={value}" for name, value in account.environment.items()]
    return "\n".join([*variables, f"* * * * * {account.name} {job}", ""])


def test_cron_reads_through_the_agent_after_the_logout(tmp_path: Path) -> None:
    """Unlocked once at a terminal that is gone since; the job has no key, no home and no session, and logs in."""
    name = f"sragent{os.getpid()}"
    bank_log = tmp_path / "bank.log"
    with ExitStack() as cleanup:
        account = cleanup.enter_context(stage(name))
        del account.environment["STRONGROOM_KEY_FILE"]
        address = cleanup.enter_context(bank(bank_log))
        vault = account.environment["STRONGROOM_VAULT"]
        done = account.run("-c", MAKE, vault, PASSPHRASE, address, PASSWORD)
        assert done.returncode == 0, done.stderr
        before = sessions_of(account)
        cleanup.callback(account.run, "-m", "strongroom", "agent", "stop")
        screen = log_in_and_unlock(account)
        assert "exit code 0" in screen, screen
        assert PASSPHRASE not in screen
        if account.name != "root":
            # One process of this user is left, the agent, in a session of its own.
            assert len(sessions_of(account) - before) == 1
        line = CRON_D / f"strongroom-{name}"
        cleanup.callback(line.unlink, missing_ok=True)
        line.write_text(crontab(account))
        line.chmod(0o644)
        cleanup.enter_context(cron_daemon())
        seen = wait_for(bank_log)
        said = (account.home / "job.log").read_text() if (account.home / "job.log").exists() else "nothing"
        assert seen, f"no log-in; the job's log: {said}"
        assert seen.split(" ", 1)[1] == "dustin logged in\n"
        assert said.startswith("dustin\n")
        assert PASSPHRASE not in said + line.read_text()
        # Locked, the next job is told what to do: exit 3.
        assert account.run("-m", "strongroom", "lock").returncode == 0
        done = account.run("-m", "strongroom", "get", "bank/checking", "username")
        assert (done.returncode, done.stdout) == (3, "")
        assert "strongroom unlock" in done.stderr
