"""What a type checker sees of the public API. Checked by `mypy --strict`, never run.

A line that must not type-check carries `type: ignore` with its code; strict mode
reports the comment as soon as the line would pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import BufferedReader, BufferedWriter
from typing import assert_type

import strongroom
from strongroom import Depositor, Field, Item, SecretBytes, SecretStr, Vault, Version, boxes, signing, streams
from strongroom.fernet import Keyring
from strongroom.vault.named_keys.named_key import NamedKey


def opening() -> None:
    """`open` and `create` return a vault, which is its own context manager."""
    assert_type(strongroom.open(), Vault)
    assert_type(strongroom.open("/srv/vault.db", key_file="/srv/cron.key"), Vault)
    assert_type(strongroom.create("/srv/vault.db", passphrase=SecretStr("...")), Vault)
    with strongroom.open() as vault:
        assert_type(vault, Vault)
    strongroom.open(key="...")  # type: ignore[call-arg]


def reading(vault: Vault) -> None:
    """Without a field an item, with a field a secret."""
    item = vault.get("bank/checking")
    assert_type(item, Item)
    assert_type(vault.get("bank/checking", "password"), SecretStr | SecretBytes)
    assert_type(item["password"].reveal(), str | bytes)
    assert_type(item.public("username"), str)
    assert_type(vault.require("bank/checking", "username", "password"), Item)
    assert_type(vault.get_many(["a", "b"]), dict[str, Item])
    assert_type(vault.list("bank/"), Iterator[str])
    assert_type(vault.history("bank/checking"), list[Version])
    vault.get(b"bank/checking")  # type: ignore[call-overload]
    item.password  # type: ignore[attr-defined]


def writing(vault: Vault) -> None:
    """Every kind of value is accepted, and a version comes back."""
    assert_type(vault.set("mail/smtp", {"username": "bot", "password": SecretStr("..."), "retries": 3}), Version)
    fields = {"username": "bot", "host": "mail.example"}
    assert_type(vault.set("mail/smtp", fields), Version)
    assert_type(vault.set("mail/smtp", {"pin": Field("pin", "text", b"1", is_secret=True)}, cas=0), Version)
    assert_type(vault.set_many({"a": {"x": "1"}, "b": {"y": "2"}}), dict[str, Version])
    assert_type(vault.patch("mail/smtp", {"password": None}), Version)
    assert_type(vault.restore("mail/smtp", version=2), Version)
    vault.set("mail/smtp", "a bare value")  # type: ignore[arg-type]
    vault.set("mail/smtp", {}, 3)  # type: ignore[call-arg]
    with vault.transaction():
        vault.move("mail/smtp", "mail/old")
        vault.destroy("mail/old")


def depositing(vault: Vault) -> None:
    """A depositor writes and has no way to read."""
    with Depositor("/srv/vault.db", "/srv/web.key") as depositor:
        assert_type(depositor.deposit("sites/bank", {"password": SecretStr("...")}), str)
        depositor.get("sites/bank")  # type: ignore[attr-defined]
    assert_type(vault.deposit_key("web", ["sites/**"]).encode(), bytearray)
    assert_type([taken.version for taken in vault.collect_deposits()], list[Version])
    assert_type([waiting.reason for waiting in vault.pending_deposits()], list[str])


def files(vault: Vault, source: BufferedReader, target: BufferedWriter) -> None:
    """Signatures are bytes, checks say what they found, and a secret passphrase is taken as one."""
    with signing.signing_key(vault.keys["releases"]) as key:
        assert_type(signing.sign_minisign(source, key, name="release.tar"), bytes)
        assert_type(signing.sign_ssh(source, key, namespace="file"), bytes)
        signing.sign_ssh(source, key, hash="sha1")  # type: ignore[call-arg]
    assert_type(signing.check(source, b"", signing.parse_signers(b"")).principals, str)
    who = [streams.parse_recipient("age1..."), streams.recipient(vault.keys["files"])]
    assert_type(who, list[streams.Recipient])
    streams.encrypt(source, target, [streams.Passphrase(SecretStr("..."))], format="strongroom", armor=True)
    streams.decrypt(source, target, streams.identities(vault.keys["files"]))
    streams.decrypt(source, target, [b"a key"])  # type: ignore[list-item]
    streams.decrypt_file("a.age", "a", streams.parse_identities(bytearray()), replace=True)


async def waiting(vault: Vault) -> None:
    """The async twins return what their namesakes do."""
    assert_type(await vault.aset("mail/smtp", {"username": "bot"}), Version)
    assert_type(await vault.ahistory("mail/smtp"), list[Version])


def failing() -> str:
    """Errors are typed, and a missing item is a KeyError too."""
    try:
        return strongroom.open().get("a").public("b")
    except strongroom.NotFound as error:
        assert_type(error.advice, str)
        key_error: KeyError = error
        return str(key_error)
    except strongroom.Tampered as error:
        assert_type(error.findings, tuple[str, ...])
        return error.message


def named_keys(vault: Vault) -> None:
    """Keys are found by name; what they make and read is bytes."""
    key = vault.keys.create("invoices", kind="aead")
    assert_type(key, NamedKey)
    assert_type(vault.keys["invoices"], NamedKey)
    assert_type(vault.keys.list(), Iterator[str])
    assert_type(key.encrypt(b"...", associated_data=b"row 1"), bytes)
    assert_type(key.decrypt(b"...", max_age=timedelta(days=1)), bytes)
    assert_type(key.rotate().number, int)
    vault.keys.create("invoices", kind="rsa")  # type: ignore[arg-type]
    key.encrypt("text")  # type: ignore[arg-type]
    key.decrypt(b"...", max_age=3600)  # type: ignore[arg-type]
    assert_type(Keyring([b"..."], max_age="any").decrypt("...", 60), bytes)
    Keyring([b"..."])  # type: ignore[call-arg]
    private, public = boxes.generate()
    assert_type(private, SecretBytes)
    assert_type(boxes.seal(public, b"...", form="hpke-x25519"), bytes)
    boxes.seal(public, b"...", form="pgp")  # type: ignore[arg-type]
