"""docs/files.md: the commands of its table do what they say; its blocks are run by test_pages.py."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.e2e.conftest import Machine
from tests.peers import require_programs

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "files.md").read_text(encoding="utf-8")


def test_the_ways_of_the_table(keyed: Machine) -> None:
    """Each command of the table, and what opens its file."""
    require_programs("age", "age-keygen", "ssh-keygen", "sh")
    home = keyed.home
    programs = home / "bin"
    programs.mkdir()
    (programs / "strongroom").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m strongroom "$@"\n')
    (programs / "strongroom").chmod(0o755)
    environment = keyed.full_environment({**keyed.environment, "PATH": f"{programs}:/usr/bin:/bin"})
    environment["STRONGROOM_KEY_FILE"] = str(keyed.key)

    def shell(script: str) -> bytes:
        done = subprocess.run(["sh", "-ec", script], cwd=home, env=environment, capture_output=True)
        assert done.returncode == 0, done
        return done.stdout

    shell("age-keygen -o KEY; age-keygen -y KEY > recipients.txt")
    shell("mkdir .ssh; ssh-keygen -q -t ed25519 -N '' -f .ssh/id_ed25519")
    recipient = (home / "recipients.txt").read_text().strip()
    shell("strongroom key create backups; strongroom key create inbox --kind box; echo text > FILE")
    rows = [row.split("|") for row in PAGE.splitlines() if row.startswith("| ") and "`" in row]
    commands = [re.findall(r"`([^`]+)`", row[2]) for row in rows]
    first, age_and_ssh, team, inbox, passphrase, _years = commands
    assert shell(f"{first[0]}; strongroom decrypt FILE.strongroom -o -") == b"text\n"
    assert shell(f"{age_and_ssh[0].replace('age1...', recipient)}; age -d -i KEY FILE.age") == b"text\n"
    assert shell("strongroom decrypt --identity KEY FILE.age -o -; rm FILE.age") == b"text\n"
    shell(f"strongroom encrypt {age_and_ssh[1]} FILE")
    assert shell("strongroom decrypt --identity ~/.ssh/id_ed25519 -o - FILE.age; rm FILE.age") == b"text\n"
    assert shell(f"{team[0]}; age -d -i KEY FILE.age") == b"text\n"
    assert shell(f"{inbox[0]} FILE | strongroom decrypt --key inbox") == b"text\n"
    shell(f"echo tea with nine blue elephants | {passphrase[0]} --output p")
    assert shell("echo tea with nine blue elephants > t; strongroom decrypt p -o - --passphrase-fd 3 3< t") == b"text\n"
