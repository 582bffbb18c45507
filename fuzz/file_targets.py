"""The parsers of files, messages and texts that come from elsewhere."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fuzz import exports
from fuzz.target import Target
from strongroom import encrypted_files
from strongroom.credentials import minisign, recipients, signers, signing, sshsig, streams
from strongroom.credentials.identities import X25519Identity, parse_identities
from strongroom.credentials.issued_token_text import find, recognise
from strongroom.credentials.password_strings import registry as password_strings
from strongroom.credentials.recipients import HybridRecipient, X25519Recipient
from strongroom.crypto import fernet, hybrid
from strongroom.crypto.boxes import x25519_public
from strongroom.crypto.x509.certificates import load_pem_certificates
from strongroom.crypto.x509.keys import load_key, load_key_pem
from strongroom.crypto.x509.names import parse_name
from strongroom.crypto.x509.requests import check_request
from strongroom.encrypted_files.recipients import FileRecipient
from strongroom.encrypted_files.sops import file as sops_file
from strongroom.encrypted_files.sops import writing as sops_writing
from strongroom.errors import StrongroomError
from strongroom.formats import ansible_vault, dotenvx_file, references, references_in_text
from strongroom.formats import registry as formats
from strongroom.formats.dotenv import DIALECTS
from strongroom.formats.interface import BadFile
from strongroom.remote import answers, messages, targets
from strongroom.service import json_text
from strongroom.service.refusals import Refused
from strongroom.stores import postgres_address
from strongroom.testing.certificates import TestingAuthority

POINT = bytes(range(32))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = {
    "toml": b'a = 1\n[t."x.y"]\nb = ["c", 1.5, 2020-01-01]\n',
    "json": b'{"a": {"b": [1, "x", null, true]}, "c": 1.5e3}',
    "yaml": b"a: &x\n  b: [1, 'y']\nc: *x\nd: |\n  text\n",
    "ini": b"[s]\na = 1\nb: 2\n",
    "netrc": b"machine a.test login me password x\nmacdef init\ncd /\n\n",
    "xml": b'<settings><server id="a"><password>x</password></server></settings>',
    "kv": b'{"data": {"data": {"a": "b"}, "metadata": {"version": 1}}}',
    "python": b'KEY = "x"\nD = {"a": ["b", 1]}\n',
    "dotenv": b"A=1\nexport B='x y' # c\nC=\"${A}\\n\"\nD=`z`\n",
}
SEEDS = {"csv": exports.CSV}


def text(read: Callable[[str], object]) -> Callable[[bytes], object]:
    """A parser of text that is given UTF-8."""
    return lambda data: read(data.decode())


def armored(form: str) -> list[bytes]:
    """A small file, armored and not."""
    made = []
    who = HybridRecipient(hybrid.generate()[1]) if form == "strongroom" else X25519Recipient(x25519_public(POINT))
    for armor in (False, True):
        target = io.BytesIO()
        streams.encrypt(io.BytesIO(b"x"), target, [who], format=form, armor=armor)
        made.append(target.getvalue())
    return made


def decrypt_stream(data: bytes) -> None:
    """A file of age's or ours: what opens is what was encrypted."""
    out = io.BytesIO()
    streams.decrypt(io.BytesIO(data), out, [X25519Identity(bytearray(POINT))])
    assert out.getvalue() == b"x"


def read_messages(parse: Callable[[bytes], Any]) -> Callable[[bytes], None]:
    """All messages of a connection, fed in two pieces."""

    def run(data: bytes) -> None:
        reader = messages.MessageReader(parse, body_bytes_max=4096)
        half = len(data) // 2
        for piece in (data[:half], data[half:]):
            reader.feed(piece)
            while (message := reader.next_message()) is not None:
                head, body = message
                assert len(body) == head.length <= 4096
                if isinstance(head, messages.RequestHead):
                    targets.split_target(head.target)

    return run


def read_reference(data: bytes) -> None:
    """What is read is spelled in one way, which is read as the same."""
    reference = references.parse(data.decode())
    again = references.parse(str(reference))
    assert (again.path, again.field, again.encoding) == (reference.path, reference.field, reference.encoding)


def readers() -> list[Target]:
    """One for each format of files with credentials in them."""
    made = []
    for name in formats.FORMATS:
        for dialect in DIALECTS if name == "dotenv" else ("",):
            read = formats.reader(name, dialect)
            made.append(
                Target(f"{name}-{dialect}".strip("-"), read, partial(list, SEEDS.get(name) or [WORDS[name]]), BAD)
            )
    return made


REQUEST = b"POST /v1/secret/data/a%20b?version=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
TOKEN = "aa_" + "0" * 16 + "_" + "0" * 49
ANSIBLE = b"$ANSIBLE_VAULT;1.1;AES256\n" + (b"61" * 32 + b"0a" + b"62" * 64 + b"0a" + b"63" * 16).hex().encode()
AGE_KEY = b"AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX\n"
RECIPIENTS = b"# me\nage1lvyvwawkr0mcnnnncaghunadrqkmuf9e6507x9y920xxpp866cnql7dp2z\n"
BAD = (StrongroomError, BadFile)
VALUE = (StrongroomError, ValueError)


def some(*seeds: bytes) -> Callable[[], list[bytes]]:
    """These, whenever they are asked for."""
    return lambda: list(seeds)


