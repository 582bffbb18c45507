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


@pytest.mark.parametrize(
    ("symbols", "bits"),
    [(b"azmAZM", 4), (b"059", 3), (b" /:;@[`{~\x7f\x00", 5), (b"\x80\x81\xc3\xff", 7)],
)
def test_each_symbol_counts_as_of_its_kind(symbols: bytes, bits: int) -> None:
    """The first and last ones of letters, digits and signs, and what stands beside them."""
    assert [bits_at_most(bytearray([one])) for one in symbols] == [bits] * len(symbols)


@pytest.mark.parametrize("run", [b"\0\0\0\0\0\0", b"zzzzzz"])
def test_a_run_of_one_symbol_is_one_symbol(run: bytes) -> None:
    """Whichever it is."""
    assert bits_at_most(bytearray(run)) == bits_at_most(bytearray(run[:1]))
