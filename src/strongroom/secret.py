"""Secret values in memory: shown only by ``reveal()``, wiped by ``wipe()``.

Part of the audited code. Nothing in this file imports another room. The bytes
live in one ``bytearray`` that is overwritten by ``wipe()``; what ``reveal()``
returns is the caller's own immutable copy and cannot be wiped.
"""

from __future__ import annotations

# The interpreter's own constant-time compare. ``hmac.compare_digest`` is this very
# function, but importing hmac loads hashlib (4 ms of the cold start).
from _operator import _compare_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, Self

_HIDDEN = "<hidden; call .reveal()>"


def wipe(buffer: bytearray | memoryview) -> None:
    """Overwrite *buffer* with zeros in place; its length does not change."""
    buffer[:] = bytes(len(buffer))


class HiddenBuffer(bytearray):
    """A bytearray for keys and passphrases that does not show its bytes to whoever prints a traceback's locals."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} hidden bytes>"

    __str__ = __repr__

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a buffer of key material cannot be pickled or copied")


class _Secret:
    """What both kinds share: masking, wiping, refusing to be copied out."""

    __slots__ = ("_buffer", "_wiped")

    _buffer: bytearray
    _wiped: bool

    def wipe(self) -> None:
        """Overwrite the bytes; every later ``reveal()`` is a ``ValueError``."""
        wipe(self._buffer)
        self._wiped = True

    def reveal_buffer(self) -> memoryview:
        """A read-only view of the bytes themselves, for code that must not copy them.

        Returns: a view that turns to zeros when the secret is wiped.
        Raises: ValueError: after ``wipe()``.
        """
        if self._wiped:
            raise ValueError("this secret was wiped")
        return memoryview(self._buffer).toreadonly()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.wipe()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({_HIDDEN})"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        """Compare in constant time; only ever equal to the same kind of secret."""
        if type(other) is not type(self) or self._wiped or other._wiped:
            return False
        return _compare_digest(self._buffer, other._buffer)

    # Unhashable: a hash of a secret is a fingerprint that invites being logged.
    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a secret cannot be pickled; call .reveal() where the value is needed")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret has no state to export; call .reveal() where the value is needed")

    def __len__(self) -> NoReturn:
        raise TypeError("the length of a secret is hidden; call .reveal()")

    def __bool__(self) -> bool:
        # Without this, truth testing would ask __len__ and raise in `if secret:`.
        return True

    def __iter__(self) -> NoReturn:
        raise TypeError("a secret cannot be iterated; call .reveal()")


class SecretBytes(_Secret):
    """A secret made of bytes.

    Args:
        value: 0 bytes or more. A ``bytearray`` is taken over, not copied, and is
            wiped with this object; anything else is copied.
    """

    __slots__ = ()

    def __init__(self, value: bytes | bytearray | memoryview) -> None:
        if not isinstance(value, bytes | bytearray | memoryview):
            raise TypeError("SecretBytes takes bytes, bytearray or memoryview")
        self._buffer = value if isinstance(value, bytearray) else bytearray(value)
        self._wiped = False

    def reveal(self) -> bytes:
        """The bytes, as the caller's own copy.

        Raises: ValueError: after ``wipe()``.
        """
        if self._wiped:
            raise ValueError("this secret was wiped")
        return bytes(self._buffer)


class SecretStr(_Secret):
    """A secret made of text.

    Args:
        value: the text, or its UTF-8 encoding in a ``bytearray`` which is then
            taken over and wiped with this object.

    Raises: ValueError: the text holds lone surrogates, which UTF-8 does not have.
    """

    __slots__ = ()

    def __init__(self, value: str | bytearray) -> None:
        if isinstance(value, bytearray):
            self._buffer = value
        elif isinstance(value, str):
            try:
                self._buffer = bytearray(value, "utf-8")
            except UnicodeEncodeError:
                # `from None`: the cause holds the secret.
                raise ValueError("this secret holds lone surrogates; take SecretBytes") from None
        else:
            raise TypeError("SecretStr takes str, or UTF-8 in a bytearray")
        self._wiped = False

    def reveal(self) -> str:
        """The text, as the caller's own copy.

        Raises: ValueError: after ``wipe()``, or the bytes are not UTF-8.
        """
        if self._wiped:
            raise ValueError("this secret was wiped")
        try:
            return self._buffer.decode("utf-8")
        except UnicodeDecodeError:
            # `from None`: the cause holds the secret.
            raise ValueError("this secret is not UTF-8") from None
