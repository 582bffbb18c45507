"""Entries that others stored, properties that name a vault, values that one reader of dotenv files takes apart."""

from __future__ import annotations

import os
from pathlib import Path

import environ
import keyring.core
import keyring.errors
import pytest
from hypothesis import given
from hypothesis import strategies as st

import strongroom
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.exporting import text_of
from strongroom.doors.keyring import VaultKeyring
from strongroom.formats.naming import component, name_of


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose only vault is at a place of its own."""
    tmp_path.chmod(0o700)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "STRONGROOM_AGENT_SOCKET", "STRONGROOM_VAULT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STRONGROOM_KEY_FILE", str(tmp_path / "key"))
    strongroom.create(tmp_path / "vault.db", key_file=tmp_path / "key").lock()
    monkeypatch.setenv("KEYRING_PROPERTY_LOCATION", str(tmp_path / "vault.db"))
    return tmp_path


def test_a_vault_that_only_the_property_names_is_a_backend(place: Path) -> None:
    """Keyring asks for the rank before it makes the backend that reads its properties."""
    backend = keyring.core.load_keyring("strongroom.doors.keyring.VaultKeyring")
    backend.set_password("s", "u", "word")
    assert backend.get_password("s", "u") == "word"


def test_an_entry_stored_by_other_means_has_a_name_or_keyrings_own_error(place: Path) -> None:
    """The path says who; what has no password is no credential."""
    with strongroom.open(place / "vault.db") as vault:
        vault.set("keyring/a/joe%40x", {"password": "one"})
        vault.set("keyring/b/joe", {"password": "two", "username": strongroom.SecretStr("Joe")})
        vault.set("keyring/c/joe", {"token": "three"})
    backend = VaultKeyring()
    found = [backend.get_credential(service, None) for service in ("a", "b")]
    assert [(one.username, one.password) for one in found if one] == [("joe@x", "one"), ("Joe", "two")]
    with pytest.raises(keyring.errors.KeyringError):
        backend.get_credential("c", None)


@pytest.mark.parametrize("folder", ["", "a//b", "/a", "..", "a\0b", "x" * 5000])
def test_a_folder_that_no_path_has_is_keyrings_own_error(place: Path, folder: str) -> None:
    """Programs catch that, and no ValueError."""
    backend = VaultKeyring()
    backend.folder = folder
    for deed in (
        lambda: backend.get_password("s", "u"),
        lambda: backend.get_credential("s", None),
        lambda: backend.set_password("s", "u", "p"),
        lambda: backend.delete_password("s", "u"),
    ):
        with pytest.raises(keyring.errors.KeyringError):
            deed()


@given(st.text(max_size=60))
def test_names_are_given_back(name: str) -> None:
    """`name_of` undoes `component`, so that no two names are one path."""
    assert name_of(component(name)) == name


@given(st.text(max_size=60))
def test_what_a_dotenv_file_carries_django_environ_reads(name: str) -> None:
    """It splits lines where Unicode does, and takes quotes off twice."""
    try:
        text = bytes(text_of("env", {}, {"NAME": name.encode()})).decode()
    except UsageError:
        return
    assert _by_django_environ(text) == name


@pytest.mark.parametrize("value", ["a\u2028b", "a\u2029b", "a\x85b", '"abc"', '""'])
def test_what_django_environ_would_change_is_refused(value: str) -> None:
    """Exactly, or not at all; the shell's form carries all of them."""
    with pytest.raises(UsageError, match="cannot carry exactly NAME"):
        text_of("env", {}, {"NAME": value.encode()})
    assert value.encode() in bytes(text_of("shell", {}, {"NAME": value.encode()}))


def _by_django_environ(text: str) -> str | None:
    import io

    before = dict(os.environ)
    try:
        os.environ.pop("NAME", None)
        environ.Env.read_env(io.StringIO(text))
        return os.environ.get("NAME")
    finally:
        os.environ.clear()
        os.environ.update(before)
