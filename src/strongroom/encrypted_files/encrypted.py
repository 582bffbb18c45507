"""An encrypted file as it lies there: read this first.

`EncryptedFile`   who may read it, which names it has, without any key
`OpenFile`        what `EncryptedFile.unlock` gives, in `opened`: its values, to be read and changed

Nothing here touches a disk. Source: docs/format-files.md.
"""

from __future__ import annotations

from strongroom.encrypted_files import trailer as trailers
from strongroom.encrypted_files.bodies import Body, decrypt_body, is_whole_token, stays_plain, text_of
from strongroom.encrypted_files.opened import OpenFile
from strongroom.encrypted_files.recipients import from_stanzas, unwrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from strongroom.credentials.identities import Identity
    from strongroom.encrypted_files.bodies import Path
    from strongroom.encrypted_files.recipients import FileRecipient
    from strongroom.encrypted_files.trailer import Stanza


def is_encrypted(data: bytes | bytearray) -> bool:
    """Whether *data* is an encrypted file, intact or not.

    Raises: BadFile: it is no text.
    """
    return trailers.is_encrypted(text_of(data))


def read(data: bytes | bytearray) -> EncryptedFile:
    """An encrypted file, of which nothing is believed before it is unlocked.

    Raises:
        BadFile: it is none, or holds a conflict of git's.
        Tampered: its trailer was changed.
        FormatUnsupported: a newer strongroom wrote it.
    """
    return EncryptedFile(text_of(data))


class EncryptedFile:
    """An encrypted file as it lies there.

    Args:
        text: from `text_of`.

    Attributes:
        format: one of `trailer.FORMATS`.
        recipients: their texts, as the trailer says.
        revision: counts what was written; as the trailer says.
    """

    __slots__ = ("_body", "_covered", "_text", "_trailer")

    def __init__(self, text: str) -> None:
        self._text = text
        self._body, self._trailer, self._covered = trailers.split(text)

    @property
    def format(self) -> str:
        """One of `trailer.FORMATS`."""
        return self._trailer.format

    @property
    def file_id(self) -> bytes:
        """16 random bytes, of the file in all its revisions."""
        return self._trailer.file_id

    @property
    def revision(self) -> int:
        """Counts what was written, from 1."""
        return self._trailer.revision

    @property
    def recipients(self) -> tuple[str, ...]:
        """Who may read it."""
        return tuple(one.text for one in self._trailer.stanzas)

    @property
    def stanzas(self) -> tuple[Stanza, ...]:
        """The file key for each recipient."""
        return self._trailer.stanzas

    def names(self) -> list[Path]:
        """The names that lead to each value, in order.

        Raises: BadFile: it is not of its format.
        """
        return list(Body(self._body, self.format).paths)

    def plaintext_names(self) -> list[Path]:
        """Names whose values should be encrypted and are not; none of a file that is intact.

        Raises: BadFile: as `names`.
        """
        body = Body(self._body, self.format)
        return [
            path
            for path, spelling in zip(body.paths, body.spellings, strict=True)
            if not is_whole_token(spelling) and not stays_plain(path, spelling, self._trailer.plain)
        ]

    def shown(self) -> str:
        """The text with a short mark in the place of each token, for comparing two revisions without a key."""
        from strongroom.encrypted_files.showing import shown

        return shown(self._body, self._trailer)

    def unlock(
        self,
        identities: Sequence[Identity],
        *,
        at_hand: Mapping[str, FileRecipient] | None = None,
        accept: bool = False,
    ) -> OpenFile:
        """The file opened, once all of it has proved intact.

        Args:
            identities: what may open it; each is tried, none is wiped.
            at_hand: recipients that are keys of kind ``aead`` of a vault, by their text: for who changes the file.
            accept: take what something else than strongroom changed: new values in plain text, and the rest of
                the text, are not known to be anybody's; encrypted values must open where they stand, and the trailer
                must be intact.

        Raises:
            WrongKey: no identity opens it.
            Tampered: something in it is not as it was written.
        """
        trailer = self._trailer
        key = unwrap(trailer.stanzas, identities, trailer.file_id, trailer.format)
        try:
            key.check_trailer(trailer.covered(), trailer.mac)
            if not accept:
                key.check(self._covered, trailer.mac)
            plain = trailer.plain if not accept else ("*",)
            body, tokens = decrypt_body(self._body, key, plain)
            recipients = from_stanzas(trailer.stanzas, at_hand or {})
        except BaseException:
            key.wipe()
            raise
        return OpenFile(
            key, body, tokens, recipients, trailer.stanzas,
            plain=trailer.plain, revision=trailer.revision, encoded="" if accept else self._text,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<EncryptedFile {self.format}, revision {self.revision}>"
