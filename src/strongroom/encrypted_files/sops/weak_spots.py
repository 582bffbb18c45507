"""What the MAC of one SOPS file leaves open: named on every reading, because nobody sees it in the file.

The MAC is over the plain values one after another, without names and without lengths; an encrypted value is bound to
its names, one in the open is not. Seen with version 3.11.0 of sops, which opens all such files without a word.
"""

from __future__ import annotations

from strongroom.encrypted_files.sops.tree import COMMENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.encrypted_files.sops.metadata import Metadata
    from strongroom.encrypted_files.sops.tree import Leaf

_NAMES_SHOWN = 8


class WeakSpot:
    """One of them.

    Attributes:
        kind: ``"changeable"``, ``"renamable"``, ``"empty"`` or ``"comments"``.
        text: a sentence for people, lower case, without a full stop; names of values, never a value.
    """

    __slots__ = ("kind", "text")

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self.text = text

    def __repr__(self) -> str:
        return f"WeakSpot({self.kind!r})"


def find(metadata: Metadata, leaves: Sequence[Leaf], unopened: Sequence[Leaf]) -> tuple[WeakSpot, ...]:
    """Those of a file whose MAC fits.

    Args:
        leaves: its values and comments, decrypted.
        unopened: comments that look encrypted and do not open.
    """
    found = []
    values = [leaf for leaf in leaves if leaf.kind != COMMENT]
    in_the_open = [leaf for leaf in values if not leaf.is_empty and not metadata.rule.encrypts(leaf.path)]
    if in_the_open and metadata.mac_only_encrypted:
        found.append(WeakSpot("changeable", f"anybody who can write the file can change {_names(in_the_open)} unseen"))
    elif in_the_open:
        what = f"{_names(in_the_open)} could have been called otherwise, or cut where another begins, unseen"
        found.append(WeakSpot("renamable", what))
    empty = [leaf for leaf in values if leaf.is_empty]
    if empty:
        said = f"{_names(empty)} could have been put there unseen, for empty values have no MAC"
        found.append(WeakSpot("empty", said))
    comments = [leaf for leaf in leaves if leaf.kind == COMMENT and not metadata.rule.encrypts(leaf.path)]
    if unopened or comments:
        said = f"{_names([*unopened, *comments])} could have been changed or moved here unseen"
        found.append(WeakSpot("comments", said))
    return tuple(found)


def _names(leaves: Sequence[Leaf]) -> str:
    names = [leaf.name for leaf in leaves[:_NAMES_SHOWN]]
    more = len(leaves) - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")
