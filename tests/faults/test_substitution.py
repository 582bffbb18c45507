"""Another vault is put in the vault's place: one of a stranger's making, or another one of the same user's.

An age identity opens whatever was encrypted to its public recipient, and one key file may open
two vaults. What was seen at a place, and who signed for it, is what the machine remembers; where
it has no memory yet, whoever opens the vault names its fingerprint.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import strongroom
from strongroom.errors import FormatUnsupported, RolledBack, Tampered, UnsafePermissions, WrongKey
from strongroom.keys.format import SlotRecord
from strongroom.keys.identity import certify
from strongroom.keys.slots import age
from strongroom.keys.slots.age import new_age_credential
from strongroom.locate import places as place_files
from strongroom.locate import recognition
from strongroom.locate.expected import Expected
from strongroom.locate.key_files import obtain_key_file
from strongroom.locate.opening import open_admitted
from strongroom.locate.restoring import restore_backup
from strongroom.locate.unlock import anybody
from strongroom.remote.agent import RemoteVault
from strongroom.remote.connection import AgentClient
from strongroom.vault.vault import Vault
from strongroom.wire import counted, text
from tests.agents import LINUX, AgentUnderTest
from tests.faults.substitution import Scene, header_of, make

PASSPHRASE = "tea with nine blue elephants"


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(tmp_path, monkeypatch)


def opens(vault: Vault) -> bool:
    with vault:
        return vault.get("bank/checking", "password").reveal() == "canary"


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


class Two:
    """Two vaults that one key file and one passphrase open."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.key = scene.root / "key"
        self.a, self.b = scene.place("a"), scene.place("b")
        for path in (self.a, self.b):
            with strongroom.create(path, key_file=self.key, passphrase=PASSPHRASE) as vault:
                vault.set("which", {"n": path.parent.name})

    def read(self, path: Path, **options: object) -> str:
        with strongroom.open(path, key_file=self.key, **options) as vault:  # type: ignore[arg-type]
            return vault.get("which").public("n")

    def swap(self) -> None:
        spare = self.scene.root / "spare"
        os.rename(self.a, spare)
        os.rename(self.b, self.a)
        os.rename(spare, self.b)


