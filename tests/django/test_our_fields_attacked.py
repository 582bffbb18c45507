"""The attacks on fields, on ours: every kind, bound to an owner, with a blind index and without."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from strongroom.keys.slots.key_file import new_key_file
from strongroom.stores.memory import MemoryStore
from strongroom.vault.opening import create_vault
from strongroom.vault.vault import Vault
from tests.django import project

project.configure()

from strongroom import django as ours  # noqa: E402 - once Django is configured
from strongroom.testing.django_fields.attacks import ATTACKS, Outcome, wrong_key  # noqa: E402
from strongroom.testing.django_fields.database import ALIAS, OwnDatabase  # noqa: E402
from strongroom.testing.django_fields.kinds import kinds  # noqa: E402
from strongroom.testing.django_fields.subject import Subject  # noqa: E402
from strongroom.testing.django_fields.suite import FieldAttacks  # noqa: E402

FACES = {kind: f"Encrypted{known.plain.__name__}" for kind, known in kinds().items()}


class OurField(FieldAttacks):
    """One of our fields, over the vault of the test."""

    searchable = False

    @pytest.fixture(autouse=True)
    def _vault(self, vault: Vault) -> Iterator[None]:
        self._own = vault
        FieldAttacks.setup_method(self)
        yield
        FieldAttacks.teardown_method(self)

    def setup_method(self) -> None:
        """The fixture does it: the vault comes first."""

    def teardown_method(self) -> None:
        """The fixture does it."""

    def field(self, **options: object) -> Any:
        return getattr(ours, FACES[self.kind])(bind=("owner",), searchable=self.searchable, **options)

    @contextmanager
    def other_key(self) -> Iterator[None]:
        with create_vault(MemoryStore(), [new_key_file()], author="tester") as other:
            other.keys.create("django")
            ours.use_vault(other)
            yield
            ours.use_vault(self._own)


class TestChar(OurField):
    """Text."""


class TestSearchableChar(OurField):
    """Text that can be looked up."""

    searchable = True


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path, vault: Vault) -> Iterator[str]:
    """A database outside of a transaction: PostgreSQL would end one at the first refusal."""
    if request.param == "postgres":
        yield request.getfixturevalue("postgres_tables")
    else:
        with OwnDatabase(str(tmp_path / "attacked.sqlite3")):
            yield ALIAS


@pytest.mark.parametrize("searchable", [False, True], ids=["", "searchable"])
@pytest.mark.parametrize("kind", [kind for kind in FACES if kind != "char"])
def test_every_kind_withstands_every_attack(kind: str, searchable: bool, database: str, vault: Vault) -> None:
    """The same table for the other kinds, in one go; on PostgreSQL, too."""
    if kind == "json" and searchable:
        searchable = False  # Django compares JSON by more than equality
    make = lambda **options: getattr(ours, FACES[kind])(bind=("owner",), searchable=searchable, **options)  # noqa: E731
    with Subject(make, kind, name=f"Attacked{kind}{searchable}", using=database) as subject:
        outcomes = {name: attack(subject) for name, attack in ATTACKS.items()}
        with create_vault(MemoryStore(), [new_key_file()], author="tester") as other:
            other.keys.create("django")
            row = subject.pair()
            ours.use_vault(other)
            outcomes["wrong key"] = wrong_key(subject, row, _nothing())
            ours.use_vault(vault)
    assert {name: one.word for name, one in outcomes.items() if not one.held} == {}
    assert all(isinstance(one, Outcome) for one in outcomes.values())


@contextmanager
def _nothing() -> Iterator[None]:
    yield
