"""The README is true: its commands run in their order at a terminal, its Python runs, its links lead somewhere."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PASSPHRASE = "four words or more, please"
PASSWORD = "correct-Horse-27-battery"

# A word of the question at the terminal: what is typed. The first that fits.
ANSWERS = {"recovery code": "n", "passphrase": PASSPHRASE, "password": PASSWORD}

# Takes the terminal on its standard input as its own, as a shell gives it to a command.
WITH_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


def blocks(language: str) -> list[str]:
    """The fenced blocks of that language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands(section: str) -> list[str]:
    """The lines after a $ in the console blocks from *section* on, without what makes the environment."""
    start = README.index(section)
    lines = [line.removeprefix("$ ") for block in blocks("console") for line in block.splitlines()]
    return [line for line in lines if README.index(line) > start and line.split()[0] in ("strongroom", "mkdir")]


def environment(home: Path) -> dict[str, str]:
    """A user's bare environment, where `strongroom` is a command."""
    programs = home / "bin"
    programs.mkdir(exist_ok=True)
    program = programs / "strongroom"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m strongroom "$@"\n')
    program.chmod(0o755)
    return {
        "HOME": str(home),
        "PATH": f"{programs}:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT / "src"),
        "TERM": "dumb",
        "LANG": "C.UTF-8",
    }


def at_terminal(line: str, home: Path) -> tuple[int, str]:
    """Run a shell line at a terminal of its own and answer its questions; return status and screen."""
    screen, terminal = os.openpty()
    command = [sys.executable, "-c", WITH_TERMINAL, "/bin/sh", "-c", line]
    process = subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True, env=environment(home)
    )
    os.close(terminal)
    shown, answered = "", 0
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([screen], [], [], 0.2)[0]:
            try:
                data = os.read(screen, 4096)
            except OSError:
                data = b""  # The last process that had the terminal has ended.
            if not data:
                break
            shown += data.decode()
        elif (question := shown[answered:]).rstrip().endswith((":", "?", "]")):
            answer = next(typed for word, typed in ANSWERS.items() if word in question.splitlines()[-1].lower())
            answered = len(shown)
            os.write(screen, f"{answer}\n".encode())
    os.close(screen)
    if time.monotonic() >= deadline:
        process.kill()
    return process.wait(), shown


def test_five_minutes_of_real_use(tmp_path: Path) -> None:
    """Every strongroom command of the README succeeds, one after the other, and the Python snippet logs in."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    lines = commands("## Five minutes")
    assert len(lines) >= 10
    try:
        for line in lines:
            status, shown = at_terminal(line.replace("/mnt/usb", str(home)), home)
            assert status == 0, f"{line}: {shown}"
            assert PASSWORD not in shown, line
            assert PASSPHRASE not in shown, line
            if line.endswith("username"):
                # The agent answers: nothing was asked.
                assert shown == "dustin\r\n"
        assert_logs_in(home, {})
    finally:
        assert at_terminal("strongroom agent stop", home)[0] == 0
    assert (home / "vault-backup.db").stat().st_mode & 0o777 == 0o600
    assert_logs_in(home, {"STRONGROOM_KEY_FILE": str(home / ".config" / "strongroom" / "cron.key")})


def assert_logs_in(home: Path, key: dict[str, str]) -> None:
    """The README's Python snippet reads the credential, with nobody at a terminal."""
    (snippet,) = blocks("python")
    program = f"def login(username, password): print(username, len(password))\n{snippet}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=environment(home) | key, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout == f"dustin {len(PASSWORD)}\n"


def test_the_first_two_commands_are_the_promised_ones() -> None:
    """The README opens with `make demo` and `make test`, and the Makefile has both."""
    first = [line.split("#")[0].strip() for line in blocks("console")[0].splitlines()]
    assert first == ["$ make demo", "$ make test"]
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^demo:", makefile, re.MULTILINE)
    assert re.search(r"^test:", makefile, re.MULTILINE)


PLACES = ("*.md", "docs/**/*.md", "examples/**/*.md", "changelog/*.md")
DOCUMENTS = sorted(path.relative_to(ROOT) for place in PLACES for path in ROOT.glob(place))


@pytest.mark.parametrize("name", DOCUMENTS, ids=str)
def test_every_link_leads_somewhere(name: Path) -> None:
    """A link within the repository names a file that is there, and a heading that it has."""
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        path, _, heading = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}
            assert heading in anchors, target
