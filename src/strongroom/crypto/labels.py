"""What every use of a key is called, in one list, and the context built from it.

The context is authenticated with each message, so that a blob opens only in the
vault, the row and the version that it was made for. Numbers are never reused.
Source: docs/format.md#context.
"""

from __future__ import annotations

from struct import Struct

FORMAT = 1
SUITE = 1

# Object types.
KEYSET = 1
SLOT_WRAP = 2
HANDOVER = 3
HANDOVER_SIGNATURE = 4
IDENTITY_CERTIFICATE = 5
HEADER_MAC = 6
NODE = 7
VERSION = 8
OBJECT = 9
AUDIT_ENTRY = 10
LEDGER_SEAL = 11
SLOT_NOTE = 12
DEPOSIT_KEY = 13
DEPOSIT = 14
DEPOSIT_SIGNATURE = 15
AUDIT_CHECKPOINT = 16
FILE_KEY = 32
FILE_PAYLOAD = 33
FILE_ENTRY = 34
FILE_TEXT = 35
KEY_MESSAGE = 17
USER_KEY_WRAP = 18
USER_SESSION = 19
USER_ESCROW = 20

# Purposes of keys derived from the root key.
PURPOSE_KEYSET = b"keyset"
PURPOSE_HEADER = b"header"

# Purpose of a key derived from a user key.
PURPOSE_USER_VAULT = b"user-vault"

# Purposes of keys derived from the audit key.
PURPOSE_AUDIT_FILE = b"audit-file"
PURPOSE_AUDIT_NAMES = b"audit-names"

# Purposes of keys derived from the key of a file whose values are encrypted one by one.
PURPOSE_FILE_ENTRIES = b"file-entries"
PURPOSE_FILE_TEXT = b"file-text"

# Purposes of the random keys in the keyset.
INDEX_KEY = 1
LEDGER_KEY = 2
AUDIT_KEY = 3
IDENTITY_SEED = 4
DEPOSIT_SEED = 5

# Labels of key derivations.
DERIVE = b"strongroom/v1/"
PASSPHRASE = b"strongroom/v1/passphrase"
SLOT = b"strongroom/v1/slot"
SLOT_KEK = b"strongroom/v1/slot-kek"
DEPOSIT_PRIVATE_KEY = b"strongroom/v1/deposit"
PEPPER = b"strongroom/v1/pepper"
PEPPER_ID = b"strongroom/v1/pepper-id"
FILE = b"strongroom/v1/file"
FILE_KEK = b"strongroom/v1/file-kek"
COLUMN = b"strongroom/v1/column"

# Labels of what is derived from a column's key.
COLUMN_CIPHER = b"cipher"
COLUMN_INDEX = b"index"

_DOMAIN = b"strongroom/v1\0"
_TYPE_AND_KEY = Struct(">BI").pack
_U32 = Struct(">I").pack

VAULT_ID_BYTES = 16


def context_prefix(vault_id: bytes) -> bytes:
    """What all contexts of one vault begin with, for callers that build many.

    Args:
        vault_id: 16 bytes. Its fixed length keeps what follows from being read as part of it.
    """
    if len(vault_id) != VAULT_ID_BYTES:
        raise ValueError("a vault id has 16 bytes")
    return _DOMAIN + bytes((SUITE,)) + vault_id


def context_after(prefix: bytes, object_type: int, key_id: int, parts: tuple[bytes | bytearray, ...]) -> bytes:
    """The context of one message; see `context`. On the path of every read, hence the plain loop."""
    pieces: list[bytes | bytearray] = [prefix, _TYPE_AND_KEY(object_type, key_id)]
    for part in parts:
        pieces.append(_U32(len(part)))
        pieces.append(part)
    return b"".join(pieces)


def context(vault_id: bytes, object_type: int, key_id: int, *parts: bytes | bytearray) -> bytes:
    """The injective context of one message.

    Args:
        vault_id: 16 bytes.
        object_type: one of the numbers above.
        key_id: the data key's id, or the epoch, as the table in the format says.
        parts: what else names this object; each is counted, so that no two lists run together.
    """
    return context_after(context_prefix(vault_id), object_type, key_id, parts)
