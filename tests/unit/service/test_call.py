"""Corners of what a request may do, where a change of one word in the code would let more through or less."""

from __future__ import annotations

from datetime import timedelta

import pytest

from strongroom.vault.policy import Principal
from tests.unit.service.conftest import START, WEB, Answer, Office

FIRST, SECOND = "0123456789abcdef" * 2, "fedcba9876543210" * 2
MOUNT = ("GET", "sys/internal/ui/mounts/secret/in/x", b"")
NOTHING_ASKED = {
    "no item written": ("POST", "strongroom/set-many", {"items": {}}),
    "the mount": MOUNT,
}


def grant(office: Office, *capabilities: str, name: str = "web", who: Principal = WEB) -> None:
    office.vault.add_grant(name, "user", who.uid, dict.fromkeys(capabilities, ("in/**",)))


def write(office: Office, request_id: str, who: Principal = WEB) -> Answer:
    body = {"data": {"a": 1}, "options": {"strongroom": {"request_id": request_id}}}
    return office.ask("POST", "secret/data/in/new", body, who=who)


def test_who_may_only_create_may_repeat_that(office: Office) -> None:
    """The answer was lost, so the same request comes again: it is answered; another request, or another's, is not."""
    other = Principal(1002, 1002)
    grant(office, "create")
    grant(office, "create", name="other", who=other)
    first = write(office, FIRST)
    again = write(office, FIRST)
    assert (first.status, again.status) == (200, 200)
    assert first.data["version"] == again.data["version"] == 1
    assert write(office, SECOND).status == 403
    assert write(office, FIRST, other).status == 403
    assert [version.number for version in office.vault.history("in/new")] == [1]


@pytest.mark.parametrize("case", NOTHING_ASKED)
def test_a_denial_is_no_grant(case: str, office: Office) -> None:
    """Who is only denied something may do nothing at all, also where no path is named."""
    method, target, body = NOTHING_ASKED[case]
    assert office.ask(method, target, body, who=WEB).status == 403
    grant(office, "deny")
    assert office.ask(method, target, body, who=WEB).status == 403
    grant(office, "read", name="reader")
    assert office.ask(method, target, body, who=WEB).status == 200


@pytest.mark.parametrize("case", NOTHING_ASKED)
def test_a_grant_that_ends_now_has_ended(case: str, office: Office) -> None:
    """It holds until the microsecond before."""
    method, target, body = NOTHING_ASKED[case]
    office.vault.add_grant("web", "user", WEB.uid, {"read": ["in/*"]}, lifetime=timedelta(hours=1))
    office.now = START + 3_599_999_999
    assert office.ask(method, target, body, who=WEB).status == 200
    office.now += 1
    assert office.ask(method, target, body, who=WEB).status == 403


def test_settings_are_shown_to_who_may_read(office: Office) -> None:
    """A writer's answer says nothing of the item that it may not read."""
    office.vault.set("in/x", {"a": "1"})
    office.vault.configure("in/x", custom_metadata={"owner": "dustin"})
    grant(office, "update")
    body = {"data": {"a": 1}}
    assert office.ask("POST", "secret/data/in/x", body, who=WEB).data["custom_metadata"] is None
    grant(office, "read", name="reader")
    assert office.ask("POST", "secret/data/in/x", body, who=WEB).data["custom_metadata"] == {"owner": "dustin"}


def test_a_denied_list_hides_the_folders_name(office: Office) -> None:
    """The denial names the folder itself, and nothing below it."""
    office.vault.set("in/private/p", {"a": "1"})
    office.vault.set("in/x", {"a": "1"})
    grant(office, "list", "read")
    assert office.ask("LIST", "secret/metadata/in", who=WEB).data == {"keys": ["private/", "x"]}
    office.vault.add_grant("no", "user", WEB.uid, {"deny": ["in/private/"]})
    assert office.ask("LIST", "secret/metadata/in", who=WEB).data == {"keys": ["x"]}


@pytest.mark.parametrize("folder", ["a//b", "a/./b", "a/../b"])
def test_what_names_no_folder_is_said(folder: str, office: Office) -> None:
    """With the reason, as for items."""
    answer = office.ask("LIST", f"secret/metadata/{folder}")
    assert answer.status == 400
    (message,) = answer.json()["errors"]  # type: ignore[misc]
    assert "component" in str(message), message


def test_a_grant_for_what_is_reserved_is_looked_up_by_its_name(office: Office) -> None:
    """In the second question inside the transaction, too: whether the item is new to who may only create."""
    said = {"x-strongroom-reserved": "1"}
    body = {"data": {"a": 1}}
    office.vault.add_grant("own", "user", WEB.uid, {"create": ["@things/**"]})
    assert office.ask("POST", "secret/data/@things/a", body, who=WEB, headers=said).status == 200
    assert office.ask("POST", "secret/data/@things/a", body, who=WEB, headers=said).status == 403
    assert office.ask("POST", "secret/data/@other/a", body, who=WEB, headers=said).status == 403
