"""The example site's own settings, with what a test cannot wait for: cheap hashes, and one address for all visitors."""

from __future__ import annotations

from shoebox.settings import *  # noqa: F403

PASSWORD_HASHERS = ["tests.django_site_hasher.CheapHasher"]
STRONGROOM = {
    "USER_VAULT_KDF": {"algorithm": "argon2id", "memory_kib": 19_456, "iterations": 1, "lanes": 1},
    "LOGIN": {"PER_CLIENT": (100_000, 60), "WAITING": 100},
}
