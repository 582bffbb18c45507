"""Random values: the form that was asked for, every bit of it by chance."""

from __future__ import annotations

import base64
import re
import uuid
from collections import Counter
from collections.abc import Callable
from math import log2

import pytest
from cryptography.fernet import Fernet

from strongroom import SecretStr, tokens
from strongroom.credentials import tokens as made
from tests.peers import source_package

# kind: (how it is made, its form, its bits)
KINDS: dict[str, tuple[Callable[[], SecretStr], str, float]] = {
    "hex": (tokens.hex, r"[0-9a-f]{64}", 256),
    "hex, 16": (lambda: tokens.hex(16), r"[0-9a-f]{32}", 128),
    "urlsafe": (tokens.urlsafe, r"[\w-]{43}", 256),
    "urlsafe, 33": (lambda: tokens.urlsafe(33), r"[\w-]{44}", 264),
    "digits": (tokens.digits, r"[0-9]{6}", 19.93),
    "django": (tokens.django, r"[a-z0-9!@#$%^&*(\-_=+)]{50}", 282.19),
    "fernet": (tokens.fernet, r"[\w-]{43}=", 256),
    "uuid": (tokens.uuid, r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", 122),
    "passphrase": (tokens.passphrase, r"[a-z]+(-[a-z]+){5,11}", 77.55),
}
SIZES = {"hex": 32, "hex, 16": 16, "urlsafe": 32, "urlsafe, 33": 33, "digits": 6, "passphrase": 6}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_form(kind: str) -> None:
    """And says how many bits of chance it holds; no two are the same."""
    make, form, bits = KINDS[kind]
    values = [make() for _ in range(3)]
    assert all(isinstance(value, SecretStr) for value in values)
    texts = [value.reveal() for value in values]
    assert all(re.fullmatch(form, text, re.ASCII) for text in texts)
    assert kind == "digits" or len(set(texts)) == 3
    assert tokens.entropy_bits(kind.partition(",")[0], SIZES.get(kind, 0)) == pytest.approx(bits, abs=0.01)


def test_others_take_them() -> None:
    """The library's Fernet, the standard library's UUID and base64."""
    key = tokens.fernet().reveal()
    assert Fernet(key).decrypt(Fernet(key).encrypt(b"x")) == b"x"
    parsed = uuid.UUID(tokens.uuid().reveal())
    assert (parsed.version, parsed.variant) == (4, uuid.RFC_4122)
    assert len(base64.urlsafe_b64decode(tokens.urlsafe().reveal() + "=")) == 32


OUT_OF_BOUNDS = {
    "hex: too short to be a secret": lambda: tokens.hex(15),
    "hex: too long": lambda: tokens.hex(1_025),
    "urlsafe": lambda: tokens.urlsafe(8),
    "digits": lambda: tokens.digits(3),
    "passphrase": lambda: tokens.passphrase(3),
}


@pytest.mark.parametrize("case", OUT_OF_BOUNDS)
def test_nothing_weak_is_made(case: str) -> None:
    """Bounds are a ValueError."""
    with pytest.raises(ValueError, match="must be within"):
        OUT_OF_BOUNDS[case]()


def test_every_character_is_as_likely(monkeypatch: pytest.MonkeyPatch) -> None:
    """All 65,536 draws, once each: no remainder makes small numbers likelier, what is left over is drawn again."""
    for bound in (10, 50, 62, 7_776):
        draws = iter(range(65_536))
        monkeypatch.setattr(made, "random_bytes", lambda _length, draws=draws: next(draws).to_bytes(2, "big"))
        found = Counter(made.below(bound) for _ in range(65_536 - 65_536 % bound))
        assert set(found) == set(range(bound))
        assert len(set(found.values())) == 1
    high_then_low = iter((65_535, 5))
    monkeypatch.setattr(made, "random_bytes", lambda _length: next(high_then_low).to_bytes(2, "big"))
    assert made.below(10) == 5


def test_the_word_list_is_effs() -> None:
    """Word for word, as passlib ships it."""
    words = (made.__file__.rpartition("/")[0], "words", "eff_large.txt")
    with open("/".join(words), encoding="ascii") as file:
        ours = file.read().split()
    assert len(set(ours)) == 7_776
    with source_package("libpass-1.9.4") as package:
        member = package.extractfile("libpass-1.9.4/passlib/_data/wordsets/eff_long.txt")
        assert member is not None
        assert member.read().decode().split() == ours


def test_no_two_lists_of_words_are_one_passphrase() -> None:
    """Four words hold a hyphen, and what stands before or after it is never both words of the list."""
    with open(f"{made.__file__.rpartition('/')[0]}/words/eff_large.txt", encoding="ascii") as file:
        listed = set(file.read().split())
    hyphened = [word for word in listed if "-" in word]
    assert len(hyphened) == 4
    assert not any(all(part in listed for part in word.split("-")) for word in hyphened)
    assert tokens.entropy_bits("passphrase", 1) == log2(len(listed))


def test_the_separator_is_the_callers() -> None:
    """Also none at all."""
    assert len(tokens.passphrase(5, separator=" ").reveal().split(" ")) == 5
    assert tokens.passphrase(4, separator="").reveal().isascii()
