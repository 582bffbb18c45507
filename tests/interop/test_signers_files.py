"""Signers files that somebody else may write a part of: what ssh-keygen refuses is refused here, and nobody is added.

A key's comment is its owner's choice. OpenSSH ends a line at a newline and separates words by blanks; Unicode
knows more ends of lines and blanks, and a reader that follows it sees signers that ssh-keygen does not.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
from pathlib import Path

import pytest

from strongroom import signing, streams
from strongroom.credentials import minisign, ssh_keys
from strongroom.errors import Denied, Expired, FormatUnsupported, WrongKey
from tests.peers import require_programs

FILE = b"a release\n"
OURS = signing.SigningKey(bytearray(b"\1" * 32))
EVIL = signing.SigningKey(bytearray(b"\2" * 32))
GOOD, BAD = ssh_keys.public_line(OURS.public), ssh_keys.public_line(EVIL.public)
AGE = "age1lvyvwawkr0mcnnnncaghunadrqkmuf9e6507x9y920xxpp866cnql7dp2z"

LINES = {
    # The file; who signed; whether ssh-keygen accepts it from "rel@x", and so do we.
    "a line separator in a comment": (f"alice {GOOD} me\u2028rel@x {BAD}", EVIL, False),
    "a next line in a comment": (f"alice {GOOD} me\x85rel@x {BAD}", EVIL, False),
    "a vertical tab in a comment": (f"alice {GOOD} me\x0brel@x {BAD}", EVIL, False),
    "a form feed in a comment": (f"alice {GOOD} me\x0crel@x {BAD}", EVIL, False),
    "a file separator in a comment": (f"alice {GOOD} me\x1crel@x {BAD}", EVIL, False),
    "a carriage return in a comment": (f"alice {GOOD} me\rrel@x {BAD}", EVIL, False),
    "a remark that goes on": (f"# keys\u2028rel@x {BAD}\nrel@x {GOOD}", EVIL, False),
    "a remark behind blanks": (f"  # {BAD}\nrel@x {GOOD}", EVIL, False),
    "a blank that is none": (f"rel@x\u00a0{BAD}\nrel@x {GOOD}", EVIL, False),
    "a key of nobody among others": (f"{BAD}\nrel@x {GOOD}", EVIL, False),
    "namespaces that are none": (f'rel@x namespaces="" {GOOD}', OURS, False),
    "tabs": (f"rel@x\t{GOOD}", OURS, True),
    "tabs around options": (f'\trel@x\t namespaces="file" \t{GOOD}\t', OURS, True),
    "windows": (f"# keys\r\nrel@x {GOOD}\r", OURS, True),
}


@pytest.mark.parametrize("case", LINES)
def test_nobody_signs_here_whom_ssh_keygen_does_not_know(tmp_path: Path, case: str) -> None:
    require_programs("ssh-keygen")
    text, signer, expected = LINES[case]
    signature = signing.sign_ssh(io.BytesIO(FILE), signer)
    (tmp_path / "signature").write_bytes(signature)
    (tmp_path / "signers").write_bytes(text.encode() + b"\n")
    command = ("ssh-keygen", "-Y", "verify", "-f", "signers", "-I", "rel@x", "-n", "file", "-s", "signature")
    theirs = subprocess.run(command, cwd=tmp_path, input=FILE, capture_output=True, timeout=60).returncode == 0
    try:
        known = signing.parse_signers(text.encode() + b"\n")
        signing.check(io.BytesIO(FILE), signature, known, principal="rel@x")
        ours = True
    except (ValueError, WrongKey, Denied, Expired):
        ours = False
    assert (theirs, ours) == (expected, expected)


@pytest.mark.parametrize("end", ["\u2028", "\x85", "\x0b", "\x0c", "\x1c"])
def test_a_remark_adds_no_recipient(end: str) -> None:
    """A file encrypted to a list is for those whom its lines name."""
    assert len(streams.parse_recipients(f"# mine{end}{AGE}\n{AGE}\n".encode())) == 1
    assert len(streams.parse_recipients(f"{GOOD} mine{end}{AGE}\n".encode())) == 1


@pytest.mark.parametrize("comment", ["x" * minisign.COMMENT_BYTES_MAX, "ü" * (minisign.COMMENT_BYTES_MAX // 2), ""])
def test_minisign_reads_the_longest_comment(tmp_path: Path, comment: str) -> None:
    """A signature that only we can verify is none; one byte more is refused before anything is signed."""
    require_programs("minisign")
    (tmp_path / "file").write_bytes(FILE)
    signature = signing.sign_minisign(io.BytesIO(FILE), OURS, comment=comment)
    (tmp_path / "file.minisig").write_bytes(signature)
    public = minisign.key_of(OURS.public).encode()
    done = subprocess.run(("minisign", "-V", "-P", public, "-m", "file"), cwd=tmp_path, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    known = signing.parse_signers(public.encode())
    assert signing.check(io.BytesIO(FILE), signature, known).comment == comment
    with pytest.raises(ValueError, match="comment"):
        signing.sign_minisign(io.BytesIO(FILE), OURS, comment="x" * (minisign.COMMENT_BYTES_MAX + 1))


POINTS = {
    "the neutral element": (1).to_bytes(32, "little"),
    "of order four": bytes(32),
    "of order eight": bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    "of order two": bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    "on the twist": (2).to_bytes(32, "little"),
}


@pytest.mark.parametrize("case", POINTS)
def test_an_ssh_key_that_is_no_point_is_no_recipient(tmp_path: Path, case: str) -> None:
    """age refuses it too; what would be encrypted to it everybody could open, or nobody."""
    require_programs("age")
    line = ssh_keys.public_line(POINTS[case])
    with pytest.raises(ValueError, match=r"no (Ed25519 )?public key"):
        streams.encrypt(io.BytesIO(FILE), io.BytesIO(), [streams.parse_recipient(line)])
    (tmp_path / "recipients").write_text(line)
    done = subprocess.run(("age", "-R", "recipients"), cwd=tmp_path, input=FILE, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, b"")


def test_a_digest_is_not_taken_for_the_file_that_was_signed(tmp_path: Path) -> None:
    """The letters that say which kind a minisign signature is of are not signed: minisign is fooled, we are not."""
    require_programs("minisign")
    public = minisign.key_of(OURS.public).encode()
    signature = minisign.parse_signature(signing.sign_minisign(io.BytesIO(FILE), OURS))
    signature.algorithm = minisign.LEGACY
    digest = hashlib.blake2b(FILE).digest()
    (tmp_path / "file").write_bytes(digest)
    (tmp_path / "file.minisig").write_bytes(signature.encode("made of another one"))
    done = subprocess.run(("minisign", "-V", "-P", public, "-m", "file"), cwd=tmp_path, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    with pytest.raises(FormatUnsupported):
        signing.check(io.BytesIO(digest), signature.encode(""), signing.parse_signers(public.encode()))
