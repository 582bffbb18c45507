"""Debian's minisign and ssh-keygen: each verifies what the other signed, and refuses what the other refuses."""

from __future__ import annotations

import io
import json
import re
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

import strongroom
from strongroom import signing
from strongroom.errors import Denied, Expired, Tampered, WrongKey
from tests.e2e.conftest import Machine
from tests.peers import require_programs

FILE = bytes(range(256)) * 5_000
HOUR = 3_600


def tool(*command: str | Path, cwd: Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Another program."""
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False, cwd=cwd)


@pytest.fixture
def signer(keyed: Machine) -> Machine:
    """A machine with a file, and a signing key "releases" in its vault."""
    require_programs("minisign", "ssh-keygen")
    keyed.environment["STRONGROOM_KEY_FILE"] = str(keyed.key)
    with strongroom.open(str(keyed.vault), key_file=str(keyed.key)) as vault:
        vault.keys.create("releases", "signing")
    (keyed.home / "file.bin").write_bytes(FILE)
    return keyed


def shown_commands(err: str) -> list[str]:
    """What the hints say to type."""
    return re.findall(r"^hint: (.*)$", err, re.MULTILINE)


@pytest.mark.parametrize("options", [(), ("--format", "ssh"), ("--format", "ssh", "--namespace", "mail-attachment"),
                                     ("--output", "else where.sig")])  # fmt: skip
def test_the_printed_commands_verify(signer: Machine, options: tuple[str, ...]) -> None:
    """Pasted into a shell as they stand: good for the file, bad for a changed one."""
    done = signer.run("sign", "--key", "releases", "file.bin", *options)
    assert done.code == 0, done
    commands = shown_commands(done.err)
    assert commands
    environment = signer.full_environment(None)

    def verify() -> int:
        script = "\n".join(["set -e", *commands])
        return subprocess.run(["sh", "-c", script], cwd=signer.home, env=environment, capture_output=True).returncode

    assert verify() == 0
    (signer.home / "file.bin").write_bytes(FILE[:-1] + b"\0")
    assert verify() != 0


def test_json_holds_the_commands(signer: Machine) -> None:
    done = signer.run("sign", "--key", "releases", "file.bin", "--json")
    said = json.loads(done.out)
    assert said["signature"] == "file.bin.minisig"
    assert tool("sh", "-c", said["verify"][0], cwd=signer.home).returncode == 0
    assert tool("minisign", "-V", "-P", said["public_key"], "-m", "file.bin", cwd=signer.home).returncode == 0


@pytest.mark.parametrize("more", [(), ("-l",), ("-t", "a trusted comment, ümläute")])
def test_what_minisign_signed_is_checked(signer: Machine, more: tuple[str, ...]) -> None:
    """Its own kind and the older one; by key file and by key, and never for a changed file or another key."""
    home = signer.home
    assert tool("minisign", "-G", "-W", "-f", "-p", "k.pub", "-s", "k.key", cwd=home).returncode == 0
    assert tool("minisign", "-G", "-W", "-f", "-p", "o.pub", "-s", "o.key", cwd=home).returncode == 0
    assert tool("minisign", "-S", "-s", "k.key", "-m", "file.bin", *more, cwd=home).returncode == 0
    done = signer.run("check", "file.bin", "--signers", "k.pub")
    assert (done.code, "the signature of file.bin fits" in done.err) == (0, True), done
    assert ("ümläute" in done.err) == (more[:1] == ("-t",))
    public = (home / "k.pub").read_text().splitlines()[1]
    assert signer.run("check", "file.bin", "--public-key", public).code == 0
    assert signer.run("check", "file.bin", "--signers", "o.pub").code == 6
    (home / "file.bin").write_bytes(FILE + b"x")
    done = signer.run("check", "file.bin", "--signers", "k.pub")
    assert (done.code, "does not fit" in done.err) == (7, True), done


KINDS = (("ed25519",), ("rsa", "-b", "2048"), ("rsa", "-b", "3072"), ("ecdsa", "-b", "256"), ("ecdsa", "-b", "384"),
         ("ecdsa", "-b", "521"))  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_what_ssh_keygen_signed_is_checked(signer: Machine, kind: tuple[str, ...]) -> None:
    """Keys of every kind that it makes; judged by a signers file and by the public key alone."""
    home = signer.home
    assert tool("ssh-keygen", "-q", "-t", *kind, "-N", "", "-C", "me@x", "-f", "k", cwd=home).returncode == 0
    assert tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "other", cwd=home).returncode == 0
    assert tool("ssh-keygen", "-Y", "sign", "-f", "k", "-n", "file", "file.bin", cwd=home).returncode == 0
    public = (home / "k.pub").read_text()
    (home / "signers").write_text(f"# us\nme@example.org namespaces=\"file\" {public}")
    done = signer.run("check", "file.bin", "--signers", "signers", "--principal", "me@example.org")
    assert (done.code, "me@example.org" in done.err) == (0, True), done
    assert signer.run("check", "file.bin", "--signers", "k.pub").code == 0
    assert signer.run("check", "file.bin", "--signers", "other.pub").code == 6
    assert signer.run("check", "file.bin", "--signers", "signers", "--principal", "you@example.org").code == 6
    assert signer.run("check", "file.bin", "--signers", "signers", "--namespace", "git").code == 5
    (home / "file.bin").write_bytes(FILE + b"x")
    assert signer.run("check", "file.bin", "--signers", "signers").code == 7


def test_hashes_that_ssh_keygen_may_choose(signer: Machine) -> None:
    home = signer.home
    assert tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "k", cwd=home).returncode == 0
    for name in ("sha256", "sha512"):
        (home / "file.bin.sig").unlink(missing_ok=True)
        choice = ("-O", f"hashalg={name}")
        signed = tool("ssh-keygen", "-Y", "sign", *choice, "-f", "k", "-n", "file", "file.bin", cwd=home)
        assert signed.returncode == 0, signed.stderr
        assert signer.run("check", "file.bin", "--signers", "k.pub").code == 0


SIGNERS = {
    # The file's line, and the times and names that are asked; `{key}` is the public key.
    "no bounds": "me@x {key}",
    "valid after": 'me@x valid-after="20300101Z" {key}',
    "valid before": 'me@x valid-before="20300101Z" {key}',
    "a window": 'me@x valid-after="20280101Z",valid-before="20300101120000Z" {key}',
    "namespaces": 'me@x namespaces="git,fil?" {key}',
    "another namespace": 'me@x namespaces="git" {key}',
    "a namespace taken away": 'me@x namespaces="!file,*" {key}',
    "a pattern": "*@x,!you@x {key}",
    "quoted": '"me@x,somebody else" {key}',
    "two lines": 'me@x valid-before="20280101Z" {key}\nme@x valid-after="20290101Z" {key}',
}
TIMES = ("20270101Z", "20271231235959Z", "20280101Z", "20290601Z", "20300101Z", "20300101120001Z", "20310101Z")


@pytest.mark.parametrize("case", SIGNERS)
def test_ssh_keygen_reads_a_signers_file_as_we_do(signer: Machine, case: str) -> None:
    """The same verdict for each time, of ours and of `ssh-keygen -Y verify`."""
    home = signer.home
    assert tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", "k", cwd=home).returncode == 0
    assert tool("ssh-keygen", "-Y", "sign", "-f", "k", "-n", "file", "file.bin", cwd=home).returncode == 0
    text = SIGNERS[case].format(key=(home / "k.pub").read_text().strip()) + "\n"
    (home / "signers").write_text(text)
    known = signing.parse_signers(text.encode())
    signature = (home / "file.bin.sig").read_bytes()
    for at in TIMES:
        for principal in ("me@x", "you@x"):
            command = ("ssh-keygen", "-Y", "verify", "-f", "signers", "-I", principal, "-n", "file",
                       "-s", "file.bin.sig", "-O", f"verify-time={at}")  # fmt: skip
            theirs = tool(*command, cwd=home, stdin=FILE).returncode == 0
            try:
                signing.check(io.BytesIO(FILE), signature, known, principal=principal, at=signing.parse_time(at))
                ours = True
            except (Expired, WrongKey, Denied):
                ours = False
            assert ours == theirs, (at, principal)


def test_ssh_keygen_reads_the_signers_file_of_a_rotated_key(signer: Machine) -> None:
    """While the versions overlap the older one is good, and then no longer; minisign's lines do not disturb it."""
    with strongroom.open(str(signer.vault), key_file=str(signer.key)) as vault:
        key = vault.keys["releases"]
        signatures = []
        for _ in range(2):
            with signing.signing_key(key) as private:
                signatures.append(signing.sign_ssh(io.BytesIO(FILE), private))
            key.rotate()
        text = "".join(f"{one.line()}\n" for one in signing.signers(key, "us@example.org", overlap=timedelta(hours=1)))
    (signer.home / "signers").write_text(text)
    (signer.home / "sig").write_bytes(signatures[0])
    until = re.findall(r'valid-before="(\d+Z)"', text)[0]
    last = signing.parse_time(until)

    def verdicts(at: int) -> tuple[bool, bool]:
        from strongroom.credentials.signers import _stamp

        command = ("ssh-keygen", "-Y", "verify", "-f", "signers", "-I", "us@example.org", "-n", "file", "-s", "sig",
                   "-O", f"verify-time={_stamp(at)}")  # fmt: skip
        theirs = tool(*command, cwd=signer.home, stdin=FILE).returncode == 0
        try:
            signing.check(io.BytesIO(FILE), signatures[0], signing.parse_signers(text.encode()), at=at)
        except Expired:
            return False, theirs
        return True, theirs

    assert verdicts(last - 1) == (True, True)
    assert verdicts(last + 1) == (False, False)


def test_the_command_line_s_signers_file(signer: Machine) -> None:
    """`key export --format signers` is what `check` and ssh-keygen take, through a rotation."""
    home = signer.home
    assert signer.run("sign", "--key", "releases", "--format", "ssh", "file.bin").code == 0
    assert signer.run("key", "rotate", "releases").code == 0
    done = signer.run("key", "export", "releases", "--public", "--format", "signers", "--overlap", "1h")
    assert (done.code, done.text.count("ssh-ed25519"), done.text.count("minisign")) == (0, 2, 2), done
    (home / "signers").write_bytes(done.out)
    assert signer.run("check", "file.bin", "--signers", "signers", "--principal", "releases").code == 0
    assert signer.run("check", "file.bin", "--signers", "signers", "--at", "2300-01-01").code == 12
    command = ("ssh-keygen", "-Y", "verify", "-f", "signers", "-I", "releases", "-n", "file", "-s", "file.bin.sshsig")
    assert tool(*command, cwd=home, stdin=FILE).returncode == 0
    for words in (("--format", "signers", "--version", "1"), ("--format", "ssh", "--overlap", "1h")):
        assert signer.run("key", "export", "releases", "--public", *words).code == 2
    assert signer.run("key", "create", "other", "--kind", "aead").code == 0
    assert signer.run("key", "export", "other", "--public", "--format", "signers").code == 2


def test_a_signature_made_by_either_is_one_format(signer: Machine) -> None:
    """Our SSH signature with a key of OpenSSH's is byte for byte its own: Ed25519 is deterministic."""
    from strongroom.crypto.ssh_keys import load_private

    home = signer.home
    assert tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "k", cwd=home).returncode == 0
    assert tool("ssh-keygen", "-Y", "sign", "-f", "k", "-n", "file", "file.bin", cwd=home).returncode == 0
    seed, _blob = load_private(bytearray((home / "k").read_bytes()))
    assert isinstance(seed, bytearray)
    with signing.SigningKey(seed) as key:
        assert signing.sign_ssh(io.BytesIO(FILE), key) == (home / "file.bin.sig").read_bytes()


