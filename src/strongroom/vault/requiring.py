"""`require`: an item with all that a program needs; a person is asked once for what is missing.

The same for a vault that is open here and for one that an agent keeps.
"""

from __future__ import annotations

from strongroom.errors import Conflict, NotFound, WouldPrompt
from strongroom.items import Field, is_secret_name, quoted_name
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.items import Item
    from strongroom.vault.vault import Vault


def require(vault: Vault, path: str, fields: Sequence[str]) -> Item:
    """See `Vault.require`."""
    answers: dict[str, Field] = {}
    try:
        while True:
            item = _current(vault, path)
            missing = [name for name in fields if item is None or name not in item]
            if item is not None and not missing:
                return item
            if not missing:
                raise NotFound(f"no item {path}", advice=f"store it: strongroom set {quoted_name(path)}")
            seen = _newest_number(vault, path) if item is None else item.version.number
            _ask(vault, path, fields, [name for name in missing if name not in answers], answers)
            answered = {name: answers[name] for name in missing}
            try:
                if item is None:
                    vault.set(path, answered, cas=seen)
                else:
                    vault.patch(path, answered, cas=seen)
            except Conflict:
                # Somebody else wrote it while the person was typing: what they wrote stays.
                continue
            return vault.get(path)
    finally:
        for field in answers.values():
            if isinstance(field.data, bytearray):
                wipe(field.data)


def _current(vault: Vault, path: str) -> Item | None:
    try:
        return vault.get(path)
    except NotFound:
        return None


def _newest_number(vault: Vault, path: str) -> int:
    """Of the item's versions, which may all be deleted; 0 where there is none."""
    try:
        versions = vault.history(path)
    except NotFound:
        return 0
    return versions[-1].number if versions else 0


def _ask(vault: Vault, path: str, fields: Sequence[str], missing: Sequence[str], answers: dict[str, Field]) -> None:
    """Add to *answers*, which the caller wipes, one for each of *missing*."""
    if not missing:
        return
    if vault.ask is None:
        raise WouldPrompt(
            f"{path} has no {', '.join(missing)}, and there is no terminal to ask on",
            advice=f"store it from a terminal: strongroom require {quoted_name(path, *fields)}",
        )
    for name in missing:
        with vault.ask(path, name) as answer:
            data = bytearray(answer.reveal_buffer())
        answers[name] = Field(name, "text", data, is_secret=is_secret_name(name))
