"""An encrypted file that is open: its values, to be read and changed, and written again.

A value that does not change keeps its ciphertext. Nothing here touches a disk.
Source: docs/format-files.md.
"""

from __future__ import annotations

from strongroom.crypto.entropy import random_buffer, random_bytes
from strongroom.encrypted_files import trailer as trailers
from strongroom.encrypted_files.adding import with_value
from strongroom.encrypted_files.bodies import Body, decrypt_body, encrypt_body, text_of
from strongroom.encrypted_files.recipients import FileRecipient, check_recipients
from strongroom.encrypted_files.sealing import FILE_KEY_BYTES, FileKey
from strongroom.encrypted_files.trailer import FILE_ID_BYTES, PLAIN_CHARACTERS_MAX, PLAIN_MAX, Stanza, Trailer
from strongroom.errors import NotFound, VaultLocked
from strongroom.secret import HiddenBuffer, SecretStr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from strongroom.encrypted_files.bodies import Path


def encrypt(
    data: bytes | bytearray,
    recipients: Sequence[FileRecipient],
    *,
    format: str,
    plain: Sequence[str] = (),
) -> OpenFile:
    """A plain file as an encrypted one that is open; `OpenFile.encoded` is its text.

    Args:
        data: YAML, JSON, TOML, INI or dotenv.
        recipients: who may read it, 1 to 32.
        format: one of `trailer.FORMATS`.
        plain: patterns (``*``, ``?``, ``[...]``) of names, joined with dots, whose values stay readable.

    Raises:
        BadFile: not of that format, a name twice in it, or it is encrypted already.
        ValueError: recipients or patterns that cannot be.
    """
    check_recipients(recipients)
    if len(plain) > PLAIN_MAX or not all(_is_pattern(one) for one in plain):
        raise ValueError(f"at most {PLAIN_MAX} patterns of names, of printable characters without quotation marks")
    text = text_of(data)
    if trailers.is_encrypted(text):
        from strongroom.formats.interface import BadFile

        raise BadFile("this file is encrypted already")
    key = FileKey(random_buffer(FILE_KEY_BYTES), random_bytes(FILE_ID_BYTES), format)
    return OpenFile(key, Body(text, format), {}, recipients, [], plain=plain, revision=0, encoded="")


def _is_pattern(text: str) -> bool:
    printable = text.isprintable() and text == text.strip()
    return bool(text) and len(text) <= PLAIN_CHARACTERS_MAX and printable and '"' not in text and "\\" not in text


