"""Opening with a recovery code: 150 random bits on a sheet of paper.

Written in Crockford's base 32, with two characters that catch a typing mistake.
Source: docs/format.md#key-slots; https://www.crockford.com/base32.html.
"""

from __future__ import annotations

from strongroom.crypto.digest import sha256
from strongroom.crypto.entropy import random_buffer, random_bytes
from strongroom.errors import Tampered, WrongKey
from strongroom.secret import HiddenBuffer, SecretStr, wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.keys.format import SlotRecord

KIND = 3
SALT_BYTES = 32
CODE_BYTES = 19

_ALPHABET = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOKALIKES = {ord("I"): ord("1"), ord("L"): ord("1"), ord("O"): ord("0")}
_CHARACTERS = 30
_CHECK_CHARACTERS = 2
_GROUP = 4
# 150 bits in 152: the last two stay zero.
_LAST_BYTE_MASK = 0b1111_1100


class RecoveryCredential:
    """A recovery code.

    Args:
        code: 19 bytes whose last two bits are zero; taken over and wiped with this object.
    """

    __slots__ = ("_code",)

    kind = KIND

    def __init__(self, code: bytearray) -> None:
        if len(code) != CODE_BYTES or code[-1] & ~_LAST_BYTE_MASK & 0xFF:
            raise ValueError("a recovery code has 150 bits in 19 bytes")
        self._code = code

    def may_open(self, record: SlotRecord) -> bool:
        """Any recovery slot may be meant; trying is quick."""
        return record.kind == KIND

    def secret(self, parameters: bytes) -> bytearray:
        """A copy of the code's bits; see `Credential.secret`."""
        check_parameters(parameters)
        if not self._code:
            raise ValueError("this recovery code was wiped")
        return HiddenBuffer(self._code)

    def new_parameters(self) -> bytes:
        """A fresh salt."""
        return random_bytes(SALT_BYTES)

    def code(self) -> SecretStr:
        """The code as a person writes it down: 8 groups of 4. Show it once."""
        bits = self.secret(bytes(SALT_BYTES))
        symbols = _to_symbols(bits)
        wipe(bits)
        groups = len(symbols) // _GROUP
        text = HiddenBuffer(b"-" * (len(symbols) + groups - 1))
        for number in range(groups):
            start = number * (_GROUP + 1)
            text[start : start + _GROUP] = symbols[number * _GROUP : (number + 1) * _GROUP]
        wipe(symbols)
        return SecretStr(text)

    def wipe(self) -> None:
        """Overwrite the code; `secret` fails afterwards."""
        wipe(self._code)
        self._code = bytearray()

    def __repr__(self) -> str:
        return "RecoveryCredential(<hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a credential cannot be pickled or copied")


def new_recovery_code() -> RecoveryCredential:
    """A new random code."""
    code = random_buffer(CODE_BYTES)
    code[-1] &= _LAST_BYTE_MASK
    return RecoveryCredential(code)


def parse_recovery_code(text: bytearray) -> RecoveryCredential:
    """Read a code as somebody typed it: any case, spaces and dashes, I and L for 1, O for 0.

    Args:
        text: stays the caller's, who wipes it.

    Raises: WrongKey: not a code, or a typing mistake.
    """
    code = _parse(text)
    if code is None:
        raise WrongKey("this is not a recovery code", advice="compare it with what was written down, group by group")
    return RecoveryCredential(code)


def looks_like_recovery_code(text: bytearray) -> bool:
    """Whether `parse_recovery_code` would accept this.

    One in 1,024 of 32 random characters does, a passphrase of hexadecimal digits for
    instance: a caller that asked for either tries the passphrase too.
    """
    code = _parse(text)
    if code is None:
        return False
    wipe(code)
    return True


def check_parameters(parameters: bytes) -> None:
    """Refuse what are not the parameters of a recovery slot.

    Raises: Tampered: not 32 bytes.
    """
    if len(parameters) != SALT_BYTES:
        raise Tampered("malformed slot parameters: a salt has 32 bytes")


def describe(_parameters: bytes) -> str:
    """What there is to say: nothing but its strength."""
    return "150 random bits"


def _check_symbols(code: bytearray) -> tuple[int, int]:
    digest = sha256(code)
    return digest[0] >> 3, (digest[0] & 0b111) << 2 | digest[1] >> 6


def _to_symbols(code: bytearray) -> bytearray:
    symbols = HiddenBuffer(_CHARACTERS + _CHECK_CHARACTERS)
    for number in range(_CHARACTERS):
        # Each symbol's 5 bits lie in at most two neighbouring bytes.
        byte, offset = divmod(5 * number, 8)
        pair = code[byte] << 8 | (code[byte + 1] if byte + 1 < CODE_BYTES else 0)
        symbols[number] = _ALPHABET[pair >> (11 - offset) & 31]
    for number, value in enumerate(_check_symbols(code)):
        symbols[_CHARACTERS + number] = _ALPHABET[value]
    return symbols


def _parse(text: bytearray) -> bytearray | None:
    values = HiddenBuffer(_CHARACTERS + _CHECK_CHARACTERS)
    code = HiddenBuffer(CODE_BYTES)
    try:
        if not _read_symbols(text, values):
            return None
        for number in range(_CHARACTERS):
            byte, offset = divmod(5 * number, 8)
            pair = values[number] << (11 - offset)
            code[byte] |= pair >> 8
            if pair & 0xFF:
                code[byte + 1] |= pair & 0xFF
        if (values[-2], values[-1]) == _check_symbols(code):
            found, code = code, HiddenBuffer()
            return found
        return None
    finally:
        wipe(values)
        wipe(code)


def _read_symbols(text: bytearray, values: bytearray) -> bool:
    count = 0
    for character in text:
        if character in b" \t\r\n-":
            continue
        upper = character - 32 if ord("a") <= character <= ord("z") else character
        value = _ALPHABET.find(_LOOKALIKES.get(upper, upper))
        if value < 0 or count == len(values):
            return False
        values[count] = value
        count += 1
    return count == len(values)
