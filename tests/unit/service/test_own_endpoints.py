"""Our own endpoints, our own client's wishes, and the corners of the rest."""

from __future__ import annotations

from datetime import timedelta

import pytest

from strongroom.items import Field
from strongroom.service.own import PATHS_MAX
from strongroom.service.words import duration_text, duration_us
from tests.unit.service.conftest import MERGE, START, WEB, Office

STRICT = {"x-strongroom-strict": "1"}


def test_several_items_are_read_and_written_at_once(office: Office) -> None:
    """All of them or none; every version under its path."""
    items = {"a": {"data": {"x": 1}}, "b/c": {"data": {"y": "2"}, "options": {"strongroom": {"secret": ["y"]}}}}
    written = office.ask("POST", "strongroom/set-many", {"items": items, "request_id": "ab" * 16}).data["versions"]
    assert isinstance(written, dict)
    assert {path: version["version"] for path, version in written.items()} == {"a": 1, "b/c": 1}
    office.ask("POST", "strongroom/set-many", {"items": items, "request_id": "ab" * 16})
    read = office.ask("POST", "strongroom/get-many", {"paths": ["a", "b/c", "a"]}).data
    assert {path: item["data"] for path, item in read.items()} == {"a": {"x": 1}, "b/c": {"y": "2"}}  # type: ignore[index]
    assert office.vault.get("b/c").is_secret("y")
    assert len(office.vault.history("a")) == 1
    assert office.ask("POST", "strongroom/get-many", {"paths": ["a", "none"]}).status == 404
    half = {"items": {"a": {"data": {"x": 2}}, "d": {"data": {"x": 1}, "options": {"cas": 5}}}}
    assert office.ask("POST", "strongroom/set-many", half).status == 409
    assert len(office.vault.history("a")) == 1


def test_an_item_is_moved_and_an_old_version_restored(office: Office) -> None:
    """Values go with it; a number brings those fields back, none takes back the deletion."""
    office.vault.set("a", {"x": "1"})
    office.vault.set("a", {"x": "2"})
    assert office.ask("POST", "strongroom/move", {"source": "a", "target": "b/a"}).status == 204
    assert office.ask("POST", "strongroom/move", {"source": "b/", "target": "c/"}).status == 204
    assert office.ask("POST", "strongroom/restore", {"path": "c/a", "version": 1}).data["version"] == 3
    assert office.ask("GET", "strongroom/raw/c/a").raw == b"1"
    office.vault.delete("c/a")
    assert office.ask("POST", "strongroom/restore", {"path": "c/a", "version": None}).data["version"] == 3
    versions = office.ask("GET", "strongroom/history/c/a").data["versions"]
    assert [version["version"] for version in versions] == [1, 2, 3]  # type: ignore[union-attr]
    office.vault.set("a", {"x": "1"})
    assert office.ask("POST", "strongroom/move", {"source": "a", "target": "c/a"}).status == 409


def test_what_expires_is_told(office: Office) -> None:
    """The soonest first, and only what may be listed and read."""
    for hours, path in enumerate(("in/b", "in/a", "out/c"), 1):
        office.vault.set(path, {"x": "1"}, expires=timedelta(hours=hours))
    items = office.ask("GET", "strongroom/expiring?within_us=7200000000").data["items"]
    assert [item["path"] for item in items] == ["in/b", "in/a"]  # type: ignore[union-attr]
    office.vault.add_grant("web", "user", WEB.uid, {"list": ["/", "in/"], "read": ["in/a", "out/c"]})
    items = office.ask("GET", "strongroom/expiring?within_us=86400000000", who=WEB).data["items"]
    assert [item["path"] for item in items] == ["in/a"]  # type: ignore[union-attr]


def test_status_tells_of_the_vault(office: Office) -> None:
    """The keeper's own words, and the vault's numbers."""
    shown = office.ask("GET", "strongroom/status").data
    assert (shown["pid"], shown["locked"]) == (7, False)
    assert shown["vault_status"]["vault_id"] == office.vault.vault_id.hex()  # type: ignore[index]


