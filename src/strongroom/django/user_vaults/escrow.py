"""An organisation's key to its users' vaults: who it is for, as the settings say.

    STRONGROOM = {"ESCROW": "/etc/shop/escrow.pub"}

The file holds the public part of a key of kind ``box``: ``strongroom key export escrow --public --format base64``.
The private part lies in a vault elsewhere, never on the site; `manage.py strongroom_escrow` opens with it.
"""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from strongroom.credentials.public_keys import decode_public
from strongroom.crypto.digest import sha256

_FILE_BYTES_MAX = 16_384
_HYBRID_BYTES = 1_216
_BOTH_BYTES = 1_248


def public_key() -> bytes | None:
    """The public key that the settings name; None when they name none. The file is read each time.

    Raises: ImproperlyConfigured: the file cannot be read, or holds no public key of kind ``box`` with a hybrid part.
    """
    place = getattr(settings, "STRONGROOM", {}).get("ESCROW")
    if place is None:
        return None
    try:
        with open(place, "rb") as file:
            text = file.read(_FILE_BYTES_MAX + 1).decode("ascii")
        public = decode_public("box", text)
    except OSError as error:
        raise ImproperlyConfigured(f'STRONGROOM["ESCROW"]: {place}: {error.strerror}') from None
    except ValueError as error:
        raise ImproperlyConfigured(f'STRONGROOM["ESCROW"]: {place}: {error}') from None
    if len(public) not in (_HYBRID_BYTES, _BOTH_BYTES):
        raise ImproperlyConfigured(
            f'STRONGROOM["ESCROW"]: {place} has no hybrid part; export it with --format base64'
        )
    return public[-_HYBRID_BYTES:]


def fingerprint(public: bytes) -> bytes:
    """32 bytes that name a public key."""
    return sha256(public)
