"""Locations become stores: paths, sqlite: URLs, and plug-ins that are named when they fail."""

import importlib.metadata
import os
import sys
import types

import pytest

from strongroom.stores import registry
from strongroom.stores.memory import MemoryStore

SCHEMES = [
    ("vault.db", ("", "vault.db")),
    ("/home/a/vault.db", ("", "/home/a/vault.db")),
    ("./odd:name.db", ("", "./odd:name.db")),
    ("C:\\vault.db", ("", "C:\\vault.db")),
    ("sqlite:vault.db", ("sqlite", "vault.db")),
    ("SQLite:///vault.db", ("sqlite", "///vault.db")),
    ("postgresql+x://host/db", ("postgresql+x", "//host/db")),
    ("1a:b", ("", "1a:b")),
    ("", ("", "")),
]


@pytest.mark.parametrize(("location", "expected"), SCHEMES)
def test_a_location_is_split_at_its_scheme(location, expected):
    assert registry.split_scheme(location) == expected


@pytest.mark.parametrize("form", ["{}", "sqlite:{}", "sqlite://{}"])
def test_a_path_is_served_by_sqlite(tmp_path, form):
    tmp_path.chmod(0o700)
    path = str(tmp_path / "vault.db")
    store = registry.create_store(form.format(path))
    store.publish()
    store.close()
    assert os.listdir(tmp_path) == ["vault.db"]
    opened = registry.open_store(form.format(path))
    assert opened.location == path
    opened.close()


@pytest.mark.parametrize("location", ["sqlite:", "sqlite://", "sqlite://host/vault.db", "sqlite:///"])
def test_a_malformed_sqlite_location_is_refused(location):
    with pytest.raises((ValueError, registry_errors())):
        registry.open_store(location)


def registry_errors():
    from strongroom.errors import StrongroomError

    return StrongroomError


def test_an_unknown_scheme_is_refused_by_name():
    with pytest.raises(ValueError, match="nothing serves carrier-pigeon:"):
        registry.open_store("carrier-pigeon:loft")


class Memories:
    def open(self, location):
        store = MemoryStore()
        store.location = location
        return store

    create = open


def plant(monkeypatch, *values):
    module = types.ModuleType("planted_stores")
    module.memories = Memories()
    monkeypatch.setitem(sys.modules, "planted_stores", module)
    points = [importlib.metadata.EntryPoint("planted", value, registry.ENTRY_POINTS) for value in values]

    def entry_points(**wanted):
        assert wanted["group"] == registry.ENTRY_POINTS
        return [point for point in points if point.name == wanted["name"]]

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)


def test_a_plug_in_serves_its_scheme(monkeypatch):
    plant(monkeypatch, "planted_stores:memories")
    assert registry.open_store("planted:here").location == "here"
    assert registry.create_store("planted:there").location == "there"


def test_two_plug_ins_of_one_scheme_are_refused(monkeypatch):
    plant(monkeypatch, "planted_stores:memories", "planted_stores:memories")
    with pytest.raises(ValueError, match="several packages"):
        registry.open_store("planted:here")


@pytest.mark.parametrize("value", ["planted_stores:missing", "no_such_module_at_all:x"])
def test_a_plug_in_that_does_not_load_is_named(monkeypatch, value):
    plant(monkeypatch, value)
    with pytest.raises(ValueError, match=value):
        registry.open_store("planted:here")
