"""Reserved paths in the service: an interlock for everybody, and the policy for others than the owner."""

from __future__ import annotations

import pytest

from strongroom.items import ReservedPath
from tests.unit.service.conftest import MERGE, WEB, Office

KEY = "@keys/invoices"
DATA = f"secret/data/{KEY}"
OURS = {"x-strongroom-reserved": "1"}


@pytest.fixture
def stocked(office: Office) -> Office:
    office.vault.set("bank", {"password": "hunter2"})
    office.vault._reserved.set(ReservedPath(KEY), {"seed": "0123"})
    return office


REFUSED = {
    "read": ("GET", DATA, None),
    "raw": ("GET", f"strongroom/raw/{KEY}?field=seed", None),
    "write": ("POST", DATA, {"data": {"seed": "1"}}),
    "patch": ("PATCH", DATA, {"data": {"seed": "1"}}),
    "delete": ("DELETE", DATA, None),
    "destroy": ("DELETE", f"secret/metadata/{KEY}", None),
    "metadata": ("GET", f"secret/metadata/{KEY}", None),
    "list": ("LIST", "secret/metadata/@keys/", None),
    "walk": ("GET", "strongroom/walk?prefix=@keys/", None),
    "get-many": ("POST", "strongroom/get-many", {"paths": [KEY]}),
    "set-many": ("POST", "strongroom/set-many", {"items": {KEY: {"data": {"seed": "1"}}}}),
    "move away": ("POST", "strongroom/move", {"source": KEY, "target": "mine"}),
    "move there": ("POST", "strongroom/move", {"source": "bank", "target": KEY}),
    "move the folder": ("POST", "strongroom/move", {"source": "@keys/", "target": "mine/"}),
    "restore": ("POST", "strongroom/restore", {"path": KEY, "version": 1}),
    "history": ("GET", f"strongroom/history/{KEY}", None),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_owner_is_refused_without_the_header(stocked: Office, case: str) -> None:
    """A KV v2 client that lists and copies everything takes no key with it, and overwrites none."""
    method, target, body = REFUSED[case]
    answer = stocked.ask(method, target, b"" if body is None else body, headers=MERGE)
    assert answer.status == 400
    assert b"0123" not in answer.raw
    assert stocked.vault._reserved.get(ReservedPath(KEY), "seed").reveal() == "0123"
    assert stocked.ask("LIST", "secret/metadata/").data == {"keys": ["bank"]}


@pytest.mark.parametrize(
    ("pattern", "status"),
    [("**", 403), ("*/*", 403), ("*/invoices", 403), (KEY, 200), ("@keys/*", 200), ("@keys/**", 200),
     ("@tokens/**", 403)],
)
def test_a_grant_covers_it_only_by_its_name(stocked: Office, pattern: str, status: int) -> None:
    """A star that was meant for passwords gives out no key; the header is no permission."""
    stocked.vault.add_grant("web", "user", WEB.uid, {"read": [pattern], "list": [pattern]})
    assert stocked.ask("GET", DATA, who=WEB, headers=OURS).status == status
    assert stocked.ask("GET", DATA, who=WEB).status in (400, 403)
    listed = stocked.ask("LIST", "secret/metadata/@keys/", who=WEB, headers=OURS)
    assert listed.status == (200 if pattern.startswith("@keys/*") else 403)


def test_a_denial_covers_it_by_stars_too(stocked: Office) -> None:
    """Whoever is denied everything is denied this, whatever else was granted."""
    stocked.vault.add_grant("web", "user", WEB.uid, {"read": [KEY]})
    stocked.vault.add_grant("out", "user", WEB.uid, {"deny": ["**"]})
    assert stocked.ask("GET", DATA, who=WEB, headers=OURS).status == 403
