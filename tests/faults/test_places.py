"""What a machine remembers of vaults and places: the files, who believes them, and what is said in commands.

The attacks that this memory is for are in `test_substitution`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.errors import FormatUnsupported, Tampered, UnsafePermissions
from strongroom.keys.slots.age import new_age_credential
from strongroom.locate import places as place_files
from strongroom.locate import recognition
from strongroom.locate.expected import Expected
from strongroom.remote.agent import RemoteVault
from strongroom.remote.connection import AgentClient
from tests.agents import LINUX, AgentUnderTest
from tests.faults.substitution import Scene, Two, header_of, make, opens, restore, two_vaults


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(tmp_path, monkeypatch)


@pytest.fixture
def two(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Two:
    return two_vaults(scene, monkeypatch)


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
