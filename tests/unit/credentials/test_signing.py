"""Signatures of files: what is made is checked, and what was changed, belongs to others or is out of time is not."""

from __future__ import annotations

import io
import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from strongroom.credentials import minisign, signing, ssh_keys, sshsig
from strongroom.credentials.signers import Signer, matches, parse_signers, parse_time
from strongroom.credentials.signing import SigningKey
from strongroom.credentials.ssh_keys import SshPublicKey
from strongroom.crypto.digest import sha256
from strongroom.errors import Denied, Expired, FormatUnsupported, StrongroomError, Tampered, WrongKey
from strongroom.wire import counted, text

FILE = b"release " * 100_000
NOW = 1_800_000_000.0


def key(number: int = 1, purpose: str = "") -> SigningKey:
    return SigningKey(bytearray([number] * 32), purpose=purpose)


def signer(made: SigningKey, kind: str, **bounds: int) -> Signer:
    """A line of a signers file for a key of ours, through its text."""
    public = minisign.key_of(made.public) if kind == "minisign" else SshPublicKey(ssh_keys.ed25519_blob(made.public))
    (line,) = parse_signers(Signer("releases@example.org", public, **bounds).line().encode())
    return line


def signed(kind: str, made: SigningKey, data: bytes = FILE) -> bytes:
    if kind == "minisign":
        return signing.sign_minisign(io.BytesIO(data), made, name="release.tar")
    return signing.sign_ssh(io.BytesIO(data), made)


KINDS = ("minisign", "ssh")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("data", [b"", b"x", FILE])
def test_what_is_signed_checks(kind: str, data: bytes) -> None:
    made = key()
    seen: list[int] = []
    checked = signing.check(
        io.BytesIO(data), signed(kind, made, data), [signer(key(2), kind), signer(made, kind)], progress=seen.append
    )
    assert (checked.format, checked.principals) == (kind, "releases@example.org")
    assert ("file:release.tar" in checked.comment) == (kind == "minisign")
    assert checked.namespace == ("" if kind == "minisign" else "file")
    assert seen[-1:] == ([len(data)] if data else [])


@pytest.mark.parametrize("kind", KINDS)
def test_every_changed_byte_of_a_signature_is_refused(kind: str) -> None:
    """The untrusted comment alone may change: it is not signed."""
    made = key()
    signature = signed(kind, made, b"data")
    first = signature.index(b"\n") if kind == "minisign" else 0
    for place in range(first, len(signature)):
        changed = bytearray(signature)
        changed[place] ^= 1
        try:
            signing.check(io.BytesIO(b"data"), bytes(changed), [signer(made, kind)])
        except StrongroomError:
            continue
        assert bytes(changed[place : place + 1]) in (b"\x0b", b"\n"), (place, bytes(changed))


@pytest.mark.parametrize("kind", KINDS)
def test_another_file_or_another_signer_is_refused(kind: str) -> None:
    made = key()
    signature = signed(kind, made, b"data")
    for other in (b"", b"Data", b"data\0", b"dat"):
        with pytest.raises(Tampered, match="does not fit"):
            signing.check(io.BytesIO(other), signature, [signer(made, kind)])
    for signers in ([], [signer(key(2), kind)], [signer(made, KINDS[kind == "minisign"])]):
        with pytest.raises(WrongKey, match="nobody among the signers"):
            signing.check(io.BytesIO(b"data"), signature, signers)
    with pytest.raises(WrongKey):
        signing.check(io.BytesIO(b"data"), signature, [signer(made, kind)], principal="somebody@example.org")
    signing.check(io.BytesIO(b"data"), signature, [signer(made, kind)], principal="releases@example.org")


def test_a_key_with_a_borrowed_id_is_refused() -> None:
    """A minisign id is anybody's to choose: only the key decides, and all with that id are tried."""
    made, other = key(), key(2)
    signature = signed("minisign", made)
    thief = Signer("*", minisign.MinisignKey(minisign.key_of(made.public).key_id, other.public))
    with pytest.raises(Tampered, match="does not fit"):
        signing.check(io.BytesIO(FILE), signature, [thief])
    signing.check(io.BytesIO(FILE), signature, [thief, signer(made, "minisign")])


