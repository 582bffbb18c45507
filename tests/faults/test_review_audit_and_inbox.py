"""What a review found about the audit files, the inbox, and the verification that runs beside."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from strongroom.errors import StrongroomError, Tampered, VaultLocked
from strongroom.locate.audit_files import file_path, list_writers
from strongroom.locate.audit_review import review
from strongroom.locate.audit_writing import AuditFile
from strongroom.locate.depositing import Depositor, write_depositor_file
from strongroom.stores import inbox as inboxes
from strongroom.stores.inbox import Inbox
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault.audit_checkpoint import make_checkpoint, read_checkpoint
from strongroom.vault.audit_file import AuditKeys, Chain
from strongroom.vault.deposits import Pending
from strongroom.vault.onlooking import verify_beside
from strongroom.vault.policy import Principal
from tests.agents import LINUX, make_vault, open_vault

pytestmark = pytest.mark.skipif(not LINUX, reason="the agent is tested on Linux")


def test_a_record_that_begins_behind_the_checkpoint_is_found(tmp_path: Path) -> None:
    """Somebody with the keys writes everything anew as files of which the first ones are not here."""
    make_vault(tmp_path)
    audit_directory = str(tmp_path / "audit")
    reader = Principal(1000, 1000)
    with open_vault(tmp_path) as vault:
        core = vault._core
        audit = AuditFile(audit_directory, core, file_bytes_max=2_000)
        for number in range(20):
            audit.record(reader, "read", "bank/checking", ["password"], "ok", f"request-{number}", number)
        audit.close()
        kept = read_checkpoint(core, make_checkpoint(core, 5, review(core, audit_directory).newest))
        ((writer, numbers),) = list_writers(audit_directory).items()
        ((count, link),) = kept.writers.values()
        for number in numbers[:-1]:
            os.unlink(file_path(audit_directory, writer, number))
        # The control: older files may be kept elsewhere while the checkpoint's line is here.
        assert review(core, audit_directory, checkpoints=[kept]).findings == []
        last = Path(file_path(audit_directory, writer, numbers[-1]))
        for previous, is_known in ((bytes(32), False), (link, True)):
            last.write_bytes(Chain(AuditKeys(core), count, previous).begin_file(writer, numbers[-1]))
            found = review(core, audit_directory, checkpoints=[kept]).findings
            assert any("which the checkpoint knows, is not here" in one for one in found) is not is_known


def test_a_planted_directory_stops_nobodys_deposits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may write to the inbox may make anything there; what cannot be removed is passed over."""
    inbox = Inbox(str(tmp_path / "inbox"))
    inbox.create()
    inbox.put(b"d" * 16, b"a deposit")
    (tmp_path / "inbox" / f".{'0' * 32}.new").mkdir()
    (tmp_path / "inbox" / f".{'1' * 32}.new").write_bytes(b"half a deposit")
    now = time.time()
    monkeypatch.setattr(inboxes, "time", lambda: now + 7_200)
    assert [letter.deposit_id for letter in inbox.letters()] == [b"d" * 16]
    assert sorted(os.listdir(inbox.path)) == [f".{'0' * 32}.new", f"{b'd'.hex() * 16}.deposit"]


def test_what_is_approved_is_what_is_taken_in(tmp_path: Path) -> None:
    """A deposit is its writer's file: exchanged between the question and the yes, it is not what gets in."""
    make_vault(tmp_path)
    with open_vault(tmp_path) as vault:
        write_depositor_file(str(tmp_path / "web.key"), vault.deposit_key("web", ["sites/**"]))
        with Depositor(tmp_path / "vault.db", tmp_path / "web.key") as depositor:
            shown, other = (depositor.deposit(path, {"a": "1"}) for path in ("other/harmless", "bank/checking"))
        inbox = tmp_path / "vault.db.inbox"

        def exchange(found: Pending) -> bool:
            os.replace(inbox / f"{other}.deposit", inbox / f"{shown}.deposit")
            return found.path == "other/harmless"

        taken = vault.accept_deposit(shown, approve=exchange)
        assert taken is not None
        assert taken.path == "other/harmless"
        assert len(vault.history("bank/checking")) == 1
        with Depositor(tmp_path / "vault.db", tmp_path / "web.key") as depositor:
            refused = depositor.deposit("other/x", {"a": "1"})
        assert vault.accept_deposit(refused, approve=lambda _found: False) is None
        assert [pending.id for pending in vault.pending_deposits()] == [refused]


def test_a_verification_keeps_nobody_waiting(tmp_path: Path) -> None:
    """The agent verifies after unlocking and every hour: reads go on meanwhile, and locking ends it."""
    make_vault(tmp_path)
    with open_vault(tmp_path) as vault:
        vault.set_many({f"many/{number}": {"password": "x"} for number in range(3_000)})
        core = vault._core
        ended: list[type[Exception]] = []

        def verify() -> None:
            try:
                verify_beside(core, SqliteStore.open(vault.location))
            except StrongroomError as error:
                ended.append(type(error))

        thread = threading.Thread(target=verify)
        thread.start()
        vault.get("many/7", "password")
        assert thread.is_alive(), "the read waited for the verification"
        vault.lock()
        thread.join(60)
        # Nothing would have ended it, had locking waited for its end.
        assert ended in ([VaultLocked], [Tampered])
