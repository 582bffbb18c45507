"""Keys of user vaults where something else happens at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from strongroom.django.user_vaults import KeyUnavailable
from strongroom.errors import WrongKey
from tests.django import vault_site
from tests.django.vault_site import NEW, PASSWORD, SECRET, STRONGER, browser, log_in, options


@pytest.fixture
def ann(sqlite_tables: str) -> Iterator[Any]:
    """A user of the site, who has a vault; what is written is rolled back."""
    from django.contrib.auth.models import User
    from django.db import transaction

    with vault_site.settings(), transaction.atomic():
        made = User.objects.create_user("ann", password=PASSWORD)
        log_in(browser())
        yield made
        transaction.set_rollback(True)


def test_a_log_in_does_not_bring_back_the_password_that_is_changed_meanwhile(
    ann: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cost of its slot is raised after a derivation, which leaves time for another one's new password."""
    from django.test import override_settings

    from strongroom.django.user_vaults import vaults

    other = vaults.open_with_password(ann, PASSWORD)
    derive = vaults.new_password_slot

    def meanwhile(user: Any, unlocked: Any, password: Any) -> Any:
        monkeypatch.undo()
        slot = derive(user, unlocked, password)
        vaults.put_password_slot(ann, other, derive(ann, other, NEW))
        return slot

    monkeypatch.setattr(vaults, "new_password_slot", meanwhile)
    with override_settings(STRONGROOM=options(USER_VAULT_KDF=STRONGER)):
        log_in(browser())
    assert vaults.new_password_slot is derive
    assert vaults.open_with_password(ann, NEW).is_open
    with pytest.raises(WrongKey):
        vaults.open_with_password(ann, PASSWORD)


def test_what_a_session_does_last_does_not_bring_back_its_key(ann: Any) -> None:
    """A request that was on its way when the keys of all other sessions fell makes a code: its key stays fallen."""
    from strongroom.django.user_vaults import vaults

    here, there = vaults.open_with_password(ann, PASSWORD), vaults.open_with_password(ann, PASSWORD)
    vaults.drop_sessions(ann, here)
    vaults.put_recovery_slot(ann, there)
    assert there.generation < here.generation


class Ending:
    """A user key of a request that ends between the look whether the key is there and its use, in another thread."""

    def __init__(self, unlocked: Any) -> None:
        self._unlocked = unlocked
        self._key = unlocked.user_key

    def reveal_buffer(self) -> Any:
        """Zeros."""
        view = self._key.reveal_buffer()
        self._unlocked.wipe()
        assert bytes(view) == bytes(32)
        return view


def test_nothing_is_encrypted_under_zeros(ann: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value under a key that everybody knows, and its owner never opens."""
    from strongroom.crypto.columns import ColumnKey
    from strongroom.django.user_vaults import vaults

    opened = vaults.open_with_password(ann, PASSWORD)

    def derive(_key: Any, *place: Any) -> ColumnKey:
        ending: Any = Ending(opened)
        return ColumnKey(ending, *place)

    monkeypatch.setattr("strongroom.django.user_vaults.unlocked.ColumnKey", derive)
    with pytest.raises(KeyUnavailable):
        opened.column(("table", "column"))


def test_no_proof_is_made_with_zeros(ann: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The vault would open with nothing any more."""
    from strongroom.django.user_vaults import slots, vaults

    opened, proof = vaults.open_with_password(ann, PASSWORD), slots.proof
    ending: Any = Ending(opened)
    monkeypatch.setattr(slots, "proof", lambda vault, found, _key: proof(vault, found, ending))
    with pytest.raises(KeyUnavailable):
        vaults.drop_sessions(ann, opened)
    monkeypatch.undo()
    assert vaults.open_with_password(ann, PASSWORD).is_open


def in_thread(call: Any) -> Any:
    """What *call* gives in another thread, or its error."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(call())
        except KeyUnavailable as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


def test_a_thread_has_the_vault_that_it_is_given_and_no_longer_than_the_request(ann: Any) -> None:
    """It does not know which request has started it."""
    from strongroom.django.user_vaults import user_vault
    from tests.django.private.models import Login

    with user_vault(ann) as vault:
        vault.open_with_password(PASSWORD)
        with vault.in_use():
            made = Login(owner=ann, label="bank", password=SECRET)
            made.save()
            assert in_thread(made.password.reveal).reason == "anonymous"
            assert in_thread(lambda: made.password.reveal(vault)) == SECRET
            unlocked = vault.unlocked()
            assert in_thread(lambda: made.password.reveal(unlocked)) == SECRET
    assert in_thread(lambda: made.password.reveal(vault)).reason == "locked"
    assert in_thread(lambda: made.password.reveal(unlocked)).reason == "locked"
