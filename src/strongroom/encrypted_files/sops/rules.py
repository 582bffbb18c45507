"""Which values of a SOPS file are encrypted, by their names. The rule stands in the file, and nothing authenticates it.

Source: getsops/sops, sops.go, shouldBeEncrypted.
"""

from __future__ import annotations

import re

from strongroom.errors import FormatUnsupported
from strongroom.formats.interface import BadFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT_SUFFIX = "_unencrypted"
PATTERN_CHARACTERS_MAX = 512
WORK_MAX = 50_000_000
"""Steps that matching a file's names may take: a second at most."""

_NAMES = ("unencrypted_suffix", "encrypted_suffix", "unencrypted_regex", "encrypted_regex")
_BY_COMMENTS = ("unencrypted_comment_regex", "encrypted_comment_regex")
# Letters, digits, names' punctuation, anchors, alternatives, groups and classes; no look-around, no references.
_SIMPLE = re.compile(r"(?:[\w\s:/,%@&=~'\"<>;!#|^$.()*+?-]|\\[.\-_/$^*+?()|\[\]{}dwsDWSb]|\[\^?[\w\s:/.,_-]+\])*")


class Rule:
    """What the metadata says.

    Args:
        settings: at most one of ``unencrypted_suffix``, ``encrypted_suffix``, ``unencrypted_regex`` and
            ``encrypted_regex``; none: everything is encrypted.

    Raises:
        BadFile: two of them, or a pattern that is none.
        FormatUnsupported: by comments, or a pattern that might take long.
    """

    __slots__ = ("_branches", "_exponent", "_known", "_pattern", "_work", "name", "text")

    def __init__(self, settings: Mapping[str, object]) -> None:
        if any(settings.get(name) for name in _BY_COMMENTS):
            raise FormatUnsupported("this SOPS file says by comments which values are encrypted, which only sops reads")
        given = [(name, settings[name]) for name in _NAMES if settings.get(name)]
        if len(given) > 1:
            raise BadFile("the SOPS metadata has two rules about which values are encrypted")
        self.name, text = given[0] if given else ("", "")
        if not isinstance(text, str):
            raise BadFile("the SOPS metadata's rule is no text")
        self.text = text
        self._pattern = compile_pattern(text) if self.name.endswith("_regex") else None
        self._exponent = _exponent(text)
        self._branches = _branches(text.removeprefix("(?i)"))
        self._known: dict[str, bool] = {}
        self._work = 0

    def encrypts(self, path: Sequence[str]) -> bool:
        """Whether a value, or a comment, below these names is encrypted."""
        if not self.name:
            return True
        return any(self._matches(name) for name in path) is self.name.startswith("encrypted")

    def _matches(self, name: str) -> bool:
        if self._pattern is None:
            return name.endswith(self.text)
        if name not in self._known:
            self._work += len(name) ** self._exponent * self._branches
            if self._work > WORK_MAX:
                raise _unmatched()
            self._known[name] = self._pattern.search(name) is not None
        return self._known[name]

    def settings(self) -> dict[str, str]:
        """As it stands in the metadata."""
        return {self.name: self.text} if self.name else {}


def compile_pattern(text: str) -> re.Pattern[str]:
    """A pattern of Go's, if it is one of those that take time by a small power of a name's length.

    Raises:
        FormatUnsupported: another.
        BadFile: it is none.
    """
    plain = text.replace("(?:", "(").removeprefix("(?i)")
    is_long = len(text) > PATTERN_CHARACTERS_MAX
    # A repeated group takes time by the power of a name's length.
    if is_long or "(?" in plain or _SIMPLE.fullmatch(plain) is None or re.search(r"\)[*+?]", plain):
        raise _unmatched()
    try:
        return re.compile(text, re.ASCII)
    except re.error:
        raise BadFile("a pattern of the SOPS metadata is none") from None


def _exponent(text: str) -> int:
    """A match of a name takes steps by this power of its length: one for where it begins, one for each repeat."""
    pieces = text.split("|") if text.count("(") < 2 else [text]
    return 1 + max(len(re.findall(r"[*+]", piece)) for piece in pieces)


def _branches(text: str) -> int:
    """How many ways lead through the pattern: each ``?`` doubles them, and groups one after another multiply them."""
    plain = re.sub(r"\\.|\[[^\]]*\]", "x", text)
    found = 1 << (plain.count("?") - plain.count("(?"))
    if plain.count("(") < 2:
        return found
    open_groups = [1]
    for character in plain:
        if character == "(":
            open_groups.append(1)
        elif character == "|":
            open_groups[-1] += 1
        elif character == ")":
            found *= open_groups.pop()
    return found * open_groups[0]


def _unmatched() -> FormatUnsupported:
    return FormatUnsupported(
        "a pattern of this SOPS file's metadata is not one that is matched here",
        advice="patterns such as ^(data|stringData)$ are: without repeated groups, and with few * and +",
    )
