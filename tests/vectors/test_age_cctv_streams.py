"""The age test kit through `streams.decrypt`: every file is accepted or refused as it says, and for its reason.

Source: C2SP/CCTV age, as the npm package cctv-age 0.2.0 (files are base64 in its index.js; 0BSD, CC0, Unlicense).
Other than `test_age_cctv`, this is our own reading of the format, and has no exceptions.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zlib

import pytest

from strongroom.credentials import streams
from strongroom.credentials.identities import PassphraseIdentity
from strongroom.credentials.recipients import Passphrase
from strongroom.errors import FormatUnsupported, StrongroomError, Tampered, WrongKey
from tests.peers import npm_package

PACKAGE = "cctv-age-0.2.0"
FILES = 143

# What each outcome of the kit is here. A work factor or a version that is too high is not said to be tampering.
ERRORS = {
    "no match": WrongKey,
    "HMAC failure": Tampered,
    "header failure": Tampered,
    "armor failure": Tampered,
    "payload failure": Tampered,
}
UNSUPPORTED = ("version_unsupported", "scrypt_work_factor_23", "scrypt_work_factor_overflow")
# What does not even begin as an age file, or as armor, is not said to be tampered with either.
NOT_AGE = ("empty", "armor_lowercase", "armor_wrong_type", "armor_garbage_leading", "armor_whitespace_begin")


class Case:
    """One file of the kit."""

    def __init__(self, raw: bytes) -> None:
        head, body = raw.split(b"\n\n", 1)
        self.fields: dict[str, list[str]] = {}
        for line in head.decode().splitlines():
            key, value = line.split(": ", 1)
            self.fields.setdefault(key, []).append(value)
        self.file = zlib.decompress(body) if self.fields.get("compressed") == ["zlib"] else body
        self.expect = self.fields["expect"][0]

    def identities(self) -> list[streams.Identity]:
        found: list[streams.Identity] = []
        for word in self.fields.get("identity", []):
            found += streams.parse_identities(bytearray(word.encode()))
        found += [PassphraseIdentity(Passphrase(word)) for word in self.fields.get("passphrase", [])]
        return found


class Trickle(io.RawIOBase):
    """A stream that hands out a few bytes at a time, as a pipe may."""

    def __init__(self, data: bytes, step: int) -> None:
        self._data = data
        self._place = 0
        self._step = step

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        piece = self._data[self._place : self._place + min(self._step, len(buffer))]
        buffer[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)


@pytest.fixture(scope="module")
def kit() -> dict[str, Case]:
    """Every file by its name."""
    with npm_package(PACKAGE) as package:
        member = package.extractfile("package/index.js")
        assert member is not None
        script = member.read().decode()
    found = re.findall(r'var (\w+?)_default = __toBinary\("([A-Za-z0-9+/=]*)"', script)
    return {name: Case(base64.b64decode(encoded)) for name, encoded in found}


def outcome(case: Case, step: int = 1 << 20) -> tuple[type[StrongroomError] | None, bytes]:
    """The error that a file ends with, if any, and what was released before it."""
    target = io.BytesIO()
    try:
        streams.decrypt(Trickle(case.file, step), target, case.identities())
    except StrongroomError as error:
        return type(error), target.getvalue()
    return None, target.getvalue()


def test_every_file_of_the_kit(kit: dict[str, Case]) -> None:
    """Accepted with the right plaintext, or refused with the right error and nothing released that was not right."""
    assert len(kit) == FILES
    wrong = []
    for name, case in kit.items():
        error, released = outcome(case)
        if case.expect == "success":
            is_right = error is None and hashlib.sha256(released).hexdigest() == case.fields["payload"][0]
        else:
            wanted = (FormatUnsupported,) if name in UNSUPPORTED + NOT_AGE else (ERRORS[case.expect],)
            is_right = error is not None and issubclass(error, wanted)
            # The kit gives the hash of all that could be released; here whole blocks are, so it may be less.
            is_right = is_right and (not released or case.expect == "payload failure")
        if not is_right:
            wrong.append((name, case.expect, error, len(released)))
    assert wrong == []


@pytest.mark.parametrize("step", [1, 63, 65, 4_099])
def test_how_the_bytes_arrive_does_not_matter(kit: dict[str, Case], step: int) -> None:
    for name, case in kit.items():
        if len(case.file) < 5_000:
            assert outcome(case, step) == outcome(case), name


def test_what_we_make_of_the_kit_s_keys_opens_again(kit: dict[str, Case]) -> None:
    """Each text of an identity reads back; a mistyped letter, the other case and another prefix do not."""
    words = {word for case in kit.values() for word in case.fields.get("identity", [])}
    assert len(words) >= 3
    for word in words:
        assert len(streams.parse_identities(bytearray(word.encode()))) == 1
        for bad in (word.lower(), word[:-1], word[:-1] + ("Q" if word[-1] != "Q" else "P"), word + "Q", "X" + word):
            with pytest.raises(WrongKey, match="not an age identity"):
                streams.parse_identities(bytearray(bad.encode()))
