"""A vault's named keys sign files, and encrypt and decrypt them: with their versions, and for their kind alone."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import strongroom
from strongroom import Vault, signing, streams
from strongroom.credentials import stored_keys
from strongroom.credentials.streams import open_stream
from strongroom.credentials.suite1_files import MAGIC
from strongroom.errors import Denied, Expired, NotFound, Tampered, WrongKey

FILE = b"release " * 10_000


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    tmp_path.chmod(0o700)
    with strongroom.create(str(tmp_path / "vault.db"), key_file=str(tmp_path / "key")) as vault:
        yield vault


def encrypted(key: object, **options: str) -> bytes:
    target = io.BytesIO()
    streams.encrypt(io.BytesIO(FILE), target, [streams.recipient(key)], **options)  # type: ignore[arg-type]
    return target.getvalue()


def decrypted(file: bytes, *keys: object) -> bytes:
    target = io.BytesIO()
    who = [identity for key in keys for identity in streams.identities(key)]  # type: ignore[arg-type]
    streams.decrypt(io.BytesIO(file), target, who)
    return target.getvalue()


def test_a_signing_key_signs_and_its_versions_overlap(vault: Vault) -> None:
    key = vault.keys.create("releases", "signing")
    with signing.signing_key(key) as first:
        old = signing.sign_minisign(io.BytesIO(FILE), first)
        old_ssh = signing.sign_ssh(io.BytesIO(FILE), first)
    key.rotate()
    with signing.signing_key(key) as second:
        new = signing.sign_minisign(io.BytesIO(FILE), second)
    assert first.public != second.public
    text = "\n".join(one.line() for one in signing.signers(key, "me@example.org", overlap=timedelta(days=30)))
    known = signing.parse_signers(text.encode())
    taken_over = key.versions[0].primary_until
    assert taken_over is not None
    now = taken_over.timestamp() + 1
    for signature in (old, old_ssh, new):
        assert signing.check(io.BytesIO(FILE), signature, known, at=now).principals == "me@example.org"
    later = now + 31 * 86_400
    signing.check(io.BytesIO(FILE), new, known, at=later)
    for signature in (old, old_ssh):
        with pytest.raises(Expired):
            signing.check(io.BytesIO(FILE), signature, known, at=later)


def test_a_disabled_version_s_signatures_are_nobody_s(vault: Vault) -> None:
    key = vault.keys.create("releases", "signing")
    with signing.signing_key(key) as first:
        old = signing.sign_minisign(io.BytesIO(FILE), first)
    key.rotate()
    assert len(signing.signers(key, "me")) == 4
    key.disable(1)
    with pytest.raises(WrongKey):
        signing.check(io.BytesIO(FILE), old, signing.signers(key, "me"))


@pytest.mark.parametrize("principals", ["", " ", 'a"b', "two\nlines"])
def test_a_principal_is_one_line(vault: Vault, principals: str) -> None:
    key = vault.keys.create("releases", "signing")
    with pytest.raises(ValueError, match="principal"):
        signing.signers(key, principals)


def test_an_aead_key_opens_with_the_version_that_is_named(vault: Vault) -> None:
    key, other = vault.keys.create("files", "aead"), vault.keys.create("others", "aead")
    file = encrypted(key, format="strongroom")
    assert file.startswith(MAGIC)
    assert stored_keys.key_ids(open_stream(io.BytesIO(file)).stanzas) == {key.id}
    key.rotate()
    assert decrypted(file, other, key) == FILE
    with pytest.raises(WrongKey):
        decrypted(file, other)
    key.disable(1)
    with pytest.raises(Denied, match="disabled"):
        decrypted(file, key)
    key.destroy(1)
    with pytest.raises(NotFound, match="destroyed"):
        decrypted(file, key)
    assert decrypted(encrypted(key, format="strongroom"), key) == FILE


def test_a_stanza_for_a_named_key_is_bound_to_it(vault: Vault) -> None:
    """Each byte of the key's id, the version and what is wrapped."""
    key = vault.keys.create("files", "aead")
    key.rotate()
    file = encrypted(key, format="strongroom")
    start = len(MAGIC) + 5 + 1 + 16 + 4 + 1 + 4
    for place in range(start, start + 16 + 4 + 4 + 104):
        changed = bytearray(file)
        changed[place] ^= 1
        with pytest.raises((Tampered, WrongKey, NotFound)):
            decrypted(bytes(changed), key)


@pytest.mark.parametrize("format", ["age", "strongroom"])
def test_a_box_key_opens_both_formats(vault: Vault, format: str) -> None:
    key = vault.keys.create("inbox", "box")
    file = encrypted(key, format=format)
    key.rotate()
    assert decrypted(file, key) == FILE
    with pytest.raises(WrongKey):
        decrypted(file, vault.keys.create("other", "box"))


def test_a_key_of_another_kind_does_nothing_here(vault: Vault) -> None:
    keys = {kind: vault.keys.create(kind, kind) for kind in ("aead", "fernet", "signing", "box", "hmac")}
    for kind, key in keys.items():
        if kind != "signing":
            with pytest.raises(ValueError, match=f"is of kind {kind}"):
                signing.signing_key(key)
            with pytest.raises(ValueError, match=f"is of kind {kind}"):
                signing.signers(key, "me")
        if kind not in ("aead", "box"):
            with pytest.raises(ValueError, match=f"is of kind {kind}"):
                streams.recipient(key)
            with pytest.raises(ValueError, match=f"is of kind {kind}"):
                streams.identities(key)


def test_somebody_else_s_public_key_does_half(vault: Vault) -> None:
    """Encrypted to and checked with, as one's own; nothing is opened or signed with it."""
    box, signer = vault.keys.create("box", "box"), vault.keys.create("signer", "signing")
    their_box = vault.keys.import_public("theirs", "box", box.primary.public)
    their_signer = vault.keys.import_public("their-signer", "signing", signer.primary.public)
    assert decrypted(encrypted(their_box, format="strongroom"), box) == FILE
    with signing.signing_key(signer) as private:
        signature = signing.sign_ssh(io.BytesIO(FILE), private)
    assert signing.check(io.BytesIO(FILE), signature, signing.signers(their_signer, "them")).principals == "them"
    with pytest.raises(Denied, match="only the public part"):
        streams.identities(their_box)
    with pytest.raises(Denied, match="only the public part"):
        signing.signing_key(their_signer)
