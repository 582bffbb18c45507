"""The agent's audit file: one line for each answer, chained under keys that only the open vault has. Pure.

A line says when, who (by the kernel's word), which operation, and how it ended. Paths, field
names and everything else that came with the request are keyed hashes, so that a reader without
the vault learns no name. Reading and writing the files is `locate.audit_files`' business.
Source: docs/format.md#audit-file.
"""

from __future__ import annotations

from functools import lru_cache

from strongroom.crypto import labels
from strongroom.crypto.kdf import derive
from strongroom.crypto.mac import Mac
from strongroom.errors import FormatUnsupported, Tampered
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.vault.core import Core
    from strongroom.vault.policy import Principal

LINE_BYTES_MAX = 16 * 1024
FIRST_LINK = bytes(32)
WRITER_BYTES = 16
_FORM = 1
_NAMES_MAX = 20_000
_FIELDS_MAX = 64
_PRINCIPALS_MAX = 256
_TEXT_MAX = 1_024
_LINK = b',"link":"'
_END = b'"}'
_LINK_BYTES = len(_LINK) + 64 + len(_END)


class AuditKeys:
    """What chains the lines and hides the names.

    Args:
        core: of the open vault.
        version: of its audit key; None for the newest.
    """

    __slots__ = ("_hidden", "_names", "chain", "vault_id", "version")

    def __init__(self, core: Core, version: int | None = None) -> None:
        keyset = core.keys.keyset
        self.version = keyset.purpose_versions(labels.AUDIT_KEY)[0] if version is None else version
        self.vault_id = core.keys.header.vault_id
        try:
            key = keyset.purpose_key(labels.AUDIT_KEY, self.version)
        except KeyError:
            raise Tampered("the audit file names an audit key that this vault does not have") from None
        self.chain = self._mac(key, labels.PURPOSE_AUDIT_FILE)
        self._names = self._mac(key, labels.PURPOSE_AUDIT_NAMES)
        self._hidden: dict[tuple[str, str], str] = {}

    def _mac(self, key: bytearray, purpose: bytes) -> Mac:
        derived = derive(key, purpose, self.vault_id, self.version)
        try:
            return Mac(derived)
        finally:
            wipe(derived)

    def hide(self, path: str, field: str = "") -> str:
        """What stands in the file for a path, or for a field's name at a path: 32 hex digits."""
        hidden = self._hidden.get((path, field))
        if hidden is None:
            if len(self._hidden) >= _NAMES_MAX:
                self._hidden.clear()
            data = path.encode("utf-8", "surrogatepass")
            message = len(data).to_bytes(4, "big") + data + field.encode("utf-8", "surrogatepass")
            hidden = self._names.digest(message)[:16].hex()
            self._hidden[path, field] = hidden
        return hidden


class Chain:
    """Makes one line after the other.

    Args:
        sequence, link: of the last line there is; 0 and `FIRST_LINK` before the first. Whoever could not write
            a line puts them back to what they were.
    """

    __slots__ = ("_keys", "_known", "link", "sequence")

    def __init__(self, keys: AuditKeys, sequence: int = 0, link: bytes = FIRST_LINK) -> None:
        self._keys = keys
        self._known: dict[Principal, str] = {}
        self.sequence = sequence
        self.link = link

    def begin_file(self, writer: str, number: int, *, cut: int = 0) -> bytes:
        """The first line of a file.

        Args:
            writer: 32 hex digits.
            number: of the file, from 1.
            cut: bytes of an unfinished line at the end of the file before, left by a power cut.
        """
        return self._seal(
            f'{{"strongroom-audit":{_FORM},"n":{self.sequence + 1},"vault":"{self._keys.vault_id.hex()}",'
            f'"writer":"{writer}","file":{number},"key":{self._keys.version},"cut":{cut},"previous":"{self.link.hex()}"'
        )

    def line(
        self,
        principal: Principal,
        operation: str,
        path: str,
        fields: Sequence[str],
        outcome: str,
        request_id: str,
        now_us: int,
    ) -> bytes:
        """One entry; see `service.interface.AuditEntry`."""
        hide = self._keys.hide
        names = ",".join([f'"{hide(path, field)}"' for field in fields[:_FIELDS_MAX]])
        return self._seal(
            f'{{"n":{self.sequence + 1},"time":{now_us},{self._known.get(principal) or self._describe(principal)},'
            f'"operation":"{_quoted_again(operation)}","path":"{hide(path) if path else ""}","fields":[{names}],'
            f'"outcome":"{_quoted_again(outcome)}","id":"{quoted(request_id)}"'
        )

    def _describe(self, principal: Principal) -> str:
        """What every line says of *principal*, who is the same for as long as its connection lasts."""
        program = quoted(principal.executable.path) if principal.executable else ""
        said = (
            f'"uid":{principal.uid},"gid":{principal.gid},"pid":{principal.pid},'
            f'"program":"{program}","unit":"{quoted(principal.unit)}"'
        )
        if len(self._known) >= _PRINCIPALS_MAX:
            self._known.clear()
        self._known[principal] = said
        return said

    def _seal(self, text: str) -> bytes:
        body = text.encode("ascii")
        link = self._keys.chain.digest(self.link + body)
        self.link = link
        self.sequence += 1
        return body + _LINK + link.hex().encode("ascii") + b'"}\n'

    def follow(self, line: bytes) -> None:
        """Step over a line that was written before.

        Args:
            line: without its newline.

        Raises: Tampered: it is not what was written after the line before.
        """
        body, link = split_line(line)
        self._keys.chain.verify(self.link + body, link)
        self.link = link
        self.sequence += 1


def split_line(line: bytes) -> tuple[bytes, bytes]:
    """A line's content and its link.

    Args:
        line: without its newline.

    Raises: Tampered: it is no line of an audit file.
    """
    body, end = line[:-_LINK_BYTES], line[-_LINK_BYTES:]
    if not body or not end.startswith(_LINK) or not end.endswith(_END):
        raise Tampered("a line of the audit file is malformed")
    try:
        return body, bytes.fromhex(end[len(_LINK) : -len(_END)].decode("ascii"))
    except ValueError:
        raise Tampered("a line of the audit file is malformed") from None


def parse_line(line: bytes) -> dict[str, object]:
    """What a line says, unverified.

    Args:
        line: without its newline, at most `LINE_BYTES_MAX` bytes.

    Raises:
        Tampered: it is no line of an audit file.
        FormatUnsupported: it begins a file of a newer program.
    """
    from json import loads

    if len(line) > LINE_BYTES_MAX:
        raise Tampered("a line of the audit file is too long")
    try:
        entry = loads(line)
    except (ValueError, RecursionError):
        raise Tampered("a line of the audit file is malformed") from None
    if not isinstance(entry, dict) or type(entry.get("n")) is not int:
        raise Tampered("a line of the audit file is malformed")
    if entry.get("strongroom-audit", _FORM) != _FORM:
        raise FormatUnsupported("this audit file was written by a newer strongroom", advice="upgrade strongroom")
    return entry


def quoted(text: str) -> str:
    """*text* as the inside of a JSON string, in ASCII, cut to 1,024 characters."""
    text = text[:_TEXT_MAX]
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return text
    from json import dumps

    return dumps(text)[1:-1]


# Operations and outcomes are few.
_quoted_again = lru_cache(256)(quoted)