def test_the_trusted_comment_is_signed() -> None:
    made = key()
    signature = signed("minisign", made)
    with pytest.raises(Tampered, match="does not fit"):
        signing.check(io.BytesIO(FILE), signature.replace(b"release.tar", b"payroll.tar"), [signer(made, "minisign")])


@pytest.mark.parametrize("kind", KINDS)
def test_keys_overlap_while_one_takes_over(kind: str) -> None:
    """Until its last second the old key is good beside the new one; then the new one alone."""
    old, new = key(1), key(2)
    day = 86_400
    signers = [
        signer(old, kind, valid_before=int(NOW) + 30 * day),
        signer(new, kind, valid_after=int(NOW)),
    ]
    by_old, by_new = signed(kind, old), signed(kind, new)

    def accepted(signature: bytes, at: float) -> bool:
        try:
            signing.check(io.BytesIO(FILE), signature, signers, at=at)
        except Expired:
            return False
        return True

    for at, expected in (
        (NOW - day, (True, False)),
        (NOW + day, (True, True)),
        (NOW + 30 * day, (True, True)),
        (NOW + 30 * day + 1, (False, True)),
    ):
        assert (accepted(by_old, at), accepted(by_new, at)) == expected, at


def test_the_time_in_a_signature_is_not_asked() -> None:
    """Whoever has an old key can write any time: a date in the comment revives nothing."""
    old = key()
    backdated = signing.sign_minisign(io.BytesIO(FILE), old, comment="timestamp:1\tfile:x\thashed")
    with pytest.raises(Expired, match="was valid until"):
        signing.check(io.BytesIO(FILE), backdated, [signer(old, "minisign", valid_before=int(NOW) - 1)], at=NOW)


def test_a_namespace_is_what_the_signature_is_for() -> None:
    made = key()
    signature = signing.sign_ssh(io.BytesIO(FILE), made, namespace="git")
    with pytest.raises(Denied, match="namespace git, not for file"):
        signing.check(io.BytesIO(FILE), signature, [signer(made, "ssh")])
    signing.check(io.BytesIO(FILE), signature, [signer(made, "ssh")], namespace="git")
    line = f'a@b namespaces="file,mail-*" {ssh_keys.public_line(made.public)}'.encode()
    with pytest.raises(Denied, match="does not sign for the namespace git"):
        signing.check(io.BytesIO(FILE), signature, parse_signers(line), namespace="git")


def test_a_key_signs_for_its_purpose_only() -> None:
    with pytest.raises(Denied, match="signs for minisign only"):
        signing.sign_ssh(io.BytesIO(FILE), key(purpose="minisign"))
    with pytest.raises(Denied, match="signs for ssh:git only"):
        signing.sign_ssh(io.BytesIO(FILE), key(purpose="ssh:git"))
    with pytest.raises(Denied, match="signs for ssh:git only"):
        signing.sign_minisign(io.BytesIO(FILE), key(purpose="ssh:git"))
    signing.sign_minisign(io.BytesIO(FILE), key(purpose="minisign"))
    signing.sign_ssh(io.BytesIO(FILE), key(purpose="ssh:file"))


def test_a_signing_key_hides_and_forgets_its_seed() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SigningKey(bytearray(31))
    seed = bytearray([9] * 32)
    with SigningKey(seed) as made:
        assert "hidden" in repr(made)
        with pytest.raises(TypeError):
            pickle.dumps(made)
    assert seed == bytes(32)
    with pytest.raises(ValueError, match="wiped"):
        signing.sign_ssh(io.BytesIO(b""), made)


@pytest.mark.parametrize("comment", ["two\nlines", "\x1b[2J", "x" * 9_000, "a\u2028b"])
def test_a_comment_is_one_plain_line(comment: str) -> None:
    with pytest.raises(ValueError, match="comment"):
        signing.sign_minisign(io.BytesIO(b""), key(), comment=comment)


def test_a_file_name_cannot_forge_the_comment() -> None:
    signature = signing.sign_minisign(io.BytesIO(b""), key(), name="x\nuntrusted comment: y\t\x1b")
    assert len(signature.splitlines()) == 4
    assert b"\x1b" not in signature


