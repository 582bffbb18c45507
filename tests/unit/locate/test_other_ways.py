"""`strongroom.open` with an identity or with shares, from a program."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pyrage
import pytest

import strongroom
from strongroom.errors import WouldPrompt, WrongKey
from strongroom.keys.slots.age import new_age_credential
from strongroom.keys.slots.key_file import new_key_file
from strongroom.keys.slots.shares import new_shares
from strongroom.locate import share_input, terminal
from strongroom.locate.key_files import obtain_key_file
from strongroom.secret import SecretStr
from strongroom.vault.vault import Vault

IDENTITY = pyrage.x25519.Identity.generate()


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No terminal, no desktop, and no key in the environment."""
    monkeypatch.setattr(terminal.Terminal, "open", classmethod(lambda _cls: None))
    for name in ("STRONGROOM_KEY_FILE", "STRONGROOM_IDENTITY_FILE", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    """An identity file beside the vault."""
    os.chmod(tmp_path, 0o700)
    path = tmp_path / "identity"
    path.write_text(f"# a comment\n{IDENTITY}\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def shares() -> list[SecretStr]:
    """Filled by `vault`."""
    return []


@pytest.fixture
def vault(tmp_path: Path, identity: Path, shares: list[SecretStr]) -> str:
    """The path of a vault with a key file, an age slot and two sets of shares."""
    path = str(tmp_path / "v.db")
    with strongroom.create(path, key_file=tmp_path / "key") as made:
        made.add_slot(new_age_credential(str(pyrage.x25519.Identity.generate().to_public())))
        made.add_slot(new_age_credential(str(IDENTITY.to_public())))
        credential, mnemonics = new_shares(2, 3)
        made.add_slot(credential)
        shares += mnemonics
    return path


def kinds(opened: Vault) -> list[str]:
    """And leave it locked."""
    with opened:
        return sorted(slot.kind for slot in opened.slots())


def test_an_identity_opens(vault: str, identity: Path) -> None:
    """As a path object or text; the second age slot is its own."""
    expected = ["age", "age", "key-file", "shares"]
    assert kinds(strongroom.open(vault, identity=identity)) == expected
    assert kinds(strongroom.open(vault, identity=str(identity))) == expected


def test_shares_open_in_every_form(vault: str, shares: list[SecretStr]) -> None:
    """Secrets, text and bytearrays; a bytearray is wiped, a secret is not, and no more are taken than needed."""
    buffer = bytearray(shares[2].reveal().encode())
    assert kinds(strongroom.open(vault, shares=[buffer, shares[0]]))
    assert not any(buffer)
    taken = iter([shares[1].reveal(), shares[0].reveal(), "not taken"])
    assert kinds(strongroom.open(vault, shares=taken))
    assert next(taken) == "not taken"
    assert shares[0].reveal()


def test_too_few_shares(vault: str, shares: list[SecretStr]) -> None:
    """None at all, and one."""
    for given in ([], shares[:1]):
        with pytest.raises(WrongKey, match="needed"):
            strongroom.open(vault, shares=given)


def test_one_way_at_a_time(vault: str, identity: Path, shares: list[SecretStr]) -> None:
    """Two ways in one call are misuse."""
    with pytest.raises(ValueError, match="give one"):
        strongroom.open(vault, identity=identity, shares=shares)
    with pytest.raises(ValueError, match="give one"):
        strongroom.open(vault, identity=identity, passphrase="x")


def test_nothing_at_hand_names_every_way(vault: str) -> None:
    """What to give is said for each kind of slot there is."""
    with pytest.raises(WouldPrompt) as caught:
        strongroom.open(vault)
    named = ("--key-file FILE", "STRONGROOM_IDENTITY_FILE=FILE", "--share-fd N", "no terminal to ask for the share")
    for hint in named:
        assert hint in caught.value.advice


def test_a_stranger_s_key_file_is_passed_over(
    vault: str, identity: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key file in the environment that belongs to another vault does not stand in the identity's way."""
    other, _ = obtain_key_file(str(tmp_path / "other-key"))
    other.wipe()
    monkeypatch.setenv("STRONGROOM_KEY_FILE", str(tmp_path / "other-key"))
    monkeypatch.setenv("STRONGROOM_IDENTITY_FILE", str(identity))
    assert kinds(strongroom.open(vault))


def test_a_line_is_no_share_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then a long passphrase is still a passphrase."""
    line = bytearray(b"academic " * 33)
    assert share_input.is_share(line)
    monkeypatch.setitem(sys.modules, "shamir_mnemonic", None)
    assert not share_input.is_share(line)


def test_slots_remember_nothing_of_the_way(vault: str, identity: Path) -> None:
    """A vault opened with an identity can be given another key file and lose its age slots."""
    with strongroom.open(vault, identity=identity) as opened:
        opened.add_slot(new_key_file(), label="new")
        for slot in opened.slots():
            if slot.kind == "age":
                opened.remove_slot(slot.id)
        assert opened.verify().slots == 3
    with pytest.raises(WrongKey, match="opens no key slot"):
        strongroom.open(vault, identity=identity)
