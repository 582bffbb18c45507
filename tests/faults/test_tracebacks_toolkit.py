"""As `test_tracebacks`, for the toolkit: named keys, Fernet, boxes, signatures, files, passwords, tokens."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

import strongroom
from strongroom import fernet, signing, streams
from strongroom.credentials import stored_keys
from strongroom.credentials.identities import PassphraseIdentity, parse_identities
from strongroom.credentials.password_costs import Argon2idCost
from strongroom.credentials.peppers import peppers_of
from strongroom.credentials.recipients import Passphrase
from strongroom.crypto.fernet import encode
from strongroom.secret import SecretBytes, SecretStr
from strongroom.tokens import TokenIssuer, VaultTokenStore
from strongroom.vault.named_keys import danger
from strongroom.vault.vault import Vault
from tests.agents import make_vault
from tests.faults.test_tracebacks import leaks, planted
from tests.faults.vault_trials import IS_WHOLE

STRIDE = 1 if IS_WHOLE else 17
KEYS = {
    kind: (f"canary {kind} " * 8).encode()[: 64 if kind == "box" else 32]
    for kind in ("aead", "fernet", "hmac", "box", "signing")
}
PASSWORD = "canary-password-5a5a"
IDENTITY = "AGE-SECRET-KEY-1N9JEPW6DWJ0ZQUDX63F5A03GX8QUW7PXDE39N8UYF82VZ9PC8UFS3M7XA9"
RECIPIENT = "age1lvyvwawkr0mcnnnncaghunadrqkmuf9e6507x9y920xxpp866cnql7dp2z"


def hasher() -> strongroom.PasswordHasher:
    """A new one for each error: what is planted in `leave` would keep its place in the queue for ever."""
    return strongroom.PasswordHasher(Argon2idCost(memory_kib=19_456, iterations=1))


STORED = hasher().hash("something else")


def file_of(recipient: streams.Recipient, format: str) -> bytes:
    sealed = io.BytesIO()
    streams.encrypt(io.BytesIO(b"rows"), sealed, [recipient], format=format)
    return sealed.getvalue()


def opened(sealed: bytes, identities: list[streams.Identity]) -> None:
    streams.decrypt(io.BytesIO(sealed), io.BytesIO(), identities)


def signed(vault: Vault) -> None:
    with stored_keys.signing_key(vault.keys["signing"]) as key:
        signing.sign_minisign(io.BytesIO(b"x"), key)
        signing.sign_ssh(io.BytesIO(b"x"), key)


def issuer_of(vault: Vault) -> TokenIssuer:
    return TokenIssuer(VaultTokenStore(vault), prefix="canary", last_use_interval=None)


class Place:
    """A vault with keys of known bytes, and what they made."""

    def __init__(self, directory: Path) -> None:
        make_vault(directory)
        self._directory = directory
        self.needles = KEYS | {
            "the box key's first half": KEYS["box"][:32], "the box key's second half": KEYS["box"][32:],
            "Fernet's encryption half": KEYS["fernet"][16:], "the key's text": encode(KEYS["fernet"]),
            "password": PASSWORD.encode(), "identity": IDENTITY.encode()[20:],
        }  # fmt: skip
        with self.open() as vault:
            for kind, key in KEYS.items():
                danger.import_key(vault.keys, kind, kind, key)  # type: ignore[arg-type]
            self.message = vault.keys["aead"].encrypt(b"x")
            self.token = vault.keys["fernet"].encrypt(b"x")
            self.tag = vault.keys["hmac"].mac(b"x")
            self.sealed = vault.keys["box"].seal(b"x")
            self.issued = issuer_of(vault).issue("x").token
            self.own_file = file_of(stored_keys.recipient(vault.keys["aead"]), "strongroom")
            self.box_file = file_of(stored_keys.recipient(vault.keys["box"]), "strongroom")
        self.age_file = file_of(streams.parse_recipient(RECIPIENT), "age")
        self.needles["an issued token"] = self.issued.reveal().encode()[-49:]

    def open(self) -> Vault:
        vault = strongroom.open(self._directory / "vault.db", key_file=self._directory / "key", use_agent=False)
        assert isinstance(vault, Vault)
        return vault


def secret(data: bytes) -> SecretBytes:
    return SecretBytes(bytearray(data))


OPERATIONS: dict[str, Callable[[Place, Vault], object]] = {
    "aead": lambda place, vault: vault.keys["aead"].decrypt(place.message),
    "rotate": lambda place, vault: (vault.keys["aead"].rotate(), vault.keys["aead"].rewrap(place.message)),
    "fernet": lambda place, vault: fernet.Keyring(vault.keys["fernet"], max_age="any").decrypt(place.token),
    "fernet with a key": lambda place, _vault: fernet.Keyring([secret(encode(KEYS["fernet"]))], max_age="any")
        .decrypt(place.token),
    "hmac": lambda place, vault: vault.keys["hmac"].check_mac(b"x", place.tag),
    "box": lambda place, vault: vault.keys["box"].open(place.sealed),
    "sign": lambda _place, vault: signed(vault),
    "export": lambda _place, vault: danger.export_private(vault.keys["box"]),
    "peppers": lambda _place, vault: peppers_of(vault.keys["hmac"]),
    "a file for a key": lambda place, vault: opened(place.own_file, stored_keys.identities(vault.keys["aead"])),
    "a file for a box": lambda place, vault: opened(place.box_file, stored_keys.identities(vault.keys["box"])),
    "an age file": lambda place, _vault: opened(place.age_file, parse_identities(bytearray(IDENTITY.encode()))),
    "a new file with a passphrase": lambda _place, _vault: file_of(Passphrase(SecretStr(PASSWORD)), "strongroom"),
    "hash": lambda _place, _vault: hasher().hash(SecretStr(PASSWORD)),
    "verify": lambda _place, _vault: hasher().verify(SecretStr(PASSWORD), STORED),
    "derive": lambda _place, _vault: fernet.derive_key(SecretStr(PASSWORD)),
    "token": lambda place, vault: issuer_of(vault).verify(place.issued),
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("toolkit"))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_error_at_every_call_of_the_toolkit(place: Place, name: str) -> None:
    """No key, no password and no token is in the locals of any frame of ours."""
    found, errors = set(), 0
    for number in range(1, 3_000, STRIDE):
        with place.open() as vault:
            try:
                with planted(number):
                    OPERATIONS[name](place, vault)
                break
            except Exception as error:
                errors += 1
                found.update(leaks(error, place.needles))
    assert errors
    assert found == set()


def test_errors_of_the_toolkit_that_happen(place: Place) -> None:
    """A wrong password, a changed message, a file of somebody else."""
    wrong: tuple[Callable[[Vault], object], ...] = (
        lambda _vault: hasher().verify(SecretStr(PASSWORD), STORED),
        lambda vault: vault.keys["aead"].decrypt(place.message[:-1] + b"\0"),
        lambda vault: vault.keys["fernet"].decrypt(place.token[:-4] + b"AAA=", max_age="any"),
        lambda vault: vault.keys["hmac"].check_mac(b"y", place.tag),
        lambda vault: vault.keys["box"].open(place.sealed[:-1] + b"\0"),
        lambda vault: opened(place.own_file[:-1], stored_keys.identities(vault.keys["aead"])),
        lambda vault: opened(place.box_file[:-1], stored_keys.identities(vault.keys["box"])),
        lambda _vault: opened(place.age_file[:-1], parse_identities(bytearray(IDENTITY.encode()))),
        lambda _vault: opened(place.own_file, [PassphraseIdentity(Passphrase(SecretStr(PASSWORD)))]),
        lambda _vault: parse_identities(bytearray(f"{IDENTITY}X".encode())),
        lambda _vault: fernet.Keyring([secret(encode(KEYS["fernet"])[:-1])], max_age="any"),
        lambda vault: danger.import_key(vault.keys, "n", "box", memoryview(KEYS["box"] + b"x")),
        lambda vault: issuer_of(vault).verify(place.issued, scope="none"),
    )
    found: set[str] = set()
    with place.open() as vault:
        for act in wrong:
            with pytest.raises(Exception) as caught:
                act(vault)
            found.update(leaks(caught.value, place.needles))
    assert found == set()
