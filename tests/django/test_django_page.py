"""docs/django.md is true: its code runs, its model has no errors, and it names every field there is."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from tests.django import project

project.configure()

import strongroom.django  # noqa: E402 - once Django is configured

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "django.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_model_has_no_errors() -> None:
    """The first model, in a registry of its own."""
    from django.apps.registry import Apps
    from django.contrib.auth.models import User

    (block,) = [one for one in BLOCKS if "class Account" in one]
    meta = "    class Meta:\n        app_label = 'shop'\n        apps = registry\n"
    names: dict[str, Any] = {"__name__": "page", "registry": Apps(), "User": User}
    block = block.replace("on_delete=models.CASCADE", "on_delete=models.CASCADE, related_name='+'")
    # A registry of its own does not know the project's apps by their names.
    exec(block.replace("settings.AUTH_USER_MODEL", "User") + meta, names)
    # E300: the registry does not know the user's model.
    assert [error for error in names["Account"].check() if error.id != "fields.E300"] == []


def test_the_migration_can_be_imported() -> None:
    """The operation takes the arguments that the page gives it."""
    (block,) = [one for one in BLOCKS if "class Migration" in one]
    names: dict[str, Any] = {"__name__": "page"}
    exec(block, names)
    assert names["Migration"].atomic is False
    assert [type(one).__name__ for one in names["Migration"].operations] == ["EncryptField"]


def test_the_settings_are_options() -> None:
    """What STRONGROOM may say is what is read."""
    from strongroom.django.keys import _OPTIONS

    (line,) = re.findall(r"^STRONGROOM = .*$", PAGE, re.MULTILINE)
    assert {*re.findall(r'"([A-Z_]+)"', line)} == {*_OPTIONS}
    assert ast.literal_eval(line.partition("= ")[2].partition("#")[0].strip()) == {"KEY": "django"}


def test_every_public_name_is_on_a_page() -> None:
    """Fields are listed by the names of their namesakes; the rest by their own."""
    pages = "".join(path.read_text(encoding="utf-8") for path in DOCS.glob("*.md"))
    for name in strongroom.django.__all__:
        assert getattr(strongroom.django, name) is not None
        assert name in pages or name.removeprefix("Encrypted") in pages, name
    assert set(strongroom.django.__all__) <= set(dir(strongroom.django))
