"""What a project says of user vaults in its settings: ``STRONGROOM = {"USER_VAULT_KDF": ...}``."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from strongroom.django.user_vaults.slots import MEMORY_KIB_MAX, PBKDF2_ITERATIONS_MAX
from strongroom.keys.slots.passphrase import Argon2idProfile, Pbkdf2Profile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def profile() -> Argon2idProfile | Pbkdf2Profile:
    """The cost of new password slots.

    ``"argon2id"`` (64 MiB, 3 passes, one lane; what stands there when nothing is said), ``"pbkdf2"`` (600,000
    iterations), or a dictionary: ``{"algorithm": "argon2id", "memory_kib": 131072, "iterations": 3, "lanes": 1}``.

    Raises: ImproperlyConfigured: another algorithm, or out of bounds.
    """
    said: Any = getattr(settings, "STRONGROOM", {}).get("USER_VAULT_KDF", "argon2id")
    options = {"algorithm": said} if isinstance(said, str) else dict(said)
    algorithm = options.pop("algorithm", "argon2id")
    try:
        if algorithm == "argon2id":
            # One lane: derivations of several log-ins run beside each other (docs/decisions/0015).
            found = Argon2idProfile(**{"lanes": 1, **options})
            if found.memory_kib > MEMORY_KIB_MAX:
                raise ValueError(f"Argon2id memory in KiB must be at most {MEMORY_KIB_MAX} on a server")
            return found
        if algorithm == "pbkdf2":
            slow = Pbkdf2Profile(**options)
            if slow.iterations > PBKDF2_ITERATIONS_MAX:
                raise ValueError(f"PBKDF2 iterations must be at most {PBKDF2_ITERATIONS_MAX} on a server")
            return slow
    except (TypeError, ValueError) as error:
        raise ImproperlyConfigured(f'STRONGROOM["USER_VAULT_KDF"]: {error}') from None
    raise ImproperlyConfigured(f'STRONGROOM["USER_VAULT_KDF"]: no algorithm {algorithm!r}; argon2id or pbkdf2')
