"""Opening with an age identity or an SSH key: the slot's 32 random bytes lie in the slot as an age file.

The age file is made and opened by the extra ``age`` (pyrage). Plug-ins are refused on both
sides: a recipient or identity that names one would choose a program to run (CVE-2024-56327).
The library takes identities and gives plaintext as immutable objects, of which only some can
be scrubbed. Source: docs/format.md#key-slots; age-encryption.org/v1; RFC 4253, 6.6.
"""

from __future__ import annotations

from binascii import Error as NotBase64
from binascii import a2b_base64, b2a_base64

from strongroom.crypto.digest import sha256
from strongroom.crypto.entropy import random_buffer, scrub
from strongroom.errors import WrongKey
from strongroom.keys.slots.bound import KEY_BYTES, BoundCredential, missing_extra
from strongroom.secret import HiddenBuffer, wipe
from strongroom.wire import Reader, counted, text

TYPE_CHECKING = False

KIND = 5
RECIPIENT_BYTES_MAX = 128
AGE_FILE_BYTES_MAX = 4_096
IDENTITY_FILE_BYTES_MAX = 65_536
IDENTITIES_MAX = 32

_AGE_MAGIC = b"age-encryption.org/v1\n"
_BECH32 = frozenset("qpzry9x8gf2tvdw0s3jn54khce6mua7l")
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_SSH_TYPES = ("ssh-ed25519", "ssh-rsa")
_WHAT_IS_TAKEN = "an age slot takes an age1... recipient, or an ssh-ed25519 or ssh-rsa public key"
_SUPPORTED = "it holds AGE-SECRET-KEY-1... lines, or an OpenSSH private key of kind ed25519 or RSA"


def new_age_credential(recipient: str) -> BoundCredential:
    """A new random secret, encrypted to *recipient*.

    Args:
        recipient: ``age1...``, or a line of an SSH public key file.

    Raises:
        ValueError: not such a recipient; a plug-in's is none.
        FormatUnsupported: the extra ``age`` is not installed.
    """
    named, public_key = _parse_recipient(recipient)
    pyrage = _pyrage()
    key = random_buffer(KEY_BYTES)
    plaintext = bytes(key)
    try:
        file: bytes = pyrage.encrypt(plaintext, [public_key])
    except BaseException:
        wipe(key)
        raise
    finally:
        del plaintext
        scrub(KEY_BYTES)
    return BoundCredential(KIND, text(named) + counted(file), key)


class AgeIdentities:
    """The private keys of one identity file."""

    __slots__ = ("_identities",)

    def __init__(self, identities: list[object]) -> None:
        self._identities = identities

    def open(self, parameters: bytes) -> BoundCredential:
        """The secret of a slot.

        Args:
            parameters: of a decoded slot record, so within their bounds.

        Raises: WrongKey: none of the identities opens it, or it was changed.
        """
        _recipient, file = decode_parameters(parameters)
        key = self._decrypt_from_parts(file)
        if len(key) != KEY_BYTES:
            wipe(key)
            raise WrongKey("what the age file holds is not a slot's secret")
        return BoundCredential(KIND, parameters, key)

    def _decrypt_from_parts(self, file: bytes) -> bytearray:
        pyrage = _pyrage()
        try:
            plaintext: bytes = pyrage.decrypt(file, self._identities)
        except pyrage.DecryptError:
            raise WrongKey("the identity does not open this age file") from None
        buffer = HiddenBuffer(plaintext)
        del plaintext
        scrub(len(buffer))
        return buffer

    def __repr__(self) -> str:
        return f"AgeIdentities({len(self._identities)}, <hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("identities cannot be pickled or copied")


def parse_identities(data: bytearray) -> AgeIdentities:
    """Read an identity file: age identities one a line, or one SSH private key.

    Args:
        data: the file's content, at most 65,536 bytes; wiped.

    Raises:
        WrongKey: neither, or protected by a passphrase, or a plug-in's.
        FormatUnsupported: the extra ``age`` is not installed.
    """
    try:
        if data.startswith((_AGE_MAGIC, b"-----BEGIN AGE ENCRYPTED FILE-----")):
            raise WrongKey(
                "the identity file is itself encrypted with a passphrase",
                advice="decrypt it into a file of mode 0600 first: age --decrypt",
            )
        if data.startswith(b"-----BEGIN "):
            return AgeIdentities([_ssh_identity(data)])
        return AgeIdentities(_age_identities(data))
    finally:
        wipe(data)


def decode_parameters(parameters: bytes) -> tuple[str, bytes]:
    """The recipient's name and the age file of a slot, within bounds.

    Raises: Tampered: malformed or out of bounds.
    """
    reader = Reader(parameters, "slot parameters")
    recipient = reader.text(RECIPIENT_BYTES_MAX)
    file = reader.counted(AGE_FILE_BYTES_MAX)
    reader.finish()
    if not _is_recipient_name(recipient):
        raise reader.malformed("no recipient is called so")
    if not file.startswith(_AGE_MAGIC):
        raise reader.malformed("what should be an age file is none")
    return recipient, file


