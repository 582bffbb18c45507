"""bcrypt strings, and those that hash the password first; they need the extra ``bcrypt``.

bcrypt reads 72 bytes and stops at a NUL. What it was given beyond that never counted, so
such a password is refused, and its user needs a new one.
"""

from __future__ import annotations

from binascii import b2a_base64, hexlify

from strongroom.credentials.password_strings.interface import Stored, malformed, number, numbers, parts
from strongroom.crypto.foreign import password_hashes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PASSWORD_BYTES_MAX = 72
COST = (4, 17)
"""As exponents of two: 17 takes some ten seconds."""

_ALPHABET = frozenset("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_VARIANTS = ("2a", "2b", "2y")


def plain(stored: str) -> Stored:
    """Take a string apart that begins with ``$2``.

    Raises: Tampered: malformed, or too costly.
    """
    _, variant, cost, rest = parts("bcrypt", stored, 4)
    if len(cost) != 2:
        raise malformed("bcrypt", "its cost is no number of two digits")
    if variant == "2":
        # The first bcrypt put no NUL at the password's end, which shows where the password is not repeated whole.
        def prepare(password: bytes) -> bytes:
            return (password * PASSWORD_BYTES_MAX)[:PASSWORD_BYTES_MAX]

        return _stored("bcrypt", "2b", cost.removeprefix("0"), rest, prepare, longest=PASSWORD_BYTES_MAX)
    return _stored("bcrypt", variant, cost.removeprefix("0"), rest, bytes, longest=PASSWORD_BYTES_MAX)


def django(stored: str) -> Stored:
    """Take a string apart that begins with ``bcrypt$`` or ``bcrypt_sha256$``."""
    name, _, rest = stored.partition("$")
    inner = plain(rest)
    if name == "bcrypt":
        return inner
    _, variant, cost, tail = rest.split("$")
    return _stored(
        "bcrypt-sha256", variant, cost.removeprefix("0"), tail,
        lambda password: hexlify(password_hashes.digest("sha256", password)),
    )  # fmt: skip


def passlib_sha256(stored: str) -> Stored:
    """Take a string apart that begins with ``$bcrypt-sha256$``, of either version."""
    scheme = "bcrypt-sha256"
    costs, salt, digest = parts(scheme, stored, 5)[2:]
    if len(salt) != 22:
        raise malformed(scheme, "its salt has not 22 characters")
    if costs.startswith("v="):
        version, variant, cost = numbers(scheme, costs, ("v", "t", "r"))
        if (version, variant) != ("2", "2b"):
            raise malformed(scheme, "it is neither version 1 nor 2")
        salt_bytes = salt.encode()

        def prepare(password: bytes) -> bytes:
            return b2a_base64(password_hashes.hmac_sha256(salt_bytes, password), newline=False)
    else:
        variant, _, cost = costs.partition(",")

        def prepare(password: bytes) -> bytes:
            return b2a_base64(password_hashes.digest("sha256", password), newline=False)

    return _stored(scheme, variant, cost, salt + digest, prepare)


def _stored(
    scheme: str,
    variant: str,
    cost_text: str,
    rest: str,
    prepare: Callable[[bytes], bytes],
    *,
    longest: int | None = None,
) -> Stored:
    if variant not in _VARIANTS:
        raise malformed(scheme, "its variant is not 2a, 2b or 2y")
    if len(rest) != 53 or not _ALPHABET.issuperset(rest):
        raise malformed(scheme, "salt and digest have not 53 characters of its alphabet")
    cost = number(scheme, "cost", cost_text, COST[1], least=COST[0])
    # 2a and 2y are what 2b is, once the faults that they name are out; the library's answer repeats the name.
    setting = f"$2b${cost:02}${rest[:22]}".encode()

    def compute(password: bytes) -> bytes:
        return password_hashes.bcrypt(prepare(password), setting)[-31:]

    return Stored(scheme, {"cost": cost}, rest[22:].encode(), compute, memory_kib=8, longest=longest)
