"""KV v2, as tables: what is asked and what comes back. The real server is asked in tests/interop."""

from __future__ import annotations

import pytest

from tests.unit.service.conftest import MERGE, OWNER, WEB, Office

MISMATCH = "check-and-set parameter did not match the current version"
REQUIRED = "check-and-set parameter required for this call"

# name of the case: (what was written before, request, status, errors)
REFUSED: dict[str, tuple[list[object], tuple[object, ...], int, list[str]]] = {
    "an absent item": ([], ("GET", "secret/data/none"), 404, []),
    "an absent version": ([{"a": 1}], ("GET", "secret/data/x?version=9"), 404, []),
    "a version that is no number": ([{"a": 1}], ("GET", "secret/data/x?version=abc"), 400, ["error parsing version"]),
    "check-and-set for a new item": (
        [{"a": 1}], ("POST", "secret/data/x", {"data": {}, "options": {"cas": 0}}), 400, [MISMATCH],
    ),
    "check-and-set below zero": (
        [{"a": 1}], ("POST", "secret/data/x", {"data": {}, "options": {"cas": -1}}), 400, [MISMATCH],
    ),
    "check-and-set that is none": (
        [], ("POST", "secret/data/x", {"data": {}, "options": {"cas": "x"}}), 400,
        ["error parsing check-and-set parameter"],
    ),
    "no data": ([], ("POST", "secret/data/x", {}), 400, ["no data provided"]),
    "an empty body": ([], ("POST", "secret/data/x"), 400, ["no data provided"]),
    "a body of null": ([], ("POST", "secret/data/x", b"null"), 400, ["no data provided"]),
    "data that is no object": ([], ("POST", "secret/data/x", {"data": 5}), 400, ["the body is not a JSON object"]),
    "a list for a body": ([], ("POST", "secret/data/x", [1]), 400, ["the body is not a JSON object"]),
    "a body that is cut": ([], ("POST", "secret/data/x", b'{"data":'), 400, ["the body is not JSON"]),
    "a name twice": (
        [], ("POST", "secret/data/x", b'{"data":{"a":1,"a":2}}'), 400, ["a name stands twice in one JSON object"],
    ),
    "an empty name": ([], ("POST", "secret/data/x", {"data": {"": 1}}), 400, ["field name is empty"]),
    "no versions": ([{"a": 1}], ("POST", "secret/delete/x", {}), 400, ["No version number provided"]),
    "versions that are none": (
        [{"a": 1}], ("PUT", "secret/destroy/x", {"versions": ["x"]}), 400, ["error parsing versions"],
    ),
    "an empty folder": ([], ("LIST", "secret/metadata/none/"), 404, []),
    "an item is no folder": ([{"a": 1}], ("LIST", "secret/metadata/x/"), 404, []),
    "metadata of nothing": ([], ("GET", "secret/metadata/none"), 404, []),
    "a folder's slash": ([], ("POST", "secret/data/x/", {"data": {}}), 400, ["path component is empty"]),
    "two dots": ([], ("GET", "secret/data/a/../b"), 400, ["path component is . or .."]),
    "two slashes": ([], ("GET", "secret/data/a//b"), 400, ["path component is empty"]),
    "another mount": ([], ("GET", "other/data/x"), 404, ["no handler for this route. route entry not found."]),
    "a path of KV v1": ([], ("GET", "secret/x"), 404, ["no handler for this route. route entry not found."]),
    "another method": ([], ("OPTIONS", "secret/data/x"), 405, ["1 error occurred:\n\t* unsupported operation\n\n"]),
    "a merge of another type": (
        [{"a": 1}], ("PATCH", "secret/data/x", {"data": {}}), 415,
        ["PATCH requires Content-Type of application/merge-patch+json"],
    ),
    "too many versions to keep": (
        [{"a": 1}], ("POST", "secret/metadata/x", {"max_versions": 1001}), 400, ["max_versions is 0 to 1000"],
    ),
    "a duration that is none": (
        [{"a": 1}], ("POST", "secret/metadata/x", {"delete_version_after": "1 hour"}), 400,
        ["a duration is seconds, or amounts with units such as 1h30m"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str, office: Office) -> None:
    """Status and words of each error."""
    before, request, status, errors = REFUSED[case]
    for fields in before:
        office.ask("POST", "secret/data/x", {"data": fields})
    answer = office.ask(*request)  # type: ignore[arg-type]
    assert (answer.status, answer.json()) == (status, {"errors": errors})
    assert answer.kind


def test_versions_are_written_and_read(office: Office) -> None:
    """The envelope, the metadata, the newest version and an older one."""
    written = office.ask("PUT", "secret/data/x", {"data": {"user": "a"}, "options": {"cas": 0}})
    assert written.status == 200
    assert set(written.json()) == {
        "request_id", "lease_id", "renewable", "lease_duration", "data", "wrap_info", "warnings", "auth",
    }  # fmt: skip
    assert written.data["version"] == 1
    assert written.data["created_time"] == "2026-09-21T14:13:20.000000Z"
    office.now += 1
    office.ask("POST", "secret/data/x", {"data": {"user": "b", "n": 1.5}, "options": {"cas": "1"}})
    newest = office.ask("GET", "secret/data/x").data
    assert newest["data"] == {"user": "b", "n": 1.5}
    metadata = newest["metadata"]
    assert isinstance(metadata, dict)
    assert metadata.pop("strongroom") == {"author": "the agent", "expires": "", "secret": [], "kinds": {"n": "json"}}
    assert metadata == {
        "created_time": "2026-09-21T14:13:20.000001Z",
        "deletion_time": "",
        "custom_metadata": None,
        "destroyed": False,
        "version": 2,
    }
    assert office.ask("GET", "secret/data/x?version=1").data["data"] == {"user": "a"}
    assert office.ask("GET", "secret/data/x?version=0").data["data"] == {"user": "b", "n": 1.5}


def test_a_deleted_version_is_a_404_with_what_is_known(office: Office) -> None:
    """Deleted, undeleted, destroyed: the values go, their metadata stays."""
    office.ask("POST", "secret/data/x", {"data": {"a": 1}})
    assert office.ask("DELETE", "secret/data/x").status == 204
    gone = office.ask("GET", "secret/data/x")
    assert (gone.status, gone.kind, gone.data["data"]) == (404, "NotFound", None)
    assert gone.data["metadata"]["deletion_time"] == "2026-09-21T14:13:20.000000Z"  # type: ignore[index]
    assert office.ask("GET", "secret/subkeys/x").data["subkeys"] is None
    assert office.ask("POST", "secret/undelete/x", {"versions": ["1"]}).status == 204
    assert office.ask("GET", "secret/data/x").status == 200
    assert office.ask("POST", "secret/destroy/x", {"versions": "1"}).status == 204
    assert office.ask("GET", "secret/data/x").data["metadata"]["destroyed"] is True  # type: ignore[index]
    assert office.ask("POST", "secret/undelete/x", {"versions": 1}).status == 204
    assert office.ask("GET", "secret/data/x").status == 404
    assert office.ask("DELETE", "secret/metadata/x").status == 204
    assert office.ask("GET", "secret/data/x").json() == {"errors": []}


@pytest.mark.parametrize("verb", ["delete", "undelete", "destroy"])
def test_what_is_not_there_is_passed_over(verb: str, office: Office) -> None:
    """Unknown versions and items are 204; our own client, which asks for it, hears of them."""
    office.ask("POST", "secret/data/x", {"data": {"a": 1}})
    strict = {"x-strongroom-strict": "1"}
    for name in ("x", "none"):
        assert office.ask("POST", f"secret/{verb}/{name}", {"versions": [9]}).status == 204
        assert office.ask("POST", f"secret/{verb}/{name}", {"versions": [9]}, headers=strict).kind == "NotFound"
    assert office.ask("DELETE", "secret/data/none").status == 204
    assert office.ask("DELETE", "secret/data/none", headers=strict).status == 404
    assert office.ask("DELETE", "secret/metadata/none").status == 204
    assert office.ask("DELETE", "secret/metadata/none", headers=strict).status == 404
    assert office.ask("GET", "secret/data/x").status == 200


def test_a_patch_merges_all_the_way_down(office: Office) -> None:
    """RFC 7396: objects merge, null removes, everything else replaces; kept secrets stay secret."""
    office.ask("POST", "secret/data/x", {"data": {"a": {"b": 1, "c": {"d": 2}}, "password": "p", "n": None}})
    merged = office.ask("PATCH", "secret/data/x", {"data": {"a": {"b": None, "c": {"e": 3}}, "z": [1]}}, headers=MERGE)
    assert merged.status == 200
    assert office.ask("GET", "secret/data/x").data["data"] == {
        "a": {"c": {"d": 2, "e": 3}}, "password": "p", "n": None, "z": [1],
    }  # fmt: skip
    office.ask("PATCH", "secret/data/x", {"data": {"password": None, "a": {"f": {"g": None}}}}, headers=MERGE)
    assert office.ask("GET", "secret/data/x").data["data"] == {
        "a": {"c": {"d": 2, "e": 3}, "f": {}}, "n": None, "z": [1],
    }  # fmt: skip
    stale = office.ask("PATCH", "secret/data/x", {"data": {"a": 1}, "options": {"cas": 1}}, headers=MERGE)
    assert stale.json() == {"errors": [MISMATCH]}
    absent = office.ask("PATCH", "secret/data/none", {"data": {"a": 1}}, headers=MERGE)
    assert (absent.status, absent.raw) == (404, b"")
    office.ask("DELETE", "secret/data/x")
    assert office.ask("PATCH", "secret/data/x", {"data": {"a": 1}}, headers=MERGE).data["version"] == 3


def test_settings_come_as_words_and_go_as_numbers(office: Office) -> None:
    """Strings from command lines are coerced; custom metadata is replaced by POST and merged by PATCH."""
    words = {"max_versions": "2", "cas_required": "true", "delete_version_after": "1h", "custom_metadata": {"k": "v"}}
    assert office.ask("POST", "secret/metadata/new", words).status == 204
    assert office.ask("GET", "secret/data/new").status == 404
    shown = office.ask("GET", "secret/metadata/new").data
    assert (shown["max_versions"], shown["cas_required"], shown["delete_version_after"]) == (2, True, "1h0m0s")
    assert (shown["custom_metadata"], shown["versions"], shown["current_version"]) == ({"k": "v"}, {}, 0)
    assert office.ask("POST", "secret/data/new", {"data": {}}).json() == {"errors": [REQUIRED]}
    for number in range(4):
        assert office.ask("POST", "secret/data/new", {"data": {}, "options": {"cas": number}}).status == 200
    shown = office.ask("GET", "secret/metadata/new").data
    assert (sorted(shown["versions"]), shown["oldest_version"]) == (["3", "4"], 3)  # type: ignore[arg-type]
    office.now += 3_600_000_000
    assert office.ask("GET", "secret/data/new").data["data"] is None
    patch = {"custom_metadata": {"k": None, "z": "1"}, "delete_version_after": 0}
    assert office.ask("PATCH", "secret/metadata/new", patch, headers=MERGE).status == 204
    assert office.ask("GET", "secret/metadata/new").data["custom_metadata"] == {"z": "1"}
    assert office.ask("PATCH", "secret/metadata/none", patch, headers=MERGE).status == 404
    assert office.ask("POST", "secret/metadata/new", {"custom_metadata": {"a": 1}}).status == 400


def test_the_mounts_settings_hold_for_items_without_their_own(office: Office) -> None:
    """GET and POST config."""
    assert office.ask("POST", "secret/config", {"max_versions": 1, "delete_version_after": "90m"}).status == 204
    assert office.ask("GET", "secret/config").data == {
        "cas_required": False, "delete_version_after": "1h30m0s", "max_versions": 1,
    }  # fmt: skip
    office.ask("POST", "secret/data/x", {"data": {"a": 1}})
    office.ask("POST", "secret/data/x", {"data": {"a": 2}})
    assert list(office.ask("GET", "secret/metadata/x").data["versions"]) == ["2"]  # type: ignore[call-overload]


def test_names_are_listed_in_both_ways(office: Office) -> None:
    """LIST, and GET with a query; with and without a slash; folders end with one; deleted items stay."""
    for path in ("b/c/d", "b/x", "a"):
        office.ask("POST", f"secret/data/{path}", {"data": {}})
    office.ask("DELETE", "secret/data/a")
    top = "secret/metadata"
    for method, target in (("LIST", top), ("LIST", f"{top}/"), ("GET", f"{top}/?list=true"), ("GET", f"{top}?list=1")):
        assert office.ask(method, target).data == {"keys": ["a", "b/"]}
    assert office.ask("LIST", "secret/metadata/b").data == {"keys": ["c/", "x"]}
    assert office.ask("LIST", "secret/metadata/?deleted=false").data == {"keys": ["b/"]}


def test_subkeys_show_no_values(office: Office) -> None:
    """Names and nested names, as deep as is asked for."""
    data = {"a": {"b": {"c": "hidden"}, "l": ["hidden"], "e": {}}, "s": "hidden"}
    office.ask("POST", "secret/data/x", {"data": data})
    answer = office.ask("GET", "secret/subkeys/x")
    assert answer.data["subkeys"] == {"a": {"b": {"c": None}, "l": None, "e": None}, "s": None}
    assert b"hidden" not in answer.raw
    assert office.ask("GET", "secret/subkeys/x?depth=1").data["subkeys"] == {"a": None, "s": None}
    assert office.ask("GET", "secret/subkeys/x?depth=2").data["subkeys"] == {
        "a": {"b": None, "l": None, "e": None}, "s": None,
    }  # fmt: skip


def test_json_comes_back_as_it_was_spelled(office: Office) -> None:
    """Numbers keep their digits, objects their order and spaces."""
    spelled = b'"n":1.10,"big":12345678901234567890123,"o":{"z": 1, "a":[ 1 ,2]},"null":null'
    body = b' { "data" : {' + spelled + b', "t" : "\\u00e9\\n\\"" } } '
    assert office.ask("POST", "secret/data/x", body).status == 200
    raw = office.ask("GET", "secret/data/x").raw
    assert spelled + b',"t":"\xc3\xa9\\u000a\\u0022"}' in raw


def test_bytes_and_secrets_survive_the_wire(office: Office) -> None:
    """What Vault's JSON has no words for stands beside it, in both directions."""
    own = {"secret": ["text"], "kinds": {"text": "text", "like": "json"}, "lifetime_us": 1_000_000}
    data = {"text": "t", "raw": {"$bytes": "AP8="}, "like": {"$bytes": "AP8="}, "password": "public after all"}
    assert office.ask("POST", "secret/data/x", {"data": data, "options": {"strongroom": own}}).status == 200
    item = office.vault.get("x")
    assert [(item.field(name).kind, item.is_secret(name)) for name in item.names()] == [
        ("text", True), ("bytes", False), ("json", False), ("text", False),
    ]  # fmt: skip
    assert item.field("raw").data == b"\x00\xff"
    answer = office.ask("GET", "secret/data/x").data
    assert answer["data"] == data
    assert answer["metadata"]["strongroom"] == {  # type: ignore[index]
        "author": "the agent",
        "expires": "2026-09-21T14:13:21.000000Z",
        "secret": ["text"],
        "kinds": {"raw": "bytes", "like": "json"},
    }
    office.now += 1_000_000
    expired = office.ask("GET", "secret/data/x")
    assert (expired.status, expired.kind) == (410, "Expired")
    assert office.ask("GET", "secret/data/x?allow_expired=true").status == 200


@pytest.mark.parametrize("options", [
    {"secret": "a"}, {"secret": [1]}, {"kinds": []}, {"kinds": {"a": "number"}}, {"lifetime_us": -1},
    {"lifetime_us": 1 << 62}, {"request_id": "x"}, {"request_id": 5}, {"request_id": "A" * 32}, 5,
])  # fmt: skip
def test_options_that_are_none_are_refused(options: object, office: Office) -> None:
    """Nothing is written half-understood."""
    answer = office.ask("POST", "secret/data/x", {"data": {"a": 1}, "options": {"strongroom": options}})
    assert answer.status == 400
    assert office.ask("GET", "secret/data/x").status == 404


@pytest.mark.parametrize(("value", "kind"), [
    ({"$bytes": "not base64"}, None), ({"$bytes": "AP8"}, None), ({"$bytes": 5}, None), ("text", "bytes"), (5, "text"),
    ("\ud800", None),
])  # fmt: skip
def test_values_that_are_not_of_their_kind_are_refused(value: object, kind: str | None, office: Office) -> None:
    """Bad base64 is an error, never an empty value and never kept as something else."""
    own = {"kinds": {"a": kind}} if kind else {}
    answer = office.ask("POST", "secret/data/x", {"data": {"a": value}, "options": {"strongroom": own}})
    assert answer.status == 400
    assert office.ask("GET", "secret/data/x").status == 404


def test_a_repeated_write_writes_once(office: Office) -> None:
    """The same request id: the same version number."""
    body = {"data": {"a": 1}, "options": {"strongroom": {"request_id": "0123456789abcdef" * 2}}}
    assert [office.ask("POST", "secret/data/x", body).data["version"] for _ in range(2)] == [1, 1]


def test_a_version_names_who_wrote_it(office: Office) -> None:
    """The owner writes as the agent does, others under their number; so says the vault's own audit log too."""
    office.vault.add_grant("web", "user", WEB.uid, {"create": ["**"]})
    office.ask("POST", "secret/data/own", {"data": {}}, who=OWNER)
    office.ask("POST", "secret/data/web", {"data": {}}, who=WEB)
    assert office.vault.history("own")[0].author == "the agent"
    assert office.vault.history("web")[0].author == "uid 1001"
    assert office.lines[-1] == ("uid 1001", "write", "web", (), "ok")
