"""Shoebox, its worker and the service they fetch from, on free ports of this machine, until Ctrl-C.

Run by `make demo-django`. Everything it makes lies in a directory under build/ and is removed at the end.

    kestrel     the service of somebody else's: accounts, photos, OAuth
    agent       opens the worker's vault
    web         the site: has a depositor's key, which leaves credentials in the vault and opens nothing
    worker      manage.py sync_external: reads what was left, through the agent

Here they all run as you, which is enough to look at. The README says how three Unix users keep them apart.
"""

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from email import message_from_bytes
from email.policy import default
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build"
ACCOUNT = ("dustin", "golden-hour-42")
PATIENCE_SECONDS = 60.0
# Loaded here: between fork and exec nothing is.
LIBC = ctypes.CDLL(None) if sys.platform.startswith("linux") else None
PR_SET_PDEATHSIG = 1
FOLDER = "handed-over"


class Site:
    """All the processes, and the directory with what they keep.

    Args:
        state: an empty directory of one's own.
        accounts: who has photos at Kestrel: usernames and passwords.
        settings: Django's settings module.
        every_seconds: how long after a visit the worker goes to Kestrel again.
        say: told of each line that the worker writes, and of each mail.
    """

    def __init__(
        self,
        state: Path,
        accounts: dict[str, str],
        *,
        every_seconds: float = 10,
        settings: str = "shoebox.settings",
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.state = state
        self.accounts = accounts
        self.say = say
        self.processes: list[subprocess.Popen[str]] = []
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        self.photos = ""
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ},
            "HOME": str(state),
            "XDG_STATE_HOME": str(state / "anchors"),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": settings,
            "SHOEBOX_STATE": str(state),
            "SHOEBOX_SECRET_KEY_FILE": str(state / "secret-key"),
            "SHOEBOX_EVERY_SECONDS": str(every_seconds),
            "STRONGROOM_VAULT": str(state / "vault" / "vault.db"),
        }

    @property
    def web(self) -> dict[str, str]:
        """The environment of the website: a key that deposits, and no way to the agent."""
        return {**self.environment, "STRONGROOM_DEPOSIT_KEY": str(self.state / "web.key")}

    @property
    def worker(self) -> dict[str, str]:
        """The environment of the worker: the agent's socket."""
        return {**self.environment, "STRONGROOM_AGENT_SOCKET": str(self.state / "agent.sock")}

    def start(self) -> None:
        """Everything, in the order in which one needs the other; returns when the site answers.

        Raises: SystemExit: something did not start.
        """
        (self.state / "vault").mkdir(mode=0o700)
        (self.state / "mail").mkdir()
        secret_key = os.open(self.state / "secret-key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(secret_key, "wb") as file:
            file.write(os.urandom(48).hex().encode())
        self.start_kestrel()
        self.make_vault()
        self.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], self.web)
        self.start_web()
        self.start_worker()
        self.wait_for(self.answers, "the site does not answer")

    def start_kestrel(self) -> None:
        """The photo service; it ends when our end of its standard input is closed, however we end."""
        kestrel = self.spawn([sys.executable, "-m", "kestrel"], self.environment, stdin=subprocess.PIPE)
        assert kestrel.stdin is not None
        assert kestrel.stdout is not None
        programs = {"Shoebox": f"{self.address}/accounts/connect/back/"}
        kestrel.stdin.write(json.dumps({"accounts": self.accounts, "programs": programs}) + "\n")
        kestrel.stdin.flush()
        self.photos = self.environment["SHOEBOX_PHOTOS"] = kestrel.stdout.readline().strip()

    def make_vault(self) -> None:
        """The worker's vault, a key for the website that only deposits, and the agent."""
        key = str(self.state / "vault" / "key")
        self.strongroom("init", "--key-file", key, "--no-recovery-code")
        self.environment["STRONGROOM_KEY_FILE"] = key
        self.strongroom("deposit", "add-key", "web", f"{FOLDER}/**", "--out", str(self.state / "web.key"))
        # From here on only the agent is told where the key lies.
        del self.environment["STRONGROOM_KEY_FILE"]
        agent = ["agent", "--key-file", key, "--socket", str(self.state / "agent.sock")]
        self.spawn([sys.executable, "-m", "strongroom", *agent], self.environment)
        self.wait_for(self.is_unlocked, "the agent does not serve")

    def start_web(self) -> None:
        """The site, on a socket that listens already."""
        number = self.listening.fileno()
        command = ["gunicorn", "--bind", f"fd://{number}", "--threads", "8", "--log-level", "warning", "shoebox.wsgi"]
        self.follow("web", self.spawn([sys.executable, "-m", *command], self.web, pass_fds=(number,)))

    def start_worker(self) -> None:
        """The worker, which looks every second whether somebody has left something."""
        command = [sys.executable, "manage.py", "sync_external", "--pause", "1"]
        self.follow("worker", self.spawn(command, self.worker))

    def spawn(self, command: list[str], environment: dict[str, str], **options) -> subprocess.Popen[str]:
        """Start a process in a session of its own, so that a key pressed here ends it in our order."""
        process = subprocess.Popen(
            command, env=environment, cwd=HERE, text=True, start_new_session=True,
            stdout=subprocess.PIPE, preexec_fn=end_with_us, **{"stdin": subprocess.DEVNULL, **options},
        )  # fmt: skip
        self.processes.append(process)
        return process

    def run(self, command: list[str], environment: dict[str, str]) -> str:
        """Run a command to its end.

        Raises: SystemExit: it failed.
        """
        done = subprocess.run(
            command, env=environment, cwd=HERE, text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=120
        )
        if done.returncode:
            sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def strongroom(self, *words: str) -> str:
        """Run a command of strongroom's with the vault's own key."""
        return self.run([sys.executable, "-m", "strongroom", "--no-agent", *words], self.environment)

    def is_unlocked(self) -> bool:
        """Whether the agent has opened the vault."""
        if not (self.state / "agent.sock").exists():
            return False
        command = [sys.executable, "-m", "strongroom", "agent", "status"]
        return subprocess.run(command, env=self.worker, capture_output=True, timeout=60).returncode == 0

    def answers(self) -> bool:
        """Whether the site shows its first page."""
        try:
            with urllib.request.urlopen(self.address, timeout=PATIENCE_SECONDS) as response:
                return response.status == 200
        except OSError:
            return False

    def wait_for(self, condition: Callable[[], bool], complaint: str) -> None:
        """Wait until *condition* holds.

        Raises: SystemExit: a process has ended, or it takes too long.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if time.monotonic() > deadline or any(one.poll() is not None for one in self.processes):
                sys.exit(f"start: {complaint}")
            time.sleep(0.05)

    def follow(self, name: str, process: subprocess.Popen[str]) -> None:
        """Pass on what a process writes."""
        assert process.stdout is not None
        lines = process.stdout
        threading.Thread(target=lambda: [self.say(f"{name}: {line.rstrip()}") for line in lines], daemon=True).start()

    def new_mail(self, seen: set[Path]) -> list[str]:
        """Links in the mails that have come since; *seen* remembers."""
        links = []
        for mail in sorted(set((self.state / "mail").iterdir()) - seen):
            seen.add(mail)
            # A long link may lie folded in the file.
            text = message_from_bytes(mail.read_bytes(), policy=default).get_content()
            links += [line for line in text.splitlines() if line.startswith("http")]
        return links

    def close(self) -> None:
        """End everything, last started first."""
        for process in reversed(self.processes):
            process.terminate()
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for process in self.processes:
            if process.stdout is not None:
                process.stdout.close()
        self.listening.close()


def end_with_us() -> None:
    """In a child: be ended when start.py is gone, also by kill -9. Linux alone knows the way."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def main() -> None:
    """Start, say what to click, wait for Ctrl-C, and clean up."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    BUILD.mkdir(exist_ok=True)
    state = Path(tempfile.mkdtemp(prefix="django-sync-", dir=BUILD))
    site = Site(state, dict([ACCOUNT]), say=lambda line: print(f"   {line}", flush=True))
    try:
        site.start()
        told = {"username": ACCOUNT[0], "password": ACCOUNT[1], "state": state}
        print(GREETING.format(site=site.address, photos=site.photos, **told), flush=True)
        seen: set[Path] = set()
        while all(process.poll() is None for process in site.processes):
            for link in site.new_mail(seen):
                print(f"   mail: {link}", flush=True)
            time.sleep(1)
        sys.exit("start: one of the programs has ended by itself")
    except KeyboardInterrupt:
        print("\nStopping.", flush=True)
    finally:
        # A second Ctrl-C does not leave half of it behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        site.close()
        shutil.rmtree(state)


GREETING = """
   Shoebox, the site     {site}
   Kestrel, the photos   {photos}      an account there: {username} / {password}
   What they keep        {state}

   1. Sign up at Shoebox, and write the recovery code down.
   2. Add an account: with Kestrel's username and password, or connect without a password.
      The worker comes by within seconds, and the photos appear.
   3. At Kestrel change the password, or disconnect Shoebox: the worker is refused, and says so.
   4. Forget your password: the link is shown here. The recovery code opens the vault again.

   Ctrl-C stops everything and removes what it made.
"""

if __name__ == "__main__":
    main()
