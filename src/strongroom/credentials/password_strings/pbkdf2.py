"""PBKDF2 strings: passlib's, which new ones of the compliance choice are too; Django's, Werkzeug's and others.

``$pbkdf2-sha256$600000$SALT$DIGEST`` in base64 with ``.`` for ``+`` and without padding. A
pepper changes the second part into ``i=600000,keyid=ID``; the password then stands as
HMAC-SHA-256(pepper, password).
"""

from __future__ import annotations

from binascii import b2a_base64

from strongroom.credentials.password_strings.interface import (
    Stored,
    digest_of,
    hexadecimal,
    malformed,
    number,
    numbers,
    padded_base64,
    parts,
    plain_base64,
)
from strongroom.crypto.foreign import password_hashes
from strongroom.errors import FormatUnsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from strongroom.credentials.peppers import Pepper

ITERATIONS_MAX = 10_000_000
KEY_ID_BYTES_MAX = 8

_PASSLIB = {"pbkdf2": "sha1", "pbkdf2-sha1": "sha1", "pbkdf2-sha256": "sha256", "pbkdf2-sha512": "sha512"}
_DIGEST_BYTES = {"sha1": 20, "sha256": 32, "sha512": 64}
_ATLASSIAN_ITERATIONS = 10_000
_DLITZ_ITERATIONS = 400


def passlib(stored: str, peppers: Mapping[bytes, Pepper]) -> Stored:
    """Take a string apart that begins with ``$pbkdf2``, or with passlib's ``{PBKDF2``.

    Raises:
        Tampered: malformed, or too costly.
        FormatUnsupported: an unknown pepper.
    """
    if stored.startswith("{"):
        label, _, rest = stored[1:].partition("}")
        stored = f"${label.lower()}${rest}"
    name, costs, salt, digest = parts("pbkdf2", stored, 5)[1:]
    if name not in _PASSLIB:
        raise malformed("pbkdf2", "its hash is not sha1, sha256 or sha512")
    pepper, key_id = None, b""
    if "=" in costs:
        costs, key_text = numbers(name, costs, ("i", "keyid"))
        key_id = plain_base64(name, key_text)
        if not 0 < len(key_id) <= KEY_ID_BYTES_MAX:
            raise malformed(name, "its keyid has no or too many bytes")
        if key_id not in peppers:
            raise FormatUnsupported(
                f"a stored {name} password was made with a pepper that is not here",
                advice="a retired pepper stays in the list until no stored string names it",
            )
        pepper = peppers[key_id]
    return _stored(
        _PASSLIB[name], costs, _dotted(name, salt), _dotted(name, digest), pepper=pepper, key_id=key_id
    )


def encode(salt: bytes, digest: bytes, *, iterations: int, key_id: bytes) -> str:
    """The string of a new PBKDF2-HMAC-SHA-256 digest."""
    costs = f"i={iterations},keyid={_plain(key_id)}" if key_id else f"{iterations}"
    return f"$pbkdf2-sha256${costs}${_plain(salt).replace('+', '.')}${_plain(digest).replace('+', '.')}"


def django(stored: str) -> Stored:
    """Take a string apart that begins with ``pbkdf2_``: the salt is its characters."""
    name, costs, salt, digest = parts("pbkdf2", stored, 4)
    hash_name = name.removeprefix("pbkdf2_")
    if hash_name not in _DIGEST_BYTES:
        raise malformed("pbkdf2", "its hash is not sha1, sha256 or sha512")
    return _stored(hash_name, costs, salt.encode(), padded_base64(name, digest))


def werkzeug(stored: str) -> Stored:
    """Take a string apart that begins with ``pbkdf2:``."""
    method, salt, digest = parts("pbkdf2", stored, 3)
    _, _, rest = method.partition(":")
    hash_name, _, costs = rest.partition(":")
    if hash_name not in _DIGEST_BYTES:
        raise malformed("pbkdf2", "its hash is not sha1, sha256 or sha512")
    return _stored(hash_name, costs, salt.encode(), hexadecimal("pbkdf2", digest))


def atlassian(stored: str) -> Stored:
    """Take a string apart that begins with ``{PKCS5S2}``: 16 bytes of salt and 32 of digest, always 10,000 rounds."""
    data = padded_base64("pbkdf2-sha1", stored.removeprefix("{PKCS5S2}"))
    if len(data) != 48:
        raise malformed("pbkdf2-sha1", f"salt and digest have {len(data)} bytes")
    return _stored("sha1", f"{_ATLASSIAN_ITERATIONS}", data[:16], data[16:])


def p5k2(stored: str) -> Stored:
    """Take a string apart that begins with ``$p5k2$``, which two programs write, each in its way."""
    costs, salt, digest = parts("pbkdf2-sha1", stored, 5)[2:]
    try:
        iterations = int(costs, 16) if costs else _DLITZ_ITERATIONS
    except ValueError:
        raise malformed("pbkdf2-sha1", "its iterations are no number") from None
    if digest.endswith("="):
        # Of Cryptacular: URL-safe base64 with padding, also of the salt.
        salt_bytes = padded_base64("pbkdf2-sha1", _standard(salt))
        return _stored("sha1", f"{iterations}", salt_bytes, padded_base64("pbkdf2-sha1", _standard(digest)))
    # Of D. Litzenberger: what stands before the digest is the salt.
    setting = stored.rpartition("$")[0].encode()
    return _stored("sha1", f"{iterations}", setting, _dotted("pbkdf2-sha1", digest))


def grub(stored: str) -> Stored:
    """Take a string apart that begins with ``grub.pbkdf2.sha512.``."""
    found = stored.split(".")
    if len(found) != 6:
        raise malformed("pbkdf2-sha512", "it has another number of parts")
    salt = hexadecimal("pbkdf2-sha512", found[4])
    return _stored("sha512", found[3], salt, hexadecimal("pbkdf2-sha512", found[5]))


def _stored(
    hash_name: str,
    costs: str,
    salt: bytes,
    expected: bytes,
    *,
    pepper: Pepper | None = None,
    key_id: bytes = b"",
) -> Stored:
    scheme = f"pbkdf2-{hash_name}"
    iterations = number(scheme, "iterations", costs, ITERATIONS_MAX)
    digest_of(scheme, expected)
    # Each block of the result costs all the iterations again.
    blocks = -(-len(expected) // _DIGEST_BYTES[hash_name])
    if blocks * iterations > ITERATIONS_MAX:
        raise malformed(scheme, f"{iterations} iterations for {len(expected)} bytes are too many")

    def compute(password: bytes) -> bytes:
        secret = password if pepper is None else password_hashes.hmac_sha256(pepper._key.reveal(), password)
        return password_hashes.pbkdf2(hash_name, secret, salt, iterations=iterations, length=len(expected))

    return Stored(scheme, {"iterations": iterations}, expected, compute, salt=salt, key_id=key_id)


def _plain(data: bytes) -> str:
    return b2a_base64(data, newline=False).rstrip(b"=").decode()


def _dotted(scheme: str, text: str) -> bytes:
    if "+" in text:
        raise malformed(scheme, "it holds base64 in a second spelling")
    return plain_base64(scheme, text.replace(".", "+"))


def _standard(text: str) -> str:
    return text.replace("-", "+").replace("_", "/")
