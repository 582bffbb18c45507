"""``sign`` and ``check`` as people and scripts use them; the stock tools' verdicts are in tests/interop."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import strongroom
from tests.e2e.conftest import Machine

DATA = b"release " * 100_000


@pytest.fixture
def filed(keyed: Machine) -> Machine:
    """A machine with a signing key in its vault, and a file."""
    with strongroom.open(str(keyed.vault), key_file=str(keyed.key)) as vault:
        vault.keys.create("releases", "signing")
    (keyed.home / "file").write_bytes(DATA)
    return keyed


def test_first_day(filed: Machine) -> None:
    """Make a key, sign, check; a changed file is exit 7, with what to do."""
    assert filed.run("key", "create", "mine", "--kind", "signing").code == 0
    done = filed.run("sign", "--key", "mine", "file")
    assert (done.code, done.out) == (0, b""), done
    assert done.err.startswith("strongroom: wrote file.minisig\nhint: minisign -V -P RW")
    done = filed.run("check", "file", "--key", "mine")
    assert (done.code, done.out) == (0, b"")
    assert done.err.startswith("strongroom: the signature of file fits: mine with ")
    assert "  file:file  hashed\n" in done.err
    (filed.home / "file").write_bytes(DATA + b"!")
    done = filed.run("check", "file", "--key", "mine")
    assert done.code == 7
    assert done.err == (
        "strongroom: the signature does not fit: the file or the signature was changed\n"
        "hint: get the file again from where it came from\n"
    )


def test_what_json_says(filed: Machine) -> None:
    assert filed.run("sign", "--key", "releases", "file", "--comment", "version 1.2").code == 0
    assert filed.run("sign", "--key", "releases", "file", "--format", "ssh").code == 0
    (filed.home / "file.minisig").rename(filed.home / "apart")
    said = json.loads(filed.run("check", "file", "apart", "--key", "releases", "--json").out)
    assert (said["format"], said["signer"], said["comment"], said["namespace"]) == (
        "minisign", "releases", "version 1.2", None)  # fmt: skip
    said = json.loads(filed.run("check", "file", "--key", "releases", "--json").out)
    assert (said["format"], said["comment"], said["namespace"]) == ("ssh", None, "file")
    public = filed.run("key", "export", "releases", "--public", "--format", "ssh").text
    said = json.loads(filed.run("check", "file", "--public-key", public, "--json").out)
    assert said["signer"] is None


def test_standard_input_and_output(filed: Machine) -> None:
    """`-` is standard input as FILE, and standard output as OUT; nothing else is on it."""
    done = filed.run("sign", "--key", "releases", "-", "--output", "sig", stdin=DATA)
    assert done.code == 0, done
    assert "minisign -V -P " in done.err
    assert " -m FILE -x sig" in done.err
    assert filed.run("check", "file", "sig", "--key", "releases").code == 0
    assert filed.run("check", "-", "sig", "--key", "releases", stdin=DATA).code == 0
    assert filed.run("check", "-", "sig", "--key", "releases", stdin=b"other").code == 7
    assert filed.run("check", "-", "--key", "releases", stdin=DATA).code == 2
    done = filed.run("sign", "--key", "releases", "file", "--format", "ssh", "--output", "-")
    assert done.out.startswith(b"-----BEGIN SSH SIGNATURE-----\n")
    assert done.out.endswith(b"-----END SSH SIGNATURE-----\n")


def test_a_signature_is_not_overwritten_unasked(filed: Machine) -> None:
    assert filed.run("sign", "--key", "releases", "file").code == 0
    first = (filed.home / "file.minisig").read_bytes()
    done = filed.run("sign", "--key", "releases", "file", "--comment", "another")
    assert (done.code, (filed.home / "file.minisig").read_bytes()) == (10, first), done
    assert filed.run("sign", "--key", "releases", "file", "--comment", "another", "--force").code == 0
    assert b"another" in (filed.home / "file.minisig").read_bytes()


def test_several_signatures_must_be_told_apart(filed: Machine) -> None:
    for format in ("minisign", "ssh"):
        assert filed.run("sign", "--key", "releases", "file", "--format", format).code == 0
    done = filed.run("check", "file", "--key", "releases")
    assert done.code == 2
    assert "hint: strongroom check file file.minisig --key releases\n" in done.err
    (filed.home / "file.minisig").unlink()
    assert filed.run("check", "file", "--key", "releases").code == 0


def test_after_a_rotation(filed: Machine) -> None:
    """What the older version signed is good until that version is disabled."""
    assert filed.run("sign", "--key", "releases", "file").code == 0
    assert filed.run("key", "rotate", "releases").code == 0
    assert filed.run("check", "file", "--key", "releases").code == 0
    assert filed.run("check", "file", "--key", "releases", "--at", "2020-01-01").code == 12
    assert filed.run("key", "disable", "releases", "--version", "1").code == 0
    done = filed.run("check", "file", "--key", "releases")
    assert (done.code, "nobody among the signers" in done.err) == (6, True), done
    assert filed.run("sign", "--key", "releases", "file", "--force").code == 0
    assert filed.run("check", "file", "--key", "releases").code == 0


@pytest.mark.parametrize("text", [b"\xff\xfe", b"# nobody\n", b"me not-a-key AAAA\n", b"x" * 1_100_000])
def test_signers_that_are_none(filed: Machine, text: bytes) -> None:
    assert filed.run("sign", "--key", "releases", "file").code == 0
    (filed.home / "signers").write_bytes(text)
    done = filed.run("check", "file", "--signers", "signers")
    assert (done.code, "signers" in done.err) == (2, True), done


def test_files_that_cannot_be_read(filed: Machine) -> None:
    assert filed.run("sign", "--key", "releases", "file").code == 0
    assert filed.run("check", "file", "--signers", "none").code == 4
    assert filed.run("check", "file", "--signers", ".").code == 2
    assert filed.run("check", "none", "file.minisig", "--key", "releases").code == 4
    (filed.home / "file.minisig").write_bytes(b"untrusted comment: " + b"x" * 40_000)
    assert filed.run("check", "file", "--key", "releases").code == 2


def test_a_comment_cannot_write_to_the_terminal(filed: Machine) -> None:
    """A signed comment that is not ours may hold anything: it is shown with its control characters escaped."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from strongroom.credentials import minisign

    private = Ed25519PrivateKey.from_private_bytes(bytes(32))
    known = minisign.key_of(private.public_key().public_bytes_raw())
    raw = private.sign(DATA)
    comment = "evil \x1b[2J\x07"
    seal = private.sign(raw + comment.encode())
    made = minisign.MinisignSignature(minisign.LEGACY, known.key_id, raw, comment, seal).encode("x")
    (filed.home / "file.minisig").write_bytes(made)
    done = filed.run("check", "file", "--public-key", known.encode())
    assert done.code == 0, done
    assert "evil \\x1b[2J\\x07" in done.err
    assert "\x1b" not in done.err


def test_a_key_with_a_long_name(filed: Machine, tmp_path: Path) -> None:
    """A name with blanks and quotation marks becomes one word, and the command that is shown still runs."""
    name = "my \"own\" key, 'quoted'"
    assert filed.run("key", "create", name, "--kind", "signing").code == 0
    done = filed.run("sign", "--key", name, "file", "--format", "ssh")
    assert done.code == 0, done
    assert "-I my--own--key---quoted- " in done.err
    assert filed.run("check", "file", "--key", name, "--principal", "my--own--key---quoted-").code == 0
