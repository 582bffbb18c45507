"""What each kind of key is made of, and what turns its private part into something that works."""

from __future__ import annotations

from strongroom.crypto.entropy import random_buffer
from strongroom.vault.named_keys.messages import Sealer
from strongroom.vault.named_keys.record import KINDS, MATERIAL_BYTES, PUBLIC_BYTES, Material

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.crypto.fernet import FernetKey
    from strongroom.crypto.mac import Mac
    from strongroom.secret import SecretBytes

    Worker = Sealer | FernetKey | Mac | SecretBytes


def check_kind(kind: str) -> str:
    """*kind*, if there is such a kind of key.

    Raises: ValueError: there is none.
    """
    if kind not in KINDS:
        raise ValueError(f"a key's kind is one of: {', '.join(KINDS)}")
    return kind


def new_material(kind: str) -> Material:
    """A random private part of the newest form."""
    return Material(random_buffer(MATERIAL_BYTES[kind][-1]))


def public_part(kind: str, material: SecretBytes) -> bytes:
    """What may be shown of a key: Ed25519, or X25519 with the hybrid key behind it; empty for secret keys.

    Raises: ValueError: the private part has a length that this kind does not have.
    """
    private = material.reveal_buffer()
    if len(private) not in MATERIAL_BYTES[kind]:
        expected = " or ".join(map(str, MATERIAL_BYTES[kind]))
        raise ValueError(f"the private part of a key of kind {kind} has {expected} bytes")
    if kind == "signing":
        from strongroom.crypto import signatures

        return signatures.public_key(private)
    if kind == "box":
        from strongroom.crypto import boxes

        public = boxes.x25519_public(private[: boxes.X25519_BYTES])
        seed = private[boxes.X25519_BYTES :]
        return public + boxes.hybrid_public(seed) if seed else public
    return b""


def check_public(kind: str, public: bytes) -> bytes:
    """*public*, if it can be the public part of a key of this kind.

    Whether it is a point of its curve is found out when it is used.

    Raises: ValueError: another length, or a kind that has none.
    """
    lengths = PUBLIC_BYTES.get(kind)
    if lengths is None:
        raise ValueError(f"a key of kind {kind} has no public part")
    if len(public) not in lengths:
        raise ValueError(f"the public part of a key of kind {kind} has {' or '.join(map(str, lengths))} bytes")
    return bytes(public)


def worker(kind: str, key_id: bytes, number: int, material: SecretBytes) -> Worker:
    """What encrypts, decrypts or authenticates with one version; for other kinds the private part itself."""
    if kind == "aead":
        return Sealer(key_id, number, material)
    if kind == "fernet":
        from strongroom.crypto.fernet import FernetKey

        return FernetKey(material.reveal_buffer())
    if kind == "hmac":
        from strongroom.crypto.mac import Mac

        return Mac(material.reveal_buffer())
    return material