def test_a_certificate_s_signature_is_not_taken_for_its_key_s(signer: Machine) -> None:
    home = signer.home
    for name in ("ca", "k"):
        assert tool("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name, cwd=home).returncode == 0
    made = tool("ssh-keygen", "-q", "-s", "ca", "-I", "id", "-n", "me", "-V", "+1h", "k.pub", cwd=home)
    assert made.returncode == 0, made.stderr
    signed = tool("ssh-keygen", "-Y", "sign", "-f", "k-cert.pub", "-n", "file", "file.bin", cwd=home)
    assert signed.returncode == 0, signed.stderr
    (home / "signers").write_text(f"me cert-authority {(home / 'ca.pub').read_text()}")
    assert signer.run("check", "file.bin", "--signers", "signers").code == 2
    assert signer.run("check", "file.bin", "--signers", "k.pub").code in (6, 14)


def test_tampered_is_tampered_for_both(signer: Machine) -> None:
    """Every line of a signature of ours, changed in one letter: minisign and we refuse all but the first line."""
    assert signer.run("sign", "--key", "releases", "file.bin").code == 0
    with strongroom.open(str(signer.vault), key_file=str(signer.key)) as vault:
        known = signing.signers(vault.keys["releases"], "us")
    (public,) = [one.line().split()[-1] for one in known if "minisign" in one.line()]
    path = signer.home / "file.bin.minisig"
    lines = path.read_text().splitlines()
    for place, line in enumerate(lines):
        changed = list(lines)
        middle = len(line) // 2
        changed[place] = line[:middle] + ("A" if line[middle] != "A" else "B") + line[middle + 1 :]
        path.write_text("\n".join(changed) + "\n")
        theirs = tool("minisign", "-V", "-P", public, "-m", "file.bin", cwd=signer.home).returncode == 0
        try:
            signing.check(io.BytesIO(FILE), path.read_bytes(), known)
            ours = True
        except (Tampered, WrongKey):
            ours = False
        assert ours == theirs == (place == 0), place
