"""docs/django-user-vaults.md names what there is; its project is built by tests/e2e/test_pages.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.django import project

project.configure()

from django.core.management import load_command_class  # noqa: E402 - once Django is configured

import strongroom.django.user_vaults  # noqa: E402
from strongroom.django.user_vaults.handle import UserVaultHandle  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "django-user-vaults.md").read_text(encoding="utf-8")
SOURCE = ROOT / "src" / "strongroom" / "django" / "user_vaults"
# What a program has no need to call.
INSIDE = {"user", "unlocked", "take", "bound_anew", "UserVaultHandle"}


def test_every_public_name_is_named() -> None:
    """And is there, also for `dir`."""
    for name in strongroom.django.user_vaults.__all__:
        assert getattr(strongroom.django.user_vaults, name) is not None
        assert name in PAGE or name in INSIDE, name
    assert set(strongroom.django.user_vaults.__all__) <= set(dir(strongroom.django.user_vaults))
    with pytest.raises(AttributeError):
        strongroom.django.user_vaults.nothing


def test_every_method_of_a_vault_is_named() -> None:
    """Those that wait by the rule for their names."""
    names = (
        {name for name in vars(UserVaultHandle) if not name.startswith("_")} - INSIDE - set(UserVaultHandle.__slots__)
    )
    shown = {name for name in names if not (name.startswith("a") and name[1:] in names)}
    assert shown <= set(re.findall(r"[a-z_]+", PAGE))
    assert "give_up" in shown


def test_pages_and_options_are_named() -> None:
    """The addresses, the options of the command, the checks."""
    for route, name in re.findall(r'path\("([^"]+)".*name="(\w+)"', (SOURCE / "urls.py").read_text()):
        assert f"vault/{route}" in PAGE
        assert name in PAGE
    parser = load_command_class("strongroom.django.user_vaults", "strongroom_escrow").create_parser("manage.py", "x")
    (verbs,) = [action for action in parser._actions if isinstance(action.choices, dict) and "open" in action.choices]
    options = set(re.findall(r"--[a-z-]+", verbs.choices["open"].format_help())) - {"--help", "--database"}
    assert options <= set(re.findall(r"--[a-z-]+", PAGE))
    checks = set(re.findall(r"strongroom\.([EW]\d+)", (SOURCE / "checks.py").read_text()))
    assert checks == set(re.findall(r"\b([EW]\d{3})\b", PAGE))
