"""Root looks into the agent's memory: keys and passphrase are there while it is unlocked, and gone after lock.

An agent whose keys lie in memfd_secret shows none of them even before. To see that the search
finds what is there, another one is denied that memory, so that its keys lie in the heap.
"""

from __future__ import annotations

import ctypes
import re
import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from strongroom.crypto import kdf, labels
from tests.agents import IS_ROOT, PASSPHRASE, AgentUnderTest, make_vault, open_vault
from tests.peers import require_programs

pytestmark = pytest.mark.skipif(not IS_ROOT, reason="only root may read the memory of the agent")

_CAP_IPC_LOCK = 14
_PR_CAPBSET_DROP = 24


def deny_locked_memory() -> None:
    """In the child: neither memfd_secret nor mlock will be had."""
    ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_IPC_LOCK, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))


def needles_of(directory: Path) -> dict[str, bytes]:
    """What must not be found; keys in halves, because an allocator overwrites a part of what is freed."""
    with open_vault(directory) as vault:
        keys = vault._core.keys
        vault_id = keys.header.vault_id
        whole = {
            "root key": keys.root_key.reveal(),
            "data key": bytes(keys.keyset.data_key(keys.keyset.primary_id)),
            "keyset key": bytes(kdf.derive(keys.root_key.reveal(), labels.PURPOSE_KEYSET, vault_id, 1)),
            "header key": bytes(kdf.derive(keys.root_key.reveal(), labels.PURPOSE_HEADER, vault_id, 1)),
        }
        for purpose in (labels.INDEX_KEY, labels.LEDGER_KEY, labels.AUDIT_KEY, labels.IDENTITY_SEED):
            whole[f"purpose key {purpose}"] = bytes(keys.keyset.purpose_key(purpose))
        audit = bytes(keys.keyset.purpose_key(labels.AUDIT_KEY))
        whole["audit file key"] = bytes(kdf.derive(audit, labels.PURPOSE_AUDIT_FILE, vault_id, 1))
    whole["key file"] = bytes.fromhex((directory / "key").read_text().split(":")[2])
    halves = {f"{name}, half {half}": key[16 * half :][:16] for name, key in whole.items() for half in (0, 1)}
    text = (directory / "key").read_bytes().split(b":")[2]
    return {**halves, "passphrase": PASSPHRASE, "key file's text": text[:32], "key file's text, end": text[32:]}


def search(process_id: int, needles: dict[str, bytes]) -> set[str]:
    """Which needles lie in the writable memory of a process."""
    found = set()
    with Path(f"/proc/{process_id}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{process_id}/maps").read_text().splitlines():
            mapping = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if mapping is None:
                continue
            start, end = (int(address, 16) for address in mapping.groups())
            content = b""
            try:
                memory.seek(start)
                while len(content) < end - start and (more := memory.read(end - start - len(content))):
                    content += more
            except OSError:
                # Memory that not even the kernel may read: that of memfd_secret.
                assert "secretmem" in line, line
            found |= {name for name, needle in needles.items() if needle in content}
    return found


def core_of(process_id: int, directory: Path) -> bytes:
    """A core image, made by gdb as root, which overrides everything that the process asked for."""
    made = subprocess.run(
        ["gcore", "-a", "-o", str(directory / "core"), str(process_id)], capture_output=True, text=True, timeout=60
    )
    assert made.returncode == 0, made.stderr
    core = directory / f"core.{process_id}"
    try:
        return core.read_bytes()
    finally:
        core.unlink()


def use(agent: AgentUnderTest, way: str) -> None:
    """Unlock it, wrongly at first, read, write, and let the verification go by."""
    directory = agent.directory
    assert agent.unlock(b"tea with nine green elephants").status == 400
    secret = PASSPHRASE if way == "typed" else (directory / "key").read_bytes()
    agent.wait_until(lambda status: agent.unlock(secret, way=way).status == 204)
    assert agent.read().body == b"canary-7f3a"
    written = agent.ask("POST", "/v1/secret/data/new/item", b'{"data": {"password": "another canary"}}')
    assert written.status == 200, written
    agent.wait_until(lambda status: bool(status["verified"]))


@pytest.mark.parametrize("way", ["typed", "key-file"])
def test_no_key_is_left_after_lock(tmp_path: Path, way: str) -> None:
    """Keys in the heap are found while it is unlocked, and neither in memory nor in a core image after lock."""
    make_vault(tmp_path)
    needles = needles_of(tmp_path)
    with AgentUnderTest(tmp_path, prepare=deny_locked_memory) as agent:
        use(agent, way)
        assert agent.status()["key_memory"] == "ordinary"
        in_use = search(agent.pid, needles)
        assert {f"{name}, half {half}" for name in ("root key", "data key") for half in (0, 1)} <= in_use
        agent.lock()
        assert search(agent.pid, needles) == set()
        if shutil.which("gcore"):
            core = core_of(agent.pid, tmp_path)
            assert {name for name, needle in needles.items() if needle in core} == set()


def test_secret_memory_shows_nothing_to_root(tmp_path: Path) -> None:
    """With memfd_secret root key and data keys are nowhere to be found even while the vault is open."""
    make_vault(tmp_path)
    needles = needles_of(tmp_path)
    with AgentUnderTest(tmp_path) as agent:
        use(agent, "typed")
        if agent.status()["key_memory"] != "memfd_secret":
            pytest.skip("this kernel has no memfd_secret")
        assert search(agent.pid, needles) == set()
        agent.lock()
        assert search(agent.pid, needles) == set()


def test_core_image_of_an_open_vault(tmp_path: Path) -> None:
    """The positive control of gcore: what is in the heap is in the image."""
    require_programs("gcore")
    make_vault(tmp_path)
    needles = needles_of(tmp_path)
    with AgentUnderTest(tmp_path, prepare=deny_locked_memory) as agent:
        use(agent, "typed")
        core = core_of(agent.pid, tmp_path)
        assert needles["data key, half 1"] in core
