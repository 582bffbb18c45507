"""``strongroom.tokens``: random values in the usual forms, and tokens that are issued and verified."""

from strongroom.credentials.issued_token_text import PATTERN, find, recognise
from strongroom.credentials.issued_tokens import IssuedToken, TokenIssuer
from strongroom.credentials.token_records import MemoryTokenStore, TokenRecord, TokenStore
from strongroom.credentials.tokens import digits, django, entropy_bits, fernet, hex, passphrase, urlsafe, uuid
from strongroom.credentials.tokens_in_vault import VaultTokenStore

__all__ = [
    "PATTERN",
    "IssuedToken",
    "MemoryTokenStore",
    "TokenIssuer",
    "TokenRecord",
    "TokenStore",
    "VaultTokenStore",
    "digits",
    "django",
    "entropy_bits",
    "fernet",
    "find",
    "hex",
    "passphrase",
    "recognise",
    "urlsafe",
    "uuid",
]
