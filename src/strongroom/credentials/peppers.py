"""A pepper: a key that goes into every password hash and is kept apart from the table of users.

Who steals the table alone guesses nothing. A string names its pepper by an id that is made
from it, so peppers change as keys do: a new one is put in front of the list, strings move to
it at their users' next logins, and an old one is dropped when no string names it any more.
"""

from __future__ import annotations

from strongroom.crypto.foreign.password_hashes import hmac_sha256
from strongroom.secret import SecretBytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

KEY_BYTES = 32
_ID_BYTES = 8
_ID_LABEL = b"strongroom/v1/pepper-id"


class Pepper:
    """One pepper.

    Args:
        key: 32 random bytes, such as a field of an item: ``Pepper(vault.get("web/pepper", "key"))``.

    Attributes:
        id: 8 bytes that name it in a stored string; they tell nothing about the key.

    Raises: ValueError: not 32 bytes.
    """

    __slots__ = ("_key", "id")

    def __init__(self, key: SecretBytes | bytes | bytearray) -> None:
        given = key.reveal_buffer().tobytes() if isinstance(key, SecretBytes) else bytes(key)
        if len(given) != KEY_BYTES:
            raise ValueError(f"a pepper has {KEY_BYTES} bytes")
        self._key = SecretBytes(bytearray(given))
        self.id = hmac_sha256(given, _ID_LABEL)[:_ID_BYTES]

    def __repr__(self) -> str:
        return f"Pepper({self.id.hex()})"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a pepper cannot be pickled or copied")
