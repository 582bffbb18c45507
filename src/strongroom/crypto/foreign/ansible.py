"""What Ansible Vault does with a password: PBKDF2 of 10,000 rounds, AES-256-CTR, HMAC over the ciphertext.

The rounds are fixed by the format, and few: whoever has the file may guess. The MAC covers neither the header
nor the label. Source: ansible-core, parsing/vault/__init__.py, VaultAES256.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from strongroom.crypto.kdf import _pbkdf2_from_parts
from strongroom.errors import WrongKey
from strongroom.secret import HiddenBuffer, wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview

SALT_BYTES = 32
TAG_BYTES = 32
BLOCK_BYTES = 16
_ROUNDS = 10_000


def open_sealed(password: Buffer, salt: bytes, tag: bytes, ciphertext: bytes) -> bytearray:
    """Decrypt one vault; the caller wipes it.

    Args:
        password: without the newline of its file.

    Raises: WrongKey: another password, or it was changed; nothing tells which.
    """
    keys = _pbkdf2_from_parts(SHA256(), password, salt, _ROUNDS, 80)
    try:
        state = HMAC(memoryview(keys)[32:64], SHA256())
        state.update(ciphertext)
        state.verify(tag)
        decryptor = Cipher(AES(memoryview(keys)[:32]), CTR(bytes(memoryview(keys)[64:]))).decryptor()
        padded = HiddenBuffer(len(ciphertext))
        decryptor.update_into(ciphertext, padded)
    except InvalidSignature:
        raise WrongKey("the password does not open this Ansible vault, or it was changed") from None
    finally:
        wipe(keys)
    try:
        return _unpadded(padded)
    finally:
        wipe(padded)


def _unpadded(padded: bytearray) -> bytearray:
    """PKCS #7 (RFC 5652, 6.3). The MAC was right: no oracle is here."""
    count = padded[-1] if padded else 0
    if not 1 <= count <= BLOCK_BYTES or padded[-count:] != bytes((count,)) * count:
        raise WrongKey("this Ansible vault is not padded as Ansible does it")
    return HiddenBuffer(memoryview(padded)[:-count])
