"""Whoever may do everything with every item may still do nothing with what is reserved, by any word of the service."""

from __future__ import annotations

import pytest

from strongroom.items import ReservedPath
from strongroom.vault.policy import CAPABILITIES
from tests.unit.service.conftest import MERGE, WEB, Office
from tests.unit.service.test_reserved import KEY, OURS, REFUSED

MORE = {
    "subkeys": ("GET", f"secret/subkeys/{KEY}", None),
    "delete versions": ("POST", f"secret/delete/{KEY}", {"versions": [1]}),
    "undelete versions": ("POST", f"secret/undelete/{KEY}", {"versions": [1]}),
    "destroy versions": ("PUT", f"secret/destroy/{KEY}", {"versions": [1]}),
    "settings": ("POST", f"secret/metadata/{KEY}", {"max_versions": 1}),
    "merged settings": ("PATCH", f"secret/metadata/{KEY}", {"custom_metadata": {"a": "b"}}),
    "an older version": ("GET", f"strongroom/raw/{KEY}?field=seed&version=1", None),
    "what expires": ("GET", "strongroom/expiring?prefix=@keys/&within_us=99999999999", None),
    "a scan": ("POST", "strongroom/scan-begin?prefix=@keys/", None),
    "a folder of folders": ("LIST", "secret/metadata/@keys", None),
    "another spelling": ("GET", "secret/data/%40keys/invoices", None),
    "a detour": ("GET", "secret/data/x/../@keys/invoices", None),
    "an empty component": ("GET", "secret/data//@keys/invoices", None),
}
ASKED = {**REFUSED, **MORE}


@pytest.mark.parametrize("headers", [MERGE, {**MERGE, **OURS}], ids=["plain", "with the header"])
@pytest.mark.parametrize("case", ASKED)
def test_stars_reach_nothing_that_is_reserved(office: Office, case: str, headers: dict[str, str]) -> None:
    """Neither its values nor its names, and nothing of it is changed."""
    office.vault.set("bank", {"password": "hunter2"})
    office.vault._reserved.set(ReservedPath(KEY), {"seed": "0123"})
    everything = {one: ["**", "*/**", "/", "*/"] for one in CAPABILITIES if one not in ("deny", "deposit")}
    office.vault.add_grant("web", "user", WEB.uid, everything)
    method, target, body = ASKED[case]
    answer = office.ask(method, target, b"" if body is None else body, who=WEB, headers=headers)
    assert answer.status in (400, 403, 404), answer.raw
    assert b"0123" not in answer.raw and b'"invoices"' not in answer.raw
    assert office.vault._reserved.get(ReservedPath(KEY), "seed").reveal() == "0123"
    assert len(office.vault._reserved.history(ReservedPath(KEY))) == 1
    for listing in ("secret/metadata/?list=true", "strongroom/walk", "strongroom/expiring?within_us=99999999999"):
        assert b"@keys" not in office.ask("GET", listing, who=WEB, headers=headers).raw
