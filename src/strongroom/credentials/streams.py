"""Encrypted files and streams of any size, in constant memory: our format and age's.

    from strongroom import streams

    alice = streams.parse_recipient("age1...")
    with open("dump.sql", "rb") as source, open("dump.sql.age", "wb") as target:
        streams.encrypt(source, target, [alice])

`decrypt` releases nothing before its chunk is authenticated; that nothing is missing at the end is
known only when it returns. So a file is written with `stream_files.decrypt_file`, which leaves no
output otherwise. Encrypting says nothing about who did it: sign what must have an author.
Source: docs/format.md#encrypted-files; C2SP age.md.
"""

from __future__ import annotations

from strongroom.credentials import armor as armors
from strongroom.credentials import suite1_files
from strongroom.credentials.age import header as age_header
from strongroom.credentials.age.payload import AgeDecrypter, AgeEncrypter
from strongroom.credentials.identities import Identity
from strongroom.credentials.identities import parse_identities as parse_identities
from strongroom.credentials.recipients import HybridRecipient, Passphrase, Recipient
from strongroom.credentials.recipients import parse_recipient as parse_recipient
from strongroom.credentials.recipients import parse_recipients as parse_recipients
from strongroom.credentials.streaming import Source, pump, write_all
from strongroom.credentials.suite1_files import FileDecrypter, FileEncrypter
from strongroom.crypto import age
from strongroom.crypto.age import NotForThisKey
from strongroom.crypto.entropy import random_buffer, random_bytes
from strongroom.errors import Denied, FormatUnsupported, NotFound, StrongroomError, Tampered
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from strongroom.credentials.streaming import Cipher, Progress, Readable, Writable

    S = TypeVar("S")

AGE = "age"
STRONGROOM = "strongroom"
FORMATS = (STRONGROOM, AGE)


def encrypt(
    source: Readable,
    target: Writable,
    recipients: Sequence[Recipient],
    *,
    format: str = AGE,
    armor: bool = False,
    progress: Progress | None = None,
) -> None:
    """Encrypt a stream.

    Args:
        source: is read from where it stands to its end.
        target: receives the encrypted file.
        recipients: who may open it, 1 to 32; a passphrase stands alone.
        format: ``"age"`` or ``"strongroom"``.
        armor: write text instead of bytes.
        progress: is called with the number of bytes read.

    Raises: ValueError: recipients that the format has no place for, or that cannot stand together.
    """
    NewStream(recipients, format=format, armor=armor).write_to(source, target, progress=progress)


class NewStream:
    """The beginning of an encrypted stream: who may open it is settled, and what they open with is not needed again.

    Args:
        recipients, format, armor: as in `encrypt`.

    Raises: ValueError: as `encrypt`.
    """

    __slots__ = ("_beginning", "_cipher", "_label")

    def __init__(self, recipients: Sequence[Recipient], *, format: str = AGE, armor: bool = False) -> None:
        if format not in FORMATS:
            raise ValueError(f"a format is one of {', '.join(FORMATS)}")
        begin = _begin_age if format == AGE else _begin_own
        self._beginning, self._cipher = begin(recipients)
        label = armors.AGE if format == AGE else armors.STRONGROOM
        self._label = label if armor else None

    def write_to(self, source: Readable, target: Writable, *, progress: Progress | None = None) -> None:
        """Encrypt *source*, once; as `encrypt`."""
        wrapped = None if self._label is None else armors.ArmorWriter(target, self._label)
        out = target if wrapped is None else wrapped
        write_all(out, self._beginning)
        pump(Source(source), out, self._cipher, progress)
        if wrapped is not None:
            wrapped.finish()


def decrypt(
    source: Readable, target: Writable, identities: Sequence[Identity], *, progress: Progress | None = None
) -> None:
    """Decrypt a stream, of either format, armored or not.

    Args:
        source: is read from where it stands to its end.
        target: receives the plaintext, of which nothing is certain before this returns.
        identities: what may open it; each is tried.
        progress: is called with the number of bytes read.

    Raises:
        WrongKey: none of the identities opens it.
        Tampered: it was changed or cut; what *target* received before is to be thrown away.
        FormatUnsupported: neither format, a newer version, or its passphrase would cost too much.
    """
    stream = open_stream(source)
    stream.unlock(identities)
    stream.write_to(target, progress=progress)


class EncryptedStream:
    """A stream whose header was read, so that it can be said who may open it.

    Attributes:
        format: ``"age"`` or ``"strongroom"``.
        kinds: of recipients: ``"passphrase"``, ``"key"`` (named, of a vault), ``"recipient"`` (a hybrid key),
            and age's own words for its stanzas.
    """

    __slots__ = ("_cipher", "_open", "_source", "format", "kinds", "stanzas")

    def __init__(
        self,
        source: Source,
        format: str,
        kinds: tuple[str, ...],
        stanzas: Sequence[suite1_files.FileStanza],
        open: Callable[[Sequence[Identity]], Cipher],
    ) -> None:
        self._source = source
        self._open = open
        self._cipher: Cipher | None = None
        self.format = format
        self.kinds = kinds
        self.stanzas = stanzas

    def unlock(self, identities: Sequence[Identity]) -> None:
        """Find the key of the stream; the identities may be wiped afterwards.

        Raises:
            WrongKey: none of them opens it; others may be tried.
            Denied, NotFound: none but a version of a named key that was disabled or destroyed.
            Tampered: the header was changed.
        """
        self._cipher = self._open(identities)

    def write_to(self, target: Writable, *, progress: Progress | None = None) -> None:
        """Decrypt an unlocked stream, once; as `decrypt`."""
        cipher, self._cipher = self._cipher, None
        if cipher is None:
            raise ValueError("unlock the stream first")
        pump(self._source, target, cipher, progress)


