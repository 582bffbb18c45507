"""A day with the agent, as scripts: unlock once, read often, lock, and what everything says."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import PASSPHRASE, Machine
from tests.patience import PATIENCE_SECONDS, wait_for

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the agent is tested on Linux")

TYPED = PASSPHRASE.encode() + b"\n"


@pytest.fixture
def home(phrased: Machine) -> Iterator[Machine]:
    """A machine whose vault a passphrase opens; its agent is ended in the end."""
    # The agent's usual place is named by the password database: that is this user's own home.
    phrased.environment["STRONGROOM_AGENT_SOCKET"] = str(phrased.home / "agent.sock")
    phrased.environment["XDG_STATE_HOME"] = str(phrased.home / "state")
    yield phrased
    phrased.run("agent", "stop")


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """A process that does not outlive a test that fails."""
    try:
        yield
    finally:
        process.kill()


def status(machine: Machine) -> dict[str, object]:
    found: dict[str, object] = json.loads(machine.run("agent", "status", "--json").out)
    return found


def test_unlock_from_a_pipe_and_lock(home: Machine) -> None:
    """Exit codes and words of each step, from no agent to none again."""
    done = home.run("agent", "status")
    assert (done.code, done.text.splitlines()[1]) == (3, "agent:          none runs")
    done = home.run("unlock", "--for", "8h", "--idle", "30m", stdin=TYPED)
    assert (done.code, done.out) == (0, b"")
    assert done.err == f"strongroom: unlocked {home.vault} for 8 hours and until it is not used for 30 minutes\n"
    shown = status(home)
    assert shown["locked"] is False
    assert 1700 < int(str(shown["seconds_left"])) <= 1800
    assert shown["socket"] == str(home.home / "agent.sock")
    assert shown["vault"] == str(home.vault)
    assert home.run("agent", "status").code == 0
    assert home.run("lock").err == f"strongroom: locked {home.vault}\n"
    done = home.run("agent", "status")
    assert done.code == 3
    assert "state:          locked: somebody locked it" in done.text
    assert home.run("agent", "stop").code == 0
    assert not (home.home / "agent.sock").exists()
    assert home.run("agent", "stop").err == "strongroom: no agent runs for this vault\n"
    assert home.run("lock").code == 0


def test_a_wrong_passphrase_leaves_no_agent(home: Machine) -> None:
    """Exit 6, and nothing was started for it; without anything to try it is exit 8."""
    done = home.run("unlock", stdin=b"tea with nine green elephants\n")
    assert done.code == 6
    assert "no key slot opens with this" in done.err
    assert status(home)["running"] is False
    done = home.run("unlock")
    assert done.code == 8
    assert "no terminal to ask on" in done.err


def test_what_takes_a_key_says_that_the_agent_gives_none(home: Machine) -> None:
    """With an agent that holds the vault open, a command that needs a key of its own says why that does not help."""
    said = "hint: an agent holds this vault open, and gives out no keys: this command needs one of its own\n"
    assert said not in home.run("slot", "list").err
    home.run("unlock", stdin=PASSPHRASE.encode() + b"\n")
    done = home.run("slot", "list")
    assert done.code == 8
    assert said in done.err
    assert said not in home.run("slot", "list", "--no-agent").err


def test_unlock_at_a_terminal(home: Machine) -> None:
    """The passphrase is asked for without echo, and again after a wrong one."""
    with home.at_terminal("unlock") as person:
        person.sees(f"passphrase for {home.vault}: ").waits_for("off")
        person.types("wrong").sees("try again")
        person.sees("passphrase for").waits_for("off")
        time.sleep(0.6)
        person.types(PASSPHRASE).sees("unlocked")
        assert person.ends() == 0
    # The person has gone, and the agent stays.
    assert status(home)["locked"] is False


def test_unlock_of_what_is_unlocked(home: Machine) -> None:
    """Nobody types a passphrase for nothing; who wants another time is told which one is left, and asked."""
    assert home.run("unlock", "--for", "8h", stdin=TYPED).code == 0
    with home.at_terminal("unlock") as person:
        person.sees(f"{home.vault} is already unlocked, for 7 h ").sees("strongroom unlock --for 8h")
        assert person.ends() == 0
        assert "passphrase for" not in person.screen
    with home.at_terminal("unlock", "--for", "2d") as person:
        person.sees("is already unlocked, for 7 h").sees("passphrase for").waits_for("off")
        person.types(PASSPHRASE).sees("for 2 days")
        assert person.ends() == 0
    assert int(str(status(home)["seconds_left"])) > 86_400
    assert home.run("unlock", stdin=TYPED).code == 0
    with home.at_terminal("unlock") as person:
        person.sees("is already unlocked").sees("hint: for another time")
        assert person.ends() == 0
        assert "more" not in person.screen
    # A pipe's passphrase is tried all the same, and a wrong one is wrong.
    assert home.run("unlock", stdin=b"tea with nine green elephants\n").code == 6


def test_unlock_with_what_is_at_hand(home: Machine) -> None:
    """A key file that an option or the environment names; a missing one is exit 4."""
    done = home.run("slot", "add", "key-file", str(home.key), "--passphrase-fd", "0", stdin=TYPED)
    assert done.code == 0, done
    assert home.run("unlock", "--key-file", str(home.key)).code == 0
    assert home.run("lock").code == 0
    environment = {**home.environment, "STRONGROOM_KEY_FILE": str(home.key)}
    assert home.run("unlock", environment=environment).code == 0
    assert status(home)["locked"] is False
    assert home.run("unlock", "--key-file", str(home.home / "none")).code == 4


def test_the_end_of_its_time(home: Machine) -> None:
    """--for ends although it is used; --idle ends because it is not."""
    # Where everything is slow, a short time is over before the vault is open.
    assert any(home.run("unlock", "--for", f"{seconds}s", stdin=TYPED).code == 0 for seconds in (2, 8, 30))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while status(home)["locked"] is False:
        assert time.monotonic() < deadline
        assert home.run("get", "bank/checking", "password").code in (0, 3)
    assert "its time was over" in str(status(home)["locked_because"])
    assert any(home.run("unlock", "--idle", f"{seconds}s", stdin=TYPED).code == 0 for seconds in (1, 8, 30))
    # To be asked how it is is no use of it.
    wait_for(lambda: status(home)["locked"], "the end of an idle agent")


def test_killed_and_started_anew(home: Machine) -> None:
    """The socket's file stays behind; status says so, and unlock starts another agent over it."""
    assert home.run("unlock", stdin=TYPED).code == 0
    os.kill(int(str(status(home)["pid"])), signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (done := home.run("agent", "status")).code != 3:
        assert time.monotonic() < deadline, done
    assert "its socket was left behind" in done.text
    assert home.run("unlock", stdin=TYPED).code == 0
    assert status(home)["running"] is True


def test_in_the_foreground(home: Machine) -> None:
    """As systemd runs it: unlocked by a credential at the start, ready told, ended by SIGTERM with exit 0."""
    done = home.run("slot", "add", "key-file", str(home.key), "--passphrase-fd", "0", stdin=TYPED)
    assert done.code == 0, done
    (home.home / "credentials").mkdir(mode=0o700)
    home.key.rename(home.home / "credentials" / "strongroom-key")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(home.home / "notify"))
        notified.settimeout(PATIENCE_SECONDS)
        environment = {
            **home.full_environment(None),
            "NOTIFY_SOCKET": str(home.home / "notify"),
            "CREDENTIALS_DIRECTORY": str(home.home / "credentials"),
        }
        with subprocess.Popen(
            [sys.executable, "-m", "strongroom", "agent"], env=environment, cwd=home.home, stderr=subprocess.PIPE
        ) as agent, ended(agent):
            ready = notified.recv(4096).decode()
            assert ready.startswith("READY=1\n")
            assert f"MAINPID={agent.pid}" in ready
            assert "STATUS=unlocked" in ready
            assert status(home)["locked"] is False
            agent.send_signal(signal.SIGTERM)
            assert notified.recv(4096) == b"STOPPING=1"
            assert agent.wait(PATIENCE_SECONDS) == 0


