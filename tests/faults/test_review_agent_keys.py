"""What a review found about an agent whose second unlocking, or whose audit file, fails half-way."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.doors.agent.auditing import Auditing
from strongroom.doors.agent.clocks import Dates
from strongroom.doors.agent.refusals import AT_ONCE
from strongroom.errors import StoreUnavailable
from strongroom.locate.audit_files import audit_directory
from strongroom.locate.audit_review import review
from strongroom.locate.audit_writing import AuditFile
from strongroom.vault.policy import Principal
from strongroom.vault.vault import Vault
from tests.agents import LINUX, AgentUnderTest, Answer, make_vault, open_vault
from tests.faults.test_audit_files import full_disk

pytestmark = pytest.mark.skipif(not LINUX, reason="the agent is tested on Linux")

STRANGER = Principal(54_321, 54_321, pid=77)


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    """An open vault."""
    make_vault(tmp_path)
    with open_vault(tmp_path) as one:
        yield one


def test_a_failed_second_unlocking_leaves_the_open_vault_its_keys(tmp_path: Path) -> None:
    """The vault that is still open keeps its keys: zeros in their place would seal what is written next."""
    make_vault(tmp_path)
    with AgentUnderTest(tmp_path).unlocked() as agent:
        # What is remembered of the item is not opened again by the write below.
        assert write(agent, b"canary-2").status == 200
        with open_vault(tmp_path) as vault:
            directory = Path(audit_directory(vault.location, vault.vault_id))
        directory.chmod(0o755)
        answer = agent.unlock((tmp_path / "key").read_bytes(), way="key-file")
        assert answer.headers["x-strongroom-error"] == "UnsafePermissions"
        directory.chmod(0o700)
        assert agent.read().body == b"canary-2"
        assert write(agent, b"canary-3").status == 200
    with open_vault(tmp_path) as vault:
        vault.verify()
        assert vault.get("bank/checking")["password"].reveal() == "canary-3"


def write(agent: AgentUnderTest, value: bytes) -> Answer:
    return agent.ask("POST", "/v1/secret/data/bank/checking", b'{"data": {"password": "%s"}}' % value)


def test_a_failed_unlocking_lets_go_of_the_audit_file(tmp_path: Path) -> None:
    """Else each attempt on a full disk leaves a thread, a descriptor and a writer that nobody goes on with."""
    make_vault(tmp_path)
    with AgentUnderTest(tmp_path).unlocked() as agent:
        for _ in range(300):  # longer than what else is written then, such as SQLite's own files
            assert agent.read().status == 200
        agent.lock()
        [file] = tmp_path.glob("vault.db.audit/*.log")
        limits = resource.prlimit(agent.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(agent.pid, resource.RLIMIT_FSIZE, (file.stat().st_size, limits[1]))
        threads = len(os.listdir(f"/proc/{agent.pid}/task"))
        for _ in range(3):
            answer = agent.unlock((tmp_path / "key").read_bytes(), way="key-file")
            assert b"the audit file cannot be written" in answer.body
        assert len(os.listdir(f"/proc/{agent.pid}/task")) == threads
        resource.prlimit(agent.pid, resource.RLIMIT_FSIZE, limits)
        assert agent.unlocked().read().status == 200
    assert len({one.name.partition("-")[0] for one in tmp_path.glob("vault.db.audit/*.log")}) == 1


def test_a_line_that_does_not_fit_into_a_file_just_begun_breaks_no_chain(vault: Vault, tmp_path: Path) -> None:
    """The new file's first line stays where the line behind it could not be written."""
    audit = AuditFile(str(tmp_path / "audit"), vault._core)
    read(audit, "one")
    audit._is_suspect = True  # as after a failed fdatasync
    append = os.write

    def write_first_line_only(descriptor: int, data: bytes) -> int:
        if b"strongroom-audit" not in data:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return append(descriptor, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", write_first_line_only)
        with pytest.raises(StoreUnavailable, match="no space"):
            read(audit, "lost")
    read(audit, "two")
    audit.close()
    assert shown(vault, tmp_path / "audit") == ["one", "", "two"]


def test_refusals_that_could_not_be_told_are_told_later(vault: Vault, tmp_path: Path) -> None:
    """Whoever fills the disk does not make the number of his refused requests go away."""
    audit = AuditFile(str(tmp_path / "audit"), vault._core)
    auditing = Auditing(Dates(), owner_uid=0)
    auditing.use(audit)
    refused = (STRANGER, "read", "bank/checking", (), "Denied", "asked", 1_000_000)
    auditing.record_all([refused] * (AT_ONCE + 500))
    auditing._refusals._told -= 1_000
    with full_disk(audit):
        auditing.tick()
        assert auditing.notes
    auditing.record_all([refused] * 7)
    auditing._refusals._told -= 1_000
    auditing.tick()
    auditing.end("the test is over")
    entries: list[dict[str, object]] = []
    assert review(vault._core, str(tmp_path / "audit"), checkpoints=[], show=entries.append).findings == []
    told = [str(entry["outcome"]) for entry in entries if entry["operation"] == "refused"]
    assert told == ["507 more refused requests, not written down one by one"]


def read(audit: AuditFile, name: str) -> None:
    audit.record(STRANGER, "read", "bank/checking", ["password"], "ok", name, 1_000_000)


def shown(vault: Vault, directory: Path) -> list[object]:
    """The ids of what the files say, once everything in them holds."""
    entries: list[dict[str, object]] = []
    assert review(vault._core, str(directory), checkpoints=[], show=entries.append).findings == []
    return [entry["id"] for entry in entries]
