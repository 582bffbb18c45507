"""The attacks against a vault with one protection taken away: each must find its fault."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from strongroom.crypto import kdf
from strongroom.errors import WrongKey
from strongroom.keys import opening, sealing
from strongroom.keys.envelope import Envelope
from strongroom.keys.slots import registry
from strongroom.stores import sqlite
from strongroom.stores.interface import Row, blob
from strongroom.vault import history, verifying
from strongroom.vault.ledger import Ledger
from strongroom.vault.names import Tree
from strongroom.vault.verifying_tree import TreeVerifier
from tests.faults import test_tampering_rollback as rollback
from tests.faults import test_tampering_rows as rows
from tests.faults import test_tampering_schema as schema
from tests.faults import test_tampering_slots as slots
from tests.faults.attacks import Scene, attacker, findings, opened, put, take
from tests.faults.staging import Attack, scene_for, stage

ATTACKS: dict[str, Attack] = {attack.name: attack for attack in (*rows.ATTACKS, *rollback.ATTACKS)}


@pytest.fixture
def unbound(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Scene:
    """A victim whose blobs are encrypted, but not bound to their places."""
    encrypt, decrypt = Envelope.encrypt, Envelope.decrypt
    monkeypatch.setattr(Envelope, "encrypt", lambda self, kind, plaintext, *_: encrypt(self, kind, plaintext))
    monkeypatch.setattr(Envelope, "decrypt", lambda self, kind, body, *_: decrypt(self, kind, body))
    directory = tmp_path / "unbound"
    directory.mkdir(mode=0o700)
    return Scene(directory)


@pytest.mark.parametrize(
    "name",
    [
        "versions of two items swapped",
        "versions of one item swapped",
        "version copied to another item",
        "older version copied over the newest",
        "names swapped, ids only",
        "slot labels swapped",
    ],
)
def test_blobs_that_are_not_bound(name: str, unbound: Scene, tmp_path: Path) -> None:
    """Without the item's id, number and edition in the context, a swap is read as true."""
    with pytest.raises(AssertionError):
        stage(ATTACKS[name], tmp_path, unbound)


def _silence(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    kind = TreeVerifier if hasattr(TreeVerifier, method) else verifying._Verifier
    monkeypatch.setattr(kind, method, lambda self: None)


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("_revisions", "item with its versions"),
        ("_revisions", "name deleted"),
        ("_versions", "version deleted"),
        ("_versions", "version planted"),
        ("_objects", "settings deleted"),
        ("_objects", "slot label copied to no slot"),
        ("_header_and_slots", "second header planted"),
        ("_ledger", "second ledger planted"),
    ],
)
def test_a_verifier_that_skips_a_step(
    method: str, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whichever step of verification is left out, an attack goes without its name."""
    _silence(monkeypatch, method)
    with pytest.raises(AssertionError):
        stage(ATTACKS[name], tmp_path)


def test_a_sum_that_is_not_compared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A forged version that its owner has destroyed since leaves its trace in the ledger's sum alone."""
    scene = scene_for(tmp_path)
    with opened(scene.file, scene.credential) as vault:
        with attacker(scene.file) as db:
            key = scene.version("bank/checking", 1)
            put(db, "versions", (*key, take(db, "versions", key)[-1] + b"x"))
        vault.destroy("bank/checking", versions=(1,))
        assert findings(vault) == ("changed: a row that was written over since; the ledger's sum does not fit",)
        sealed = vault._core.ledger.seen.total
        monkeypatch.setattr(Ledger, "recompute", lambda self, rows, format: sealed)
        assert findings(vault) == ()


def test_a_reader_that_lets_foreign_errors_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An error that is not ours ends the attack's test."""

    def careless(self: Tree, row: Row) -> object:
        return {}[blob(row, 2)]

    monkeypatch.setattr(Tree, "open", careless)
    with pytest.raises(KeyError):
        stage(ATTACKS["version deleted"], tmp_path)


def test_a_reader_that_takes_what_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One that falls back to another version when the row is gone does not get through."""
    monkeypatch.setattr(history, "missing_version", lambda path, number: AssertionError("fell back"))
    with pytest.raises(AssertionError, match="fell back"):
        stage(ATTACKS["version deleted"], tmp_path)


@pytest.mark.parametrize("name", ["view", "application id", "trigger that keeps deleted rows"])
def test_surroundings_that_are_not_looked_at(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Verification that trusts the schema misses what was planted in it."""
    monkeypatch.setattr(sqlite.SqliteStore, "check", lambda self: None)
    with pytest.raises(AssertionError):
        schema.test_schema(name, tmp_path)


@pytest.mark.parametrize("name", ["memory of 8 KiB", "PBKDF2 without end"])
def test_costs_that_are_not_bounded(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the bounds the key derivation runs, and the test says so."""
    path = tmp_path / "v.vault"
    with slots.make_passphrase_vault(path):
        pass
    monkeypatch.setattr(kdf, "check_argon2id", lambda *costs: None)
    monkeypatch.setattr(kdf, "check_pbkdf2", lambda *costs: None)
    monkeypatch.setattr(registry, "check_parameters", lambda *parameters: None)
    with pytest.raises((WrongKey, AssertionError)):
        slots.test_costs_out_of_bounds(name, path, monkeypatch)


def test_a_header_that_is_not_authenticated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the header's MAC a planted slot opens unnoticed."""
    monkeypatch.setattr(sealing, "check_header_mac", lambda *parts: None)
    assert opening.sealing is sealing
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        slots.test_rows_of_slots_and_header(slots._plant, tmp_path)


def test_the_scene_is_as_it_says(tmp_path: Path) -> None:
    """An attack that does nothing is found to do nothing."""
    with pytest.raises(AssertionError, match="nothing was found"):
        stage(Attack("nothing", lambda db, scene: None, "changed"), tmp_path)
    assert os.listdir(tmp_path) == ["copy.vault"]
