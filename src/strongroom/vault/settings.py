"""The vault's own settings for items that have none: KV v2's mount configuration.

Source: docs/format.md#stored-objects.
"""

from __future__ import annotations

from strongroom.crypto import labels
from strongroom.errors import FormatUnsupported, Tampered
from strongroom.keys.envelope import Envelope
from strongroom.stores.interface import Reading, Row, blob
from strongroom.stores.schema import OBJECTS
from strongroom.vault.ledger import LedgeredRows
from strongroom.vault.records import VERSIONS_MAX
from strongroom.wire import Reader, u8, u32, u64

_FORM = 1
_TYPE = 1
_ID = bytes(16)
KEY = (_TYPE, _ID)
MAX_VERSIONS_DEFAULT = 10
"""KV v2's own default."""


class VaultSettings:
    """What holds for items that do not say otherwise.

    Attributes:
        max_versions: how many versions are kept, 1 to 1,000.
        cas_required: whether every write must say which version it replaces.
        delete_after: µs after which a new version counts as deleted; 0 for never.
    """

    __slots__ = ("cas_required", "delete_after", "max_versions")

    def __init__(
        self, max_versions: int = MAX_VERSIONS_DEFAULT, cas_required: bool = False, delete_after: int = 0
    ) -> None:
        self.max_versions = max_versions
        self.cas_required = cas_required
        self.delete_after = delete_after


def check_max_versions(number: int) -> int:
    """*number*, if it is 0 (the default) to 1,000.

    Raises: ValueError: it is not.
    """
    if not 0 <= number <= VERSIONS_MAX:
        raise ValueError(f"max_versions is 0 to {VERSIONS_MAX}")
    return number


def read_settings(envelope: Envelope, rows: Reading | LedgeredRows) -> VaultSettings:
    """The settings in the store, which every vault has from its first moment.

    Raises: Tampered: they are missing, or not what was written. Defaults would undo what was asked for,
        such as check-and-set on every write.
    """
    row = rows.get(OBJECTS, _TYPE, _ID)
    if row is None:
        raise Tampered("the vault's settings are gone from the store", advice="run: strongroom verify")
    plaintext = envelope.decrypt(labels.OBJECT, blob(row, 2), u8(_TYPE), _ID)
    reader = Reader(plaintext, "settings")
    if reader.u8() != _FORM:
        raise FormatUnsupported("the settings were written by a newer strongroom")
    settings = VaultSettings(reader.u32() or MAX_VERSIONS_DEFAULT, bool(reader.u8()), reader.u64())
    reader.finish()
    return settings


def write_settings(envelope: Envelope, rows: LedgeredRows, settings: VaultSettings) -> None:
    """Store *settings*."""
    plaintext = u8(_FORM) + u32(settings.max_versions) + u8(settings.cas_required) + u64(settings.delete_after)
    row: Row = (_TYPE, _ID, envelope.encrypt(labels.OBJECT, plaintext, u8(_TYPE), _ID))
    rows.put(OBJECTS, row, replaces=rows.get(OBJECTS, _TYPE, _ID))
