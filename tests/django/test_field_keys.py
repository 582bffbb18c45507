"""The keys of a process's columns come from a vault: out of a file, through its agent, or from a program's own hand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import strongroom
from strongroom.errors import NotFound, StrongroomError, VaultLocked, VaultNotFound
from tests.django import project

project.configure()

from django.apps import apps  # noqa: E402 - once Django is configured
from django.core.exceptions import ImproperlyConfigured  # noqa: E402
from django.test import override_settings  # noqa: E402

from strongroom.django import use_vault  # noqa: E402
from strongroom.django.keys import field_keys  # noqa: E402
from tests.django.shop.models import Left  # noqa: E402


@pytest.fixture(autouse=True)
def nothing_is_open() -> Iterator[None]:
    use_vault(None)
    yield
    use_vault(None)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """A vault in a file, with a key file and the named keys."""
    found = {"VAULT": str(tmp_path / "vault"), "KEY_FILE": str(tmp_path / "key")}
    with strongroom.create(found["VAULT"], key_file=found["KEY_FILE"]) as vault:
        vault.keys.create("django")
        vault.keys.create("shop")
        vault.keys.create("tags", kind="hmac")
    return found


def stored(text: str) -> bytes:
    field = Left._meta.get_field("secret")
    return bytes(field.encrypted(text, Left()))


def test_settings_name_vault_key_file_and_key(files: dict[str, str], sqlite_tables: str) -> None:
    """The vault is opened at the first use and kept; another named key is another key."""
    with override_settings(STRONGROOM=files):
        keys = field_keys()
        assert keys.name == "django"
        assert field_keys() is keys
        token = field_keys().column(("t", "c")).tokens(b"x")
    with override_settings(STRONGROOM={**files, "KEY": "shop"}):
        assert field_keys().name == "shop"
        assert field_keys().column(("t", "c")).tokens(b"x") != token
    assert repr(keys) == "FieldKeys(django)"


def test_values_outlive_the_process(files: dict[str, str], sqlite_tables: str) -> None:
    """What was written under a key is read after the vault was opened anew."""
    with override_settings(STRONGROOM=files):
        one = Left.objects.create(secret="s")
        use_vault(None)
        assert Left.objects.get(pk=one.pk).secret == "s"
        assert Left.objects.get(secret="s").pk == one.pk
        one.delete()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"KEY": "missing"}, "strongroom key create missing"),
        ({"KEY": "tags"}, "kind hmac"),
        ({"key": "shop"}, "option"),
    ],
)
def test_wrong_settings_say_what_to_do(files: dict[str, str], options: dict[str, str], word: str) -> None:
    """A key that is not there, one of another kind, and an option that does not exist."""
    with override_settings(STRONGROOM={**files, **options}), pytest.raises(ImproperlyConfigured, match=word):
        stored("x")


def test_a_vault_that_is_not_there(tmp_path: Path) -> None:
    """No vault and no key file are errors at the first use, and nobody is asked for anything."""
    with override_settings(STRONGROOM={"VAULT": str(tmp_path / "none"), "KEY_FILE": str(tmp_path / "key")}):
        with pytest.raises(VaultNotFound):
            stored("x")
        with pytest.raises(StrongroomError):
            stored("x")


def test_another_vault_is_refused(files: dict[str, str]) -> None:
    """EXPECT_VAULT names the fingerprint that the vault must have."""
    with strongroom.open(files["VAULT"], key_file=files["KEY_FILE"]) as vault:
        fingerprint = vault.fingerprint
    with override_settings(STRONGROOM={**files, "EXPECT_VAULT": fingerprint}):
        assert field_keys().name == "django"
    wrong = fingerprint[:-1] + ("0" if fingerprint[-1] != "0" else "1")
    with override_settings(STRONGROOM={**files, "EXPECT_VAULT": wrong}), pytest.raises((StrongroomError, ValueError)):
        stored("x")


def test_the_app_must_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the app there is nowhere to keep the keys."""

    def missing(_label: str) -> Any:
        raise LookupError

    monkeypatch.setattr(apps, "get_app_config", missing)
    with pytest.raises(ImproperlyConfigured, match="INSTALLED_APPS"):
        field_keys()


def test_threads_open_the_vault_once(files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Many first requests at once open one vault."""
    from strongroom.django import keys as room

    opened: list[int] = []
    inner = room._opened

    def counting() -> Any:
        opened.append(1)
        return inner()

    monkeypatch.setattr(room, "_opened", counting)
    barrier = threading.Barrier(8)
    found: list[Any] = []

    def first() -> None:
        barrier.wait(60)
        found.append(field_keys())

    with override_settings(STRONGROOM=files):
        threads = [threading.Thread(target=first) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert len(opened) == 1
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_a_destroyed_key_is_not_made_again(vault: Any, sqlite_tables: str) -> None:
    """A key that was destroyed and made again under its name opens nothing of the old one's."""
    data = stored("s")
    vault.keys.destroy("django")
    vault.keys.create("django")
    use_vault(vault)
    field = Left._meta.get_field("secret")
    with pytest.raises(StrongroomError, match=r"shop\.Left\.secret of the row 0"):
        field.opener()(b"0:" + data, None, None)
    vault.keys.destroy("django")
    with pytest.raises((ImproperlyConfigured, NotFound)):
        use_vault(vault)


def test_a_vault_that_was_opened_here_is_locked_again(files: dict[str, str], vault: Any) -> None:
    """What the settings had opened is locked when other keys take its place; a vault that was handed in is not."""
    use_vault(vault)
    with override_settings(STRONGROOM=files):
        ours = field_keys()
        use_vault(vault)
        with pytest.raises(VaultLocked):
            ours.column(("t", "c"))
    use_vault(None)
    assert vault.keys["django"].name == "django"
