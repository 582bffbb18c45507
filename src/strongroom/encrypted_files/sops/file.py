"""One SOPS file, from its bytes to its plaintext and back.

    file = SopsFile(data, "yaml")
    file.unlock(identities)
    text = file.plaintext()
    data = file.edited(text.replace(...), now)
"""

from __future__ import annotations

from strongroom.credentials.hidden import HiddenText
from strongroom.encrypted_files.sops import weak_spots
from strongroom.encrypted_files.sops.metadata import MacDigest, Metadata
from strongroom.encrypted_files.sops.tree import COMMENT, NULL, Leaf, read_with, write_with
from strongroom.encrypted_files.sops.values import Token, is_encrypted
from strongroom.encrypted_files.sops.writing import FORMATS as FORMATS
from strongroom.encrypted_files.sops.writing import changed, encoded, finished, module_of, new_file, plain_tree, sealed
from strongroom.encrypted_files.sops.writing import encrypt as encrypt
from strongroom.errors import Conflict, NotFound, Tampered, VaultLocked
from strongroom.formats.interface import BadFile, decode
from strongroom.secret import HiddenBuffer, wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from typing import Self

    from strongroom.credentials.identities import Identity
    from strongroom.encrypted_files.sops.weak_spots import WeakSpot
    from strongroom.encrypted_files.sops.writing import Known

# Kinds that are written alike.
_SORTS = {"str": "text", "bytes": "text", "time": "text", "int": "number", "float": "number"}


