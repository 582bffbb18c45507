"""Ways around the agent, its grants and its clients that a review found, each by the sentence that it breaks."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.doors.agent.peers import _program_of, principal_of
from strongroom.errors import RolledBack, StoreUnavailable, Tampered
from strongroom.remote import connection as connections
from strongroom.remote.connection import AgentClient
from strongroom.remote.messages import MessageReader, encode_response, parse_request
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault.opening import create_vault
from strongroom.vault.policy import Principal
from tests.agents import IS_ROOT, LINUX, AgentUnderTest, make_vault, open_vault
from tests.peers import require_programs
from tests.unit.service.conftest import MERGE, WEB, Answer, Office

linux = pytest.mark.skipif(not LINUX, reason="the agent is tested on Linux")
as_root = pytest.mark.skipif(not IS_ROOT, reason="takes other users")
STRANGER = 54_321
NOTE = "canary-note-9d1b"


@pytest.fixture
def office() -> Iterator[Office]:
    office = Office()
    office.vault.set("in/x", {"password": "canary"})
    office.vault.configure("in/x", custom_metadata={"note": NOTE})
    yield office
    office.lock()


def grant(office: Office, *capabilities: str) -> None:
    office.vault.add_grant("web", "user", WEB.uid, dict.fromkeys(capabilities, ("in/**",)))


# --- the client


class _Moody:
    """A server that ends its first connection, sits on its second one, and answers on all others.

    Each answer's body is the target that was asked for.
    """

    def __init__(self, path: str) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        number = 0
        while True:
            try:
                accepted, _ = self.listener.accept()
            except OSError:
                return
            number += 1
            threading.Thread(target=self._attend, args=(accepted, number), daemon=True).start()

    def _attend(self, accepted: socket.socket, number: int) -> None:
        reader = MessageReader(parse_request)
        targets: list[str] = []
        with accepted:
            while data := accepted.recv(65536):
                reader.feed(data)
                while found := reader.next_message():
                    targets.append(found[0].target)
                    if number == 1 and len(targets) == 2:
                        return
                    if number == 2 and len(targets) == 1:
                        continue
                    for target in targets if number == 2 else targets[-1:]:
                        body = target.encode()
                        accepted.sendall(encode_response(200, (), length=len(body)) + body)


@linux
def test_a_late_answer_is_never_taken_for_the_next_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that was repeated and then given up leaves nothing behind that answers another question."""
    monkeypatch.setattr(connections, "PATIENCE_SECONDS", 1)
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "s")
        server = _Moody(path)
        client = AgentClient(path, trusts=lambda _uid: True)
        assert client.call("GET", "/first")[1] == b"/first"
        with pytest.raises(StoreUnavailable, match="did not answer"):
            client.call("GET", "/second")
        assert client.call("GET", "/third")[1] == b"/third"
        client.close()
        server.listener.close()


@linux
def test_bytes_behind_an_answer_are_not_the_next_one() -> None:
    """An answer with something behind it ends the connection: what follows belongs to no request."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "s")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()

        def serve() -> None:
            for extra in (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale", b""):
                accepted, _ = listener.accept()
                with accepted:
                    accepted.recv(65536)
                    accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nright" + extra)
                    accepted.recv(65536)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        client = AgentClient(path, trusts=lambda _uid: True)
        assert client.call("GET", "/one")[1] == b"right"
        assert client.call("GET", "/two")[1] == b"right"
        client.close()
        thread.join(60)
        listener.close()


# --- who asks


@linux
@as_root
@pytest.mark.parametrize("count", [1, 70, 300])
def test_every_group_counts(count: int) -> None:
    """A denial for a group holds for a member of however many others."""
    groups = list(range(20_000, 20_000 + count))
    require_programs("curl")
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        path = os.path.join(directory, "s")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.listen()
        words = ["curl", "-s", "-m", "60", "--unix-socket", path, "http://a/"]
        with subprocess.Popen(words, user=STRANGER, group=STRANGER, extra_groups=groups, cwd="/") as child:
            accepted, _ = listener.accept()
            found = principal_of(accepted)
            accepted.close()
            child.wait(60)
        listener.close()
    assert found.uid == STRANGER
    assert found.groups >= set(groups)


class _Gone:
    """The socket of a process that has ended: the kernel gives no descriptor of it."""

    def getsockopt(self, *_args: object) -> int:
        raise OSError(errno.ESRCH, os.strerror(errno.ESRCH))


@linux
def test_the_number_of_a_process_that_has_ended_names_nobody() -> None:
    """Its number may be another's by now; what runs under it is not the one who connected."""
    assert _program_of(_Gone(), os.getpid()) == (None, "")  # type: ignore[arg-type]


