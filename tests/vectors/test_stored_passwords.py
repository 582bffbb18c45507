"""The strings of libpass's, passlib's and Django's own tests: each verifies, or is refused for a stated reason."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from strongroom import errors
from strongroom.credentials.password_strings.interface import Stored
from strongroom.credentials.password_strings.registry import parse
from tests import password_corpus

# All of them take a gigabyte and half a minute more.
MEMORY_KIB = 4_194_304 if os.environ.get("STRONGROOM_PASSWORDS_WHOLE") else 131_072

KNOWN_SCHEMES = {
    "argon2d": 2, "argon2i": 18, "argon2i-1.0": 10, "argon2id": 9, "bcrypt": 43, "bcrypt-sha256": 20,
    "pbkdf2-sha1": 14, "pbkdf2-sha256": 4, "pbkdf2-sha512": 4, "salted-md5": 4, "salted-sha1": 5, "scrypt": 8,
    "sha256-crypt": 27, "sha512-crypt": 18,
}  # fmt: skip
# The reason: how many of them.
REFUSED = {"DES crypt of Django, which is not verified here": 7, "no scheme that is known here": 3}
DJANGO_PASSWORDS = ("l\u00e8tmein", "secret")


def all_known(*packages: str) -> list[tuple[bytes, str, Stored]]:
    """Every pair whose string is of a scheme that is verified here."""
    found = []
    for secret, text in dict.fromkeys(pair for package in packages for pair in password_corpus.known(package)):
        try:
            found.append((secret, text, parse(text, {})))
        except errors.FormatUnsupported as error:
            if not any(reason in str(error) for reason in REFUSED):
                raise
    return found


def test_every_known_good_string_verifies() -> None:
    """And none with another password; the only ones left out want more memory than this run spends."""
    left_out = 0
    for secret, _, stored in all_known(*password_corpus.SOURCES):
        if stored.memory_kib > MEMORY_KIB:
            left_out += 1
        elif stored.longest is not None and len(secret) > stored.longest:
            with pytest.raises(errors.PasswordMismatch, match="takes at most 72 bytes"):
                stored.check(secret)
        else:
            stored.check(secret)
    assert left_out == (0 if MEMORY_KIB > 2_000_000 else 5)


def test_none_verifies_with_another_password() -> None:
    """One of each scheme, the cheapest."""
    cheapest = {}
    for secret, _, stored in all_known("libpass"):
        known = cheapest.setdefault(stored.scheme, (secret, stored))
        if sum(stored.cost.values()) < sum(known[1].cost.values()):
            cheapest[stored.scheme] = (secret, stored)
    assert set(cheapest) == set(KNOWN_SCHEMES)
    for secret, stored in cheapest.values():
        with pytest.raises(errors.PasswordMismatch):
            stored.check(b"x" + secret[:70])


@pytest.mark.parametrize("package", password_corpus.SOURCES)
def test_nothing_is_lost_on_the_way(package: str) -> None:
    """The corpus is read whole: so many strings of each scheme, and so many refused for each reason."""
    assert Counter(stored.scheme for _, _, stored in all_known(package)) == KNOWN_SCHEMES
    refused: Counter[str] = Counter()
    for _, text in password_corpus.known(package):
        try:
            parse(text, {})
        except errors.FormatUnsupported as error:
            refused[next(reason for reason in REFUSED if reason in str(error))] += 1
    assert refused == REFUSED


@pytest.mark.parametrize("package", password_corpus.SOURCES)
def test_every_malformed_string_is_refused(package: str) -> None:
    """Before any function runs, by a typed error."""
    texts = password_corpus.malformed(package)
    assert len(texts) > 35
    for text in texts:
        with pytest.raises((errors.Tampered, errors.FormatUnsupported)) as caught:
            parse(text, {})
        assert text not in str(caught.value)


def test_every_string_of_djangos_tests_verifies() -> None:
    """Whole strings that stand in its tests of hashers, with the password that they were made of."""
    found: Counter[str] = Counter()
    for text in password_corpus.django_strings():
        if text == "argon2$argon2id$":
            continue  # the beginning that a test looks for
        stored = parse(text, {})
        passed = []
        for password in DJANGO_PASSWORDS:
            try:
                stored.check(password.encode())
            except errors.PasswordMismatch:
                continue
            passed.append(password)
        assert len(passed) == 1, text
        found[stored.scheme] += 1
    assert found == {
        "argon2i": 1, "argon2i-1.0": 1, "argon2id": 1, "pbkdf2-sha1": 1, "pbkdf2-sha256": 2, "salted-md5": 1,
        "scrypt": 1,
    }  # fmt: skip
