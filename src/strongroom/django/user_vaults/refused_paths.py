"""The addresses of a site where attempts were refused lately. Pure: the time goes in."""

from __future__ import annotations

from threading import Lock

_PATHS_MAX = 64
_KEPT_SECONDS = 60.0


class RefusedPaths:
    """For a minute after each refusal; the 64 that came last, as a path may be made up."""

    __slots__ = ("_kept", "_mutex")

    def __init__(self) -> None:
        self._mutex = Lock()
        self._kept: dict[str, tuple[float, bool]] = {}

    def find(self, path: str, now: float) -> bool | None:
        """Whether nothing but a log-in is done at *path*; None when nothing was refused there lately."""
        found = self._kept.get(path)
        return None if found is None or found[0] < now else found[1]

    def keep(self, path: str, is_log_in: bool, now: float) -> None:
        """An attempt was refused at *path*."""
        with self._mutex:
            self._kept.pop(path, None)
            if len(self._kept) >= _PATHS_MAX:
                del self._kept[next(iter(self._kept))]
            self._kept[path] = (now + _KEPT_SECONDS, is_log_in)
