"""Encrypted files and signatures frozen in the first format still open, with strongroom and with a verifier of its own.

The verifier is written from docs/format.md#encrypted-files and shares no line with strongroom; suite 1, HPKE and
the contexts are those of test_strongroom_v1.py. Source: files-v1.json, make_files_v1.py.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import unicodedata
from base64 import b64decode
from io import BytesIO
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from strongroom.credentials import minisign, ssh_keys, streams, suite1_files
from strongroom.credentials.identities import HybridIdentity, PassphraseIdentity
from strongroom.credentials.recipients import Passphrase
from strongroom.credentials.signers import Signer
from strongroom.credentials.signing import SigningKey, check, sign_minisign, sign_ssh
from strongroom.credentials.ssh_keys import SshPublicKey
from strongroom.crypto import aead, age
from tests.vectors.test_strongroom_v1 import _context, _Cursor, _expand, _hpke_open, _open_message

FROZEN = json.loads((Path(__file__).parent / "files-v1.json").read_text())
CONTENT = bytes(range(256)) * 130
FILES = {name: b64decode(FROZEN[name]["file"]) for name in ("named_key", "recipient", "passphrase")}


def _read(name: str) -> tuple[bytes, bytes, list[tuple[int, _Cursor]], bytes]:
    """File id, header, stanzas and payload."""
    cursor = _Cursor(FILES[name])
    assert cursor.take(8) == b"SRFILE\0\x01"
    header, payload = cursor.counted(), cursor.data
    cursor = _Cursor(header)
    assert cursor.take(1) == b"\x01"
    file_id = cursor.take(16)
    stanzas = [(cursor.number(1), _Cursor(cursor.counted())) for _ in range(cursor.number(4))]
    assert not cursor.data
    return file_id, header, stanzas, payload


def _check_payload(file_key: bytes, file_id: bytes, header: bytes, payload: bytes) -> None:
    assert len(file_key) == 32
    assert _open_message(file_key, payload, _context(file_id, 33, 0, header)) == CONTENT


def test_the_verifier_opens_the_file_for_a_named_key() -> None:
    file_id, header, [(kind, body)], payload = _read("named_key")
    assert kind == 1
    bound = body.take(20)
    assert bound == bytes.fromhex(FROZEN["named_key"]["key_id"]) + FROZEN["named_key"]["version"].to_bytes(4, "big")
    wrapped = body.counted()
    assert (len(wrapped), body.data) == (104, b"")
    context = _context(file_id, 32, 0, b"\x01", bound)
    _check_payload(_open_message(bytes.fromhex(FROZEN["named_key"]["key"]), wrapped, context), file_id, header, payload)


def test_the_verifier_opens_the_file_for_a_recipient() -> None:
    """The second of two; which one it is for stands nowhere."""
    file_id, header, stanzas, payload = _read("recipient")
    assert [(kind, len(body.data)) for kind, body in stanzas] == [(2, 1_168)] * 2
    private = hashlib.shake_256(bytes.fromhex(FROZEN["recipient"]["seed"])).digest(96)
    mlkem = MLKEM768PrivateKey.from_seed_bytes(private[:64]).public_key().public_bytes_raw()
    public = mlkem + X25519PrivateKey.from_private_bytes(private[64:]).public_key().public_bytes_raw()
    context = _context(file_id, 32, 0, b"\x02", public)
    _check_payload(_hpke_open(private, public, stanzas[1][1].data, context), file_id, header, payload)


def test_the_verifier_opens_the_file_for_a_passphrase() -> None:
    file_id, header, [(kind, body)], payload = _read("passphrase")
    assert kind == 3
    parameters = body.counted()
    assert len(body.data) == 104
    cursor = _Cursor(parameters)
    assert cursor.take(1) == b"\x01"
    salt, (memory, iterations, lanes) = cursor.take(32), (cursor.number(4) for _ in range(3))
    normal = unicodedata.normalize("NFC", FROZEN["passphrase"]["passphrase"]).encode()
    prepared = hmac.digest(b"strongroom/v1/passphrase", normal, "sha256")
    stretch = Argon2id(salt=salt, length=32, iterations=iterations, lanes=lanes, memory_cost=memory)
    extracted = hmac.digest(b"strongroom/v1/file", stretch.derive(prepared), "sha512")
    key = _expand(extracted, b"strongroom/v1/file-kek\0" + file_id + parameters, 32)
    file_key = _open_message(key, body.data, _context(file_id, 32, 0, b"\x03", parameters))
    _check_payload(file_key, file_id, header, payload)


def test_strongroom_opens_the_files() -> None:
    seed = bytearray.fromhex(FROZEN["recipient"]["seed"])
    for name, who in (
        ("recipient", HybridIdentity(age.hybrid_private(seed))),
        ("passphrase", PassphraseIdentity(Passphrase(FROZEN["passphrase"]["passphrase"]))),
    ):
        target = BytesIO()
        streams.decrypt(BytesIO(FILES[name]), target, [who])
        assert target.getvalue() == CONTENT, name


def test_strongroom_reads_the_named_key_s_header() -> None:
    """The key itself is a vault's: what it would unwrap is what the verifier unwraps."""
    header = suite1_files.read_header(streams.Source(BytesIO(FILES["named_key"])))
    assert suite1_files.make_header(header.file_id, header.stanzas).encoded == header.encoded
    bound = header.stanzas[0].body[:20]
    context = suite1_files.key_context(header.file_id, suite1_files.NAMED_KEY, bound)
    key = bytes.fromhex(FROZEN["named_key"]["key"])
    assert len(aead.unwrap(key, header.stanzas[0].body[24:], context)) == 32


def test_the_signatures_are_made_again_byte_for_byte() -> None:
    """Ed25519 is deterministic: of the same file, comment and key comes the same signature; and it is what it says."""
    frozen = FROZEN["signature"]
    seed = bytes.fromhex(frozen["seed"])
    with SigningKey(bytearray(seed)) as key:
        comment = "timestamp:1795000000\tfile:content\thashed"
        assert sign_minisign(BytesIO(CONTENT), key, comment=comment).decode() == frozen["minisig"]
        assert sign_ssh(BytesIO(CONTENT), key).decode() == frozen["sshsig"]
        ssh = Signer("*", SshPublicKey(ssh_keys.ed25519_blob(key.public)))
        own = Signer("*", minisign.key_of(key.public))
        for signature, signer in ((frozen["minisig"], own), (frozen["sshsig"], ssh)):
            check(BytesIO(CONTENT), signature.encode(), [signer])
    lines = frozen["minisig"].splitlines()
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    first = b64decode(lines[1])
    assert (first[:2], first[2:10]) == (b"ED", hashlib.sha256(public.public_bytes_raw()).digest()[:8])
    public.verify(first[10:], hashlib.blake2b(CONTENT).digest())
    public.verify(b64decode(lines[3]), first[10:] + comment.encode())