@pytest.fixture
def two(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Two:
    from tests.agents import CHEAP

    monkeypatch.setattr("strongroom.keys.slots.passphrase.calibrate", lambda: CHEAP)
    monkeypatch.setattr("strongroom.keys.slots.passphrase.is_outdated", lambda _parameters: False)
    return Two(scene)


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


def restore(scene: Scene, path: Path, **options: object) -> list[str]:
    told: list[str] = []
    restore_backup(
        str(scene.root / "backup.db"),
        str(path),
        open_copy=lambda copy: open_admitted(copy, identity=scene.identity(), admit=anybody),
        expected=Expected(**options),  # type: ignore[arg-type]
        tell=told.append,
    )
    return told


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


# --- the memory itself


def pins(scene: Scene) -> list[Path]:
    return sorted(scene.state.glob("*.place"))


def test_what_the_memory_looks_like(scene: Scene) -> None:
    """docs/format.md#anchor, letter by letter: one private file for each place."""
    from hashlib import sha256

    path = scene.age_vault()
    (pin,) = pins(scene)
    digest = sha256(os.fsencode(path)).hexdigest()
    body = f"strongroom-place-v1\nplace {digest}\nvault {header_of(path).vault_id.hex()}\n"
    assert pin.name == f"{digest[:32]}.place"
    assert pin.read_text() == f"{body}checksum {sha256(body.encode()).hexdigest()[:8]}\n"
    assert pin.stat().st_mode & 0o777 == 0o600


DAMAGE = {
    "empty": lambda data: b"",
    "cut": lambda data: data[:-3],
    "one digit": lambda data: data.replace(b"vault ", b"vault 0").replace(b"\nchecksum", b"\nchecksum", 1)[:-1],
    "another place's": lambda data: data.replace(b"place ", b"place 0"),
    "more": lambda data: data + b"\n",
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_memory_is_an_error(case: str, scene: Scene) -> None:
    """Damage and attack look the same; the advice, followed, begins anew."""
    path = scene.age_vault()
    (pin,) = pins(scene)
    pin.write_bytes(DAMAGE[case](pin.read_bytes()))
    with pytest.raises(Tampered, match="cannot be believed") as caught:
        scene.open(path)
    assert f"rm {pin}" in caught.value.advice
    pin.unlink()
    assert opens(scene.open(path))
    assert pins(scene) == [pin]


def test_a_newer_memory_is_exit_14(scene: Scene) -> None:
    """A newer program's file is not called tampering."""
    path = scene.age_vault()
    (pin,) = pins(scene)
    pin.write_bytes(pin.read_bytes().replace(b"place-v1", b"place-v2"))
    with pytest.raises(FormatUnsupported):
        scene.open(path)


@pytest.mark.skipif(os.name == "nt", reason="modes say nothing there")
def test_a_memory_that_others_could_change_is_refused(scene: Scene) -> None:
    path = scene.age_vault()
    (pin,) = pins(scene)
    pin.chmod(0o666)
    with pytest.raises(UnsafePermissions):
        scene.open(path)


def test_what_cannot_be_written_is_still_believed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only home: a new place is a note, and the known ones are guarded as before."""
    path = scene.age_vault()

    def refuse(path: str, _data: bytes) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("strongroom.stores.files.replace_private", refuse)
    assert opens(scene.open(path))
    copy = scene.place("copy")
    shutil.copy(path, copy)
    with scene.open(copy) as vault:
        assert len(vault.notes) == 1
        assert "another vault in its place, would not be noticed" in vault.notes[0]
    scene.stranger(path)
    with pytest.raises(Tampered):
        scene.open(path)


def test_who_has_no_home_remembers_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything works, with a note each time; only what is named is held to."""
    path = scene.age_vault()
    with scene.open(path) as vault:
        vault.backup(str(scene.root / "backup.db"))
        fingerprint = vault.fingerprint
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_000)
    for _ in range(2):
        with scene.open(path) as vault:
            assert ["no anchor can be kept" in note for note in vault.notes] == [True, False]
            assert "for the first time" in vault.notes[1]
            assert recognition.find_stranger(vault) is None
            recognition.accept_stranger(vault)
    with scene.open(path, expect_vault=fingerprint, expect_counter=2) as vault:
        assert len(vault.notes) == 1
    told = restore(scene, path)
    assert ["for the first time" in line for line in told] == [True, False]
    scene.stranger(path)
    assert not opens(scene.open(path))
    with pytest.raises(Tampered):
        scene.open(path, expect_vault=fingerprint)


OPENING = """
import sys, strongroom
told = []
for _ in range(15):
    for path in sys.argv[2:]:
        with strongroom.open(path, key_file=sys.argv[1]) as vault:
            told += vault.notes
sys.exit("; ".join(told) or 0)
"""


def test_programs_that_see_a_place_first_at_once(two: Two) -> None:
    """Four programs write down the same places at the same time; nothing is torn, and nobody is told anything."""
    two.scene.at("new")
    command = [sys.executable, "-W", "error", "-c", OPENING, str(two.key), str(two.a), str(two.b)]
    children = [subprocess.Popen(command) for _ in range(4)]
    assert [child.wait(120) for child in children] == [0] * 4
    assert len(pins(two.scene)) == 2
    two.swap()
    with pytest.raises(Tampered):
        two.read(two.a)


def test_the_first_of_two_stays(two: Two) -> None:
    """Two programs see different vaults at a new place: what was written first is not taken back by the second."""
    path = two.scene.place("new")
    first = place_files.Places(str(two.scene.state), str(path))
    first.remember(b"1" * 16)
    place_files.Places(str(two.scene.state), str(path)).remember(b"2" * 16)
    assert first.seen() == [b"1" * 16]
    first.remember(b"2" * 16, instead=True)
    assert first.seen() == [b"2" * 16]


# --- in commands


def run(scene: Scene, *words: str, vault: Path) -> subprocess.CompletedProcess[str]:
    home = scene.root / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    environment = {**os.environ, "HOME": str(home)}
    command = [sys.executable, "-m", "strongroom", "--vault", str(vault), "--no-agent", *words]
    return subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )


