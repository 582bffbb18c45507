"""Another vault is put in the vault's place: one of a stranger's making, or another one of the same user's.

An age identity opens whatever was encrypted to its public recipient, and one key file may open
two vaults. What was seen at a place, and who signed for it, is what the machine remembers; where
it has no memory yet, whoever opens the vault names its fingerprint.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import strongroom
from strongroom.crypto import labels
from strongroom.errors import RolledBack, Tampered, WrongKey
from strongroom.keys.format import SlotRecord
from strongroom.keys.identity import certify
from strongroom.keys.opening import create_keys
from strongroom.keys.slots import age
from strongroom.keys.slots.age import new_age_credential
from strongroom.keys.unlocked import UnlockedKeys
from strongroom.locate import recognition
from strongroom.locate.key_files import obtain_key_file
from strongroom.locate.opening import open_admitted
from strongroom.locate.unlock import anybody
from strongroom.wire import counted, text
from tests.faults.substitution import PASSPHRASE, Scene, Two, header_of, make, opens, restore, two_vaults


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(tmp_path, monkeypatch)


@pytest.fixture
def two(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Two:
    return two_vaults(scene, monkeypatch)


# --- a vault of a stranger's making, where an age identity opens it

IMITATIONS: dict[str, dict[str, object]] = {
    "with an id of its own": {},
    "with the vault's id, lineage and epoch": {"like": True},
    "with the vault's identity as well": {"like": True, "identity": True},
    "and further commits": {"like": True, "commits": 30},
    "with everything that the file tells": {"like": True, "identity": True, "commits": 30},
}


@pytest.mark.parametrize("rotated", [False, True], ids=["first epoch", "third epoch"])
@pytest.mark.parametrize("case", IMITATIONS)
def test_a_strangers_vault_is_refused(case: str, rotated: bool, scene: Scene) -> None:
    """Whatever of the vault is public, the imitation bears it: the identity's private key is not public."""
    path = scene.age_vault()
    if rotated:
        with scene.open(path) as vault:
            vault.rotate(root=True)
            vault.rotate(root=True)
    options = dict(IMITATIONS[case])
    if options.pop("like", False):
        options["like"] = header_of(path)
    scene.stranger(path, **options)  # type: ignore[arg-type]
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(Tampered):
            scene.open(path)
    assert path.read_bytes() == before


def test_without_a_memory_the_first_one_is_believed(scene: Scene) -> None:
    """The planted fault, and what the threat model says of the first use: a note, with the fingerprint to compare."""
    path = scene.age_vault()
    genuine = header_of(path).identity.hex()
    scene.stranger(path)
    scene.at("two")
    with scene.open(path) as vault:
        assert vault.get("bank/checking", "password").reveal() != "canary"
        assert len(vault.notes) == 1
        assert "for the first time" in vault.notes[0]
        assert vault.fingerprint in vault.notes[0]
    scene.at("three")
    with pytest.raises(Tampered, match="another vault than the expected one"):
        scene.open(path, expect_vault=genuine)


def test_the_first_use_is_noted_once_and_only_where_it_says_something(scene: Scene) -> None:
    """A key file that opens a vault says who made it; an identity's first use does not, unless it is named."""
    path = scene.age_vault()
    with scene.open(path) as vault:
        assert vault.notes == []
        genuine = vault.fingerprint
    scene.at("two")
    with scene.open(path, expect_vault=genuine.upper()) as vault:
        assert vault.notes == []
    scene.at("three")
    scene.open(path).close()
    with scene.open(path) as vault:
        assert vault.notes == []
    other = scene.place("b")
    strongroom.create(other, key_file=scene.root / "key").close()
    scene.at("four")
    with strongroom.open(other, key_file=scene.root / "key") as vault:
        assert vault.notes == []


