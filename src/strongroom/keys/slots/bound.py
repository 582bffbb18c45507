"""A credential that is 32 random bytes for the slots with one value of parameters.

The kinds whose secret is random and kept somewhere else share it: the operating
system's keyring, an age file, shares. Where the bytes come from is each kind's own file.
"""

from __future__ import annotations

from strongroom.errors import FormatUnsupported
from strongroom.secret import HiddenBuffer, wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.keys.format import SlotRecord

KEY_BYTES = 32


class BoundCredential:
    """32 random bytes, and the parameters of the slots that they open.

    Args:
        kind: a number of `registry.KINDS`.
        parameters: of that kind, within its bounds; not secret.
        key: 32 bytes, taken over and wiped with this object.
    """

    __slots__ = ("_key", "kind", "parameters")

    def __init__(self, kind: int, parameters: bytes, key: bytearray) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("a slot's random secret has 32 bytes")
        self.kind = kind
        self.parameters = parameters
        self._key = key

    def may_open(self, record: SlotRecord) -> bool:
        """Whether the slot has this kind and these parameters."""
        return record.kind == self.kind and record.parameters == self.parameters

    def secret(self, parameters: bytes) -> bytearray:
        """A copy of the 32 bytes; see `Credential.secret`.

        Raises: ValueError: wiped, or asked for another slot's parameters.
        """
        if parameters != self.parameters:
            raise ValueError("this secret belongs to other slot parameters")
        if not self._key:
            raise ValueError("this secret was wiped")
        return HiddenBuffer(self._key)

    def new_parameters(self) -> bytes:
        """The parameters that the secret belongs to; a renewed slot keeps them."""
        return self.parameters

    def wipe(self) -> None:
        """Overwrite the secret; `secret` fails afterwards."""
        wipe(self._key)
        self._key = bytearray()

    def __repr__(self) -> str:
        return f"BoundCredential(kind {self.kind}, <hidden>)"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a credential cannot be pickled or copied")


def missing_extra(extra: str, what: str) -> FormatUnsupported:
    """The error of an installation without an optional package.

    Args:
        extra: its name in pyproject.toml, such as ``"age"``.
        what: what cannot be had without it, such as ``"an age slot"``.
    """
    return FormatUnsupported(
        f"{what} needs the extra {extra}, which is not installed", advice=f"pip install 'strongroom[{extra}]'"
    )
