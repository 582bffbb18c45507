"""Age slots: which recipients and identities are taken, and what their parameters may be."""

from __future__ import annotations

import pickle
import subprocess
from pathlib import Path

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.errors import Tampered, WrongKey
from strongroom.keys.slots import age, registry
from strongroom.wire import counted, text

RECIPIENT = "age18za0hh50czxks7x6gwmgnqrz22u4348g4n656j0xzyg057juzffs74z8x7"
AGE_FILE = b"age-encryption.org/v1\n-> X25519 "


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SSH keys as ssh-keygen makes them, by the name of what is special about them."""
    folder = tmp_path_factory.mktemp("ssh")
    for name, options in {
        "ed25519": ("-t", "ed25519", "-N", ""),
        "rsa": ("-t", "rsa", "-b", "2048", "-N", ""),
        "rsa-pem": ("-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""),
        "locked": ("-t", "ed25519", "-N", "passphrase"),
        "locked-pem": ("-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "passphrase"),
        "locked-pkcs8": ("-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", "passphrase"),
        "ecdsa": ("-t", "ecdsa", "-N", ""),
        "short": ("-t", "rsa", "-b", "1024", "-N", ""),
    }.items():
        subprocess.run(["ssh-keygen", "-q", "-f", folder / name, *options], check=True, timeout=60)
    return folder


def _public(keys: Path, name: str) -> str:
    return (keys / f"{name}.pub").read_text()


def _private(keys: Path, name: str) -> bytearray:
    return bytearray((keys / name).read_bytes())


def test_an_age_identity_opens_what_its_recipient_got() -> None:
    """Comments and empty lines are passed over, and any identity of the file may be the one."""
    mine, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    credential = age.new_age_credential(f" {mine.to_public()}\n")
    assert age.describe(credential.parameters) == str(mine.to_public())
    data = bytearray(f"# created\r\n\r\n{other}\r\n  {mine}\r\n".encode())
    identities = age.parse_identities(data)
    assert not any(data)
    opened = identities.open(credential.parameters)
    assert opened.secret(opened.parameters) == credential.secret(credential.parameters)
    with pytest.raises(WrongKey, match="does not open"):
        age.parse_identities(bytearray(str(other).encode())).open(credential.parameters)


@pytest.mark.parametrize("name", ["ed25519", "rsa", "rsa-pem"])
def test_an_ssh_key_opens_what_its_public_half_got(keys: Path, name: str) -> None:
    """The slot shows the fingerprint that ssh-keygen shows; the comment of the public key stays out."""
    credential = age.new_age_credential(_public(keys, name))
    shown = subprocess.run(["ssh-keygen", "-l", "-f", keys / f"{name}.pub"], capture_output=True, text=True, check=True)
    assert age.describe(credential.parameters).split() == [_public(keys, name).split()[0], shown.stdout.split()[1]]
    opened = age.parse_identities(_private(keys, name)).open(credential.parameters)
    assert opened.secret(opened.parameters) == credential.secret(credential.parameters)


def test_the_secret_is_wiped_when_it_cannot_be_encrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the library raises, the new secret does not stay behind."""
    made: list[bytearray] = []
    real = age.random_buffer

    def watched(length: int) -> bytearray:
        made.append(real(length))
        return made[-1]

    def fail(_plaintext: bytes, _recipients: list[object]) -> bytes:
        raise MemoryError

    monkeypatch.setattr(age, "random_buffer", watched)
    monkeypatch.setattr(pyrage, "encrypt", fail)
    with pytest.raises(MemoryError):
        age.new_age_credential(RECIPIENT)
    assert made == [bytes(32)]


def test_two_slots_for_one_recipient_hold_different_secrets() -> None:
    """Each is random, and 32 bytes."""
    first, second = age.new_age_credential(RECIPIENT), age.new_age_credential(RECIPIENT)
    assert first.secret(first.parameters) != second.secret(second.parameters)
    assert len(first.secret(first.parameters)) == 32


