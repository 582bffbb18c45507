"""`strongroom.fernet`: a key ring in the place of MultiFernet, both ways, and what it refuses besides."""

from __future__ import annotations

import base64
import os
import pickle
from collections.abc import Callable, Iterator
from datetime import timedelta

import cryptography.fernet
import pytest
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from strongroom.crypto.foreign import password_hashes
from strongroom.errors import Tampered
from strongroom.fernet import InvalidToken, Keyring, TokenExpired, derive_key, generate_key
from strongroom.keys.slots.key_file import new_key_file
from strongroom.secret import SecretBytes, SecretStr
from strongroom.stores.memory import MemoryStore
from strongroom.vault.named_keys.danger import import_key
from strongroom.vault.opening import create_vault
from strongroom.vault.vault import Vault

DAY = timedelta(days=1)


@pytest.fixture
def vault() -> Iterator[Vault]:
    with create_vault(MemoryStore(), [new_key_file()], author="tester") as vault:
        yield vault


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 10_000])
def test_both_ways_with_the_library(size: int) -> None:
    """Each reads what the other writes, under the first key and under an older one."""
    new, old = Fernet.generate_key(), Fernet.generate_key()
    theirs, ours = MultiFernet([Fernet(new), Fernet(old)]), Keyring([new, old], max_age=DAY)
    data = os.urandom(size)
    assert theirs.decrypt(ours.encrypt(data)) == data
    assert ours.decrypt(theirs.encrypt(data)) == data
    assert ours.decrypt(Fernet(old).encrypt(data).decode()) == data
    assert Fernet(new).decrypt(ours.rotate(Fernet(old).encrypt(data))) == data


def test_it_has_the_methods_of_multifernet() -> None:
    """With the same names of parameters: it can be put in its place."""
    import inspect

    names = [name for name in vars(MultiFernet) if not name.startswith("_")]
    assert names
    for name in names:
        ours, theirs = inspect.signature(getattr(Keyring, name)), inspect.signature(getattr(MultiFernet, name))
        assert list(ours.parameters) == list(theirs.parameters), name


SPELLINGS: dict[str, Callable[[bytes], bytes]] = {
    "a foreign character": lambda token: token[:8] + b"!" + token[8:],
    "a line break": lambda token: token[:64] + b"\n" + token[64:],
    "a line break at the end": lambda token: token + b"\n",
    "further padding": lambda token: token + b"=",
    "the standard alphabet": lambda token: token.replace(b"-", b"+").replace(b"_", b"/"),
    "spare bits": lambda token: token[:-3] + bytes((token[-3] + 1,)) + b"==",
}


@pytest.mark.parametrize("case", SPELLINGS)
def test_a_token_has_one_spelling(case: str) -> None:
    """Each of these is taken by Python's base64, and by the library; none is taken here."""
    key = Fernet.generate_key()
    ring = Keyring([key], max_age=DAY)
    while True:
        # One with characters that differ in the two alphabets, and with two signs of padding.
        token = ring.encrypt(os.urandom(15))
        assert token.endswith(b"==")
        if b"-" in token and b"_" in token and token[-3:-2] in b"AQgw":
            break
    other = SPELLINGS[case](token)
    assert other != token
    assert Fernet(key).decrypt(other) == ring.decrypt(token)
    for spelled in (other, other.decode()):
        with pytest.raises(InvalidToken):
            ring.decrypt(spelled)
        with pytest.raises(InvalidToken):
            ring.rotate(spelled)
        with pytest.raises(InvalidToken):
            ring.extract_timestamp(spelled)


def test_missing_padding_is_refused() -> None:
    """Here the library agrees."""
    ring = Keyring([generate_key()], max_age=DAY)
    for token in (ring.encrypt(b"x")[:-1], ring.encrypt(b"x")[:-2], b"", b"=", "\u00e9" * 100):
        with pytest.raises(InvalidToken):
            ring.decrypt(token)
    for wrong in (None, 7, bytearray(b"x")):
        with pytest.raises(TypeError):
            ring.decrypt(wrong)  # type: ignore[arg-type]


