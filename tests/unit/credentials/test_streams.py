"""Encrypted streams: what is encrypted opens for those it is for, and any change is refused before it is released."""

from __future__ import annotations

import io
import os
import pickle

import pytest

from strongroom.credentials import identities, recipients, streams, suite1_files
from strongroom.credentials.age import bech32
from strongroom.credentials.identities import HybridIdentity, PassphraseIdentity, X25519Identity
from strongroom.credentials.recipients import HybridRecipient, Passphrase, X25519Recipient
from strongroom.credentials.signing import SigningKey, sign_ssh
from strongroom.credentials.streams import Identity
from strongroom.crypto import age, hybrid
from strongroom.errors import FormatUnsupported, Tampered, WrongKey
from strongroom.keys.slots.passphrase import Argon2idProfile, PassphraseCredential
from strongroom.wire import counted, u8, u32

BLOCK = 16 * 16_384
SIZES = (0, 1, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537, BLOCK - 1, BLOCK, BLOCK + 1, 2 * 8 * 65_536)


@pytest.fixture(autouse=True)
def cheap_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """What guessing costs is not what is tested here."""
    monkeypatch.setattr(recipients, "SCRYPT_WORK", 4)
    cheap = Argon2idProfile(memory_kib=19_456, iterations=1, lanes=1)
    monkeypatch.setattr(PassphraseCredential.__init__, "__kwdefaults__", {"profile": cheap})


HYBRID = age.hybrid_private(bytearray(32))
POINT = bytes.fromhex("8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f")
PAIRS = {
    "x25519": (X25519Recipient(POINT),
               lambda: X25519Identity(bytearray(range(32)))),
    "hybrid": (HybridRecipient(hybrid.public_key(HYBRID)), lambda: HybridIdentity(bytearray(HYBRID))),
    "passphrase": (None, lambda: PassphraseIdentity(Passphrase("correct horse"))),
}  # fmt: skip
CASES = [("age", "x25519"), ("age", "hybrid"), ("age", "passphrase"), ("strongroom", "hybrid"),
         ("strongroom", "passphrase")]  # fmt: skip


def encrypted(data: bytes, format: str, kind: str, *, armor: bool = False) -> bytes:
    target = io.BytesIO()
    recipient = PAIRS[kind][0] or Passphrase("correct horse")
    streams.encrypt(io.BytesIO(data), target, [recipient], format=format, armor=armor)
    return target.getvalue()


def decrypted(file: bytes, *who: Identity) -> bytes:
    target = io.BytesIO()
    streams.decrypt(io.BytesIO(file), target, who)
    return target.getvalue()


def test_the_x25519_pair_belongs_together() -> None:
    """The constant above is the public key of the private one (RFC 7748's base point)."""
    wrapped = age.wrap_x25519(bytes(16), POINT)
    assert age.unwrap_x25519(bytes(range(32)), *wrapped) == bytes(16)


@pytest.mark.parametrize(("format", "kind"), CASES)
@pytest.mark.parametrize("armor", [False, True])
def test_every_size_comes_back(format: str, kind: str, armor: bool) -> None:
    for size in SIZES if kind == "hybrid" else (0, 1, 65_536):
        data = os.urandom(size)
        file = encrypted(data, format, kind, armor=armor)
        assert decrypted(file, PAIRS[kind][1]()) == data, size
        assert file.isascii() == armor or size < 100
        if armor:
            assert max(map(len, file.splitlines())) <= 64


@pytest.mark.parametrize(("format", "kind"), CASES)
def test_others_do_not_open_it(format: str, kind: str) -> None:
    file = encrypted(b"data", format, kind)
    strangers: list[Identity] = [
        X25519Identity(bytearray(os.urandom(32))),
        HybridIdentity(hybrid.generate()[0]),
        PassphraseIdentity(Passphrase("wrong horse")),
    ]
    with pytest.raises(WrongKey, match="none of the keys at hand opens this file"):
        decrypted(file, *strangers)
    with pytest.raises(WrongKey):
        decrypted(file)
    assert decrypted(file, *strangers, PAIRS[kind][1]()) == b"data"


