"""``encrypt`` and ``decrypt`` as people and scripts use them: files, pipes, terminals, damage, sizes beyond memory."""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

import strongroom
from tests.e2e.conftest import PATIENCE_SECONDS, Machine

DATA = os.urandom(2_000_000)
GIB = 1 << 30
# CI turns a part of what a person may want to see; with the variable it is more than 4 GiB.
SPARSE_BYTES = (4 * GIB + 12_345) if os.environ.get("STRONGROOM_TESTS_LONG") else 2 * GIB + 12_345
MEMORY_MIB = 64


@pytest.fixture
def filed(keyed: Machine) -> Machine:
    """A machine with keys of each kind in its vault, and a file."""
    with strongroom.open(str(keyed.vault), key_file=str(keyed.key)) as vault:
        for kind in ("aead", "box", "signing"):
            vault.keys.create(f"my-{kind}", kind)
    (keyed.home / "plan").write_bytes(DATA)
    return keyed


def names(machine: Machine) -> set[str]:
    return {path.name for path in machine.home.iterdir() if not path.name.startswith(".")} - {"key"}


@pytest.mark.parametrize("words", [("--key", "my-aead"), ("--key", "my-box"), ("--key", "my-box", "--format", "age"),
                                   ("--key", "my-aead", "--key", "my-box", "--armor")])  # fmt: skip
def test_a_key_of_the_vault(filed: Machine, words: tuple[str, ...]) -> None:
    """There and back; what names its key needs no option, and what is decrypted is for this user alone."""
    assert filed.run("encrypt", "plan", "--output", "sealed", *words).code == 0
    more = () if "my-aead" in words else ("--key", "my-box")
    done = filed.run("decrypt", "sealed", "--output", "out", *more)
    assert done.code == 0, done
    assert (filed.home / "out").read_bytes() == DATA
    assert stat.S_IMODE((filed.home / "out").stat().st_mode) == 0o600
    assert filed.run("decrypt", "--key", words[1], stdin=(filed.home / "sealed").read_bytes()).out == DATA
    assert names(filed) == {"plan", "sealed", "out"}


def test_the_agent_s_vault_will_do(filed: Machine) -> None:
    """Keys come from the agent, without a key file at hand."""
    started = filed.run("unlock", "--key-file", str(filed.key))
    assert started.code == 0, started
    try:
        environment = {name: value for name, value in filed.environment.items() if name != "STRONGROOM_KEY_FILE"}
        for words in (("encrypt", "plan", "--key", "my-aead"), ("sign", "plan", "--key", "my-signing")):
            done = filed.run(*words, environment=environment)
            assert done.code == 0, done
        assert filed.run("decrypt", "plan.strongroom", "-o", "out", environment=environment).code == 0
        assert filed.run("check", "plan", "--key", "my-signing", environment=environment).code == 0
        assert (filed.home / "out").read_bytes() == DATA
    finally:
        assert filed.run("agent", "stop").code == 0


def test_names_follow_from_names(filed: Machine) -> None:
    """FILE.strongroom and back; a name without an ending needs --output; nothing is overwritten unasked."""
    assert filed.run("encrypt", "plan", "--key", "my-aead").code == 0
    assert names(filed) == {"plan", "plan.strongroom"}
    for words in (("encrypt", "plan", "--key", "my-aead"), ("decrypt", "plan.strongroom")):
        done = filed.run(*words)
        assert (done.code, "exists already" in done.err, "--force" in done.err) == (10, True, True), done
    (filed.home / "plan").unlink()
    done = filed.run("decrypt", "plan.strongroom", "--json")
    assert json.loads(done.out) == {"output": "plan", "format": "strongroom", "bytes": len(DATA)}
    assert filed.run("decrypt", "plan.strongroom", "--force").code == 0
    (filed.home / "plan.strongroom").rename(filed.home / "unnamed")
    assert filed.run("decrypt", "unnamed").code == 2
    (filed.home / "link").symlink_to("plan")
    assert filed.run("decrypt", "unnamed", "--output", "link", "--force").code == 10
    assert (filed.home / "plan").read_bytes() == DATA