# name of the case: (method, target, body)
REFUSED: dict[str, tuple[str, str, object]] = {
    "no paths": ("POST", "strongroom/get-many", {}),
    "paths that are none": ("POST", "strongroom/get-many", {"paths": [5]}),
    "too many paths": ("POST", "strongroom/get-many", {"paths": [f"p{number}" for number in range(PATHS_MAX + 1)]}),
    "no items": ("POST", "strongroom/set-many", {}),
    "items that are none": ("POST", "strongroom/set-many", {"items": []}),
    "an item without data": ("POST", "strongroom/set-many", {"items": {"a": {}}}),
    "an item without a path": ("POST", "strongroom/set-many", {"items": {"": {"data": {}}}}),
    "a move from nowhere": ("POST", "strongroom/move", {"target": "b"}),
    "a move to no path": ("POST", "strongroom/move", {"source": "a", "target": "../b"}),
    "a move of everything": ("POST", "strongroom/move", {"source": "/", "target": "b/"}),
    "a folder that is none": ("GET", "strongroom/walk?prefix=a//b", b""),
    "a word that is no truth": ("GET", "strongroom/walk?deleted=perhaps", b""),
    "a time beyond all time": ("GET", f"strongroom/expiring?within_us={(1 << 63) - 1}", b""),
    "a code that is none": ("GET", "sys/health?activecode=600", b""),
    "a merge of settings of another type": ("PATCH", "secret/metadata/a", {}),
    "a list for a name": ("POST", "secret/data/a", b'{[]: 1}'),
    "no colon": ("POST", "secret/data/a", b'{"data" {}}'),
    "no comma": ("POST", "secret/data/a", b'{"data": {} "options": {}}'),
    "one comma too many": ("POST", "secret/data/a", b'{"data": {},}'),
    "something behind the end": ("POST", "secret/data/a", b'{"data": {}} {}'),
    "a name twice at the top": ("POST", "secret/data/a", b'{"data": {}, "data": {}}'),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_refused(case: str, office: Office) -> None:
    """4xx, and nothing has happened."""
    before = office.vault.status().commit_counter
    method, target, body = REFUSED[case]
    assert office.ask(method, target, body).status in (400, 415)
    assert office.vault.status().commit_counter == before


def test_our_own_client_hears_what_the_vault_says(office: Office) -> None:
    """The vault's words and behaviour on KV v2's paths, for who asks for them."""
    office.vault.set("a", {"o": {"x": 1}})
    stale = office.ask("POST", "secret/data/a", {"data": {}, "options": {"cas": 7}}, headers=STRICT)
    assert (stale.status, stale.json()["errors"]) == (409, ["a is at version 1, not at version 7"])
    stale = office.ask("PATCH", "secret/data/a", {"data": {}, "options": {"cas": 7}}, headers=STRICT | MERGE)
    assert stale.status == 409
    office.ask("PATCH", "secret/data/a", {"data": {"o": {"y": 2}}}, headers=STRICT | MERGE)
    assert office.ask("GET", "secret/data/a").data["data"] == {"o": {"y": 2}}
    absent = office.ask("PATCH", "secret/data/b", {"data": {"x": 1}}, headers=STRICT | MERGE)
    assert (absent.status, absent.json()["errors"]) == (404, ["no item b"])
    create = {"data": {"x": 1, "gone": None}, "options": {"strongroom": {"create": True}}}
    assert office.ask("PATCH", "secret/data/b", create, headers=STRICT | MERGE).data["version"] == 1
    office.ask("DELETE", "secret/data/b")
    assert office.ask("GET", "secret/data/b", headers=STRICT).json()["errors"] == ["b was deleted"]
    office.vault.destroy("a")
    assert office.ask("LIST", "secret/metadata/?deleted=false", headers=STRICT).data == {"keys": []}
    assert office.ask("LIST", "secret/metadata/?deleted=false").status == 404


def test_a_merge_can_move_the_date(office: Office) -> None:
    """A new lifetime, none at all, or the one that there is."""

    def expires() -> object:
        metadata = office.ask("GET", "secret/data/a").data["metadata"]
        assert isinstance(metadata, dict)
        return metadata["strongroom"]["expires"]

    def patch(own: dict[str, object]) -> None:
        body = {"data": {"y": 1}, "options": {"strongroom": own}}
        assert office.ask("PATCH", "secret/data/a", body, headers=MERGE).status == 200

    office.vault.set("a", {"x": "1"}, expires=timedelta(seconds=1))
    patch({})
    assert expires() == "2026-09-21T14:13:21.000000Z"
    patch({"lifetime_us": 2_000_000})
    assert expires() == "2026-09-21T14:13:22.000000Z"
    patch({"lifetime_us": "never"})
    assert expires() == ""


def test_json_that_is_none_is_text_on_the_wire(office: Office) -> None:
    """A program may have stored anything under the kind: the answer is JSON all the same."""
    office.vault.set("a", {"j": Field("j", "json", b'{"a":', is_secret=True)})
    answer = office.ask("GET", "secret/data/a").data
    assert answer["data"] == {"j": '{"a":'}
    assert answer["metadata"]["strongroom"]["kinds"] == {"j": "json-text"}  # type: ignore[index]


def test_the_servers_state_is_for_everybody(office: Office) -> None:
    """What Vault's clients ask first, in bodies without an envelope; HEAD has none at all."""
    assert office.ask("GET", "sys/init", who=WEB).json() == {"initialized": True}
    assert office.ask("GET", "sys/leader", who=WEB).json()["ha_enabled"] is False
    assert office.ask("GET", "sys/seal-status", who=WEB).json()["version"].count(".") == 2  # type: ignore[attr-defined]
    head = office.ask("HEAD", "sys/health", who=WEB)
    assert (head.status, head.raw) == (200, b"")
    assert office.ask("GET", "sys/health").json()["server_time_utc"] == START // 1_000_000
    assert office.lines == []


DURATIONS = {"0": 0, "90": 90_000_000, "1h30m": 5_400_000_000, "1d": 86_400_000_000, "15ms": 15_000, "5us": 5, "7ns": 0}


def test_durations_are_read_as_vault_reads_them() -> None:
    """Seconds, and amounts with units; written in hours, minutes and seconds."""
    assert {text: duration_us(text) for text in DURATIONS} == DURATIONS
    assert [duration_text(number) for number in (0, 1_500_000, 90_000_000, 3_600_000_000, 86_461_000_001)] == [
        "0s", "1.5s", "1m30s", "1h0m0s", "24h1m1.000001s",
    ]  # fmt: skip
