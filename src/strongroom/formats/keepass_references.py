"""Fields of a KeePass database that refer to other entries' fields: ``{REF:P@I:...}``.

pykeepass follows them without an end: an entry that refers to itself exhausts the stack, one that does so twice the
memory.
"""

from __future__ import annotations

import re
from uuid import UUID

from strongroom.formats.keepass_unpacking import TooLarge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_REFERENCE = re.compile(r"\{REF:([TUPANI])@([TUPANI]):([^}]+)\}")
_ATTRIBUTES = {"T": "title", "U": "username", "P": "password", "A": "url", "N": "notes", "I": "uuid"}
_STEPS_MAX = 12
_CHARACTERS_MAX = 1024 * 1024


def resolved(database: Any, text: str) -> str:
    """*text* with what it refers to; as it is where that leads nowhere, or in a circle.

    Raises: TooLarge: it becomes more than a mebibyte.
    """
    value = text
    for _ in range(_STEPS_MAX):
        found = {match[0]: match.groups() for match in _REFERENCE.finditer(value)}
        if not found:
            return value
        for reference, (wanted, key, sought) in found.items():
            instead = _field(database, wanted, key, sought)
            if instead is None:
                return text
            if len(value) + value.count(reference) * len(instead) > _CHARACTERS_MAX:
                raise TooLarge("a field of this KeePass database refers to more than is read here")
            value = value.replace(reference, instead)
    return text


def _field(database: Any, wanted: str, key: str, sought: str) -> str | None:
    value: str | UUID = sought
    if key == "I":
        try:
            value = UUID(sought)
        except ValueError:
            return None
    entry = database.find_entries(first=True, **{_ATTRIBUTES[key]: value})
    if entry is None:
        return None
    found = getattr(entry, _ATTRIBUTES[wanted])
    return found.hex.upper() if isinstance(found, UUID) else found or ""
