"""What SOPS, Ansible Vault and dotenvx do with keys: values that the programs themselves wrote, and every wrong way."""

from __future__ import annotations

import itertools
from base64 import b64decode

import pytest

from strongroom.crypto.foreign import ansible, dotenvx, sops
from strongroom.errors import Tampered, WrongKey

# ansible-core 2.19.14: ansible-vault encrypt, password "pw".
ANSIBLE = bytes.fromhex(
    "3839353533363930623438356362386230313366353964333165613161356334303065616130666536653563623165613739"
    "66303565393463303237313865320a3235626433643961656665393436666239333665653762346162303931333561626637"
    "35663061346231663331633061336563653831383738383964316134620a3966633433366466656231373632626166643633"
    "663036366133376333363531"
)
# dotenvx 2.38.2: dotenvx encrypt.
DOTENVX_KEY = "6eb599768de8aad5f03607c7589aa6e4dfb8c6040385f10f25d4f4ee126a6308"
DOTENVX = b64decode(
    "BDwsEYfM2A39RAWu3ZE06P2rtPR6KhCBRGH9v2gUZq0qmUcR6EJ767X7jdRGbt820DxnChChkFeETgTlBE9G7YQ23BH6vksaNlDn"
    "IToNbDNlMBBYT0uLMXyGSbUaTXbfJIl/Bw=="
)


def ansible_parts() -> list[bytes]:
    return [bytes.fromhex(part.decode()) for part in ANSIBLE.split(b"\n")]


def test_what_ansible_wrote() -> None:
    """Opened with its password; another password and a changed MAC, salt or ciphertext are one error."""
    salt, tag, sealed = ansible_parts()
    assert ansible.open_sealed(b"pw", salt, tag, sealed) == b"db: secret\n"
    for parts in ((salt, tag, sealed[:-1] + b"x"), (salt, b"x" * 32, sealed), (b"x" * 32, tag, sealed)):
        with pytest.raises(WrongKey):
            ansible.open_sealed(b"pw", *parts)
    with pytest.raises(WrongKey):
        ansible.open_sealed(b"pw2", salt, tag, sealed)


@pytest.mark.parametrize("padded", [b"", b"\0" * 16, b"x" * 15 + b"\x11", b"x" * 14 + b"\x01\x02"])
def test_padding_that_is_none(padded: bytes) -> None:
    """Whoever knows the password could write it; nothing is cut off that is not padding."""
    with pytest.raises(WrongKey):
        ansible._unpadded(bytearray(padded))


def test_what_dotenvx_wrote() -> None:
    """Opened with its key, whichever sign the shared point has; another key and any change are refused."""
    key = dotenvx.PrivateKey(bytearray.fromhex(DOTENVX_KEY))
    assert key.open_sealed(DOTENVX) == b"abc"
    for place in (70, 85, len(DOTENVX) - 1):
        changed = bytearray(DOTENVX)
        changed[place] ^= 1
        with pytest.raises(WrongKey):
            key.open_sealed(bytes(changed))
    with pytest.raises(WrongKey):
        dotenvx.PrivateKey(bytearray(31) + b"\x01").open_sealed(DOTENVX)
    off_the_curve = bytearray(DOTENVX)
    off_the_curve[40] ^= 1
    for message in (bytes(off_the_curve), DOTENVX[:96], b""):
        with pytest.raises(Tampered):
            key.open_sealed(message)
    assert DOTENVX_KEY not in repr(key)


@pytest.mark.parametrize("scalar", [bytes(32), b"\xff" * 32, bytes(31), bytes(33)])
def test_no_key_of_the_curve(scalar: bytes) -> None:
    """Zero, beyond the order, of another length."""
    with pytest.raises(WrongKey):
        dotenvx.PrivateKey(bytearray(scalar))


def test_a_sops_value_is_bound_to_its_names() -> None:
    """Both ways; other names, another key and every changed part are refused."""

    def changed(data: bytes) -> bytes:
        return data[:-1] + bytes([data[-1] ^ 1])

    key = bytes(range(32))
    sealed, nonce, tag = sops.seal(key, b"canary", b"db:password:")
    assert len(nonce) == sops.NONCE_BYTES
    assert sops.open_sealed(key, sealed, nonce, tag, b"db:password:") == b"canary"
    wrong = [
        (key, sealed, nonce, tag, b"db:user:"),
        (bytes(32), sealed, nonce, tag, b"db:password:"),
        (key, changed(sealed), nonce, tag, b"db:password:"),
        (key, sealed, changed(nonce), tag, b"db:password:"),
        (key, sealed, nonce, changed(tag), b"db:password:"),
    ]
    for parts in wrong:
        with pytest.raises(Tampered):
            sops.open_sealed(*parts)
    assert sops.seal(key, b"canary", b"")[1] != sops.seal(key, b"canary", b"")[1]


def test_shares_of_a_data_key() -> None:
    """Any two of three points on a line give its beginning; FIPS 197 has a product."""
    assert sops._times(0x57, 0x83) == 0xC1  # FIPS 197, 4.2
    assert all(sops._times(a, sops._inverse(a)) == 1 for a in range(1, 256))
    key, slope = bytes(range(100, 132)), bytes(range(7, 39))
    shares = [
        bytes(k ^ sops._times(s, place) for k, s in zip(key, slope, strict=True)) + bytes((place,))
        for place in (3, 77, 255)
    ]
    for pair in itertools.permutations(shares, 2):
        assert sops.combine(pair) == key
    for wrong in ([shares[0], shares[0]], [shares[0], shares[1][:-1]], [shares[0], shares[1][:-1] + b"\0"]):
        with pytest.raises(Tampered):
            sops.combine(wrong)
