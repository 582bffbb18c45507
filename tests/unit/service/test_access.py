"""Who may do what through the service: each endpoint with and without its grant, and no way around a denial."""

from __future__ import annotations

import pytest

from strongroom.vault.policy import Principal
from tests.unit.service.conftest import MERGE, OWNER, START, WEB, Answer, Office

DENIED = {"errors": ["1 error occurred:\n\t* permission denied\n\n"]}
BODY = {"data": {"a": 1}}

# name of the case: (method, target, body, headers, what has to be granted for in/x, or for the folder in/)
ENDPOINTS: dict[str, tuple[str, str, object, dict[str, str], tuple[str, ...]]] = {
    "read": ("GET", "secret/data/in/x", b"", {}, ("read",)),
    "read raw": ("GET", "strongroom/raw/in/x?field=password", b"", {}, ("read",)),
    "subkeys": ("GET", "secret/subkeys/in/x", b"", {}, ("read",)),
    "metadata": ("GET", "secret/metadata/in/x", b"", {}, ("read",)),
    "history": ("GET", "strongroom/history/in/x", b"", {}, ("read",)),
    "several": ("POST", "strongroom/get-many", {"paths": ["in/x"]}, {}, ("read",)),
    "write": ("POST", "secret/data/in/x", BODY, {}, ("update",)),
    "write a new one": ("POST", "secret/data/in/new", BODY, {}, ("create",)),
    "write several": ("POST", "strongroom/set-many", {"items": {"in/x": BODY, "in/n": BODY}}, {}, ("create", "update")),
    "deposit": ("POST", "secret/data/in/x", BODY, {}, ("deposit",)),
    "deposit a new one": ("PUT", "secret/data/in/new", BODY, {}, ("deposit",)),
    "deposit several": ("POST", "strongroom/set-many", {"items": {"in/x": BODY, "in/n": BODY}}, {}, ("deposit",)),
    "merge": ("PATCH", "secret/data/in/x", BODY, MERGE, ("update",)),
    "delete": ("DELETE", "secret/data/in/x", b"", {}, ("delete",)),
    "delete versions": ("POST", "secret/delete/in/x", {"versions": [1]}, {}, ("delete",)),
    "undelete": ("POST", "secret/undelete/in/x", {"versions": [1]}, {}, ("update",)),
    "restore": ("POST", "strongroom/restore", {"path": "in/x", "version": 1}, {}, ("update",)),
    "destroy versions": ("POST", "secret/destroy/in/x", {"versions": [1]}, {}, ("delete",)),
    "destroy": ("DELETE", "secret/metadata/in/x", b"", {}, ("delete",)),
    "configure": ("POST", "secret/metadata/in/x", {"max_versions": 3}, {}, ("update",)),
    "configure a new one": ("POST", "secret/metadata/in/new", {"max_versions": 3}, {}, ("create",)),
    "configure by merge": ("PATCH", "secret/metadata/in/x", {"max_versions": 3}, MERGE, ("update",)),
    "list": ("LIST", "secret/metadata/in", b"", {}, ("list",)),
    "list by query": ("GET", "secret/metadata/in/?list=true", b"", {}, ("list",)),
    "walk": ("GET", "strongroom/walk?prefix=in", b"", {}, ("list",)),
    "expiring": ("GET", "strongroom/expiring?prefix=in/&within_us=1", b"", {}, ("list",)),
    "move": ("POST", "strongroom/move", {"source": "in/x", "target": "in/y"}, {}, ("read", "delete", "create")),
}
OWNERS_ONLY = {
    "config": ("GET", "secret/config", b""),
    "configure all": ("POST", "secret/config", {"max_versions": 1}),
    "lock": ("PUT", "sys/seal", b""),
    "status": ("GET", "strongroom/status", b""),
    "move a folder": ("POST", "strongroom/move", {"source": "in/", "target": "out/"}),
}
EVERYTHING = ("create", "read", "update", "delete", "list", "deposit")


def ask(office: Office, case: str, who: Principal = WEB) -> Answer:
    method, target, body, headers, _ = ENDPOINTS[case]
    return office.ask(method, target, body, who=who, headers=headers)


def grant(office: Office, capabilities: tuple[str, ...], *patterns: str, name: str = "web") -> None:
    office.vault.add_grant(name, "user", WEB.uid, dict.fromkeys(capabilities, patterns or ("in/**",)))


