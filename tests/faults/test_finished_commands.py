"""The memory of a command that has just finished: no passphrase, no key of the vault.

gdb stops the process at the system call with which it ends, and makes a core image of all of it.
The same search finds the keys in an image of the moment at which a value is printed. What the
library copies of a data key and frees is overwritten, but not every time: 16 of its 32 bytes may
still lie there, never all of them.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agents import IS_ROOT, PASSPHRASE, make_vault
from tests.faults.test_agent_memory import needles_of
from tests.peers import require_programs

pytestmark = [
    pytest.mark.skipif(not IS_ROOT, reason="only root may trace any process"),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="names a register of this processor"),
]

NEW_PHRASE = b"coffee with eight red walruses"
AT_ITS_END = "catch syscall exit_group"
# The value goes to standard output while the vault is open; earlier writes are those of the anchor.
AT_THE_VALUE = "catch syscall write\ncondition 1 $rdi == 1"

COMMANDS = {
    "get with a key file": ("--key-file {key} get bank/checking password", b""),
    "get with a passphrase": ("--passphrase-fd 0 get bank/checking password", PASSPHRASE),
    "a wrong passphrase": ("--passphrase-fd 0 get bank/checking password", PASSPHRASE + b"!"),
    "set": ("--passphrase-fd 0 set new name=x", PASSPHRASE),
    "rotate": ("--key-file {key} rotate --root", b""),
    "a new passphrase": ("--key-file {key} slot add passphrase", NEW_PHRASE),
    "verify": ("--passphrase-fd 0 verify", PASSPHRASE),
    "backup": ("--key-file {key} backup {directory}/backup.db", b""),
    "a new vault": ("--vault {directory}/other.db --key-file {key} init", b""),
}


def image(directory: Path, command: str, stdin: bytes, moment: str) -> bytes:
    """The memory of a command at a moment, as gcore writes it."""
    words = [word.format(directory=directory, key=directory / "key") for word in command.split()]
    core = directory / "core"
    steps = ["set debuginfod enabled off", "set pagination off", "set startup-with-shell off", *moment.splitlines()]
    steps += ["run", f"gcore {core}", "kill"]
    environment = {
        "HOME": str(directory),
        "PATH": "/usr/bin:/bin",
        "XDG_STATE_HOME": str(directory / "state"),
        "STRONGROOM_VAULT": str(directory / "vault.db"),
        "STRONGROOM_AGENT_SOCKET": str(directory / "agent.sock"),
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }
    done = subprocess.run(
        ["gdb", "-nx", "-q", "-batch", *(part for step in steps for part in ("-ex", step)),
         "--args", sys.executable, "-m", "strongroom", *words],
        input=stdin + b"\n", capture_output=True, env=environment, cwd=directory, timeout=120,
    )  # fmt: skip
    assert core.exists(), (done.stdout, done.stderr)
    try:
        return core.read_bytes()
    finally:
        core.unlink()


def found(memory: bytes, needles: dict[str, bytes]) -> set[str]:
    return {name for name, needle in needles.items() if needle in memory}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_key_is_left_when_a_command_has_finished(tmp_path: Path, name: str) -> None:
    """Neither what opened the vault, nor what was made meanwhile."""
    require_programs("gdb")
    make_vault(tmp_path)
    before = needles_of(tmp_path)
    command, stdin = COMMANDS[name]
    memory = image(tmp_path, command, stdin, AT_ITS_END)
    assert b"strongroom" in memory
    # After a rotation the file names other keys; the command was stopped just before its end, so all of it is done.
    after = needles_of(tmp_path)
    for names in (before, after):
        names["data key"] = b"".join(names.pop(name) for name in sorted(names) if name.startswith("data key, half"))
        assert len(names["data key"]) == 32
        assert found(memory, names | {"new passphrase": NEW_PHRASE, "typed": stdin or NEW_PHRASE}) == set()


@pytest.mark.parametrize("name", ["get with a key file", "get with a passphrase"])
def test_the_search_finds_what_is_there(tmp_path: Path, name: str) -> None:
    """While the value is printed, root key and data key are there."""
    require_programs("gdb")
    make_vault(tmp_path)
    command, stdin = COMMANDS[name]
    memory = image(tmp_path, command, stdin, AT_THE_VALUE)
    in_use = found(memory, needles_of(tmp_path))
    assert {f"{key}, half {half}" for key in ("root key", "data key") for half in (0, 1)} <= in_use
    assert b"canary-7f3a" in memory