def test_an_age_is_required_or_waived() -> None:
    """There is no ring without one; a call may say another."""
    key = Fernet.generate_key()
    with pytest.raises(TypeError):
        Keyring([key])  # type: ignore[call-arg]
    for wrong in (60, None, -DAY, "all"):
        with pytest.raises(ValueError, match="max_age"):
            Keyring([key], max_age=wrong)  # type: ignore[arg-type]
    ring = Keyring([key], max_age=timedelta(seconds=60))
    old = Fernet(key).encrypt_at_time(b"x", 1_000_000_000)
    assert Fernet(key).decrypt(old) == b"x"
    with pytest.raises(TokenExpired):
        ring.decrypt(old)
    with pytest.raises(cryptography.fernet.InvalidToken):
        ring.decrypt(old)
    assert Keyring([key], max_age="any").decrypt(old) == b"x"
    assert ring.decrypt(old, 2_000_000_000) == ring.decrypt_at_time(old, 60, 1_000_000_060) == b"x"
    with pytest.raises(TokenExpired):
        ring.decrypt_at_time(old, 60, 1_000_000_061)
    assert ring.extract_timestamp(old) == ring.extract_timestamp(ring.rotate(old)) == 1_000_000_000
    for ttl in (-1, 1.5, "60", True):
        with pytest.raises(ValueError, match="ttl"):
            ring.decrypt(old, ttl)  # type: ignore[arg-type]


def test_a_date_ahead_is_refused() -> None:
    """Also by a ring that waives the age, which the library does not look at then; a minute is let pass."""
    key = Fernet.generate_key()
    ring = Keyring([key], max_age="any")
    token = ring.encrypt_at_time(b"x", 4_000_000_000)
    assert Fernet(key).decrypt(token) == b"x"
    with pytest.raises(InvalidToken, match="future"):
        ring.decrypt(token)
    assert ring.decrypt_at_time(token, 0, 4_000_000_000 - 60) == b"x"
    with pytest.raises(InvalidToken):
        ring.decrypt_at_time(token, 0, 4_000_000_000 - 61)


BAD_KEYS = {
    "cut": Fernet.generate_key()[:-1],
    "a line break": Fernet.generate_key() + b"\n",
    "no padding": Fernet.generate_key().rstrip(b"="),
    "31 bytes": base64.urlsafe_b64encode(bytes(31)),
    "33 bytes": base64.urlsafe_b64encode(bytes(33)),
    "raw": bytes(32),
    "the standard alphabet": base64.b64encode(b"\xff" * 32),
    "nothing": b"",
    "not ASCII": "\u00e9" * 44,
}


@pytest.mark.parametrize("case", BAD_KEYS)
def test_a_key_has_one_spelling_too(case: str) -> None:
    """And the error does not repeat it."""
    with pytest.raises(ValueError, match="44 characters") as caught:
        Keyring([BAD_KEYS[case]], max_age=DAY)
    shown = BAD_KEYS[case] if isinstance(BAD_KEYS[case], str) else BAD_KEYS[case].decode("latin-1")
    assert not shown.strip() or shown not in str(caught.value)
    assert caught.value.__cause__ is None


def test_kinds_of_keys() -> None:
    """As text, bytes, or covered; one alone is no list, and no key is no ring."""
    key = generate_key()
    token = Keyring([key], max_age=DAY).encrypt(b"x")
    text = key.reveal()
    for one in (text, text.encode(), bytearray(text.encode()), SecretStr(text), SecretBytes(text.encode())):
        assert Keyring(iter([one]), max_age=DAY).decrypt(token) == b"x"
        with pytest.raises(TypeError):
            Keyring(one, max_age=DAY)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one key or more"):
        Keyring([], max_age=DAY)
    ring = Keyring([key], max_age=DAY)
    assert text not in f"{ring!r} {ring._keys!r}"
    with pytest.raises(TypeError):
        pickle.dumps(ring)
    with pytest.raises(TypeError):
        pickle.dumps(ring._keys[0])


def test_a_ring_of_a_named_key(vault: Vault) -> None:
    """Rotation by the vault reaches it; older versions are counted as used; a retired one is refused."""
    own = Fernet.generate_key()
    import_key(vault.keys, "sessions", "fernet", base64.urlsafe_b64decode(own))
    ring = Keyring(vault.keys["sessions"], max_age=DAY)
    assert Fernet(own).decrypt(ring.encrypt(b"x")) == b"x"
    token = Fernet(own).encrypt(b"x")
    key = vault.keys["sessions"]
    key.rotate()
    ring._named.refresh()  # type: ignore[union-attr]
    assert ring.decrypt(token) == b"x"
    assert ring.extract_timestamp(token) == ring.extract_timestamp(ring.rotate(token))
    with pytest.raises(cryptography.fernet.InvalidToken):
        Fernet(own).decrypt(ring.encrypt(b"x"))
    from strongroom.vault.named_keys.uses import last_use_us

    assert last_use_us(vault, "sessions", 1) > 0
    key.disable(1)
    ring._named.refresh()  # type: ignore[union-attr]
    with pytest.raises(InvalidToken):
        ring.decrypt(token)
    with pytest.raises(ValueError, match="of kind aead"):
        Keyring(vault.keys.create("other"), max_age=DAY)


