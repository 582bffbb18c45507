"""What a library hands over in immutable bytes does not stay in the memory that they lay in.

A place is noted while the object lives and looked at after it was given back. Each test
is run a second time without `scrub`, to see that it would notice.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

import pytest

from strongroom.crypto import entropy, hybrid, kdf

pytestmark = pytest.mark.skipif(sys.implementation.name != "cpython", reason="looks into CPython's objects")

_DATA_OFFSET = sys.getsizeof(b"") - 1


class Watch:
    """Notes where the objects lie that pass through it, and what was in them."""

    def __init__(self) -> None:
        self.places: list[tuple[memoryview, bytearray]] = []

    def __call__(self, data: bytes) -> bytes:
        place = (ctypes.c_ubyte * len(data)).from_address(id(data) + _DATA_OFFSET)
        # The first bytes of a free place belong to the allocator. All objects that looking needs are made
        # now: made later, one of them might take the place.
        self.places.append((memoryview(place).cast("B")[16:], bytearray(data[16:])))
        return data

    def leftovers(self) -> int:
        return sum(place == data for place, data in self.places)


def _random(watch: Watch, patch: pytest.MonkeyPatch) -> Callable[[], object]:
    urandom = entropy.urandom
    patch.setattr(entropy, "urandom", lambda length: watch(urandom(length)))
    return lambda: [entropy.random_buffer(length) for length in (32, 64, 96)]


def _passphrase(watch: Watch, patch: pytest.MonkeyPatch) -> Callable[[], object]:
    original = kdf.HMAC

    class Spy:
        def __init__(self, *arguments: object) -> None:
            self._state = original(*arguments)  # type: ignore[arg-type]

        def update(self, data: bytes) -> None:
            self._state.update(data)

        def finalize(self) -> bytes:
            return watch(self._state.finalize())

    patch.setattr(kdf, "HMAC", Spy)
    return lambda: kdf.prepare_passphrase(bytearray(b"correct horse"))


def _handover(watch: Watch, patch: pytest.MonkeyPatch) -> Callable[[], object]:
    private, public = hybrid.generate()
    sealed = hybrid.seal(public, bytes(range(32)), b"info")
    suite = hybrid._suite()

    class Spy:
        def decrypt(self, ciphertext: bytes, key: hybrid.MLKEM768X25519PrivateKey, *, info: bytes) -> bytes:
            return watch(suite.decrypt(ciphertext, key, info=info))

    patch.setattr(hybrid, "_suite", Spy)
    return lambda: hybrid.open_sealed(private, sealed, b"info")


CASES = {"random key": _random, "passphrase": _passphrase, "handover": _handover}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("is_scrubbed", [True, False])
def test_the_place_of_a_secret_is_overwritten(case: str, is_scrubbed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not is_scrubbed:
        for module in (entropy, kdf, hybrid):
            monkeypatch.setattr(module, "scrub", lambda _length: None)
    leftovers = 0
    ballast: list[list[bytes]] = []
    # Something else may take the place without being asked, now and then; with other objects about, not always.
    while not leftovers and len(ballast) < (1 if is_scrubbed else 100):
        watch = Watch()
        with monkeypatch.context() as patch:
            kept = CASES[case](watch, patch)()
        assert watch.places
        assert kept is not None
        leftovers += watch.leftovers()
        ballast.append([bytes(length) for length in range(16, 160)])
    assert (leftovers == 0) == is_scrubbed