@pytest.mark.parametrize("namespace", ["", "two words", 'a"b', "a,b", "a\n", "x" * 300])
def test_a_namespace_is_one_word(namespace: str) -> None:
    with pytest.raises(ValueError, match="namespace"):
        signing.sign_ssh(io.BytesIO(b""), key(), namespace=namespace)


NOT_SIGNATURES = {
    "empty": b"",
    "text": b"hello",
    "minisign, cut": signed("minisign", key())[:-20],
    "minisign, a line too many": signed("minisign", key()) + b"x\n",
    "minisign, no base64": signed("minisign", key()).replace(b"\nR", b"\n!"),
    "minisign, an unknown algorithm": signed("minisign", key()).replace(b"\nRU", b"\nRX"),
    "minisign, too long": signed("minisign", key()).replace(b"file:", b"file:" + b"x" * 9_000),
    "minisign, much too long": b"untrusted comment: " + b"x" * 20_000,
    "ssh, cut": signed("ssh", key())[:-40],
    "ssh, no base64": signed("ssh", key()).replace(b"\nU1", b"\n!1"),
    "ssh, not its magic": signed("ssh", key()).replace(b"\nU1NI", b"\nU1NJ"),
    "ssh, too long": b"-----BEGIN SSH SIGNATURE-----\n" + b"A" * 40_000 + b"\n-----END SSH SIGNATURE-----",
}


@pytest.mark.parametrize("case", NOT_SIGNATURES)
def test_what_is_no_signature_is_refused(case: str) -> None:
    with pytest.raises((Tampered, FormatUnsupported)):
        signing.check(io.BytesIO(FILE), NOT_SIGNATURES[case], [signer(key(), "minisign"), signer(key(), "ssh")])


def ssh_signature(blob: bytes, signature: bytes, *, version: int = 1, hash_name: str = "sha512") -> bytes:
    made = sshsig.SshSignature(SshPublicKey(blob), "file", hash_name, signature).encode()
    return made if version == 1 else made.replace(b"U1NIU0lHAAAAAQ", b"U1NIU0lHAAAAAg")


def test_ssh_signatures_of_other_versions_and_hashes_are_refused() -> None:
    made = key()
    blob = ssh_keys.ed25519_blob(made.public)
    good = sshsig.ed25519_signature(bytes(64))
    for bad in (ssh_signature(blob, good, version=2), ssh_signature(blob, good, hash_name="sha1")):
        with pytest.raises(FormatUnsupported):
            signing.check(io.BytesIO(FILE), bad, [signer(made, "ssh")])


def sk_case(kind: str, *, flags: int = 1, application: bytes = b"ssh:") -> tuple[bytes, bytes]:
    """A hardware key's public blob and its signature of FILE, made as PROTOCOL.u2f says."""
    message = sshsig.message("file", "sha512", signing._digest(io.BytesIO(FILE), "sha512", None))
    tail = bytes((flags,)) + bytes((0, 0, 0, 7))
    what = sha256(application) + tail + sha256(message)
    if "ed25519" in kind:
        private = Ed25519PrivateKey.from_private_bytes(bytes([5] * 32))
        blob = text(kind) + counted(private.public_key().public_bytes_raw()) + counted(application)
        return blob, text(kind) + counted(private.sign(what)) + tail
    secret = ec.derive_private_key(77, ec.SECP256R1())
    numbers = secret.public_key().public_numbers()
    point = b"\4" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
    pair = decode_dss_signature(secret.sign(what, ec.ECDSA(SHA256())))
    raw = b"".join(counted(number.to_bytes(33, "big")) for number in pair)
    return text(kind) + text("nistp256") + counted(point) + counted(application), text(kind) + counted(raw) + tail


@pytest.mark.parametrize("kind", ssh_keys._HARDWARE)
def test_hardware_keys_are_checked(kind: str) -> None:
    blob, raw = sk_case(kind)
    signers = [Signer("*", SshPublicKey(blob))]
    signing.check(io.BytesIO(FILE), ssh_signature(blob, raw), signers)
    changed = [raw[:-1] + b"\x08", sk_case(kind, flags=0)[1], sk_case(kind, application=b"web")[1], raw[:-5]]
    for bad in changed:
        with pytest.raises(Tampered):
            signing.check(io.BytesIO(FILE), ssh_signature(blob, bad), signers)