def describe(parameters: bytes) -> str:
    """The recipient: an age recipient as it stands, an SSH key's fingerprint as ssh-keygen shows it."""
    return decode_parameters(parameters)[0]


def _pyrage() -> _Pyrage:
    try:
        import pyrage
    except ImportError:
        raise missing_extra("age", "an age slot") from None
    module: _Pyrage = pyrage
    return module


def _parse_recipient(recipient: str) -> tuple[str, object]:
    """Its name in the slot, and the library's object."""
    pyrage = _pyrage()
    words = recipient.split()
    try:
        if len(words) == 1 and words[0].startswith("age1"):
            if words[0].count("1") > 1:
                # "age1NAME1...": the last 1 separates, so that NAME is a plug-in or a newer kind of key.
                raise ValueError(f"{_WHAT_IS_TAKEN}; this one belongs to a plug-in or a newer age")
            return words[0], pyrage.x25519.Recipient.from_str(words[0])
        if len(words) >= 2 and words[0] in _SSH_TYPES:
            public_key = pyrage.ssh.Recipient.from_str(f"{words[0]} {words[1]}")
            return f"{words[0]} {_fingerprint(words[1])}", public_key
    except (pyrage.RecipientError, NotBase64):
        raise ValueError(f"{_WHAT_IS_TAKEN}; this one is malformed or too short") from None
    raise ValueError(_WHAT_IS_TAKEN)


def _fingerprint(blob: str) -> str:
    digest = b2a_base64(sha256(a2b_base64(blob)), newline=False)
    return "SHA256:" + digest.rstrip(b"=").decode("ascii")


def _is_recipient_name(name: str) -> bool:
    if name.startswith("age1"):
        return len(name) == 62 and _BECH32.issuperset(name[4:])
    kind, _space, fingerprint = name.partition(" SHA256:")
    return kind in _SSH_TYPES and len(fingerprint) == 43 and _BASE64.issuperset(fingerprint)


def _age_identities(data: bytearray) -> list[object]:
    pyrage = _pyrage()
    found: list[object] = []
    for number, line in enumerate(data.split(b"\n"), 1):
        stripped = line.strip()
        try:
            if not stripped or stripped.startswith(b"#"):
                continue
            if stripped.startswith(b"AGE-PLUGIN-"):
                raise WrongKey(f"line {number} names an age plug-in, and plug-ins are never run", advice=_SUPPORTED)
            if len(found) == IDENTITIES_MAX:
                raise WrongKey(f"there are more than {IDENTITIES_MAX} identities in the file")
            found.append(pyrage.x25519.Identity.from_str(stripped.decode("ascii")))
        except (pyrage.IdentityError, UnicodeDecodeError):
            raise WrongKey(f"line {number} is not an age identity", advice=_SUPPORTED) from None
        finally:
            wipe(line)
            wipe(stripped)
    if not found:
        raise WrongKey("there is no identity in the file", advice=_SUPPORTED)
    return found


def _ssh_identity(data: bytearray) -> object:
    pyrage = _pyrage()
    if _is_encrypted_ssh(data):
        raise WrongKey(
            "the SSH key is protected by a passphrase",
            advice="strongroom reads unprotected ones only; a copy without a passphrase: ssh-keygen -p -N '' -f COPY",
        )
    try:
        identity: object = pyrage.ssh.Identity.from_buffer(bytes(data))
    except pyrage.IdentityError:
        raise WrongKey("this is not a private key that age can use", advice=_SUPPORTED) from None
    finally:
        scrub(len(data))
    return identity


def _is_encrypted_ssh(data: bytearray) -> bool:
    """Whether a PEM file says that its key is encrypted; no secret byte of it is decoded."""
    first, _newline, rest = data.partition(b"\n")
    try:
        if b"ENCRYPTED" in first or rest.startswith(b"Proc-Type: 4,ENCRYPTED"):
            return True
        if first.strip() != b"-----BEGIN OPENSSH PRIVATE KEY-----":
            return False
        # "openssh-key-v1", NUL, then the counted name of the cipher, in the first 30 bytes of 40 characters.
        try:
            head = a2b_base64(bytes(rest[:40]))
        except NotBase64:
            return False
        return head.startswith(b"openssh-key-v1\0") and not head[15:].startswith(b"\0\0\0\x04none")
    finally:
        wipe(rest)


if TYPE_CHECKING:
    from typing import Any, Protocol

    class _Pyrage(Protocol):
        """What is used of a library that carries no types."""

        DecryptError: type[Exception]
        IdentityError: type[Exception]
        RecipientError: type[Exception]
        ssh: Any
        x25519: Any

        def encrypt(self, plaintext: bytes, recipients: list[object]) -> bytes: ...

        def decrypt(self, ciphertext: bytes, identities: list[object]) -> bytes: ...
