"""Nothing that somebody stored is found in any file that the program made, in any encoding."""

from __future__ import annotations

import base64
import os
import quopri
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.items import Field
from strongroom.secret import SecretStr
from strongroom.stores.schema import OBJECTS
from strongroom.vault.vault import Vault
from tests.faults.attacks import KeyFileCredential, dump, make_vault, new_key_file, opened

PLACES = (
    "value", "secret value", "bytes value", "json value", "long value", "path component", "folder", "field name", "url",
    "note", "label", "custom key", "custom value", "deleted", "destroyed", "destroyed item", "overwritten", "trimmed",
    "moved from", "moved to", "removed label", "author",
)  # fmt: skip
PATTERN_MIN = 8
"""Shorter patterns would be found by chance."""


class Canaries:
    """One random word for each place."""

    def __init__(self) -> None:
        self.words = {place: f"canary{os.urandom(12).hex()}" for place in PLACES}

    def __getitem__(self, place: str) -> str:
        return self.words[place]


def encodings(word: str) -> Iterator[tuple[str, bytes]]:
    """The word in every encoding that a careless program might have left."""
    plain = word.encode()
    for name in ("utf-8", "utf-16-le", "utf-16-be"):
        data = word.encode(name)
        yield name, data
        yield f"{name} reversed", data[::-1]
    yield "utf-32", word.encode("utf-32-le")
    yield "upper case", plain.upper()
    yield "cp037", word.encode("cp037")
    yield "hex", plain.hex().encode()
    yield "HEX", plain.hex().upper().encode()
    yield "xor 255", bytes(byte ^ 255 for byte in plain)
    yield "percent", "".join(f"%{byte:02X}" for byte in plain).encode()
    yield "quoted-printable", quopri.encodestring(plain)
    for offset in range(3):
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            # Without the characters at both ends, which the neighbours have a part in.
            yield f"{name} at {offset}", encode(bytes(offset) + plain)[4 if offset else 0 : -4]
    for offset in range(5):
        yield f"base32 at {offset}", base64.b32encode(bytes(offset) + plain)[8 if offset else 0 : -8]
    yield "ascii85", base64.a85encode(plain)[:-5]
    yield "zlib", zlib.compress(plain)[2:-4]
    yield "deflate, stored", zlib.compress(plain, 0)[7:-4]