def test_damage_leaves_no_output(filed: Machine) -> None:
    """Changed, cut or of another vault: exit 7 or 6, no file, and not a byte in a pipe that was not intact."""
    assert filed.run("encrypt", "plan", "--key", "my-aead").code == 0
    whole = (filed.home / "plan.strongroom").read_bytes()
    middle = len(whole) // 2
    damaged = {
        "changed": whole[:middle] + bytes((whole[middle] ^ 1,)) + whole[middle + 1 :],
        "cut": whole[:middle],
        "cut by one": whole[:-1],
        "longer": whole + b"\0",
        "changed in the header": whole[:60] + bytes((whole[60] ^ 1,)) + whole[61:],
    }
    for name, data in damaged.items():
        (filed.home / "bad.strongroom").write_bytes(data)
        done = filed.run("decrypt", "bad.strongroom")
        assert done.code == 7, (name, done)
        assert "hint: get the file again from where it came from\n" in done.err
        assert names(filed) == {"plan", "plan.strongroom", "bad.strongroom"}
        done = filed.run("decrypt", stdin=data)
        assert done.code == 7
        assert DATA.startswith(done.out)
        assert (f"strongroom: {len(done.out)} bytes were written" in done.err) == bool(done.out), (name, done)
        assert "do not use them" in done.err or not done.out


def test_a_stranger_s_file(filed: Machine) -> None:
    assert filed.run("encrypt", "plan", "--key", "my-aead").code == 0
    other = str(filed.home / "other.db")
    assert filed.run("init", "--vault", other, "--key-file", str(filed.key), "--no-recovery-code").code == 0
    done = filed.run("decrypt", "plan.strongroom", "-o", "out", "--vault", other)
    assert (done.code, "a key that this vault does not have" in done.err) == (6, True), done
    done = filed.run("decrypt", "plan.strongroom", "-o", "out", "--key", "my-box")
    assert done.code == 6, done
    done = filed.run("decrypt", "-o", "out", stdin=b"hello")
    assert (done.code, "neither an age file nor" in done.err) == (14, True), done
    assert "out" not in names(filed)


WRONG_USE = {
    "nobody named": (("encrypt", "plan"), 2, "who may open it"),
    "no such file": (("encrypt", "none", "--key", "my-aead"), 4, "none"),
    "a directory": (("encrypt", ".", "--key", "my-aead", "-o", "x"), 15, "is a directory"),
    "no such key": (("encrypt", "plan", "--key", "nope"), 4, "no key nope"),
    "a key that signs": (("encrypt", "plan", "--key", "my-signing"), 2, "is of kind signing"),
    "age for an aead key": (("encrypt", "plan", "--key", "my-aead", "--format", "age"), 2, "age files have no such"),
    "no recipient": (("encrypt", "plan", "-r", "age1x"), 2, "a recipient is"),
    "no recipients file": (("encrypt", "plan", "-r", "none"), 4, "recipients file at none"),
    "a recipients file that is none": (("encrypt", "plan", "-r", "key"), 2, "key: "),
    "a passphrase beside a key": (("encrypt", "plan", "-p", "--key", "my-aead"), 2, "stands alone"),
    "a passphrase that is none": (("encrypt", "plan", "-p"), 8, "passphrase"),
    "a format that is none": (("encrypt", "plan", "-p", "--format", "zip"), 2, "--format takes age, strongroom"),
    "sign without a key": (("sign", "plan"), 2, "--key"),
    "sign with an aead key": (("sign", "plan", "--key", "my-aead"), 2, "is of kind aead"),
    "sign standard input without an output": (("sign", "-", "--key", "my-signing"), 2, "--output"),
    "a namespace for minisign": (("sign", "plan", "--key", "my-signing", "--namespace", "x"), 2, "no namespace"),
    "a comment for ssh": (
        ("sign", "plan", "--key", "my-signing", "--format", "ssh", "--comment", "x"), 2, "no comment"),
    "a comment of two lines": (("sign", "plan", "--key", "my-signing", "--comment", "a\nb"), 2, "one line"),
    "check without a signature": (("check", "plan", "--key", "my-signing"), 4, "there is no signature"),
    "check without signers": (("check", "plan", "sig"), 2, "whose signature"),
    "check with two kinds of signers": (("check", "plan", "s", "--key", "k", "--signers", "s"), 2, "whose signature"),
    "signers that are none": (("check", "plan", "plan", "--public-key", "x"), 2, "not a minisign public key"),
    "a signature that is none": (("check", "plan", "key", "--key", "my-signing"), 14, "neither a minisign nor"),
    "a time that is none": (("check", "plan", "key", "--key", "my-signing", "--at", "soon"), 2, "date"),
}


