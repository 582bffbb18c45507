"""Keys from keys, and keys from passphrases.

Whoever can write the store chooses the parameters of a passphrase slot, so they are
compared with the bounds below before any of the slow functions runs: too low would
make the passphrase cheap to guess, too high would hang or starve the machine.
Source: docs/format.md#keys and #key-slots; RFC 5869, RFC 8018, RFC 9106.
"""

from __future__ import annotations

import os
from _thread import allocate_lock

from cryptography.hazmat.primitives.hashes import SHA256, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from strongroom.crypto import labels
from strongroom.crypto.entropy import scrub
from strongroom.secret import HiddenBuffer
from strongroom.wire import u32

KEY_BYTES = 32
STRETCH_SALT_BYTES = 32
_HPKE_KEY_BYTES = 96

ARGON2_MEMORY_KIB = (19_456, 2_097_152)
"""19 MiB (the least that OWASP's cheat sheet names) to 2 GiB."""
ARGON2_ITERATIONS = (1, 10)
ARGON2_LANES = (1, 8)
PBKDF2_ITERATIONS = (600_000, 10_000_000)

# OpenSSL takes the threads for Argon2id's lanes from one pool of the process: of two derivations at once, one
# fails for want of memory or both wait for ever. A child that is forked meanwhile would inherit a pool in use.
_turn = allocate_lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_turn.acquire, after_in_parent=_turn.release, after_in_child=_turn.release)

TYPE_CHECKING = False
if TYPE_CHECKING:
    Buffer = bytes | bytearray | memoryview


def derive(root_key: Buffer, purpose: bytes, vault_id: bytes, epoch: int) -> bytearray:
    """A key for one purpose from the root key (HKDF-Expand, SHA-512).

    Args:
        root_key: 32 random bytes.
        purpose: ``labels.PURPOSE_...``.
        vault_id: 16 bytes.
        epoch: counts root keys, from 1.

    Returns: 32 bytes, which the caller wipes.
    """
    info = labels.DERIVE + purpose + b"\0" + vault_id + u32(epoch)
    return _expand_from_parts(SHA512(), root_key, info, KEY_BYTES)


def slot_key(secret: Buffer, vault_id: bytes, slot_id: bytes, kind: int, parameters: bytes) -> bytearray:
    """The key-encryption key of one slot (HKDF, SHA-512).

    Args:
        secret: what the slot's holder has: a stretched passphrase, a key file's key, a code.
        vault_id: 16 bytes.
        slot_id: 16 bytes.
        kind: the slot's kind.
        parameters: as they stand in the slot record; changing them changes the key.

    Returns: 32 bytes, which the caller wipes.
    """
    info = labels.SLOT_KEK + b"\0" + vault_id + slot_id + bytes((kind,)) + parameters
    return _hkdf_from_parts(SHA512(), secret, labels.SLOT, info, KEY_BYTES)


def deposit_private_key(seed: Buffer, vault_id: bytes, version: int) -> bytearray:
    """The HPKE private key that opens deposits (HKDF-Expand, SHA-512).

    Args:
        seed: 32 random bytes.
        vault_id: 16 bytes.
        version: of the seed in the keyset, from 1.

    Returns: 96 bytes, which the caller wipes.
    Source: docs/format.md#deposits.
    """
    info = labels.DEPOSIT_PRIVATE_KEY + b"\0" + vault_id + u32(version)
    return _expand_from_parts(SHA512(), seed, info, _HPKE_KEY_BYTES)


def passphrase_file_key(secret: Buffer, file_id: bytes, parameters: bytes) -> bytearray:
    """The key-encryption key of one file that opens with a passphrase (HKDF, SHA-512).

    Args:
        secret: the stretched passphrase.
        file_id: 16 bytes.
        parameters: as they stand in the file's header; changing them changes the key.

    Returns: 32 bytes, which the caller wipes.
    Source: docs/format.md#encrypted-files.
    """
    info = labels.FILE_KEK + b"\0" + file_id + parameters
    return _hkdf_from_parts(SHA512(), secret, labels.FILE, info, KEY_BYTES)


def prepare_passphrase(passphrase: Buffer) -> bytearray:
    """Replace a passphrase by 32 bytes (HMAC-SHA-256), so that every stretching function takes any length.

    Returns: 32 bytes as good as the passphrase, which the caller wipes.
    """
    state = HMAC(labels.PASSPHRASE, SHA256())
    state.update(passphrase)
    tag = state.finalize()
    prepared = HiddenBuffer(tag)
    del tag
    scrub(len(prepared))
    return prepared