def search(directory: Path, canaries: Canaries) -> list[str]:
    """Where a canary lies, in the content or the name of a file."""
    found = []
    for path in sorted(directory.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        for place, word in canaries.words.items():
            for encoding, pattern in encodings(word):
                assert len(pattern) >= PATTERN_MIN
                if pattern in content or pattern in os.fsencode(path.name):
                    found.append(f"{place} as {encoding} in {path.name}")
    return found


def live(vault: Vault, canaries: Canaries) -> None:
    """Put a canary into each place, and take some away again."""
    path = f"{canaries['folder']}/{canaries['path component']}"
    vault.set(
        path,
        {
            "plain": canaries["value"],
            "password": SecretStr(canaries["secret value"]),
            "file": canaries["bytes value"].encode(),
            "list": [canaries["json value"], {"nested": canaries["json value"]}],
            "certificate": canaries["long value"] * 2000,
            canaries["field name"]: "x",
            "url": f"https://{canaries['url']}.example/login?next={canaries['url']}",
            "note": Field("note", "text", f"remember: {canaries['note']}".encode(), is_secret=False),
        },
    )
    vault.configure(path, custom_metadata={canaries["custom key"]: canaries["custom value"]})
    vault.set("a/deleted", {"password": canaries["deleted"]})
    vault.delete("a/deleted")
    vault.set("a/destroyed", {"password": canaries["destroyed"]})
    vault.destroy("a/destroyed", versions=(1,))
    vault.set(canaries["destroyed item"], {"password": canaries["destroyed item"]})
    vault.destroy(canaries["destroyed item"])
    vault.set("a/b", {"password": canaries["overwritten"]})
    vault.set("a/b", {"password": "new"})
    vault.configure("a/b", max_versions=1)
    vault.set("a/b", {"password": canaries["trimmed"]})
    vault.set("a/b", {"password": "newest"})
    vault.set(canaries["moved from"], {"x": "y"})
    vault.move(canaries["moved from"], canaries["moved to"])
    slot = vault.add_slot(new_key_file(), label=canaries["removed label"])
    vault.remove_slot(slot.id)


@pytest.fixture
def vault_directory(tmp_path: Path) -> tuple[Path, KeyFileCredential, Canaries]:
    """A vault with canaries in it, made and closed."""
    canaries, credential = Canaries(), new_key_file()
    directory = tmp_path / "vaults"
    directory.mkdir(mode=0o700)
    with make_vault(directory / "v.vault", credential, labels=(canaries["label"],)) as vault:
        vault._core.author = canaries["author"]
        assert not search(directory, canaries), "found in a new vault"
        live(vault, canaries)
        names = {path.name for path in directory.iterdir()}
        assert names == {"v.vault", "v.vault-wal", "v.vault-shm"}
        # While it is open, beside its log and index.
        assert not search(directory, canaries)
        vault.backup(os.fspath(directory / "backup.vault"))
        assert not search(directory, canaries)
    return directory, credential, canaries


def test_nothing_is_found(vault_directory: tuple[Path, KeyFileCredential, Canaries]) -> None:
    """Neither in the closed file, nor in its backup, nor after it was opened again."""
    directory, credential, canaries = vault_directory
    assert not search(directory, canaries)
    with opened(directory / "v.vault", credential) as vault:
        path = f"{canaries['folder']}/{canaries['path component']}"
        assert vault.get(path, "plain").reveal() == canaries["value"]
        assert vault.slots()[0].label == canaries["label"]
        vault.verify()
        assert not search(directory, canaries)
    assert not search(directory, canaries)


def test_what_verify_and_errors_say_holds_no_value(vault_directory: tuple[Path, KeyFileCredential, Canaries]) -> None:
    """Messages name paths and fields, never what is in them."""
    directory, credential, canaries = vault_directory
    values = {canaries[place] for place in PLACES if "value" in place or place in ("url", "note", "deleted")}
    with opened(directory / "v.vault", credential) as vault:
        item = vault.get(f"{canaries['folder']}/{canaries['path component']}")
        shown = [repr(item), str(item), repr(vault), repr(vault.slots()), repr(vault.history(item.path))]
        shown += [f"{item[name]!r}{item[name]}{item[name]:>9}{item.field(name)!r}" for name in item]
        with pytest.raises(KeyError) as caught:
            vault.get(item.path, "absent")
        shown += [str(caught.value), repr(caught.value), caught.value.advice]
    assert not [text for text in shown for value in values if value in text]


@pytest.mark.parametrize("encoding", [name for name, _ in encodings("canary" + "0123456789ab" * 2)])
@pytest.mark.parametrize("position", ["front", "between", "end"])
def test_the_detector_sees_a_planted_canary(encoding: str, position: str, tmp_path: Path) -> None:
    """Each encoding is found at any place of a file."""
    canaries = Canaries()
    pattern = dict(encodings(canaries["note"]))[encoding]
    front, end = {"front": (0, 999), "between": (501, 499), "end": (1000, 0)}[position]
    (tmp_path / "file").write_bytes(os.urandom(front) + pattern + os.urandom(end))
    assert f"note as {encoding} in file" in search(tmp_path, canaries)


@pytest.mark.parametrize("offset", [1, 2, 3])
def test_the_detector_sees_base64_at_any_offset(offset: int, tmp_path: Path) -> None:
    """Inside a longer text that was encoded as a whole."""
    canaries = Canaries()
    (tmp_path / "file").write_bytes(base64.b64encode(b"x" * offset + canaries["url"].encode() + b"yz"))
    assert any(line.startswith("url as base64") for line in search(tmp_path, canaries))


def test_the_detector_sees_a_name_and_a_row(vault_directory: tuple[Path, KeyFileCredential, Canaries]) -> None:
    """A file that is called after an item, and a row that was not encrypted."""
    directory, credential, canaries = vault_directory
    (directory / canaries["path component"]).touch()
    assert any(line.startswith("path component as utf-8") for line in search(directory, canaries))
    with opened(directory / "v.vault", credential) as vault:
        with vault._core.store.writing() as rows:
            rows.put(OBJECTS, (77, bytes(16), canaries["value"].encode()))
        assert "value as utf-8 in v.vault-wal" in search(directory, canaries)


@pytest.mark.parametrize("how", ["destroy item", "destroy version", "remove slot", "change slot"])
def test_what_was_destroyed_leaves_no_ciphertext(how: str, tmp_path: Path) -> None:
    """Sealed bytes that a later thief of the key could open are gone from the file and its log."""
    credential, other = new_key_file(), new_key_file()
    path = tmp_path / "v.vault"
    with make_vault(path, credential) as vault:
        vault.set("a", {"password": "x"})
        vault.set("b", {"password": "y"})
        slot = vault.add_slot(other)
        before = {row[-1] for table in ("versions", "slots") for row in dump(path)[table].values()}
        {
            "destroy item": lambda: vault.destroy("a"),
            "destroy version": lambda: vault.destroy("a", versions=(1,)),
            "remove slot": lambda: vault.remove_slot(slot.id),
            "change slot": lambda: vault.change_slot(slot.id, new_key_file()),
        }[how]()
        after = {row[-1] for table in ("versions", "slots") for row in dump(path)[table].values()}
        gone = before - after
        assert gone
        files = [file.read_bytes() for file in tmp_path.iterdir()]
        # Pieces of each, because a page that was used again may begin with something else. A slot that
        # stays has the same public key before and after.
        kept = b"".join(after)
        pieces = {body[start : start + 32] for body in gone for start in range(0, len(body) - 32, 32)}
        pieces = {piece for piece in pieces if piece not in kept}
        assert len(pieces) > 2
        assert not [piece for piece in pieces for file in files if piece in file]
        assert all(any(body[40:72] in file for file in files) for body in after), "the detector is blind"
