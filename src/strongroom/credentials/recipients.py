"""Who an encrypted file is for: each kind of recipient, and what it writes into a header.

    X25519Recipient      age1...           age files
    HybridRecipient      age1pq1...        age files, and ours (ML-KEM-768 and X25519 together)
    SshRecipient         ssh-ed25519, ssh-rsa: age files
    Passphrase           both (scrypt for age, Argon2id for ours)

Named keys of a vault are in `file_keys`. Source: C2SP age.md; docs/format.md#encrypted-files.
"""

from __future__ import annotations

from strongroom.credentials import suite1_files
from strongroom.credentials.age import bech32
from strongroom.credentials.age.header import Stanza, to_base64
from strongroom.credentials.ssh_keys import ED25519, RSA, parse_public
from strongroom.credentials.suite1_files import FileStanza
from strongroom.crypto import aead, age, hybrid, kdf
from strongroom.crypto.digest import sha256
from strongroom.crypto.entropy import random_bytes
from strongroom.errors import FormatUnsupported, Tampered
from strongroom.keys.slots.passphrase import PassphraseCredential
from strongroom.secret import HiddenBuffer, SecretStr, wipe
from strongroom.wire import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.crypto.ssh_keys import RSAPublicKey

RECIPIENT_BYTES_MAX = 16_384
SCRYPT_WORK = 18
"""log2 of scrypt's N in age files that are made here: 256 MiB, as age itself takes."""
SSH_TAG_BYTES = 4

_SMALL_ORDER = "a recipient is a point of small order, and no public key"
_X25519 = "age"
_HYBRID = "age1pq"


class Recipient:
    """Somebody a file is encrypted to; each kind serves one format or both."""

    __slots__ = ()

    def wrap_for_age(self, file_key: bytearray) -> Stanza:
        """The stanza of an age file.

        Raises: ValueError: age has no such recipients.
        """
        raise ValueError("age files have no such recipients")

    def wrap(self, file_id: bytes, file_key: bytearray) -> FileStanza:
        """The stanza of a file of ours.

        Raises: ValueError: our files have no such recipients.
        """
        raise ValueError("only age files have such recipients")

    def wipe(self) -> None:
        """Overwrite what is secret of it: of a passphrase."""


class X25519Recipient(Recipient):
    """``age1...``: a public key of age's usual kind."""

    __slots__ = ("_public",)

    def __init__(self, public: bytes) -> None:
        self._public = public

    def wrap_for_age(self, file_key: bytearray) -> Stanza:
        """An X25519 stanza."""
        try:
            share, body = age.wrap_x25519(file_key, self._public)
        except ValueError:
            raise ValueError(_SMALL_ORDER) from None
        return Stanza(("X25519", to_base64(share).decode("ascii")), body)


class HybridRecipient(Recipient):
    """``age1pq1...``: stays secret also from who records today and has a quantum computer later."""

    __slots__ = ("_public",)

    def __init__(self, public: bytes) -> None:
        if len(public) != hybrid.PUBLIC_KEY_BYTES:
            raise ValueError("a hybrid public key has 1,216 bytes")
        self._public = public

    def wrap_for_age(self, file_key: bytearray) -> Stanza:
        """An mlkem768x25519 stanza."""
        share, body = age.wrap_hybrid(file_key, self._public)
        return Stanza(("mlkem768x25519", to_base64(share).decode("ascii")), body)

    def wrap(self, file_id: bytes, file_key: bytearray) -> FileStanza:
        """A stanza of kind 2."""
        context = suite1_files.key_context(file_id, suite1_files.RECIPIENT, self._public)
        try:
            return FileStanza(suite1_files.RECIPIENT, hybrid.seal(self._public, file_key, context))
        except Tampered:
            raise ValueError("this is not a hybrid public key") from None


class SshRecipient(Recipient):
    """An ``ssh-ed25519`` or ``ssh-rsa`` public key."""

    __slots__ = ("_blob", "_rsa", "_tag", "_x25519")

    def __init__(self, words: list[str]) -> None:
        try:
            key = parse_public(words)
        except FormatUnsupported:
            raise ValueError(_WHAT_SSH_IS_TAKEN) from None
        self._blob = key.blob
        self._tag = to_base64(sha256(key.blob)[:SSH_TAG_BYTES]).decode("ascii")
        self._rsa: RSAPublicKey | None = None
        try:
            if key.kind == RSA:
                from strongroom.crypto.ssh_keys import rsa_public

                self._rsa = rsa_public(*key.rsa())
            elif key.kind == ED25519:
                self._x25519 = age.montgomery(_point(key.ed25519()))
            else:
                raise ValueError(_WHAT_SSH_IS_TAKEN)
        except Tampered:
            raise ValueError("this is not an SSH public key") from None

    def wrap_for_age(self, file_key: bytearray) -> Stanza:
        """An ssh-ed25519 or ssh-rsa stanza."""
        if self._rsa is not None:
            return Stanza((RSA, self._tag), age.wrap_rsa(file_key, self._rsa))
        try:
            share, body = age.wrap_x25519(file_key, self._x25519, self._blob)
        except ValueError:
            raise ValueError(_SMALL_ORDER) from None
        return Stanza((ED25519, self._tag, to_base64(share).decode("ascii")), body)


