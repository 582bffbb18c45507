"""The database never sees a value, a name, a key or a passphrase: not in a statement, its log, its files, its views."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.crypto import labels
from strongroom.keys.slots.key_file import KeyFileCredential, new_key_file
from strongroom.keys.slots.passphrase import PassphraseCredential
from strongroom.stores.registry import create_store, open_store
from strongroom.vault.copying import copy_vault
from strongroom.vault.opening import create_vault, open_vault
from strongroom.vault.vault import Vault
from tests.agents import CHEAP
from tests.faults.test_no_plaintext import Canaries, encodings, live
from tests.postgres_cluster import Cluster, Role


@pytest.fixture(scope="module")
def talkative() -> Iterator[Cluster]:
    """A server that writes down every statement with all its parameters."""
    cluster = Cluster(
        log_statement="all", log_min_duration_statement="0", log_parameter_max_length="-1", log_min_messages="info",
        track_activity_query_size="1MB",
    )  # fmt: skip
    yield cluster
    cluster.close()


class Onlooker:
    """Whoever runs the server: what all sessions are doing, what the server wrote down, and its files."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self.seen: set[str] = set()

    def look(self) -> None:
        with self.role.cluster.connect() as connection:
            self.seen.update(text for (text,) in connection.execute("SELECT query FROM pg_stat_activity"))

    def everything(self) -> dict[str, bytes]:
        """By name, without the zeros that fill up what is not used."""
        cluster = self.role.cluster
        with cluster.connect() as connection:
            connection.execute("CHECKPOINT")
            rows = connection.execute(
                "WITH ours AS (SELECT * FROM pg_class WHERE relnamespace = %s::regnamespace) SELECT relname,"
                " pg_relation_filepath(oid) FROM pg_class WHERE relkind IN ('r', 'i', 't') AND"
                " (oid IN (SELECT oid FROM ours) OR oid IN (SELECT reltoastrelid FROM ours))",
                [self.role.name],
            )
            files = {name: cluster.data / path for name, path in rows}
        files |= {path.name: path for path in (cluster.data / "pg_wal").iterdir() if path.is_file()}
        found = {name: path.read_bytes().replace(bytes(256), b"") for name, path in files.items()}
        return {**found, "the log": cluster.log.encode(), "pg_stat_activity": "\n".join(self.seen).encode()}


def found_in(places: dict[str, bytes], patterns: dict[str, list[bytes]]) -> set[str]:
    return {
        f"{what} in {place}"
        for place, content in places.items()
        for what, forms in patterns.items()
        if any(form in content for form in forms)
    }


def patterns_of(canaries: Canaries, keys: dict[str, bytes]) -> dict[str, list[bytes]]:
    forms = {place: [form for _, form in encodings(word)] for place, word in canaries.words.items()}
    for name, key in keys.items():
        assert len(key) >= 12, name
        text = base64.b64encode(key).rstrip(b"=")[:-1]
        forms[name] = [key, key[::-1], key.hex().encode(), key.hex().upper().encode(), text]
    return forms


def keys_of(vault: Vault) -> dict[str, bytes]:
    """All keys that lie in the vault's memory now."""
    keys = vault._core.keys
    found = {f"root key {keys.header.epoch}": bytes(keys.root_key.reveal_buffer())}
    for key in keys.keyset.data_keys():
        found[f"data key {key.id}"] = bytes(keys.keyset.data_key(key.id))
    for purpose in (labels.INDEX_KEY, labels.LEDGER_KEY, labels.AUDIT_KEY, labels.IDENTITY_SEED):
        for version in keys.keyset.purpose_versions(purpose):
            found[f"key {purpose} {version}"] = bytes(keys.keyset.purpose_key(purpose, version))
    return found


def test_nothing_is_seen(talkative: Cluster, tmp_path: Path) -> None:
    """In the life of a vault over TLS: made, written to, read, rotated, copied, opened with a passphrase."""
    tmp_path.chmod(0o700)
    role = talkative.new_schema()
    onlooker = Onlooker(role)
    canaries, key_file = Canaries(), new_key_file()
    phrase = f"passphrase {os.urandom(12).hex()}"
    keys = {"passphrase": phrase.encode(), "key file": _secret_of(key_file), "password": role.password.encode()}
    location = f"{role.tcp_url}&schema={role.name}"
    store = create_store(location)
    passphrase = PassphraseCredential(bytearray(phrase.encode()), profile=CHEAP)
    with create_vault(store, [key_file, passphrase], author=canaries["author"], labels=(canaries["label"],)) as vault:
        store.publish()
        keys |= keys_of(vault)
        onlooker.look()
        live(vault, canaries)
        onlooker.look()
        assert vault.get("a/b", "password").reveal() == "newest"
        vault.rotate(root=True)
        keys |= {f"{name}, then": key for name, key in keys_of(vault).items()}
        vault.verify()
        onlooker.look()
        other = talkative.new_schema()
        copy_vault(vault._core, create_store(other.vault_url)).core.lock()
    again = PassphraseCredential(bytearray(phrase.encode()), profile=CHEAP)
    with open_vault(open_store(location), again, author=canaries["author"]) as vault:
        assert vault.get("a/b", "password").reveal() == "newest"
        onlooker.look()
    places = onlooker.everything()
    for known in (b"versions", b"INSERT"):
        assert known in places["the log"], "it is the log of these statements"
    assert len(places["the log"]) > 50_000
    assert len(onlooker.seen) > 3
    patterns = patterns_of(canaries, keys)
    assert found_in(places, patterns) == set()
    assert found_in(Onlooker(other).everything(), patterns) == set()
    talkative.drop(other)
    talkative.drop(role)


def test_the_detector(talkative: Cluster) -> None:
    """A word that somebody does store is found at each of these places."""
    role = talkative.new_schema()
    canaries = Canaries()
    onlooker = Onlooker(role)
    with role.connect() as connection:
        connection.execute("CREATE TABLE kept (word bytea)")
        connection.execute("INSERT INTO kept VALUES (%s)", [canaries["value"].encode()])
        connection.execute("SELECT 1 -- " + canaries["note"])
        onlooker.look()
    found = found_in(onlooker.everything(), patterns_of(canaries, {}))
    assert {"value in kept", "value in the log", "note in pg_stat_activity", "note in the log"} <= found
    assert any(one.startswith("value in 0000") for one in found), "the write-ahead log"
    talkative.drop(role)


def _secret_of(credential: KeyFileCredential) -> bytes:
    return bytes(credential.secret(credential.key_file_id))
