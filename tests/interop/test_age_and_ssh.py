"""Debian's age and OpenSSH's keys: what one makes the other opens, and no plug-in is ever run."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from strongroom.keys.slots import age
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault.opening import slot_records
from strongroom.wire import counted, text
from tests.e2e.conftest import Machine
from tests.peers import require_programs

KINDS = ("age", "ed25519", "rsa")


def tool(*command: str | Path, stdin: bytes = b"") -> bytes:
    """Another program's output."""
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, str]]:
    """An identity file and its recipient of each kind, made by age-keygen and ssh-keygen."""
    require_programs("age", "age-keygen", "ssh-keygen")
    folder = tmp_path_factory.mktemp("identities")
    folder.chmod(0o700)
    path = folder / "age"
    tool("age-keygen", "-o", path)
    made = {"age": (path, tool("age-keygen", "-y", path).decode().strip())}
    for kind in ("ed25519", "rsa"):
        path = folder / kind
        tool("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "somebody@example", "-f", path)
        made[kind] = (path, Path(f"{path}.pub").read_text().strip())
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_an_identity_opens_the_vault(machine: Machine, identities: dict[str, tuple[Path, str]], kind: str) -> None:
    """Made with the public half, opened with the private one: by option, and by variable as a job has it."""
    path, recipient = identities[kind]
    assert machine.run("init", "--age", recipient).code == 0
    named = ("--identity", str(path))
    assert machine.run("set", "bank/checking", "password", *named, stdin=b"canary-77ab\n").code == 0
    assert machine.run("get", "bank/checking", *named).out == b"canary-77ab"
    environment = {**machine.environment, "STRONGROOM_IDENTITY_FILE": str(path)}
    assert machine.run("get", "bank/checking", "password", environment=environment).out == b"canary-77ab"
    (slot,) = json.loads(machine.run("slot", "list", "--json", *named).out)
    assert slot["kind"] == "age"
    shown = recipient if kind == "age" else tool("ssh-keygen", "-l", "-f", f"{path}.pub").decode().split()[1]
    assert shown in slot["parameters"]
    assert "somebody" not in slot["parameters"]


@pytest.mark.parametrize("kind", KINDS)
def test_age_opens_what_lies_in_the_slot(machine: Machine, identities: dict[str, tuple[Path, str]], kind: str) -> None:
    """Debian's age decrypts the slot's file to the very bytes that we decrypt it to."""
    path, recipient = identities[kind]
    assert machine.run("init", "--age", recipient).code == 0
    store = SqliteStore.open(str(machine.vault))
    (record,) = slot_records(store)
    store.close()
    opened = age.parse_identities(bytearray(path.read_bytes())).open(record.parameters)
    _recipient, file = age.decode_parameters(record.parameters)
    assert tool("age", "--decrypt", "-i", path, stdin=file) == opened.secret(record.parameters)


@pytest.mark.parametrize("kind", KINDS)
def test_we_open_what_age_encrypted(identities: dict[str, tuple[Path, str]], kind: str) -> None:
    """The other way round; an armored file is no slot's."""
    path, recipient = identities[kind]
    secret = os.urandom(32)
    name = age.describe(age.new_age_credential(recipient).parameters)
    file = tool("age", "-r", recipient, stdin=secret)
    opened = age.parse_identities(bytearray(path.read_bytes())).open(text(name) + counted(file))
    assert opened.secret(opened.parameters) == secret


def test_a_recipient_from_a_file(machine: Machine, identities: dict[str, tuple[Path, str]]) -> None:
    """`slot add age` takes the public key's file; each slot opens with its own identity and no other's."""
    path, _recipient = identities["ed25519"]
    other, recipient = identities["age"]
    assert machine.run("init", "--age", recipient).code == 0
    assert machine.run("ls", "--identity", str(path)).code == 6
    done = machine.run("slot", "add", "age", f"{path}.pub", "--label", "laptop", "--identity", str(other))
    assert done.code == 0, done
    assert machine.run("ls", "--identity", str(path)).code == 0
    (slot,) = [one for one in json.loads(machine.run("slot", "list", "--json", "--identity", str(path)).out)
               if one["label"] == "laptop"]  # fmt: skip
    rsa, recipient = identities["rsa"]
    assert machine.run("slot", "change", slot["id"], recipient, "--identity", str(other)).code == 0
    assert machine.run("ls", "--identity", str(path)).code == 6
    assert machine.run("ls", "--identity", str(rsa)).code == 0


def test_identity_files_that_are_refused(machine: Machine, identities: dict[str, tuple[Path, str]]) -> None:
    """Open to others is exit 9, missing 4, of no use 6; each says why, and none shows the key."""
    path, recipient = identities["age"]
    assert machine.run("init", "--age", recipient).code == 0
    copy = machine.home / "identity"
    copy.write_bytes(path.read_bytes())
    for mode in (0o640, 0o604, 0o620):
        copy.chmod(mode)
        done = machine.run("ls", "--identity", str(copy))
        assert (done.code, f"chmod go= {copy}" in done.err) == (9, True), done
    copy.chmod(0o600)
    link = machine.home / "link"
    link.symlink_to(copy)
    assert machine.run("ls", "--identity", str(link)).code == 9
    assert machine.run("ls", "--identity", str(copy)).code == 0
    done = machine.run("ls", "--identity", str(machine.home / "none"))
    assert (done.code, "identity file" in done.err) == (4, True), done
    locked = machine.home / "locked"
    tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", locked)
    done = machine.run("ls", "--identity", str(locked))
    assert done.code == 6
    assert done.err.startswith(f"strongroom: {locked} is of no use: the SSH key is protected by a passphrase\n")
    copy.write_bytes(path.read_bytes().replace(b"AGE-SECRET-KEY-1", b"AGE-SECRET-KEY-1Q"))
    done = machine.run("ls", "--identity", str(copy))
    assert done.code == 6
    assert "line 3 is not an age identity" in done.err
    assert not any(line.split(b"KEY-1")[-1].decode() in done.err for line in path.read_bytes().splitlines()[2:])


def test_a_variable_that_names_a_useless_identity(machine: Machine, identities: dict[str, tuple[Path, str]]) -> None:
    """Wrong is exit 6, missing exit 4; with a key file that opens the vault neither matters."""
    _path, recipient = identities["ed25519"]
    other, _ = identities["age"]
    assert machine.run("init", "--age", recipient, "--key-file", str(machine.key)).code == 0
    wrong = {**machine.environment, "STRONGROOM_IDENTITY_FILE": str(other)}
    done = machine.run("ls", environment=wrong)
    assert done.code == 6
    assert f"hint: the identity file {other} opens no key slot of {machine.vault}\n" in done.err
    assert machine.run("ls", environment={**wrong, "STRONGROOM_KEY_FILE": str(machine.key)}).code == 0
    missing = {**machine.environment, "STRONGROOM_IDENTITY_FILE": str(machine.home / "none")}
    assert machine.run("ls", environment=missing).code == 4
    # A vault without an age slot is not the identity's concern.
    plain = {**wrong, "STRONGROOM_VAULT": str(machine.home / "plain.db")}
    assert machine.run("init", "--key-file", str(machine.key), environment=plain).code == 0
    done = machine.run("ls", environment=plain)
    assert done.code == 8
    assert "hint: STRONGROOM_IDENTITY_FILE is set, but the vault has no age slot\n" in done.err


@pytest.mark.parametrize("name", ["evil", "../../evil", "evil/../evil"])
def test_no_plug_in_is_ever_run(machine: Machine, identities: dict[str, tuple[Path, str]], name: str) -> None:
    """Neither a recipient nor an identity can name a program, on the path or by its place (CVE-2024-56327)."""
    path, recipient = identities["age"]
    marker = machine.home / "it-ran"
    folder = machine.home / "bin"
    folder.mkdir(exist_ok=True)
    program = folder / "age-plugin-evil"
    program.write_text(f"#!/bin/sh\ntouch {marker}\n")
    program.chmod(0o755)
    machine.environment["PATH"] = f"{folder}:/usr/bin:/bin"
    machine.environment["STRONGROOM_VAULT"] = str(machine.home / "v.db")
    done = machine.run("init", "--age", f"age1{name}1qqqqqqqqqqqqqqqqqq")
    assert (done.code, "plug-in" in done.err) == (2, True), done
    assert machine.run("init", "--age", recipient).code == 0
    identity = machine.home / "identity"
    identity.write_text(f"AGE-PLUGIN-{name.upper()}-1QQQQQQQQQQQQ\n{path.read_text()}")
    identity.chmod(0o600)
    done = machine.run("ls", "--identity", str(identity))
    assert (done.code, "plug-ins are never run" in done.err) == (6, True), done
    assert not marker.exists()
    # The watch works: this is what running it would leave.
    subprocess.run([program], check=True, timeout=60)
    assert marker.exists()
