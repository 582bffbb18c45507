"""``strongroom.boxes``: sealing to a public key, as HPKE and libsodium do it."""

from strongroom.credentials.boxes import box, generate, open_box, open_sealed, public_key, seal

__all__ = ["box", "generate", "open_box", "open_sealed", "public_key", "seal"]
