"""Opening with the operating system's keyring: it holds 32 random bytes, never a stored value.

Only the entry's name and text are made and read here; `locate.os_keyring` talks to the
keyring. Source: docs/format.md#key-slots.
"""

from __future__ import annotations

from binascii import Error as NotBase64
from binascii import a2b_base64, b2a_base64

from strongroom.crypto.entropy import random_buffer, random_bytes, scrub
from strongroom.errors import Tampered, WrongKey
from strongroom.keys.slots.bound import KEY_BYTES, BoundCredential
from strongroom.secret import HiddenBuffer, wipe

KIND = 4
ENTRY_ID_BYTES = 16


def new_keyring_credential() -> BoundCredential:
    """A new random secret for a new entry."""
    return BoundCredential(KIND, random_bytes(ENTRY_ID_BYTES), random_buffer(KEY_BYTES))


def entry_name(parameters: bytes) -> str:
    """The entry's user name in the keyring: 32 hex digits.

    Args:
        parameters: of a decoded slot record or a credential of this kind.
    """
    return parameters.hex()


def encode_entry(credential: BoundCredential) -> str:
    """The entry's text: the secret in base64, 44 characters, which a keyring's API takes as `str` only."""
    key = credential.secret(credential.parameters)
    try:
        return b2a_base64(key, newline=False).decode("ascii")
    finally:
        wipe(key)


def decode_entry(parameters: bytes, text: str) -> BoundCredential:
    """The credential in an entry.

    Args:
        parameters: of the slot that names the entry.
        text: what the keyring holds.

    Raises: WrongKey: it is not what `encode_entry` writes.
    """
    try:
        decoded = a2b_base64(text, strict_mode=True)
    except (NotBase64, ValueError):
        # `from None`: the cause's arguments may hold the text.
        decoded = b""
    if len(decoded) != KEY_BYTES:
        raise WrongKey(
            "the OS keyring's entry for this vault is not a key",
            advice="another program changed it; open with another slot and make a new one: strongroom slot add keyring",
        )
    key = HiddenBuffer(decoded)
    del decoded
    scrub(KEY_BYTES)
    return BoundCredential(KIND, parameters, key)


def check_parameters(parameters: bytes) -> None:
    """Refuse what are not the parameters of a keyring slot.

    Raises: Tampered: not 16 bytes.
    """
    if len(parameters) != ENTRY_ID_BYTES:
        raise Tampered("malformed slot parameters: a keyring entry's id has 16 bytes")


def describe(parameters: bytes) -> str:
    """Where the entry is found in the keyring."""
    return f"OS keyring entry {entry_name(parameters)}"
