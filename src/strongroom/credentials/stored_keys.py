"""A vault's named keys at work on files: what signs, who is encrypted to, who opens.

    kind signing   `signing_key`, and `signers` for those who check
    kind aead      `recipient` and `identities` of our format
    kind box       the same, by its public part, for our format and age's

Private parts stay in this process and go with the vault. Source: docs/format.md#encrypted-files.
"""

from __future__ import annotations

from strongroom.credentials import minisign, ssh_keys, suite1_files
from strongroom.credentials.identities import HybridIdentity, Identity, X25519Identity
from strongroom.credentials.recipients import HybridRecipient, Recipient, X25519Recipient
from strongroom.credentials.signers import Signer
from strongroom.credentials.signing import SigningKey
from strongroom.credentials.ssh_keys import SshPublicKey
from strongroom.credentials.suite1_files import FileStanza
from strongroom.crypto import aead, age
from strongroom.crypto.age import NotForThisKey
from strongroom.errors import Tampered
from strongroom.secret import HiddenBuffer, wipe
from strongroom.wire import Reader, counted, u32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from strongroom.vault.named_keys.named_key import NamedKey
    from strongroom.vault.named_keys.record import KeyVersion

KEY_ID_BYTES = 16
_X25519_BYTES = 32
_WRAPPED_BYTES = suite1_files.FILE_KEY_BYTES + aead.OVERHEAD_BYTES


def signing_key(key: NamedKey, *, purpose: str = "") -> SigningKey:
    """The primary version of a key of kind ``signing``, which the caller wipes.

    Args:
        purpose: narrows what this object signs; see `SigningKey`.

    Raises: ValueError: the key is of another kind.
    """
    key._check_kind("signs", "signing")
    return SigningKey(HiddenBuffer(key._material(key.primary.number).reveal_buffer()), purpose=purpose)


def signers(
    key: NamedKey, principals: str, *, overlap: timedelta | None = None, namespaces: str = ""
) -> list[Signer]:
    """Which public parts of a key are good when, for a signers file: minisign's form and SSH's of each version.

    A version is good from when it became the primary until *overlap* after another took its place;
    a staged one from when it was made. Disabled and destroyed ones are left out.

    Args:
        principals: who signs with it, such as ``"releases@example.org"``.
        overlap: how long an older version stays good; None for always.
        namespaces: what SSH signatures may be for; empty for anything.

    Raises: ValueError: the key is of another kind, or *principals* cannot stand in a signers file.
    """
    key._check_kind("signs", "signing")
    if not principals.isprintable() or '"' in principals or not principals.strip():
        raise ValueError("a principal is one line without quotation marks")
    found = []
    for version in key.versions:
        if version.state != "enabled":
            continue
        after = int((version.primary_since or version.created).timestamp())
        before = None
        if overlap is not None and version.primary_until is not None:
            before = int((version.primary_until + overlap).timestamp())
        ssh = SshPublicKey(ssh_keys.ed25519_blob(version.public))
        own = minisign.key_of(version.public)
        found += [
            Signer(principals, ssh, namespaces=namespaces, valid_after=after, valid_before=before),
            Signer(principals, own, valid_after=after, valid_before=before),
        ]
    return found


def recipient(key: NamedKey) -> Recipient:
    """Whoever holds the key, as a recipient: its primary version.

    Raises: ValueError: the key is neither of kind ``aead`` nor ``box``.
    """
    key._check_kind("encrypts files", "aead", "box")
    if key.kind == "aead":
        return _KeyRecipient(key)
    return public_recipient(key.primary.public)


def public_recipient(public: bytes) -> Recipient:
    """The public part of a key of kind ``box`` as a recipient: hybrid if it has that part, else X25519."""
    point, mixed = public[:_X25519_BYTES], public[_X25519_BYTES:]
    return HybridRecipient(mixed) if mixed else X25519Recipient(point)


def identities(key: NamedKey) -> list[Identity]:
    """What opens files encrypted to the key: every version that may still decrypt. The caller wipes them.

    Raises: ValueError: as `recipient`.
    """
    key._check_kind("decrypts files", "aead", "box")
    if key.kind == "aead":
        return [_KeyIdentity(key)]
    found: list[Identity] = []
    for version in _usable(key):
        private = key._material(version.number).reveal_buffer()
        found.append(X25519Identity(HiddenBuffer(private[:_X25519_BYTES])))
        if private[_X25519_BYTES:]:
            found.append(HybridIdentity(age.hybrid_private(private[_X25519_BYTES:])))
    return found


def key_ids(stanzas: Sequence[FileStanza]) -> set[bytes]:
    """The ids of the named keys that a file names."""
    return {one.body[:KEY_ID_BYTES] for one in stanzas if one.kind == suite1_files.NAMED_KEY}


def _usable(key: NamedKey) -> Sequence[KeyVersion]:
    return key._current().record.usable()


class _KeyRecipient(Recipient):
    """A key of kind ``aead``."""

    __slots__ = ("_key",)

    def __init__(self, key: NamedKey) -> None:
        self._key = key

    def wrap(self, file_id: bytes, file_key: bytearray) -> FileStanza:
        """A stanza of kind 1."""
        number = self._key.primary.number
        bound = self._key.id + u32(number)
        context = suite1_files.key_context(file_id, suite1_files.NAMED_KEY, bound)
        private = self._key._material(number).reveal_buffer()
        return FileStanza(suite1_files.NAMED_KEY, bound + counted(aead.wrap(private, file_key, context)))


class _KeyIdentity(Identity):
    """A key of kind ``aead``: opens what names it, with the version that is named."""

    __slots__ = ("_key",)

    def __init__(self, key: NamedKey) -> None:
        self._key = key

    def open(self, file_id: bytes, stanza: FileStanza) -> bytearray:
        """Open a stanza of kind 1.

        Raises:
            NotForThisKey: it names another key.
            NotFound, Denied: its version was destroyed or disabled.
        """
        if stanza.kind != suite1_files.NAMED_KEY or stanza.body[:KEY_ID_BYTES] != self._key.id:
            raise NotForThisKey
        reader = Reader(stanza.body, "file header")
        reader.take(KEY_ID_BYTES)
        number = reader.u32()
        wrapped = reader.counted(_WRAPPED_BYTES)
        reader.finish()
        private = self._key._material(number).reveal_buffer()
        bound = stanza.body[: KEY_ID_BYTES + 4]
        try:
            file_key = aead.unwrap(private, wrapped, suite1_files.key_context(file_id, suite1_files.NAMED_KEY, bound))
        except Tampered:
            raise Tampered("the header of this file was changed") from None
        if len(file_key) != suite1_files.FILE_KEY_BYTES:
            wipe(file_key)
            raise Tampered("the header of this file was changed")
        # So that the version is not retired while files still need it.
        self._key._used(number)
        return file_key
