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

from functools import cached_property

from django.contrib.auth.hashers import BasePasswordHasher, mask_hash
from django.utils.translation import gettext_noop as _

from strongroom.credentials.passwords import PasswordHasher
from strongroom.errors import PasswordMismatch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.credentials.password_strings.interface import Stored

_SALT_BYTES = (16, 64)


class StrongroomPasswordHasher(BasePasswordHasher):  # type: ignore[misc]  # Django carries no types
    """Argon2id with the defaults of `PasswordHasher`, its bounds and its limit on how many run at once."""

    algorithm = "strongroom"

    def make_hasher(self) -> PasswordHasher:
        """The hasher that all requests of this process share; called once."""
        return PasswordHasher()

    @cached_property
    def _hasher(self) -> PasswordHasher:
        return self.make_hasher()

    def encode(self, password: str, salt: str) -> str:
        """The string for the table: at most 255 characters, as much as Django's column holds."""
        self._check_encode_args(password, salt)
        data = salt.encode("utf-8")
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
            "salt": stored.salt.decode("utf-8", "replace"),
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
