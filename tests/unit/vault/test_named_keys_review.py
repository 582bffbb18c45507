"""Named keys under attack: a key that was replaced under its name, and uses that were not written down yet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from strongroom.credentials import peppers, stored_keys
from strongroom.errors import Conflict, NotFound
from strongroom.vault.named_keys import named_key as named_key_module
from strongroom.vault.named_keys.danger import import_key
from strongroom.vault.named_keys.named_key import NamedKey
from strongroom.vault.named_keys.uses import last_use_us
from strongroom.vault.vault import Vault
from tests.unit.vault.conftest import Clock


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that is read again at each use, as after a minute."""
    monkeypatch.setattr(named_key_module, "REFRESH_SECONDS", -1)
    monkeypatch.setattr(named_key_module, "_SOONEST_SECONDS", -1)


USES: dict[str, Callable[[NamedKey], object]] = {
    "aead": lambda key: key.encrypt(b"x"),
    "fernet": lambda key: key.encrypt(b"x"),
    "hmac": lambda key: key.mac(b"x"),
    "box": lambda key: key.seal(b"x"),
    "signing": stored_keys.signing_key,
}
CHANGES: dict[str, Callable[[NamedKey], object]] = {
    "refresh": lambda key: key.refresh(),
    "rotate": lambda key: key.rotate(),
    "stage": lambda key: key.stage(),
    "disable": lambda key: key.disable(1),
    "destroy": lambda key: key.destroy(1),
    "min": lambda key: key.set_min_decrypt_version(1),
}


def replace(vault: Vault, kind: str) -> None:
    """Somebody destroys the key ``k`` and makes another one in its place, of 32 bytes of another kind."""
    vault.keys.destroy("k")
    private = bytes(32)
    import_key(vault.keys, "k", kind, private)  # type: ignore[arg-type]
    vault.keys["k"].rotate()


@pytest.mark.parametrize("other", USES)
@pytest.mark.parametrize("kind", USES)
def test_a_key_that_was_replaced_is_not_taken_for_the_old_one(
    vault: Vault, impatient: None, kind: str, other: str
) -> None:
    """A program that holds the old one never uses the new one: not for its own kind, and not for another.

    An Ed25519 seed would serve as an X25519 key, and what was sealed would be sealed to a signing key's public part.
    """
    key = vault.keys.create("k", kind)  # type: ignore[arg-type]
    USES[kind](key)
    replace(vault, other)
    with pytest.raises(NotFound, match="was destroyed") as caught:
        USES[kind](key)
    assert "vault.keys" in caught.value.advice
    assert vault.keys["k"].kind == other


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_of_the_key_that_is_held(vault: Vault, change: str) -> None:
    """To destroy version 1 of a key that is no more destroys nothing of the one that has its name now."""
    key = vault.keys.create("k")
    replace(vault, "aead")
    with pytest.raises(NotFound, match="was destroyed"):
        CHANGES[change](key)
    assert [one.state for one in vault.keys["k"].versions] == ["enabled", "enabled"]


def test_peppers_are_never_of_another_kind(vault: Vault, impatient: None) -> None:
    key = vault.keys.create("k", "hmac")
    replace(vault, "signing")
    with pytest.raises(NotFound, match="was destroyed"):
        peppers.peppers_of(key)


@pytest.mark.parametrize("quiet", [timedelta(seconds=1), timedelta(minutes=2), timedelta(minutes=5)])
def test_a_use_that_is_not_written_yet_counts(
    vault: Vault, clock: Clock, monkeypatch: pytest.MonkeyPatch, quiet: timedelta
) -> None:
    """A program that reads all the time writes that down every five minutes: what it wrote last may be old."""
    key = vault.keys.create("k")
    monkeypatch.setattr(key, "_clock_us", clock)
    message = key.encrypt(b"x")
    key.rotate()
    key.decrypt(message)
    written = clock.now
    clock.advance(seconds=int(quiet.total_seconds()) + 290)
    # Again, within the five minutes of this program's own clock: nothing is written.
    key.decrypt(message)
    assert last_use_us(vault, "k", 1) == written
    with pytest.raises(Conflict, match="decrypted something"):
        key.retire(quiet=quiet)
    clock.advance(seconds=10)
    assert [one.number for one in key.retire(quiet=quiet)] == [1]


def test_whoever_holds_a_key_for_long_signs_and_encrypts_with_its_primary(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A minute after a rotation elsewhere: not with the version that was the primary when it was read."""
    signing, box = vault.keys.create("s", "signing"), vault.keys.create("b", "box")
    vault.keys["s"].rotate()
    vault.keys["b"].rotate()
    monkeypatch.setattr(named_key_module, "REFRESH_SECONDS", -1)
    assert stored_keys.signing_key(signing).public == vault.keys["s"].versions[1].public
    assert stored_keys.public_recipient(box.primary.public)._public == vault.keys["b"].versions[1].public[32:]
    assert len(stored_keys.signers(signing, "me")) == 4
    assert len(stored_keys.identities(box)) == 4
