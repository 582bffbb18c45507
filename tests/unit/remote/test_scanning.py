"""A scan through a socket: the values stay on the other side, and an answer that makes no sense is an error."""

from __future__ import annotations

import json

import pytest

from strongroom.errors import Denied, NotFound, StoreUnavailable, VaultLocked
from strongroom.formats.scan_search import SQUEEZING, squeeze
from strongroom.formats.scanner import Scanner
from strongroom.remote.agent import RemoteVault
from strongroom.remote.connection import AgentClient
from strongroom.remote.scanning import RemoteScanner
from strongroom.service.interface import Request, Response
from strongroom.service.scanning import Scans
from strongroom.vault.vault import Vault
from tests.unit.remote.serving import Keeper, Server


@pytest.fixture
def vault(client: AgentClient, held: Vault, keeper: Keeper) -> RemoteVault:
    keeper.scans = Scans(Scanner)  # type: ignore[attr-defined]
    held.set_many({f"ü x/{n}": {"password": f"value-number-{n:03}", "pin": "1"} for n in range(60)})
    return RemoteVault(client, "the vault")


def test_values_are_taken_in_and_found_over_there(vault: RemoteVault, server: Server) -> None:
    """In steps, with progress; the answers are names."""
    told: list[tuple[int, int]] = []
    scanner = scanner_of(vault, "ü x", lambda done, total: told.append((done, total)))
    assert (scanner.items, scanner.values, len(scanner.skipped)) == (60, 60, 60)
    assert told == [(50, 60), (60, 60)]
    found = scanner.find([b"", b"x value-number-007 value-number-059", b"value-number-060"])
    assert [(one.text, one.start, one.end, one.path, one.field, one.form) for one in found] == [
        (1, 2, 18, "ü x/7", "password", "as stored"),
        (1, 19, 35, "ü x/59", "password", "as stored"),
    ]
    assert scanner.find([]) == []
    assert not any(operation == "read" for operation, *_ in server.audit.entries)


def test_a_folder_that_is_not_there_is_not_found(vault: RemoteVault) -> None:
    """As a walk says it."""
    with pytest.raises(NotFound):
        scanner_of(vault, "none", lambda *_: None)


def test_a_lock_ends_the_scan(vault: RemoteVault, keeper: Keeper) -> None:
    """In its middle."""
    scanner = scanner_of(vault, "", lambda *_: None)
    keeper.lock()
    with pytest.raises(VaultLocked):
        scanner.find([b"x"])


def scanner_of(vault: RemoteVault, prefix: str, progress: object) -> RemoteScanner:
    return RemoteScanner(vault, prefix, progress, squeeze=(squeeze, SQUEEZING))  # type: ignore[arg-type]


FINDING = {"text": 0, "start": 1, "end": 2, "path": "a", "field": "b", "form": "c"}
NONSENSE = {
    "no object": [],
    "no findings": {},
    "findings that are no list": {"findings": {}},
    "a finding that is no object": {"findings": [1]},
    "a text that was not sent": {"findings": [{**FINDING, "text": 1}]},
    "a negative offset": {"findings": [{**FINDING, "start": -1}]},
    "an end before its start": {"findings": [{**FINDING, "end": 1}]},
    "no path": {"findings": [{name: value for name, value in FINDING.items() if name != "path"}]},
    "an offset that is no number": {"findings": [{**FINDING, "start": "x"}]},
}


@pytest.mark.parametrize("data", NONSENSE.values(), ids=NONSENSE)
def test_an_answer_without_sense_is_an_error(vault: RemoteVault, server: Server, data: object) -> None:
    """Never a clean scan."""
    scanner = scanner_of(vault, "", lambda *_: None)
    body = json.dumps({"data": data}).encode()

    def answer(request: Request) -> Response | None:
        if "squeezed" in request.query:
            return None
        return Response(200, [("Content-Type", "application/json")], bytearray(body))

    server.answer = answer
    with pytest.raises(StoreUnavailable, match="not understood"):
        scanner.find([b"value-number-001"])


@pytest.mark.parametrize(
    "suspects", [None, {}, ["0"], [1], [-1], [True], [0.0]]
)
def test_suspects_without_sense_are_an_error(vault: RemoteVault, server: Server, suspects: object) -> None:
    """Only numbers of texts that were sent."""
    scanner = scanner_of(vault, "", lambda *_: None)
    body = json.dumps({"data": {"suspects": suspects}}).encode()
    server.answer = lambda _request: Response(200, [("Content-Type", "application/json")], bytearray(body))
    with pytest.raises(StoreUnavailable, match="not understood"):
        scanner.find([b"x"])


def test_another_way_to_squeeze_is_refused(vault: RemoteVault) -> None:
    """A client of another version must not hear that nothing was found."""
    scanner = RemoteScanner(vault, "", lambda *_: None, squeeze=(squeeze, SQUEEZING + 1))
    with pytest.raises(ValueError, match="in another way"):
        scanner.find([b"value-number-001"])


@pytest.mark.parametrize("data", [{}, [], {"scan": "x", "items": "y", "values": 1, "left": 0, "skipped": []}])
def test_a_beginning_without_sense_is_an_error(vault: RemoteVault, server: Server, data: object) -> None:
    """And no scan begins."""
    body = json.dumps({"data": data}).encode()
    server.answer = lambda _request: Response(200, [("Content-Type", "application/json")], bytearray(body))
    with pytest.raises(StoreUnavailable, match="not understood"):
        scanner_of(vault, "", lambda *_: None)


def test_an_agent_that_knows_no_scans_says_so(client: AgentClient, held: Vault) -> None:
    """One of an older version, or a server."""
    held.set("a", {"password": "value-number-1"})
    with pytest.raises(NotFound):
        scanner_of(RemoteVault(client, "the vault"), "", lambda *_: None)


def test_a_refusal_is_raised_as_what_it_is(vault: RemoteVault, server: Server) -> None:
    """As the vault itself would."""

    def refuse(request: Request) -> Response | None:
        if request.path.endswith("/scan-begin"):
            return Response(403, [("X-Strongroom-Error", "Denied")], bytearray(b'{"errors": ["permission denied"]}'))
        return None

    server.answer = refuse
    with pytest.raises(Denied):
        scanner_of(vault, "", lambda *_: None)
