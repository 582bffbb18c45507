"""Private files: refused when others could read or replace them, made whole, found durable."""

import os
import socket
import stat
import subprocess
import sys

import pytest

from strongroom.errors import Conflict, NotFound, StoreUnavailable, UnsafePermissions
from strongroom.stores import durable, files

FOREIGN_USER = 12345


@pytest.fixture
def place(tmp_path):
    tmp_path.chmod(0o700)
    return str(tmp_path)


def in_place(place, name="secret"):
    return os.path.join(place, name)


def test_a_new_file_holds_its_data_with_its_mode_whatever_the_umask(place):
    for umask in (0o000, 0o022, 0o077, 0o777):
        for mode in (0o600, 0o400):
            path = in_place(place, f"file-{umask}-{mode}")
            before = os.umask(umask)
            try:
                files.create_private(path, b"data", mode)
            finally:
                os.umask(before)
            assert stat.S_IMODE(os.stat(path).st_mode) == mode
            assert files.read_private(path, 100, "key file") == bytearray(b"data")


def test_the_mode_is_right_from_the_first_moment(place):
    """No call of the making process ever shows a file that is open to others."""
    script = "import os, sys; from strongroom.stores import files; os.umask(0); files.create_private(sys.argv[1], b'x')"
    path = in_place(place)
    trace = in_place(place, "trace")
    if subprocess.run(["sh", "-c", "command -v strace"], stdout=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("strace is not installed")
    subprocess.run(["strace", "-f", "-o", trace, "-e", "trace=openat", sys.executable, "-c", script, path], check=True)
    with open(trace) as lines:
        creating = [line for line in lines if "O_CREAT" in line and place in line]
    assert len(creating) == 1
    assert "O_EXCL" in creating[0]
    assert "O_NOFOLLOW" in creating[0]
    assert ", 0600)" in creating[0]


def test_creating_never_overwrites_and_leaves_nothing_behind(place):
    path = in_place(place)
    files.create_private(path, b"first")
    with pytest.raises(Conflict):
        files.create_private(path, b"second")
    os.symlink(in_place(place, "nowhere"), in_place(place, "dangling"))
    with pytest.raises(Conflict):
        files.create_private(in_place(place, "dangling"), b"third")
    assert files.read_private(path, 100, "key file") == b"first"
    assert sorted(os.listdir(place)) == ["dangling", "secret"]


def test_the_faster_of_two_creators_wins(place, monkeypatch):
    """A file that appears after the first look is not overwritten either."""
    path = in_place(place)
    monkeypatch.setattr(files.os.path, "lexists", lambda _path: False)
    files.create_private(path, b"first")
    with pytest.raises(Conflict):
        files.create_private(path, b"second")
    assert os.listdir(place) == ["secret"]


def test_replacing_changes_content_and_mode_in_one_step(place):
    path = in_place(place)
    files.replace_private(path, b"first")
    files.replace_private(path, b"second", 0o400)
    assert files.read_private(path, 100, "anchor") == b"second"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o400
    assert os.listdir(place) == ["secret"]


def test_a_replacement_that_fails_keeps_the_old_content(place, monkeypatch):
    path = in_place(place)
    files.replace_private(path, b"old")

    def refuse(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", refuse)
    with pytest.raises(StoreUnavailable, match="no space left"):
        files.replace_private(path, b"new")
    monkeypatch.undo()
    assert files.read_private(path, 100, "anchor") == b"old"
    assert os.listdir(place) == ["secret"]


def make_open(path, place):
    os.chmod(path, 0o640)


def make_world_readable(path, place):
    os.chmod(path, 0o604)


def make_group_writable(path, place):
    os.chmod(path, 0o620)


def make_second_link(path, place):
    os.link(path, in_place(place, "other"))


def make_third_link(path, place):
    os.link(path, in_place(place, "other"))
    os.link(path, in_place(place, "another"))


def make_symbolic_link(path, place):
    os.rename(path, in_place(place, "real"))
    os.symlink("real", path)


def make_directory(path, place):
    os.unlink(path)
    os.mkdir(path, 0o700)


def make_pipe(path, place):
    os.unlink(path)
    os.mkfifo(path, 0o600)


def make_socket(path, place):
    os.unlink(path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)


def make_foreign(path, place):
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(path, FOREIGN_USER, -1)


def make_directory_open(path, place):
    os.chmod(place, 0o770)


def make_directory_sticky(path, place):
    os.chmod(place, 0o1777)


def make_directory_foreign(path, place):
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    os.chown(place, FOREIGN_USER, -1)


UNSAFE = [value for name, value in sorted(globals().items()) if name.startswith("make_")]


@pytest.mark.parametrize("make", UNSAFE, ids=lambda make: make.__name__)
def test_what_others_could_read_or_replace_is_refused(place, make):
    path = in_place(place)
    files.create_private(path, b"data")
    make(path, place)
    with pytest.raises(UnsafePermissions) as raised:
        files.read_private(path, 100, "key file")
    assert place in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_advice_is_a_command_that_helps(place):
    path = in_place(place, "it's a key")
    files.create_private(path, b"data")
    os.chmod(path, 0o644)
    with pytest.raises(UnsafePermissions) as raised:
        files.read_private(path, 100, "key file")
    subprocess.run(["sh", "-c", raised.value.advice], check=True)
    assert files.read_private(path, 100, "key file") == b"data"


def test_a_missing_file_is_not_found(place):
    with pytest.raises(NotFound):
        files.read_private(in_place(place), 100, "key file")
    with pytest.raises(NotFound):
        files.read_private(in_place(place, "no/such"), 100, "key file")
    with pytest.raises(NotFound):
        files.create_private(in_place(place, "no/such"), b"data")


def test_a_file_beyond_its_limit_is_refused(place):
    path = in_place(place)
    files.create_private(path, b"x" * 101)
    assert len(files.read_private(path, 101, "key file")) == 101
    with pytest.raises(StoreUnavailable, match="longer than 100 bytes"):
        files.read_private(path, 100, "key file")


def test_a_killed_publication_is_finished_by_the_next_reader(place):
    """Between link and unlink a file has two names; the unfinished one is removed, a foreign one is not."""
    path = in_place(place)
    files.create_private(path, b"data")
    os.link(path, durable.unfinished_name(path))
    assert files.read_private(path, 100, "key file") == b"data"
    assert os.listdir(place) == ["secret"]


def test_stale_unfinished_files_are_swept_and_fresh_ones_are_not(place):
    path = in_place(place)
    stale, fresh = durable.unfinished_name(path), durable.unfinished_name(path)
    for name in (stale, stale + "-wal", fresh, in_place(place, ".secret.notours.new")):
        durable.write_new(name, b"left")
    for name in (stale, stale + "-wal"):
        os.utime(name, (0, 0))
    files.create_private(path, b"data")
    assert sorted(os.listdir(place)) == sorted(["secret", os.path.basename(fresh), ".secret.notours.new"])


def test_a_file_system_without_hard_links_is_named(place, monkeypatch):
    def refuse(*_arguments):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(durable.os, "link", refuse)
    with pytest.raises(StoreUnavailable, match="no hard links"):
        files.create_private(in_place(place), b"data")
    assert os.listdir(place) == []


def test_a_file_in_place_of_the_directory_is_refused(place):
    path = in_place(place)
    files.create_private(path, b"data")
    with pytest.raises(UnsafePermissions, match="not a directory"):
        files.check_private_dir(path)


FAILURES = [
    (PermissionError(13, "Permission denied"), StoreUnavailable, "permission denied", False),
    (OSError(24, "Too many open files"), StoreUnavailable, "too many open files", True),
    (OSError(40, "Too many levels of symbolic links"), UnsafePermissions, "symbolic link", None),
    (OSError(5, None), StoreUnavailable, "unknown error", False),
]


@pytest.mark.parametrize(("failure", "expected", "message", "is_transient"), FAILURES)
def test_what_the_system_says_becomes_an_error_of_ours(place, monkeypatch, failure, expected, message, is_transient):
    path = in_place(place)
    files.create_private(path, b"data")

    def fail(*_arguments):
        raise failure

    for use in (
        lambda: files.read_private(path, 100, "key file"),
        lambda: files.create_private(path + "2", b"data"),
        lambda: durable.sync_file(path),
    ):
        with monkeypatch.context() as planted:
            planted.setattr(os, "open", fail)
            with pytest.raises(expected, match=message) as raised:
                use()
        assert getattr(raised.value, "is_transient", None) is is_transient


def test_a_file_that_changes_while_it_is_read_is_not_believed(place, monkeypatch):
    path = in_place(place)
    files.create_private(path, b"data")
    fstat = os.fstat

    def shorter(descriptor):
        fields = list(fstat(descriptor))
        fields[stat.ST_SIZE] -= 1
        return os.stat_result(fields)

    monkeypatch.setattr(files.os, "fstat", shorter)
    with pytest.raises(StoreUnavailable) as raised:
        files.read_private(path, 100, "key file")
    assert raised.value.is_transient


def test_a_system_without_readv_or_owners_reads_as_well(place, monkeypatch):
    """As Windows does: modes say nothing in the user's profile, but a link is still refused; elsewhere all is."""
    monkeypatch.setenv("USERPROFILE", os.path.dirname(place))
    path = in_place(place)
    files.create_private(path, b"data")
    os.chmod(path, 0o644)
    monkeypatch.delattr(files.os, "readv")
    monkeypatch.setattr(files, "HAS_OWNERS", False)
    assert files.read_private(path, 100, "key file") == b"data"
    os.rename(path, path + ".real")
    os.symlink(path + ".real", path)
    with pytest.raises(UnsafePermissions):
        files.read_private(path, 100, "key file")
    for elsewhere in ("", "Users", os.path.dirname(place) + "/else", str(place)):
        monkeypatch.setenv("USERPROFILE", elsewhere)
        with pytest.raises(UnsafePermissions, match="cannot be checked on this system"):
            files.read_private(path + ".real", 100, "key file")


@pytest.mark.parametrize("make", [files.create_private, files.replace_private])
def test_a_ctrl_c_while_writing_leaves_nothing_behind(place, monkeypatch, make):
    def interrupt(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(durable.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        make(in_place(place), b"data")
    assert os.listdir(place) == []


def test_a_file_that_is_replaced_after_it_was_opened(place, monkeypatch):
    """What was opened is what lay there, and is read; nobody is refused because another program was faster."""
    path = in_place(place, "anchor")
    files.create_private(path, b"before")
    real = os.open

    def open_and_lose(name, *rest, **more):
        descriptor = real(name, *rest, **more)
        if name == path:
            monkeypatch.undo()
            files.replace_private(path, b"after")
        return descriptor

    monkeypatch.setattr(os, "open", open_and_lose)
    assert files.read_private(path, 100, "anchor") == b"before"
    assert files.read_private(path, 100, "anchor") == b"after"


def test_a_link_that_is_exchanged_while_it_is_followed(place, monkeypatch):
    """The path stays as it was given."""
    link = in_place(place, "link")
    os.symlink(in_place(place), link)

    def gone(_path, **_more):
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "readlink", gone)
    assert files.real_path(link) == link
