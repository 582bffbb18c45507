"""The whole story in half a minute: a vault, a credential, and a job that logs in by itself.

Run by `make demo`. Works in a new directory under build/ and removes it. Every
line that begins with $ is a command that was really run at that moment.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build"
PASSWORD = "correct-Horse-27-battery"
EXIT_TAMPERED = 7


class Story:
    """A directory of its own, the bank that runs there, and the commands that are told."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.vault = directory / "vault" / "vault.db"
        self.key_file = directory / "vault" / "cron.key"
        self.bank_log = directory / "bank.log"
        # As cron starts a job, only barer: these variables and nothing else.
        self.environment = {"STRONGROOM_VAULT": str(self.vault), "STRONGROOM_KEY_FILE": str(self.key_file)}
        # The demonstration leaves nothing outside its directory, not even an anchor.
        self.environment["XDG_STATE_HOME"] = str(directory / "state")
        if "PYTHONPATH" in os.environ:
            self.environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
        self.bank: subprocess.Popen[str] | None = None

    def open_bank(self) -> str:
        """Start the service and return its address."""
        command = [sys.executable, str(HERE / "service.py"), "--log", str(self.bank_log)]
        self.bank = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.bank.stdin is not None
        assert self.bank.stdout is not None
        self.bank.stdin.write(f"dustin:{PASSWORD}\n")
        self.bank.stdin.close()
        return self.bank.stdout.readline().strip()

    def close(self) -> None:
        """Stop the service."""
        if self.bank is not None:
            self.bank.terminate()
            self.bank.wait(10)
            assert self.bank.stdout is not None
            self.bank.stdout.close()

    def run(self, command: list[str], *, stdin: str = "", expected: int = 0) -> str:
        """Run *command* without a terminal; return what it said.

        Raises: SystemExit: it ended with another status than *expected*.
        """
        done = subprocess.run(
            command, input=stdin, text=True, capture_output=True, timeout=60,
            env=self.environment, start_new_session=True, cwd=self.directory,
        )  # fmt: skip
        if done.returncode != expected:
            sys.exit(f"demo: {' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return (done.stdout + done.stderr).strip()

    def strongroom(self, *arguments: str, stdin: str = "", expected: int = 0, note: str = "") -> str:
        """Tell and run one `strongroom` command."""
        shown = " ".join(arguments).replace(f"{self.directory}/", "")
        tell(f"$ strongroom {shown}", note)
        return self.run([sys.executable, "-m", "strongroom", *arguments], stdin=stdin, expected=expected)

    def job(self, *, expected: int = 0) -> None:
        """Run the job and tell what it and the bank wrote."""
        variables = " ".join(f"{name}={value}" for name, value in self.environment.items() if name != "PYTHONPATH")
        tell(f"$ env -i {variables} python report.py".replace(f"{self.directory}/", ""))
        said = self.run([sys.executable, str(HERE / "report.py")], expected=expected)
        tell(f"  the job's log:  {said}")
        tell(f"  the bank's log: {self.bank_log.read_text().splitlines()[-1]}")


def tell(line: str, note: str = "") -> None:
    """Print one line of the story."""
    print(f"   {line}" + (f"    # {note}" if note else ""), flush=True)


def tell_story(story: Story) -> None:
    """From an empty directory to a job that has logged in."""
    address = story.open_bank()
    print(f"1. A bank that checks a password listens on {address}")

    print("2. A vault that a key file opens, made once")
    story.strongroom("init", "--key-file", str(story.key_file), "--no-recovery-code")

    print("3. The credential goes in; the password comes on standard input, never on the command line")
    note = "password on standard input"
    story.strongroom(
        "set", "bank/checking", "username=dustin", f"url={address}", "password", stdin=PASSWORD, note=note
    )
    files = sorted(path for path in story.vault.parent.iterdir() if path != story.key_file)
    stored = b"".join(path.read_bytes() for path in files)
    hits = sum(word.encode() in stored for word in (PASSWORD, "dustin", "checking", address))
    tell(f"  found in its {len(stored):,} bytes: {hits} of password, username, path and address")

    print("4. The job as cron runs it: no terminal, nobody logged in, three variables")
    story.job()

    print("5. With a wrong password in the vault the bank refuses, and the job says so")
    story.strongroom("set", "bank/checking", "password", stdin="guessed", note=note)
    story.job(expected=1)

    print("6. The old version is still there")
    story.strongroom("restore", "bank/checking", "--version", "1")
    story.job()

    print("7. Somebody who can write to the file puts the wrong password's row in place of the right one")
    plant_version(story.vault, source=2, target=3)
    story.strongroom("get", "bank/checking", "password", expected=EXIT_TAMPERED)
    said = story.strongroom("verify", expected=EXIT_TAMPERED)
    tell(f"  both end with {EXIT_TAMPERED}: {said.splitlines()[0]}")


def plant_version(vault: Path, *, source: int, target: int) -> None:
    """Overwrite one version's row by another's, as anybody with SQLite could."""
    connection = sqlite3.connect(vault)
    with connection:
        query = "UPDATE versions SET body = (SELECT body FROM versions WHERE number = ?) WHERE number = ?"
        assert connection.execute(query, (source, target)).rowcount == 1
    connection.close()


def main() -> None:
    """Tell the story and clean up."""
    BUILD.mkdir(exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="demo-", dir=BUILD))
    story = Story(directory)
    try:
        (directory / "vault").mkdir(mode=0o700)
        tell_story(story)
    finally:
        story.close()
        shutil.rmtree(directory)
    print("Done; everything it made is removed. Next: README.md, five minutes of real use.")


if __name__ == "__main__":
    main()
