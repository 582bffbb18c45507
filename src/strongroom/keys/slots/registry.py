"""The kinds of key slots there are. Numbers are never reused (docs/format.md#key-slots)."""

from __future__ import annotations

from strongroom.errors import FormatUnsupported
from strongroom.keys.slots import key_file, passphrase, recovery

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.keys.format import SlotRecord


class SlotKind:
    """One kind.

    Attributes:
        number: as in the slot record.
        name: as people see and type it.
        check: raises `Tampered` for parameters that are not of this kind or out of bounds.
        describe: parameters in words.
        is_outdated: whether a new slot would have better parameters.
    """

    __slots__ = ("check", "describe", "is_outdated", "name", "number")

    def __init__(
        self,
        number: int,
        name: str,
        check: Callable[[bytes], object],
        describe: Callable[[bytes], str],
        is_outdated: Callable[[bytes], bool] = lambda _parameters: False,
    ) -> None:
        self.number = number
        self.name = name
        self.check = check
        self.describe = describe
        self.is_outdated = is_outdated


KINDS = (
    SlotKind(passphrase.KIND, "passphrase", passphrase.decode_parameters, passphrase.describe, passphrase.is_outdated),
    SlotKind(key_file.KIND, "key-file", key_file.check_parameters, key_file.describe),
    SlotKind(recovery.KIND, "recovery", recovery.check_parameters, recovery.describe),
)


def kind_name(number: int) -> str:
    """``"passphrase"``, ``"key-file"`` or ``"recovery"``.

    Raises: FormatUnsupported: no such kind.
    """
    return _kind(number).name


def check_parameters(number: int, parameters: bytes) -> None:
    """Compare the parameters of a slot with the bounds of its kind, before any work is done.

    Raises:
        FormatUnsupported: no such kind, or a key derivation of a newer program.
        Tampered: malformed or out of bounds.
    """
    _kind(number).check(parameters)


def describe(record: SlotRecord) -> str:
    """A slot's key derivation in words, or its key file's id."""
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
