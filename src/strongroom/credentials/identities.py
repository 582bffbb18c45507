"""Who can open an encrypted file: age identities, SSH private keys, passphrases.

Named keys of a vault are in `file_keys`. Source: C2SP age.md; docs/format.md#encrypted-files.
"""

from __future__ import annotations

from strongroom.credentials import suite1_files
from strongroom.credentials.age import bech32
from strongroom.credentials.age.header import malformed
from strongroom.credentials.recipients import SSH_TAG_BYTES, Passphrase
from strongroom.credentials.ssh_keys import ED25519, RSA
from strongroom.crypto import age, hybrid
from strongroom.crypto.age import NotForThisKey
from strongroom.crypto.digest import sha256
from strongroom.errors import FormatUnsupported, Tampered, WrongKey
from strongroom.keys.slots.passphrase import decode_parameters
from strongroom.secret import wipe
from strongroom.wire import Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.credentials.age.header import Stanza
    from strongroom.credentials.suite1_files import FileStanza
    from strongroom.crypto.ssh_keys import RSAPrivateKey

IDENTITY_FILE_BYTES_MAX = 65_536
IDENTITIES_MAX = 32
SCRYPT_WORK_MAX = 21
"""log2 of the greatest N that is computed: 2 GiB, as for Argon2id here. age itself goes to 22."""

_X25519 = b"AGE-SECRET-KEY-1"
_HYBRID = b"AGE-SECRET-KEY-PQ-1"
_PARAMETERS_BYTES_MAX = 64
_SUPPORTED = "it holds AGE-SECRET-KEY-1... or AGE-SECRET-KEY-PQ-1... lines, or an unprotected SSH key (ed25519, RSA)"


