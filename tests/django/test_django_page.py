"""docs/django.md names every setting and every field there is; its project is built by tests/e2e/test_pages.py."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.django import project

project.configure()

import strongroom.django  # noqa: E402 - once Django is configured

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "django.md").read_text(encoding="utf-8")


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
