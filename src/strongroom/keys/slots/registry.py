"""The kinds of key slots there are. Numbers are never reused (docs/format.md#key-slots)."""

from __future__ import annotations

from strongroom.errors import FormatUnsupported
from strongroom.keys.slots import age, key_file, os_keyring, passphrase, recovery, shares

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.keys.format import SlotRecord

PARAMETERS_BYTES_MAX = 256
"""Of a kind that says nothing else."""


class SlotKind:
    """One kind.

    Attributes:
        number: as in the slot record.
        name: as people see and type it.
        check: raises `Tampered` for parameters that are not of this kind or out of bounds.
        describe: parameters in words.
        is_outdated: whether a new slot would have better parameters.
        parameters_bytes_max: how long they may be.
    """

    __slots__ = ("check", "describe", "is_outdated", "name", "number", "parameters_bytes_max")

    def __init__(
        self,
        number: int,
        name: str,
        check: Callable[[bytes], object],
        describe: Callable[[bytes], str],
        is_outdated: Callable[[bytes], bool] = lambda _parameters: False,
        *,
        parameters_bytes_max: int = PARAMETERS_BYTES_MAX,
    ) -> None:
        self.number = number
        self.name = name
        self.check = check
        self.describe = describe
        self.is_outdated = is_outdated
        self.parameters_bytes_max = parameters_bytes_max


KINDS = (
    SlotKind(passphrase.KIND, "passphrase", passphrase.decode_parameters, passphrase.describe, passphrase.is_outdated),
    SlotKind(key_file.KIND, "key-file", key_file.check_parameters, key_file.describe),
    SlotKind(recovery.KIND, "recovery", recovery.check_parameters, recovery.describe),
    SlotKind(os_keyring.KIND, "keyring", os_keyring.check_parameters, os_keyring.describe),
    SlotKind(age.KIND, "age", age.decode_parameters, age.describe, parameters_bytes_max=age.PARAMETERS_BYTES_MAX),
    SlotKind(shares.KIND, "shares", shares.decode_parameters, shares.describe),
)


def kind_name(number: int) -> str:
    """``"passphrase"``, ``"key-file"``, ``"recovery"``, ``"keyring"``, ``"age"`` or ``"shares"``.

    Raises: FormatUnsupported: no such kind.
    """
    return _kind(number).name


def parameters_bytes_max(number: int) -> int:
    """How long the parameters of a kind may be, in bytes.

    Raises: FormatUnsupported: no such kind.
    """
    return _kind(number).parameters_bytes_max


def check_parameters(number: int, parameters: bytes) -> None:
    """Compare the parameters of a slot with the bounds of its kind, before any work is done.

    Raises:
        FormatUnsupported: no such kind, or a key derivation of a newer program.
        Tampered: malformed or out of bounds.
    """
    _kind(number).check(parameters)


def describe(record: SlotRecord) -> str:
    """What a slot's parameters say, in words: its cost, its key file's id, its recipient."""
    return _kind(record.kind).describe(record.parameters)


def is_outdated(record: SlotRecord) -> bool:
    """Whether a new slot of this kind would have stronger parameters."""
    return _kind(record.kind).is_outdated(record.parameters)


def _kind(number: int) -> SlotKind:
    for kind in KINDS:
        if kind.number == number:
            return kind
    raise FormatUnsupported(
        f"a key slot is of kind {number}, which this strongroom does not know", advice="upgrade strongroom"
    )