def encrypted(form: str) -> Callable[[], list[bytes]]:
    """A file whose values are encrypted one by one."""

    def make() -> list[bytes]:
        recipient = FileRecipient(RECIPIENTS.split()[-1].decode())
        with encrypted_files.encrypt(WORDS[form], [recipient], format=form) as file:
            return [file.encoded()]

    return make


def read_encrypted(data: bytes) -> None:
    """What stands in an encrypted file, without a key."""
    file = encrypted_files.read(data)
    file.names()
    file.plaintext_names()
    file.shown()


def of_sops(form: str) -> Callable[[], list[bytes]]:
    """A SOPS file."""
    recipient = RECIPIENTS.split()[-1].decode()
    return lambda: [sops_writing.encrypt(WORDS[form].replace(b"&x", b"").replace(b"*x", b"1"), form, [recipient], NOW)]


def signatures() -> list[bytes]:
    """Of an empty file, in both forms."""
    with signing.SigningKey(bytearray(POINT)) as key:
        return [signing.sign_minisign(io.BytesIO(b""), key), signing.sign_ssh(io.BytesIO(b""), key)]


def certificates() -> list[bytes]:
    """A key and its chain."""
    return [bytes(TestingAuthority().issue("a.test").pem())]


def tokens() -> list[bytes]:
    """A Fernet token."""
    from strongroom.fernet import Keyring, generate_key

    return [Keyring([generate_key()], max_age=timedelta(days=1)).encrypt(b"x")]


def request() -> list[bytes]:
    """A request for a certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.DNSName("a.test")])
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).add_extension(names, critical=True)
    signed = made.sign(key, hashes.SHA256())
    return [signed.public_bytes(encoding) for encoding in (serialization.Encoding.DER, serialization.Encoding.PEM)]


TARGETS = [
    *readers(),
    *(
        Target(f"encrypted-{form}", read_encrypted, encrypted(form), BAD)
        for form in ("yaml", "json", "toml", "ini", "dotenv")
    ),
    *(
        Target(f"sops-{form}", partial(sops_file.SopsFile, format=form), of_sops(form), BAD)
        for form in ("yaml", "json", "ini", "dotenv")
    ),
    Target("stream-age", decrypt_stream, partial(armored, "age"), BAD),
    Target("stream-strongroom", decrypt_stream, partial(armored, "strongroom"), BAD),
    Target("ansible", partial(ansible_vault.decrypted, password=b"x"), some(ANSIBLE), BAD),
    Target(
        "dotenvx-keys", lambda data: dotenvx_file.parse_keys(bytearray(data)), some(b"DOTENV_PRIVATE_KEY=" + b"1" * 64)
    ),
    Target(
        "keepass",
        exports.read_keepass,
        lambda: list(exports.keepass()),
        BAD,
    ),
    Target("identities", lambda data: parse_identities(bytearray(data)), some(AGE_KEY), VALUE),
    Target("recipients", recipients.parse_recipients, some(RECIPIENTS, b"ssh-ed25519 AAAA x\n"), VALUE),
    Target("signers", signers.parse_signers, some(b'*@x namespaces="file" ssh-ed25519 AAAA\n'), VALUE),
    Target("minisign-signature", minisign.parse_signature, signatures, VALUE),
    Target(
        "minisign-key",
        text(minisign.parse_key),
        some(b"RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"),
        VALUE,
    ),
    Target("ssh-signature", sshsig.parse_signature, signatures, VALUE),
    Target("certificates", load_pem_certificates, certificates),
    Target("certificate-request", lambda data: check_request(data, [parse_name("a.test")], "server"), request),
    Target("private-key", lambda data: (load_key(bytearray(data)), load_key_pem(bytearray(data))), certificates),
    Target("certificate-name", text(parse_name), some(b"a.test", b"10.0.0.1", b"spiffe://a/b"), VALUE),
    Target(
        "fernet",
        fernet.canonical,
        tokens,
        VALUE,
    ),
    Target(
        "password-string",
        text(lambda stored: password_strings.parse(stored, {})),
        some(
            b"$argon2id$v=19$m=65536,t=3,p=1$c2FsdHNhbHQ$aGFzaA",
            b"pbkdf2_sha256$600000$salt$aGFzaA==",
            b"$6$rounds=5000$s$h",
        ),
        VALUE,
    ),
    Target("token", text(lambda word: (list(find(word)), recognise(word))), some(TOKEN.encode()), VALUE),
    Target("reference", read_reference, some(b"strongroom://a/b%20c#d?as=base64"), VALUE),
    Target("template", references_in_text.Template, some(b"x {{ strongroom://a/b#c }} {{ y }}"), VALUE),
    Target("request", read_messages(messages.parse_request), some(REQUEST, REQUEST * 2), (messages.BadMessage,)),
    Target("response", read_messages(messages.parse_response), some(RESPONSE), (messages.BadMessage,)),
    Target("answer", text(answers.loads), some(WORDS["json"], WORDS["kv"]), (StrongroomError, UnicodeDecodeError)),
    Target("question", text(json_text.loads), some(WORDS["json"], WORDS["kv"]), (Refused, UnicodeDecodeError)),
    Target("postgres-url", text(postgres_address.parse), some(b"//me@h:5432/d?schema=s&sslmode=require"), VALUE),
]
