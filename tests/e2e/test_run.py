"""`strongroom run`: values reach the program and nobody else, and everything else is the program's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import PATIENCE_SECONDS, Done, Machine

SECRET = "canary-7f3a/ö"
OTHER = 'it\'s "quoted" $HOME\\n'


@pytest.fixture
def stocked(keyed: Machine) -> Machine:
    """A machine whose vault has a few items."""
    for path, field, value in (
        ("db/prod", "password", SECRET.encode()),
        ("api", "token", OTHER.encode()),
        ("odd/nul", "blob", b"a\0b"),
        ("odd/bytes", "blob", b"\xff\xfe"),
    ):
        assert keyed.run("set", path, field, stdin=value).code == 0
    return keyed


PRINT = "import os, sys, json; print(json.dumps({n: os.environ.get(n) for n in sys.argv[1:]}))"


def program(*names: str) -> tuple[str, ...]:
    return ("--", sys.executable, "-c", PRINT, *names)


def test_values_reach_the_environment_exactly(stocked: Machine) -> None:
    """In every encoding; what our own environment has stays there."""
    done = stocked.run(
        "run",
        "--env", "A=strongroom://db/prod#password",
        "--env", "B=strongroom://api",
        "--env", "C=strongroom://db/prod#password?as=url",
        "--env", "D=strongroom://api#token?as=json",
        *program("A", "B", "C", "D", "HOME"),
    )  # fmt: skip
    assert done.code == 0, done
    found = json.loads(done.text)
    assert (found["A"], found["B"], found["HOME"]) == (SECRET, OTHER, str(stocked.home))
    assert found["C"] == "canary-7f3a%2F%C3%B6"
    assert json.loads(found["D"]) == OTHER


def test_nothing_starts_when_a_value_is_missing_and_all_missing_ones_are_named(stocked: Machine) -> None:
    """Exit 4, with the commands that store them."""
    done = stocked.run(
        "run",
        "--env", "A=strongroom://nowhere#x",
        "--env", "B=strongroom://api",
        "--file", "C=strongroom://db/prod#nothing",
        "--fd", "D=strongroom://gone/too",
        "--", "touch", "started",
    )  # fmt: skip
    assert done.code == 4
    assert done.err == (
        "strongroom: 3 of 4 references name nothing: A (nowhere#x), D (gone/too), C (db/prod#nothing)\n"
        "hint: strongroom set nowhere x\n"
        "hint: strongroom set gone/too\n"
        "hint: strongroom set db/prod nothing\n"
    )
    assert not (stocked.home / "started").exists()


def test_files_and_descriptors_lie_in_memory_and_cannot_be_changed(stocked: Machine) -> None:
    """Also for what the program itself starts, which inherits no descriptors; gone when it ends."""
    script = """
import json, os, subprocess, sys
path, number = os.environ["F"], int(os.environ["D"])
child = subprocess.run(["cat", path], capture_output=True)
try:
    os.write(os.open(path, os.O_RDWR), b"x")
    changed = True
except OSError:
    changed = False