def test_killed_and_started_by_systemd(home: Machine) -> None:
    """With a credential the next one asks nothing; in between, and where there is none, clients hear what to run."""
    assert home.run("slot", "add", "key-file", str(home.key), "--passphrase-fd", "0", stdin=TYPED).code == 0
    (home.home / "credentials").mkdir(mode=0o700)
    home.key.rename(home.home / "credentials" / "strongroom-key")
    assert home.run("set", "a", "x=1", "--passphrase-fd", "0", stdin=TYPED).code == 0
    credentials = {"CREDENTIALS_DIRECTORY": str(home.home / "credentials")}
    for at_hand, code in ((credentials, 0), (credentials, 0), ({}, 3)):
        agent = subprocess.Popen(
            [sys.executable, "-m", "strongroom", "agent"],
            env={**home.full_environment(None), **at_hand},
            cwd=home.home,
            stderr=subprocess.DEVNULL,
        )
        with agent, ended(agent):
            deadline = time.monotonic() + 60
            while status(home).get("pid") != agent.pid or (at_hand and status(home)["locked"]):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            read = home.run("get", "a", "x")
            assert (read.code, read.out) == (code, b"" if code else b"1"), read
            assert ("strongroom unlock" in read.err) is bool(code)
            agent.kill()
        read = home.run("get", "a", "x")
        assert (read.code, "strongroom unlock" in read.err) == (3, True), read