class Identity:
    """Something that may open a file. Each method raises `NotForThisKey` when the stanza is another's."""

    __slots__ = ()

    def open_age(self, stanza: Stanza) -> bytearray:
        """The file key of an age file; the caller wipes it.

        Raises:
            NotForThisKey: the stanza is for somebody else.
            Tampered: no age would have written it.
        """
        raise NotForThisKey

    def open(self, file_id: bytes, stanza: FileStanza) -> bytearray:
        """The file key of a file of ours; as `open_age`."""
        raise NotForThisKey

    def wipe(self) -> None:
        """Overwrite the key."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(<hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("an identity cannot be pickled or copied")


class X25519Identity(Identity):
    """``AGE-SECRET-KEY-1...``.

    Args:
        private: 32 bytes, taken over.
    """

    __slots__ = ("_private",)

    def __init__(self, private: bytearray) -> None:
        self._private = private

    def open_age(self, stanza: Stanza) -> bytearray:
        """Open an X25519 stanza."""
        if stanza.kind != "X25519":
            raise NotForThisKey
        stanza.expect(1, age.WRAPPED_BYTES)
        return age.unwrap_x25519(self._private, stanza.argument(1, age.POINT_BYTES), stanza.body)

    def wipe(self) -> None:
        """Overwrite the key."""
        wipe(self._private)


class HybridIdentity(Identity):
    """``AGE-SECRET-KEY-PQ-1...``, or the hybrid private key of a vault.

    Args:
        private: 96 bytes, as `crypto.hybrid` has them; taken over.
    """

    __slots__ = ("_private", "_public")

    def __init__(self, private: bytearray) -> None:
        self._private = private
        self._public = hybrid.public_key(private)

    def open_age(self, stanza: Stanza) -> bytearray:
        """Open an mlkem768x25519 stanza."""
        if stanza.kind != "mlkem768x25519":
            raise NotForThisKey
        stanza.expect(1, age.WRAPPED_BYTES)
        return age.unwrap_hybrid(self._private, stanza.argument(1, age.HYBRID_SHARE_BYTES), stanza.body)

    def open(self, file_id: bytes, stanza: FileStanza) -> bytearray:
        """Open a stanza of kind 2."""
        if stanza.kind != suite1_files.RECIPIENT:
            raise NotForThisKey
        if len(stanza.body) != suite1_files.FILE_KEY_BYTES + hybrid.OVERHEAD_BYTES:
            raise Tampered("the header of this file was changed or cut")
        context = suite1_files.key_context(file_id, suite1_files.RECIPIENT, self._public)
        try:
            return hybrid.open_sealed(self._private, stanza.body, context)
        except Tampered:
            raise NotForThisKey from None

    def wipe(self) -> None:
        """Overwrite the key."""
        wipe(self._private)


class SshIdentity(Identity):
    """An SSH private key of kind Ed25519 or RSA.

    Args:
        key: the seed of an Ed25519 key, which is wiped, or the library's RSA key, which it forgets itself.
        blob: the public key as SSH encodes it.
    """

    __slots__ = ("_blob", "_key", "_kind")

    def __init__(self, key: bytearray | RSAPrivateKey, blob: bytes) -> None:
        self._key = key
        self._kind = ED25519 if isinstance(key, bytearray) else RSA
        self._blob = blob

    def open_age(self, stanza: Stanza) -> bytearray:
        """Open an ssh-ed25519 or ssh-rsa stanza that names this key."""
        if stanza.kind != self._kind:
            raise NotForThisKey
        is_rsa = not isinstance(self._key, bytearray)
        stanza.expect(1 if is_rsa else 2, len(stanza.body) if is_rsa else age.WRAPPED_BYTES)
        if stanza.argument(1, SSH_TAG_BYTES) != sha256(self._blob)[:SSH_TAG_BYTES]:
            raise NotForThisKey
        if not isinstance(self._key, bytearray):
            return age.unwrap_rsa(self._key, stanza.body)
        scalar = age.ssh_scalar(self._key)
        try:
            return age.unwrap_x25519(scalar, stanza.argument(2, age.POINT_BYTES), stanza.body, self._blob)
        finally:
            wipe(scalar)

    def wipe(self) -> None:
        """Overwrite an Ed25519 key."""
        if isinstance(self._key, bytearray):
            wipe(self._key)


class PassphraseIdentity(Identity):
    """A passphrase that opens a file."""

    __slots__ = ("_passphrase",)

    def __init__(self, passphrase: Passphrase) -> None:
        self._passphrase = passphrase

    def open_age(self, stanza: Stanza) -> bytearray:
        """Open an scrypt stanza, after a look at what it would cost."""
        if stanza.kind != "scrypt":
            raise NotForThisKey
        stanza.expect(2, age.WRAPPED_BYTES)
        salt, digits = stanza.argument(1, age.SCRYPT_SALT_BYTES), stanza.arguments[2]
        if not (digits.isascii() and digits.isdigit() and digits[0] != "0"):
            raise malformed()
        if len(digits) > 2 or int(digits) > SCRYPT_WORK_MAX:
            raise FormatUnsupported("opening this file would take more than 2 GiB of memory")
        return self._passphrase.unwrap_for_age(salt, int(digits), stanza.body)

    def open(self, file_id: bytes, stanza: FileStanza) -> bytearray:
        """Open a stanza of kind 3, after a look at what it would cost."""
        if stanza.kind != suite1_files.PASSPHRASE:
            raise NotForThisKey
        reader = Reader(stanza.body, "file header")
        parameters = reader.counted(_PARAMETERS_BYTES_MAX)
        wrapped = reader.take(suite1_files.FILE_KEY_BYTES + 72)
        reader.finish()
        decode_parameters(parameters)
        try:
            return self._passphrase.unwrap(file_id, parameters, wrapped)
        except Tampered:
            raise NotForThisKey from None

    def wipe(self) -> None:
        """Overwrite the passphrase."""
        self._passphrase.wipe()


def parse_identities(data: bytearray) -> list[Identity]:
    """Read an identity file: age identities one a line, or one SSH private key.

    Args:
        data: the file's content, at most 65,536 bytes; wiped.

    Raises: WrongKey: neither, or protected by a passphrase, or a plug-in's.
    """
    try:
        if data.startswith((b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----")):
            raise WrongKey(
                "the identity file is itself encrypted", advice="decrypt it into a file first: strongroom decrypt FILE"
            )
        if data.startswith(b"-----BEGIN "):
            from strongroom.crypto.ssh_keys import load_private

            return [SshIdentity(*load_private(data))]
        return _age_identities(data)
    finally:
        wipe(data)


def _age_identities(data: bytearray) -> list[Identity]:
    found: list[Identity] = []
    for number, line in enumerate(data.split(b"\n"), 1):
        stripped = line.strip()
        try:
            if not stripped or stripped.startswith(b"#"):
                continue
            if stripped.startswith(b"AGE-PLUGIN-"):
                raise WrongKey(f"line {number} names an age plug-in, and plug-ins are never run", advice=_SUPPORTED)
            if len(found) == IDENTITIES_MAX:
                raise WrongKey(f"there are more than {IDENTITIES_MAX} identities in the file")
            found.append(_age_identity(stripped))
        except ValueError:
            # `from None`: the cause may tell of the key.
            raise WrongKey(f"line {number} is not an age identity", advice=_SUPPORTED) from None
        finally:
            wipe(line)
            wipe(stripped)
    if not found:
        raise WrongKey("there is no identity in the file", advice=_SUPPORTED)
    return found


def _age_identity(line: bytearray) -> Identity:
    is_hybrid = line.startswith(_HYBRID)
    prefix = _HYBRID if is_hybrid else _X25519
    seed = bech32.decode(line, prefix[:-1].decode("ascii"))
    if len(seed) != age.HYBRID_SEED_BYTES:
        wipe(seed)
        raise ValueError("an identity has 32 bytes")
    if not is_hybrid:
        return X25519Identity(seed)
    try:
        return HybridIdentity(age.hybrid_private(seed))
    finally:
        wipe(seed)
