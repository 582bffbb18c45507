"""Whatever bytes come in: readers of encrypted files and signatures refuse them in the words that are documented."""

from __future__ import annotations

import io

from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.credentials import armor, minisign, recipients, signing, ssh_keys, streams
from strongroom.credentials.age import bech32
from strongroom.credentials.identities import HybridIdentity, PassphraseIdentity, X25519Identity
from strongroom.credentials.recipients import HybridRecipient, Passphrase, X25519Recipient
from strongroom.credentials.signers import Signer, parse_signers
from strongroom.credentials.signing import SigningKey
from strongroom.credentials.ssh_keys import SshPublicKey
from strongroom.credentials.streaming import Source
from strongroom.crypto import hybrid
from strongroom.crypto.boxes import x25519_public
from strongroom.errors import Denied, FormatUnsupported, Tampered, WrongKey

PRIVATE, PUBLIC = hybrid.generate()
POINT = bytes(range(32))
REFUSALS = (Tampered, WrongKey, FormatUnsupported)


def _made(format: str, *, armored: bool) -> bytes:
    target = io.BytesIO()
    who = HybridRecipient(PUBLIC) if format == "strongroom" else X25519Recipient(x25519_public(POINT))
    streams.encrypt(io.BytesIO(b"plaintext"), target, [who], format=format, armor=armored)
    return target.getvalue()


FILES = [_made(format, armored=armored) for format in streams.FORMATS for armored in (False, True)]
with SigningKey(bytearray(POINT)) as _key:
    KEY_PUBLIC = _key.public
    SIGNATURES = [signing.sign_minisign(io.BytesIO(b""), _key), signing.sign_ssh(io.BytesIO(b""), _key)]
SIGNERS = [Signer("*", minisign.key_of(KEY_PUBLIC)), Signer("*", SshPublicKey(ssh_keys.ed25519_blob(KEY_PUBLIC)))]


@st.composite
def damaged(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """Something like one of *originals*: parts of it replaced, repeated, moved, or dropped."""
    data = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 40)))
        data[start:end] = draw(st.binary(max_size=40) | st.just(bytes(data[start:end]) * 2) | st.just(b""))
    return bytes(data)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400) | damaged(FILES))
def test_a_damaged_file_is_refused(data: bytes) -> None:
    """Or it is one of the originals, up to white space around armor."""
    who = [HybridIdentity(bytearray(PRIVATE)), X25519Identity(bytearray(POINT)), PassphraseIdentity(Passphrase("x"))]
    target = io.BytesIO()
    try:
        streams.decrypt(io.BytesIO(data), target, who)
    except REFUSALS:
        assert target.getvalue() == b""
        return
    assert target.getvalue() == b"plaintext"
    assert b"".join(data.split()) in [b"".join(file.split()) for file in FILES]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400) | damaged(SIGNATURES))
def test_a_damaged_signature_is_refused(data: bytes) -> None:
    """Or what was changed is the comment that nobody signed, or the ends of lines."""
    try:
        signing.check(io.BytesIO(b""), data, SIGNERS)
    except (*REFUSALS, Denied):
        return
    assert _signed(data) in [_signed(one) for one in SIGNATURES]


def _signed(data: bytes) -> bytes:
    """A signature without its first line, and without ends of lines that say nothing."""
    head, _, rest = data.replace(b"\r", b"").strip(b"\n").partition(b"\n")
    return rest.replace(b"\n", b"") if head.startswith(b"-----BEGIN") else rest


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_a_signers_file_is_read_or_refused(data: bytes) -> None:
    try:
        parse_signers(data)
    except ValueError:
        return


@settings(deadline=None)
@given(
    st.from_regex(r"[a-z*?!,@.]{1,12}", fullmatch=True),
    st.from_regex(r"[a-z*?!,]{0,12}", fullmatch=True),
    st.none() | st.integers(1, 4_000_000_000),
    st.none() | st.integers(1, 4_000_000_000),
    st.sampled_from(SIGNERS),
)
def test_a_signers_line_reads_back(
    principals: str, namespaces: str, after: int | None, before: int | None, signer: Signer
) -> None:
    made = Signer(principals, signer.key, namespaces=namespaces, valid_after=after, valid_before=before)
    (read,) = parse_signers(made.line().encode())
    assert read.line() == made.line()
    assert (read.principals, read.namespaces) == (principals, namespaces)
    assert (read.valid_after, read.valid_before) == (after, before)


@settings(deadline=None)
@given(st.binary(max_size=5_000), st.integers(1, 700), st.sampled_from([armor.AGE, armor.STRONGROOM]))
def test_armor_comes_back_however_it_is_cut(data: bytes, step: int, label: bytes) -> None:
    target = io.BytesIO()
    writer = armor.ArmorWriter(target, label)
    for place in range(0, len(data), step):
        writer.write(data[place : place + step])
    writer.finish()
    source = Source(io.BytesIO(target.getvalue()))
    assert armor.detect(source) == label
    read = Source(armor.ArmorReader(source, label)).take(len(data) + 1)
    assert read == data


@settings(deadline=None)
@given(st.from_regex(r"[a-z][a-z-]{0,9}", fullmatch=True), st.binary(max_size=200))
def test_bech32_comes_back_and_notices_a_mistake(prefix: str, data: bytes) -> None:
    word = bech32.encode(prefix, data)
    assert bech32.decode(word.encode(), prefix) == data
    assert bech32.decode(word.upper().encode(), prefix.upper()) == data
    place = len(prefix) + 1
    other = "q" if word[place] != "q" else "p"
    try:
        bech32.decode((word[:place] + other + word[place + 1 :]).encode(), prefix)
    except ValueError:
        return
    raise AssertionError("a mistyped letter went unnoticed")


def _private_keys() -> list[bytes]:
    """Private keys in the forms that ssh-keygen and openssl write."""
    from cryptography.hazmat.primitives import serialization as text
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    encoded = []
    for form in (text.PrivateFormat.OpenSSH, text.PrivateFormat.PKCS8):
        for key in (
            ed25519.Ed25519PrivateKey.generate(),
            rsa.generate_private_key(65_537, 2_048),
            ec.generate_private_key(ec.SECP256R1()),
        ):
            encoded.append(key.private_bytes(text.Encoding.PEM, form, text.NoEncryption()))
    return encoded


RECIPIENTS = [
    recipients.x25519_text(x25519_public(POINT)).encode(),
    recipients.hybrid_text(PUBLIC).encode(),
    ssh_keys.public_line(KEY_PUBLIC).encode(),
]
IDENTITIES = [bech32.encode("age-secret-key-", POINT).upper().encode(), *_private_keys()]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | damaged(RECIPIENTS))
def test_a_damaged_recipient_is_refused(data: bytes) -> None:
    try:
        for one in streams.parse_recipients(data):
            one.wrap_for_age(bytearray(16))
    except ValueError:
        return


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | damaged(IDENTITIES))
def test_a_damaged_identity_is_refused(data: bytes) -> None:
    """And the buffer that held it is wiped."""
    buffer = bytearray(data)
    try:
        for one in streams.parse_identities(buffer):
            one.wipe()
    except WrongKey:
        pass
    assert buffer == bytes(len(data))
