"""What a parsed string is, and the small readers that all parsers share."""

from __future__ import annotations

import binascii

from strongroom.errors import PasswordMismatch, Tampered
from strongroom.secret import SecretBytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

STRING_CHARACTERS_MAX = 1_024
SALT_BYTES_MAX = 256
DIGEST_BYTES = (4, 128)

_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


class Stored:
    """One stored string, taken apart and within bounds.

    Args:
        scheme: such as ``"argon2id"`` or ``"pbkdf2-sha256"``.
        cost: the numbers that say how slow it is, such as ``{"iterations": 600_000}``.
        expected: what *compute* returns for the right password.
        compute: turns a password into bytes to compare; slow.
        memory_kib: what *compute* takes.
        key_id: of the pepper it was made with; empty for none.
        longest: the longest password in bytes that *compute* takes; None for any.
    """

    __slots__ = ("_compute", "_expected", "cost", "key_id", "longest", "memory_kib", "salt", "scheme")

    def __init__(
        self,
        scheme: str,
        cost: dict[str, int],
        expected: bytes,
        compute: Callable[[bytes], bytes],
        *,
        memory_kib: int = 0,
        salt: bytes = b"",
        key_id: bytes = b"",
        longest: int | None = None,
    ) -> None:
        self.scheme = scheme
        self.cost = cost
        self.memory_kib = memory_kib
        self.salt = salt
        self.key_id = key_id
        self.longest = longest
        self._expected = expected
        self._compute = compute

    @property
    def digest_bytes(self) -> int:
        """How long the stored digest is."""
        return len(self._expected)

    def check(self, password: bytes) -> None:
        """Compute and compare.

        Raises:
            PasswordMismatch: another password, or one that this scheme would not take whole.
            FormatUnsupported: the scheme needs an extra.
        """
        if self.longest is not None and (len(password) > self.longest or 0 in password):
            # What such a function makes of it depends on who implemented it: half of a password would do.
            raise PasswordMismatch(f"{self.scheme} takes at most {self.longest} bytes and no NUL")
        # As secrets they are compared in constant time.
        if SecretBytes(self._compute(password)) != SecretBytes(self._expected):
            raise PasswordMismatch("the password does not fit")

    def __str__(self) -> str:
        costs = (f"{value} {'KiB' if name == 'memory_kib' else name}" for name, value in self.cost.items())
        return ", ".join((self.scheme, *costs))

    def __repr__(self) -> str:
        return f"Stored({str(self)!r})"


def malformed(scheme: str, why: str) -> Tampered:
    """The error of a string that no such program has written, or of a cost that is refused."""
    return Tampered(
        f"a stored {scheme} password is refused: {why}",
        advice="find out who wrote it; its user sets a new password, or the string comes back from a backup",
    )


def number(scheme: str, what: str, text: str, ceiling: int, *, least: int = 1) -> int:
    """A decimal number as programs write it: no sign, no zero in front.

    Raises: Tampered: something else, or out of bounds.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 12) or (text[0] == "0" and text != "0"):
        raise malformed(scheme, f"its {what} is no number")
    value = int(text)
    if not least <= value <= ceiling:
        raise malformed(scheme, f"{what} of {value} is not within {least}..{ceiling}")
    return value


def numbers(scheme: str, text: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The values of ``a=1,b=2`` in exactly the order of *names*.

    Raises: Tampered: another name, order or number of them.
    """
    pairs = [pair.partition("=") for pair in text.split(",")]
    if tuple(name for name, _, _ in pairs) != names:
        raise malformed(scheme, f"its parameters are not {', '.join(names)}")
    return tuple(value for _, _, value in pairs)


def parts(scheme: str, text: str, count: int) -> list[str]:
    """*text* between its dollar signs.

    Raises: Tampered: there are not *count* parts.
    """
    found = text.split("$")
    if len(found) != count:
        raise malformed(scheme, "it has another number of parts")
    return found


def plain_base64(scheme: str, text: str) -> bytes:
    """Standard base64 without padding, the one spelling of these bytes.

    Raises: Tampered: something else, or longer than any salt or digest.
    """
    if len(text) % 4 == 1 or not _BASE64.issuperset(text):
        raise malformed(scheme, "it holds something that is not base64")
    data = binascii.a2b_base64(text + "=" * (-len(text) % 4))
    if binascii.b2a_base64(data, newline=False).rstrip(b"=").decode() != text:
        raise malformed(scheme, "it holds base64 in a second spelling")
    if len(data) > SALT_BYTES_MAX:
        raise malformed(scheme, "it holds a salt or digest that is too long")
    return data


def padded_base64(scheme: str, text: str) -> bytes:
    """Standard base64 with its padding; raises as `plain_base64`."""
    if len(text) % 4:
        raise malformed(scheme, "it holds base64 that is cut")
    return plain_base64(scheme, text.removesuffix("=").removesuffix("="))


def hexadecimal(scheme: str, text: str, length: int | None = None) -> bytes:
    """Hexadecimal digits, of *length* bytes when that is given.

    Raises: Tampered: something else.
    """
    try:
        data = binascii.unhexlify(text)
    except (binascii.Error, ValueError):
        raise malformed(scheme, "it holds something that is not hexadecimal") from None
    return digest_of(scheme, data, length)


def digest_of(scheme: str, data: bytes, length: int | None = None) -> bytes:
    """*data*, when it can be a digest.

    Raises: Tampered: it has not *length* bytes, or is shorter or longer than any.
    """
    if not DIGEST_BYTES[0] <= len(data) <= DIGEST_BYTES[1] or (length is not None and len(data) != length):
        raise malformed(scheme, f"its digest has {len(data)} bytes")
    return data
