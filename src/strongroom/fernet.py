"""``strongroom.fernet``: Fernet tokens, where `cryptography.fernet.MultiFernet` is used."""

from strongroom.credentials.fernet import Keyring, generate_key
from strongroom.credentials.fernet_passwords import PasswordKey, derive_key
from strongroom.crypto.fernet import InvalidToken, TokenExpired

__all__ = ["InvalidToken", "Keyring", "PasswordKey", "TokenExpired", "derive_key", "generate_key"]