def test_socket_activation(home: Machine) -> None:
    """A socket that systemd made is taken over, and left alone in the end."""
    path = home.home / "passed.sock"
    home.environment["STRONGROOM_AGENT_SOCKET"] = str(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        environment = {**home.full_environment(None), "LISTEN_FDS": "1"}
        script = (
            f"import os, sys; os.dup2({listener.fileno()}, 3); os.environ['LISTEN_PID'] = str(os.getpid()); "
            "os.execv(sys.executable, [sys.executable, '-m', 'strongroom', 'agent'])"
        )
        with subprocess.Popen(
            [sys.executable, "-c", script],
            env=environment,
            cwd=home.home,
            pass_fds=[listener.fileno()],
            stderr=subprocess.PIPE,
        ) as agent, ended(agent):
            # The connection waits in the queue until the agent serves.
            shown = status(home)
            assert shown["pid"] == agent.pid
            assert shown["locked"] is True
            assert home.run("unlock", stdin=TYPED).code == 0
            assert home.run("agent", "stop").code == 0
            assert agent.wait(PATIENCE_SECONDS) == 0
        assert path.exists()


def test_the_record_of_a_day(home: Machine) -> None:
    """audit shows who read what; verify holds it, also against a checkpoint; a missing line is exit 7."""
    assert home.run("unlock", stdin=TYPED).code == 0
    assert home.run("get", "bank/checking", "password").out == b"canary-7f3a"
    assert home.run("lock").code == 0
    fd = ("--passphrase-fd", "0")
    done = home.run("audit", "--path", "bank/checking", "--json", *fd, stdin=TYPED)
    (line,) = map(json.loads, done.text.splitlines())
    assert (line["operation"], line["path"], line["outcome"]) == ("read", "bank/checking", "ok")
    assert line["uid"] == os.getuid()
    done = home.run("audit", *fd, stdin=TYPED)
    assert [re.split(" {2,}", one)[3].split()[0] for one in done.text.splitlines()] == ["unlock", "read", "lock"]
    assert home.run("audit", "--since", "1s", "--user", "12345", *fd, stdin=TYPED).out == b""
    checkpoint = home.home / "checkpoint"
    assert home.run("audit", "checkpoint", str(checkpoint), *fd, stdin=TYPED).code == 0
    done = home.run("audit", "verify", str(checkpoint), *fd, stdin=TYPED)
    assert done.text == "intact: 4 lines of 1 writers\n"
    (file,) = Path(f"{home.vault}.audit").glob("*.log")
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))
    assert home.run("audit", "verify", *fd, stdin=TYPED).code == 0
    done = home.run("audit", "verify", str(checkpoint), *fd, stdin=TYPED)
    assert done.code == 7
    assert "cut off" in done.err


def test_install_writes_a_unit(home: Machine) -> None:
    """For a user; it is not replaced without being told so; what systemd itself says of it."""
    home.environment["XDG_CONFIG_HOME"] = str(home.home / "a config")
    done = home.run("agent", "install", "--user", "--key-file", str(home.key))
    assert done.code == 0, done
    unit = home.home / "a config" / "systemd" / "user" / "strongroom-agent.service"
    text = unit.read_text()
    assert f"LoadCredential=strongroom-key:{home.key}" in text
    assert f"--vault {home.vault}" in text
    assert home.run("agent", "install", "--user").code == 10
    assert home.run("agent", "install", "--user", "--yes").code == 0
    assert "LoadCredential" not in unit.read_text()
    assert home.run("agent", "install").code == 2
    if shutil.which("systemd-analyze"):
        done = subprocess.run(["systemd-analyze", "verify", "--user", str(unit)], capture_output=True, text=True)
        complaints = [line for line in done.stderr.splitlines() if "strongroom-agent" in line]
        assert complaints == []
