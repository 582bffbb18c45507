"""A pepper: a key that goes into every password hash and is kept apart from the table of users.

Who steals the table alone guesses nothing. A string names its pepper by an id that is made
from it, so peppers change as keys do: a new one is put in front of the list, strings move to
it at their users' next logins, and an old one is dropped when no string names it any more.
"""

from __future__ import annotations

from strongroom.crypto import labels
from strongroom.crypto.foreign.password_hashes import hmac_sha256
from strongroom.secret import SecretBytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from strongroom.vault.named_keys.named_key import NamedKey

KEY_BYTES = 32
_ID_BYTES = 8


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
        self.id = hmac_sha256(given, labels.PEPPER_ID)[:_ID_BYTES]

    def __repr__(self) -> str:
        return f"Pepper({self.id.hex()})"

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a pepper cannot be pickled or copied")


def peppers_of(key: NamedKey) -> list[Pepper]:
    """The peppers that a vault's named key stands for, the primary version's first.

    ``strongroom key rotate`` makes a new one for programs that are started after that; an old version
    is disabled or destroyed when no stored string names it any more.

    Args:
        key: of kind ``hmac``, such as ``vault.keys.get("passwords")``.

    Raises: ValueError: the key is of another kind.
    """
    key._check_kind("makes peppers", "hmac")
    primary, oldest = key.primary.number, key.min_decrypt_version
    usable = [one.number for one in key.versions if one.state == "enabled" and one.number >= oldest]
    numbers = sorted(usable, key=lambda number: (number != primary, -number))
    return [Pepper(hmac_sha256(key._material(number).reveal(), labels.PEPPER)) for number in numbers]
