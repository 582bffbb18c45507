"""An item or folder that is not there: which one was probably meant, as a command to type."""

from __future__ import annotations

from strongroom.errors import NotFound, StrongroomError
from strongroom.items import quoted_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from strongroom.vault.vault import Vault

_LOOKED_THROUGH_MAX = 20_000
_SHOWN_MAX = 3
_LIKENESS = 0.75


class Suggesting:
    """A block in which a missing item's error names the items that are spelt nearly so.

    Args:
        vault: is asked for its names when something is missing, and not before.
        command: what is typed before the name, such as ``"get"``.
        path: what was typed; with a slash at its end, or of ``ls``, it names a folder.
        behind: the word that was typed behind it, if one was.
    """

    __slots__ = ("_behind", "_command", "_path", "_vault")

    def __init__(self, vault: Vault, command: str, path: str, behind: str | None = None) -> None:
        self._vault = vault
        self._command = command
        self._path = path
        self._behind = () if behind is None else (behind,)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, NotFound) and (steps := self._steps()):
            error.advice = "\n".join([*steps, error.advice])

    def _steps(self) -> list[str]:
        from itertools import islice

        try:
            # What was deleted comes back by its old name.
            names = self._vault.walk(deleted=self._command in ("log", "restore"))
        except StrongroomError:
            return []  # The names are not for this user, or not to be had: the error itself says what is wrong.
        return steps_for(self._command, self._path, list(islice(names, _LOOKED_THROUGH_MAX)), self._behind)


def steps_for(command: str, path: str, items: list[str], behind: tuple[str, ...] = ()) -> list[str]:
    """What to type instead of *path*, the likeliest first; none when it is there, or nothing is like it."""
    folders = list(dict.fromkeys(folder for item in items for folder in _folders_of(item)))
    is_folder = command == "ls" or path.endswith("/")
    wanted = path.rstrip("/") + "/" if is_folder else path
    if is_folder and wanted[:-1] in items:
        return [f"{wanted[:-1]} is an item: strongroom get {quoted_name(wanted[:-1])}"]
    if not is_folder and f"{path}/" in folders:
        return [f"{path} is a folder: strongroom ls {quoted_name(f'{path}/')}"]
    known = folders if is_folder else items
    if wanted in known:
        return []
    return [f"did you mean: strongroom {command} {quoted_name(one, *behind)}" for one in _nearest(wanted, known)]


def _folders_of(item: str) -> Iterable[str]:
    parts = item.split("/")
    return ("/".join(parts[:end]) + "/" for end in range(1, len(parts)))


def _nearest(wanted: str, known: list[str]) -> list[str]:
    from difflib import get_close_matches

    # `get checking` for bank/checking
    last = "/" + wanted.lower().lstrip("/")
    same_end = [one for one in known if f"/{one.lower()}".endswith(last)]
    near = get_close_matches(wanted, known, _SHOWN_MAX, _LIKENESS)
    return list(dict.fromkeys([*same_end, *near]))[:_SHOWN_MAX]