BAD_RECIPIENTS = {
    "nothing": "",
    "a plug-in's": "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t",
    "a plug-in's with a path": "age1../../tmp/evil1qwt50d05nh5vutpdzmlg5wn80xq5",
    "a newer kind": "age1pq1qqqqqqqq",
    "a tag": "age1tag1qqqqqqqq",
    "a changed character": RECIPIENT[:-1] + "q",
    "upper case": RECIPIENT.upper(),
    "a private key": "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX",
    "two": f"{RECIPIENT} {RECIPIENT}",
    "ssh without a key": "ssh-ed25519",
    "ssh of nonsense": "ssh-ed25519 AAAA",
    "ssh that is not base64": "ssh-ed25519 ?",
    "a certificate": "ssh-ed25519-cert-v01@openssh.com AAAA",
}


@pytest.mark.parametrize("case", BAD_RECIPIENTS)
def test_other_recipients_are_refused(case: str) -> None:
    """Also every plug-in's: a name in a recipient would choose a program to run."""
    with pytest.raises(ValueError, match="an age slot takes") as caught:
        age.new_age_credential(BAD_RECIPIENTS[case])
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("name", ["ecdsa", "short"])
def test_weak_and_unknown_ssh_keys_are_refused(keys: Path, name: str) -> None:
    """ECDSA has no way to decrypt, and RSA below 2,048 bits is no protection."""
    with pytest.raises(ValueError, match="an age slot takes"):
        age.new_age_credential(_public(keys, name))
    if name == "ecdsa":
        with pytest.raises(WrongKey, match="not a private key that age can use"):
            age.parse_identities(_private(keys, name))


@pytest.mark.parametrize("name", ["locked", "locked-pem", "locked-pkcs8"])
def test_a_passphrase_on_an_ssh_key_is_said(keys: Path, name: str) -> None:
    """In each of the three forms that ssh-keygen writes."""
    with pytest.raises(WrongKey, match="protected by a passphrase"):
        age.parse_identities(_private(keys, name))


