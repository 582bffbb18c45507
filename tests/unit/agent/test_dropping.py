"""Leaving root behind: what is refused before, and that the way back is looked for. Real users: tests/e2e."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from strongroom.doors.agent import dropping
from strongroom.errors import Denied, NotFound, UnsafePermissions

STRANGER = 54_321
ENTRY = pwd.struct_passwd(("srv", "x", STRANGER, STRANGER, "", "/srv/home", "/bin/false"))
CALLS = ("initgroups", "setresgid", "setresuid", "setuid")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a directory away")


def test_users_that_are_none() -> None:
    """One that does not exist, and root itself."""
    with pytest.raises(NotFound, match="there is no user nobody-of-this-name"):
        dropping.user_named("nobody-of-this-name")
    with pytest.raises(Denied, match="somebody else than root"):
        dropping.user_named(pwd.getpwuid(0).pw_name)
    other = next(entry for entry in pwd.getpwall() if entry.pw_uid)
    assert dropping.user_named(other.pw_name).pw_uid == other.pw_uid


def _system(monkeypatch: pytest.MonkeyPatch, refuses: tuple[str, ...], ids: tuple[int, int, int]) -> None:
    """A system in which the calls named do not work, and which answers with *ids* afterwards."""

    def refuse(*_arguments: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    for name in CALLS:
        monkeypatch.setattr(os, name, refuse if name in refuses else lambda *_arguments: None)
    monkeypatch.setattr(os, "getresuid", lambda: ids)
    monkeypatch.setattr(os, "getresgid", lambda: ids)
    monkeypatch.setenv("HOME", "/before")


# name: (the calls that fail, the ids afterwards, what is said)
REFUSED = {
    "no right to": (("setresuid", "setuid"), (0, 0, 0), "cannot become user srv: operation not permitted"),
    "root could be had again": ((), (STRANGER,) * 3, "could become root again"),
    "an id that stayed": (("setuid",), (STRANGER, STRANGER, 0), "did not become user srv"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_given_up_for_good_is_refused(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is served as somebody who may be root again."""
    refuses, ids, said = REFUSED[case]
    _system(monkeypatch, refuses, ids)
    with pytest.raises(Denied, match=said):
        dropping.become(ENTRY)
    assert os.environ["HOME"] == "/before"


def test_the_new_user_has_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """HOME is the new user's, when root is gone."""
    _system(monkeypatch, ("setuid",), (STRANGER,) * 3)
    dropping.become(ENTRY)
    assert os.environ["HOME"] == "/srv/home"


@needs_root
def test_the_places_of_before_are_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state directory of root's is none for the new user; one of that user's own stays, also before it is made."""
    _system(monkeypatch, ("setuid",), (STRANGER,) * 3)
    own = tmp_path / "own"
    own.mkdir()
    os.chown(own, STRANGER, STRANGER)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(own / "not" / "yet"))
    monkeypatch.setenv("XDG_CONFIG_HOME", "config")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(own))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/bus")
    dropping.become(ENTRY)
    found = {name: os.environ[name] for name in dropping._PLACES if name in os.environ}
    assert found == {"XDG_DATA_HOME": str(own / "not" / "yet"), "XDG_RUNTIME_DIR": str(own)}


@needs_root
def test_the_directory_is_the_users(tmp_path: Path) -> None:
    """A new one, and one that root had made or the user has already."""
    place = tmp_path / "agent"
    for _ in range(2):
        dropping.make_directory_for(ENTRY, str(place))
        status = place.stat()
        assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (STRANGER, STRANGER, 0o755)


@needs_root
def test_directories_that_are_refused(tmp_path: Path) -> None:
    """Another user's, a link, and one that cannot be made."""
    place = tmp_path / "another"
    place.mkdir()
    os.chown(place, STRANGER + 1, -1)
    with pytest.raises(UnsafePermissions, match="belongs to user 54322, not to srv"):
        dropping.make_directory_for(ENTRY, str(place))
    assert place.stat().st_uid == STRANGER + 1
    with pytest.raises(Denied, match="cannot make"):
        dropping.make_directory_for(ENTRY, str(tmp_path / "missing" / "agent"))
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(UnsafePermissions, match="link is no directory"):
        dropping.make_directory_for(ENTRY, str(tmp_path / "link"))
    assert tmp_path.stat().st_uid == os.geteuid()


def test_a_key_file_that_can_be_read(tmp_path: Path) -> None:
    """Is refused with the commands that mend it; one that is not there cannot be read."""
    key = tmp_path / "key"
    dropping.refuse_readable(str(key))
    key.write_bytes(b"key")
    with pytest.raises(UnsafePermissions, match="can read the key file") as caught:
        dropping.refuse_readable(str(key))
    assert "chmod 0400" in caught.value.advice