# --- what an answer tells

WRITES: dict[str, tuple[str, str, object, dict[str, str], tuple[str, ...]]] = {
    "a write": ("POST", "secret/data/in/x", {"data": {"a": 1}}, {}, ("update",)),
    "a deposit": ("POST", "secret/data/in/x", {"data": {"a": 1}}, {}, ("deposit",)),
    "several": ("POST", "strongroom/set-many", {"items": {"in/x": {"data": {"a": 1}}}}, {}, ("deposit",)),
    "a merge": ("PATCH", "secret/data/in/x", {"data": {"a": 1}}, MERGE, ("update",)),
    "a restoration": ("POST", "strongroom/restore", {"path": "in/x", "version": 1}, {}, ("update",)),
    "a merge into nothing": ("PATCH", "secret/data/in/gone", {"data": {"a": 1}}, MERGE, ("update",)),
}


@pytest.mark.parametrize("case", WRITES)
def test_who_may_only_write_is_told_nothing_that_was_written(case: str, office: Office) -> None:
    """Custom metadata is read by those who may read the item, also in the answers to writes."""
    office.vault.set("in/gone", {"a": "1"})
    office.vault.configure("in/gone", custom_metadata={"note": NOTE})
    office.vault.delete("in/gone")
    method, target, body, headers, capabilities = WRITES[case]
    grant(office, *capabilities)
    answer = office.ask(method, target, body, headers=headers, who=WEB)
    assert answer.status == (404 if case == "a merge into nothing" else 200)
    assert NOTE not in answer.raw.decode()
    # The control: the same answer to who may read it.
    if case != "several":
        assert NOTE in office.ask(method, target, body, headers=headers).raw.decode()


def test_a_list_of_what_expires_is_for_readers(office: Office) -> None:
    """To list names is not to read who wrote what when."""
    from datetime import timedelta

    office.vault.set("in/x", {"password": "canary"}, expires=timedelta(days=1))
    target = f"strongroom/expiring?prefix=in/&within_us={2 * 86_400_000_000}"
    grant(office, "list")
    assert office.ask("GET", target, who=WEB).data == {"items": []}
    office.vault.remove_grant("web")
    grant(office, "list", "read")
    assert "the agent" in office.ask("GET", target, who=WEB).raw.decode()


EMPTY = {"several": ("strongroom/get-many", {"paths": []}), "write several": ("strongroom/set-many", {"items": {}})}


@pytest.mark.parametrize("case", EMPTY)
def test_asking_for_nothing_takes_a_grant(case: str, office: Office) -> None:
    """A success counts as use of the vault: a stranger's would keep it open past its idle time."""
    target, body = EMPTY[case]
    assert office.ask("POST", target, body, who=WEB).status == 403
    office.vault.add_grant("web", "user", WEB.uid, {"deny": ["in/**"]})
    assert office.ask("POST", target, body, who=WEB).status == 403
    office.vault.remove_grant("web")
    grant(office, "read")
    assert office.ask("POST", target, body, who=WEB).status == 200
    assert office.ask("POST", target, body).status == 200
    office.vault.remove_grant("web")
    from datetime import timedelta

    office.vault.add_grant("web", "user", WEB.uid, {"read": ["in/**"]}, lifetime=timedelta(seconds=5))
    office.now += 6_000_000
    assert office.ask("POST", target, body, who=WEB).status == 403


def test_a_lost_answer_may_be_asked_for_again(office: Office) -> None:
    """Who may only create repeats a request with its id, and is told what it made; a new request is denied."""
    grant(office, "create")
    office.vault.add_grant("other", "user", WEB.uid + 1, {"create": ["in/**"]})

    def write(request_id: str, who: Principal = WEB) -> Answer:
        body = {"data": {"a": 1}, "options": {"strongroom": {"request_id": request_id}}}
        return office.ask("POST", "secret/data/in/new", body, who=who)

    assert [write("1" * 32).data["version"] for _ in range(2)] == [1, 1]
    assert len(office.vault.history("in/new")) == 1
    assert write("2" * 32).status == 403
    assert write("1" * 32, Principal(WEB.uid + 1, WEB.gid)).status == 403
    assert len(office.vault.history("in/new")) == 1