def test_wrong_use(filed: Machine) -> None:
    """Each has its exit code and its word, and leaves nothing."""
    before = names(filed)
    for case, (words, code, said) in WRONG_USE.items():
        done = filed.run(*words)
        assert (done.code, said in done.err) == (code, True), (case, done)
        assert "Traceback" not in done.err
        assert names(filed) == before, case


def test_what_only_a_private_key_opens_asks_for_one(filed: Machine) -> None:
    assert filed.run("encrypt", "plan", "--key", "my-box").code == 0
    done = filed.run("decrypt", "plan.strongroom", "-o", "out")
    assert done.code == 8
    assert "hint: strongroom decrypt --key NAME plan.strongroom\n" in done.err
    assert filed.run("decrypt", "plan.strongroom", "-o", "out", "--identity", "none").code == 4


def test_a_passphrase_at_a_terminal(filed: Machine) -> None:
    """Typed twice, asked for once; an output that exists is told before anybody types."""
    with filed.at_terminal("encrypt", "-p", "plan") as person:
        for _ in range(2):
            person.sees("passphrase of the file").sees(": ").waits_for("off")
            person.types("six blue elephants drink tea")
        assert person.ends() == 0
    with filed.at_terminal("decrypt", "plan.strongroom") as person:
        assert person.ends() == 10
    with filed.at_terminal("decrypt", "plan.strongroom", "-o", "out") as person:
        person.sees("passphrase of the file: ").waits_for("off")
        person.types("wrong")
        person.sees("that does not open it, try again\n").sees(": ").waits_for("off")
        person.types("six blue elephants drink tea")
        assert person.ends() == 0
    assert (filed.home / "out").read_bytes() == DATA
    done = filed.run("decrypt", "plan.strongroom", "-o", "other")
    assert done.code == 8


def test_three_wrong_passphrases_are_the_end(filed: Machine) -> None:
    assert filed.run("encrypt", "-p", "plan", stdin=b"six blue elephants drink tea\n").code == 0
    with filed.at_terminal("decrypt", "plan.strongroom", "-o", "out") as person:
        for _ in range(3):
            person.sees("passphrase of the file: ").waits_for("off")
            person.types("wrong")
        assert person.ends() == 6
        assert person.screen == "\nstrongroom: the passphrase does not open this file\n"
    assert "out" not in names(filed)


def test_ctrl_c_while_a_passphrase_is_asked_for(filed: Machine) -> None:
    assert filed.run("encrypt", "-p", "plan", stdin=b"six blue elephants drink tea\n").code == 0
    with filed.at_terminal("decrypt", "plan.strongroom", "-o", "out") as person:
        person.sees("passphrase of the file: ").waits_for("off")
        person.types("\x03")
        assert person.ends() == -signal.SIGINT
        assert person.echo_is_on
    assert "out" not in names(filed)


def test_a_terminal_is_shown_text_and_no_control_characters(filed: Machine) -> None:
    (filed.home / "note").write_bytes(b"hello\x1b[2J")
    assert filed.run("encrypt", "note", "--key", "my-aead").code == 0
    with filed.at_terminal("decrypt", "note.strongroom", "-o", "-") as person:
        assert person.ends() == 0
        assert "hello\\x1b[2J\n" in person.screen
    (filed.home / "long").write_bytes(b"x" * 1_100_000)
    assert filed.run("encrypt", "long", "--key", "my-aead").code == 0
    with filed.at_terminal("decrypt", "long.strongroom", "-o", "-") as person:
        assert person.ends() == 2
        assert "xxx" not in person.screen
    with filed.at_terminal("encrypt", "note", "--key", "my-aead", "-o", "-") as person:
        assert person.ends() == 2
    with filed.at_terminal("encrypt", "note", "--key", "my-aead", "-o", "-", "-a") as person:
        assert person.ends() == 0
        assert person.screen.startswith("-----BEGIN STRONGROOM ENCRYPTED FILE-----\n")
    with filed.at_terminal("encrypt", "--key", "my-aead", "-o", "out") as person:
        person.sees("put something into standard input")
        assert person.ends() == 2


