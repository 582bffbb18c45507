"""The kinds of key slots there are. Numbers are never reused (docs/format.md#key-slots).

Each kind's own file is loaded when a slot of that kind is met: a vault that is opened with
a key file pays neither for passphrases nor for age.
"""

from __future__ import annotations

from strongroom.errors import FormatUnsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.keys.format import SlotRecord

PARAMETERS_BYTES_MAX = 256
"""Of a kind that says nothing else."""
AGE_PARAMETERS_BYTES_MAX = 4_232
"""A recipient and a small age file."""


class KindFunctions:
    """What the file of a kind knows of its slots' parameters.

    Attributes:
        check: raises `Tampered` for parameters that are not of this kind or out of bounds.
        describe: parameters in words.
        is_outdated: whether a new slot would have better parameters.
    """

    __slots__ = ("check", "describe", "is_outdated")

    def __init__(
        self,
        check: Callable[[bytes], object],
        describe: Callable[[bytes], str],
        is_outdated: Callable[[bytes], bool] = lambda _parameters: False,
    ) -> None:
        self.check = check
        self.describe = describe
        self.is_outdated = is_outdated


class SlotKind:
    """One kind.

    Attributes:
        number: as in the slot record.
        name: as people see and type it.
        load: imports the kind's file.
        parameters_bytes_max: how long its parameters may be.
        is_public: whether a slot of it can be made by whoever knows what the store shows to everybody.
    """

    __slots__ = ("is_public", "load", "name", "number", "parameters_bytes_max")

    def __init__(
        self,
        number: int,
        name: str,
        load: Callable[[], KindFunctions],
        *,
        parameters_bytes_max: int = PARAMETERS_BYTES_MAX,
        is_public: bool = False,
    ) -> None:
        self.number = number
        self.name = name
        self.load = load
        self.parameters_bytes_max = parameters_bytes_max
        self.is_public = is_public


# Functions with an import in them, not names of modules: what freezes a program into one file finds these.
def _passphrase() -> KindFunctions:
    from strongroom.keys.slots import passphrase

    return KindFunctions(passphrase.decode_parameters, passphrase.describe, passphrase.is_outdated)


def _key_file() -> KindFunctions:
    from strongroom.keys.slots import key_file

    return KindFunctions(key_file.check_parameters, key_file.describe)


def _recovery() -> KindFunctions:
    from strongroom.keys.slots import recovery

    return KindFunctions(recovery.check_parameters, recovery.describe)


def _os_keyring() -> KindFunctions:
    from strongroom.keys.slots import os_keyring

    return KindFunctions(os_keyring.check_parameters, os_keyring.describe)


def _age() -> KindFunctions:
    from strongroom.keys.slots import age

    return KindFunctions(age.decode_parameters, age.describe)


def _shares() -> KindFunctions:
    from strongroom.keys.slots import shares

    return KindFunctions(shares.decode_parameters, shares.describe)


KINDS = (
    SlotKind(1, "passphrase", _passphrase),
    SlotKind(2, "key-file", _key_file),
    SlotKind(3, "recovery", _recovery),
    SlotKind(4, "keyring", _os_keyring),
    SlotKind(5, "age", _age, parameters_bytes_max=AGE_PARAMETERS_BYTES_MAX, is_public=True),
    SlotKind(6, "shares", _shares),
)


def kind_name(number: int) -> str:
    """``"passphrase"``, ``"key-file"``, ``"recovery"``, ``"keyring"``, ``"age"`` or ``"shares"``.

    Raises: FormatUnsupported: no such kind.
    """
    return _kind(number).name


def is_public(number: int) -> bool:
    """Whether anybody can make a slot of this kind that its credential opens: a recipient is public.

    Raises: FormatUnsupported: no such kind.
    """
    return _kind(number).is_public


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
    _kind(number).load().check(parameters)


def describe(record: SlotRecord) -> str:
    """What a slot's parameters say, in words: its cost, its key file's id, its recipient."""
    return _kind(record.kind).load().describe(record.parameters)


def is_outdated(record: SlotRecord) -> bool:
    """Whether a new slot of this kind would have stronger parameters."""
    return _kind(record.kind).load().is_outdated(record.parameters)


def _kind(number: int) -> SlotKind:
    for kind in KINDS:
        if kind.number == number:
            return kind
    raise FormatUnsupported(
        f"a key slot is of kind {number}, which this strongroom does not know", advice="upgrade strongroom"
    )
