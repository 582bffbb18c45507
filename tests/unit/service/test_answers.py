"""What answers never hold, when nothing is answered, and how much is read before it is refused."""

from __future__ import annotations

import itertools
import time

import pytest

from strongroom.errors import OutcomeUnknown, StoreUnavailable, Tampered
from strongroom.service.json_text import DEPTH_MAX, PUNCTUATION_MAX
from strongroom.vault.policy import Principal
from strongroom.vault.vault import Vault
from tests.unit.service.conftest import MERGE, OWNER, WEB, Office
from tests.unit.service.test_access import ENDPOINTS, OWNERS_ONLY

CANARY = "canary-3f9c"
REQUESTS: dict[str, tuple[str, str, object, dict[str, str]]] = {
    **{name: (method, target, body, headers) for name, (method, target, body, headers, _) in ENDPOINTS.items()},
    **{name: (method, target, body, {}) for name, (method, target, body) in OWNERS_ONLY.items()},
    "seal status": ("GET", "sys/seal-status", b"", {}),
    "health": ("GET", "sys/health", b"", {}),
    "capabilities": ("POST", "sys/capabilities-self", {"paths": ["secret/data/in/x"]}, {}),
    "preflight": ("GET", "sys/internal/ui/mounts/secret/x", b"", {}),
}
# Bodies with the canary in every place where something may be wrong.
BODIES: dict[str, object] = {
    "not JSON": f'{{"data": "{CANARY}'.encode(),
    "not UTF-8": b'{"data":{"a":"' + CANARY.encode() + b'\xff"}}',
    "another shape": {"data": CANARY, "versions": CANARY, "paths": CANARY, "path": [CANARY], "source": [CANARY]},
    "bad options": {"data": {"a": CANARY}, "options": {"cas": CANARY}, "versions": [CANARY], "max_versions": CANARY},
    "bad fields": {"data": {"a": {"$bytes": CANARY}}, "items": {"in/x": {"data": {"a": {"$bytes": CANARY}}}}},
    "bad own options": {"data": {"a": CANARY}, "options": {"strongroom": {"kinds": {"a": CANARY}, "secret": CANARY}}},
    "bad settings": {"cas_required": CANARY, "delete_version_after": CANARY, "custom_metadata": {"a": [CANARY]}},
    "surrogates": b'{"data":{"a":"' + CANARY.encode() + b'\\ud800"},"items":{"in/x":{"data":{"a":"\\ud800"}}}}',
    "twice": b'{"data":{"a":{"b":"' + CANARY.encode() + b'","b":1}}}',
    "too large a number": b'{"data":{"a":["' + CANARY.encode() + b'", 1e999]}}',
    "not a number": b'{"data":{"a":["' + CANARY.encode() + b'", NaN]}}',
    "too long": {"data": {str(number): CANARY for number in range(300)}},
}


@pytest.fixture(autouse=True)
def stored(office: Office) -> None:
    office.vault.set("in/x", {"password": CANARY, "note": CANARY, "json": [CANARY], "raw": CANARY.encode()})
    office.vault.set("in/gone", {"password": CANARY})
    office.vault.delete("in/gone")


FAILURES = (
    Tampered(f"version 1 of in/x {CANARY}"), StoreUnavailable("disk"), OutcomeUnknown("who knows"), ValueError(CANARY),
    UnicodeDecodeError("utf-8", CANARY.encode(), 0, 1, CANARY), RuntimeError(CANARY), KeyError(CANARY), MemoryError(),
)  # fmt: skip


