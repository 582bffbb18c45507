"""What a type checker sees of password hashing and tokens. Checked by `mypy --strict`, never run."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_type

from strongroom import PasswordHasher, PasswordMismatch, SecretStr, Vault, passwords, tokens
from strongroom.tokens import TokenIssuer, TokenRecord, TokenStore, VaultTokenStore


def hashing(vault: Vault) -> None:
    """`verify` returns nothing that could be ignored or mistaken."""
    hasher = PasswordHasher(
        passwords.Argon2idCost(memory_kib=65_536), peppers=passwords.peppers_of(vault.keys.get("passwords"))
    )
    assert_type(hasher.hash("letmein"), str)
    assert_type(hasher.hash(SecretStr("letmein")), str)
    assert_type(hasher.verify_and_update("letmein", None), str | None)
    assert_type(hasher.needs_rehash("$argon2id$..."), bool)
    assert_type(PasswordHasher.calibrate(timedelta(milliseconds=100), kind="pbkdf2"), PasswordHasher)
    if hasher.verify("letmein", None):  # type: ignore[func-returns-value]
        raise AssertionError
    hasher.hash("letmein", b"salt")  # type: ignore[call-arg]
    hasher.hash(None)  # type: ignore[arg-type]
    PasswordHasher.calibrate(kind="md5")  # type: ignore[arg-type]


async def waiting(hasher: PasswordHasher) -> None:
    """The async twins return what their namesakes do."""
    assert_type(await hasher.ahash("letmein"), str)
    assert_type(await hasher.averify_and_update("letmein", "$argon2id$..."), str | None)


def issuing(vault: Vault) -> None:
    """A token is a secret, a record is not."""
    store: TokenStore = VaultTokenStore(vault)
    issuer = TokenIssuer(store, prefix="acme")
    issued = issuer.issue("a use", scopes=("read",), lifetime=timedelta(days=90))
    assert_type(issued.token, SecretStr)
    assert_type(issuer.verify(issued.token, scope="read"), TokenRecord)
    assert_type(tokens.passphrase(), SecretStr)
    assert_type(tokens.recognise("..."), tuple[str, str])
    TokenIssuer(store)  # type: ignore[call-arg]
    TokenIssuer(object(), prefix="acme")  # type: ignore[arg-type]


def failing(hasher: PasswordHasher) -> str:
    """A mismatch is one error with one line."""
    try:
        hasher.verify("letmein", None)
    except PasswordMismatch as error:
        return error.message
    return ""