def test_a_change_that_could_not_be_written_down_is_not_called_undone(office: Office) -> None:
    """It was committed before the audit log failed: its outcome is unknown to the caller, never "not done"."""
    office.is_disk_full = True
    answer = office.ask("POST", "secret/data/in/x", {"data": {"a": 1}})
    assert (answer.status, answer.kind) == (500, "OutcomeUnknown")
    assert office.vault.history("in/x")[-1].number == 2
    for method, target in (("GET", "secret/data/in/x"), ("POST", "secret/delete/in/x")):
        answer = office.ask(method, target, {"versions": []})
        assert (answer.status, answer.kind) == (500, "StoreUnavailable")


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_length_has_no_body(status: int, office: Office) -> None:
    """What a status forbids a body must not send one, or it is read as the beginning of the next answer."""
    answer = office.ask("GET", f"sys/health?activecode={status}")
    assert (answer.status, answer.raw) == (status, b"")


# --- the agent's life


@linux
def test_an_agent_whose_root_key_was_replaced_is_locked(tmp_path: Path) -> None:
    """After a revocation the keys of before are worth nothing: they are wiped, and it says that it is locked."""
    make_vault(tmp_path)
    with AgentUnderTest(tmp_path) as agent:
        agent.unlocked()
        with open_vault(tmp_path) as vault:
            vault.rotate(root=True)
        assert agent.read().status == 503
        status = agent.status()
        assert status["locked"] is True
        assert "root key" in str(status["locked_because"])
        assert agent.ask("GET", "/v1/sys/health").status == 503
        agent.unlocked()
        assert agent.read().body == b"canary-7f3a"


@linux
def test_a_file_that_cannot_be_opened_is_no_end_of_the_agent(tmp_path: Path) -> None:
    """What lies in the audit directory and is no audit file is left alone; the audit begins a new writer."""
    make_vault(tmp_path)
    audit = tmp_path / "vault.db.audit"
    audit.mkdir(mode=0o700)
    (audit / f"{'0' * 32}-000001.log").symlink_to(tmp_path / "nowhere")
    with AgentUnderTest(tmp_path) as agent:
        agent.unlocked()
        assert agent.read().body == b"canary-7f3a"
        assert not (tmp_path / "nowhere").exists()
        assert len(list(audit.iterdir())) == 2


@linux
@as_root
def test_an_agent_for_root_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """No traceback for a user's mistake."""
    make_vault(tmp_path)
    with AgentUnderTest(tmp_path, "--user", "root") as agent:
        assert agent.process.wait(60) == 5
        assert agent.process.stderr is not None
        said = agent.process.stderr.read().decode()
    assert said.startswith("strongroom: ")
    assert "Traceback" not in said


@linux
@as_root
def test_the_longest_value_reaches_who_may_read_it(tmp_path: Path) -> None:
    """What all other users may have in flight together is less than one item may hold."""
    require_programs("curl")
    make_vault(tmp_path)
    value = os.urandom(14 * 1024 * 1024)
    with open_vault(tmp_path) as vault:
        vault.set("big/x", {"blob": value})
        vault.add_grant("stranger", "user", STRANGER, {"read": ["big/**"]})
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        with AgentUnderTest(tmp_path, socket_path=Path(directory) / "agent.sock") as agent:
            agent.unlocked().wait_until(lambda _status: bool(os.stat(agent.socket).st_mode & 0o002))
            words = ["curl", "-s", "--unix-socket", str(agent.socket), "http://a/v1/strongroom/raw/big/x?field=blob"]
            done = subprocess.run(
                words, user=STRANGER, group=STRANGER, extra_groups=[], cwd="/", capture_output=True, timeout=60
            )
    assert (done.returncode, done.stdout == value) == (0, True)


# --- who made the vault


def test_a_vault_of_a_strangers_making_is_refused_by_an_age_identity(tmp_path: Path) -> None:
    """Who can write to the file must not put a vault of their own there, which the identity opens."""
    pyrage = pytest.importorskip("pyrage")
    import strongroom
    from strongroom.keys.slots import age
    from strongroom.vault.opening import slot_records

    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "identity").write_text(f"{identity}\n")
    (tmp_path / "identity").chmod(0o600)
    os.chmod(tmp_path, 0o700)
    path = tmp_path / "vault.db"
    store = SqliteStore.create(str(path))
    with create_vault(store, [age.new_age_credential(str(identity.to_public()))], author="owner"):
        store.publish()
    strongroom.open(path, identity=tmp_path / "identity").close()

    # What the file tells to everybody is enough to make the other one.
    store = SqliteStore.open(str(path))
    recipient = age.describe(slot_records(store)[0].parameters)
    store.close()
    path.unlink()
    store = SqliteStore.create(str(path))
    with create_vault(store, [age.new_age_credential(recipient)], author="stranger"):
        store.publish()
    with pytest.raises((Tampered, RolledBack)):
        strongroom.open(path, identity=tmp_path / "identity").close()
