"""Passwords and tokens as the libraries below take them, which do not show themselves in a traceback's locals.

`secret.SecretStr` is what callers hold; these live for the length of a call.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    _Fields = dict[str, Any]
else:
    _Fields = dict


class HiddenBytes(bytes):
    """Bytes whose `repr` tells their number alone."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} hidden bytes>"

    __str__ = __repr__


class HiddenText(str):
    """Text whose `repr` tells its length alone; its parts are ordinary text."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} hidden characters>"


class HiddenFields(_Fields):
    """A dictionary whose `repr` tells its length alone; its parts are ordinary objects."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} hidden fields>"

    __str__ = __repr__
