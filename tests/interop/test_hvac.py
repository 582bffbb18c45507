"""hvac, the Python client of Vault, on the service: its whole KV v2 class, and its errors."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from strongroom.secret import SecretBytes
from tests.interop.kv_door import Door, open_door
from tests.peers import require

if TYPE_CHECKING:
    from hvac import Client


@pytest.fixture
def door() -> Iterator[Door]:
    with open_door() as door:
        yield door


@pytest.fixture
def client(door: Door) -> Iterator[Client]:
    require(find_spec("hvac") is not None, "hvac is not installed")
    import hvac

    client = hvac.Client(url=door.address, token="unused")
    yield client
    client.adapter.close()


# hvac's own patch reads in the way that it warns of itself.
@pytest.mark.filterwarnings("ignore:The raise_on_deleted_version parameter:DeprecationWarning")
def test_versions(client: Client) -> None:
    """Write, read, patch, delete, undelete, destroy."""
    kv = client.secrets.kv.v2
    assert kv.create_or_update_secret("a/b", {"user": "u", "n": [1]}, cas=0)["data"]["version"] == 1
    kv.create_or_update_secret("a/b", {"user": "v"}, cas=1)
    assert kv.read_secret_version("a/b", raise_on_deleted_version=True)["data"]["data"] == {"user": "v"}
    assert kv.read_secret_version("a/b", version=1, raise_on_deleted_version=True)["data"]["data"]["n"] == [1]
    kv.patch("a/b", {"more": "x"})
    assert kv.read_secret("a/b", raise_on_deleted_version=True)["data"]["data"] == {"user": "v", "more": "x"}
    kv.delete_latest_version_of_secret("a/b")
    gone = kv.read_secret_version("a/b", raise_on_deleted_version=False)
    assert (gone["data"]["data"], gone["data"]["metadata"]["version"]) == (None, 3)
    kv.undelete_secret_versions("a/b", [3])
    kv.delete_secret_versions("a/b", [1])
    kv.destroy_secret_versions("a/b", [2])
    versions = kv.read_secret_metadata("a/b")["data"]["versions"]
    assert [bool(versions[number]["deletion_time"]) for number in "123"] == [True, False, False]
    assert [versions[number]["destroyed"] for number in "123"] == [False, True, False]


def test_metadata_and_names(client: Client) -> None:
    """Settings of an item and of the mount, lists, and the end of an item."""
    kv = client.secrets.kv.v2
    kv.configure(max_versions=7, delete_version_after="1h")
    assert kv.read_configuration()["data"]["delete_version_after"] == "1h0m0s"
    kv.update_metadata("a/b", max_versions=3, cas_required=False, custom_metadata={"k": "v"})
    kv.create_or_update_secret("a/b", {"user": {"name": "u"}})
    kv.create_or_update_secret("top", {})
    assert kv.read_secret_metadata("a/b")["data"]["custom_metadata"] == {"k": "v"}
    assert kv.list_secrets("")["data"]["keys"] == ["a/", "top"]
    kv.delete_metadata_and_all_versions("a/b")
    assert kv.list_secrets("")["data"]["keys"] == ["top"]


def test_its_errors(client: Client, door: Door) -> None:
    """The classes that its users catch."""
    from hvac import exceptions

    kv = client.secrets.kv.v2
    kv.create_or_update_secret("a", {"x": 1})
    with pytest.raises(exceptions.InvalidPath):
        kv.read_secret_version("none", raise_on_deleted_version=True)
    with pytest.raises(exceptions.InvalidPath):
        kv.list_secrets("none")
    with pytest.raises(exceptions.InvalidRequest, match="did not match the current version"):
        kv.create_or_update_secret("a", {"x": 2}, cas=0)
    with pytest.raises(exceptions.ParamValidationError):
        kv.delete_secret_versions("a", [])
    assert not client.sys.is_sealed()
    assert client.sys.read_health_status(method="GET")["initialized"]
    client.sys.seal()
    assert client.sys.is_sealed()
    with pytest.raises(exceptions.VaultDown, match="Vault is sealed"):
        kv.read_secret_version("a", raise_on_deleted_version=True)
    assert door.vault.is_locked


def test_bytes_have_their_own_form(client: Client, door: Door) -> None:
    """A client that knows nothing of bytes reads and writes them back unharmed."""
    door.vault.set("raw", {"key": SecretBytes(b"\x00\xff")})
    kv = client.secrets.kv.v2
    data = kv.read_secret_version("raw", raise_on_deleted_version=True)["data"]["data"]
    kv.create_or_update_secret("copy", data)
    assert door.vault.get("copy", "key").reveal() == b"\x00\xff"
