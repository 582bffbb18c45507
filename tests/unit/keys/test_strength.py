"""Which passphrases are remarked upon."""

from __future__ import annotations

import pytest

from strongroom.keys.slots.strength import WEAK_BITS, bits_at_most


@pytest.mark.parametrize(
    ("passphrase", "bits"),
    [("", 0), ("x", 4), ("1234567890", 9), ("aaaaaaaaaaaaaaaaaaaa", 4), ("ba", 9), ("secret", 28), ("Hunter2", 41)],
)
def test_weak(passphrase: str, bits: int) -> None:
    """Too short, or a run of neighbours however long."""
    assert bits_at_most(bytearray(passphrase.encode())) == bits < WEAK_BITS


@pytest.mark.parametrize("passphrase", ["correct horse", "kT4$wq9ZpL", "tea with nine blue elephants", "öäüßöäü"])
def test_not_remarked_upon(passphrase: str) -> None:
    """An upper bound cannot tell more."""
    assert bits_at_most(bytearray(passphrase.encode())) >= WEAK_BITS


def test_nothing_is_copied_or_changed() -> None:
    """The buffer is the caller's, and wiped by it."""
    buffer = bytearray(b"tea with nine")
    bits_at_most(buffer)
    assert buffer == b"tea with nine"
