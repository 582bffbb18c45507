"""Private parts of named keys, in and out. What leaves here, or came from elsewhere, is kept by others too.

Imported by this name alone; a test pins who does.
"""

from __future__ import annotations

from strongroom.secret import SecretBytes
from strongroom.vault.named_keys.kinds import check_kind
from strongroom.vault.named_keys.record import IMPORTED, Material

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.vault.named_keys.named_key import NamedKey
    from strongroom.vault.named_keys.named_keys import Kind, NamedKeys
    from strongroom.vault.named_keys.record import KeyVersion

    Buffer = bytes | bytearray | memoryview


def export_private(key: NamedKey, number: int | None = None) -> SecretBytes:
    """A copy of the private part of a version; of the primary when *number* is None.

    Returns: 32 bytes; of a box key X25519's 32 and MLKEM768-X25519's 32. The caller wipes them.
    Raises: NotFound, Denied: there is no such version, or it may not be used.
    """
    return SecretBytes(bytearray(key._material(key.primary.number if number is None else number).reveal_buffer()))


def import_key(keys: NamedKeys, name: str, kind: Kind, private: Buffer) -> NamedKey:
    """Make a named key of a private part that exists already.

    Args:
        private: 32 bytes; for a box key X25519's, or 64 with MLKEM768-X25519's 32 behind them. Copied.

    Raises:
        Conflict: there is a key of this name.
        ValueError: a name, kind or length that cannot be.
    """
    check_kind(kind)
    material = Material(bytearray(private))
    return keys._create(name, kind, material, IMPORTED)


def import_version(key: NamedKey, private: Buffer, *, stage: bool = False) -> KeyVersion:
    """Make a private part that exists already the key's primary version, or, with *stage*, its staged one.

    Raises: Conflict, ValueError: as `NamedKey.rotate` and `import_key`.
    """
    return key._add(is_primary=not stage, material=Material(bytearray(private)))
