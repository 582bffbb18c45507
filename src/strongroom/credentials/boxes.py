"""Sealing to somebody's public key, with keys from and to bytes; needs no vault.

Three forms that other programs read: ``"hpke"`` (RFC 9180 with MLKEM768-X25519, which stays
secret against a quantum computer), ``"hpke-x25519"`` (RFC 9180 with X25519) and ``"nacl"``
(libsodium's `crypto_box_seal`; extra ``nacl``). `box` and `open_box` are libsodium's
`crypto_box`, where sender and recipient know each other.
"""

from __future__ import annotations

from strongroom.crypto import boxes
from strongroom.crypto.entropy import random_buffer
from strongroom.secret import SecretBytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Form = Literal["hpke", "hpke-x25519", "nacl"]
    Buffer = bytes | bytearray | memoryview
    Private = bytes | bytearray | memoryview | SecretBytes

PRIVATE_KEY_BYTES = 64
PUBLIC_KEY_BYTES = 1_248
_X25519 = boxes.X25519_BYTES


def generate() -> tuple[SecretBytes, bytes]:
    """A new key pair for all three forms.

    Returns: the private key, 64 bytes (X25519 32, MLKEM768-X25519 32), which the caller wipes; and the
        public key, 1,248 bytes (X25519 32, MLKEM768-X25519 1,216).
    """
    private = SecretBytes(random_buffer(PRIVATE_KEY_BYTES))
    return private, public_key(private)


def public_key(private: Private) -> bytes:
    """The public key of a private one: 1,248 bytes for 64, and 32 for X25519's 32.

    Raises: ValueError: another length.
    """
    point, seed = _halves(private)
    public = boxes.x25519_public(point)
    return public + boxes.hybrid_public(seed) if seed else public


def seal(public: bytes, data: Buffer, *, info: bytes = b"", form: Form = "hpke") -> bytes:
    """Encrypt *data* so that only the private key's holder opens it. It says nothing about who sealed it.

    Args:
        public: 1,248 bytes; 32 are enough for the forms with X25519 alone, 1,216 for ``"hpke"``.
        info: what the message is for, needed again to open; not with ``"nacl"``.

    Returns: the encapsulated key and the ciphertext: 1,136 bytes more than *data*, or 48.
    Raises:
        ValueError: no valid public key for this form.
        FormatUnsupported: the extra ``nacl`` is not installed.
    Source: RFC 9180, 5.1.1 and 6.1; draft-ietf-hpke-pq; libsodium, sealed boxes.
    """
    _check_form(form, info)
    if len(public) not in (_X25519, PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES - _X25519):
        raise ValueError("a public key has 32, 1,216 or 1,248 bytes")
    if form == "hpke":
        if len(public) == _X25519:
            raise ValueError("this public key is X25519's alone: take the form hpke-x25519 or nacl")
        return boxes.seal_hybrid(public[-(PUBLIC_KEY_BYTES - _X25519) :], data, info)
    if len(public) == PUBLIC_KEY_BYTES - _X25519:
        raise ValueError("this public key is the hybrid one alone: take the form hpke")
    point = public[:_X25519]
    return boxes.seal_nacl(point, data) if form == "nacl" else boxes.seal_x25519(point, data, info)


def open_sealed(private: Private, sealed: bytes, *, info: bytes = b"", form: Form = "hpke") -> bytes:
    """What `seal`, or another program, sealed in this form.

    Args:
        private: 64 bytes; X25519's 32 for the forms with X25519 alone.

    Raises:
        Tampered: it is for another key, has another *info* or form, or was changed.
        ValueError: no private key for this form.
        FormatUnsupported: the extra ``nacl`` is not installed.
    """
    _check_form(form, info)
    point, seed = _halves(private)
    if form == "nacl":
        return boxes.open_nacl(point, sealed)
    if form == "hpke-x25519":
        return boxes.open_x25519(point, sealed, info)
    if not seed:
        raise ValueError("this private key is X25519's alone: take the form hpke-x25519 or nacl")
    return boxes.open_hybrid(seed, sealed, info)


def box(private: Private, public: bytes, data: Buffer) -> bytes:
    """libsodium's `crypto_box` from the holder of *private* to the holder of *public*'s other half.

    Args:
        public: 32 bytes, or 1,248.

    Returns: a random nonce of 24 bytes, then the ciphertext, as PyNaCl's `Box.encrypt` gives it.
    Raises: ValueError, FormatUnsupported: as `seal`.
    """
    return boxes.box_nacl(_halves(private)[0], _point(public), data)


def open_box(private: Private, public: bytes, message: bytes) -> bytes:
    """What the other one of the two made with `box`: it is from them, and nobody else.

    Raises: Tampered, ValueError, FormatUnsupported: as `open_sealed`.
    """
    return boxes.open_box_nacl(_halves(private)[0], _point(public), message)


def _halves(private: Private) -> tuple[memoryview, memoryview]:
    view = private.reveal_buffer() if isinstance(private, SecretBytes) else memoryview(private)
    if len(view) not in (_X25519, PRIVATE_KEY_BYTES):
        raise ValueError("a private key has 32 or 64 bytes")
    return view[:_X25519], view[_X25519:]


def _point(public: bytes) -> bytes:
    if len(public) not in (_X25519, PUBLIC_KEY_BYTES):
        raise ValueError("a public key for this has 32 or 1,248 bytes")
    return public[:_X25519]


def _check_form(form: str, info: bytes) -> None:
    if form not in ("hpke", "hpke-x25519", "nacl"):
        raise ValueError("a sealed message is of the form hpke, hpke-x25519 or nacl")
    if form == "nacl" and info:
        raise ValueError("libsodium's boxes have no info")