link = os.readlink(path)
read = [open(path).read(), os.read(number, 100).decode(), child.stdout.decode()]
print(json.dumps([*read, changed, link, path]))
"""
    words = ("--file", "F=strongroom://db/prod#password", "--fd", "D=strongroom://api")
    done = stocked.run("run", *words, "--", sys.executable, "-c", script)
    assert done.code == 0, done
    by_path, by_number, by_grandchild, changed, link, path = json.loads(done.text)
    assert (by_path, by_number, by_grandchild) == (SECRET, OTHER, SECRET)
    assert not changed
    assert "memfd" in link
    assert not os.path.exists(path)


def test_nothing_secret_is_in_our_own_words_or_environment_while_we_wait(stocked: Machine) -> None:
    """With a mask our process stays; nobody can read a value off it."""
    words = ("run", "--mask", "--env", "A=strongroom://db/prod#password", "--", "sh", "-c", "echo ready; sleep 60")
    with subprocess.Popen(
        [sys.executable, "-m", "strongroom", *words],
        env=stocked.full_environment(None),
        cwd=stocked.home,
        stdout=subprocess.PIPE,
    ) as waiting:
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == b"ready\n"
        shown = Path(f"/proc/{waiting.pid}/environ").read_bytes() + Path(f"/proc/{waiting.pid}/cmdline").read_bytes()
        waiting.terminate()
        assert waiting.wait(PATIENCE_SECONDS) == -signal.SIGTERM
    assert b"--mask" in shown
    assert SECRET.encode() not in shown


REFUSED = {
    "no reference": (["--env", "A=hunter2", "--", "true"], 2),
    "no name": (["--env", "=strongroom://api", "--", "true"], 2),
    "a bad name": (["--env", "A-B=strongroom://api", "--", "true"], 2),
    "a name twice": (["--env", "A=strongroom://api", "--fd", "A=strongroom://api", "--", "true"], 2),
    "no command": (["--env", "A=strongroom://api"], 2),
    "a command without dashes": (["--env", "A=strongroom://api", "touch", "started"], 2),
    "a NUL": (["--env", "A=strongroom://odd/nul#blob", "--", "touch", "started"], 2),
    "bytes as JSON": (["--env", "A=strongroom://odd/bytes?as=json", "--", "touch", "started"], 2),
    "an unknown dialect": (["--dialect", "bourne", "--", "touch", "started"], 2),
    "a file that is not there": (["--env-file", "none.env", "--", "touch", "started"], 4),
    "JSON": (["--json", "--", "touch", "started"], 2),
}


@pytest.mark.parametrize(("words", "code"), REFUSED.values(), ids=REFUSED)
def test_wrong_use_starts_nothing(stocked: Machine, words: list[str], code: int) -> None:
    """And repeats nothing that may be a password."""
    done = stocked.run("run", *words)
    assert done.code == code, done
    assert done.err.startswith("strongroom: ")
    assert "hunter2" not in done.err
    assert not (stocked.home / "started").exists()


def test_bytes_and_a_nul_pass_through_a_file(stocked: Machine) -> None:
    """Which carries what an environment cannot."""
    done = stocked.run("run", "--file", "F=strongroom://odd/nul", "--", "sh", "-c", 'cat "$F"')
    assert (done.code, done.out) == (0, b"a\0b")
    done = stocked.run("run", "--env", "F=strongroom://odd/bytes", "--", "sh", "-c", 'printf %s "$F"')
    assert (done.code, done.out) == (0, b"\xff\xfe")


@pytest.mark.parametrize("mask", [[], ["--mask"]])
def test_a_program_that_cannot_start_is_126_or_127(stocked: Machine, mask: list[str]) -> None:
    """As env(1) and shells have it."""
    (stocked.home / "plain").write_text("text")
    words = ("run", *mask, "--env", "A=strongroom://api", "--")
    missing = stocked.run(*words, "no-such-program")
    assert (missing.code, missing.err) == (127, "strongroom: there is no program no-such-program\n")
    refused = stocked.run(*words, "./plain")
    assert (refused.code, refused.err) == (126, "strongroom: cannot start ./plain: permission denied\n")
    # As of run -- "$PROGRAM", where nothing sets it.
    empty = stocked.run(*words, "", "word")
    assert (empty.code, empty.err.splitlines()[0]) == (2, "strongroom: the name of the program is empty")


@pytest.mark.parametrize("mask", [[], ["--mask"]])
def test_the_status_is_the_programs_own(stocked: Machine, mask: list[str]) -> None:
    """Every code, and every signal."""
    for code in (0, 1, 13, 130, 255):
        assert stocked.run("run", *mask, "--", "sh", "-c", f"exit {code}").code == code
    for number in (signal.SIGTERM, signal.SIGSEGV, signal.SIGPIPE):
        assert stocked.run("run", *mask, "--", "sh", "-c", f"kill -{number:d} $$").code == -number


def test_the_program_has_its_own_signals(stocked: Machine) -> None:
    """Python ignores SIGPIPE; the program does not inherit that."""
    # Seen from outside Python, which would set it itself.
    done = stocked.run("run", "--", "sh", "-c", "grep -E 'SigIgn|SigBlk' /proc/self/status")
    masked = stocked.run("run", "--mask", "--", "sh", "-c", "grep -E 'SigIgn|SigBlk' /proc/self/status")
    plain = subprocess.run(
        ["sh", "-c", "grep -E 'SigIgn|SigBlk' /proc/self/status"], capture_output=True, restore_signals=True
    )
    assert done.out == masked.out == plain.stdout


def test_the_key_does_not_reach_the_program(phrased: Machine) -> None:
    """The descriptor that brought the passphrase is closed."""
    reads, writes = os.pipe()
    os.write(writes, b"tea with nine blue elephants\nrest")
    os.close(writes)
    done = phrased.run(
        "run", "--passphrase-fd", str(reads), "--env", "A=strongroom://bank/checking#password",
        "--", "sh", "-c", f"echo $A; cat <&{reads}", pass_fds=(reads,),
    )  # fmt: skip
    os.close(reads)
    assert done.text == "canary-7f3a\n"
    assert done.code != 0
    assert "rest" not in done.text


def test_a_clean_environment_has_no_more_than_programs_need(stocked: Machine) -> None:
    """PATH and HOME stay; other variables do not."""
    environment = {**stocked.environment, "AWS_SECRET": "x", "LC_TIME": "C"}
    names = ("AWS_SECRET", "HOME", "LC_TIME", "A", "STRONGROOM_KEY_FILE")
    words = ("run", "--clean", "--env", "A=strongroom://db/prod#password", *program(*names))
    found = json.loads(stocked.run(*words, environment=environment).text)
    assert found == {
        "AWS_SECRET": None, "HOME": str(stocked.home), "LC_TIME": "C", "A": SECRET, "STRONGROOM_KEY_FILE": None
    }  # fmt: skip


def env_file(machine: Machine, text: str, *options: str) -> Done:
    """Write app.env and allow it."""
    (machine.home / "app.env").write_text(text)
    return machine.run("allow", "app.env", "--yes", *options)


FILE = """\
# what the app needs
DB_PASSWORD=strongroom://db/prod#password
TOKEN="strongroom://api#token"
PORT=5432
"""


def test_a_dotenv_file_gives_variables_once_it_was_allowed(stocked: Machine) -> None:
    """And again only after every change was looked at."""
    assert env_file(stocked, FILE).code == 0
    words = ("run", "--env-file", "app.env", "--dialect", "posix")
    found = json.loads(stocked.run(*words, *program("DB_PASSWORD", "TOKEN", "PORT")).text)
    assert found == {"DB_PASSWORD": SECRET, "TOKEN": OTHER, "PORT": "5432"}
    found = json.loads(stocked.run(*words, "--only", "PORT", *program("DB_PASSWORD", "PORT")).text)
    assert found == {"DB_PASSWORD": None, "PORT": "5432"}
    overridden = stocked.run(*words, "--env", "PORT=strongroom://db/prod#password", *program("PORT"))
    assert json.loads(overridden.text) == {"PORT": SECRET}
    assert stocked.run(*words, "--only", "NONE", "--", "touch", "started").code == 4
    (stocked.home / "app.env").write_text(FILE + "LD_PRELOAD=./evil.so\n")
    changed = stocked.run(*words, "--", "touch", "started")
    assert changed.code == 5
    assert "strongroom allow app.env" in changed.err
    assert not (stocked.home / "started").exists()


def test_a_file_names_no_more_than_it_was_allowed(stocked: Machine) -> None:
    """The limit is checked when it is allowed, and when it is used."""
    refused = env_file(stocked, FILE, "--prefix", "db")
    assert refused.code == 5
    assert "names api#token" in refused.err
    assert env_file(stocked, "A=strongroom://db/prod#password\n", "--prefix", "db/").code == 0
    assert stocked.run("run", "--env-file", "app.env", "--", "true").code == 0
    # Interpolation makes a name that stands nowhere in the file.
    hidden = "P=strongroom://\nA=${P}api#token\n"
    assert env_file(stocked, hidden, "--prefix", "db").code == 0
    done = stocked.run("run", "--env-file", "app.env", "--dialect", "compose", "--only", "A", "--", "touch", "started")
    assert done.code in (2, 5), done
    assert not (stocked.home / "started").exists()


def test_a_value_that_is_a_reference_and_more_is_refused(stocked: Machine) -> None:
    """It would reach the program as it stands, and look like a password."""
    assert env_file(stocked, 'URL="postgres://u:strongroom://db/prod#password@host"\n').code == 0
    done = stocked.run("run", "--env-file", "app.env", "--dialect", "posix", "--", "touch", "started")
    assert done.code == 2
    assert "line 1 of app.env: URL" in done.err
    assert not (stocked.home / "started").exists()


def test_a_masked_program_shows_no_value_however_it_writes(stocked: Machine) -> None:
    """Split over writes with time between them, encoded, on either output."""
    script = """
