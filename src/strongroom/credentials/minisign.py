"""The files of minisign: public keys and signatures, in and out. Pure.

A signature (``ED``) is Ed25519 over BLAKE2b-512 of the file; ``Ed``, which older programs made, is
over the file itself and is only read. A second signature covers the first and the trusted comment.
Source: https://jedisct1.github.io/minisign/#signature-format; docs/format.md#signatures.
"""

from __future__ import annotations

from binascii import Error as NotBase64
from binascii import a2b_base64, b2a_base64

from strongroom.crypto import signatures
from strongroom.crypto.digest import sha256
from strongroom.errors import Tampered

PREHASHED = b"ED"
LEGACY = b"Ed"
KEY_ID_BYTES = 8
COMMENT_BYTES_MAX = 8_173
"""What minisign itself reads: 8,192 bytes with what stands before it, the newline and a NUL."""
SIGNATURE_FILE_BYTES_MAX = 16_384
_UNTRUSTED = "untrusted comment: "
_TRUSTED = "trusted comment: "


class MinisignKey:
    """A public key with the id by which signatures name it.

    Args:
        key_id: 8 bytes.
        public: 32 bytes.
    """

    __slots__ = ("key_id", "public")

    def __init__(self, key_id: bytes, public: bytes) -> None:
        self.key_id = key_id
        self.public = public

    @property
    def shown_id(self) -> str:
        """The id as minisign shows it."""
        return show_id(self.key_id)

    def encode(self) -> str:
        """One word of base64, which ``minisign -P`` takes."""
        return _b64(LEGACY + self.key_id + self.public)

    def as_file(self) -> str:
        """A public key file, which ``minisign -p`` takes."""
        return f"{_UNTRUSTED}minisign public key {self.shown_id}\n{self.encode()}\n"


class MinisignSignature:
    """One signature file, decoded; nothing of it is checked yet."""

    __slots__ = ("algorithm", "comment", "key_id", "seal", "signature")

    def __init__(self, algorithm: bytes, key_id: bytes, signature: bytes, comment: str, seal: bytes) -> None:
        self.algorithm = algorithm
        self.key_id = key_id
        self.signature = signature
        self.comment = comment
        self.seal = seal

    def verify(self, key: MinisignKey, message: bytes) -> None:
        """Check both signatures.

        Args:
            message: the digest of the file; for `LEGACY` the file.

        Raises: Tampered: one of them does not fit.
        """
        signatures.verify(key.public, message, self.signature)
        signatures.verify(key.public, self.signature + self.comment.encode("utf-8", "surrogateescape"), self.seal)

    def encode(self, untrusted: str) -> bytes:
        """The signature file."""
        first = _b64(self.algorithm + self.key_id + self.signature)
        lines = (_UNTRUSTED + untrusted, first, _TRUSTED + self.comment, _b64(self.seal), "")
        return "\n".join(lines).encode("utf-8", "surrogateescape")


def key_of(public: bytes) -> MinisignKey:
    """The minisign form of an Ed25519 key of ours; its id is the beginning of the key's SHA-256."""
    return MinisignKey(sha256(public)[:KEY_ID_BYTES], public)


def show_id(key_id: bytes) -> str:
    """A key's id as minisign shows it: a little-endian number in hexadecimal."""
    return key_id[::-1].hex().upper()


def check_comment(comment: str) -> None:
    """Refuse a comment that could pass for more than one line, or hide what it says.

    Raises: ValueError: it holds control characters other than tabs, or is too long.
    """
    if any(not one.isprintable() and one != "\t" for one in comment):
        raise ValueError("a comment is one line without control characters")
    if len(comment.encode("utf-8", "surrogateescape")) > COMMENT_BYTES_MAX:
        raise ValueError(f"a comment has at most {COMMENT_BYTES_MAX} bytes")


def parse_key(word: str) -> MinisignKey:
    """A public key from its word of base64.

    Raises: ValueError: it is none.
    """
    try:
        data = a2b_base64(word.encode("ascii"), strict_mode=True)
    except (NotBase64, UnicodeEncodeError):
        raise ValueError("this is not a minisign public key") from None
    if len(data) != 2 + KEY_ID_BYTES + signatures.PUBLIC_KEY_BYTES or not data.startswith(LEGACY):
        raise ValueError("this is not a minisign public key")
    return MinisignKey(data[2 : 2 + KEY_ID_BYTES], data[2 + KEY_ID_BYTES :])


def is_signature(data: bytes) -> bool:
    """Whether a file begins as a minisign signature does."""
    return data.startswith(_UNTRUSTED.encode())


def parse_signature(data: bytes) -> MinisignSignature:
    """Read a signature file.

    Raises: Tampered: malformed or too long.
    """
    if len(data) > SIGNATURE_FILE_BYTES_MAX:
        raise Tampered("this is too long for a minisign signature")
    lines = data.decode("utf-8", "surrogateescape").replace("\r\n", "\n").removesuffix("\n").split("\n")
    if len(lines) != 4 or not lines[0].startswith(_UNTRUSTED) or not lines[2].startswith(_TRUSTED):
        raise Tampered("this is not a minisign signature")
    try:
        first, seal = (a2b_base64(line.encode("ascii"), strict_mode=True) for line in (lines[1], lines[3]))
    except (NotBase64, UnicodeEncodeError):
        raise Tampered("this is not a minisign signature") from None
    lengths = (len(first), len(seal))
    wanted = (2 + KEY_ID_BYTES + signatures.SIGNATURE_BYTES, signatures.SIGNATURE_BYTES)
    if lengths != wanted or first[:2] not in (PREHASHED, LEGACY):
        raise Tampered("this is not a minisign signature")
    comment = lines[2].removeprefix(_TRUSTED)
    if len(comment.encode("utf-8", "surrogateescape")) > COMMENT_BYTES_MAX:
        raise Tampered("the trusted comment of this signature is too long")
    place = 2 + KEY_ID_BYTES
    return MinisignSignature(first[:2], first[2:place], first[place:], comment, seal)


def _b64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode("ascii")
