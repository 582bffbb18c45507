"""SSH public keys: reading their lines and blobs, and checking what was signed with them.

Pure. Plug-ins, certificates and DSA have no place here. Source: RFC 4253, 6.6; RFC 5656, 3.1;
RFC 8332; RFC 8709; OpenSSH's PROTOCOL.u2f (keys on hardware tokens, "sk-").
"""

from __future__ import annotations

from binascii import Error as NotBase64
from binascii import a2b_base64, b2a_base64

from strongroom.crypto import foreign_signatures, signatures
from strongroom.crypto.digest import sha256
from strongroom.errors import FormatUnsupported, Tampered
from strongroom.wire import Reader, text

ED25519 = "ssh-ed25519"
RSA = "ssh-rsa"
BLOB_BYTES_MAX = 8_192
_KIND_BYTES_MAX = 64
_HARDWARE = ("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")
_ECDSA = ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
KINDS = (ED25519, RSA, *_ECDSA, *_HARDWARE)
_USER_PRESENT = 1


class SshPublicKey:
    """One public key.

    Attributes:
        kind: such as ``"ssh-ed25519"``.
        blob: as SSH encodes it.
    """

    __slots__ = ("blob", "kind")

    def __init__(self, blob: bytes) -> None:
        reader = Reader(blob, "SSH public key")
        self.kind = reader.text(_KIND_BYTES_MAX)
        self.blob = blob
        if self.kind not in KINDS:
            raise FormatUnsupported("an SSH key of a kind that is not known here")

    @property
    def fingerprint(self) -> str:
        """As ``ssh-keygen -l`` shows it."""
        return "SHA256:" + b2a_base64(sha256(self.blob), newline=False).rstrip(b"=").decode("ascii")

    def ed25519(self) -> bytes:
        """The 32 bytes of an Ed25519 key.

        Raises: Tampered: it is none.
        """
        reader = self._fields()
        public = reader.counted(signatures.PUBLIC_KEY_BYTES)
        reader.finish()
        if self.kind != ED25519 or len(public) != signatures.PUBLIC_KEY_BYTES:
            raise reader.malformed("it is not an Ed25519 key")
        return public

    def rsa(self) -> tuple[int, int]:
        """Exponent and modulus of an RSA key.

        Raises: Tampered: it is none.
        """
        reader = self._fields()
        exponent, modulus = _number(reader), _number(reader)
        reader.finish()
        if self.kind != RSA:
            raise reader.malformed("it is not an RSA key")
        return exponent, modulus

    def verify(self, message: bytes, signature: bytes) -> None:
        """Check a signature as SSH encodes it.

        Raises:
            Tampered: it is not this key's signature of *message*.
            FormatUnsupported: it is of a kind that is not accepted, such as RSA with SHA-1.
        """
        reader = Reader(signature, "SSH signature")
        algorithm = reader.text(_KIND_BYTES_MAX)
        raw = reader.counted(BLOB_BYTES_MAX)
        if self.kind in _HARDWARE:
            flags, counter = reader.take(1), reader.take(4)
            reader.finish()
            self._verify_hardware(message, algorithm, raw, flags, counter)
            return
        reader.finish()
        if self.kind == RSA:
            hashes = {"rsa-sha2-256": "sha256", "rsa-sha2-512": "sha512"}
            if algorithm not in hashes:
                raise FormatUnsupported("an RSA signature must be made with SHA-256 or SHA-512")
            foreign_signatures.verify_rsa(*self.rsa(), hashes[algorithm], message, raw)
            return
        if algorithm != self.kind:
            raise Tampered("the signature is of another kind than its key")
        if self.kind == ED25519:
            signatures.verify(self.ed25519(), message, raw)
        else:
            self._verify_ecdsa(self._fields(), message, raw)

    def _fields(self) -> Reader:
        reader = Reader(self.blob, "SSH public key")
        reader.text(_KIND_BYTES_MAX)
        return reader

    def _verify_ecdsa(self, fields: Reader, message: bytes, raw: bytes) -> None:
        curve, point = fields.text(16), fields.counted(256)
        if not self.kind.removesuffix("@openssh.com").endswith(curve):
            raise fields.malformed("its curve is another one than its name says")
        pair = Reader(raw, "SSH signature")
        r, s = _number(pair), _number(pair)
        pair.finish()
        foreign_signatures.verify_ecdsa(curve, point, message, r, s)

    def _verify_hardware(self, message: bytes, algorithm: str, raw: bytes, flags: bytes, counter: bytes) -> None:
        if algorithm != self.kind:
            raise Tampered("the signature is of another kind than its key")
        if not flags[0] & _USER_PRESENT:
            raise Tampered("the hardware key was not touched for this signature")
        fields = self._fields()
        public = [fields.counted(256) for _ in range(1 if "ed25519" in self.kind else 2)]
        application = fields.counted(256)
        fields.finish()
        signed = sha256(application) + flags + counter + sha256(message)
        if len(public) == 1:
            signatures.verify(public[0], signed, raw)
        else:
            self._verify_ecdsa(self._fields(), signed, raw)


def parse_public(words: list[str]) -> SshPublicKey:
    """The key of a line that begins with its kind, split at white space.

    Raises:
        ValueError: malformed.
        FormatUnsupported: of a kind that is not known here.
    """
    if len(words) < 2 or len(words[1]) > BLOB_BYTES_MAX * 4 // 3:
        raise ValueError("an SSH public key is a kind and one word of base64")
    if words[0] not in KINDS:
        raise FormatUnsupported("an SSH key of a kind that is not known here")
    try:
        key = SshPublicKey(a2b_base64(words[1].encode("ascii"), strict_mode=True))
    except (NotBase64, UnicodeEncodeError, Tampered):
        raise ValueError("this is not an SSH public key") from None
    if key.kind != words[0]:
        raise ValueError("the SSH public key is of another kind than its line says")
    return key


def ed25519_blob(public: bytes) -> bytes:
    """The blob of a 32-byte Ed25519 key."""
    return text(ED25519) + len(public).to_bytes(4, "big") + public


def public_line(public: bytes, comment: str = "") -> str:
    """The line of a 32-byte Ed25519 key, as in ``id_ed25519.pub``, without its newline."""
    encoded = b2a_base64(ed25519_blob(public), newline=False).decode("ascii")
    return f"{ED25519} {encoded} {comment}".rstrip()


def _number(reader: Reader) -> int:
    """An mpint, which may not be negative."""
    data = reader.counted(2_049)
    if data and data[0] & 0x80:
        raise reader.malformed("a negative number")
    return int.from_bytes(data, "big")
