"""Argon2 strings (PHC), also in Django's wrapping; the ones that new passwords get.

``$argon2id$v=19$m=65536,t=3,p=1[,keyid=ID]$SALT$DIGEST``, base64 without padding. ``keyid``
names the pepper, which is the secret K of RFC 9106. Source: the PHC string format.
"""

from __future__ import annotations

from binascii import b2a_base64

from strongroom.credentials.password_strings.interface import Stored, digest_of, malformed, number, parts, plain_base64
from strongroom.crypto.foreign import password_hashes
from strongroom.errors import FormatUnsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from strongroom.credentials.peppers import Pepper

MEMORY_KIB_MAX = 2_097_152
ITERATIONS_MAX = 256
LANES_MAX = 64
# 2 GiB four times: about ten seconds. Each number alone may be high, all of them together not.
WORK_KIB_MAX = 4 * MEMORY_KIB_MAX
SALT_BYTES_MIN = 8
KEY_ID_BYTES_MAX = 8


def parse(stored: str, peppers: Mapping[bytes, Pepper]) -> Stored:
    """Take a string apart that begins with ``$argon2``.

    Args:
        peppers: key id -> pepper.

    Raises:
        Tampered: malformed, or too costly.
        FormatUnsupported: another version of Argon2, or an unknown pepper.
    """
    variant = stored.split("$")[1]
    # Version 1.0 wrote no version; some programs added it later.
    stored = stored.replace("$m=", "$v=16$m=", 1) if stored.startswith(f"${variant}$m=") else stored
    version, costs, salt_text, digest_text = parts(variant, stored, 6)[2:]
    if version not in ("v=16", "v=19"):
        raise FormatUnsupported(f"a stored {variant} password is of an unknown version of Argon2")
    memory_kib, iterations, lanes, key_id = _costs(variant, costs)
    salt = plain_base64(variant, salt_text)
    if len(salt) < SALT_BYTES_MIN:
        raise malformed(variant, f"its salt has {len(salt)} bytes")
    expected = digest_of(variant, plain_base64(variant, digest_text))
    if key_id and version == "v=16":
        raise malformed(variant, "its version knows no keyid")
    if key_id and key_id not in peppers:
        raise FormatUnsupported(
            f"a stored {variant} password was made with a pepper that is not here",
            advice="a retired pepper stays in the list until no stored string names it",
        )
    cost = {"memory_kib": memory_kib, "iterations": iterations, "lanes": lanes}

    def compute(password: bytes) -> bytes:
        if version == "v=16":
            return password_hashes.argon2_first_version(variant, password, salt, **cost, length=len(expected))
        secret = peppers[key_id]._key.reveal() if key_id else None
        return password_hashes.argon2(variant, password, salt, **cost, length=len(expected), secret=secret)

    scheme = variant if version == "v=19" else f"{variant}-1.0"
    return Stored(scheme, cost, expected, compute, memory_kib=memory_kib, salt=salt, key_id=key_id)


def encode(salt: bytes, digest: bytes, *, memory_kib: int, iterations: int, lanes: int, key_id: bytes) -> str:
    """The string of a new Argon2id digest."""
    more = f",keyid={_base64(key_id)}" if key_id else ""
    return f"$argon2id$v=19$m={memory_kib},t={iterations},p={lanes}{more}${_base64(salt)}${_base64(digest)}"


def _costs(variant: str, text: str) -> tuple[int, int, int, bytes]:
    pairs = [pair.partition("=") for pair in text.split(",")]
    names = [name for name, _, _ in pairs]
    if names not in (["m", "t", "p"], ["m", "t", "p", "keyid"]):
        raise malformed(variant, "its parameters are not m, t, p and perhaps keyid")
    values = [value for _, _, value in pairs]
    lanes = number(variant, "lanes", values[2], LANES_MAX)
    memory_kib = number(variant, "memory in KiB", values[0], MEMORY_KIB_MAX, least=8 * lanes)
    iterations = number(variant, "iterations", values[1], ITERATIONS_MAX)
    if memory_kib * iterations > WORK_KIB_MAX:
        raise malformed(variant, f"{iterations} iterations over {memory_kib} KiB are too many")
    key_id = plain_base64(variant, values[3]) if len(values) > 3 else b""
    if len(key_id) > KEY_ID_BYTES_MAX or (len(values) > 3 and not key_id):
        raise malformed(variant, "its keyid has no or too many bytes")
    return memory_kib, iterations, lanes, key_id


def _base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).rstrip(b"=").decode()
