"""What the key of an encrypted file does: encrypts one value for its place, and authenticates the whole text.

Source: docs/format-files.md#values and #the-mac.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

from strongroom.credentials.hidden import HiddenText
from strongroom.crypto import aead, kdf, labels
from strongroom.crypto.mac import TAG_BYTES, Mac
from strongroom.errors import Tampered
from strongroom.secret import HiddenBuffer, wipe
from strongroom.wire import Reader, counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

TOKEN_MARK = "strongroom1."  # noqa: S105 - what every encrypted value begins with
PADDING_BYTES = 32
FILE_KEY_BYTES = 32
_KEYS_VERSION = 1
_SPELLING_BYTES_MAX = 4 * 1024 * 1024


class FileKey:
    """The key of one file; wiped with `wipe`.

    Args:
        key: 32 bytes, taken over.
        file_id: 16 bytes.
        format: which the file has, and its values are bound to.
    """

    __slots__ = ("_entries", "_mac", "file_id", "format", "key")

    def __init__(self, key: bytearray, file_id: bytes, format: str) -> None:
        self.key = HiddenBuffer(key)
        wipe(key)
        self.file_id = file_id
        self.format = format
        self._entries = kdf.derive(self.key, labels.PURPOSE_FILE_ENTRIES, file_id, _KEYS_VERSION)
        own = kdf.derive(self.key, labels.PURPOSE_FILE_TEXT, file_id, _KEYS_VERSION)
        self._mac = Mac(own)
        wipe(own)

    def encrypt(self, keys: Sequence[str], spelling: str) -> str:
        """The token of a value, which opens in this place of this file alone.

        Args:
            keys: the names that lead to it.
            spelling: as it is written, quotes and all.
        """
        plain = HiddenBuffer(counted(spelling.encode("utf-8")))
        # In place: a bytearray that grows may leave the old bytes behind.
        padded = HiddenBuffer(-(-len(plain) // PADDING_BYTES) * PADDING_BYTES)
        padded[: len(plain)] = plain
        try:
            message = aead.encrypt(self._entries, padded, self._context(keys))
        finally:
            wipe(plain)
            wipe(padded)
        return TOKEN_MARK + urlsafe_b64encode(message).rstrip(b"=").decode("ascii")

    def decrypt(self, keys: Sequence[str], token: str) -> str:
        """How the value in *token* is written.

        Raises: Tampered: it is of another place, format or file, or was changed.
        """
        text = token.removeprefix(TOKEN_MARK)
        try:
            message = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            if TOKEN_MARK + urlsafe_b64encode(message).rstrip(b"=").decode("ascii") != token:
                raise ValueError
            plain = HiddenBuffer(aead.decrypt(self._entries, message, self._context(keys)))
        except (ValueError, Tampered):
            raise misplaced(keys) from None
        try:
            reader = Reader(plain, "value")
            spelling = HiddenText(reader.text(_SPELLING_BYTES_MAX))
            rest = len(plain) - 4 - len(spelling.encode("utf-8"))
            if len(plain) % PADDING_BYTES or rest >= PADDING_BYTES or any(reader.take(rest)):
                raise misplaced(keys)
            return spelling
        except Tampered:
            raise misplaced(keys) from None
        finally:
            wipe(plain)

    def mac(self, trailer: bytes, text: bytes) -> bytes:
        """The MACs of a trailer and of the whole text; see `trailer.Trailer.covered` and `trailer.covered_by_mac`."""
        return self._mac.digest(self._whole(b"trailer", trailer)) + self._mac.digest(self._whole(b"text", text))

    def check_trailer(self, trailer: bytes, mac: bytes) -> None:
        """Compare the first MAC.

        Raises: Tampered: who may read the file, its plain names or its revision are not as they were written.
        """
        try:
            self._mac.verify(self._whole(b"trailer", trailer), mac[:TAG_BYTES])
        except Tampered:
            raise Tampered(
                "the trailer of this encrypted file was changed: who may read it, or what stays readable",
                advice="get the file again from where it came from: git log -p FILE",
            ) from None

    def check(self, text: bytes, mac: bytes) -> None:
        """Compare the second MAC.

        Raises: Tampered: the text is not as it was written.
        """
        try:
            self._mac.verify(self._whole(b"text", text), mac[TAG_BYTES:])
        except Tampered:
            raise Tampered(
                "this encrypted file was changed by something else than strongroom",
                advice="see what was changed: git diff FILE\ntake it as it is: strongroom file encrypt FILE --accept",
            ) from None

    def mark(self) -> bytes:
        """32 bytes that are this key's and tell nothing of it, to know it again."""
        return self._mac.digest(self._whole(b"mark", b""))

    def wipe(self) -> None:
        """Overwrite the keys."""
        wipe(self.key)
        wipe(self._entries)
        del self._mac

    def _context(self, keys: Sequence[str]) -> bytes:
        parts = [self.format.encode("ascii"), *(key.encode("utf-8") for key in keys)]
        return labels.context(self.file_id, labels.FILE_ENTRY, 0, *parts)

    def _whole(self, what: bytes, covered: bytes) -> bytes:
        return labels.context(self.file_id, labels.FILE_TEXT, 0, self.format.encode("ascii"), what, covered)

    def __repr__(self) -> str:
        return "FileKey(<hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a file's key cannot be pickled or copied")


def is_token_text(text: str) -> bool:
    """Whether *text* has the form of a token; what it is worth, the key says."""
    if not text.startswith(TOKEN_MARK) or not text.isascii():
        return False
    encoded = text.removeprefix(TOKEN_MARK)
    try:
        message = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except ValueError:
        return False
    is_exact = urlsafe_b64encode(message).rstrip(b"=").decode("ascii") == encoded
    return is_exact and len(message) >= aead.OVERHEAD_BYTES + PADDING_BYTES


def misplaced(keys: Sequence[str]) -> Tampered:
    """The error for a value that does not open where it stands."""
    return Tampered(
        f"the value of {'.'.join(keys)} was changed, or belongs to another name or file",
        advice="see what was changed: git diff FILE",
    )