@pytest.fixture(autouse=True)
def stored(office: Office) -> None:
    office.vault.set("in/x", {"password": "canary"})


@pytest.mark.parametrize("case", ENDPOINTS)
def test_exactly_the_right_grant_opens_it(case: str, office: Office) -> None:
    """Nothing without a grant; nothing with all others; something with the right ones alone."""
    needed = ENDPOINTS[case][4]
    before = office.vault.status().commit_counter
    refused = ask(office, case)
    assert (refused.status, refused.kind, refused.json()) == (403, "Denied", DENIED)
    # A deposit and a write are the same request; either grant is enough for it.
    enough = {"deposit"} if case.startswith("write") else {"create", "update"} if case.startswith("deposit") else set()
    for one in needed:
        others = {capability: ["in/**"] for capability in EVERYTHING if capability not in {one, *enough}}
        office.vault.add_grant("others", "user", WEB.uid, others)
        assert ask(office, case).status == 403, others
        office.vault.remove_grant("others")
    assert office.vault.status().commit_counter == before + 2 * len(needed), "a refused request wrote nothing"
    grant(office, needed)
    assert ask(office, case).status in (200, 204)


@pytest.mark.parametrize("case", ENDPOINTS)
def test_a_denial_closes_it_again(case: str, office: Office) -> None:
    """Everything granted everywhere, and one denial for a group; the owner is not bound by it."""
    grant(office, EVERYTHING, "**", "/")
    office.vault.add_grant("no", "group", WEB.gid, {"deny": ["in/**"]})
    refused = ask(office, case)
    assert (refused.status, refused.json()) == (403, DENIED)
    assert ask(office, case, OWNER).status in (200, 204)


@pytest.mark.parametrize("case", OWNERS_ONLY)
def test_some_things_are_the_owners(case: str, office: Office) -> None:
    """Whatever is granted, and also for root."""
    grant(office, EVERYTHING, "**", "/")
    office.vault.add_grant("root", "user", 0, {"read": ["**"]})
    method, target, body = OWNERS_ONLY[case]
    assert office.ask(method, target, body, who=WEB).status == 403
    assert office.ask(method, target, body, who=Principal(0, 0)).status == 403
    assert office.ask(method, target, body).status in (200, 204)


def test_a_list_shows_nothing_that_is_denied(office: Office) -> None:
    """Neither the denied folder's list, nor its name, nor what lies below it, by whatever way it is asked for."""
    for path in ("in/private/p", "in/private/deep/q", "in/z", "top"):
        office.vault.set(path, {"a": "1"})
    grant(office, ("list", "read"), "**")
    office.vault.add_grant("no", "user", WEB.uid, {"deny": ["in/private/**", "in/z"]})
    assert office.ask("LIST", "secret/metadata/in", who=WEB).data == {"keys": ["x"]}
    assert office.ask("LIST", "secret/metadata/", who=WEB).data == {"keys": ["in/", "top"]}
    assert office.ask("GET", "strongroom/walk", who=WEB).data == {"paths": ["in/x", "top"]}
    assert office.ask("GET", "strongroom/walk?prefix=in/", who=WEB).data == {"paths": ["in/x"]}
    for target in ("in/private", "in/private/", "in/private/deep", "in/private/deep/"):
        assert office.ask("LIST", f"secret/metadata/{target}", who=WEB).status == 403
        assert office.ask("GET", f"secret/metadata/{target}?list=true", who=WEB).status == 403
        assert office.ask("GET", f"strongroom/walk?prefix={target}", who=WEB).status == 403


def test_a_walk_goes_only_where_a_list_may(office: Office) -> None:
    """To list one folder is not to list what lies below it."""
    office.vault.set("in/deep/y", {"a": "1"})
    grant(office, ("list",), "in/")
    assert office.ask("GET", "strongroom/walk?prefix=in", who=WEB).data == {"paths": ["in/x"]}
    assert office.ask("GET", "strongroom/walk", who=WEB).status == 403


TRICKS = (
    "in/X", "IN/x", "in//x", "in/./x", "in/../in/x", "in/x/", "/in/x", " in/x", "in/x ", "in/x\0", "in/%78",
    "in/x\u200e", "in/ｘ", "in/x\u0301", "in\\x", "in/x;a", "in/x\n",
)  # fmt: skip


