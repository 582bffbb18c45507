"""What becomes a SOPS file: every value encrypted, the MAC made, and the result read again before anybody has it."""

from __future__ import annotations

from strongroom.credentials.hidden import HiddenText
from strongroom.encrypted_files.sops.metadata import MacDigest, Metadata, new_key, new_metadata
from strongroom.encrypted_files.sops.rules import DEFAULT_SUFFIX, Rule
from strongroom.encrypted_files.sops.tree import COMMENT, Leaf, read_with, write_with
from strongroom.encrypted_files.sops.values import Token, is_encrypted, seal
from strongroom.errors import Tampered
from strongroom.formats.interface import BadFile, decode
from strongroom.secret import HiddenBuffer, wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from strongroom.encrypted_files.sops.tree import Format, Tree

    # Names, kind and value -> how it is written encrypted, of every value that has just these.
    Known = dict[tuple[tuple[str, ...], str, str], list[str]]

FORMATS = ("yaml", "json", "dotenv", "ini", "binary")


def encrypt(
    data: bytes | bytearray, format: str, recipients: Sequence[str], now: datetime, *, rule: Rule | None = None
) -> bytes:
    """A new SOPS file.

    Args:
        data: the plaintext.
        format: one of `FORMATS`.
        recipients: ``age1...``, ``age1pq1...``, or SSH public keys.
        rule: which values are encrypted; None: all whose names do not end in ``_unencrypted``, as sops does it.

    Raises:
        BadFile, FormatUnsupported: the file cannot be kept in SOPS's way without losing something.
        ValueError: recipients that are none, or that cannot stand together.
    """
    usual = Rule({} if format == "binary" else {"unencrypted_suffix": DEFAULT_SUFFIX})
    return new_file(data, format, recipients, rule or usual, now, mac_only_encrypted=False)


def new_file(
    data: bytes | bytearray, format: str, recipients: Sequence[str], rule: Rule, now: datetime,
    *, mac_only_encrypted: bool,
) -> bytes:  # fmt: skip
    """As `encrypt`."""
    module, key = module_of(format), new_key()
    try:
        tree = plain_tree(module, data, format)
        text, digest = sealed(tree, module, key, rule, {}, mac_only_encrypted)
        metadata = new_metadata(key, recipients, rule, digest, now, mac_only_encrypted=mac_only_encrypted)
        return finished(module, module.with_metadata(text, metadata), key, tree, bom=bytes(data[:3]) == b"\xef\xbb\xbf")
    finally:
        wipe(key)


def plain_tree(module: Format, data: bytes | bytearray, format: str) -> Tree:
    """The leaves of a plaintext.

    Raises: BadFile: there are none, or some that are encrypted already.
    """
    if format == "binary":
        from json import dumps

        try:
            text = dumps({"data": HiddenText(data.decode("utf-8"))}, ensure_ascii=False, indent="\t")
            data = HiddenBuffer(text.encode("utf-8"))
            del text
        except UnicodeDecodeError:
            raise BadFile("the file is not UTF-8 text, and SOPS would change its bytes") from None
    tree = read_with(module, HiddenText(decode(data)[0]))
    if tree.metadata is not None:
        raise BadFile("the file has a value called sops, which is where SOPS keeps its metadata")
    if any(is_encrypted(leaf.data) for leaf in tree.leaves):
        raise BadFile("the file holds values that SOPS encrypted already")
    if not any(leaf.kind != COMMENT for leaf in tree.leaves):
        raise BadFile("the file holds no value")
    return tree


def sealed(
    tree: Tree, module: Format, key: bytearray, rule: Rule, known: Known, mac_only_encrypted: bool
) -> tuple[str, str]:
    """The text with encrypted values, and the digest that becomes the MAC."""
    digest, pieces = MacDigest(encrypted_only=mac_only_encrypted), []
    for leaf in tree.leaves:
        encrypts = rule.encrypts(leaf.path)
        if leaf.kind != COMMENT and (encrypts or not mac_only_encrypted):
            digest.update(leaf.data)
        if encrypts and not leaf.is_empty:
            same = known.get((leaf.path, leaf.kind, leaf.data))
            text = same.pop(0) if same else seal(key, leaf.kind, leaf.data, leaf.associated())
            span, piece = write_with(module, leaf, COMMENT if leaf.kind == COMMENT else "str", text)
            pieces.append((span, piece))
    return tree.spliced(pieces), digest.finish()


def finished(module: Format, text: str, key: bytearray, tree: Tree, *, bom: bool) -> bytes:
    """*text*, which has its metadata, read again as anybody would read it, and compared with what it was made of.

    Raises: BadFile: it is something else.
    """
    data = encoded(text, bom)
    again = read_with(module, HiddenText(decode(data)[0]))
    metadata = Metadata(again.metadata or {})
    rule, digest = metadata.rule, MacDigest(encrypted_only=metadata.mac_only_encrypted)
    there = [_reopened(leaf, key, rule) for leaf in again.leaves if leaf.kind != COMMENT]
    wanted = [leaf for leaf in tree.leaves if leaf.kind != COMMENT]
    if [_shown(leaf) for leaf in there] != [_shown(leaf) for leaf in wanted]:
        raise BadFile("this file cannot be encrypted in SOPS's way without changing its values")
    for leaf in there:
        if rule.encrypts(leaf.path) or not metadata.mac_only_encrypted:
            digest.update(leaf.data)
    try:
        metadata.check_mac(key, digest.finish())
    except Tampered:
        # Its time or MAC is written with escapes or over several lines, and the old one stayed.
        raise BadFile("the metadata of this SOPS file is written as only sops can change it") from None
    return data


def _shown(leaf: Leaf) -> tuple[tuple[str, ...], str, str]:
    return leaf.path, leaf.kind, leaf.data


def _reopened(leaf: Leaf, key: bytearray, rule: Rule) -> Leaf:
    if leaf.is_empty or not rule.encrypts(leaf.path):
        return leaf
    token = Token(leaf.data)
    return changed(leaf, token.kind, token.open(key, leaf.associated()))


def changed(leaf: Leaf, kind: str, data: str) -> Leaf:
    """*leaf* with another value."""
    return Leaf(leaf.path, leaf.place, kind, data, span=leaf.span, line=leaf.line, column=leaf.column)


def encoded(text: str, bom: bool) -> bytes:
    """*text* as a file has it."""
    return ("\ufeff" if bom else "").encode("utf-8") + text.encode("utf-8")


def module_of(format: str) -> Format:
    """What reads and writes *format*, one of `FORMATS`; else a ValueError."""
    if format not in FORMATS:
        raise ValueError(f"a format of SOPS files is one of {', '.join(FORMATS)}")
    name = "json" if format == "binary" else format
    module: Format = __import__(f"{__package__}.{name}_tree", fromlist=["read"])
    return module
