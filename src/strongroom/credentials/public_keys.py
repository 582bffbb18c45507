"""The public part of a named key, as other programs read it. Pure.

    raw        the bytes, or base64: Ed25519's 32; of a box key X25519's 32 and then MLKEM768-X25519's 1,216
    minisign   a public key file (kind signing)
    ssh        a line of authorized_keys or id_ed25519.pub (kind signing)
    age        age1..., X25519 (kind box); age-pq  age1pq1..., the hybrid one
    pem        SubjectPublicKeyInfo (RFC 8410): Ed25519, or X25519
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64

from strongroom.credentials import minisign, recipients, ssh_keys
from strongroom.credentials.age import bech32
from strongroom.errors import StrongroomError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.secret import SecretBytes

FORMATS = {"signing": ("minisign", "ssh", "pem", "base64", "raw"), "box": ("age", "age-pq", "pem", "base64", "raw")}
"""What there is for each kind, the usual one first; other kinds have no public part."""

_X25519_BYTES = 32
# DER of SubjectPublicKeyInfo and of PKCS #8 up to the key itself, which has a fixed length: RFC 8410, sections 4 and 7.
_OBJECT_IDS = {"signing": b"\x2b\x65\x70", "box": b"\x2b\x65\x6e"}
_PUBLIC_HEAD = b"\x30\x2a\x30\x05\x06\x03"
_LINE_CHARACTERS = 64
_TEXT_BYTES_MAX = 16_384
_FROM_URL_SAFE = str.maketrans("-_", "+/")


def encode_public(kind: str, public: bytes, form: str, *, comment: str = "") -> bytes:
    """The public part in one of `FORMATS`; text ends with a newline.

    Args:
        comment: stands behind an ssh key.

    Raises: ValueError: this kind of key has no such form, or the key no hybrid part, or the comment is no line.
    """
    if form not in FORMATS.get(kind, ()):
        known = FORMATS.get(kind)
        raise ValueError(
            f"a key of kind {kind} is exported as {', '.join(known)}" if known else f"a key of kind {kind} is secret"
        )
    if form == "raw":
        return public
    if form == "base64":
        return b2a_base64(public)
    if form == "pem":
        return _pem("PUBLIC KEY", _PUBLIC_HEAD + _OBJECT_IDS[kind] + b"\x03\x21\x00" + public[:32])
    if form == "ssh":
        if not comment.isprintable():
            raise ValueError("a comment is one line without control characters")
        text = ssh_keys.public_line(public, comment) + "\n"
    elif form == "minisign":
        text = minisign.key_of(public).as_file()
    elif form == "age":
        text = recipients.x25519_text(public[:_X25519_BYTES]) + "\n"
    elif len(public) == _X25519_BYTES:
        raise ValueError("this key was imported without a hybrid part: export it as age")
    else:
        text = recipients.hybrid_text(public[_X25519_BYTES:]) + "\n"
    return text.encode("utf-8")


def decode_public(kind: str, text: str) -> bytes:
    """The public part of somebody's key, in any of `FORMATS` but raw, or in base64.

    Args:
        kind: ``"signing"`` or ``"box"``.
        text: the content of a file, or one line.

    Raises: ValueError: nothing that this kind of key has.
    """
    wrong = ValueError(f"this is no public part of a key of kind {kind}: {', '.join(FORMATS[kind][:-1])}")
    lines = [line.strip() for line in text.strip().splitlines()]
    if not lines or len(text) > _TEXT_BYTES_MAX:
        raise wrong
    try:
        if lines[0].startswith("-----BEGIN"):
            return _public_from_pem(kind, lines)
        if kind == "signing" and lines[0].startswith(ssh_keys.ED25519 + " "):
            return ssh_keys.parse_public(lines[0].split()).blob[-32:]
        if kind == "signing" and lines[-1].startswith("RW"):
            return minisign.parse_key(lines[-1]).public
        if kind == "box" and lines[0].startswith("age1"):
            return bytes(bech32.decode(lines[0].encode("ascii"), "age"))
        return a2b_base64(lines[0].translate(_FROM_URL_SAFE).encode("ascii"), strict_mode=True)
    except (ValueError, StrongroomError):
        raise wrong from None


def _public_from_pem(kind: str, lines: list[str]) -> bytes:
    if (lines[0], lines[-1]) != ("-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"):
        raise ValueError("another kind of PEM")
    data = a2b_base64("".join(lines[1:-1]).encode("ascii"), strict_mode=True)
    head = _PUBLIC_HEAD + _OBJECT_IDS[kind] + b"\x03\x21\x00"
    if data[:-32] != head:
        raise ValueError("another kind of key")
    return data[-32:]


def encode_private(kind: str, private: SecretBytes, form: str) -> bytearray:
    """The private part: URL-safe base64 (for kind fernet: as Fernet takes it), PKCS #8 in PEM, or bytes.

    Returns: what the caller wipes; text ends with a newline, except base64.
    Raises: ValueError: there is no such form, or none for this kind.
    """
    view = private.reveal_buffer()
    if form == "raw":
        return bytearray(view)
    if form == "base64":
        from strongroom.crypto.fernet import encode

        return bytearray(encode(view))
    if form != "pem" or kind not in _OBJECT_IDS:
        raise ValueError(f"the private part of a key of kind {kind} is exported as base64 or raw")
    head = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03" + _OBJECT_IDS[kind] + b"\x04\x22\x04\x20"
    return bytearray(_pem("PRIVATE KEY", head + view[:32]))


def _pem(label: str, data: bytes) -> bytes:
    text = b2a_base64(data, newline=False)
    lines = [text[start : start + _LINE_CHARACTERS] for start in range(0, len(text), _LINE_CHARACTERS)]
    return b"\n".join((f"-----BEGIN {label}-----".encode(), *lines, f"-----END {label}-----".encode(), b""))
