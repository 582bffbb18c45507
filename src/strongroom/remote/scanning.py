"""A scan whose values stay in the agent: texts go there, names and places come back."""

from __future__ import annotations

from strongroom.remote.targets import quote
from strongroom.wire import counted, u32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from strongroom.remote.agent import RemoteVault

_BEGIN = "/v1/strongroom/scan-begin"
_FIND = "/v1/strongroom/scan"


class RemoteFinding:
    """One value in one text; as `formats.scanner.Finding`."""

    __slots__ = ("end", "field", "form", "path", "start", "text")

    def __init__(self, text: int, start: int, end: int, path: str, field: str, form: str) -> None:
        self.text = text
        self.start = start
        self.end = end
        self.path = path
        self.field = field
        self.form = form


class RemoteScanner:
    """As `formats.scanner.Scanner`, for the items below a folder that this user may list and read.

    Args:
        prefix: the folder; empty for all.
        progress: told how many items have been taken in, and of how many.
        squeeze: what `formats.scan_search.squeeze` does, and its number: done here, it costs the agent nothing,
            and a third of each text need not be sent.
    """

    def __init__(
        self,
        vault: RemoteVault,
        prefix: str,
        progress: Callable[[int, int], None],
        *,
        squeeze: tuple[Callable[[Sequence[bytes]], Sequence[bytes]], int],
    ) -> None:
        self._calls = vault._calls
        self._squeeze, self._squeezing = squeeze
        folder = f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""
        query = f"prefix={quote(folder)}"
        while True:
            found = self._ask(f"{_BEGIN}?{query}", None)
            try:
                self._scan = str(found["scan"])
                self.items, self.values, left = (int(str(found[name])) for name in ("items", "values", "left"))
                self.skipped = _texts(found["skipped"])
            except (KeyError, ValueError):
                raise _not_understood() from None
            progress(self.items, self.items + left)
            if not left:
                break
            query = f"scan={quote(self._scan)}"

    def find(self, texts: Sequence[bytes]) -> list[RemoteFinding]:
        """Every place where one of the values stands, in order.

        Raises: StrongroomError: the agent was locked, or has gone.
        """
        query = f"scan={quote(self._scan)}"
        squeezed = _batch(self._squeeze(texts))
        suspects = self._ask(f"{_FIND}?{query}&squeezed={self._squeezing}", squeezed).get("suspects")
        if not isinstance(suspects, list) or not all(type(one) is int and 0 <= one < len(texts) for one in suspects):
            raise _not_understood()
        if not suspects:
            return []
        found = self._ask(f"{_FIND}?{query}", _batch([texts[one] for one in suspects])).get("findings")
        if not isinstance(found, list):
            raise _not_understood()
        return [_finding(one, suspects) for one in found]

    def _ask(self, target: str, body: bytearray | None) -> dict[str, object]:
        from strongroom.remote.answers import loads

        found = loads(self._calls.data("POST", target, body, what="the scan"))
        if not isinstance(found, dict):
            raise _not_understood()
        return found


def _batch(texts: Sequence[bytes]) -> bytearray:
    return bytearray().join([u32(len(texts)), *map(counted, texts)])


def _finding(found: object, texts: Sequence[int]) -> RemoteFinding:
    """One finding, with the number of the text among all that were given."""
    try:
        if isinstance(found, dict):
            text, start, end = (int(found[name]) for name in ("text", "start", "end"))
            if 0 <= text < len(texts) and 0 <= start < end:
                path, field, form = (str(found[name]) for name in ("path", "field", "form"))
                return RemoteFinding(texts[text], start, end, path, field, form)
    except (KeyError, TypeError, ValueError):
        pass  # said below
    raise _not_understood()


def _texts(found: object) -> list[str]:
    if not isinstance(found, list):
        raise _not_understood()
    return [str(one) for one in found]


def _not_understood() -> Exception:
    from strongroom.errors import StoreUnavailable

    return StoreUnavailable(
        "the agent's answer was not understood", advice="start it anew with this version: strongroom agent stop"
    )
