"""Named keys through the agent: the local vault's tests, and what a grant allows."""

from __future__ import annotations

from tests.unit.vault import test_named_keys
from tests.unit.vault.test_named_keys import impatient  # noqa: F401 - a fixture of the shared tests

SHARED = [name for name in vars(test_named_keys) if name.startswith("test_")]
for _name in SHARED:
    globals()[_name] = getattr(test_named_keys, _name)


def test_the_behaviours_are_shared() -> None:
    """None is left out."""
    assert len(SHARED) >= 25
