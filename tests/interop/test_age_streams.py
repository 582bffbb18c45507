"""Debian's age, and pyrage: what one encrypts the other opens, of each kind of recipient, armored or not."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pyrage
import pytest

from tests.e2e.conftest import Machine, Person
from tests.peers import require_programs

KINDS = ("age", "ed25519", "rsa")
# An empty file, and several chunks; every size is tested without other programs.
SIZES = (0, 300_001)


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
@pytest.mark.parametrize("armor", [(), ("--armor",)], ids=["binary", "armor"])
def test_age_opens_ours(
    machine: Machine, identities: dict[str, tuple[Path, str]], kind: str, armor: tuple[str, ...]
) -> None:
    """Through pipes, for a recipient given as text and as a file."""
    path, recipient = identities[kind]
    recipients = machine.home / "recipients"
    recipients.write_text(f"# team\n{recipient}\n")
    for size, named in zip(SIZES, (recipient, str(recipients)), strict=True):
        data = os.urandom(size)
        done = machine.run("encrypt", "--recipient", named, *armor, stdin=data)
        assert done.code == 0, done
        assert done.out.startswith(b"-----BEGIN AGE" if armor else b"age-encryption.org/v1\n")
        assert tool("age", "--decrypt", "-i", path, stdin=done.out) == data


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("armor", [(), ("--armor",)], ids=["binary", "armor"])
def test_we_open_what_age_encrypted(
    machine: Machine, identities: dict[str, tuple[Path, str]], kind: str, armor: tuple[str, ...]
) -> None:
    path, recipient = identities[kind]
    for size in SIZES:
        data = os.urandom(size)
        file = tool("age", "-r", recipient, *armor, stdin=data)
        done = machine.run("decrypt", "--identity", str(path), stdin=file)
        assert (done.code, done.out) == (0, data), done.err


def test_several_recipients(machine: Machine, identities: dict[str, tuple[Path, str]]) -> None:
    """Each opens it, with age and with us; a stranger does not."""
    data = os.urandom(1_000)
    words = [word for _, recipient in identities.values() for word in ("-r", recipient)]
    file = machine.run("encrypt", *words, stdin=data).out
    for path, _ in identities.values():
        assert tool("age", "--decrypt", "-i", path, stdin=file) == data
        assert machine.run("decrypt", "--identity", str(path), stdin=file).out == data
    stranger = machine.home / "stranger"
    tool("age-keygen", "-o", stranger)
    done = machine.run("decrypt", "--identity", str(stranger), stdin=file)
    assert (done.code, done.out) == (6, b"")
    assert "none of the keys at hand opens this file" in done.err


def test_a_passphrase_through_age_at_a_terminal(machine: Machine) -> None:
    """Ours opens in age, where a person types it; age's own is opened by us, at a terminal too."""
    require_programs("age")
    secret = machine.home / "secret"
    secret.write_bytes(b"the plan")
    done = machine.run("encrypt", "--passphrase", "--format", "age", "secret", stdin=b"six blue elephants drink tea\n")
    assert done.code == 0, done
    with machine.at_terminal(command=["age", "--decrypt", "-o", "opened", "secret.age"]) as person:
        person.sees("passphrase").types("six blue elephants drink tea")
        assert person.ends() == 0
    assert (machine.home / "opened").read_bytes() == b"the plan"
    with machine.at_terminal(command=["age", "--passphrase", "-o", "by-age.age", "secret"]) as person:
        for _ in range(2):
            type_hidden(person, "six blue elephants drink tea")
        assert person.ends() == 0
    with machine.at_terminal("decrypt", "by-age.age") as person:
        person.sees("passphrase of the file: ").waits_for("off")
        person.types("another")
        person.sees("does not open it, try again").sees("passphrase of the file: ").waits_for("off")
        person.types("six blue elephants drink tea")
        assert person.ends() == 0
    assert (machine.home / "by-age").read_bytes() == b"the plan"


def type_hidden(person: Person, text: str) -> None:
    """Answer the next question of age's."""
    person.sees("passphrase").sees(":").waits_for("off")
    person.types(text)


def test_a_passphrase_through_pyrage(machine: Machine) -> None:
    """The other implementation of age's scrypt stanza."""
    file = machine.home / "f.age"
    file.write_bytes(pyrage.passphrase.encrypt(b"data", "pass phrase"))
    read, write = os.pipe()
    os.write(write, b"pass phrase\n")
    os.close(write)
    done = machine.run("decrypt", "--passphrase-fd", str(read), "--output", "-", "f.age", pass_fds=(read,))
    os.close(read)
    assert (done.code, done.out) == (0, b"data"), done
    (machine.home / "plain").write_bytes(b"data")
    assert machine.run("encrypt", "-p", "--format", "age", "plain", stdin=b"pass phrase\n").code == 0
    assert pyrage.passphrase.decrypt((machine.home / "plain.age").read_bytes(), "pass phrase") == b"data"


@pytest.mark.parametrize("name", ["evil", "../../evil", "evil/../evil"])
def test_no_plug_in_is_ever_run(machine: Machine, name: str) -> None:
    """Neither a recipient nor an identity can name a program (CVE-2024-56327)."""
    from strongroom.credentials.age import bech32

    marker = machine.home / "it-ran"
    folder = machine.home / "bin"
    folder.mkdir()
    program = folder / "age-plugin-evil"
    program.write_text(f"#!/bin/sh\ntouch {marker}\n")
    program.chmod(0o755)
    machine.environment["PATH"] = f"{folder}:/usr/bin:/bin"
    done = machine.run("encrypt", "-r", bech32.encode(f"age1{name}", b"data"), stdin=b"data")
    assert done.code == 2, done
    identity = machine.home / "identity"
    identity.write_text(bech32.encode(f"age-plugin-{name}-", b"data").upper() + "\n")
    identity.chmod(0o600)
    file = pyrage.encrypt(b"data", [pyrage.x25519.Identity.generate().to_public()])
    done = machine.run("decrypt", "--identity", str(identity), stdin=file)
    assert (done.code, "plug-in" in done.err) == (6, True), done
    assert not marker.exists()


def test_a_key_of_the_vault_is_a_recipient_of_age_s(keyed: Machine) -> None:
    """Its public part, exported, is what `age -r` takes; the vault opens the file, and no key lies about."""
    require_programs("age")
    keyed.environment["STRONGROOM_KEY_FILE"] = str(keyed.key)
    assert keyed.run("key", "create", "inbox", "--kind", "box").code == 0
    recipient = keyed.run("key", "export", "inbox", "--public", "--format", "age").text.strip()
    data = os.urandom(100_000)
    for more in ((), ("--armor",)):
        done = keyed.run("decrypt", "--key", "inbox", stdin=tool("age", "-r", recipient, *more, stdin=data))
        assert (done.code, done.out) == (0, data), done.err
    (keyed.home / "public").write_bytes(keyed.run("key", "export", "inbox", "--public", "--format", "age-pq").out)
    for format in ("age", "strongroom"):
        file = keyed.run("encrypt", "-r", "public", "--format", format, stdin=data).out
        assert keyed.run("key", "rotate", "inbox").code == 0
        done = keyed.run("decrypt", "--key", "inbox", stdin=file)
        assert (done.code, done.out) == (0, data), done.err
