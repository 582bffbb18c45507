"""Lists and walks show what the model of the policy says: to list a folder does not get round a denial inside it."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from strongroom.errors import NotFound
from strongroom.keys.slots.key_file import new_key_file
from strongroom.service.interface import Request
from strongroom.service.service import Service
from strongroom.stores.memory import MemoryStore
from strongroom.vault.opening import create_vault
from strongroom.vault.policy import Grant, Principal
from strongroom.vault.vault import Vault
from tests.property.test_policy import ASKERS, HIDDEN, NOW, OWNER, SITES, WEB, Asker, Rule, model, real_grant, rules
from tests.property.test_policy import real_program as executable_of

ITEMS = ("a", "a*", "a/a", "a/b", "a/b/a", "a/b/ab", "ab/a", "A/a", "é/a/b/-")
FOLDERS = sorted({path[: at + 1] for path in ITEMS for at, sign in enumerate(path) if sign == "/"} | {""})


class Fixed(Vault):
    """A vault whose grants are the example's."""

    known: tuple[Grant, ...] = ()

    def grants(self) -> list[Grant]:
        return list(self.known)


class Office:
    """Keeps the vault; nothing is written down."""

    def __init__(self) -> None:
        made = create_vault(MemoryStore(), [new_key_file()], author="model")
        made.set_many({path: {"a": "1"} for path in ITEMS})
        self.vault = Fixed(made._core)
        self.service = Service(self, owner_uid=OWNER, audit=self)

    def lock(self) -> None:
        self.vault.lock()

    def status(self) -> dict[str, object]:
        return {}

    def record_all(self, _entries: object) -> None:
        return

    def names(self, asker: Asker, method: str, path: str, query: dict[str, str], member: str) -> list[str]:
        """The names in the answer; none for a denial and for an empty folder."""
        principal = Principal(
            asker.uid, asker.gid, asker.groups, executable=executable_of(asker.program), unit=asker.unit
        )
        response = self.service.handle(Request(method, path, query), principal, NOW)
        if response.status in (403, 404):
            return []
        assert response.status == 200
        found = json.loads(response.body)["data"][member]
        assert isinstance(found, list)
        return found


@pytest.fixture(scope="module")
def office() -> Office:
    return Office()


def is_denied(known: list[Rule], asker: Asker, path: str) -> bool:
    """Whether a denial covers it: with everything granted beside it, it is still not allowed."""
    everything = Rule("user", asker.uid, ["**", "/"], frozenset(["read"]), None, "", 0)
    return not model([*known, everything], asker, path, "read")


def expected_list(known: list[Rule], asker: Asker, folder: str) -> list[str]:
    if not model(known, asker, folder, "list"):
        return []
    names = set()
    for path in ITEMS:
        if path.startswith(folder):
            name, slash, _ = path[len(folder) :].partition("/")
            if not is_denied(known, asker, folder + name + slash):
                names.add(name + slash)
    return sorted(names)


def expected_walk(known: list[Rule], asker: Asker, folder: str) -> list[str]:
    if not model(known, asker, folder, "list"):
        return []
    return sorted(
        path
        for path in ITEMS
        if path.startswith(folder)
        and model(known, asker, path[: path.rfind("/") + 1], "list")
        and not is_denied(known, asker, path)
    )


@settings(max_examples=80, deadline=None)
@given(known=st.lists(rules(), max_size=5), asker=ASKERS)
@example(known=[SITES, HIDDEN], asker=WEB)
@example(known=[SITES, SITES._replace(patterns=["a/b/**"], capabilities=frozenset(["deny"]))], asker=WEB)
def test_lists_and_walks_are_the_models(office: Office, known: list[Rule], asker: Asker) -> None:
    """Every folder, in both ways: exactly the names that may be seen."""
    office.vault.known = tuple(real_grant(number, rule) for number, rule in enumerate(known))
    for folder in FOLDERS:
        listed = office.names(asker, "LIST", f"/v1/secret/metadata/{folder}", {}, "keys")
        assert listed == expected_list(known, asker, folder), folder
        walked = office.names(asker, "GET", "/v1/strongroom/walk", {"prefix": folder}, "paths")
        assert sorted(walked) == expected_walk(known, asker, folder), folder


def test_the_folders_are_there(office: Office) -> None:
    """The comparison above is not one of nothing with nothing."""
    owner = Asker(OWNER, 1, [], None, "")
    assert expected_list([], owner, "a/") == ["a", "b", "b/"]
    assert office.names(owner, "LIST", "/v1/secret/metadata/a/", {}, "keys") == ["a", "b", "b/"]
    with pytest.raises(NotFound):
        office.vault.list("none")
