"""docs/django-project.md and docs/django-fields.md name what there is: settings, classes, checks, options, attacks."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest

from tests.django import project

project.configure()

from django.core.management import get_commands, load_command_class  # noqa: E402 - once Django is configured
from django.utils.module_loading import import_string  # noqa: E402

from bench.compare.django_fields import COLUMNS, END, OURS, START  # noqa: E402
from bench.compare.django_libraries import LIBRARIES  # noqa: E402
from strongroom.testing.django_fields.attacks import ATTACKS  # noqa: E402

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "django-project.md").read_text(encoding="utf-8")
FIELDS = (DOCS / "django-fields.md").read_text(encoding="utf-8")
SOURCE = Path(__file__).resolve().parents[2] / "src" / "strongroom" / "django"


def test_every_check_of_the_leaks_is_named() -> None:
    """And no other."""
    source = (SOURCE / "leak_checks.py").read_text()
    assert set(re.findall(r"strongroom\.[EW]\d+", PAGE)) == set(re.findall(r"strongroom\.[EW]\d+", source))


def test_every_option_of_the_command_is_named() -> None:
    """As its help has them."""
    command = load_command_class(get_commands()["strongroom"], "strongroom")
    out = StringIO()
    parser = command.create_parser("manage.py", "strongroom")
    for action in parser._actions:
        for verb in (action.choices or {}).values() if isinstance(action.choices, dict) else ():
            verb.print_help(out)
    ours = {"--dry-run", "--batch-size", "--database", "--json"}
    assert ours <= set(re.findall(r"--[a-z-]+", out.getvalue()))
    assert ours <= set(re.findall(r"--[a-z-]+", PAGE))


@pytest.mark.parametrize("dotted", sorted(set(re.findall(r'"(strongroom\.django\.[\w.]+)"', PAGE))))
def test_what_the_settings_name_is_there(dotted: str) -> None:
    """Each dotted name in quotes can be imported."""
    assert import_string(dotted)


@pytest.mark.parametrize("line", re.findall(r"^from (strongroom\S+) import (.+)$", PAGE + FIELDS, re.MULTILINE))
def test_what_the_pages_import_is_there(line: tuple[str, str]) -> None:
    """Each line of Python that imports something of ours."""
    module, names = line
    for name in names.split(", "):
        assert import_string(f"{module}.{name}")


def test_the_table_of_libraries_is_whole() -> None:
    """A row for each library and ours, a column for each attack that it promises."""
    table = FIELDS[FIELDS.index(START) : FIELDS.index(END)]
    rows = [line.split(" | ")[0].strip("| ") for line in table.splitlines() if line.startswith("| ")]
    assert rows[2:] == ["Django's own CharField", *LIBRARIES, OURS]
    assert set(COLUMNS) <= {*ATTACKS, "wrong key"}
    ours = next(line for line in table.splitlines() if line.startswith(f"| {OURS} |"))
    assert "**" not in ours
