"""Threads and forks around one vault object: turns are taken, nobody waits for ever."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from strongroom.keys.envelope import Envelope
from strongroom.keys.slots.key_file import KeyFileCredential, new_key_file
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault.opening import create_vault, open_vault
from strongroom.vault.vault import Vault


@pytest.fixture
def credential() -> KeyFileCredential:
    return new_key_file()


@pytest.fixture
def vault(tmp_path: Path, credential: KeyFileCredential) -> Iterator[Vault]:
    tmp_path.chmod(0o700)
    store = SqliteStore.create(str(tmp_path / "vault"))
    with create_vault(store, [credential], author="tester") as vault:
        store.publish()
        yield vault


def test_a_read_survives_a_slot_change_of_another_program(
    vault: Vault, credential: KeyFileCredential, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that took in the new header wipes the keys of before; a read that still held them starts again."""
    vault.set("a", {"x": "1"})
    vault.get("a")
    other = open_vault(SqliteStore.open(vault.location), credential, author="other")
    plain = Envelope.decrypt
    interruptions = []

    def interrupted(self: Envelope, object_type: int, blob: bytes, *parts: bytes) -> bytes:
        if not interruptions:
            interruptions.append(None)
            other.add_slot(new_key_file())
            thread = Thread(target=lambda: list(vault.list()))
            thread.start()
            thread.join()
        return plain(self, object_type, blob, *parts)

    monkeypatch.setattr(Envelope, "decrypt", interrupted)
    assert vault.get("a").public("x") == "1"
    assert interruptions
    other.lock()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_beside_a_busy_thread_does_not_hang(vault: Vault) -> None:
    """In the child nobody would ever let go of what the parent's thread holds."""
    vault.set("a", {"x": "1"})
    entered, leave = Event(), Event()

    def hold() -> None:
        with vault.transaction():
            vault.set("b", {"x": "2"})
            entered.set()
            leave.wait(60)

    thread = Thread(target=hold)
    thread.start()
    assert entered.wait(60)
    child = os.fork()
    if not child:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(60)
        # What the thread has not committed is not there.
        is_right = vault.get("a").public("x") == "1" and list(vault.list()) == ["a"]
        os._exit(0 if is_right else 1)
    _, status = os.waitpid(child, 0)
    leave.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 0
    assert list(vault.list()) == ["a", "b"]
    vault.verify()
