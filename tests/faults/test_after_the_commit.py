"""What fails after a commit does not undo it: nobody is told that nothing happened, and no key is taken back.

A reader that stays at the old pages keeps the log from being emptied; that is the last step of
whatever destroys something.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from strongroom.doors.cli import running
from strongroom.errors import NotFound, OutcomeUnknown, StoreUnavailable, WrongKey
from strongroom.keys.slots.key_file import new_key_file
from strongroom.locate import making
from strongroom.locate.opening import open as open_vault
from strongroom.stores import sqlite
from strongroom.stores.schema import HEADER
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault.vault import Vault


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a vault, its only key file, and little patience."""
    monkeypatch.setattr(sqlite, "_SCRUB_SECONDS", 0.05)
    tmp_path.chmod(0o700)
    with making.make_vault(str(tmp_path / "vault.db"), key_file=str(tmp_path / "first.key")) as vault:
        vault.set("a", {"password": "x"})
        vault.set("a", {"password": "y"})
    return tmp_path


@contextmanager
def reader_in_the_way(place: Path) -> Iterator[None]:
    """Another program that is in the middle of a long read."""
    store = SqliteStore.open(str(place / "vault.db"))
    try:
        with store.reading() as rows:
            rows.get(HEADER, 1)
            yield
    finally:
        store.close()


def _slot(vault: Vault) -> str:
    return vault.slots()[0].id


def _destroyed(vault: Vault) -> bool:
    with suppress(NotFound):
        vault.history("a")
        return False
    return True


# name: (what is done, how one sees that it was done)
DONE: dict[str, tuple[Callable[[Vault], object], Callable[[Vault], bool]]] = {
    "destroy an item": (lambda vault: vault.destroy("a"), _destroyed),
    "destroy a version": (lambda v: v.destroy("a", versions=(1,)), lambda v: v.history("a")[0].destroyed),
    "change a slot": (
        lambda vault: vault.change_slot(_slot(vault), new_key_file()),
        lambda vault: "vault.db" in vault.location and vault.verify().slots == 1,
    ),
    "rotate": (lambda vault: vault.rotate(), lambda vault: vault.status().data_keys == 1),
}


@pytest.mark.parametrize("name", DONE)
def test_a_commit_whose_log_cannot_be_emptied_is_not_called_a_failure(place: Path, name: str) -> None:
    """It is `OutcomeUnknown`, with the id of the commit; what was done is there."""
    act, is_done = DONE[name]
    with open_vault(place / "vault.db", key_file=place / "first.key") as vault:
        before = vault.commit_counter
        with reader_in_the_way(place), pytest.raises(OutcomeUnknown, match="may still lie in the log") as raised:
            act(vault)
        assert len(raised.value.request_id) == 32
        assert vault.commit_counter > before
        assert is_done(vault)
        vault.verify()


def test_a_changed_slot_keeps_its_new_key_file(place: Path) -> None:
    """The only slot, changed on the command line: the key file that opens it now is not taken back."""
    with open_vault(place / "vault.db", key_file=place / "first.key") as vault:
        slot = _slot(vault)
    ways = ["--vault", str(place / "vault.db"), "--key-file", str(place / "first.key")]
    with reader_in_the_way(place):
        assert running.run(["slot", "change", slot, str(place / "second.key"), *ways]) == 11
    with open_vault(place / "vault.db", key_file=place / "second.key") as vault:
        assert vault.get("a", "password").reveal() == "y"
    with pytest.raises(WrongKey):
        open_vault(place / "vault.db", key_file=place / "first.key")


@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError, OutcomeUnknown("x")])
def test_a_key_file_is_only_taken_back_when_nothing_was_written(
    place: Path, failure: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Ctrl-C, or anything else that does not say whether the slot is there, leaves the file alone."""
    _fail_after(monkeypatch, failure)
    ways = ["--vault", str(place / "vault.db"), "--key-file", str(place / "first.key")]
    assert running.run(["slot", "add", "key-file", str(place / "second.key"), *ways]) in (1, 11, 130)
    with open_vault(place / "vault.db", key_file=place / "second.key") as vault:
        assert len(vault.slots()) == 2


def test_a_key_file_is_taken_back_when_nothing_was_written(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that says so; the file would stand in the way of the next attempt."""
    _fail_before(monkeypatch, StoreUnavailable("x"))
    ways = ["--vault", str(place / "vault.db"), "--key-file", str(place / "first.key")]
    assert running.run(["slot", "add", "key-file", str(place / "second.key"), *ways]) == 15
    assert not os.path.lexists(place / "second.key")


def _fail_after(monkeypatch: pytest.MonkeyPatch, failure: BaseException) -> None:
    add_slot = Vault.add_slot

    def add(vault: Vault, *given: object, **named: object) -> None:
        add_slot(vault, *given, **named)  # type: ignore[arg-type]
        raise failure

    monkeypatch.setattr(Vault, "add_slot", add)


def _fail_before(monkeypatch: pytest.MonkeyPatch, failure: BaseException) -> None:
    def add(*_given: object, **_named: object) -> None:
        raise failure

    monkeypatch.setattr(Vault, "add_slot", add)


def test_a_renewal_that_stays_in_the_log_does_not_keep_the_vault_shut(tmp_path: Path, place: Path) -> None:
    """Somebody reads while a passphrase slot is made stronger at unlock."""
    from tests.faults.vault_place import CHEAP, OLD_PHRASE, PassphraseCredential

    with open_vault(place / "vault.db", key_file=place / "first.key") as vault:
        vault.add_slot(PassphraseCredential(bytearray(OLD_PHRASE.encode()), profile=CHEAP), label="phrase")
        cheap = str(CHEAP)
    with reader_in_the_way(place), open_vault(place / "vault.db", passphrase=OLD_PHRASE) as vault:
        assert vault.get("a", "password").reveal() == "y"
        assert cheap not in [slot.parameters for slot in vault.slots()]
    with open_vault(place / "vault.db", passphrase=OLD_PHRASE) as vault:
        vault.verify()