@pytest.mark.parametrize("format", streams.FORMATS)
@pytest.mark.parametrize("armor", [False, True])
def test_every_changed_byte_is_refused(format: str, armor: bool) -> None:
    """And nothing that was not written is released before; at the end nothing is released at all."""
    file = encrypted(b"some data", format, "hybrid", armor=armor)
    who = PAIRS["hybrid"][1]()
    ends = (file.index(b"\n"), len(file) - 1)
    for place in range(0, len(file), 1 if len(file) < 1_000 else 7):
        changed = bytearray(file)
        changed[place] ^= 1
        target = io.BytesIO()
        with pytest.raises((Tampered, WrongKey, FormatUnsupported)):
            streams.decrypt(io.BytesIO(changed), target, [who])
            raise AssertionError((place, ends))
        assert target.getvalue() == b""


@pytest.mark.parametrize("format", streams.FORMATS)
@pytest.mark.parametrize("armor", [False, True])
def test_a_cut_at_any_place_is_refused(format: str, armor: bool) -> None:
    file = encrypted(os.urandom(40_000), format, "hybrid", armor=armor)
    who = PAIRS["hybrid"][1]()
    for end in [*range(0, len(file) - 1, 997), *range(len(file) - 40, len(file) - (2 if armor else 0))]:
        with pytest.raises((Tampered, FormatUnsupported)):
            decrypted(file[:end], who)
    with pytest.raises(Tampered):
        decrypted(file + b"x", who)
    if armor:
        assert decrypted(file[:-1], who) == decrypted(b" \n\t" + file.replace(b"\n", b"\r\n") + b"\n \n", who)