class SopsFile:
    """A SOPS file; a context manager that wipes its key.

    Args:
        data: the file.
        format: one of `FORMATS`; ``"binary"`` is what SOPS keeps of any other file.

    Raises:
        BadFile: not of that format, no metadata, or beyond a limit.
        FormatUnsupported: something that only sops reads.
        Tampered: no MAC.
    """

    __slots__ = ("_bom", "_format", "_key", "_opened", "_tree", "_unopened", "format", "metadata")

    def __init__(self, data: bytes | bytearray, format: str) -> None:
        self.format = format
        self._format = module_of(format)
        text, self._bom = decode(data)
        self._tree = read_with(self._format, HiddenText(text))
        if self._tree.metadata is None:
            raise BadFile("this is no SOPS file: it has no metadata")
        self.metadata = Metadata(self._tree.metadata)
        self._key: bytearray | None = None
        self._opened: dict[Leaf, Leaf] = {}
        self._unopened: list[Leaf] = []

    def unlock(self, identities: Sequence[Identity]) -> None:
        """Decrypt everything, and compare the MAC; the identities may be wiped afterwards.

        Raises:
            WrongKey: none of them opens it.
            Tampered: something was changed, moved, added or removed, or is in the open and should be encrypted.
        """
        self._key = self.metadata.open(identities)
        digest = MacDigest(encrypted_only=self.metadata.mac_only_encrypted)
        leaves = self._tree.leaves
        for number, leaf in enumerate(leaves):
            opened = self._open(leaf, leaves[max(0, number - 1) : number + 2])
            self._opened[leaf] = opened
            if opened.kind != COMMENT and (self._is_encrypted(leaf) or not self.metadata.mac_only_encrypted):
                digest.update(opened.data)
        self.metadata.check_mac(self._key, digest.finish())

    def _is_encrypted(self, leaf: Leaf) -> bool:
        return self.metadata.rule.encrypts(leaf.path)

    def _open(self, leaf: Leaf, around: Sequence[Leaf]) -> Leaf:
        if leaf.is_empty or not self._is_encrypted(leaf):
            return leaf
        if leaf.kind == COMMENT:
            return self._open_comment(leaf, around)
        if leaf.kind != "str" or not is_encrypted(leaf.data):
            raise Tampered(f"{leaf.name} is not encrypted, and the file says that it is")
        try:
            token = Token(leaf.data)
            return changed(leaf, token.kind, token.open(self._unlocked(), leaf.associated()))
        except Tampered:
            raise Tampered(f"the value of {leaf.name} was changed, or belongs elsewhere") from None

    def _open_comment(self, leaf: Leaf, around: Sequence[Leaf]) -> Leaf:
        """SOPS binds a comment to the block that its parser put it into; ours may see it in the next one."""
        if not is_encrypted(leaf.data):
            self._unopened.append(leaf)
            return leaf
        near = [one.path[:length] for one in around for length in range(len(one.path), -1, -1)]
        for path in dict.fromkeys((leaf.path, *near)):
            try:
                return changed(leaf, COMMENT, Token(leaf.data).open(self._unlocked(), leaf.associated(path)))
            except Tampered:
                continue
        self._unopened.append(leaf)
        return leaf

    def _unlocked(self) -> bytearray:
        if self._key is None:
            raise VaultLocked("unlock the SOPS file first")
        return self._key

    def weak_spots(self) -> tuple[WeakSpot, ...]:
        """What the MAC of this file, which is unlocked, leaves open."""
        self._unlocked()
        return weak_spots.find(self.metadata, list(self._opened.values()), self._unopened)

    def plaintext(self) -> bytearray:
        """The file without encryption and metadata; comments, order and layout as they are.

        Returns: its bytes, which the caller wipes.
        Raises: BadFile: a value that this format cannot hold.
        """
        self._unlocked()
        if self.format == "binary":
            return HiddenBuffer(self._only_value().data.encode("utf-8"))
        pieces = [
            write_with(self._format, leaf, opened.kind, opened.data)
            for leaf, opened in self._opened.items()
            if opened is not leaf
        ]
        return HiddenBuffer(encoded(self._tree.spliced(pieces), self._bom))

    def _only_value(self) -> Leaf:
        values = [leaf for leaf in self._opened.values() if leaf.path == ("data",)]
        if len(values) != 1 or len(self._opened) != 1:
            raise BadFile("this is a SOPS file of a format, and not of a binary file")
        return values[0]

    def check_form(self) -> None:
        """What can be said without a key.

        Raises: Tampered: values are in the open that the file says are encrypted.
        """
        wrong = [leaf.name for leaf in self._tree.leaves if self._should_be_encrypted(leaf)]
        if wrong:
            raise Tampered(f"not encrypted: {', '.join(wrong[:8])}" + (", ..." if len(wrong) > 8 else ""))

    def _should_be_encrypted(self, leaf: Leaf) -> bool:
        is_value = leaf.kind != COMMENT and not leaf.is_empty
        return is_value and self._is_encrypted(leaf) and not is_encrypted(leaf.data)

    def value(self, names: Sequence[str]) -> tuple[str, str]:
        """The kind and the text of one value.

        Args:
            names: as they lead to it, places in lists as numbers; or joined with dots.

        Raises:
            NotFound: there is none, or it is null.
            BadFile: the names mean several.
        """
        leaf = self._named(list(self._opened.values()), names)
        if leaf is None or leaf.kind == NULL:
            raise NotFound(f"there is no value called {'.'.join(names)}")
        return leaf.kind, leaf.data.lower() if leaf.kind == "bool" else leaf.data

    def _named(self, leaves: Sequence[Leaf], names: Sequence[str]) -> Leaf | None:
        wanted = ".".join(names)
        found = [leaf for leaf in leaves if leaf.kind != COMMENT and ".".join(leaf.place) == wanted]
        if len(found) > 1:
            raise BadFile(f"{wanted} means {len(found)} values of this file")
        return found[0] if found else None

    def with_value(self, names: Sequence[str], text: str, now: datetime) -> bytes:
        """The file with a text as one value, which is added at the end of its like if it is new.

        Raises: BadFile: as `value`, or there is no place for it.
        """
        if self.format == "binary":
            raise BadFile("a binary file has no values: strongroom file edit FILE")
        plain = HiddenText(decode(self.plaintext())[0])
        tree = read_with(self._format, plain)
        leaf = self._named(tree.leaves, names)
        if leaf is not None:
            after = tree.spliced([write_with(self._format, leaf, "str", text)])
        elif self.format == "dotenv":
            end = "" if plain.endswith("\n") else "\n"
            value = text.replace("\n", "\\n")
            after = f"{plain}{end}{'.'.join(names)}={value}\n"
        else:
            from strongroom.encrypted_files.adding import with_value
            from strongroom.encrypted_files.bodies import Body

            after = with_value(Body(plain, self.format), tuple(names), text).text
        self._check_set(after, names, text)
        return self.edited(after.encode("utf-8"), now)

    def _check_set(self, after: str, names: Sequence[str], text: str) -> None:
        """Refuse what would be read as another value, or under another name: ``\\n`` of a .env file is a line end."""
        wanted = ".".join(names)
        there = _values(read_with(self._format, HiddenText(after)).leaves)
        if there.pop(wanted, None) != ("text" if text else "", text):
            raise BadFile(f"a {self.format} file of SOPS's cannot hold this value as {wanted}")
        if there != {name: value for name, value in _values(self._opened.values()).items() if name != wanted}:
            raise BadFile(f"{wanted} cannot be set without changing other values of this file: sops set")

    def edited(self, plaintext: bytes | bytearray, now: datetime) -> bytes:
        """The file with another plaintext: what has not changed keeps its ciphertext, and all keep their access.

        Raises: BadFile, FormatUnsupported: the plaintext cannot be kept in a SOPS file of this format.
        """
        key = self._unlocked()
        if self.format != "binary":
            before = read_with(self._format, HiddenText(decode(self.plaintext())[0]))
            if _values(before.leaves) != _values(self._opened.values()):
                raise BadFile("values of this SOPS file would be others when it is written again: sops set")
        known: Known = {}
        for leaf, opened in self._opened.items():
            if is_encrypted(leaf.data):
                known.setdefault((opened.path, opened.kind, opened.data), []).append(leaf.data)
        tree = plain_tree(self._format, plaintext, self.format)
        text, digest = sealed(tree, self._format, key, self.metadata.rule, known, self.metadata.mac_only_encrypted)
        text = self._format.with_same_metadata(text, self._tree, self.metadata.edited(key, digest, now))
        return finished(self._format, text, key, tree, bom=self._bom)

    def with_recipients(self, recipients: Sequence[str], now: datetime) -> bytes:
        """The file with a new data key, for these recipients and nobody else.

        Raises:
            Conflict: other key services than age hold its key, or it was split.
            ValueError: recipients that are none, or that cannot stand together.
        """
        if self.metadata.others or len(self.metadata.groups) > 1:
            what = ", ".join(self.metadata.others) or "groups of keys"
            raise Conflict(f"this SOPS file is for {what} too, and only sops gives such a file a new key")
        return new_file(
            self.plaintext(), self.format, recipients, self.metadata.rule, now,
            mac_only_encrypted=self.metadata.mac_only_encrypted,
        )  # fmt: skip

    def wipe(self) -> None:
        """Overwrite the data key."""
        if self._key is not None:
            wipe(self._key)
        self._key = None
        self._opened = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.wipe()

    def __repr__(self) -> str:
        return f"SopsFile({self.format!r}, <hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a SOPS file cannot be pickled or copied")


def _values(leaves: Iterable[Leaf]) -> dict[str, tuple[str, str]]:
    """Name -> sort and text of each value; a text says nothing of which numbers have a fraction."""
    return {
        ".".join(leaf.place): (_SORTS.get(leaf.kind, leaf.kind) if leaf.data else "", leaf.data)
        for leaf in leaves
        if leaf.kind != COMMENT
    }