BAD_LINES = {
    "no key": b"a@b",
    "an option nobody knows": b'a@b verify-required="x" ssh-ed25519 AAAA',
    "a certificate authority": b"a@b cert-authority " + ssh_keys.public_line(key().public).encode(),
    "an option twice": b'a@b namespaces="a",namespaces="b" ' + ssh_keys.public_line(key().public).encode(),
    "an open quotation mark": b'"a b ssh-ed25519 AAAA',
    "an option without quotation marks": b"a@b namespaces=file " + ssh_keys.public_line(key().public).encode(),
    "a time that is none": b'a@b valid-after="20261301" ' + ssh_keys.public_line(key().public).encode(),
    "a time of another form": b'a@b valid-after="2026-01-01" ' + ssh_keys.public_line(key().public).encode(),
    "base64 with blanks inside": b"a@b ssh-ed25519 AAAAC3NzaC1l!ZDI1NTE5",
    "a key of another kind than it says": ssh_keys.public_line(key().public).replace("-ed25519", "-rsa").encode(),
    "not text": b"\xff\xfe",
    "nothing": b"# only a comment\n",
    "only kinds that are not known": b"a@b ssh-dss AAAAB3NzaC1kc3MAAACB\n",
    "minisign without a key": b"a@b minisign RWQ\n",
    "too long": b"#" * 1_100_000,
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_LINES)
def test_a_malformed_signers_file_is_refused(case: str) -> None:
    with pytest.raises(ValueError):
        parse_signers(BAD_LINES[case])


def test_what_a_signers_file_says() -> None:
    line = ssh_keys.public_line(key().public, "laptop")
    data = f'''# people
"two people,!evil@*" namespaces="file,git",valid-after="20260101Z",valid-before="20270101120000Z" {line}
a@b ssh-dss AAAAB3NzaC1kc3MAAACB
'''
    (first,) = parse_signers(data.encode())
    assert (first.principals, first.namespaces) == ("two people,!evil@*", "file,git")
    assert (first.valid_after, first.valid_before) == (1_767_225_600, 1_798_804_800)
    keys = f"{line}\nuntrusted comment: minisign public key\n{minisign.key_of(key().public).encode()}\n"
    second, third = parse_signers(keys.encode())
    assert (second.principals, third.principals) == ("*", "*")
    with pytest.raises(ValueError, match="line 4: it does not begin with a principal"):
        parse_signers((data + keys).encode())
    (again,) = parse_signers(first.line().encode())
    assert again.line() == first.line()


def test_patterns_and_times_are_openssh_s() -> None:
    assert matches("a@b", "*@b") and matches("a@b", "c,a@?") and matches("file", "file")
    assert not matches("a@b", "*,!a@b") and not matches("a@b", "a@") and not matches("a", "")
    assert matches("x" * 2_000, "*x" * 500) and not matches("x" * 2_000, "*x" * 500 + "y")
    assert parse_time("20260101Z") == 1_767_225_600
    assert parse_time("202601010000Z") == parse_time("20260101000000Z") == parse_time("20260101Z")


def test_the_older_kind_of_minisign_is_checked() -> None:
    """``Ed``: over the file itself."""
    made = key()
    raw = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32)).sign(FILE)
    seal = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32)).sign(raw + b"old")
    known = minisign.key_of(made.public)
    old = minisign.MinisignSignature(minisign.LEGACY, known.key_id, raw, "old", seal).encode("x")
    assert signing.check(io.BytesIO(FILE), old, [signer(made, "minisign")]).comment == "old"
    # The same bytes, said to be of the newer kind, do not fit.
    newer = minisign.MinisignSignature(minisign.PREHASHED, known.key_id, raw, "old", seal).encode("x")
    with pytest.raises(Tampered):
        signing.check(io.BytesIO(FILE), newer, [signer(made, "minisign")])


def test_the_older_kind_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "LEGACY_BYTES_MAX", 1_000)
    with pytest.raises(FormatUnsupported, match="1 GiB"):
        signing._whole(io.BytesIO(bytes(1_001)))
    assert len(signing._whole(io.BytesIO(bytes(1_000)))) == 1_000