def check_argon2id(memory_kib: int, iterations: int, lanes: int) -> None:
    """Compare the cost of Argon2id with the bounds above.

    Raises: ValueError: it is outside.
    """
    _check("Argon2id memory in KiB", memory_kib, ARGON2_MEMORY_KIB)
    _check("Argon2id iterations", iterations, ARGON2_ITERATIONS)
    _check("Argon2id lanes", lanes, ARGON2_LANES)


def check_pbkdf2(iterations: int) -> None:
    """Compare the cost of PBKDF2 with the bounds above.

    Raises: ValueError: it is outside.
    """
    _check("PBKDF2 iterations", iterations, PBKDF2_ITERATIONS)


def stretch_argon2id(prepared: Buffer, salt: bytes, *, memory_kib: int, iterations: int, lanes: int) -> bytearray:
    """Stretch a prepared passphrase with Argon2id (RFC 9106, version 1.3).

    Args:
        prepared: from `prepare_passphrase`.
        salt: 32 bytes.
        memory_kib: 19,456..2,097,152 KiB.
        iterations: 1..10 passes.
        lanes: 1..8.

    Returns: 32 bytes, which the caller wipes.
    Raises: ValueError: a cost is out of bounds; nothing was computed.
    """
    check_argon2id(memory_kib, iterations, lanes)
    return _argon2id_from_parts(prepared, salt, memory_kib=memory_kib, iterations=iterations, lanes=lanes)


def stretch_pbkdf2(prepared: Buffer, salt: bytes, *, iterations: int) -> bytearray:
    """Stretch a prepared passphrase with PBKDF2-HMAC-SHA-256 (RFC 8018), for those who must.

    Args:
        prepared: from `prepare_passphrase`.
        salt: 32 bytes.
        iterations: 600,000..10,000,000.

    Returns: 32 bytes, which the caller wipes.
    Raises: ValueError: the cost is out of bounds; nothing was computed.
    """
    check_pbkdf2(iterations)
    return _pbkdf2_from_parts(SHA256(), prepared, salt, iterations, KEY_BYTES)


def _check(what: str, value: int, bounds: tuple[int, int]) -> None:
    if not bounds[0] <= value <= bounds[1]:
        raise ValueError(f"{what} must be within {bounds[0]}..{bounds[1]}, not {value}")


def _expand_from_parts(hash_: HashAlgorithm, key: Buffer, info: bytes, length: int) -> bytearray:
    derived = HiddenBuffer(length)
    HKDFExpand(hash_, length, info).derive_into(key, derived)
    scrub(hash_.digest_size)
    return derived


def _hkdf_from_parts(hash_: HashAlgorithm, secret: Buffer, salt: bytes, info: bytes, length: int) -> bytearray:
    derived = HiddenBuffer(length)
    HKDF(hash_, length, salt, info).derive_into(secret, derived)
    # The library makes each block of the output as an immutable object of its own, and frees it.
    scrub(hash_.digest_size)
    return derived


def _argon2id_from_parts(
    material: Buffer,
    salt: bytes,
    *,
    memory_kib: int,
    iterations: int,
    lanes: int,
    length: int = KEY_BYTES,
    secret: bytes | None = None,
    associated: bytes | None = None,
) -> bytearray:
    key = HiddenBuffer(length)
    # One lane needs no thread of the pool, and takes its turn all the same: a child that is forked while the library
    # is loaded, or derives, has locks that nobody in it lets go of, and would wait for ever.
    with _turn:
        # Late: a key file or a code opens a vault without it.
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

        function = Argon2id(
            salt=salt,
            length=length,
            iterations=iterations,
            lanes=lanes,
            memory_cost=memory_kib,
            ad=associated,
            secret=secret,
        )
        # The stub says bytes; the function takes any buffer, and ours is one that can be wiped.
        function.derive_into(material, key)  # type: ignore[arg-type]
        # OpenSSL gives back its parameter list, a copy of the material in it, without overwriting it. The same call
        # with zeros of the same lengths, and next to no cost, gets that memory again; a test looks for leftovers.
        zeros = Argon2id(salt=bytes(len(salt)), length=length, iterations=1, lanes=1, memory_cost=8)
        zeros.derive_into(bytes(len(material)), bytearray(length))
    return key


def _pbkdf2_from_parts(hash_: HashAlgorithm, material: Buffer, salt: bytes, iterations: int, length: int) -> bytearray:
    from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

    key = HiddenBuffer(length)
    PBKDF2HMAC(hash_, length, salt, iterations).derive_into(material, key)
    return key
