"""Fernet keys from a password, with the salt and the costs that lead to the same key again.

``$argon2id$v=19$m=65536,t=3,p=1$SALT`` or ``$pbkdf2-sha256$i=600000$SALT``, base64 without
padding: the PHC string format, without a digest. The password is taken as it is, so that
PBKDF2 gives the key that `cryptography`'s own recipe gives.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64

from strongroom.credentials.hidden import HiddenBytes
from strongroom.crypto import kdf
from strongroom.crypto.entropy import random_bytes
from strongroom.crypto.fernet import KEY_BYTES, encode
from strongroom.crypto.foreign import password_hashes
from strongroom.errors import Tampered
from strongroom.secret import SecretBytes, SecretStr

TYPE_CHECKING = False
if TYPE_CHECKING:
    Password = str | bytes | bytearray | SecretStr | SecretBytes

SALT_BYTES = 16
_SALT_BYTES = (8, 64)
_ARGON2ID = (65_536, 3, 1)
_PBKDF2 = 600_000
_PBKDF2_BOUNDS = (1_000, 10_000_000)
"""Floors are for new keys alone: what somebody made with fewer rounds must still open."""
_PARAMETERS_MAX = 200


class PasswordKey:
    """A Fernet key and how it was made.

    Attributes:
        key: 44 characters, as other programs take it.
        parameters: to be stored beside the tokens; no secret.
    """

    __slots__ = ("key", "parameters")

    def __init__(self, key: SecretStr, parameters: str) -> None:
        self.key = key
        self.parameters = parameters

    def __repr__(self) -> str:
        return f"PasswordKey({self.parameters!r})"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a key cannot be pickled")


def derive_key(password: Password, parameters: str | None = None, *, compliance: bool = False) -> PasswordKey:
    """The Fernet key that belongs to a password; takes about a tenth of a second.

    Args:
        password: 1 to 4,096 bytes; text as UTF-8.
        parameters: those of an earlier call, for the same key; None for a new key with a random salt.
        compliance: a new key by PBKDF2-HMAC-SHA256 and not by Argon2id.

    Raises:
        ValueError: no password, or a longer one.
        Tampered: the parameters are none, or would hang or starve the machine; nothing was computed.
    Source: RFC 9106; RFC 8018.
    """
    data = _password(password)
    if parameters is None:
        salt = b2a_base64(random_bytes(SALT_BYTES), newline=False).rstrip(b"=").decode()
        memory_kib, iterations, lanes = _ARGON2ID
        costs = f"argon2id$v=19$m={memory_kib},t={iterations},p={lanes}"
        parameters = f"${f'pbkdf2-sha256$i={_PBKDF2}' if compliance else costs}${salt}"
    key = _derive(data, parameters)
    return PasswordKey(SecretStr(bytearray(encode(key))), parameters)


def _derive(password: bytes, parameters: str) -> bytes:
    words = parameters.split("$") if len(parameters) <= _PARAMETERS_MAX and parameters.isascii() else []
    match words:
        case ["", "argon2id", "v=19", costs, salt_text]:
            memory_kib, iterations, lanes = _numbers(costs, "m", "t", "p")
            salt = _salt(salt_text)
            try:
                kdf.check_argon2id(memory_kib, iterations, lanes)
            except ValueError as error:
                raise _malformed(str(error)) from None
            return password_hashes.argon2(
                "argon2id", password, salt, memory_kib=memory_kib, iterations=iterations, lanes=lanes, length=KEY_BYTES
            )
        case ["", "pbkdf2-sha256", costs, salt_text]:
            (iterations,) = _numbers(costs, "i")
            salt = _salt(salt_text)
            if not _PBKDF2_BOUNDS[0] <= iterations <= _PBKDF2_BOUNDS[1]:
                raise _malformed(f"PBKDF2 iterations must be within {_PBKDF2_BOUNDS[0]}..{_PBKDF2_BOUNDS[1]}")
            return password_hashes.pbkdf2("sha256", password, salt, iterations=iterations, length=KEY_BYTES)
        case _:
            raise _malformed("neither of argon2id nor of pbkdf2-sha256")


def _password(password: Password) -> bytes:
    if isinstance(password, str):
        password = SecretStr(password)
    if isinstance(password, SecretStr | SecretBytes):
        data = HiddenBytes(password.reveal_buffer())
    else:
        data = HiddenBytes(password)
    if not 0 < len(data) <= 4096:
        raise ValueError("a password is 1 to 4,096 bytes")
    return data


def _numbers(costs: str, *names: str) -> tuple[int, ...]:
    found = []
    parts = costs.split(",")
    for name, part in zip(names, parts, strict=False):
        digits = part.removeprefix(f"{name}=")
        if digits == part or not digits.isdigit() or len(digits) > 8 or digits != str(int(digits)):
            raise _malformed("its costs are not numbers")
        found.append(int(digits))
    if len(found) != len(names) or len(parts) != len(names):
        raise _malformed("it has other costs")
    return tuple(found)


def _salt(text: str) -> bytes:
    try:
        salt = a2b_base64(text + "=" * (-len(text) % 4))
    except Base64Error:
        salt = b""
    is_canonical = b2a_base64(salt, newline=False).rstrip(b"=").decode() == text
    if not is_canonical or not _SALT_BYTES[0] <= len(salt) <= _SALT_BYTES[1]:
        raise _malformed("its salt is not canonical base64 of 8 to 64 bytes")
    return salt


def _malformed(why: str) -> Tampered:
    return Tampered(
        f"malformed parameters of a key from a password: {why}",
        advice="give the parameters that were shown when the key was made",
    )
