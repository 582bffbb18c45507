"""Where a vault is looked for: pure tables of environments and locations."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from strongroom.errors import VaultNotFound
from strongroom.locate.addresses import default_location, expand_user, find_location, home_directory, is_path

HOME = {"HOME": "/home/me"}
LINUX = "/home/me/.local/share/strongroom/vault.db"


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", HOME, LINUX),
        ("linux", {**HOME, "XDG_DATA_HOME": "/data"}, "/data/strongroom/vault.db"),
        ("linux", {**HOME, "XDG_DATA_HOME": "relative"}, LINUX),
        ("linux", {**HOME, "XDG_DATA_HOME": ""}, LINUX),
        ("freebsd14", HOME, LINUX),
        ("darwin", HOME, "/home/me/Library/Application Support/strongroom/vault.db"),
        ("win32", {**HOME, "LOCALAPPDATA": "/local"}, "/local/strongroom/vault.db"),
        ("win32", HOME, "/home/me/AppData/Local/strongroom/vault.db"),
    ],
)
def test_the_platforms_own_place(platform: str, environment: dict[str, str], expected: str) -> None:
    """Each platform's data directory; relative XDG values are ignored, as their specification says."""
    assert default_location(environment, platform=platform) == expected


@pytest.mark.parametrize(
    ("location", "environment", "expected"),
    [
        (None, HOME, LINUX),
        (None, {**HOME, "STRONGROOM_VAULT": "/v.db"}, "/v.db"),
        (None, {**HOME, "STRONGROOM_VAULT": ""}, LINUX),
        (None, {**HOME, "STRONGROOM_VAULT": "~/v.db"}, "/home/me/v.db"),
        ("/a/../v.db", {**HOME, "STRONGROOM_VAULT": "/other"}, "/v.db"),
        (Path("/v.db"), HOME, "/v.db"),
        ("~/v.db", HOME, "/home/me/v.db"),
        ("~", HOME, "/home/me"),
        ("~other/v.db", HOME, f"{os.getcwd()}/~other/v.db"),
        ("v.db", HOME, f"{os.getcwd()}/v.db"),
        ("sqlite:/v.db", HOME, "/v.db"),
        ("sqlite:///v.db", HOME, "/v.db"),
        ("sqlite:~/v.db", HOME, "/home/me/v.db"),
        ("sqlite:v.db", HOME, f"{os.getcwd()}/v.db"),
        ("./odd:name", HOME, f"{os.getcwd()}/odd:name"),
        ("postgres://host/db", HOME, "postgres://host/db"),
    ],
)
def test_locations(location: str | None, environment: dict[str, str], expected: str) -> None:
    """Argument before environment before default; paths become absolute, other URLs stay as they are."""
    assert find_location(location, environment) == expected


@pytest.mark.parametrize("location", ["", "a\0b", "sqlite:", "sqlite://host/v.db"])
def test_refused_locations(location: str) -> None:
    """What cannot be a place is a ValueError."""
    with pytest.raises(ValueError, match="location"):
        find_location(location, HOME)


def test_home_without_home() -> None:
    """Unset, empty and relative HOME all lead to the password database."""
    expected = pwd.getpwuid(os.getuid()).pw_dir
    for environment in ({}, {"HOME": ""}, {"HOME": "here"}):
        assert home_directory(environment) == expected
        assert expand_user("~/x", environment) == f"{expected}/x"


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A uid without an entry, as in some containers, is told how to name the vault."""

    def nobody(_uid: int) -> pwd.struct_passwd:
        raise KeyError("uid not found")

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    with pytest.raises(VaultNotFound) as caught:
        find_location(None, {})
    assert "STRONGROOM_VAULT" in caught.value.advice


def test_paths_and_urls() -> None:
    """Only what other stores serve is not a path."""
    assert is_path("/v.db")
    assert not is_path("postgres://host/db")
