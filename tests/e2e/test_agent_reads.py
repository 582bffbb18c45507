"""Reading and writing through the agent: the quick way and the ordinary one, from the shell and from Python."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import strongroom
from strongroom.errors import Denied, VaultLocked, WrongKey
from strongroom.remote.agent import RemoteVault
from tests.agents import LINUX, AgentUnderTest, make_vault, open_vault
from tests.measured import measuring

pytestmark = pytest.mark.skipif(not LINUX, reason="the agent is tested on Linux")

SOURCE = Path(__file__).resolve().parents[2] / "src"
# What a read through the agent may load beside a bare interpreter's own modules.
LOADED = {
    "strongroom", "strongroom.agent_read", "_socket", "_sha256", "_sha2", "pwd",
}  # fmt: skip
# Without the quick read: what the command line does when that has nothing to say.
ORDINARY = "import sys; from strongroom.doors.cli.running import run_and_leave; run_and_leave(sys.argv[1:])"


class Shell:
    """Runs the command line against an agent's vault, with nothing else to open it."""

    def __init__(self, agent: AgentUnderTest) -> None:
        self.agent = agent
        self.vault = agent.directory / "vault.db"
        self.environment = {
            "PYTHONPATH": str(SOURCE),
            "HOME": str(agent.directory),
            "PATH": "/usr/bin:/bin",
            "STRONGROOM_VAULT": str(self.vault),
            "STRONGROOM_AGENT_SOCKET": str(agent.socket),
        }

    def run(self, *words: str, stdin: bytes = b"", program: str = "") -> tuple[int, bytes, str]:
        """Exit code, standard output and standard error."""
        start = ["-c", program] if program else ["-m", "strongroom"]
        environment = {**({} if program else measuring(words)), **self.environment}
        done = subprocess.run(
            [sys.executable, *start, *words], input=stdin, capture_output=True, env=environment,
            cwd=self.agent.directory, start_new_session=True, timeout=60,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr.decode()


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    make_vault(tmp_path)
    with open_vault(tmp_path) as vault:
        vault.set("api", {"token": "only one"})
        vault.set("bank/checking", {"username": "dustin", "password": "canary-7f3a", "bytes": b"\0\xff\n", "n": [1, 2]})
        vault.set("ä b/ö?&=#%", {"fïeld +": "nön-ascii"})
        vault.set("gone", {"x": "1"})
        vault.delete("gone")
    with AgentUnderTest(tmp_path) as agent:
        yield Shell(agent.unlocked())


SAME = {
    "a field": ["get", "bank/checking", "password"],
    "a field that is not secret": ["get", "bank/checking", "username"],
    "bytes": ["get", "bank/checking", "bytes"],
    "JSON": ["get", "bank/checking", "n"],
    "the only field": ["get", "api"],
    "names that need quoting": ["get", "ä b/ö?&=#%", "fïeld +"],
    "one of several, unnamed": ["get", "bank/checking"],
    "no such field": ["get", "api", "password"],
    "no such item": ["get", "nothing/here", "password"],
    "deleted": ["get", "gone", "x"],
    "no path": ["get", "bank//checking", "password"],
    "a path upwards": ["get", "../checking", "password"],
    "no field name": ["get", "api", "a\tb"],
    "an empty path": ["get", ""],
    "not UTF-8": ["get", "\udcff", "password"],
    "another vault, which is not there": ["get", "api", "--vault", "/nowhere/vault.db"],
}


@pytest.mark.parametrize("case", SAME)
def test_quick_and_ordinary_agree(shell: Shell, case: str) -> None:
    """The same bytes, the same exit code, the same words, whichever way the read takes."""
    assert shell.run(*SAME[case]) == shell.run(*SAME[case], program=ORDINARY)


def test_both_say_what_a_key_holder_hears(shell: Shell) -> None:
    """A read through the agent differs in nothing from one with the key."""
    key = ["--key-file", str(shell.agent.directory / "key")]
    for words in (*(SAME[case] for case in SAME if "another" not in case), ["log", "bank/checking"], ["ls", "-r"]):
        assert shell.run(*words) == shell.run(*words, *key), words


def test_the_quick_read_loads_next_to_nothing(shell: Shell) -> None:
    """Between the bare interpreter and the value there are two files, and no library."""
    program = (
        "import sys, os; before = set(sys.modules)\n"
        "from strongroom.agent_read import read_through_agent\n"
        "value = read_through_agent(['get', 'bank/checking', 'password'])\n"
        "print(value.decode(), *(set(sys.modules) - before))"
    )
    value, *loaded = shell.run(program=program)[1].decode().split()
    assert value == "canary-7f3a"
    assert set(loaded) <= LOADED
    assert "_socket" in loaded


def test_a_closed_output_receives_nothing(shell: Shell) -> None:
    """Without a standard output the value does not go to the agent's socket in its place: exit 15."""
    command = f"exec {sys.executable} -m strongroom get api >&-"
    done = subprocess.run(
        ["sh", "-c", command], env=shell.environment, capture_output=True, timeout=60, cwd=shell.agent.directory
    )
    assert done.returncode == 15
    assert b"cannot write to standard output" in done.stderr


def test_a_reader_that_goes_away(shell: Shell) -> None:
    """A pipe without a reader ends the process by SIGPIPE, without a word, as for every other program."""
    reads, writes = os.pipe()
    os.close(reads)
    command = [sys.executable, "-m", "strongroom", "get", "api"]
    with subprocess.Popen(command, env=shell.environment, stdout=writes, stderr=subprocess.PIPE) as process:
        os.close(writes)
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(60) == -13


def test_a_long_value_arrives_whole(shell: Shell) -> None:
    """More than a pipe holds, through a slow reader."""
    with open_vault(shell.agent.directory) as vault:
        vault.set("long", {"x": "0123456789" * 200_000})
    command = f"{sys.executable} -m strongroom get long | (sleep 0.3; cat) | wc -c"
    done = subprocess.run(["sh", "-c", command], env=shell.environment, capture_output=True, timeout=60, check=True)
    assert int(done.stdout) == 2_000_000


def test_every_verb_of_items_goes_through_the_agent(shell: Shell) -> None:
    """Nothing but the agent can open this vault here, and a day's commands work."""
    assert shell.run("set", "new/item", "user=me", "password", stdin=b"pw")[0] == 0
    assert shell.run("get", "new/item", "password")[1] == b"pw"
    assert shell.run("set", "new/item", "note=n")[2] == "strongroom: stored new/item, version 2\n"
    assert shell.run("ls", "-r")[1].decode().splitlines() == ["api", "bank/checking", "new/item", "ä b/ö?&=#%"]
    assert shell.run("mv", "new/", "old/")[0] == 0
    assert shell.run("rm", "old/item")[0] == 0
    assert shell.run("get", "old/item", "user")[0] == 4
    assert shell.run("restore", "old/item")[0] == 0
    assert shell.run("configure", "old/item", "--max-versions", "3")[0] == 0
    assert shell.run("require", "old/item", "user", "password")[0] == 0
    assert shell.run("require", "old/item", "pin")[0] == 8
    assert shell.run("log", "old/item")[1].count(b"\n") == 2
    assert shell.run("rm", "--destroy", "--yes", "old/item")[0] == 0
    assert b"commit counter" in shell.run("status")[1]
    assert shell.run("status", "--expect-counter", "100000")[0] == 7


def test_no_agent_means_no_agent(shell: Shell) -> None:
    """--no-agent opens the vault itself, and there is no key here: exit 8."""
    assert shell.run("get", "api", "--no-agent")[0] == 8


def test_a_locked_agent_is_exit_3(shell: Shell) -> None:
    """Locked, and ended with its socket left behind: the command to run is named; a key at hand still opens."""
    shell.agent.lock()
    code, out, err = shell.run("get", "api")
    assert (code, out) == (3, b"")
    assert err.endswith("is locked\nhint: strongroom unlock\n")
    shell.agent.process.kill()
    shell.agent.process.wait()
    code, out, err = shell.run("get", "api")
    assert (code, out) == (3, b"")
    assert err.endswith("has ended and left its socket behind\nhint: strongroom unlock\n")
    shell.environment["STRONGROOM_KEY_FILE"] = str(shell.agent.directory / "key")
    assert shell.run("get", "api")[:2] == (0, b"only one")


def test_the_agent_of_another_vault_is_not_asked(shell: Shell, tmp_path: Path) -> None:
    """A vault that is named is never answered for by another one's agent."""
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    make_vault(other)
    for program in ("", ORDINARY):
        assert shell.run("get", "bank/checking", "password", "--vault", f"{other}/vault.db", program=program)[0] == 8


@pytest.fixture
def vault(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[strongroom.Vault]:
    monkeypatch.setenv("STRONGROOM_AGENT_SOCKET", str(shell.agent.socket))
    with strongroom.open(shell.vault) as vault:
        yield vault


def test_a_program_finds_the_agent(shell: Shell, vault: strongroom.Vault) -> None:
    """`strongroom.open` returns the remote vault, and the same methods work."""
    assert isinstance(vault, RemoteVault)
    assert vault.get("bank/checking", "password").reveal() == "canary-7f3a"
    assert vault.require("bank/checking", "username").public("username") == "dustin"
    assert vault.set("made/here", {"password": "x"}).number == 1
    with pytest.raises(Denied, match="key"):
        vault.verify()
    with pytest.raises(WrongKey):
        strongroom.open(shell.vault, passphrase="wrong")


def test_a_child_process_reads_on(vault: strongroom.Vault) -> None:
    """After a fork both sides read over connections of their own."""
    vault.get("api")
    child = os.fork()
    if child == 0:
        try:
            values = {vault.get("api", "token").reveal() for _ in range(50)}  # type: ignore[union-attr]
            os._exit(0 if values == {"only one"} else 1)
        except BaseException:
            os._exit(2)
    assert {vault.get("bank/checking", "password").reveal() for _ in range(50)} == {"canary-7f3a"}
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_program_survives_a_restart_of_the_agent(shell: Shell, vault: strongroom.Vault) -> None:
    """While there is no agent it is VaultLocked; with the next one the same object goes on."""
    vault.get("api")
    shell.agent.process.kill()
    shell.agent.process.wait()
    with pytest.raises(VaultLocked):
        vault.get("api")
    with AgentUnderTest(shell.agent.directory) as again:
        with pytest.raises(VaultLocked, match="locked"):
            vault.get("api")
        again.unlocked()
        assert vault.get("api", "token").reveal() == "only one"
        vault.set("api", {"token": "two"})
