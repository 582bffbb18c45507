"""Requests that come again and again, parsed once: a program reads the same few values all day.

Only heads without a body and without a token are kept; the caller forgets them when the vault
is locked, since they name items.
"""

from __future__ import annotations

from strongroom.remote.messages import RequestHead, parse_request
from strongroom.remote.targets import split_target

TYPE_CHECKING = False
if TYPE_CHECKING:
    Query = dict[str, str]

_KEPT_MAX = 256
_KEPT_BYTES = 1024
_NEVER_KEPT = ("x-vault-token", "authorization")


class RepeatedHeads:
    """`parse_request` and `split_target` with a memory. What they give out is shared: nobody changes it."""

    __slots__ = ("_heads", "_targets")

    def __init__(self) -> None:
        self._heads: dict[bytes, RequestHead] = {}
        self._targets: dict[str, tuple[str, Query]] = {}

    def parse(self, head: bytes) -> RequestHead:
        """As `parse_request`.

        Raises: BadMessage: as that.
        """
        known = self._heads.get(head)
        if known is not None:
            return known
        parsed = parse_request(head)
        if len(head) <= _KEPT_BYTES and not parsed.length and parsed.headers.keys().isdisjoint(_NEVER_KEPT):
            target = split_target(parsed.target)
            if len(self._heads) >= _KEPT_MAX:
                self.forget()
            self._heads[head] = parsed
            self._targets[parsed.target] = target
        return parsed

    def split(self, target: str) -> tuple[str, Query]:
        """As `split_target`.

        Raises: BadMessage: as that.
        """
        return self._targets.get(target) or split_target(target)

    def forget(self) -> None:
        """Keep nothing of what was asked for."""
        self._heads.clear()
        self._targets.clear()