def mpint(number: int) -> bytes:
    length = number.bit_length() // 8 + 1
    return counted(number.to_bytes(length, "big"))


ED25519_LINE = ssh_keys.public_line(key().public)
STRANGE_KEYS = {
    "RSA of 1,024 bits": text("ssh-rsa") + mpint(65_537) + mpint(2**1023 + 1),
    "RSA of 32,768 bits, nearly": text("ssh-rsa") + mpint(65_537) + mpint(2**16_384 + 1),
    "RSA with an even exponent": text("ssh-rsa") + mpint(65_536) + mpint(2**2047 + 1),
    "RSA with a negative modulus": text("ssh-rsa") + mpint(65_537) + counted(b"\x80" * 256),
    "RSA, cut": text("ssh-rsa") + mpint(65_537),
    "a curve that is another one than its name says": text("ecdsa-sha2-nistp256") + text("nistp384") + counted(b"\4"),
    "a point that is none": text("ecdsa-sha2-nistp256") + text("nistp256") + counted(b"\4" + bytes(64)),
    "an Ed25519 key of 31 bytes": text("ssh-ed25519") + counted(bytes(31)),
    "an Ed25519 key of small order": text("ssh-ed25519") + counted(bytes(32)),
    "a hardware key without its application": text("sk-ssh-ed25519@openssh.com") + counted(bytes(32)),
}


@pytest.mark.parametrize("case", STRANGE_KEYS)
def test_a_strange_ssh_key_verifies_nothing(case: str) -> None:
    """Refused before any arithmetic where a bound says so, and in the usual words else."""
    blob = STRANGE_KEYS[case]
    kind = SshPublicKey(blob).kind
    algorithm = {"ssh-rsa": "rsa-sha2-512"}.get(kind, kind)
    raw = counted(mpint(1) + mpint(1)) if "ecdsa" in kind else counted(bytes(64))
    tail = b"\1" + bytes(4) if kind.startswith("sk-") else b""
    with pytest.raises((Tampered, FormatUnsupported)):
        signing.check(
            io.BytesIO(FILE), ssh_signature(blob, text(algorithm) + raw + tail), [Signer("*", SshPublicKey(blob))]
        )


def test_a_signature_must_be_of_its_key_s_kind() -> None:
    """RSA with SHA-1, an Ed25519 signature under another name, and a software signature under a hardware key."""
    rsa = text("ssh-rsa") + mpint(65_537) + mpint(2**2047 + 1)
    ed25519 = ssh_keys.ed25519_blob(key().public)
    hardware = sk_case("sk-ssh-ed25519@openssh.com")[0]
    good = sshsig.parse_signature(signed("ssh", key()))._signature
    for blob, raw, error in (
        (rsa, text("ssh-rsa") + counted(bytes(256)), FormatUnsupported),
        (rsa, text("ssh-dss") + counted(bytes(256)), FormatUnsupported),
        (ed25519, text("ssh-rsa") + good[len(text("ssh-ed25519")) :], Tampered),
        (hardware, good + b"\1" + bytes(4), Tampered),
    ):
        with pytest.raises(error):
            signing.check(io.BytesIO(FILE), ssh_signature(blob, raw), [Signer("*", SshPublicKey(blob))])
    with pytest.raises(FormatUnsupported):
        SshPublicKey(text("ssh-dss") + mpint(1))
    with pytest.raises(ValueError, match="another kind"):
        ssh_keys.parse_public(["ssh-rsa", ED25519_LINE.split()[1]])


def test_names_that_only_look_alike() -> None:
    """A key asked for what it is not says so."""
    with pytest.raises(Tampered):
        SshPublicKey(ssh_keys.ed25519_blob(key().public)).rsa()
    with pytest.raises(Tampered):
        SshPublicKey(text("ssh-rsa") + counted(bytes(32))).ed25519()
    with pytest.raises(ValueError, match="not a minisign public key"):
        minisign.parse_key("RWQ!")
    assert minisign.key_of(key().public).as_file().startswith("untrusted comment: minisign public key ")
