"""Which parser a stored string belongs to, by how it begins: one explicit list."""

from __future__ import annotations

from strongroom.credentials.password_strings import argon2, bcrypt, crypts, digests, pbkdf2, scrypt
from strongroom.credentials.password_strings.interface import STRING_CHARACTERS_MAX
from strongroom.errors import FormatUnsupported, Tampered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from strongroom.credentials.password_strings.interface import Stored
    from strongroom.credentials.peppers import Pepper

_PARSERS: tuple[tuple[str, Callable[[str], Stored]], ...] = (
    ("bcrypt$$2", bcrypt.django),
    ("bcrypt_sha256$$2", bcrypt.django),
    ("$bcrypt-sha256$", bcrypt.passlib_sha256),
    ("$2", bcrypt.plain),
    ("pbkdf2_sha", pbkdf2.django),
    ("pbkdf2:", pbkdf2.werkzeug),
    ("{PKCS5S2}", pbkdf2.atlassian),
    ("$p5k2$", pbkdf2.p5k2),
    ("grub.pbkdf2.sha512.", pbkdf2.grub),
    ("$scrypt$", scrypt.passlib),
    ("$7$", scrypt.crypt),
    ("scrypt$", scrypt.django),
    ("scrypt:", scrypt.werkzeug),
    ("$5$", crypts.parse),
    ("$6$", crypts.parse),
    ("md5$", digests.django),
    ("sha1$", digests.django),
)

# What is known by sight and not verified: a user of these sets a new password.
_UNSUPPORTED = (
    ("$1$", "md5-crypt"),
    ("$apr1$", "md5-crypt of Apache"),
    ("$P$", "phpass"),
    ("$H$", "phpass"),
    ("$y$", "yescrypt"),
    ("$gy$", "yescrypt"),
    ("$sha1$", "sha1-crypt"),
    ("$md5", "Sun's md5-crypt"),
    ("$3$", "NT hash"),
    ("crypt$", "DES crypt of Django"),
    ("{SSHA", "salted digest of LDAP"),
    ("{SHA", "digest of LDAP"),
    ("{SMD5}", "salted digest of LDAP"),
    ("{MD5}", "digest of LDAP"),
    ("{CRYPT}", "crypt of LDAP"),
    ("$scram$", "SCRAM"),
)


def parse(stored: str, peppers: Mapping[bytes, Pepper]) -> Stored:
    """Take a stored string apart.

    Args:
        stored: at most 1,024 characters of ASCII.
        peppers: key id -> pepper, for strings that name one.

    Raises:
        FormatUnsupported: no known scheme, one that is not verified here, or an unknown pepper.
        Tampered: malformed, or more costly than any login may be.
    """
    if len(stored) > STRING_CHARACTERS_MAX:
        raise Tampered(f"a stored password has more than {STRING_CHARACTERS_MAX} characters")
    if not (stored.isascii() and stored.isprintable()):
        raise Tampered("a stored password holds a character that none has")
    # Django puts the name of its own hasher in front of a whole string.
    if stored.startswith(("argon2$argon2", "strongroom$")):
        stored = f"${stored.partition('$')[2]}"
    if stored.startswith(("$argon2id$", "$argon2i$", "$argon2d$")):
        return argon2.parse(stored, peppers)
    if stored.startswith(("$pbkdf2", "{PBKDF2")):
        return pbkdf2.passlib(stored, peppers)
    for beginning, parser in _PARSERS:
        if stored.startswith(beginning):
            return parser(stored)
    if len(stored) == 32 and "$" not in stored:
        return digests.bare_md5(stored)
    for beginning, name in _UNSUPPORTED:
        if stored.startswith(beginning):
            raise FormatUnsupported(
                f"a stored password is of the scheme {name}, which is not verified here",
                advice="its user sets a new password",
            )
    raise FormatUnsupported("a stored password is of no scheme that is known here")