def test_a_reader_that_goes_away(filed: Machine) -> None:
    """As `| head` does: no traceback, and the code of a closed pipe."""
    assert filed.run("encrypt", "plan", "--key", "my-aead").code == 0
    script = f"{sys.executable} -m strongroom decrypt -o - plan.strongroom | head -c 10 > head; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], cwd=filed.home, env=filed.full_environment(None), capture_output=True)
    assert done.returncode == 128 + signal.SIGPIPE, done
    assert b"Traceback" not in done.stderr
    assert (filed.home / "head").read_bytes() == DATA[:10]


def sparse(path: Path, length: int) -> None:
    """A file of zeros that takes no room, with something at its end."""
    with path.open("wb") as file:
        file.truncate(length - 4)
        file.seek(0, os.SEEK_END)
        file.write(b"end!")


_TELL_PEAK = """
import os, subprocess, sys, resource
done = subprocess.run(sys.argv[1:]).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
open("peaks", "a").write(f"{peak}\\n")
sys.exit(done)
"""


def measured(machine: Machine, *words: str, stdin: int, stdout: int) -> subprocess.Popen[bytes]:
    """A command in a process of its own, whose memory is bounded."""
    limit = 3 * GIB // 2

    def bound() -> None:
        # Address space, not memory: a stray mmap of the whole file fails here.
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    # A process begins with the peak of whoever started it: this small one starts the command, and tells its peak.
    command = [sys.executable, "-S", "-c", _TELL_PEAK, sys.executable, "-m", "strongroom", *words]
    environment = machine.full_environment(None)
    return subprocess.Popen(command, stdin=stdin, stdout=stdout, env=environment, cwd=machine.home, preexec_fn=bound)


@pytest.mark.parametrize("format", ["strongroom", "age"])
def test_more_than_memory_holds(filed: Machine, format: str) -> None:
    """Gigabytes from a sparse file through encrypt and decrypt, and no process grows with them."""
    sparse(filed.home / "large", SPARSE_BYTES)
    key = ("--key", "my-box")
    first = measured(filed, "encrypt", *key, "--format", format, "-o", "-", "large",
                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)  # fmt: skip
    assert first.stdout is not None
    second = measured(filed, "decrypt", *key, stdin=first.stdout.fileno(), stdout=subprocess.PIPE)
    first.stdout.close()
    assert second.stdout is not None
    length, tail, is_zero, piece = 0, b"", True, bytearray(1 << 20)
    zeros = bytes(len(piece))
    while got := second.stdout.readinto(piece):  # type: ignore[attr-defined]
        tail = bytes(piece[max(0, got - 4) : got]) if got >= 4 else tail + bytes(piece[:got])
        is_zero = is_zero and (piece[:got] == zeros[:got] or length + got == SPARSE_BYTES)
        length += got
    second.stdout.close()
    for process in (first, second):
        assert process.wait(60) == 0
    peaks = [int(line) for line in (filed.home / "peaks").read_text().split()]
    assert len(peaks) == 2
    assert max(peaks) < MEMORY_MIB * 1024, f"{max(peaks) // 1024} MiB"
    assert (length, tail[-4:], is_zero) == (SPARSE_BYTES, b"end!", True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL])
