"""Passwords and tokens as the libraries below take them, which do not show themselves in a traceback's locals.

`secret.SecretStr` is what callers hold; these live for the length of a call.
"""

from __future__ import annotations


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