@pytest.mark.parametrize("format", streams.FORMATS)
def test_a_cut_at_a_chunk_s_edge_is_refused(format: str) -> None:
    """What was released before is right as far as it goes, and the end says that it is not all."""
    data = os.urandom(4 * 8 * 65_536)
    file = encrypted(data, format, "hybrid")
    chunk = (65_536 if format == "age" else 16_384) + 16
    head = (len(file) - (len(data) + len(data) // (chunk - 16) * 16)) if format == "age" else None
    for chunks in (1, 8, 9, 16, 31):
        start = head if head is not None else len(file) - 16 - (chunk * (len(data) // 16_384))
        target = io.BytesIO()
        with pytest.raises(Tampered, match=r"cut|changed"):
            streams.decrypt(io.BytesIO(file[: start + chunks * chunk]), target, [PAIRS["hybrid"][1]()])
        assert data.startswith(target.getvalue())


def test_chunks_do_not_change_places() -> None:
    data = os.urandom(3 * 16_384)
    file = bytearray(encrypted(data, "strongroom", "hybrid"))
    full = 16_400
    start = len(file) - 16 - 3 * full
    file[start : start + full], file[start + full : start + 2 * full] = (
        file[start + full : start + 2 * full],
        file[start : start + full],
    )
    with pytest.raises(Tampered):
        decrypted(bytes(file), PAIRS["hybrid"][1]())


def test_a_header_cannot_stand_before_another_payload() -> None:
    """The payload is bound to its header: not one stanza can be added, dropped or exchanged."""
    one, two = encrypted(b"one", "strongroom", "hybrid"), encrypted(b"two", "strongroom", "hybrid")
    header = len(suite1_files.MAGIC) + 5 + int.from_bytes(one[8:12], "big")
    with pytest.raises(Tampered):
        decrypted(one[:header] + two[header:], PAIRS["hybrid"][1]())
    read = suite1_files.read_header(streams.Source(io.BytesIO(one)))
    more = suite1_files.make_header(read.file_id, [*read.stanzas, suite1_files.FileStanza(9, b"")])
    with pytest.raises(Tampered):
        decrypted(suite1_files.beginning(more) + one[header:], PAIRS["hybrid"][1]())


def test_several_recipients_each_open_it() -> None:
    keys = [hybrid.generate() for _ in range(3)]
    for format in streams.FORMATS:
        target = io.BytesIO()
        streams.encrypt(io.BytesIO(b"data"), target, [HybridRecipient(public) for _, public in keys], format=format)
        assert b"".join(decrypted(target.getvalue(), HybridIdentity(bytearray(key))) for key, _ in keys) == b"data" * 3


def test_who_cannot_stand_together() -> None:
    x25519, mixed = PAIRS["x25519"][0], PAIRS["hybrid"][0]
    alone = Passphrase("correct horse")
    for format, who, why in (
        ("age", [x25519, alone], "stands alone"),
        ("strongroom", [mixed, alone], "stands alone"),
        ("age", [x25519, mixed], "do not stand beside others"),
        ("age", [], "1 to 32"),
        ("strongroom", [], "1 to 32"),
        ("age", [x25519] * 33, "1 to 32"),
        ("strongroom", [mixed] * 33, "1 to 32"),
        ("strongroom", [x25519], "only age files have such"),
        ("zip", [x25519], "a format is one of"),
    ):
        target = io.BytesIO()
        with pytest.raises(ValueError, match=why):
            streams.encrypt(io.BytesIO(b"data"), target, who, format=format)
        assert target.getvalue() == b""


def own_header(*stanzas: tuple[int, bytes], suite: int = 1, count: int | None = None, more: bytes = b"") -> bytes:
    body = b"".join(u8(kind) + counted(data) for kind, data in stanzas)
    encoded = u8(suite) + bytes(16) + u32(len(stanzas) if count is None else count) + body + more
    return suite1_files.MAGIC + u8(1) + counted(encoded) + bytes(100)


BAD_HEADERS = {
    "another format": (suite1_files.MAGIC + u8(2) + counted(b""), FormatUnsupported),
    "another suite": (own_header((2, b""), suite=2), FormatUnsupported),
    "unknown stanzas alone": (own_header((9, b"x"), (77, b"")), FormatUnsupported),
    "no stanza": (own_header(), Tampered),
    "a passphrase beside others": (own_header((3, b""), (2, b"")), Tampered),
    "two passphrases": (own_header((3, b""), (3, b"")), Tampered),
    "a count too high": (own_header((2, b""), count=2), Tampered),
    "a count beyond bounds": (own_header((2, b""), count=33), Tampered),
    "bytes left over": (own_header((2, b""), more=b"x"), Tampered),
    "a stanza too long": (own_header((2, bytes(5_000))), Tampered),
    "a header too long": (suite1_files.MAGIC + u8(1) + u32(65_537), Tampered),
    "a header longer than the file": (suite1_files.MAGIC + u8(1) + u32(60_000) + bytes(100), Tampered),
    "cut in its first bytes": (suite1_files.MAGIC + u8(1), Tampered),
    "a hybrid stanza of another length": (own_header((2, bytes(1_167))), Tampered),
    "a passphrase stanza that is cut": (own_header((3, counted(b"\1"))), Tampered),
    "a passphrase that costs too much": (
        own_header((3, counted(u8(1) + bytes(32) + u32(4_000_000) + u32(3) + u32(4)) + bytes(104))), Tampered),
    "a passphrase that costs too little": (
        own_header((3, counted(u8(1) + bytes(32) + u32(8) + u32(1) + u32(1)) + bytes(104))), Tampered),
    "a passphrase stretched in a newer way": (own_header((3, counted(u8(9) + bytes(32)) + bytes(104))),
                                              FormatUnsupported),
    "neither format": (b"hello, this is no encrypted file", FormatUnsupported),
    "nothing": (b"", FormatUnsupported),
    "ours in age's armor": (b"-----BEGIN AGE ENCRYPTED FILE-----\nU1JGSUxFAAE=\n-----END AGE ENCRYPTED FILE-----\n",
                            Tampered),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_HEADERS)
def test_a_bad_header_is_refused(case: str) -> None:
    file, error = BAD_HEADERS[case]
    with pytest.raises(error):
        decrypted(file, PAIRS["hybrid"][1](), PAIRS["passphrase"][1]())


def test_an_age_header_has_bounds() -> None:
    endless = b"age-encryption.org/v1\n" + b"-> grease\n\n" * 200_000
    with pytest.raises(Tampered):
        decrypted(endless)
    with pytest.raises(Tampered):
        decrypted(b"age-encryption.org/v1\n-> " + b"x" * 5_000_000)


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "age1", "age1qqqq", "AGE1QQ", "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl",
        "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-dss AAAAB3NzaC1kc3MAAACB", "ecdsa-sha2-nistp256 AAAA", "age1é",
        "age1pq1qq",
        "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwk", "age1 x", "a" * 20_000,
    ],
)  # fmt: skip
def test_what_is_no_recipient_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        streams.parse_recipient(text)


def test_recipients_of_a_file() -> None:
    public = hybrid.generate()[1]
    text = recipients.hybrid_text(public)
    found = streams.parse_recipients(f"# team\n\n{text}\n{recipients.x25519_text(bytes(31) + b'1')}\n".encode())
    assert [type(one) for one in found] == [HybridRecipient, X25519Recipient]
    for bad in (b"# nobody\n", b"\xff", f"{text}\nx\n".encode()):
        with pytest.raises(ValueError):
            streams.parse_recipients(bad)


IDENTITY = bech32.encode("age-secret-key-", bytes(range(32))).upper().encode()
BAD_IDENTITIES = {
    "nothing": b"# only a comment\n",
    "a plug-in": b"AGE-PLUGIN-YUBIKEY-1QQQQ\n",
    "a mistyped letter": IDENTITY[:-1] + (b"Q" if IDENTITY[-1:] != b"Q" else b"P"),
    "lower case": IDENTITY.lower(),
    "a recipient": b"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
    "too short": bech32.encode("age-secret-key-", bytes(31)).upper().encode(),
    "not ASCII": "AGE-SECRET-KEY-1é".encode(),
    "too many": b"\n".join([IDENTITY] * 33),
    "itself encrypted": b"age-encryption.org/v1\n-> scrypt",
    "no SSH key": b"-----BEGIN OPENSSH PRIVATE KEY-----\nxxxx\n-----END OPENSSH PRIVATE KEY-----\n",
    "no PEM": b"-----BEGIN RSA PRIVATE KEY-----\nxxxx\n",
}


@pytest.mark.parametrize("case", BAD_IDENTITIES)
def test_what_is_no_identity_is_refused(case: str) -> None:
    """With the number of the line and without a letter of it; the buffer is wiped all the same."""
    data = bytearray(BAD_IDENTITIES[case])
    with pytest.raises(WrongKey) as caught:
        identities.parse_identities(data)
    assert data == bytes(len(BAD_IDENTITIES[case]))
    assert "QQQQ" not in str(caught.value) + caught.value.advice


def test_identities_and_passphrases_hide_and_forget() -> None:
    for made in (*identities.parse_identities(bytearray(IDENTITY)), Passphrase("x"), PAIRS["hybrid"][1]()):
        assert "<hidden>" in repr(made)
        with pytest.raises(TypeError):
            pickle.dumps(made)
    passphrase = Passphrase(bytearray(b"typed"))
    who = PassphraseIdentity(passphrase)
    who.wipe()
    with pytest.raises(ValueError, match="wiped"):
        passphrase.wrap_for_age(bytearray(16))
    with pytest.raises(ValueError, match="wiped"):
        passphrase.wrap(bytes(16), bytearray(32))
    key = bytearray(os.urandom(32))
    X25519Identity(key).wipe()
    assert key == bytes(32)


@pytest.mark.parametrize("bad", ["", "x\0", "x" * 5_000])
def test_what_cannot_be_a_passphrase(bad: str) -> None:
    with pytest.raises(ValueError, match="passphrase"):
        Passphrase(bad)


def test_a_stream_says_who_may_open_it() -> None:
    for format, kind in CASES:
        stream = streams.open_stream(io.BytesIO(encrypted(b"data", format, kind)))
        words = {"x25519": "X25519", "hybrid": "mlkem768x25519" if format == "age" else "recipient"}
        assert (stream.format, stream.kinds) == (format, (words.get(kind, kind),))


def test_progress_counts_what_was_read() -> None:
    seen: list[int] = []
    data = os.urandom(2_000_000)
    target = io.BytesIO()
    streams.encrypt(io.BytesIO(data), target, [HybridRecipient(hybrid.public_key(HYBRID))], progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == len(data)


class Slow:
    """Takes a few bytes at a time; `stuck` takes none."""

    def __init__(self, *, is_stuck: bool = False) -> None:
        self.data = bytearray()
        self.is_stuck = is_stuck

    def write(self, data: bytes | bytearray | memoryview, /) -> int | None:
        if self.is_stuck:
            return None
        piece = bytes(data[:1_000])
        self.data += piece
        return len(piece)


def test_outputs_that_take_little_at_a_time() -> None:
    slow = Slow()
    streams.encrypt(io.BytesIO(b"x" * 100_000), slow, [HybridRecipient(hybrid.public_key(HYBRID))], armor=True)
    assert decrypted(bytes(slow.data), PAIRS["hybrid"][1]()) == b"x" * 100_000
    with pytest.raises(BlockingIOError):
        streams.encrypt(io.BytesIO(b"x"), Slow(is_stuck=True), [HybridRecipient(hybrid.public_key(HYBRID))])


def test_bech32_s_own_vectors() -> None:
    """BIP 173: valid and invalid, as far as age's use of it has them."""
    for valid in (b"A12UEL5L", b"a12uel5l", b"abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw"):
        prefix = valid[: valid.rindex(b"1")].decode()
        assert bech32.encode(prefix.lower(), bech32.decode(valid, prefix)) == valid.lower().decode()
    for invalid, prefix in ((b"pzry9x0s0muk", "p"), (b"x1b4n0q5v", "x"), (b"A1G7SGD8", "A"), (b"a12UEL5L", "a")):
        with pytest.raises(ValueError):
            bech32.decode(invalid, prefix)


def test_rsa_recipients_have_bounds() -> None:
    """Too small to be safe, or too large to be borne."""
    from base64 import b64encode

    from strongroom.wire import text as counted_text

    def line(bits: int) -> str:
        modulus = (2 ** (bits - 1) + 1).to_bytes(bits // 8 + 1, "big")
        return "ssh-rsa " + b64encode(counted_text("ssh-rsa") + counted(b"\1\0\1") + counted(modulus)).decode()

    for bits, why in ((1_024, "RSA key has"), (16_384 + 8, "not an SSH public key")):
        with pytest.raises(ValueError, match=why):
            streams.parse_recipient(line(bits))
    neutral = b64encode(counted_text("ssh-ed25519") + counted(b"\1" + bytes(31))).decode()
    with pytest.raises(ValueError):
        streams.parse_recipient(f"ssh-ed25519 {neutral}")


def test_a_stream_is_unlocked_before_it_is_written() -> None:
    stream = streams.open_stream(io.BytesIO(encrypted(b"data", "age", "hybrid")))
    with pytest.raises(ValueError, match="unlock"):
        stream.write_to(io.BytesIO())
    with pytest.raises(WrongKey):
        stream.unlock([X25519Identity(bytearray(os.urandom(32)))])
    stream.unlock([PAIRS["hybrid"][1]()])
    target = io.BytesIO()
    stream.write_to(target)
    assert target.getvalue() == b"data"


def test_an_armored_file_of_the_other_program_says_so() -> None:
    """The mark around a file is part of its format."""
    file = encrypted(b"data", "strongroom", "hybrid", armor=True)
    with pytest.raises(Tampered):
        decrypted(file.replace(b"STRONGROOM", b"AGE"), PAIRS["hybrid"][1]())
    with pytest.raises(Tampered):
        decrypted(file.replace(b"BEGIN STRONGROOM", b"BEGIN AGE"), PAIRS["hybrid"][1]())


def test_a_recipient_of_small_order_is_no_recipient() -> None:
    for point in (bytes(32), b"\1" + bytes(31)):
        with pytest.raises(ValueError, match="small order"):
            streams.encrypt(io.BytesIO(b""), io.BytesIO(), [X25519Recipient(point)])


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"mixed"])
def test_large_armor_with_any_ends_of_lines(ending: bytes) -> None:
    """Read in bulk or line by line, it is the same; a stray character in the middle is refused in both ways."""
    data = os.urandom(500_000)
    lines = encrypted(data, "strongroom", "hybrid", armor=True).splitlines()
    ends = [ending] * len(lines) if ending != b"mixed" else [b"\n", b"\r\n"] * len(lines)
    file = b"".join(line + end for line, end in zip(lines, ends, strict=False))
    assert decrypted(file, PAIRS["hybrid"][1]()) == data
    for place in (70_000, 70_000 + 64, 300_001):
        for stray in (b"\n", b"\r", b" ", b"=", b"-", b"\r\n"):
            with pytest.raises(Tampered):
                decrypted(file[:place] + stray + file[place:], PAIRS["hybrid"][1]())


class Fitful(io.BytesIO):
    """Has nothing now and then, and does not wait."""

    def readinto(self, buffer: object) -> int | None:  # type: ignore[override]
        if self.tell() == 5:
            return None
        return super().readinto(memoryview(buffer)[:5])  # type: ignore[arg-type]


def test_nothing_yet_is_not_the_end() -> None:
    """A source that does not block is refused, and never taken for one that has ended."""
    target = io.BytesIO()
    with pytest.raises(BlockingIOError):
        streams.encrypt(Fitful(b"0123456789"), target, [HybridRecipient(hybrid.public_key(HYBRID))])
    with pytest.raises(BlockingIOError):
        streams.open_stream(Fitful(b"0123456789"))
    with SigningKey(bytearray(32)) as key, pytest.raises(BlockingIOError):
        sign_ssh(Fitful(b"0123456789"), key)
