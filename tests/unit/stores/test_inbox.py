"""The inbox's directory: made, bounded, written whole, and fair between users."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from strongroom.errors import Conflict, NotFound, StoreUnavailable, UnsafePermissions
from strongroom.stores import inbox
from strongroom.stores.inbox import DEPOSIT_BYTES_MAX, Inbox

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture
def box(tmp_path: Path) -> Inbox:
    made = Inbox(str(tmp_path / "vault.db.inbox"))
    made.create()
    return made


def deposit(number: int) -> bytes:
    return number.to_bytes(16, "big")


def test_an_absent_inbox_is_empty_and_takes_nothing(tmp_path: Path) -> None:
    """Whoever looks sees nothing; whoever deposits is told."""
    absent = Inbox(str(tmp_path / "none"))
    assert not absent.exists
    assert absent.letters() == []
    assert absent.notice() is None
    with pytest.raises(NotFound):
        absent.put(deposit(1), b"x")
    with pytest.raises(NotFound):
        absent.read(deposit(1))
    with pytest.raises(NotFound):
        absent.check_own()


def test_what_is_put_is_read_and_removed(box: Inbox) -> None:
    """Byte for byte, mode 0644 whatever the umask, no unfinished file beside it; removing twice is no error."""
    before = os.umask(0o077)
    try:
        box.put(deposit(1), b"first")
        box.put(deposit(2), b"second")
    finally:
        os.umask(before)
    assert [(letter.deposit_id, letter.size) for letter in box.letters()] == [(deposit(1), 5), (deposit(2), 6)]
    assert box.read(deposit(2)) == b"second"
    assert sorted(os.listdir(box.path)) == [f"{number:032x}.deposit" for number in (1, 2)]
    assert Path(box.path, f"{1:032x}.deposit").stat().st_mode & 0o777 == 0o644
    box.remove(deposit(1))
    box.remove(deposit(1))
    assert [letter.deposit_id for letter in box.letters()] == [deposit(2)]


def test_making_it_again_changes_nothing_but_the_group(box: Inbox) -> None:
    """What lies in it stays."""
    box.put(deposit(1), b"x")
    box.create()
    assert os.stat(box.path).st_mode & 0o7777 == 0o700
    box.create(os.getegid())
    assert os.stat(box.path).st_mode & 0o7777 == 0o1770
    box.create()
    assert os.stat(box.path).st_mode & 0o7777 == 0o1770
    assert len(box.letters()) == 1


@pytest.mark.parametrize(
    "name",
    ["key", "README", f"{1:032X}.deposit".replace("1", "A"), f"{1:031x}.deposit", f"{1:032x}.deposit.bak", f"{1:032x}"],
)
def test_other_names_are_no_deposits(name: str, box: Inbox) -> None:
    """Not listed, and not removed."""
    Path(box.path, name).write_bytes(b"x")
    assert box.letters() == []
    assert os.listdir(box.path) == [name]


def test_the_longest_deposit_fits_and_a_longer_one_does_not(box: Inbox) -> None:
    """Refused before it is written, and before it is read."""
    box.put(deposit(1), bytes(DEPOSIT_BYTES_MAX))
    assert len(box.read(deposit(1))) == DEPOSIT_BYTES_MAX
    with pytest.raises(Conflict):
        box.put(deposit(2), bytes(DEPOSIT_BYTES_MAX + 1))
    Path(box.path, f"{3:032x}.deposit").write_bytes(bytes(DEPOSIT_BYTES_MAX + 1))
    with pytest.raises(StoreUnavailable):
        box.read(deposit(3))


def test_the_oldest_are_looked_at_first(box: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many lie there, and in whatever order the directory names them; memory stays bounded."""
    monkeypatch.setattr(inbox, "USER_DEPOSITS_MAX", 4)
    order = [7, 3, 9, 1, 8, 2, *range(20, 60)]
    for number in order:
        Path(box.path, f"{number:032x}.deposit").write_bytes(b"x")
    found = [int.from_bytes(letter.deposit_id, "big") for letter in box.letters()]
    times = {number: os.stat(Path(box.path, f"{number:032x}.deposit")).st_ctime_ns for number in order}
    assert found == sorted(order, key=lambda number: (times[number], number))[:4]


@pytest.mark.skipif(not IS_ROOT, reason="only root can make files of other users")
def test_the_bounds_are_each_users_own(box: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three users, of whom one floods: the others' deposits are all looked at."""
    monkeypatch.setattr(inbox, "USER_DEPOSITS_MAX", 3)
    for number in range(30):
        path = Path(box.path, f"{number:032x}.deposit")
        path.write_bytes(b"x")
        os.chown(path, 4001 if number < 26 else 4002 + number % 2, -1)
    users = [letter.user for letter in box.letters()]
    assert {user: users.count(user) for user in users} == {4001: 3, 4002: 2, 4003: 2}


@pytest.mark.skipif(not IS_ROOT, reason="only root can make directories of other users")
def test_an_inbox_of_somebody_else_is_refused(box: Inbox) -> None:
    """The key holder believes no directory that a stranger could fill or empty at will."""
    os.chown(os.path.dirname(box.path), 4001, -1)
    os.chown(box.path, 4002, -1)
    # Root refuses it too: it is neither root's nor the vault owner's.
    with pytest.raises(UnsafePermissions, match="belongs to user 4002"):
        box.check_own()
    os.chown(box.path, 4001, -1)
    box.check_own()


def test_a_notice_replaces_the_one_before(box: Inbox) -> None:
    """Whole or not at all, and nothing is left beside it."""
    assert box.notice() is None
    box.write_notice(b"one")
    box.write_notice(b"two")
    assert box.notice() == b"two"
    assert os.listdir(box.path) == ["key"]
    assert Path(box.path, "key").stat().st_mode & 0o777 == 0o644
