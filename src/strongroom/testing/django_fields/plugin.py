"""A pytest plug-in that attacks the fields that a command line names, and prints the table.

    DJANGO_SETTINGS_MODULE=shop.settings pytest -p strongroom.testing.django_fields.plugin \\
        --attack-field myapp.fields.EncryptedTextField --attack-field myapp.fields.secret_number:integer \\
        --attack-other-key myapp.testing.other_key

A field is named by its class, or by a function that takes its options (``null``, ``blank``, ``max_length``...), with
its kind after a colon unless it builds on one of Django's fields. The other key is a function without arguments that
returns a context manager. No database of the project is touched, and no test of the project is run.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from django.db import models


PROPERTY = "attack: "
"""How the properties begin by which a test hands its line of the table to `pytest_terminal_summary`."""


_FIELDS = pytest.StashKey["list[Named]"]()


class Named:
    """One field that the command line names.

    Attributes:
        name: as it was named.
        make: its class, or what makes one.
        kind: what it stores.
        other_key: None when nobody said.
    """

    __slots__ = ("kind", "make", "name", "other_key")

    def __init__(self, name: str, other_key: Callable[[], AbstractContextManager[object]] | None) -> None:
        from strongroom.testing.django_fields.kinds import kind_of, kinds

        dotted, _, kind = name.partition(":")
        self.name = name
        self.make: Callable[..., models.Field] = named_object(dotted)
        self.other_key = other_key
        self.kind = kind or (kind_of(self.make) if isinstance(self.make, type) else "text")
        if self.kind not in kinds():
            raise pytest.UsageError(f"{name}: no kind {self.kind!r}; there are {', '.join(kinds())}")


def named_object(dotted: str) -> Callable[..., Any]:
    """The class or function ``package.module.name``.

    Raises: pytest.UsageError: there is none.
    """
    module, _, name = dotted.rpartition(".")
    try:
        found: Callable[..., Any] = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise pytest.UsageError(f"no {dotted}: {error}") from None
    return found


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--attack-field`` and ``--attack-other-key``."""
    group = parser.getgroup("attacks on encrypted Django fields")
    group.addoption(
        "--attack-field", action="append", default=[], metavar="DOTTED[:KIND]", help="a field; may be repeated"
    )
    group.addoption("--attack-other-key", metavar="DOTTED", help="changes the fields' key for as long as it is entered")


def pytest_configure(config: pytest.Config) -> None:
    """Start Django; run the attacks in the place of the project's tests."""
    names = config.getoption("--attack-field")
    if names:
        import django

        django.setup()
        other = config.getoption("--attack-other-key")
        other_key = None if other is None else named_object(other)
        config.stash[_FIELDS] = [Named(name, other_key) for name in names]
        config.args[:] = [str(Path(__file__).with_name("attacked.py"))]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One class of tests a field."""
    if "attacked_field" in metafunc.fixturenames:
        fields = metafunc.config.stash[_FIELDS]
        metafunc.parametrize("attacked_field", fields, ids=[field.name for field in fields], scope="class")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table: what came of each attack on each field."""
    tables: dict[str, dict[str, str]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name.startswith(PROPERTY):
                    field, _, attack = name.removeprefix(PROPERTY).partition(" | ")
                    tables.setdefault(field, {})[attack] = value
    for field, outcomes in tables.items():
        terminalreporter.section(f"attacks on {field}")
        width = max(map(len, outcomes))
        for attack, word in sorted(outcomes.items()):
            terminalreporter.write_line(f"{attack.ljust(width)}  {word}")