@pytest.mark.parametrize("case", REQUESTS)
def test_no_error_holds_a_value(case: str, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every endpoint, asked wrongly in every way, by everybody, and with a vault that fails."""
    method, target, body, headers = REQUESTS[case]
    office.vault.add_grant("web", "user", WEB.uid, {"update": ["**"], "delete": ["**"], "deposit": ["**"]})
    bodies = [body, *BODIES.values()] if method != "GET" else [body]
    for who, given in itertools.product((OWNER, WEB, Principal(1003, 1003)), bodies):
        answer = office.ask(method, target, given, who=who, headers=headers)
        if answer.status >= 400:
            assert CANARY.encode() not in answer.raw
            assert CANARY not in str(answer.headers)
    if case == "lock":
        return
    for failure in FAILURES:

        def fail(*_args: object, problem: Exception = failure, **_options: object) -> None:
            raise problem

        for name in ("get", "get_many", "set", "patch", "history", "settings", "list", "walk", "expiring", "delete",
                     "undelete", "destroy", "restore", "move", "configure", "status"):  # fmt: skip
            monkeypatch.setattr(Vault, name, fail)
        for who in (WEB, Principal(1003, 1003)):
            answer = office.ask(method, target, body, who=who, headers=headers)
            assert CANARY.encode() not in answer.raw
        monkeypatch.undo()


def test_the_canary_would_be_seen(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The vault's own words reach its owner, so that a value in them would have been found above."""

    def fail(*_args: object, **_options: object) -> None:
        raise ValueError(CANARY)

    monkeypatch.setattr(Vault, "get", fail)
    assert CANARY.encode() in office.ask("GET", "secret/data/in/x").raw


def test_an_unexpected_error_says_only_that(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug is a 500 with its class in the audit log, and the next request is answered."""

    def fail(*_args: object, **_options: object) -> None:
        raise ZeroDivisionError(CANARY)

    monkeypatch.setattr(Vault, "get", fail)
    answer = office.ask("GET", "secret/data/in/x")
    assert (answer.status, answer.json()) == (500, {"errors": ["internal error"]})
    assert office.lines[-1] == ("uid 1000", "read", "in/x", (), "ZeroDivisionError")
    monkeypatch.undo()
    assert office.ask("GET", "secret/data/in/x").status == 200


def test_an_unknown_outcome_tells_how_to_repeat_it(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request id comes in a header, so that the repetition writes nothing twice."""

    def fail(*_args: object, **_options: object) -> None:
        raise OutcomeUnknown("who knows", request_id="ab" * 16)

    monkeypatch.setattr(Vault, "set", fail)
    answer = office.ask("POST", "secret/data/in/x", {"data": {}})
    assert (answer.status, answer.kind) == (500, "OutcomeUnknown")
    assert answer.headers["X-Strongroom-Request-Id"] == "ab" * 16


@pytest.mark.parametrize("case", REQUESTS)
def test_what_cannot_be_written_down_is_not_answered(case: str, office: Office) -> None:
    """No line, no answer; what everybody may know of the server needs no line."""
    method, target, body, headers = REQUESTS[case]
    office.is_disk_full = True
    answer = office.ask(method, target, body, headers=headers)
    if case in ("seal status", "health", "status"):
        assert answer.status == 200
        return
    assert (answer.status, answer.json()) == (500, {"errors": ["the audit log cannot be written"]})


def test_every_answer_is_written_down_first(office: Office) -> None:
    """Who, what, where, which fields and how it went; also what was refused."""
    office.ask("GET", "secret/data/in/x")
    office.ask("GET", "strongroom/raw/in/x?field=note")
    office.ask("GET", "secret/data/none")
    office.ask("GET", "secret/data/in/gone")
    office.ask("GET", "secret/data/in/x", who=WEB)
    office.ask("LIST", "secret/metadata/")
    office.ask("POST", "strongroom/set-many", {"items": {"a": {"data": {"k": 1}}, "b": {"data": {"l": 1}}}})
    office.ask("GET", "secret/unknown/x")
    assert office.lines == [
        ("uid 1000", "read", "in/x", ("password", "note", "json", "raw"), "ok"),
        ("uid 1000", "read", "in/x", ("note",), "ok"),
        ("uid 1000", "read", "none", (), "NotFound"),
        ("uid 1000", "read", "in/gone", (), "NotFound"),
        ("uid 1001", "read", "in/x", (), "Denied"),
        ("uid 1000", "list", "/", (), "ok"),
        ("uid 1000", "write", "a", ("k",), "ok"),
        ("uid 1000", "write", "b", ("l",), "ok"),
        ("uid 1000", "other", "", (), "NotFound"),
    ]


@pytest.mark.parametrize("case", REQUESTS)
def test_a_locked_vault_says_so(case: str, office: Office) -> None:
    """503 to everybody alike, whatever is granted; its state may be asked for."""
    office.lock()
    method, target, body, headers = REQUESTS[case]
    answer = office.ask(method, target, body, headers=headers)
    if case == "seal status":
        assert (answer.status, answer.json()["sealed"]) == (200, True)
    elif case == "health":
        assert (answer.status, answer.json()["sealed"]) == (503, True)
        assert office.ask(method, f"{target}?sealedcode=299").status == 299
    elif case == "status":
        assert (answer.status, answer.data["vault_status"]) == (200, None)
    else:
        assert (answer.status, answer.kind, answer.json()) == (503, "VaultLocked", {"errors": ["Vault is sealed"]})
    assert office.lines == []


def test_the_raw_read_is_the_value_alone(office: Office) -> None:
    """Bytes, kind and version; an older version; the only field without its name."""
    office.vault.set("in/x", {"raw": b"\x00\xff"})
    answer = office.ask("GET", "strongroom/raw/in/x")
    assert (answer.status, answer.raw) == (200, b"\x00\xff")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert (answer.headers["X-Strongroom-Kind"], answer.headers["X-Strongroom-Secret"]) == ("bytes", "true")
    assert answer.headers["X-Strongroom-Version"] == "2"
    assert office.ask("GET", "strongroom/raw/in/x?field=note&version=1").raw == CANARY.encode()
    assert office.ask("GET", "strongroom/raw/in/x?version=1").json() == {"errors": ["the item has 4 fields: name one"]}
    assert office.ask("GET", "strongroom/raw/in/x?field=none").kind == "NotFound"
    assert office.ask("GET", "strongroom/raw/in/x?version=0").status == 400
    assert office.ask("GET", "strongroom/raw/in/gone").kind == "NotFound"


def test_what_would_mean_something_else_is_refused(office: Office) -> None:
    """A namespace and a wrapped answer are not quietly left out."""
    assert office.ask("GET", "secret/data/in/x", headers={"x-vault-namespace": "team/"}).status == 404
    assert office.ask("GET", "secret/data/in/x", headers={"x-vault-namespace": ""}).status == 200
    wrapped = office.ask("GET", "secret/data/in/x", headers={"x-vault-wrap-ttl": "60"})
    assert (wrapped.status, CANARY.encode() in wrapped.raw) == (400, False)


def test_no_answer_may_be_kept_by_a_cache(office: Office) -> None:
    """Good and bad ones alike."""
    for target in ("secret/data/in/x", "secret/data/none", "strongroom/raw/in/x?field=note", "sys/health"):
        assert office.ask("GET", target).headers["Cache-Control"] == "no-store"


# name of the case: (body, is it good)
BOUNDS = {
    "as deep as may be": (b'{"data":' + b'{"a":' * (DEPTH_MAX - 1) + b"1" + b"}" * DEPTH_MAX, True),
    "one deeper": (b'{"data":' + b'{"a":' * DEPTH_MAX + b"1" + b"}" * (DEPTH_MAX + 1), False),
    "brackets in a string": (b'{"data":{"a":"' + b"[" * 1000 + b'"}}', True),
    "brackets after an escaped quote": (b'{"data":{"a":"\\"' + b"[" * 1000 + b'"}}', True),
    "a backslash before the end": (b'{"data":{"a":"\\\\"}}', True),
    "as many values as may be": (b'{"data":{"a":[' + b"0," * (PUNCTUATION_MAX - 7) + b"0]}}", True),
    "more values": (b'{"data":{"a":[' + b"0," * (PUNCTUATION_MAX - 5) + b"0]}}", False),
    "a hundred thousand brackets": (b'{"data":' + b"[" * 100_000, False),
    "a long number": (b'{"data":{"a":' + b"9" * 5000 + b"}}", False),
}


@pytest.mark.parametrize("case", BOUNDS)
def test_json_is_bounded_before_it_is_parsed(case: str, office: Office) -> None:
    """Depth and number of values; what stands inside a string does not count."""
    body, is_good = BOUNDS[case]
    assert (office.ask("POST", "secret/data/x", body).status == 200) == is_good


@pytest.mark.parametrize("body", [
    b'"' * 2_000_001, b'"\\' * 1_000_000, b"[" * 2_000_000, b"{}," * 700_000, b'{"a":' * 400_000, b" " * 2_000_000,
    b'"' + b'\\"' * 1_000_000,
])  # fmt: skip
def test_two_megabytes_of_nonsense_are_refused_in_no_time(body: bytes, office: Office) -> None:
    """Nothing grows with the square of the length."""
    started = time.process_time()
    assert office.ask("POST", "secret/data/x", body).status == 400
    assert time.process_time() - started < 2


def test_a_body_is_not_even_looked_at_without_a_grant(office: Office) -> None:
    """Who may not write hears so before anything is parsed."""
    assert office.ask("POST", "secret/data/in/x", b"[" * 100_000, who=WEB).status == 403
    assert office.ask("PATCH", "secret/data/in/x", b"[" * 100_000, who=WEB, headers=MERGE).status == 403