class OpenFile:
    """An encrypted file that was opened; a context manager that wipes its key.

    Attributes:
        plain: patterns of names whose values stay readable.
        recipients: who may read it.
    """

    __slots__ = ("_body", "_encoded", "_key", "_revision", "_stanzas", "_tokens", "plain", "recipients")

    def __init__(
        self,
        key: FileKey,
        body: Body,
        tokens: dict[tuple[Path, str], str],
        recipients: Sequence[FileRecipient],
        stanzas: Sequence[Stanza],
        *,
        plain: Sequence[str],
        revision: int,
        encoded: str,
    ) -> None:
        self._key: FileKey | None = key
        self._body = body
        self._tokens = tokens
        self._stanzas = {one.text: one for one in stanzas}
        self._revision = revision
        self._encoded = encoded
        self.recipients = tuple(recipients)
        self.plain = tuple(plain)

    @property
    def format(self) -> str:
        """One of `trailer.FORMATS`."""
        return self._body.format

    @property
    def file_id(self) -> bytes:
        """16 random bytes, of the file in all its revisions."""
        return self._open_key().file_id

    @property
    def revision(self) -> int:
        """Of the text that `encoded` gives, which counts one more when something has changed."""
        return self._revision if self._encoded else self._revision + 1

    @property
    def key_mark(self) -> bytes:
        """32 bytes by which the file's key is known again; not secret."""
        return self._open_key().mark()

    def names(self) -> list[Path]:
        """The names that lead to each value, in order."""
        return list(self._body.paths)

    def find(self, *names: str) -> Path:
        """The names that lead to the value that *names*, joined with dots, mean.

        Raises: NotFound: none, or several.
        """
        wanted = ".".join(names)
        found = [path for path in self._body.paths if ".".join(path) == wanted]
        if len(found) == 1:
            return found[0]
        inside = [".".join(path) for path in self._body.paths if ".".join(path).startswith(wanted + ".")]
        if found:
            raise NotFound(f"{wanted} means {len(found)} values of this file")
        advice = "in it are " + ", ".join(inside[:8]) if inside else self._nearest(wanted)
        raise NotFound(f"there is no value {wanted} in this file", advice=advice)

    def _nearest(self, wanted: str) -> str:
        from difflib import get_close_matches

        # Names stay readable in the file: they are no secret.
        near = get_close_matches(wanted, [".".join(path) for path in self._body.paths], 3)
        return f"did you mean: {' or '.join(near)}" if near else ""

    def get(self, *names: str) -> SecretStr:
        """One value, as the format reads it; numbers and the like as they are written.

        Raises: NotFound: as `find`.
        """
        self._open_key()
        path = self.find(*names)
        return SecretStr(bytearray(self._body.document.entries[self._body.paths.index(path)].data))

    def is_text(self, *names: str) -> bool:
        """Whether a value is a text, and no number, true, false or null.

        Raises: NotFound: as `find`.
        """
        return self._body.document.entries[self._body.paths.index(self.find(*names))].kind == "text"

    def plaintext(self) -> bytearray:
        """The whole file decrypted, which the caller wipes."""
        self._open_key()
        return HiddenBuffer(self._body.text.encode("utf-8"))

    def replace(self, data: bytes | bytearray) -> None:
        """Put another plain text in its place; values that stay the same in the same place keep their ciphertext.

        Raises: BadFile: it is not of this format.
        """
        text = text_of(data)
        if text != self._body.text:
            self._change(Body(text, self.format))

    def set(self, names: Sequence[str], value: str | SecretStr) -> None:
        """Change one value, or add it.

        Raises: BadFile: the format cannot hold it there.
        """
        text = value.reveal() if isinstance(value, SecretStr) else value
        self._change(with_value(self._body, tuple(names), text))

    def add_recipients(self, added: Sequence[FileRecipient]) -> None:
        """Let others read it too.

        Raises: ValueError: as `check_recipients`.
        """
        check_recipients([*self.recipients, *added])
        self.recipients = (*self.recipients, *added)
        self._encoded = ""

    def remove_recipients(self, removed: Sequence[str]) -> None:
        """Let these read it no longer: everything is encrypted anew, under a new key.

        What they have read, or copied before, they still have.

        Raises:
            NotFound: one of them is none of its recipients.
            ValueError: nobody would be left.
        """
        for text in removed:
            if text not in (one.text for one in self.recipients):
                raise NotFound("no such recipient of this file", advice="strongroom file recipients FILE")
        left = [one for one in self.recipients if one.text not in removed]
        check_recipients(left)
        self.recipients = tuple(left)
        self.rotate()

    def rotate(self) -> None:
        """Encrypt everything anew, under a new key, for the same recipients."""
        old = self._open_key()
        self._key = FileKey(random_buffer(FILE_KEY_BYTES), old.file_id, old.format)
        old.wipe()
        self._tokens = {}
        self._stanzas = {}
        self._encoded = ""

    def encoded(self) -> bytes:
        """The encrypted text: the very one that was read, if nothing has changed.

        Raises:
            BadFile: a value cannot be replaced where it stands.
            Denied: a recipient is a key of a vault that is not at hand.
        """
        key = self._open_key()
        if not self._encoded:
            body = encrypt_body(self._body, key, self.plain, self._tokens)
            stanzas = [self._stanzas.get(one.text) or one.wrap(key) for one in self.recipients]
            trailer = Trailer(key.format, key.file_id, self._revision + 1, self.plain, stanzas)
            before, after = trailers.join(body, trailer)
            text = trailers.with_mac(before, after, key.mac(trailer.covered(), trailers.covered_by_mac(before, after)))
            # What is written is what will be read.
            again, written, covered = trailers.split(text)
            key.check_trailer(written.covered(), written.mac)
            key.check(covered, written.mac)
            found, self._tokens = decrypt_body(again, key, self.plain)
            if found.paths != self._body.paths or found.spellings != self._body.spellings:
                from strongroom.formats.interface import BadFile

                raise BadFile("this file cannot hold encrypted values")
            self._encoded = text
            self._revision += 1
            self._stanzas = {one.text: one for one in stanzas}
        return self._encoded.encode("utf-8")

    def close(self) -> None:
        """Wipe the key; every further use is VaultLocked."""
        if self._key is not None:
            self._key.wipe()
            self._key = None

    def _change(self, body: Body) -> None:
        self._open_key()
        self._body = body
        self._encoded = ""

    def _open_key(self) -> FileKey:
        if self._key is None:
            raise VaultLocked("this encrypted file was closed", advice="open it again")
        return self._key

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<OpenFile {self.format}, revision {self._revision}>"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("an open file cannot be pickled or copied")