def test_an_expired_token_is_no_use_of_its_key(vault: Vault) -> None:
    """Or somebody with old tokens could keep a version from being retired for ever."""
    from strongroom.vault.named_keys.uses import last_use_us

    key = vault.keys.create("sessions", "fernet")
    old = Keyring(key, max_age="any").encrypt_at_time(b"x", 1_000_000_000)
    key.rotate()
    with pytest.raises(TokenExpired):
        Keyring(key, max_age=DAY).decrypt(old)
    with pytest.raises(TokenExpired):
        key.decrypt(old, max_age=DAY)
    assert last_use_us(vault, "sessions", 1) == 0


def test_keys_from_a_password() -> None:
    """The parameters lead to the same key again; another password or salt to another."""
    for compliance, start in ((False, "$argon2id$v=19$m=65536,t=3,p=1$"), (True, "$pbkdf2-sha256$i=600000$")):
        made = derive_key("correct horse", compliance=compliance)
        assert made.parameters.startswith(start)
        assert made.key.reveal() not in repr(made)
        again = derive_key(SecretStr("correct horse"), made.parameters)
        assert again.key == made.key
        assert derive_key(b"correct horse", made.parameters).key == made.key
        assert derive_key("Correct horse", made.parameters).key != made.key
        token = Keyring([made.key], max_age=DAY).encrypt(b"x")
        assert Fernet(again.key.reveal()).decrypt(token) == b"x"
        with pytest.raises(TypeError):
            pickle.dumps(made)


def test_the_key_is_that_of_the_librarys_recipe() -> None:
    """What somebody made by hand with PBKDF2 is read on, also with fewer rounds than we would take."""
    salt = bytes(range(16))
    theirs = base64.urlsafe_b64encode(PBKDF2HMAC(SHA256(), 32, salt, 1_000).derive(b"password"))
    text = base64.b64encode(salt).rstrip(b"=").decode()
    assert derive_key("password", f"$pbkdf2-sha256$i=1000${text}").key.reveal() == theirs.decode()


SALT = base64.b64encode(bytes(range(16))).rstrip(b"=").decode()
BAD_PARAMETERS = [
    "", "$", "x", f"$argon2i$v=19$m=65536,t=3,p=1${SALT}", f"$argon2id$v=16$m=65536,t=3,p=1${SALT}",
    f"$argon2id$v=19$m=65536,t=3${SALT}", f"$argon2id$v=19$m=65536,t=3,p=1,x=1${SALT}",
    f"$argon2id$v=19$t=3,m=65536,p=1${SALT}", f"$argon2id$v=19$m=99999999,t=3,p=1${SALT}",
    f"$argon2id$v=19$m=8,t=3,p=1${SALT}", f"$argon2id$v=19$m=65536,t=999,p=1${SALT}",
    f"$argon2id$v=19$m=65536,t=3,p=1${SALT}$AAAA", f"$argon2id$v=19$m=065536,t=3,p=1${SALT}",
    f"$argon2id$v=19$m=65536,t=3,p=1${SALT}=", "$argon2id$v=19$m=65536,t=3,p=1$", "$argon2id$v=19$m=65536,t=3,p=1$AA",
    f"$pbkdf2-sha256$i=999${SALT}", f"$pbkdf2-sha256$i=10000001${SALT}", f"$pbkdf2-sha256$i=x${SALT}",
    f"$pbkdf2-sha1$i=600000${SALT}", f"$pbkdf2-sha256$i=\u0661${SALT}", "$pbkdf2-sha256$i=1000$!!!!", "$" * 300,
]  # fmt: skip


@pytest.mark.parametrize("parameters", BAD_PARAMETERS)
def test_parameters_are_judged_before_they_cost_anything(parameters: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Malformed, too cheap or too costly: one error, and nothing was computed."""
    computed = []
    for derivation in ("argon2", "pbkdf2"):
        monkeypatch.setattr(password_hashes, derivation, lambda *_, **__: computed.append(1) or bytes(32))
    with pytest.raises(Tampered):
        derive_key("password", parameters)
    assert not computed


@pytest.mark.parametrize("password", ["", "x" * 4097, "\ud800"])
def test_passwords_that_are_none(password: str) -> None:
    """Misuse is a ValueError without the password."""
    with pytest.raises(ValueError) as caught:
        derive_key(password)
    assert len(str(caught.value)) < 80
