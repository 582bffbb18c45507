"""Key objects from raw bytes, without the library's back end module.

The public constructors first ask `cryptography.hazmat.backends` whether the algorithm is
there, and importing that loads RSA, elliptic curves and `random`: 3 to 7 ms, a tenth of a
cold read. What they call after that is called here directly. Where the library has it no
more, or lacks the algorithm, the public constructor serves, and says what is wrong.
"""

from __future__ import annotations

from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview


def mlkem768_private_key(seed: Buffer) -> MLKEM768PrivateKey:
    """As `MLKEM768PrivateKey.from_seed_bytes`.

    Args:
        seed: 64 bytes.

    Raises: ValueError: another length.
    """
    try:
        make = openssl.mlkem.from_mlkem768_seed_bytes
    except AttributeError:
        make = MLKEM768PrivateKey.from_seed_bytes
    return make(seed)


def x25519_private_key(data: Buffer) -> X25519PrivateKey:
    """As `X25519PrivateKey.from_private_bytes`.

    Args:
        data: 32 bytes.

    Raises: ValueError: another length.
    """
    try:
        make = openssl.x25519.from_private_bytes
    except AttributeError:
        make = X25519PrivateKey.from_private_bytes
    return make(data)


def ed25519_public_key(data: bytes) -> Ed25519PublicKey:
    """As `Ed25519PublicKey.from_public_bytes`.

    Args:
        data: 32 bytes.

    Raises: ValueError: another length.
    """
    try:
        make = openssl.ed25519.from_public_bytes
    except AttributeError:
        make = Ed25519PublicKey.from_public_bytes
    return make(data)
