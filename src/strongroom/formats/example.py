"""A ``.env`` file without its values, to be shared: names, references, and the comments that give nothing away.

What may be a value is dropped, not weighed: a comment with a value of the file in it, with something assigned to a
secret name, or with a word that looks like a token. Nobody can promise more of prose, so what was dropped is told.
"""

from __future__ import annotations

import re

from strongroom.formats.interface import has_password, is_token
from strongroom.formats.references import is_reference
from strongroom.items import is_secret_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.formats.interface import Document

_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#[^\r\n]*", re.MULTILINE)
_ASSIGNED = re.compile(r"(?<![\w.-])([A-Za-z_][\w.-]*)(\s*=\s*|\s*:\s+)(\S.*)$")
_SAID = re.compile(r"\b([A-Za-z_]\w*)\b\s+(?:is|was|are|were)\b")
_SECRET_VALUE_MIN = 3
_PLAIN_VALUE_MIN = 8
_RANDOM_MIN = 16


def make_example(document: Document, original: str) -> tuple[bytes, list[int]]:
    """The file with nothing behind its names.

    Args:
        document: of a dotenv dialect.
        original: the text that was read, to look for its values as they are written.

    Returns: the new file; the lines, in it, whose comments were dropped or cut.
    Raises: BadFile: a value stands where it cannot be taken out.
    """
    empty, values = {}, set[str]()
    for number, entry in enumerate(document.entries):
        text = entry.data.decode("utf-8", "replace")
        if is_reference(text):
            continue
        empty[number] = ""
        written = original[slice(*entry.span)]
        least = _SECRET_VALUE_MIN if entry.is_secret else _PLAIN_VALUE_MIN
        values.update(one for one in (text, written, written.strip("'\"")) if len(one) >= least)
    data = document.spliced(empty).decode("utf-8")
    cut: list[int] = []
    longest_first = sorted(values, key=len, reverse=True)

    def replace(found: re.Match[str]) -> str:
        kept = _harmless(found.group(), longest_first)
        if kept != found.group():
            cut.append(data.count("\n", 0, found.start()) + 1)
        return kept

    return _COMMENT.sub(replace, data).encode("utf-8"), cut


def _harmless(comment: str, values: Sequence[str]) -> str:
    """As much of *comment* as gives nothing away: all, what stands before a value, or nothing."""
    assigned = _ASSIGNED.search(comment)
    if assigned is not None and (
        "=" in assigned[2] or is_secret_name(assigned[1]) or _stands_alone(assigned[3].strip("\"'`"))
    ):
        comment = comment[: assigned.start(3)].rstrip()
    if any(one in comment for one in values) or any(is_secret_name(one[1]) for one in _SAID.finditer(comment)):
        return ""
    if any(_may_be_value(word.strip("\"'`,;()<>[]")) for word in comment.split()):
        return ""
    return comment


def _stands_alone(said: str) -> bool:
    """Whether behind a colon stands one word with letters and digits, as in ``old: tr0ub4dor-3``."""
    is_word = len(said) >= _PLAIN_VALUE_MIN and not any(one.isspace() or one == "/" for one in said)
    return is_word and any(one.isalpha() for one in said) and any(one.isdigit() for one in said)


def _may_be_value(word: str) -> bool:
    if has_password(word) or is_token(word):
        return True
    if len(word) < _RANDOM_MIN or "://" in word or "/" in word:
        return False
    kinds = [any(one.islower() for one in word), any(one.isupper() for one in word), any(one.isdigit() for one in word)]
    # A long word of letters and digits mixed is none of a language; NAMES_LIKE_THIS and kebab-case words are.
    return sum(kinds) == len(kinds) or (kinds[2] and not re.search(r"[-_.]", word))