def test_a_kill_leaves_nothing_behind(filed: Machine, number: int) -> None:
    """Whatever ends it in the middle: no output, no unfinished file, not even after SIGKILL."""
    assert filed.run("encrypt", "plan", "--key", "my-aead").code == 0
    whole = (filed.home / "plan.strongroom").read_bytes()
    process = subprocess.Popen(
        [sys.executable, "-m", "strongroom", "decrypt", "-o", "out"],
        stdin=subprocess.PIPE, env=filed.full_environment(None), cwd=filed.home, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )  # fmt: skip
    assert process.stdin is not None and process.stderr is not None
    process.stdin.write(whole[: len(whole) // 2])
    process.stdin.flush()
    deadline = time.monotonic() + PATIENCE_SECONDS
    # It waits for the rest, with something written: a file without a name among its descriptors.
    while not has_unfinished(process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    assert process.wait(PATIENCE_SECONDS) == -number
    assert b"Traceback" not in process.stderr.read()
    process.stdin.close()
    process.stderr.close()
    assert names(filed) == {"plan", "plan.strongroom"}
    assert not [path for path in filed.home.iterdir() if path.name.startswith(".out")]


def has_unfinished(pid: int) -> bool:
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if "(deleted)" in os.readlink(entry) and entry.stat().st_size:
                return True
        except OSError:
            continue
    return False


def test_how_far_it_is_shows_on_a_terminal(filed: Machine) -> None:
    """A line on standard error that is gone at the end; nothing of it in a file or pipe."""
    sparse(filed.home / "large", 600_000_000)
    with filed.at_terminal("encrypt", "large", "--key", "my-aead", "-o", "/dev/null") as person:
        person.sees("strongroom: encrypted ").sees(" %")
        assert person.ends() == 0
    done = filed.run("encrypt", "plan", "--key", "my-aead")
    assert "%" not in done.err


def test_a_kill_where_an_unfinished_file_has_a_name(filed: Machine) -> None:
    """Where the system has no files without names, the one that is there goes when a signal ends the program."""
    assert filed.run("encrypt", "plan", "--key", "my-aead").code == 0
    whole = (filed.home / "plan.strongroom").read_bytes()
    program = (
        "from strongroom.credentials import stream_files\n"
        "stream_files._NAMELESS = 0\n"
        "from strongroom.doors.cli import main\n"
        "main(['decrypt', '-o', 'out'])\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE, env=filed.full_environment(None), cwd=filed.home, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(whole[: len(whole) // 2])
    process.stdin.flush()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not any(path.stat().st_size for path in filed.home.glob(".out.*")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in filed.home.glob(".out.*"))
    process.terminate()
    assert process.wait(PATIENCE_SECONDS) == -signal.SIGTERM
    process.stdin.close()
    assert not list(filed.home.glob(".out.*"))
    assert names(filed) == {"plan", "plan.strongroom"}


def test_a_passphrase_while_standard_input_is_encrypted(filed: Machine) -> None:
    """It is typed on the terminal then, or comes from a descriptor; never out of the data."""
    read, write = os.pipe()
    os.write(write, b"secret data")
    os.close(write)
    with filed.at_terminal("encrypt", "-p", "-o", "sealed", stdin=read) as person:
        for _ in range(2):
            person.sees("passphrase of the file").sees(": ").waits_for("off")
            person.types("six blue elephants drink tea")
        assert person.ends() == 0
    os.close(read)
    read, write = os.pipe()
    os.write(write, b"six blue elephants drink tea\n")
    os.close(write)
    done = filed.run("decrypt", "sealed", "-o", "-", "--passphrase-fd", str(read), pass_fds=(read,))
    os.close(read)
    assert (done.code, done.out) == (0, b"secret data"), done
    done = filed.run("encrypt", "-p", "-o", "other", stdin=b"secret data")
    assert done.code == 8, done
    assert "other" not in names(filed)


def test_wrong_passphrases_without_a_terminal(filed: Machine) -> None:
    assert filed.run("encrypt", "-p", "plan", stdin=b"six blue elephants drink tea\n").code == 0
    for typed in (b"wrong\n", b"\xff\xfe\n"):
        read, write = os.pipe()
        os.write(write, typed)
        os.close(write)
        words = ("decrypt", "plan.strongroom", "-o", "out", "--passphrase-fd", str(read))
        done = filed.run(*words, pass_fds=(read,))
        os.close(read)
        assert done.code == 6, done
        assert done.err.count("strongroom: ") == 1
    assert "out" not in names(filed)


def test_an_identity_of_no_use(filed: Machine) -> None:
    """Open to others is exit 9; no key, or one with a passphrase, 6."""
    assert filed.run("encrypt", "plan", "--key", "my-box", "--format", "age").code == 0
    identity = filed.home / "identity"
    identity.write_text("AGE-SECRET-KEY-1\n")
    identity.chmod(0o644)
    assert filed.run("decrypt", "plan.age", "-o", "out", "--identity", "identity").code == 9
    identity.chmod(0o600)
    done = filed.run("decrypt", "plan.age", "-o", "out", "--identity", "identity")
    assert (done.code, "identity is of no use: line 1" in done.err) == (6, True), done


def test_a_full_disk_leaves_nothing_and_says_so(filed: Machine) -> None:
    assert filed.run("encrypt", "plan", "--key", "my-aead").code == 0
    done = filed.run("decrypt", "plan.strongroom", "-o", "/dev/full")
    assert (done.code, "no space left" in done.err) == (15, True), done
    done = filed.run("encrypt", "plan", "--key", "my-aead", "-o", "/dev/full")
    assert done.code == 15, done


def test_a_shell_s_own_pipes(filed: Machine) -> None:
    """`-o >(command)` and /dev/stdout are links of the system's, and are written to; a terminal is not."""
    assert filed.run("encrypt", "plan", "--key", "my-aead").code == 0
    program = f"{sys.executable} -m strongroom decrypt plan.strongroom"
    ends = ("-o >(cat > one)", "-o /dev/stdout > /dev/null", "-o /dev/stdout | cat > two")
    script = ";".join([*(f"{program} {end}" for end in ends), "wait"])
    environment = filed.full_environment(None)
    done = subprocess.run(["bash", "-ec", script], cwd=filed.home, env=environment, capture_output=True)
    assert done.returncode == 0, done
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not ((filed.home / "one").exists() and (filed.home / "one").stat().st_size == len(DATA)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert (filed.home / "one").read_bytes() == (filed.home / "two").read_bytes() == DATA
    with filed.at_terminal("decrypt", "plan.strongroom", "-o", "/dev/stdout") as person:
        assert person.ends() == 10
        assert "is a terminal" in person.screen


def test_the_vault_is_closed_before_the_bulk(filed: Machine) -> None:
    """However long a file takes to come, the vault's keys are gone from memory: nobody else waits for it either."""
    process = subprocess.Popen(
        [sys.executable, "-m", "strongroom", "encrypt", "--key", "my-aead", "-o", "out"],
        stdin=subprocess.PIPE, env=filed.full_environment(None), cwd=filed.home,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(DATA[:1_500_000])
    process.stdin.flush()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not has_unfinished(process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    opened = {os.readlink(entry) for entry in Path(f"/proc/{process.pid}/fd").iterdir()}
    assert not [name for name in opened if "vault.db" in name]
    process.stdin.write(DATA[1_500_000:])
    process.stdin.close()
    assert process.wait(PATIENCE_SECONDS) == 0
    assert filed.run("decrypt", "out", "-o", "-").out == DATA


def test_a_file_that_grows_too_large(filed: Machine) -> None:
    """A bound in the middle of writing, as a full disk or a quota has it: said so, and nothing is left."""
    assert filed.run("encrypt", "plan", "--key", "my-aead").code == 0

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    for words in (("decrypt", "plan.strongroom", "-o", "out"), ("encrypt", "plan", "-r", "recipient", "-o", "out")):
        (filed.home / "recipient").write_bytes(
            filed.run("key", "export", "my-box", "--public", "--format", "age").out
        )
        done = subprocess.run(
            [sys.executable, "-m", "strongroom", *words], cwd=filed.home, env=filed.full_environment(None),
            capture_output=True, preexec_fn=bound,
        )  # fmt: skip
        assert (done.returncode, b"too large" in done.stderr) == (15, True), done
        assert not list(filed.home.glob("*out*")), done


def test_a_pipe_that_another_program_left_in_non_blocking_mode(filed: Machine) -> None:
    """That nothing is there yet is not the end of it: all of it is encrypted, however slowly it comes."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    process = subprocess.Popen(
        [sys.executable, "-m", "strongroom", "encrypt", "--key", "my-aead", "-o", "out"],
        stdin=read, env=filed.full_environment(None), cwd=filed.home,
    )  # fmt: skip
    os.close(read)
    for start in range(0, 100_000, 20_000):
        time.sleep(0.2)
        os.write(write, DATA[start : start + 20_000])
    os.close(write)
    assert process.wait(PATIENCE_SECONDS) == 0
    assert filed.run("decrypt", "out", "-o", "-").out == DATA[:100_000]
