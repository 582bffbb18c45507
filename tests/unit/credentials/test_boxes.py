"""`strongroom.boxes`: three forms, keys as bytes, and what each refuses."""

from __future__ import annotations

import pytest

from strongroom import boxes
from strongroom.errors import Tampered

FORMS = {"hpke": 1_136, "hpke-x25519": 48, "nacl": 48}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_opens_what_it_sealed(form: str) -> None:
    """With the overhead that the documents name; another key, and another form, do not open it."""
    private, public = boxes.generate()
    sealed = boxes.seal(public, bytearray(b"data"), form=form)  # type: ignore[arg-type]
    assert len(sealed) == 4 + FORMS[form]
    assert boxes.open_sealed(private.reveal(), sealed, form=form) == b"data"  # type: ignore[arg-type]
    stranger, _ = boxes.generate()
    with pytest.raises(Tampered):
        boxes.open_sealed(stranger, sealed, form=form)  # type: ignore[arg-type]
    for other in FORMS:
        if other != form:
            with pytest.raises(Tampered):
                boxes.open_sealed(private, sealed, form=other)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["hpke", "hpke-x25519"])
def test_info_and_every_byte_are_bound(form: str) -> None:
    """A message for one purpose does not open for another."""
    private, public = boxes.generate()
    sealed = boxes.seal(public, b"data", info=b"orders", form=form)  # type: ignore[arg-type]
    assert boxes.open_sealed(private, sealed, info=b"orders", form=form) == b"data"  # type: ignore[arg-type]
    with pytest.raises(Tampered):
        boxes.open_sealed(private, sealed, form=form)  # type: ignore[arg-type]
    for position in range(0, len(sealed), 1 if form == "hpke-x25519" else 13):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(Tampered):
            boxes.open_sealed(private, bytes(changed), info=b"orders", form=form)  # type: ignore[arg-type]
    for length in range(0, len(sealed), 1 if form == "hpke-x25519" else 13):
        with pytest.raises(Tampered):
            boxes.open_sealed(private, sealed[:length], info=b"orders", form=form)  # type: ignore[arg-type]


def test_halves_of_keys() -> None:
    """X25519's 32 bytes do what X25519 does; the hybrid public key alone is enough for HPKE."""
    private, public = boxes.generate()
    assert boxes.public_key(private) == public
    assert (len(private.reveal()), len(public)) == (64, 1_248)
    point = private.reveal()[:32]
    assert boxes.public_key(point) == public[:32]
    assert boxes.open_sealed(private, boxes.seal(public[32:], b"x")) == b"x"
    assert boxes.open_sealed(point, boxes.seal(public[:32], b"x", form="nacl"), form="nacl") == b"x"
    with pytest.raises(ValueError, match="X25519's alone"):
        boxes.seal(public[:32], b"x")
    with pytest.raises(ValueError, match="X25519's alone"):
        boxes.open_sealed(point, bytes(2_000))
    with pytest.raises(ValueError, match="hybrid one alone"):
        boxes.seal(public[32:], b"x", form="hpke-x25519")


@pytest.mark.parametrize("length", [0, 31, 33, 96, 1_215, 1_247, 1_249])
def test_other_lengths_are_no_keys(length: int) -> None:
    """Nothing is cut or padded."""
    with pytest.raises(ValueError, match="public key"):
        boxes.seal(bytes(length), b"x")
    with pytest.raises(ValueError, match="private key"):
        boxes.open_sealed(bytes(length), b"x")
    with pytest.raises(ValueError, match="public key"):
        boxes.box(bytes(32), bytes(length), b"x")


def test_misuse() -> None:
    """No other form; no info where the form has none; no public key that is none."""
    private, public = boxes.generate()
    for call in (boxes.seal, boxes.open_sealed):
        with pytest.raises(ValueError, match="form"):
            call(public, b"x", form="pgp")  # type: ignore[operator]
        with pytest.raises(ValueError, match="info"):
            call(private if call is boxes.open_sealed else public, b"x", form="nacl", info=b"x")  # type: ignore[operator]
    with pytest.raises(ValueError, match="no valid public key"):
        boxes.seal(bytes(32), b"x", form="hpke-x25519")
    with pytest.raises(ValueError, match="no valid public key"):
        boxes.seal(b"\xff" * 1_216, b"x")
