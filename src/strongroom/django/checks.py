"""What ``manage.py check`` says of the project as a whole; of one field, see `field_checks`."""

from __future__ import annotations

from typing import Any

from django.core import checks
from django.db import connections

from strongroom.django.canary import findings


def register() -> None:
    """Have Django run these checks."""
    checks.register(check_databases, checks.Tags.database)


def check_databases(*, databases: list[str] | None = None, **_options: Any) -> list[checks.CheckMessage]:
    """Write a canary into each database and look for it there; `migrate` runs this too."""
    return [
        checks.Error(
            f"encrypted fields do not keep what they promise on the database {alias}: {finding}",
            hint="do not start the project with this combination of Django and strongroom",
            id="strongroom.E100",
        )
        for alias in databases or ()
        for finding in findings(connections[alias])
    ]