def test_told_in_commands(two: Two) -> None:
    """Exit 7 with the command that helps; a terminal is asked, and elsewhere it takes --yes."""
    scene, key = two.scene, ("--key-file", str(two.key))
    shown = json.loads(run(scene, "status", "--json", *key, vault=two.b).stdout)
    assert len(shown["fingerprint"]) == 64
    shutil.copy(two.b, two.a)
    done = run(scene, "get", "which", *key, vault=two.a)
    assert (done.returncode, done.stdout) == (7, "")
    assert "hint: if you put this one there: strongroom status --accept-vault" in done.stderr
    done = run(scene, "doctor", *key, vault=two.a)
    assert (done.returncode, "another vault lies here" in done.stdout) == (7, True)
    assert run(scene, "status", "--accept-vault", *key, vault=two.a).returncode == 8
    assert run(scene, "get", "which", *key, vault=two.a).returncode == 7
    done = run(scene, "status", "--accept-vault", "--yes", "--expect-vault", "0" * 64, *key, vault=two.a)
    assert done.returncode == 7
    done = run(scene, "status", "--accept-vault", "--yes", *key, vault=two.a)
    assert (done.returncode, f"accepted vault {shown['id']}" in done.stderr) == (0, True)
    assert run(scene, "get", "which", *key, vault=two.a).stdout == "b"
    assert "none to accept" in run(scene, "status", "--accept-vault", *key, vault=two.a).stderr
    for value, code in ((shown["fingerprint"], 0), ("f" * 64, 7), ("f" * 63, 2)):
        assert run(scene, "get", "which", "--expect-vault", value, *key, vault=two.a).returncode == code


def test_whoever_makes_an_age_slot_is_told_the_fingerprint(scene: Scene) -> None:
    """By init and by slot add, for the machines that will see the vault for the first time."""
    path = scene.place("new")
    done = run(scene, "init", "--age", scene.recipient(), "--json", vault=path)
    fingerprint = json.loads(done.stdout)["fingerprint"]
    assert fingerprint == header_of(path).identity.hex()
    key = ("--identity", str(scene.identity()))
    done = run(scene, "slot", "add", "age", scene.recipient(), *key, vault=path)
    assert f"hint: where it is opened for the first time, name it: --expect-vault {fingerprint}\n" in done.stderr


def test_a_strangers_backup_in_commands(scene: Scene) -> None:
    """--check refuses it, as restore-backup does."""
    path = scene.age_vault()
    backup = scene.root / "backup.db"
    with scene.open(path) as vault:
        vault.backup(str(backup))
    key = ("--identity", str(scene.identity()))
    assert run(scene, "backup", "--check", str(backup), *key, vault=path).returncode == 0
    scene.stranger(backup, like=header_of(path))
    for words in (("backup", "--check", str(backup)), ("restore-backup", str(backup), "--yes")):
        done = run(scene, *words, *key, vault=path)
        assert done.returncode == 7, done.stderr


# --- through the agent


@pytest.mark.skipif(not LINUX, reason="the agent is tested on Linux")
def test_an_agent_is_given_a_strangers_vault(scene: Scene) -> None:
    """It compares what it opens as everybody does; what its clients expect is told by its vault."""
    path = scene.place("agent")
    make(path, new_age_credential(scene.recipient()), author="owner")
    identity = os.fsencode(scene.identity())
    with AgentUnderTest(path.parent, environment={"XDG_STATE_HOME": os.environ["XDG_STATE_HOME"]}) as agent:
        assert agent.unlock(identity, way="identity").status == 204
        assert any("for the first time" in note for note in agent.status()["notes"])  # type: ignore[attr-defined]
        client = AgentClient(str(agent.socket), trusts=lambda _uid: True)
        remote = RemoteVault(client, str(path))
        first = header_of(path).identity.hex()
        assert remote.fingerprint == first
        Expected(fingerprint=first, counter=2).check(remote, "the vault")
        agent.lock()
        with scene.open(path) as vault:
            vault.rotate(root=True)
        assert agent.unlock(identity, way="identity", more=f"&expect_vault={first}").status == 204
        assert remote.fingerprint != first
        assert remote.answers_to(first)
        for fingerprint in ("0" * 64, header_of(path).vault_id.hex() * 2):
            with pytest.raises(Tampered, match="another vault than the expected one"):
                Expected(fingerprint=fingerprint).check(remote, "the vault")
        with pytest.raises(ValueError, match="64 hex digits"):
            remote.answers_to("x")
        agent.lock()
        scene.stranger(path, like=header_of(path), identity=True, commits=20)
        for more in ("", f"&expect_vault={first}"):
            answer = agent.unlock(identity, way="identity", more=more)
            assert answer.status == 500 and answer.headers["x-strongroom-error"] == "Tampered", answer
        assert agent.status()["locked"] is True
        assert agent.unlock(identity, way="identity", more="&expect_vault=x").status == 400
        client.close()
