"""SSHSIG: OpenSSH's signatures of files, in and out. Pure.

The namespace is part of what is signed, so that a signature of a git commit cannot pass for one
of a file. Source: OpenSSH's PROTOCOL.sshsig.
"""

from __future__ import annotations

from binascii import Error as NotBase64
from binascii import a2b_base64, b2a_base64

from strongroom.credentials.ssh_keys import BLOB_BYTES_MAX, ED25519, SshPublicKey
from strongroom.errors import FormatUnsupported, Tampered
from strongroom.wire import Reader, counted, text, u32

HASH = "sha512"
HASHES = ("sha256", "sha512")
NAMESPACE_BYTES_MAX = 256
SIGNATURE_FILE_BYTES_MAX = 32_768
_MAGIC = b"SSHSIG"
_BEGIN = b"-----BEGIN SSH SIGNATURE-----"
_END = b"-----END SSH SIGNATURE-----"
_COLUMNS = 70


class SshSignature:
    """One signature file, decoded; nothing of it is checked yet.

    Attributes:
        key: the public key that it says it was made with.
        namespace: what it was made for.
        hash_name: ``"sha256"`` or ``"sha512"``, of the file.
    """

    __slots__ = ("_signature", "hash_name", "key", "namespace")

    def __init__(self, key: SshPublicKey, namespace: str, hash_name: str, signature: bytes) -> None:
        self.key = key
        self.namespace = namespace
        self.hash_name = hash_name
        self._signature = signature

    def verify(self, digest: bytes) -> None:
        """Check the signature over the file's digest; who the key belongs to is another question.

        Raises: Tampered, FormatUnsupported: as `SshPublicKey.verify`.
        """
        self.key.verify(message(self.namespace, self.hash_name, digest), self._signature)

    def encode(self) -> bytes:
        """The signature file."""
        blob = _MAGIC + u32(1) + counted(self.key.blob) + text(self.namespace) + counted(b"") + text(self.hash_name)
        encoded = b2a_base64(blob + counted(self._signature), newline=False)
        lines = [encoded[place : place + _COLUMNS] for place in range(0, len(encoded), _COLUMNS)]
        return b"\n".join([_BEGIN, *lines, _END, b""])


def check_namespace(namespace: str) -> None:
    """Refuse what cannot be a namespace.

    Raises: ValueError: empty, too long, or with white space, commas or control characters.
    """
    is_word = namespace.isprintable() and not any(one in ' ,"' for one in namespace)
    if not is_word or not 1 <= len(namespace.encode("utf-8")) <= NAMESPACE_BYTES_MAX:
        raise ValueError("a namespace is one word, such as file or a name with your domain")


def message(namespace: str, hash_name: str, digest: bytes) -> bytes:
    """What is signed."""
    return _MAGIC + text(namespace) + counted(b"") + text(hash_name) + counted(digest)


def ed25519_signature(signature: bytes) -> bytes:
    """An Ed25519 signature as SSH encodes it."""
    return text(ED25519) + counted(signature)


def is_signature(data: bytes) -> bool:
    """Whether a file begins as an SSH signature does."""
    return data.startswith(_BEGIN)


def parse_signature(data: bytes) -> SshSignature:
    """Read a signature file.

    Raises:
        Tampered: malformed or too long.
        FormatUnsupported: a newer version, or a kind of key that is not known here.
    """
    lines = data.replace(b"\r\n", b"\n").strip(b"\n").split(b"\n")
    if len(data) > SIGNATURE_FILE_BYTES_MAX or len(lines) < 3 or (lines[0], lines[-1]) != (_BEGIN, _END):
        raise Tampered("this is not an SSH signature")
    try:
        blob = a2b_base64(b"".join(lines[1:-1]), strict_mode=True)
    except NotBase64:
        raise Tampered("this is not an SSH signature") from None
    reader = Reader(blob, "SSH signature")
    if reader.take(len(_MAGIC)) != _MAGIC:
        raise reader.malformed("it does not begin as one")
    if reader.u32() != 1:
        raise FormatUnsupported("this SSH signature is of a newer version")
    key = SshPublicKey(reader.counted(BLOB_BYTES_MAX))
    namespace = reader.text(NAMESPACE_BYTES_MAX)
    reader.counted(NAMESPACE_BYTES_MAX)  # reserved: what is signed has an empty one, whatever stands here
    hash_name = reader.text(16)
    signature = reader.counted(BLOB_BYTES_MAX)
    reader.finish()
    if hash_name not in HASHES:
        raise FormatUnsupported("this SSH signature is made with a hash that is not accepted")
    return SshSignature(key, namespace, hash_name, signature)