def test_the_identity_of_an_open_age_vault_is_proved(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check that the imitation with the genuine identity must meet: without it, it passes."""
    path = scene.age_vault()
    like = header_of(path)
    scene.stranger(path, like=like, identity=True, commits=9)
    with pytest.raises(Tampered, match="not of the header's identity"):
        open_admitted(path, identity=scene.identity(), admit=anybody)
    monkeypatch.setattr("strongroom.keys.unlocked.UnlockedKeys.check_identity", lambda _keys: None)
    assert not opens(scene.open(path))


def test_a_forged_certificate_leads_nowhere(scene: Scene) -> None:
    """A stranger's next epoch, certified by himself, on top of the genuine chain."""
    path = scene.age_vault()
    with scene.open(path) as vault:
        vault.rotate(root=True)
    scene.at("two")
    scene.open(path).close()
    like = header_of(path)
    link = certify(bytearray(b"\x77" * 32), like.vault_id, like.epoch + 1, b"\x01" * 32)
    like.certificates, like.epoch = (*like.certificates, link), like.epoch + 1
    scene.stranger(path, like=like, commits=30)
    with pytest.raises(Tampered, match="is not the vault that this machine knows"):
        scene.open(path)


def test_a_named_vault_through_new_root_keys(scene: Scene) -> None:
    """A fingerprint of any epoch leads to today's, also the first one, which stands in no certificate."""
    path = scene.age_vault()
    fingerprints = []
    with scene.open(path) as vault:
        for _ in range(3):
            fingerprints.append(vault.fingerprint)
            vault.rotate(root=True)
        fingerprints.append(vault.fingerprint)
    assert len(set(fingerprints)) == 4
    for number, fingerprint in enumerate(fingerprints):
        scene.at(f"new {number}")
        assert opens(scene.open(path, expect_vault=fingerprint))
    with pytest.raises(Tampered):
        scene.open(path, expect_vault="0" * 64)
    for wrong in ("", "0" * 63, "0" * 65, "g" * 64, header_of(path).vault_id.hex()):
        with pytest.raises(ValueError, match="64 hex digits"):
            scene.open(path, expect_vault=wrong)


def _recipient_shown(scene: Scene, record: SlotRecord, other: str) -> None:
    """Another recipient's name over the same age file."""
    _, file = age.decode_parameters(record.parameters)
    record.parameters = text(other) + counted(file)


def _file_for_another(scene: Scene, record: SlotRecord, other: str) -> None:
    """The stranger's slot parameters in the place of the user's."""
    record.parameters = age.new_age_credential(other).new_parameters()


def _file_for_the_same(scene: Scene, record: SlotRecord, _other: str) -> None:
    """Another secret, encrypted to the same recipient."""
    record.parameters = age.new_age_credential(scene.recipient()).new_parameters()


@pytest.mark.parametrize("act", [_recipient_shown, _file_for_another, _file_for_the_same])
def test_a_substituted_recipient(act: Callable[[Scene, SlotRecord, str], None], scene: Scene) -> None:
    """The slot does not open any more, and no other key opens the vault over it."""
    pyrage = pytest.importorskip("pyrage")
    path, key = scene.age_vault(), scene.root / "key"
    with scene.open(path) as vault:
        vault.add_slot(obtain_key_file(str(key))[0])
    with closing(sqlite3.connect(path)) as db, db:
        for slot_id, data in db.execute("SELECT id, record FROM slots").fetchall():
            record = SlotRecord.decode(data)
            if record.kind == age.KIND:
                act(scene, record, str(pyrage.x25519.Identity.generate().to_public()))
                db.execute("UPDATE slots SET record = ? WHERE id = ?", (record.encode(), slot_id))
    with pytest.raises(WrongKey):
        scene.open(path)
    with pytest.raises(Tampered):
        strongroom.open(path, key_file=key)


def test_a_pinned_recipient_that_was_planted(scene: Scene) -> None:
    """The header names it, and is not what was written."""
    path = scene.age_vault()
    with closing(sqlite3.connect(path)) as db, db:
        header = header_of(path)
        header.recipients = (b"a stranger's",)
        db.execute("UPDATE header SET body = ?", (header.encode(),))
    with pytest.raises(Tampered, match="header"):
        scene.open(path)


# --- two vaults of one user's


def test_two_vaults_that_were_swapped(two: Two) -> None:
    """One key opens both: the place says which one belongs there."""
    two.swap()
    for path in (two.a, two.b):
        with pytest.raises(Tampered, match="another vault lies at") as caught:
            two.read(path)
        assert not isinstance(caught.value, RolledBack)
        assert "--accept-vault" in caught.value.advice
        with pytest.raises(Tampered, match="another vault lies at"):
            strongroom.open(path, passphrase=PASSPHRASE)
    two.swap()
    assert (two.read(two.a), two.read(two.b)) == ("a", "b")


def test_one_vault_in_the_place_of_another(two: Two) -> None:
    """Also as a copy, and also through a link in the path that leads elsewhere now."""
    shutil.copy(two.b, two.a)
    with pytest.raises(Tampered, match="another vault lies at"):
        two.read(two.a)
    link = two.scene.root / "link"
    link.symlink_to("b")
    assert two.read(link / "vault.db") == "b"
    elsewhere = two.scene.place("elsewhere")
    with strongroom.create(elsewhere, key_file=two.key) as vault:
        vault.set("which", {"n": "elsewhere"})
    link.unlink()
    link.symlink_to("elsewhere")
    with pytest.raises(Tampered, match="another vault lies at"):
        two.read(link / "vault.db")


def test_who_names_the_vault_needs_no_place(two: Two) -> None:
    """The fingerprint says which one is meant, and the place is that vault's from then on."""
    with strongroom.open(two.b, key_file=two.key) as vault:
        fingerprint = vault.fingerprint
    shutil.copy(two.b, two.a)
    assert two.read(two.a, expect_vault=fingerprint) == "b"
    assert two.read(two.a) == "b"


# --- what may happen to a vault


def test_legitimate_moves(two: Two) -> None:
    """Moved, copied, reached by a link, its directory renamed: the vault opens, without a question."""
    moved = two.scene.place("moved")
    two.a.rename(moved)
    assert two.read(moved) == "a"
    copy = two.scene.place("copy")
    shutil.copy(moved, copy)
    assert two.read(copy) == "a"
    (two.scene.root / "link").symlink_to("copy")
    assert two.read(two.scene.root / "link" / "vault.db") == "a"
    moved.parent.rename(two.scene.root / "renamed")
    assert two.read(two.scene.root / "renamed" / "vault.db") == "a"
    moved.parent.mkdir(mode=0o700)
    shutil.copy(copy, moved)
    assert two.read(moved) == "a"


def test_a_new_vault_at_an_old_place(two: Two) -> None:
    """Who makes it there has said so; the machine that did not is asked."""
    two.scene.at("two")
    assert two.read(two.a) == "a"
    two.scene.at("one")
    two.a.unlink()
    with strongroom.create(two.a, key_file=two.key) as vault:
        vault.set("which", {"n": "new"})
    assert two.read(two.a) == "new"
    two.scene.at("two")
    with pytest.raises(Tampered, match="another vault lies at"):
        two.read(two.a)
    with open_admitted(two.a, key_file=two.key, admit=anybody) as vault:
        assert recognition.find_stranger(vault) is not None
        recognition.accept_stranger(vault)
        assert recognition.find_stranger(vault) is None
    assert two.read(two.a) == "new"


@pytest.mark.parametrize("how", ["rotate", "remove"])
def test_new_root_keys_on_another_machine(how: str, scene: Scene) -> None:
    """The machine that did not see them made follows the certificates from what it knows."""
    path = scene.age_vault()
    scene.at("two")
    scene.open(path).close()
    scene.at("one")
    with scene.open(path) as vault:
        for _ in range(2):
            if how == "rotate":
                vault.rotate(root=True)
            else:
                vault.remove_slot(vault.add_slot(new_age_credential(scene.recipient())).id)
    scene.at("two")
    for _ in range(2):
        assert opens(scene.open(path))


def test_a_forged_state_of_a_former_holder(scene: Scene) -> None:
    """Whoever held a slot knows that epoch's keys, and could write commits under them beyond all counters."""
    path = scene.age_vault()
    old = scene.root / "old.db"
    shutil.copy(path, old)
    with scene.open(path) as vault:
        vault.rotate(root=True)
        counter = vault.commit_counter
    # With the old root key in hand: genuine in everything, and ahead of what the machine has seen.
    shutil.copy(old, path)
    with open_admitted(path, identity=scene.identity(), admit=anybody) as vault:
        for number in range(counter + 5):
            vault.set("forged", {"n": str(number)})
        assert vault.commit_counter > counter
    with pytest.raises(RolledBack, match="of root key 1, and root key 2 was seen"):
        scene.open(path)


def test_a_former_holder_certifies_a_vault_of_his_own(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old fingerprint leads to it: it must not take the place at which another vault was seen."""
    path = scene.age_vault()
    with scene.open(path) as vault:
        old, seed = vault.fingerprint, bytearray(vault._core.keys.keyset.purpose_key(labels.IDENTITY_SEED))
        vault.rotate(root=True)
        newest = vault.fingerprint

    def certified(vault_id: bytes, lineage: bytes, now: int) -> UnlockedKeys:
        keys = create_keys(vault_id, lineage, now)
        keys.header.epoch = 2
        keys.header.certificates = (certify(seed, vault_id, 2, keys.header.identity),)
        return keys

    monkeypatch.setattr("tests.faults.substitution.create_keys", certified)
    genuine = path.rename(scene.root / "genuine.db")
    make(path, age.new_age_credential(scene.recipient()), author="stranger")
    with pytest.raises(Tampered, match="another vault lies at"):
        scene.open(path, expect_vault=old)
    with pytest.raises(Tampered, match="is another vault than the expected one"):
        scene.open(path, expect_vault=newest)
    genuine.replace(path)
    assert opens(scene.open(path, expect_vault=old))


def test_a_backup_from_before_new_root_keys(scene: Scene) -> None:
    """It restores; another machine accepts its lineage if it knows that identity, and else is asked for more."""
    path = scene.age_vault()
    with scene.open(path) as vault:
        vault.backup(str(scene.root / "backup.db"))
    scene.at("early")
    scene.open(path).close()
    scene.at("one")
    with scene.open(path) as vault:
        vault.rotate(root=True)
    for machine in ("early", "late"):
        scene.at(machine)
        scene.open(path).close()
    scene.at("one")
    assert restore(scene, path) == []
    assert opens(scene.open(path))
    scene.at("early")
    with pytest.raises(RolledBack, match=r"is a restored backup .* from before the root key was replaced"):
        scene.open(path)
    scene.at("late")
    with pytest.raises(Tampered, match="from before all root keys that were seen here"):
        scene.open(path)
    with open_admitted(path, identity=scene.identity(), admit=anybody) as vault:
        assert "from before all root keys" in str(recognition.find_stranger(vault))
        recognition.accept_stranger(vault)
        assert recognition.find_stranger(vault) is None
    assert opens(scene.open(path))


# --- backups


@pytest.mark.parametrize("case", IMITATIONS)
def test_a_strangers_backup_is_not_restored(case: str, scene: Scene) -> None:
    """It opens with the identity, and would take everything that is stored from then on."""
    path = scene.age_vault()
    backup = scene.root / "backup.db"
    with scene.open(path) as vault:
        vault.backup(str(backup))
    options = dict(IMITATIONS[case])
    if options.pop("like", False):
        options["like"] = header_of(path)
    scene.stranger(backup, **options)  # type: ignore[arg-type]
    before = path.read_bytes()
    with pytest.raises(Tampered):
        restore(scene, path)
    assert path.read_bytes() == before
    assert opens(scene.open(path))


def test_a_backup_of_another_vault_takes_a_word(scene: Scene) -> None:
    """Named by its fingerprint it is restored, and belongs there from then on; a new machine is told."""
    path, other = scene.age_vault(), scene.age_vault("b")
    with scene.open(other) as vault:
        vault.set("which", {"n": "b"})
        vault.backup(str(scene.root / "backup.db"))
        fingerprint = vault.fingerprint
    with pytest.raises(Tampered, match="backup of another vault") as caught:
        restore(scene, path)
    assert f"--expect-vault {fingerprint}" in caught.value.advice
    with pytest.raises(Tampered, match="another vault than the expected one"):
        restore(scene, path, fingerprint="1" * 64)
    assert restore(scene, path, fingerprint=fingerprint) == []
    with scene.open(path) as vault:
        assert vault.get("which").public("n") == "b"
    scene.at("new")
    (told,) = restore(scene, scene.place("c"))
    assert "for the first time" in told
