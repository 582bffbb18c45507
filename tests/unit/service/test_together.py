"""Several requests answered at once: one look for commits, one write to the audit log, and every decision its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from strongroom.errors import StoreUnavailable
from strongroom.keys.slots.key_file import new_key_file
from strongroom.service.interface import Request
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault.opening import create_vault, open_vault
from tests.unit.service.conftest import OWNER, START, WEB, Office

RAW = "/v1/strongroom/raw/"


@pytest.fixture
def office(office: Office) -> Office:
    office.vault.set("in/x", {"password": "one"})
    office.vault.set("out/x", {"password": "two"})
    office.vault.add_grant("web", "user", WEB.uid, {"read": ["in/*"]})
    return office


def test_each_is_decided_for_itself(office: Office) -> None:
    """The same questions of two users, in one breath: what is granted to each, in the order of the questions."""
    asked = [(Request("GET", RAW + path), who) for path in ("in/x", "out/x", "in/y") for who in (OWNER, WEB)]
    responses = office.service.handle_all(asked, office.now)
    assert [(one.status, bytes(one.body)) for one in responses if one.status == 200] == [
        (200, b"one"),
        (200, b"one"),
        (200, b"two"),
    ]
    assert [one.status for one in responses] == [200, 200, 200, 403, 404, 404]
    assert [(line[0], line[2], line[4]) for line in office.lines] == [
        ("uid 1000", "in/x", "ok"),
        ("uid 1001", "in/x", "ok"),
        ("uid 1000", "out/x", "ok"),
        ("uid 1001", "out/x", "Denied"),
        ("uid 1000", "in/y", "NotFound"),
        ("uid 1001", "in/y", "NotFound"),
    ]


def test_they_are_written_down_by_one_call(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any of the answers is there."""
    calls: list[int] = []
    monkeypatch.setattr(office, "record_all", lambda entries: calls.append(len(entries)))
    asked = [(Request("GET", RAW + "in/x"), OWNER)] * 5
    assert len(office.service.handle_all(asked, office.now)) == 5
    assert calls == [5]


def test_none_is_given_when_that_fails(office: Office) -> None:
    """Each answer is 500 and carries nothing, also the denial; what needs no line is given all the same."""
    office.is_disk_full = True
    asked = [
        (Request("GET", RAW + "in/x"), OWNER),
        (Request("GET", RAW + "out/x"), WEB),
        (Request("GET", "/v1/sys/seal-status"), WEB),
    ]
    responses = office.service.handle_all(asked, office.now)
    assert [one.status for one in responses] == [500, 500, 200]
    assert not any(b"one" in one.body for one in responses)
    assert dict(responses[0].headers)["X-Strongroom-Error"] == "StoreUnavailable"


def test_long_answers_are_given_before_the_next_are_made(office: Office) -> None:
    """So that no more than one of them is in memory at a time."""
    office.vault.set("in/long", {"data": b"x" * 3_000_000})
    asked = [(Request("GET", RAW + "in/long"), OWNER)] * 3
    assert [len(one.body) for one in office.service.handle_all(asked, office.now)] == [3_000_000]


def test_a_locked_vault_says_so_to_each(office: Office) -> None:
    """And nothing is written down, as there is nothing to write it with."""
    office.lock()
    asked = [(Request("GET", RAW + "in/x"), OWNER), (Request("GET", RAW + "in/x"), WEB)]
    assert [one.status for one in office.service.handle_all(asked, office.now)] == [503, 503]
    assert not office.lines


def test_request_ids_are_not_used_twice(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """They look like UUIDs, and two services never share one."""
    ids: list[str] = []
    monkeypatch.setattr(office, "record_all", lambda entries: ids.extend(entry[5] for entry in entries))
    for service in (office.service, type(office.service)(office, owner_uid=OWNER.uid, audit=office)):
        service.handle_all([(Request("GET", RAW + "in/x"), OWNER)] * 20, office.now)
    assert len(set(ids)) == 40
    assert {tuple(map(len, one.split("-"))) for one in ids} == {(8, 4, 4, 4, 12)}


@pytest.fixture
def shared(tmp_path: Path) -> Office:
    """An office whose vault another program has open too."""
    tmp_path.chmod(0o700)
    office = Office()
    key = new_key_file()
    store = SqliteStore.create(str(tmp_path / "vault.db"))
    with create_vault(store, [key], author="test") as vault:
        store.publish()
        vault.set("in/x", {"password": "one"})
    office._vault = open_vault(SqliteStore.open(str(tmp_path / "vault.db")), key, author="the agent")
    office.other = open_vault(SqliteStore.open(str(tmp_path / "vault.db")), key, author="other")  # type: ignore[attr-defined]
    return office


def test_one_look_serves_them_all(shared: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is asked once whether somebody has committed; what was committed before is seen by every answer."""
    store = shared.vault._core.store
    looks: list[int] = []
    ask = store.change_token
    monkeypatch.setattr(store, "change_token", lambda: looks.append(1) or ask())  # type: ignore[func-returns-value]
    asked = [(Request("GET", RAW + "in/x"), OWNER)] * 4
    shared.service.handle_all(asked, START)
    looks.clear()
    assert [bytes(one.body) for one in shared.service.handle_all(asked, START)] == [b"one"] * 4
    assert len(looks) == 1
    shared.other.set("in/x", {"password": "new"})  # type: ignore[attr-defined]
    assert [bytes(one.body) for one in shared.service.handle_all(asked, START)] == [b"new"] * 4
    shared.other.set("in/x", {"password": "newer"})  # type: ignore[attr-defined]
    assert bytes(shared.service.handle(*asked[0], START).body) == b"newer"
    shared.other.lock()  # type: ignore[attr-defined]
    shared.lock()


def test_a_store_that_cannot_say_is_asked_by_each(shared: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is answered from what is remembered, and nothing raises; the mutex is free again."""
    asked = [(Request("GET", RAW + "in/x"), OWNER)] * 2
    shared.service.handle_all(asked, START)
    core = shared.vault._core

    def fail() -> int:
        raise StoreUnavailable("the disk is gone")

    monkeypatch.setattr(core.store, "change_token", fail)
    assert [one.status for one in shared.service.handle_all(asked, START)] == [503, 503]
    assert not core.has_looked
    assert not core.mutex._is_owned()  # type: ignore[attr-defined]
    shared.other.lock()  # type: ignore[attr-defined]
    shared.lock()
