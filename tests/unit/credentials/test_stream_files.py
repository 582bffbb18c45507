"""Encrypted files on disk: an output is whole or absent, private from the start, and never in the way of another."""

from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from strongroom.credentials import stream_files, streams
from strongroom.credentials.identities import HybridIdentity
from strongroom.credentials.recipients import HybridRecipient
from strongroom.credentials.stream_files import NewFile, decrypt_file, encrypt_file
from strongroom.crypto import hybrid
from strongroom.errors import Conflict, NotFound, StoreUnavailable, Tampered, UnsafePermissions, WrongKey

PRIVATE, PUBLIC = hybrid.generate()
DATA = os.urandom(1_500_000)


def who() -> list[streams.Identity]:
    return [HybridIdentity(bytearray(PRIVATE))]


@pytest.fixture(params=["nameless", "named"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With files that have no name until they are finished, and where the system has none of these."""
    if request.param == "named":
        monkeypatch.setattr(stream_files, "_NAMELESS", 0)
    elif not stream_files._NAMELESS:
        pytest.skip("this system has no files without names")
    return str(request.param)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "plain").write_bytes(DATA)
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def encrypt(folder: Path, output: str = "file", **options: bool) -> Path:
    encrypt_file(str(folder / "plain"), str(folder / output), [HybridRecipient(PUBLIC)], **options)
    return folder / output


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o277, 0])
def test_there_and_back(folder: Path, way: str, umask: int) -> None:
    """What is decrypted has mode 0600 whatever the umask; what is encrypted follows it."""
    before = os.umask(umask)
    try:
        encrypt(folder)
        decrypt_file(str(folder / "file"), str(folder / "out"), who())
    finally:
        os.umask(before)
    assert (folder / "out").read_bytes() == DATA
    assert stat.S_IMODE((folder / "out").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "file").stat().st_mode) == 0o666 & ~umask
    assert names(folder) == ["file", "out", "plain"]
    assert (folder / "out").stat().st_nlink == 1


def test_tampering_and_cuts_leave_no_output(folder: Path, way: str) -> None:
    file = bytearray(encrypt(folder).read_bytes())
    changed = bytes(file[:1_300_000]) + bytes((file[1_300_000] ^ 1,)) + bytes(file[1_300_001:])
    for bad, error in ((changed, Tampered), (bytes(file[:-1]), Tampered), (bytes(file[:900_000]), Tampered)):
        (folder / "bad").write_bytes(bad)
        with pytest.raises(error):
            decrypt_file(str(folder / "bad"), str(folder / "out"), who())
        assert names(folder) == ["bad", "file", "plain"]
    with pytest.raises(WrongKey):
        decrypt_file(str(folder / "file"), str(folder / "out"), [])
    assert names(folder) == ["bad", "file", "plain"]


def test_nothing_is_overwritten_unasked(folder: Path, way: str) -> None:
    encrypt(folder)
    kept = (folder / "file").read_bytes()
    with pytest.raises(Conflict, match="exists already"):
        encrypt(folder)
    assert (folder / "file").read_bytes() == kept
    encrypt(folder, replace=True)
    assert (folder / "file").read_bytes() != kept
    # In its own place.
    decrypt_file(str(folder / "file"), str(folder / "file"), who(), replace=True)
    assert (folder / "file").read_bytes() == DATA
    assert names(folder) == ["file", "plain"]


def test_a_failed_replacement_keeps_the_old_file(folder: Path, way: str) -> None:
    (folder / "bad").write_bytes(encrypt(folder).read_bytes()[:-1])
    (folder / "out").write_bytes(b"old")
    with pytest.raises(Tampered):
        decrypt_file(str(folder / "bad"), str(folder / "out"), who(), replace=True)
    assert (folder / "out").read_bytes() == b"old"
    assert names(folder) == ["bad", "file", "out", "plain"]


def test_a_name_that_is_taken_meanwhile_is_left_alone(folder: Path, way: str) -> None:
    with NewFile(str(folder / "out")) as file:
        file.write(b"ours")
        (folder / "out").write_bytes(b"theirs")
        with pytest.raises(Conflict):
            file.publish()
    assert (folder / "out").read_bytes() == b"theirs"
    assert names(folder) == ["out", "plain"]


def test_links_are_not_followed(folder: Path, way: str) -> None:
    (folder / "target").write_bytes(b"precious")
    for name, target in (("link", "target"), ("dangling", "nowhere")):
        (folder / name).symlink_to(folder / target)
        for replace in (False, True):
            with pytest.raises(Conflict, match="symbolic link"):
                encrypt(folder, name, replace=replace)
    assert (folder / "target").read_bytes() == b"precious"
    assert not (folder / "nowhere").exists()


def test_a_directory_or_a_missing_one(folder: Path, way: str) -> None:
    (folder / "dir").mkdir()
    with pytest.raises(Conflict, match="directory"):
        encrypt(folder, "dir")
    with pytest.raises(NotFound):
        encrypt(folder, "missing/file")
    with pytest.raises(StoreUnavailable, match="is a directory"):
        encrypt_file(str(folder / "dir"), str(folder / "file"), [HybridRecipient(PUBLIC)])
    with pytest.raises(NotFound):
        encrypt_file(str(folder / "none"), str(folder / "file"), [HybridRecipient(PUBLIC)])


def test_a_pipe_is_written_to_as_it_is(folder: Path, way: str) -> None:
    encrypt(folder)
    os.mkfifo(folder / "pipe")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append((folder / "pipe").read_bytes()))
    reader.start()
    decrypt_file(str(folder / "file"), str(folder / "pipe"), who())
    reader.join(timeout=60)
    assert got == [DATA]
    assert stat.S_ISFIFO((folder / "pipe").stat().st_mode)
    with NewFile(os.devnull) as null:
        assert not null.is_whole
        null.write(b"x")
        null.publish()


def test_a_file_system_without_hard_links(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its names are taken before they are given, so nothing of others is replaced."""
    monkeypatch.setattr(stream_files, "_NAMELESS", 0)

    def no_links(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.EPERM, "not permitted")

    monkeypatch.setattr(os, "link", no_links)
    encrypt(folder)
    decrypt_file(str(folder / "file"), str(folder / "out"), who())
    assert (folder / "out").read_bytes() == DATA
    with pytest.raises(Conflict):
        encrypt(folder)
    assert names(folder) == ["file", "out", "plain"]


def test_a_file_system_without_nameless_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really = os.open

    def refuse(path: str, flags: int, *more: int, **options: int) -> int:
        if stream_files._NAMELESS and flags & stream_files._NAMELESS == stream_files._NAMELESS:
            raise OSError(errno.EOPNOTSUPP, "not supported")
        return really(path, flags, *more, **options)

    monkeypatch.setattr(os, "open", refuse)
    with NewFile(str(folder / "out")) as file:
        assert [name.startswith(".out.") for name in names(folder)] == [True, False]
        assert stat.S_IMODE(next(folder.glob(".out.*")).stat().st_mode) == 0o600
        file.write(b"x")
        file.publish()
    assert names(folder) == ["out", "plain"]


def test_an_exchanged_file_is_noticed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a directory that others can write to, somebody gives the unfinished name to a file of his own."""
    monkeypatch.setattr(stream_files, "_NAMELESS", 0)
    with NewFile(str(folder / "out")) as file:
        file.write(b"ours")
        unfinished = next(folder.glob(".out.*"))
        unfinished.unlink()
        unfinished.write_bytes(b"theirs")
        with pytest.raises(UnsafePermissions, match="exchanged"):
            file.publish()


def test_an_unfinished_file_has_no_name(folder: Path) -> None:
    """So not even a kill leaves plaintext behind."""
    if not stream_files._NAMELESS:
        pytest.skip("this system has no files without names")
    with NewFile(str(folder / "out")) as file:
        file.write(DATA)
        assert names(folder) == ["plain"]
    assert names(folder) == ["plain"]


def test_a_full_disk_leaves_nothing(folder: Path) -> None:
    with pytest.raises(StoreUnavailable, match="no space left"):
        with NewFile("/dev/full") as file:
            file.write(b"x" * 100_000)


def test_a_file_says_its_size(folder: Path) -> None:
    with stream_files.InputFile(str(folder / "plain")) as file:
        assert file.size == len(DATA)