def open_stream(source: Readable) -> EncryptedStream:
    """Read the header of an encrypted stream.

    Raises:
        Tampered: the header is malformed.
        FormatUnsupported: neither format, or a newer version.
    """
    stream = Source(source)
    label = armors.detect(stream)
    if label is not None:
        stream = Source(armors.ArmorReader(stream, label))
    if stream.peek(len(age_header.MAGIC)) == age_header.MAGIC and label != armors.STRONGROOM:
        return _open_age(stream)
    if stream.peek(len(suite1_files.MAGIC)) == suite1_files.MAGIC and label != armors.AGE:
        return _open_own(stream)
    if label is not None:
        raise Tampered("what is inside the armor is not what it says")
    raise FormatUnsupported("this is neither an age file nor an encrypted file of strongroom's")


def _begin_age(recipients: Sequence[Recipient]) -> tuple[bytes, Cipher]:
    if not 1 <= len(recipients) <= suite1_files.STANZAS_MAX:
        raise ValueError(f"a file has 1 to {suite1_files.STANZAS_MAX} recipients")
    if len(recipients) > 1 and any(isinstance(one, Passphrase) for one in recipients):
        raise ValueError("a passphrase stands alone: nobody else can be a recipient of the same file")
    if len({isinstance(one, HybridRecipient) for one in recipients}) > 1:
        # Whoever breaks X25519 would open it, and the age1pq1 recipients believe he cannot.
        raise ValueError("age1pq1 recipients do not stand beside others: the file would be as weak as those")
    key = random_buffer(age.FILE_KEY_BYTES)
    try:
        header = age_header.encode([one.wrap_for_age(key) for one in recipients])
        nonce = random_bytes(age.NONCE_BYTES)
        beginning = age_header.finish(header, age.header_mac(key).digest(header)) + nonce
        return beginning, AgeEncrypter(age.Payload(key, nonce))
    finally:
        wipe(key)


def _begin_own(recipients: Sequence[Recipient]) -> tuple[bytes, Cipher]:
    key = suite1_files.new_file_key()
    file_id = suite1_files.new_file_id()
    try:
        header = suite1_files.make_header(file_id, [one.wrap(file_id, key) for one in recipients])
        return suite1_files.beginning(header), FileEncrypter(key, header)
    finally:
        wipe(key)


def _open_age(source: Source) -> EncryptedStream:
    stanzas, covered, tag = age_header.read(source)

    def open(identities: Sequence[Identity]) -> Cipher:
        key = _first(identities, stanzas, lambda one, stanza: one.open_age(stanza))
        try:
            _check_header(key, covered, tag)
            nonce = source.take(age.NONCE_BYTES)
            if len(nonce) != age.NONCE_BYTES:
                raise age_header.malformed()
            return AgeDecrypter(age.Payload(key, nonce))
        finally:
            wipe(key)

    kinds = tuple("passphrase" if one.kind == "scrypt" else one.kind for one in stanzas)
    return EncryptedStream(source, AGE, kinds, (), open)


def _check_header(key: bytearray, covered: bytes, tag: bytes) -> None:
    try:
        age.header_mac(key).verify(covered, tag)
    except Tampered:
        raise age_header.malformed() from None


def _open_own(source: Source) -> EncryptedStream:
    header = suite1_files.read_header(source)

    def open(identities: Sequence[Identity]) -> Cipher:
        def unwrap(identity: Identity, stanza: suite1_files.FileStanza) -> bytearray:
            return identity.open(header.file_id, stanza)

        key = _first(identities, header.stanzas, unwrap)
        try:
            return FileDecrypter(key, header)
        finally:
            wipe(key)

    words = {
        suite1_files.NAMED_KEY: "key",
        suite1_files.RECIPIENT: "recipient",
        suite1_files.PASSPHRASE: "passphrase",
    }
    kinds = tuple(words.get(one.kind, "unknown") for one in header.stanzas)
    return EncryptedStream(source, STRONGROOM, kinds, header.stanzas, open)


def _first(
    identities: Sequence[Identity], stanzas: Sequence[S], unwrap: Callable[[Identity, S], bytearray]
) -> bytearray:
    unusable: StrongroomError | None = None
    for stanza in stanzas:
        for identity in identities:
            try:
                return unwrap(identity, stanza)
            except NotForThisKey:
                continue
            except (Denied, NotFound) as error:
                # Its version was disabled or destroyed; the file may be for another key as well.
                unusable = unusable or error
    raise unusable or NotForThisKey
