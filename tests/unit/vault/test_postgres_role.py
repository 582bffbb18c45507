"""What docs/postgresql.md grants is enough, and less than a superuser has."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.errors import Denied, StoreUnavailable
from strongroom.keys.slots.key_file import KeyFileCredential, new_key_file
from strongroom.stores.registry import create_store, open_store
from strongroom.vault.opening import create_vault, open_vault
from strongroom.vault.vault import Vault
from tests.postgres_cluster import Role

DOCS = Path(__file__).parents[3] / "docs" / "postgresql.md"
BLOCKS = re.findall(r"```sql\n(.+?)```", DOCS.read_text(), re.DOTALL)


class Place:
    """A vault, whose owner grants what the page says."""

    def __init__(self, role: Role, vault: Vault, credential: KeyFileCredential, schema: str) -> None:
        self.role = role
        self.vault = vault
        self.credential = credential
        self.schema = schema

    def grant(self, block: str, to: str) -> None:
        with self.role.connect() as owner:
            for statement in block.replace("team", self.schema).split(";")[:-1]:
                owner.execute(re.sub(r"TO \w+$", f"TO {to}", statement.strip()))

    def url_of(self, user: str) -> str:
        return f"{self.role.url.replace(self.role.name + '@', user + '@')}&schema={self.schema}"

    def open_as(self, user: str) -> Vault:
        return open_vault(open_store(self.url_of(user)), self.credential, author=user)


@pytest.fixture
def place(postgres_vaults: Role) -> Iterator[Place]:
    schema = f"granted_{os.urandom(6).hex()}"
    credential = new_key_file()
    store = create_store(f"{postgres_vaults.url}&schema={schema}")
    with create_vault(store, [credential], author="owner") as vault:
        store.publish()
        vault.set("mail/smtp", {"username": "bot"})
        yield Place(postgres_vaults, vault, credential, schema)


@pytest.fixture
def other(postgres_vaults: Role) -> Iterator[str]:
    """A role with no right at all."""
    name = f"other_{os.urandom(6).hex()}"
    with postgres_vaults.connect_as_superuser() as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN NOSUPERUSER")
        yield name
        connection.execute("SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE usename = %s", [name])
        connection.execute(f"DROP OWNED BY {name}")
        connection.execute(f"DROP ROLE {name}")


def test_a_user_of_the_vault_does_everything_but_upgrade_it(place: Place, other: str) -> None:
    """With the rights of the first block: reading, writing, destroying, rotating, slots, verifying."""
    place.grant(BLOCKS[0], other)
    with place.open_as(other) as vault:
        vault.set("mail/smtp", {"username": "job"})
        vault.set("mail/imap", {"username": "job"})
        vault.delete("mail/imap")
        vault.destroy("mail/smtp", versions=[1])
        vault.move("mail/imap", "imap")
        vault.destroy("imap")
        vault.add_slot(new_key_file())
        vault.rotate(root=True)
        vault.verify()
        assert vault.get("mail/smtp").public("username") == "job"
    owner = place.role.name
    with place.open_as(owner) as vault:
        assert vault.get("mail/smtp").public("username") == "job"
        vault.verify()


def test_a_reader_reads_and_verifies_and_writes_nothing(place: Place, other: str) -> None:
    """With the rights of the second block."""
    place.grant(BLOCKS[1], other)
    with place.open_as(other) as vault:
        assert vault.get("mail/smtp").public("username") == "bot"
        vault.verify()
        with pytest.raises(Denied):
            vault.set("mail/smtp", {"username": "reader"})
        assert vault.get("mail/smtp").public("username") == "bot"
    assert len(place.vault.history("mail/smtp")) == 1


def test_without_a_grant_there_is_nothing(place: Place, other: str) -> None:
    """A role without rights neither opens the vault nor makes one."""
    with pytest.raises(Denied):
        open_store(place.url_of(other))
    with pytest.raises(Denied):
        create_store(place.url_of(other).replace(place.schema, f"new_{place.schema}"))


def test_a_server_that_only_reads_says_so(place: Place, postgres_vaults: Role) -> None:
    """As a replica does: reads go on, a write is an error that names the remedy."""
    read_only = f"{place.vault.location}&options=-c%20default_transaction_read_only%3Don"
    with open_vault(open_store(read_only), place.credential, author="reader") as vault:
        assert vault.get("mail/smtp").public("username") == "bot"
        with pytest.raises(StoreUnavailable, match="only reads") as caught:
            vault.set("mail/smtp", {"username": "x"})
        assert "primary" in caught.value.advice
