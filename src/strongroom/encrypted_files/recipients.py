"""Who an encrypted file is for: names of recipients as its trailer holds them, and the file key for each.

Source: docs/format-files.md#recipients.
"""

from __future__ import annotations

from io import BytesIO

from strongroom.credentials import streams
from strongroom.credentials.recipients import HybridRecipient, Passphrase, Recipient, parse_recipient
from strongroom.crypto.age import NotForThisKey
from strongroom.encrypted_files.key_streams import KeySink, KeySource
from strongroom.encrypted_files.sealing import FILE_KEY_BYTES, FileKey
from strongroom.encrypted_files.trailer import FILE_ID_BYTES, RECIPIENTS_MAX, Stanza, check_recipient_text
from strongroom.errors import Denied, FormatUnsupported, NotFound, StrongroomError, Tampered
from strongroom.secret import HiddenBuffer, wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from strongroom.credentials.identities import Identity

KEY = "key "


class FileRecipient:
    """Somebody who may read an encrypted file.

    Args:
        text: ``age1...``, ``age1pq1...``, an ``ssh-ed25519`` or ``ssh-rsa`` public key, ``key NAME`` for a vault's
            key of kind ``aead``, or ``key NAME age1...`` for one of kind ``box``.
        recipient: what encrypts to a key of kind ``aead``: `streams.recipient` of it; None for one that this
            process does not have, and all others.

    Raises: ValueError: *text* is none of these.
    """

    __slots__ = ("_recipient", "is_symmetric", "public", "text")

    def __init__(self, text: str, recipient: Recipient | None = None) -> None:
        public = text
        if text.startswith(KEY):
            _name, _, public = text.removeprefix(KEY).partition(" ")
        try:
            check_recipient_text(text)
        except Tampered:
            raise ValueError("a recipient is printable text without quotation marks or backslashes") from None
        self.text = text
        self.is_symmetric = not public
        # Whatever it is called: the same in two recipients is one who may read.
        self.public = " ".join(public.split()[:2]) or text
        self._recipient = recipient if self.is_symmetric else parse_recipient(public)
        if isinstance(self._recipient, Passphrase):
            raise ValueError("an encrypted file for git has no passphrase; take an identity file")

    @property
    def is_hybrid(self) -> bool:
        """Whether it stays secret from who has a quantum computer later."""
        return self.is_symmetric or isinstance(self._recipient, HybridRecipient)

    @property
    def can_wrap(self) -> bool:
        """Whether this process can encrypt to it."""
        return self._recipient is not None

    def wrap(self, key: FileKey) -> Stanza:
        """The stanza for this recipient.

        Raises: Denied: it is a key of a vault that is not at hand.
        """
        if self._recipient is None:
            raise Denied(
                f"encrypting to the vault's {self.text} needs the vault",
                advice="open the vault, or take this recipient out first",
            )
        plain = HiddenBuffer(key.file_id + key.key)
        out = BytesIO()
        format = streams.STRONGROOM if self.is_symmetric else streams.AGE
        try:
            streams.encrypt(KeySource(plain), out, [self._recipient], format=format)
        finally:
            wipe(plain)
        return Stanza(self.text, out.getvalue())

    def __repr__(self) -> str:
        return f"FileRecipient({self.text!r})"


def check_recipients(recipients: Sequence[FileRecipient]) -> None:
    """Refuse recipients that cannot stand together.

    Raises: ValueError: none, too many, one twice, or hybrid ones beside others.
    """
    if not 1 <= len(recipients) <= RECIPIENTS_MAX:
        raise ValueError(f"a file has 1 to {RECIPIENTS_MAX} recipients")
    # By their keys: who is taken away under one name must not stay under another.
    if len({one.public for one in recipients}) != len(recipients):
        raise ValueError("a recipient is named twice")
    strong = [one for one in recipients if one.is_hybrid and not one.is_symmetric]
    if strong and not all(one.is_hybrid for one in recipients):
        # As in age: whoever breaks X25519 would open it, and the age1pq1 recipients believe he cannot.
        raise ValueError("age1pq1 recipients do not stand beside others: the file would be as weak as those")


def from_stanzas(stanzas: Iterable[Stanza], at_hand: Mapping[str, FileRecipient]) -> list[FileRecipient]:
    """The recipients of a file.

    Args:
        at_hand: those of kind ``aead`` that this process can encrypt to, by their text.

    Raises: Tampered: one of them is none.
    """
    found = []
    for stanza in stanzas:
        try:
            found.append(at_hand.get(stanza.text) or FileRecipient(stanza.text))
        except ValueError:
            raise Tampered("the trailer of this encrypted file names a recipient that is none") from None
    return found


def unwrap(stanzas: Sequence[Stanza], identities: Sequence[Identity], file_id: bytes, format: str) -> FileKey:
    """The key of a file.

    Raises:
        WrongKey: none of the identities opens it.
        Denied, NotFound: none but a version of a named key that was disabled or destroyed.
        Tampered: a stanza was changed.
    """
    unusable: StrongroomError | None = None
    for stanza in stanzas:
        sink = KeySink(
            FILE_ID_BYTES + FILE_KEY_BYTES, "a stanza of this encrypted file holds something else than its key"
        )
        try:
            stream = streams.open_stream(KeySource(bytearray(stanza.body)))
            if "passphrase" in stream.kinds or "scrypt" in stream.kinds:
                raise Tampered("the trailer of this encrypted file names a recipient that is none")
            stream.unlock(identities)
            stream.write_to(sink)
            if not sink.is_full or sink.buffer[:FILE_ID_BYTES] != file_id:
                raise Tampered("the key of this encrypted file is another file's")
            return FileKey(HiddenBuffer(memoryview(sink.buffer)[FILE_ID_BYTES:]), file_id, format)
        except NotForThisKey:
            continue
        except FormatUnsupported:
            raise Tampered("a stanza of this encrypted file was changed") from None
        except (Denied, NotFound) as error:
            unusable = unusable or error
        finally:
            wipe(sink.buffer)
    raise unusable or NotForThisKey
