"""Who may read the files that were written here: remembered by place, and asked about before something is added."""

from __future__ import annotations

from pathlib import Path

import pytest

from strongroom.errors import Tampered, UnsafePermissions
from strongroom.locate.known_readers import KnownReaders, known_readers

ONE, TWO, THREE = (bytes((number,)) * 32 for number in (1, 2, 3))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    tmp_path.chmod(0o700)
    return {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}


def lists(environment: dict[str, str]) -> list[Path]:
    return list(Path(environment["XDG_STATE_HOME"]).glob("strongroom/readers/*"))


def test_a_reader_who_comes_with_another_key_is_a_stranger(environment: dict[str, str]) -> None:
    """One who comes with a key that was seen was let in by somebody who has it."""
    known = KnownReaders("a.yaml", environment)
    assert known.strangers(ONE, ["alice"]) == [], "the first time there is nothing to compare with"
    known.remember(ONE, ["alice", "bob"])
    known = KnownReaders("a.yaml", environment)
    assert known.strangers(ONE, ["alice", "mallory"]) == []
    assert known.strangers(TWO, ["alice", "mallory"]) == ["mallory"]
    assert known.strangers(TWO, ["alice"]) == [], "a rotation, or a reader who was taken away"
    known.remember(TWO, ["alice"])
    again = KnownReaders("a.yaml", environment)
    assert again.strangers(THREE, ["alice"]) == []
    assert again.strangers(THREE, ["mallory"]) == ["mallory"]


def test_who_was_taken_away_is_a_stranger(environment: dict[str, str]) -> None:
    """An older revision, put back, has the key that he knows."""
    KnownReaders("a.yaml", environment).remember(ONE, ["alice", "bob"])
    KnownReaders("a.yaml", environment).remember(TWO, ["alice"])
    known = KnownReaders("a.yaml", environment)
    assert known.strangers(ONE, ["alice", "bob"]) == known.strangers(THREE, ["alice", "bob"]) == ["bob"]
    known.remember(ONE, ["alice", "bob"])
    assert KnownReaders("a.yaml", environment).strangers(ONE, ["alice", "bob"]) == [], "it was accepted"


def test_another_place_is_another_file(environment: dict[str, str], tmp_path: Path) -> None:
    """A link to a file is that file."""
    (tmp_path / "a.yaml").touch()
    (tmp_path / "link").symlink_to(tmp_path / "a.yaml")
    KnownReaders(str(tmp_path / "a.yaml"), environment).remember(ONE, ["alice"])
    assert KnownReaders(str(tmp_path / "link"), environment).strangers(TWO, ["eve"]) == ["eve"]
    assert KnownReaders(str(tmp_path / "b.yaml"), environment).strangers(TWO, ["eve"]) == []


def test_what_is_remembered_is_private_and_names_nobody(environment: dict[str, str]) -> None:
    """Digests alone; written only when there is something new."""
    known = KnownReaders("a.yaml", environment)
    known.remember(ONE, ["alice"])
    [path] = lists(environment)
    assert path.stat().st_mode & 0o777 == 0o600 and "alice" not in path.read_text() and "a.yaml" not in path.name
    before = path.stat().st_ino
    KnownReaders("a.yaml", environment).remember(ONE, ["alice"])
    assert path.stat().st_ino == before


@pytest.mark.parametrize(
    "text", ["", "strongroom-readers-v2\n", "strongroom-readers-v1\nkey x\n", "strongroom-readers-v1\nking " + "0" * 64]
)
def test_a_damaged_list_is_an_error(environment: dict[str, str], text: str) -> None:
    """It would let everybody in."""
    KnownReaders("a.yaml", environment).remember(ONE, ["alice"])
    [path] = lists(environment)
    path.write_text(text)
    with pytest.raises(Tampered):
        known_readers("a.yaml", environment)
    path.chmod(0o666)
    with pytest.raises(UnsafePermissions):
        known_readers("a.yaml", environment)


def test_without_a_home_nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that only decrypts."""
    monkeypatch.setattr("strongroom.locate.addresses.home_directory", _no_home)
    monkeypatch.setattr("strongroom.locate.state_directory.home_directory", _no_home)
    assert known_readers("a.yaml", {}) is None


def _no_home(*_arguments: object) -> str:
    from strongroom.errors import VaultNotFound

    raise VaultNotFound("no home")
