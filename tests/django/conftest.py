"""A project with a vault in memory, and its tables on both databases; each test's rows are rolled back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from strongroom.keys.slots.key_file import new_key_file
from strongroom.stores.memory import MemoryStore
from strongroom.vault.opening import create_vault
from strongroom.vault.vault import Vault
from tests.django import project

project.configure()


@pytest.fixture
def vault() -> Iterator[Vault]:
    """A vault that has the key, and is where this process's fields take it from."""
    from strongroom.django import use_vault

    with create_vault(MemoryStore(), [new_key_file()], author="tester") as vault:
        vault.keys.create("django")
        use_vault(vault)
        yield vault
        use_vault(None)


@pytest.fixture(scope="session")
def sqlite_tables() -> Iterator[str]:
    """The project's tables in a file."""
    from django.db import connections

    project.make_tables("default")
    yield "default"
    connections["default"].close()


@pytest.fixture(scope="session")
def postgres_tables(postgres: Any) -> Iterator[str]:
    """The project's tables in a schema of the tests' cluster."""
    from django.db import connections

    role = postgres.new_schema()
    databases = {**connections.settings, "postgres": project.postgres_settings(role)}
    connections.settings.update(connections.configure_settings(databases))
    project.make_tables("postgres")
    yield "postgres"
    connections["postgres"].close()


@pytest.fixture(params=["sqlite", "postgres"])
def using(request: pytest.FixtureRequest, vault: Vault) -> Iterator[str]:
    """The alias of a database with tables; what a test writes there is rolled back."""
    from django.db import transaction

    # What names no database, as a serializer's validator, takes the default one, whichever test comes first.
    request.getfixturevalue("sqlite_tables")
    alias: str = request.getfixturevalue(f"{request.param}_tables")
    with transaction.atomic(using=alias):
        yield alias
        transaction.set_rollback(True, using=alias)


@pytest.fixture
def owner(using: str) -> Any:
    """A user."""
    from django.contrib.auth.models import User

    return User.objects.using(using).create(username="ann")


@pytest.fixture
def execute(using: str) -> Callable[..., list[tuple[Any, ...]]]:
    """SQL past Django's fields, as who can write to the database has it."""
    from django.db import connections

    def run(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with connections[using].cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []

    return run
