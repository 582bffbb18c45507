"""Files for several: whoever is one of them opens it with what he has, whatever became of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

import strongroom
from strongroom import streams
from strongroom.credentials import recipients, stored_keys
from strongroom.credentials.age import bech32
from strongroom.crypto import boxes
from strongroom.errors import Denied, NotFound
from strongroom.vault.named_keys.danger import export_private
from tests.e2e.conftest import Machine

DATA = b"the plan\n" * 1_000


@pytest.fixture
def shared(keyed: Machine) -> Machine:
    """A machine with a file for the vault's key "archive" and for a friend, whose identity lies beside it."""
    with strongroom.open(str(keyed.vault), key_file=str(keyed.key)) as vault:
        vault.keys.create("archive", "aead")
        friend = vault.keys.create("friend", "box")
        with export_private(friend) as private:
            seed = private.reveal_buffer()[32:].tobytes()
        for name, kind, key in (("friend.id", "-pq", seed), ("owner.id", "", b"\5" * 32)):
            (keyed.home / name).write_text(bech32.encode(f"age-secret-key{kind}-", key).upper() + "\n")
            (keyed.home / name).chmod(0o600)
        public = keyed.run("key", "export", "friend", "--public", "--format", "age-pq").text.strip()
    (keyed.home / "plan").write_bytes(DATA)
    words = ("--recipient", public, "--key", "archive", "--format", "strongroom")
    done = keyed.run("encrypt", "plan", "--output", "sealed", *words)
    assert done.code == 0, done
    return keyed


def test_a_friend_needs_no_vault(shared: Machine) -> None:
    """His identity opens the file where there is no vault and no key of one."""
    shared.vault.rename(shared.home / "elsewhere")
    (shared.home / "key").unlink(missing_ok=True)
    done = shared.run("decrypt", "sealed", "--identity", "friend.id", "--output", "out")
    assert done.code == 0, done
    assert (shared.home / "out").read_bytes() == DATA


def test_an_identity_may_be_what_opens_the_vault(shared: Machine) -> None:
    """That it is not the file's is no reason to stop: the vault's key may be."""
    public = recipients.x25519_text(boxes.x25519_public(b"\5" * 32))
    assert shared.run("slot", "add", "age", public).code == 0
    shared.environment.pop("STRONGROOM_KEY_FILE", None)
    done = shared.run("decrypt", "sealed", "--identity", "owner.id", "--output", "out")
    assert done.code == 0, done
    assert (shared.home / "out").read_bytes() == DATA


def test_whoever_cannot_is_told_of_both_ways(shared: Machine) -> None:
    with strongroom.open(str(shared.vault), key_file=str(shared.key)) as vault:
        vault.keys.destroy("archive")
    done = shared.run("decrypt", "sealed", "--output", "out")
    assert (done.code, not (shared.home / "out").exists()) == (6, True), done
    assert "--identity FILE" in done.err and "--key NAME" in done.err


@pytest.mark.parametrize("end", ["disable", "destroy"])
def test_a_version_that_was_taken_away_bars_nobody_else(shared: Machine, tmp_path: Path, end: str) -> None:
    """The file is for two keys; that the first one's version is gone is said when nothing else opens it."""
    with strongroom.open(str(shared.vault), key_file=str(shared.key)) as vault:
        first, second = vault.keys["archive"], vault.keys.create("second", "aead")
        both = [stored_keys.recipient(first), stored_keys.recipient(second)]
        with (tmp_path / "in").open("wb") as file:
            file.write(DATA)
        with (tmp_path / "in").open("rb") as source, (tmp_path / "sealed").open("wb") as target:
            streams.encrypt(source, target, both, format="strongroom")
        first.rotate()
        getattr(first, end)(1)
        identities = [*stored_keys.identities(first), *stored_keys.identities(second)]
        with (tmp_path / "sealed").open("rb") as source, (tmp_path / "out").open("wb") as target:
            streams.decrypt(source, target, identities)
        assert (tmp_path / "out").read_bytes() == DATA
        with (tmp_path / "sealed").open("rb") as source, (tmp_path / "none").open("wb") as target:
            with pytest.raises(Denied if end == "disable" else NotFound, match="version 1 of the key archive"):
                streams.decrypt(source, target, stored_keys.identities(first))
        assert (tmp_path / "none").read_bytes() == b""
