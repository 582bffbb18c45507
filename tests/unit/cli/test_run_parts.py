"""The parts of `run` that become another program: what they do up to that point."""

from __future__ import annotations

import errno
import fcntl
import os

import pytest

from strongroom.doors.cli.assignments import Assignments, choose, read_env_file, read_words
from strongroom.doors.cli.executing import base_environment, code_of, execute, explain
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.memory_descriptors import memory_descriptor, path_of
from strongroom.errors import Denied, NotFound, StoreUnavailable


@pytest.mark.parametrize("value", [b"", b"a\0b", bytes(range(256)) * 4_000])
def test_a_value_lies_in_a_sealed_file_without_a_name(value: bytes) -> None:
    """Inherited, at its beginning, for this user alone, and for nobody to change."""
    descriptor = memory_descriptor(value)
    try:
        assert os.get_inheritable(descriptor)
        status = os.fstat(descriptor)
        assert (status.st_size, status.st_nlink, status.st_mode & 0o777) == (len(value), 0, 0o400)
        assert os.read(descriptor, 2_000_000) == value
        with open(path_of(descriptor, os.getpid()), "rb") as again:
            assert again.read() == value
        every = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        assert fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) == every
        with pytest.raises(PermissionError):
            os.write(descriptor, b"x")
    finally:
        os.close(descriptor)


def test_without_such_files_a_value_is_handed_over_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """It never lands on a disk instead."""
    with monkeypatch.context() as patches:
        patches.setattr(os, "memfd_create", lambda *_: (_ for _ in ()).throw(OSError(errno.EMFILE, "Too many")))
        with pytest.raises(StoreUnavailable, match="cannot make a file in memory: too many"):
            memory_descriptor(b"x")
    monkeypatch.delattr(os, "memfd_create")
    with pytest.raises(Denied, match="no memory-backed files"):
        memory_descriptor(b"x")


def test_an_environment_begins_with_ours_or_with_what_programs_need(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that are no text pass as well."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("LC_PAPER", "y")
    assert base_environment(is_clean=False) == dict(os.environb)
    clean = base_environment(is_clean=True)
    assert clean[b"LC_PAPER"] == b"y"
    assert {b"PATH", b"HOME"} <= set(clean)
    assert not [name for name in clean if b"AWS" in name or b"PYTEST" in name or b"STRONGROOM" in name]


@pytest.mark.parametrize(
    ("command", "number", "code", "message"),
    [
        (["no-such-program"], errno.ENOENT, 127, "there is no program no-such-program"),
        (["/etc/passwd/x"], errno.ENOTDIR, 127, "cannot start /etc/passwd/x: not a directory"),
        (["/etc/passwd"], errno.EACCES, 126, "cannot start /etc/passwd: permission denied"),
        (["/bin/true", "x" * 3_000_000], errno.E2BIG, 126, "cannot start /bin/true: argument list too long"),
        (["/bin/true", "a\0b"], errno.EINVAL, 126, "cannot start /bin/true: invalid argument"),
    ],
)
def test_what_cannot_be_started_says_why(command: list[str], number: int, code: int, message: str) -> None:
    """With the codes of shells and env(1)."""
    error = execute(command, {b"PATH": b"/usr/bin:/bin"})
    assert error.errno == number
    assert code_of(number) == code
    assert explain(command[0], number)[0] == message
    assert ("--file" in explain(command[0], number)[1]) is (number == errno.E2BIG)


def test_a_program_is_looked_for_on_its_own_path(tmp_path) -> None:
    """That of the environment it gets, not ours."""
    assert execute(["true"], {b"PATH": os.fsencode(tmp_path)}).errno == errno.ENOENT


def test_names_are_chosen_from_files() -> None:
    """Those that no file has are listed, also when there is no file at all."""
    found = read_env_file("f", b"A=1\nB=strongroom://x#y\nA=strongroom://z\nC=\n", "posix")
    assert (list(found.wanted), found.plain, len(found)) == (["B", "A"], {"C": b""}, 3)
    choose(found, ["A", "C"], ["f"])
    assert (list(found.wanted), list(found.plain)) == (["A"], ["C"])
    with pytest.raises(NotFound, match="no X, Y in f"):
        choose(found, ["A", "X", "Y"], ["f"])
    with pytest.raises(NotFound, match="none is given"):
        choose(Assignments(), ["A"], [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"A=strongroom://a//b\n", "line 1 of f: A: the reference"),
        (b"\nA=strongroom://x#y z\n", "line 2"),
        (b"A=x strongroom://x#y\n", ""),
        (b"A='x strongroom://x#y'\n", "line 1 of f: A is a reference and more"),
        (b"A=$(id)\n", "f cannot be read: line 1"),
        (b"A=\xff\n", "f cannot be read: line 1 is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_meant_so_is_refused(text: bytes, message: str) -> None:
    """With its line, and without what stands there."""
    with pytest.raises(UsageError) as caught:
        read_env_file("f", text, "posix")
    assert message in caught.value.message
    assert "x#y" not in caught.value.message


def test_an_option_names_one_variable_once() -> None:
    """Also across options."""
    assert list(read_words("--env", ["A=strongroom://x", "B=strongroom://y"])) == ["A", "B"]
    with pytest.raises(UsageError, match="A is given twice"):
        read_words("--fd", ["A=strongroom://x"], ["A"])
    with pytest.raises(UsageError, match="--env A: a reference begins with"):
        read_words("--env", ["A=hunter2"])
