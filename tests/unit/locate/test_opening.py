"""`strongroom.open` and `strongroom.create` from a program, without a terminal."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import strongroom
from strongroom.keys.slots import passphrase as passphrases
from strongroom.keys.slots.key_file import new_key_file
from strongroom.locate import author, making, terminal


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No terminal, no key in the environment, and the cheapest passphrase slots that the format allows."""
    monkeypatch.setattr(terminal.Terminal, "open", classmethod(lambda _cls: None))
    monkeypatch.delenv("STRONGROOM_KEY_FILE", raising=False)
    monkeypatch.delenv("STRONGROOM_VAULT", raising=False)
    cheap = passphrases.Argon2idProfile(memory_kib=19_456, iterations=1, lanes=1)
    monkeypatch.setattr(passphrases, "calibrate", lambda: cheap)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A private directory."""
    os.chmod(tmp_path, 0o700)
    return tmp_path


def test_a_key_file_is_made_and_opens(folder: Path) -> None:
    """create makes an absent key file with mode 0400, uses one that is there, and open takes path objects."""
    key = folder / "key"
    with strongroom.create(folder / "deep" / "er" / "v.db", key_file=key) as vault:
        vault.set("a", {"x": "1"})
        assert vault.ask is None
    assert vault.is_locked
    assert key.stat().st_mode & 0o777 == 0o400
    assert (folder / "deep").stat().st_mode & 0o777 == 0o700
    with strongroom.create(folder / "second.db", key_file=key):
        pass
    with strongroom.open(folder / "deep" / "er" / "v.db", key_file=key) as vault:
        assert vault.get("a").public("x") == "1"
        assert vault.history("a")[0].author == author.login_name()


@pytest.mark.parametrize("kind", [str, strongroom.SecretStr, lambda text: bytearray(text, "utf-8")])
def test_a_passphrase_in_every_form(folder: Path, kind: type) -> None:
    """Text, a secret and a bytearray open alike; the bytearray is wiped, the secret is not."""
    strongroom.create(folder / "v.db", passphrase="smörgås").close()
    given = kind("smörgås")
    with strongroom.open(folder / "v.db", passphrase=given) as vault:
        assert vault.status().slots == 1
    if isinstance(given, bytearray):
        assert given == bytes(len(given))
    if isinstance(given, strongroom.SecretStr):
        assert given.reveal() == "smörgås"


def test_both_make_two_slots(folder: Path) -> None:
    """A key file and a passphrase given to create open alike."""
    strongroom.create(folder / "v.db", key_file=folder / "key", passphrase="phrase").close()
    for ways in ({"key_file": folder / "key"}, {"passphrase": "phrase"}):
        with strongroom.open(folder / "v.db", **ways) as vault:
            assert sorted(slot.kind for slot in vault.slots()) == ["key-file", "passphrase"]


def test_wrong_ways(folder: Path) -> None:
    """Each wrong way in is an error of its own class."""
    place = folder / "v.db"
    strongroom.create(place, passphrase="phrase").close()
    with pytest.raises(strongroom.WrongKey):
        strongroom.open(place, passphrase="other")
    for not_one in ("", "a\0b", "x" * 5000, bytearray(b"\xff")):
        with pytest.raises(strongroom.WrongKey, match="cannot be a passphrase"):
            strongroom.open(place, passphrase=not_one)
    with pytest.raises(TypeError):
        strongroom.open(place, passphrase=b"phrase")
    with pytest.raises(ValueError, match="give one"):
        strongroom.open(place, passphrase="phrase", key_file="k")
    with pytest.raises(strongroom.WouldPrompt) as caught:
        strongroom.open(place)
    assert "there is no terminal" in caught.value.advice
    with pytest.raises(strongroom.VaultNotFound):
        strongroom.open(folder / "none.db")
    with pytest.raises(strongroom.NotFound):
        strongroom.open(place, key_file=folder / "none")
    with pytest.raises(ValueError, match="nothing serves"):
        strongroom.open("gopher://hole")


def test_create_refuses(folder: Path) -> None:
    """An occupied place, nothing to open with, and a passphrase that is none: nothing is left behind."""
    place = folder / "v.db"
    with pytest.raises(strongroom.WouldPrompt):
        strongroom.create(place)
    with pytest.raises(ValueError, match="a passphrase is"):
        strongroom.create(place, passphrase="", key_file=folder / "key")
    assert list(folder.iterdir()) == []
    place.write_text("precious")
    with pytest.raises(strongroom.Conflict):
        strongroom.create(place, key_file=folder / "key")
    assert [path.name for path in folder.iterdir()] == ["v.db"]
    assert place.read_text() == "precious"


def test_a_failed_creation_takes_its_key_file_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the vault cannot be made, the key file that was made for it goes, one that was there stays."""
    key = folder / "key"

    def full(*_args: object, **_kwargs: object) -> None:
        raise strongroom.StoreUnavailable("disk full")

    monkeypatch.setattr(making, "_fill", full)
    with pytest.raises(strongroom.StoreUnavailable):
        strongroom.create(folder / "v.db", key_file=key)
    assert not key.exists()
    monkeypatch.undo()
    strongroom.create(folder / "other.db", key_file=key).close()
    monkeypatch.setattr(making, "_fill", full)
    with pytest.raises(strongroom.StoreUnavailable):
        strongroom.create(folder / "v.db", key_file=key)
    assert key.exists()


def test_key_material_is_wiped_after_opening(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The credential that opened, or failed to open, a vault holds no key afterwards."""
    from strongroom.locate import key_files

    strongroom.create(folder / "v.db", key_file=folder / "key").close()
    seen = []
    real = key_files.read_key_file
    monkeypatch.setattr(key_files, "read_key_file", lambda path: seen.append(real(path)) or seen[-1])
    strongroom.open(folder / "v.db", key_file=folder / "key").close()
    stranger = new_key_file()
    monkeypatch.setattr(key_files, "read_key_file", lambda _path: seen.append(stranger) or stranger)
    with pytest.raises(strongroom.WrongKey):
        strongroom.open(folder / "v.db", key_file="x")
    assert len(seen) == 2
    for credential in seen:
        with pytest.raises(ValueError, match="wiped"):
            credential.secret(credential.key_file_id)


def test_nobody_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A uid without an entry writes as uid:N; the environment is not believed."""
    import pwd

    monkeypatch.setenv("LOGNAME", "somebody-else")
    assert author.login_name() == pwd.getpwuid(os.getuid()).pw_name

    def nobody(_uid: int) -> pwd.struct_passwd:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert author.login_name() == f"uid:{os.getuid()}"


def test_the_face() -> None:
    """Every public name is there, is listed, and is the class or module it names; others are AttributeErrors."""
    for name in strongroom.__all__:
        assert getattr(strongroom, name).__name__.removeprefix("strongroom.") == name
        assert name in dir(strongroom)
    with pytest.raises(AttributeError):
        strongroom.nonsense
    assert set(strongroom.__all__) == set(" ".join(strongroom._HOMES.values()).split())


def test_the_version_is_the_projects() -> None:
    """__version__ and pyproject.toml say the same."""
    import tomllib

    root = Path(strongroom.__file__).resolve().parents[2]
    with open(root / "pyproject.toml", "rb") as file:
        assert tomllib.load(file)["project"]["version"] == strongroom.__version__