BAD_IDENTITIES = {
    "nothing": (b"", "no identity"),
    "only a comment": (b"# public key: age1\n\n", "no identity"),
    "a plug-in's": (b"# x\nAGE-PLUGIN-YUBIKEY-1QWERTY\n", "line 2 names an age plug-in"),
    "a plug-in's with a path": (b"AGE-PLUGIN-../../TMP/EVIL-1QWERTY\n", "plug-ins are never run"),
    "a newer kind": (b"AGE-SECRET-KEY-PQ-1QQQQ\n", "line 1 is not an age identity"),
    "a recipient": (RECIPIENT.encode(), "line 1 is not an age identity"),
    "a changed character": (b"AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEQ", "line 1"),
    "not text": (b"AGE-SECRET-KEY-1\xff\n", "line 1 is not"),
    "an encrypted identity file": (AGE_FILE, "encrypted with a passphrase"),
    "an armored one": (b"-----BEGIN AGE ENCRYPTED FILE-----\n", "encrypted with a passphrase"),
    "a damaged SSH key": (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", "not a private key that age can use"),
    "an SSH key that is not base64": (b"-----BEGIN OPENSSH PRIVATE KEY-----\n?", "not a private key that age can use"),
    "an SSH key that is cut": (b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blb\n", "not a private key that age can use"),
    "some certificate": (b"-----BEGIN CERTIFICATE-----\nMIIB\n", "not a private key that age can use"),
    "too many": (f"{pyrage.x25519.Identity.generate()}\n".encode() * 33, "more than 32"),
}


@pytest.mark.parametrize("case", BAD_IDENTITIES)
def test_other_identity_files_are_refused(case: str) -> None:
    """With the line, and without a word of what stands in it; the buffer is wiped all the same."""
    content, message = BAD_IDENTITIES[case]
    data = bytearray(content)
    with pytest.raises(WrongKey, match=message) as caught:
        age.parse_identities(data)
    assert not any(data)
    for word in (b"QWERTY", b"YUBIKEY", b"GFPYY"):
        assert word.decode() not in str(caught.value) + caught.value.advice


def test_what_is_no_secret_of_32_bytes_is_refused() -> None:
    """Anybody can encrypt anything to a public key; only 32 bytes are taken for a slot's secret."""
    identity = pyrage.x25519.Identity.generate()
    for length in (0, 31, 33, 1_000):
        file = pyrage.encrypt(bytes(length), [identity.to_public()])
        with pytest.raises(WrongKey, match="not a slot's secret"):
            age.parse_identities(bytearray(str(identity).encode())).open(text(RECIPIENT) + counted(file))


BAD_PARAMETERS = {
    "nothing": b"",
    "no file": text(RECIPIENT) + counted(b""),
    "another file": text(RECIPIENT) + counted(b"-----BEGIN AGE ENCRYPTED FILE-----\n"),
    "a file that is too long": text(RECIPIENT) + counted(AGE_FILE.ljust(4_097)),
    "something behind": text(RECIPIENT) + counted(AGE_FILE) + b"\0",
    "no recipient": text("") + counted(AGE_FILE),
    "a short recipient": text(RECIPIENT[:-1]) + counted(AGE_FILE),
    "a recipient with a control character": text(RECIPIENT[:-1] + "\x1b") + counted(AGE_FILE),
    "a recipient that is too long": text("age1" + "q" * 200) + counted(AGE_FILE),
    "an unknown key type": text("ssh-dss SHA256:" + "A" * 43) + counted(AGE_FILE),
    "a short fingerprint": text("ssh-rsa SHA256:" + "A" * 42) + counted(AGE_FILE),
    "a fingerprint with a line break": text("ssh-rsa SHA256:" + "A" * 42 + "\n") + counted(AGE_FILE),
    "a recipient that is not text": counted(b"\xff" * 62) + counted(AGE_FILE),
}


@pytest.mark.parametrize("case", BAD_PARAMETERS)
def test_parameters_out_of_bounds_are_refused(case: str) -> None:
    """Before anything is decrypted, and before anything is shown on a terminal."""
    with pytest.raises(Tampered, match="malformed slot parameters"):
        age.decode_parameters(BAD_PARAMETERS[case])


def test_the_longest_parameters_are_taken() -> None:
    """An RSA key of 16,384 bits needs 2,048 bytes and their base 64; the bound leaves room."""
    name = "ssh-ed25519 SHA256:" + "A" * 43
    longest = text(name) + counted(AGE_FILE.ljust(4_096))
    assert age.decode_parameters(longest) == (name, AGE_FILE.ljust(4_096))
    assert len(longest) <= registry.AGE_PARAMETERS_BYTES_MAX


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_age_file_never_gives_another_secret(place: int, change: int) -> None:
    """Every changed byte is WrongKey, or at worst spells the same file in another way."""
    identity = pyrage.x25519.Identity.generate()
    credential = age.new_age_credential(str(identity.to_public()))
    name, file = age.decode_parameters(credential.parameters)
    changed = bytearray(file)
    changed[place % len(file)] ^= change
    identities = age.parse_identities(bytearray(str(identity).encode()))
    try:
        opened = identities.open(text(name) + counted(changed))
    except (WrongKey, Tampered):
        return
    assert opened.secret(opened.parameters) == credential.secret(credential.parameters)


def test_identities_are_never_shown_or_copied() -> None:
    """repr hides them; pickle refuses."""
    identities = age.parse_identities(bytearray(str(pyrage.x25519.Identity.generate()).encode()))
    assert repr(identities) == "AgeIdentities(1, <hidden>)"
    with pytest.raises(TypeError):
        pickle.dumps(identities)