import base64, os, sys, time, json, urllib.parse
value = os.environ["A"]
os.write(1, b"plain " + value.encode() + b"\\n")
for one in value.encode():
    os.write(1, bytes([one])); time.sleep(0.002)
os.write(2, b" hex " + value.encode().hex().encode())
print(base64.b64encode(value.encode()).decode(), base64.b64encode(b"u:" + value.encode()).decode())
print(urllib.parse.quote(value, safe=""), json.dumps(value), repr(value))
print("canary-7f3 is none")
"""
    done = stocked.run("run", "--mask", "--env", "A=strongroom://db/prod#password", "--", sys.executable, "-c", script)
    assert done.code == 0
    everything = done.out + done.err.encode()
    for shown in ("canary-7f3a", "63616e617279", "Y2FuYXJ5", "%C3%B6", "\\u00f6"):
        assert shown.encode() not in everything, shown
    assert b"canary-7f3 is none" in done.out
    assert done.out.count(b"<hidden>") == 7
    assert done.err == " hex <hidden>"


def test_all_secrets_of_the_vault_can_be_masked(stocked: Machine) -> None:
    """Also those that the program found by itself; what is too short is said."""
    assert stocked.run("set", "short", "pin", stdin=b"123").code == 0
    words = ("run", "--mask-all", "--env", "P=strongroom://short#pin", "--", "cat", "notes")
    (stocked.home / "notes").write_text(f"<{SECRET}> <{OTHER}> 123")
    done = stocked.run(*words)
    assert done.text == "<<hidden>> <<hidden>> 123"
    assert done.err == "strongroom: not masked, because shorter than 4 bytes: short#pin\n"


def test_a_terminal_is_not_masked_and_stays_the_programs(stocked: Machine) -> None:
    """It is replaced, not supervised: the process that was started is the program."""
    words = ("run", "--mask", "--env", "A=strongroom://db/prod#password", "--")
    with stocked.at_terminal(*words, "sh", "-c", "echo $A pid $$; tty; read x; echo got $x") as person:
        person.sees(f"{SECRET} pid {person.process.pid}").sees("/dev/pts/").types("line").sees("got line")
        assert person.ends() == 0
    # Not a shell: dash forgets a key that is pressed just before it becomes its last command.
    script = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_DFL); print('ready'); time.sleep(60)"
    with stocked.at_terminal(*words, sys.executable, "-uc", script) as person:
        person.sees("ready").types("\x03")
        assert person.ends() == -signal.SIGINT


def test_a_key_reaches_a_masked_program_once(stocked: Machine) -> None:
    """The terminal sends Ctrl-C to everybody; it is not forwarded on top."""
    script = (
        "import signal, time, sys\n"
        "count = 0\n"
        "def note(*_):\n    global count; count += 1\n"
        "signal.signal(signal.SIGINT, note)\n"
        "open('ready', 'w').close()\n"
        "while not count: time.sleep(0.01)\n"
        "time.sleep(0.5)\n"
        "open('counted', 'w').write(str(count))\n"
    )
    out = os.open(stocked.home / "out", os.O_WRONLY | os.O_CREAT)
    words = ("run", "--mask", "--env", "A=strongroom://api", "--", sys.executable, "-c", script)
    with stocked.at_terminal(*words, stdout=out, stderr=out) as person:
        wait_for(stocked.home / "ready")
        person.types("\x03")
        assert person.ends() == 0
    os.close(out)
    assert (stocked.home / "counted").read_text() == "1"


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_signals_are_forwarded_to_a_masked_program(stocked: Machine) -> None:
    """Which decides what they mean."""
    script = "trap 'echo usr1' USR1; trap 'echo term; exit 3' TERM; echo ready; while :; do sleep 0.05; done"
    with subprocess.Popen(
        [sys.executable, "-m", "strongroom", "run", "--mask", "--env", "A=strongroom://api", "--", "sh", "-c", script],
        env=stocked.full_environment(None),
        cwd=stocked.home,
        stdout=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        running.send_signal(signal.SIGUSR1)
        assert running.stdout.readline() == b"usr1\n"
        running.terminate()
        assert running.stdout.read() == b"term\n"
        assert running.wait(PATIENCE_SECONDS) == 3


def test_a_reader_that_goes_away_ends_a_masked_program(stocked: Machine) -> None:
    """As it would without us: by SIGPIPE."""
    ours = f"{sys.executable} -m strongroom run --mask --env A=strongroom://api -- yes"
    line = f"{ours} | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", line], env=stocked.full_environment(None), cwd=stocked.home, capture_output=True, timeout=60
    )
    assert done.stdout == b"y\n141\n"


def test_what_a_masked_program_leaves_behind_keeps_nobody_waiting(stocked: Machine) -> None:
    """The status comes when the program ends; what its child writes later is masked all the same."""
    out = stocked.home / "out"
    script = '(while ! [ -e go ]; do sleep 0.05; done; echo "late $A") & echo "early $A"; exit 5'
    words = ("run", "--mask", "--env", "A=strongroom://db/prod#password", "--", "sh", "-c", script)
    with out.open("wb") as file:
        ended = subprocess.run(
            [sys.executable, "-m", "strongroom", *words], timeout=PATIENCE_SECONDS,
            env=stocked.full_environment(None), cwd=stocked.home, stdout=file, stderr=file, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    assert ended.returncode == 5
    (stocked.home / "go").touch()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while b"late" not in out.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert out.read_text() == "early <hidden>\nlate <hidden>\n"


def test_outputs_that_are_one_file_stay_in_order(stocked: Machine) -> None:
    """Lines of both, as they were written."""
    script = "for i in 1 2 3 4 5 6 7 8; do echo out $i; echo err $i >&2; done"
    line = f"{sys.executable} -m strongroom run --mask --env A=strongroom://api -- sh -c '{script}' 2>&1"
    done = subprocess.run(["sh", "-c", line], env=stocked.full_environment(None), capture_output=True, timeout=60)
    assert done.stdout.split(b"\n")[:-1] == [f"{kind} {n}".encode() for n in range(1, 9) for kind in ("out", "err")]


def test_values_come_through_the_agent_without_any_key(stocked: Machine) -> None:
    """As they do for cron; when it is locked, nothing starts."""
    key = stocked.environment.pop("STRONGROOM_KEY_FILE")
    socket = stocked.home / "agent.sock"
    stocked.environment["STRONGROOM_AGENT_SOCKET"] = str(socket)
    words = ["agent-process", "--vault", str(stocked.vault), "--socket", str(socket), "--key-file", key]
    reads, writes = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-m", "strongroom", *words, "--ready-fd", str(writes)],
        env=stocked.full_environment(None), cwd=stocked.home, pass_fds=[writes],
    ) as agent:  # fmt: skip
        os.close(writes)
        assert os.read(reads, 1)
        os.close(reads)
        run = ("run", "--env", "A=strongroom://db/prod#password", "--file", "F=strongroom://odd/nul")
        done = stocked.run(*run, "--", "sh", "-c", 'printf "%s " "$A"; cat "$F"; ls -l /proc/$$/fd | grep -c socket')
        assert done.out == f"{SECRET} a\0b0\n".encode()
        missing = stocked.run("run", "--env", "A=strongroom://gone#x", "--env", "B=strongroom://api#y", "--", "true")
        assert missing.code == 4
        assert "2 of 2 references name nothing: A (gone#x), B (api#y)" in missing.err
        masked = stocked.run("run", "--mask-all", "--", "echo", SECRET)
        assert masked.text == "<hidden>\n"
        assert stocked.run("lock").code == 0
        assert stocked.run(*run, "--", "touch", "started").code == 3
        assert not (stocked.home / "started").exists()
        agent.terminate()