@pytest.mark.parametrize("path", TRICKS)
def test_other_spellings_are_other_paths(path: str, office: Office) -> None:
    """A denial of in/x is not got round, and neither the item nor its values come out, by any spelling of it."""
    grant(office, EVERYTHING, "**", "/")
    office.vault.add_grant("no", "user", WEB.uid, {"deny": ["in/x"]})
    for target in (f"secret/data/{path}", f"strongroom/raw/{path}", f"secret/metadata/{path}"):
        answer = office.ask("GET", target, who=WEB)
        assert answer.status in (400, 404)
        assert b"canary" not in answer.raw


def test_a_deposit_can_be_read_by_others_only(office: Office) -> None:
    """The web application hands in, the worker takes out; neither can do the other's part."""
    worker = Principal(1002, 1002)
    grant(office, ("deposit",), "sites/*")
    office.vault.add_grant("sync", "user", worker.uid, {"read": ["sites/*"], "list": ["sites/"]})
    assert office.ask("POST", "secret/data/sites/a", {"data": {"password": "p"}}, who=WEB).status == 200
    assert office.ask("GET", "secret/data/sites/a", who=WEB).status == 403
    assert office.ask("LIST", "secret/metadata/sites", who=WEB).status == 403
    assert office.ask("POST", "secret/data/other/a", {"data": {}}, who=WEB).status == 403
    assert office.ask("GET", "strongroom/raw/sites/a", who=worker).raw == b"p"
    assert office.ask("LIST", "secret/metadata/sites", who=worker).data == {"keys": ["a"]}
    assert office.ask("POST", "secret/data/sites/a", {"data": {}}, who=worker).status == 403


def test_an_ended_grant_stays_ended(office: Office) -> None:
    """Putting the clock back brings nothing to life again."""
    from datetime import timedelta

    office.vault.add_grant("web", "user", WEB.uid, {"read": ["in/*"]}, lifetime=timedelta(hours=1))
    assert office.ask("GET", "strongroom/raw/in/x", who=WEB).status == 200
    office.now = START + 3_600_000_000
    assert office.ask("GET", "strongroom/raw/in/x", who=WEB).status == 403
    office.now = START
    assert office.ask("GET", "strongroom/raw/in/x", who=WEB).status == 403


def test_a_grant_that_is_taken_away_is_gone_at_once(office: Office) -> None:
    """The next request already meets the new policy."""
    grant(office, ("read",))
    assert office.ask("GET", "strongroom/raw/in/x", who=WEB).status == 200
    office.vault.remove_grant("web")
    assert office.ask("GET", "strongroom/raw/in/x", who=WEB).status == 403


def test_half_allowed_is_not_allowed(office: Office) -> None:
    """Several writes of which one is refused: none is carried out; the same for a move."""
    grant(office, ("create", "read", "delete"), "in/*")
    both = {"items": {"in/new": BODY, "in/x": BODY}}
    assert office.ask("POST", "strongroom/set-many", both, who=WEB).status == 403
    assert office.ask("GET", "secret/data/in/new").status == 404
    assert office.ask("POST", "strongroom/move", {"source": "in/x", "target": "out/x"}, who=WEB).status == 403
    assert office.ask("GET", "secret/data/in/x").status == 200


def test_clients_learn_what_they_may_do(office: Office) -> None:
    """capabilities-self, and the preflight of every kv command."""
    grant(office, ("read", "list"), "in/**")
    asked = {"paths": ["secret/data/in/x", "secret/metadata/in/", "secret/data/out", "sys/seal", "secret/data/a//b"]}
    answer = office.ask("POST", "sys/capabilities-self", asked, who=WEB)
    expected = {
        "secret/data/in/x": ["list", "read"],
        "secret/metadata/in/": ["list", "read"],
        "secret/data/out": ["deny"],
        "sys/seal": ["deny"],
        "secret/data/a//b": ["deny"],
    }
    assert answer.data == expected
    assert {name: answer.json()[name] for name in expected} == expected
    assert office.ask("POST", "sys/capabilities-self", {"path": "secret/data/x"}).data["capabilities"] == ["root"]
    assert office.ask("POST", "sys/capabilities-self", {"paths": []}).status == 400
    mount = office.ask("GET", "sys/internal/ui/mounts/secret/in/x", who=WEB).data
    assert (mount["path"], mount["type"], mount["options"]) == ("secret/", "kv", {"version": "2"})
    assert office.ask("GET", "sys/internal/ui/mounts/other/x", who=WEB).status == 403
    assert office.ask("GET", "sys/internal/ui/mounts/secret/x", who=Principal(1003, 1003)).status == 403
