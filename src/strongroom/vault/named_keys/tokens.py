"""What a named key of kind ``fernet`` encrypts: tokens that other programs read too.

Source: https://github.com/fernet/spec; docs/format.md#named-keys.
"""

from __future__ import annotations

from strongroom.vault.named_keys.messages import SKEW_US, check_age

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from typing import Literal

    from strongroom.crypto.fernet import FernetKey
    from strongroom.vault.named_keys.state import State

    Buffer = bytes | bytearray | memoryview


class Tokens:
    """The part of `NamedKey` that makes and opens tokens."""

    __slots__ = ()

    _clock_us: Callable[[], int]

    def _encrypt_token(self, data: bytes, seconds: int) -> bytes:
        fernet: FernetKey = self._current().primary  # type: ignore[assignment]
        return fernet.encrypt(data, seconds)

    def _decrypt_token(
        self, token: Buffer | str, max_age: timedelta | Literal["any"] | None
    ) -> tuple[bytes, int, int, bytes]:
        from strongroom.crypto.fernet import InvalidToken, TokenExpired, canonical

        if max_age is None:
            raise ValueError('say how old a token may be: max_age=timedelta(...), or max_age="any"')
        text, seconds = canonical(token if isinstance(token, str | bytes) else bytes(token))
        data, number = self._open_token(text)
        if max_age != "any":
            check_age(seconds * 1_000_000, max_age, self._clock_us(), TokenExpired)
        elif seconds * 1_000_000 > self._clock_us() + SKEW_US:
            raise InvalidToken("this token is from the future")
        self._used(number)
        return data, number, seconds, text

    def _open_token(self, text: bytes) -> tuple[bytes, int]:
        """What is in a canonical token, whatever its date, and the version that opens it."""
        from strongroom.crypto.fernet import InvalidToken

        while True:
            state = self._current()
            for version in state.record.usable():
                fernet: FernetKey = state.worker(version.number)  # type: ignore[assignment]
                try:
                    return fernet.decrypt(text), version.number
                except InvalidToken:
                    continue
            if not self._may_be_newer():
                raise InvalidToken

    if TYPE_CHECKING:

        def _current(self) -> State: ...

        def _may_be_newer(self) -> bool: ...

        def _used(self, number: int) -> None: ...
