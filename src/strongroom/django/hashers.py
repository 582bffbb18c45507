"""Password hashers for Django's ``PASSWORD_HASHERS``.

    PASSWORD_HASHERS = [
        "strongroom.django.hashers.StrongroomPasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",      # and what else the table holds
        ...
    ]

New passwords become ``strongroom$argon2id$...``, which `strongroom.PasswordHasher` reads too; old
ones are verified by Django's own hashers and replaced at login, as Django does it. A pepper, or
another cost, is a subclass of one method:

    class Hasher(StrongroomPasswordHasher):
        def make_hasher(self):
            return PasswordHasher(peppers=peppers_of(vault.keys.get("passwords")))
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from functools import cached_property

from django.contrib.auth.hashers import BasePasswordHasher, mask_hash
from django.utils.translation import gettext_noop as _

from strongroom.credentials.password_costs import SALT_BYTES
from strongroom.credentials.passwords import PasswordHasher
from strongroom.crypto.entropy import random_bytes
from strongroom.errors import PasswordMismatch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.credentials.password_strings.interface import Stored

_SALT_BYTES = (SALT_BYTES, 64)


class StrongroomPasswordHasher(BasePasswordHasher):  # type: ignore[misc]  # Django carries no types
    """Argon2id with the defaults of `PasswordHasher`, its bounds and its limit on how many run at once."""

    algorithm = "strongroom"

    def make_hasher(self) -> PasswordHasher:
        """The hasher that all requests of this process share; called once."""
        return PasswordHasher()

    @cached_property
    def _hasher(self) -> PasswordHasher:
        return self.make_hasher()

    def salt(self) -> str:
        """16 random bytes as 22 characters of base64."""
        return _shown(random_bytes(SALT_BYTES))

    def encode(self, password: str, salt: str) -> str:
        """The string for the table: at most 127 characters with a salt of ours, whatever the cost, with a pepper too.

        Django's column holds 128, and PostgreSQL refuses more.
        """
        self._check_encode_args(password, salt)
        data = _salt_bytes(salt)
        if not _SALT_BYTES[0] <= len(data) <= _SALT_BYTES[1]:
            raise ValueError(f"a salt has {_SALT_BYTES[0]} to {_SALT_BYTES[1]} bytes")
        return f"{self.algorithm}{self._hasher._hash_from_parts(password, data)}"

    def verify(self, password: str, encoded: str) -> bool:
        """Whether *password* fits; a string that is malformed or too costly is an error, as in `PasswordHasher`."""
        try:
            self._hasher.verify(password, encoded)
        except PasswordMismatch:
            return False
        return True

    def decode(self, encoded: str) -> dict[str, object]:
        """What the string says of itself."""
        stored = self._parsed(encoded)
        return {
            "algorithm": self.algorithm,
            "scheme": stored.scheme,
            "salt": _shown(stored.salt) if len(stored.salt) == SALT_BYTES else stored.salt.decode("utf-8", "replace"),
            "hash": encoded.rpartition("$")[2],
            **stored.cost,
        }

    def safe_summary(self, encoded: str) -> dict[str, object]:
        """For the admin's pages."""
        decoded = self.decode(encoded)
        hidden = {"salt", "hash", "algorithm"}
        return {
            _("algorithm"): decoded["algorithm"],
            **{name: value for name, value in decoded.items() if name not in hidden},
            _("salt"): mask_hash(decoded["salt"]),
            _("hash"): mask_hash(decoded["hash"]),
        }

    def must_update(self, encoded: str) -> bool:
        """Whether new strings are better than this one."""
        return self._hasher.needs_rehash(encoded)

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Nothing to do: after a mismatch with a cheaper string, `verify` has spent the rest of the time."""

    def _parsed(self, encoded: str) -> Stored:
        return self._hasher._parse(encoded)


def _shown(salt: bytes) -> str:
    return b2a_base64(salt, newline=False).rstrip(b"=").decode("ascii")


def _salt_bytes(salt: str) -> bytes:
    """The bytes that `StrongroomPasswordHasher.salt` wrote; of a salt of somebody else's its characters."""
    try:
        data = a2b_base64(f"{salt}==".encode("ascii"), strict_mode=True)
    except (Base64Error, UnicodeEncodeError):
        data = b""
    return data if len(data) == SALT_BYTES and _shown(data) == salt else salt.encode("utf-8")
