"""The short way to key objects: the same keys as the public way, and a cold read that stays short."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from strongroom.crypto import raw_keys


@pytest.fixture(params=["as it is", "moved away"])
def _library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library as it is, and one whose inner functions are somewhere else."""
    if request.param == "moved away":
        monkeypatch.setattr(raw_keys, "openssl", SimpleNamespace())


@pytest.mark.usefixtures("_library")
def test_the_same_keys() -> None:
    """Both ways give equal keys, and both refuse a wrong length."""
    for number in range(8):
        data = bytes([number]) * 64
        mlkem = raw_keys.mlkem768_private_key(bytearray(data))
        assert isinstance(mlkem, MLKEM768PrivateKey)
        public = MLKEM768PrivateKey.from_seed_bytes(data).public_key()
        assert mlkem.public_key().public_bytes_raw() == public.public_bytes_raw()
        x25519 = raw_keys.x25519_private_key(memoryview(data)[:32])
        assert x25519.private_bytes_raw() == X25519PrivateKey.from_private_bytes(data[:32]).private_bytes_raw()
        signer = Ed25519PrivateKey.from_private_bytes(data[:32])
        verifier = raw_keys.ed25519_public_key(signer.public_key().public_bytes_raw())
        assert isinstance(verifier, Ed25519PublicKey)
        verifier.verify(signer.sign(b"message"), b"message")
    for make in (raw_keys.mlkem768_private_key, raw_keys.x25519_private_key, raw_keys.ed25519_public_key):
        for length in (0, 31, 33, 63, 65):
            with pytest.raises(ValueError, match=r"\d+"):
                make(bytes(length))


@pytest.mark.parametrize(("call", "is_loaded"), [("raw_keys.mlkem768_private_key", False), ("slow", True)])
def test_the_back_end_is_not_loaded(call: str, is_loaded: bool) -> None:
    """Key objects are made without it; the public constructor shows that the test would see it."""
    program = (
        "import sys\n"
        "from strongroom.crypto import hybrid, raw_keys, signatures\n"
        "from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey\n"
        "slow = MLKEM768PrivateKey.from_seed_bytes\n"
        "hybrid.public_key(bytearray(96)); raw_keys.ed25519_public_key(bytes(32))\n"
        f"{call}(bytes(64))\n"
        "print('cryptography.hazmat.backends.openssl.backend' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == f"{is_loaded}\n"
