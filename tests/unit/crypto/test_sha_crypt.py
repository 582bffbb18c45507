"""SHA-crypt beside OpenSSL's, quick enough to be asked often: the strings of whole systems are in tests/vectors."""

from __future__ import annotations

import pytest

from strongroom.crypto.foreign.sha_crypt import sha256_crypt, sha512_crypt

LETTERS = b"0123456789abcdefghijk" * 10
FUNCTIONS = {5: sha256_crypt, 6: sha512_crypt}

# Source: OpenSSL 3.0, `openssl passwd -5 -salt 'rounds=1000$saltsalt' 0` and so on; -6 is SHA-512.
# (number, length of the password, rounds): what follows the salt.
EXPECTED = {
    (5, 1, 1000): "Ob6HWe.5blA/1yjrObVuBrr7mmJXMcVAyYQ/3bSHNp.",
    (5, 37, 1001): "WJ/Vi8Tm7LCwP355jcdT7qJ3nlLpNqwN5tcXWvMCLHB",
    (5, 130, 1013): "bASkzG5zx2.xZLeaNg3JtWBsmHRR8.tSmOtO5QUsQ5.",
    (6, 1, 1000): (
        "xl9BZC5rV6lEIWgZiJSYncdcrWqxj8ZRoLDG3SzXpNFdPtcweYWd//F78F445BsYvwbirdhke5QtKJeYRYa.00"
    ),
    (6, 37, 1001): (
        "WEbcTMQTj9GpiE0aW6TjfW7Ppwsgd/4VffwNKAXzYx7yfvgmd8Ak7uvKobTwv7ZRQAqCoXk/6ql.oaKpiGj.G."
    ),
    (6, 130, 1013): (
        "o3Udcu5.ekx4TrGzM5wxxvZQQCkjysHwGuDwSXG1Bibp0m7Abneg1kQ6cAze/Jz1Bhl7dW.C.qokcpsgVha7w1"
    ),
}


@pytest.mark.parametrize("case", EXPECTED)
def test_it_gives_what_openssl_gives(case: tuple[int, int, int]) -> None:
    """Passwords shorter and longer than a digest, rounds that are no multiple of anything."""
    number, length, rounds = case
    found = FUNCTIONS[number](LETTERS[:length], b"saltsalt", rounds)
    assert found.decode() == EXPECTED[case]