def _point(public: bytes) -> bytes:
    """*public*, if it is a point of the curve of RFC 8032: one of its twist is nobody's key.

    Raises: ValueError: it is none.
    """
    prime = 2**255 - 19
    y = int.from_bytes(public, "little") & (2**255 - 1)
    # d is -121665/121666, and x squared (y^2 - 1) / (d y^2 + 1), which must be a square.
    squared = 121_666 * (y * y - 1) * pow(121_666 - 121_665 * y * y, -1, prime)
    if y == 1 or pow(squared, (prime - 1) // 2, prime) == prime - 1:
        raise ValueError("this is no Ed25519 public key")
    return public


class Passphrase(Recipient):
    """A passphrase, which opens a file as well as it is encrypted to it; wiped with `wipe`.

    Args:
        passphrase: 1 to 4,096 bytes of UTF-8 without NUL; a bytearray is taken over.

    Raises: ValueError: not such a passphrase.
    """

    __slots__ = ("_credential", "_typed")

    def __init__(self, passphrase: str | SecretStr | bytearray) -> None:
        if isinstance(passphrase, str):
            passphrase = SecretStr(passphrase)
        typed = HiddenBuffer(passphrase.reveal_buffer()) if isinstance(passphrase, SecretStr) else passphrase
        try:
            self._credential = PassphraseCredential(HiddenBuffer(typed))
        except ValueError:
            wipe(typed)
            raise
        self._typed = typed

    def wrap_for_age(self, file_key: bytearray) -> Stanza:
        """An scrypt stanza."""
        salt = random_bytes(age.SCRYPT_SALT_BYTES)
        body = age.wrap_scrypt(file_key, self._given(), salt, SCRYPT_WORK)
        return Stanza(("scrypt", to_base64(salt).decode("ascii"), str(SCRYPT_WORK)), body)

    def wrap(self, file_id: bytes, file_key: bytearray) -> FileStanza:
        """A stanza of kind 3."""
        parameters = self._credential.new_parameters()
        key = self._file_key(file_id, parameters)
        try:
            context = suite1_files.key_context(file_id, suite1_files.PASSPHRASE, parameters)
            body = counted(parameters) + aead.wrap(key, file_key, context)
        finally:
            wipe(key)
        return FileStanza(suite1_files.PASSPHRASE, body)

    def unwrap_for_age(self, salt: bytes, work: int, body: bytes) -> bytearray:
        """The file key of an scrypt stanza whose work is within bounds."""
        return age.unwrap_scrypt(self._given(), salt, work, body)

    def unwrap(self, file_id: bytes, parameters: bytes, wrapped: bytes) -> bytearray:
        """The file key of a stanza of kind 3.

        Raises: Tampered: another passphrase, or it was changed; nothing can tell which.
        """
        key = self._file_key(file_id, parameters)
        try:
            return aead.unwrap(key, wrapped, suite1_files.key_context(file_id, suite1_files.PASSPHRASE, parameters))
        finally:
            wipe(key)

    def _file_key(self, file_id: bytes, parameters: bytes) -> bytearray:
        stretched = self._credential.secret(parameters)
        try:
            return kdf.passphrase_file_key(stretched, file_id, parameters)
        finally:
            wipe(stretched)

    def _given(self) -> bytearray:
        if not self._typed:
            raise ValueError("this passphrase was wiped")
        return self._typed

    def wipe(self) -> None:
        """Overwrite what was typed; nothing is opened or encrypted with it afterwards."""
        wipe(self._typed)
        self._typed = bytearray()
        self._credential.wipe()

    def __repr__(self) -> str:
        return "Passphrase(<hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a passphrase cannot be pickled or copied")


def parse_recipient(text: str) -> Recipient:
    """A recipient from its text: ``age1...``, ``age1pq1...``, or a line of an SSH public key file.

    Raises: ValueError: none of these; a plug-in's is none.
    """
    words = text.split()
    if not words or len(text) > RECIPIENT_BYTES_MAX:
        raise ValueError(_WHAT_IS_TAKEN)
    if words[0] in (ED25519, RSA):
        return SshRecipient(words)
    if len(words) > 1 or not words[0].isascii():
        raise ValueError(_WHAT_IS_TAKEN)
    word = words[0].encode("ascii")
    try:
        if word.startswith(b"age1pq1"):
            return HybridRecipient(bytes(bech32.decode(word, _HYBRID)))
        if word.startswith(b"age1") and word.count(b"1") == 1:
            public = bytes(bech32.decode(word, _X25519))
            if len(public) == age.POINT_BYTES:
                return X25519Recipient(public)
    except ValueError as error:
        raise ValueError(f"{_WHAT_IS_TAKEN}; this is {error}") from None
    raise ValueError(_WHAT_IS_TAKEN)


_WHAT_SSH_IS_TAKEN = "a recipient's SSH key is of kind ssh-ed25519 or ssh-rsa"
_WHAT_IS_TAKEN = "a recipient is age1..., age1pq1... or an ssh-ed25519 or ssh-rsa public key, and no plug-in's"


def parse_recipients(data: bytes) -> list[Recipient]:
    """A recipients file: one a line, with ``#`` for comments.

    Raises: ValueError: a line is none, or there is none at all.
    """
    try:
        # Not splitlines(): what else Unicode calls a line's end stands in comments, and would add a recipient.
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise ValueError("a recipients file is text") from None
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            found.append(parse_recipient(line))
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
    if not found:
        raise ValueError("there is no recipient in it")
    return found


def x25519_text(public: bytes) -> str:
    """``age1...`` of a 32-byte X25519 public key."""
    return bech32.encode(_X25519, public)


def hybrid_text(public: bytes) -> str:
    """``age1pq1...`` of a 1,216-byte hybrid public key."""
    return bech32.encode(_HYBRID, public)
