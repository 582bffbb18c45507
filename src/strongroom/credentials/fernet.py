"""Fernet key rings: what `cryptography.fernet.MultiFernet` does, and what it leaves to the caller.

A token has one spelling, an age that was asked for, and a date that does not lie ahead. The
keys are a program's own, or those of a named key in a vault, which are read again as they rotate.
"""

from __future__ import annotations

from strongroom.crypto.fernet import KEY_BYTES, FernetKey, InvalidToken, TokenExpired, canonical, decode, encode
from strongroom.secret import SecretBytes, SecretStr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta
    from typing import Literal

    from strongroom.vault.named_keys.named_key import NamedKey

    MaxAge = timedelta | Literal["any"]
    Key = bytes | bytearray | str | SecretBytes | SecretStr

SKEW_SECONDS = 60


class Keyring:
    """Tokens under one or more Fernet keys; takes the place of a `MultiFernet`.

    Args:
        keys: each as 44 characters of base64, the first one encrypts; or a named key of kind ``fernet``.
        max_age: how old a token may be where `decrypt` is not told; ``"any"`` waives it.

    Raises:
        TypeError: neither keys nor a named key.
        ValueError: no key, a key that is none, a named key of another kind, or a negative age.
    """

    __slots__ = ("_keys", "_max_age", "_named")

    def __init__(self, keys: Iterable[Key] | NamedKey, *, max_age: MaxAge) -> None:
        from strongroom.vault.named_keys.named_key import NamedKey  # late: it stands on the vault's records

        self._max_age: int | Literal["any"] = "any" if max_age == "any" else _seconds(max_age)
        self._named: NamedKey | None = None
        self._keys: list[FernetKey] = []
        if isinstance(keys, str | bytes | bytearray | SecretStr | SecretBytes):
            raise TypeError("a key ring takes a list of keys, or a named key")
        if isinstance(keys, NamedKey):
            if keys.kind != "fernet":
                raise ValueError(f"the key {keys.name} is of kind {keys.kind}, not fernet")
            self._named = keys
        else:
            self._keys = [FernetKey(read_key(key)) for key in keys]
            if not self._keys:
                raise ValueError("a key ring holds one key or more")

    def encrypt(self, msg: bytes) -> bytes:
        """A token of *msg*, dated now."""
        return self.encrypt_at_time(msg, _now())

    def encrypt_at_time(self, msg: bytes, current_time: int) -> bytes:
        """As `encrypt`, dated *current_time* seconds after 1970 UTC."""
        if self._named is not None:
            return self._named._encrypt_token(msg, current_time)
        return self._keys[0].encrypt(msg, current_time)

    def decrypt(self, msg: bytes | str, ttl: int | None = None) -> bytes:
        """What is in a token of one of the keys.

        Args:
            ttl: how old it may be, in seconds; the ring's *max_age* when None.

        Raises:
            InvalidToken: of no key of the ring, changed, spelled in another way, or from the future.
            TokenExpired: genuine, and older. Both are `cryptography.fernet.InvalidToken`.
        """
        return self._open(msg, self._max_age if ttl is None else _ttl(ttl), _now())[0]

    def decrypt_at_time(self, msg: bytes | str, ttl: int, current_time: int) -> bytes:
        """As `decrypt`, at *current_time* seconds after 1970 UTC."""
        return self._open(msg, _ttl(ttl), current_time)[0]

    def rotate(self, msg: bytes | str) -> bytes:
        """The token under the first key, with its date.

        Raises: InvalidToken: as `decrypt`, whatever its age.
        """
        data, seconds = self._open(msg, "any", _now())
        return self.encrypt_at_time(data, seconds)

    def extract_timestamp(self, msg: bytes | str) -> int:
        """The date of a genuine token, in seconds since 1970 UTC.

        Raises: InvalidToken: as `decrypt`, whatever its age.
        """
        return self._open(msg, "any", _now())[1]

    def _open(self, token: bytes | str, ttl: int | Literal["any"], now: int) -> tuple[bytes, int]:
        text, seconds = canonical(token)
        data, number = self._decrypted(text)
        if seconds > now + SKEW_SECONDS:
            raise InvalidToken("this token is from the future")
        if ttl != "any" and seconds + ttl < now:
            raise TokenExpired("this token is older than it may be")
        if self._named is not None:
            self._named._used(number)
        return data, seconds

    def _decrypted(self, text: bytes) -> tuple[bytes, int]:
        if self._named is not None:
            return self._named._open_token(text)
        for number, key in enumerate(self._keys):
            try:
                return key.decrypt(text), number
            except InvalidToken:
                continue
        raise InvalidToken

    def __repr__(self) -> str:
        return f"Keyring({self._named!r})" if self._named is not None else f"Keyring(<{len(self._keys)} keys>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a key ring holds keys and cannot be pickled")


def read_key(text: Key) -> bytearray:
    """The 32 bytes of a Fernet key, which the caller wipes.

    Args:
        text: 44 characters of canonical URL-safe base64.

    Raises: ValueError: anything else; the message does not repeat it.
    """
    if isinstance(text, SecretBytes | SecretStr):
        data = text.reveal_buffer().tobytes()
    else:
        data = text.encode("ascii", "replace") if isinstance(text, str) else bytes(text)
    try:
        key = bytearray(decode(data))
    except ValueError:
        key = bytearray()
    if len(key) != KEY_BYTES:
        raise ValueError("a Fernet key is 32 bytes in URL-safe base64: 44 characters")
    return key


def generate_key() -> SecretStr:
    """A new Fernet key, as other programs take it."""
    from strongroom.crypto.entropy import random_buffer

    with SecretBytes(random_buffer(KEY_BYTES)) as key:
        return SecretStr(bytearray(encode(key.reveal_buffer())))


def _now() -> int:
    from time import time

    return int(time())


def _ttl(ttl: int) -> int:
    if type(ttl) is not int or ttl < 0:
        raise ValueError("ttl is a whole number of seconds")
    return ttl


def _seconds(max_age: timedelta | str) -> int:
    from datetime import timedelta

    if not isinstance(max_age, timedelta) or max_age < timedelta(0):
        raise ValueError('max_age is a time span, or "any"')
    return int(max_age.total_seconds())
