"""What a type checker sees of `strongroom.encrypted_files`; checked by mypy, never run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_type

import strongroom
from strongroom import SecretStr, Vault, encrypted_files, streams
from strongroom.encrypted_files import EncryptedFile, FileRecipient, Merge, OpenFile


def use(data: bytes, identities: Sequence[streams.Identity], vault: Vault) -> None:
    file = encrypted_files.read(data)
    assert_type(file, EncryptedFile)
    assert_type(file.recipients, tuple[str, ...])
    assert_type(file.names(), list[tuple[str, ...]])
    with file.unlock(identities) as opened:
        assert_type(opened, OpenFile)
        assert_type(opened.get("db", "password"), SecretStr)
        assert_type(opened.plaintext(), bytearray)
        opened.set(("db", "password"), SecretStr("x"))
        opened.add_recipients([FileRecipient("age1...")])
        assert_type(opened.encoded(), bytes)
        assert_type(encrypted_files.merge(opened, opened, opened), Merge)
        opened.set("db")  # type: ignore[call-arg]
    own = FileRecipient("key app", streams.recipient(vault.keys["app"]))
    assert_type(encrypted_files.encrypt(data, [own], format="yaml", plain=["*.host"]), OpenFile)
    encrypted_files.encrypt(data, ["age1..."], format="yaml")  # type: ignore[list-item]
    assert_type(strongroom.encrypted_files.is_encrypted(data), bool)
