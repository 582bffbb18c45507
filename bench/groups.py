"""Which rows there are: each group is measured by a process of its own, each row by a function of its group."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bench import (
    agents,
    certificates,
    django_fields,
    django_logins,
    encrypted_files,
    files,
    growth,
    named_keys,
    passwords,
    postgres,
    profiles,
    rows,
    scan,
)
from bench.measure import Result

Row = Callable[[Any], Iterator[Result]]


class Group(NamedTuple):
    """What is measured by one process.

    Attributes:
        prepare: makes, in an empty directory, what the rows are called with.
        versions: names of `bench.versions` of what the rows are measured beside.
    """

    prepare: Callable[..., Any]
    rows: tuple[Row, ...]
    versions: tuple[str, ...]


GROUPS: dict[str, Group] = {
    "vault": Group(rows.Bench, rows.ROWS, ("keyrings.cryptfile",)),
    "agent": Group(rows.Bench, agents.ROWS, ("pass", "gpg", "sops", "keyring", "bao")),
    "named keys": Group(rows.Bench, named_keys.ROWS, ("openssl",)),
    "files": Group(rows.Bench, files.ROWS, ("age", "pyrage", "PyNaCl")),
    "encrypted files": Group(rows.Bench, encrypted_files.ROWS, ("sops", "age")),
    "passwords": Group(rows.Bench, passwords.ROWS, ("argon2-cffi",)),
    "scan": Group(rows.Bench, scan.ROWS, ("gitleaks", "detect-secrets")),
    "certificates": Group(rows.Bench, certificates.ROWS, ("trustme", "bao", "mkcert")),
    "Django fields": Group(rows.Bench, django_fields.ROWS, ("Django", *django_fields.PEERS)),
    "Django log-ins": Group(rows.Bench, django_logins.ROWS, ("Django", "gunicorn", "uvicorn")),
    "PostgreSQL": Group(rows.Bench, postgres.ROWS, ("psycopg", "postgres")),
    "growth": Group(growth.Growth, growth.ROWS, ()),
    "profiles": Group(rows.Bench, profiles.ROWS, ("Django", "psycopg", "postgres")),
}


def names(word: str = "") -> list[str]:
    """``group: row`` of each row in whose name *word* stands, in order."""
    found = (f"{group}: {shown(row)}" for group, one in GROUPS.items() for row in one.rows)
    return [name for name in found if word.replace("_", " ") in name]


def shown(row: Row) -> str:
    """The name of *row* as it is shown."""
    return row.__name__.replace("_", " ")


def prepare(group: str, directory: Path, *, quick: bool) -> Any:
    """What the rows of *group* are called with."""
    return GROUPS[group].prepare(directory, quick=quick)
