"""Argon2 as it was before version 1.3, which old stored passwords still say; the newer one has RFC 9106's vectors."""

from __future__ import annotations

import pytest

from strongroom.crypto.foreign.password_hashes import argon2_first_version

# Source: test.c of the reference implementation, version 0x10, "password" and "somesalt":
# (iterations, memory in KiB, lanes), tag.
ARGON2I = {
    (2, 256, 1): "fd4dd83d762c49bdeaf57c47bdcd0c2f1babf863fdeb490df63ede9975fccf06",
    (2, 256, 2): "b6c11560a6a9d61eac706b79a2f97d68b4463aa3ad87e00c07e2b01e90c564fb",
}


@pytest.mark.parametrize("costs", ARGON2I)
def test_the_reference_vectors(costs: tuple[int, int, int]) -> None:
    pytest.importorskip("argon2", reason="argon2-cffi is not installed")
    iterations, memory_kib, lanes = costs
    given = {"iterations": iterations, "memory_kib": memory_kib, "lanes": lanes}
    assert argon2_first_version("argon2i", b"password", b"somesalt", length=32, **given).hex() == ARGON2I[costs]
    others = {
        argon2_first_version(variant, b"password", b"somesalt", length=16, **given)
        for variant in ("argon2d", "argon2id")
    }
    assert len(others) == 2 and all(len(one) == 16 and one.hex() != ARGON2I[costs][:32] for one in others)
