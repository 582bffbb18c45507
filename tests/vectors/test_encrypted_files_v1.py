"""Files whose values are encrypted one by one, frozen: still opened by strongroom and by a verifier of its own.

The verifier is written from docs/format-files.md and shares no line with strongroom: it opens the age stanza with
pyrage, knows no parser of any format, and takes the names that lead to each token from the frozen file's plain text.
Source: encrypted-files-v1.json, make_encrypted_files_v1.py.
"""

from __future__ import annotations

import configparser
import hmac
import json
import re
import tomllib
from base64 import urlsafe_b64decode
from pathlib import Path

import pyrage
import pytest
from ruamel.yaml import YAML

from tests.encrypted_files import ALICE, opened
from tests.vectors.test_files_v1 import _context, _Cursor, _expand, _open_message

FROZEN = json.loads((Path(__file__).parent / "encrypted-files-v1.json").read_text())
FORMATS = sorted(FROZEN["files"])


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _trailer(text: str, format: str) -> tuple[list[str], bytes]:
    """The trailer's lines, and what the second MAC covers."""
    if format == "json":
        lines = json.loads(text)["strongroom"]
        covered = text.replace(lines[-1].removeprefix("mac "), "")
    else:
        lines = [line.removeprefix("#strongroom ") for line in text.splitlines() if line.startswith("#strongroom ")]
        covered = text.removesuffix("\n").removesuffix(lines[-1].removeprefix("mac "))
    return lines, covered.encode()


def _leaves(found: object, names: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    if isinstance(found, dict):
        return {path: text for name, value in found.items() for path, text in _leaves(value, (*names, name)).items()}
    if isinstance(found, list):
        return _leaves({str(at): value for at, value in enumerate(found)}, names)
    return {names: str(found)}


def _tokens(text: str, format: str) -> dict[tuple[str, ...], str]:
    """Each token by the names that lead to it, as other programs' parsers have them."""
    if format == "json":
        found = json.loads(text)
    elif format == "toml":
        found = tomllib.loads(text)
    elif format == "yaml":
        found = YAML(typ="safe").load(text)
    elif format == "ini":
        parser = configparser.RawConfigParser()
        parser.read_string(text)
        found = {name: dict(parser[name]) for name in parser.sections()}
    else:
        found = dict(re.findall(r"^(?:export )?(\w+)='([^']*)'", text, re.MULTILINE))
    return {path: token for path, token in _leaves(found).items() if token.startswith("strongroom1.")}


@pytest.mark.parametrize("format", FORMATS)
def test_the_verifier_opens_the_file(format: str) -> None:
    """Stanzas of both kinds, both MACs, and every value in its place."""
    frozen = FROZEN["files"][format]
    lines, covered = _trailer(frozen["file"], format)
    assert [line.split(" ")[0] for line in lines] == ["file", "revision", "plain", "plain", "for", "for", "mac"]
    word, version, named, shown = lines[0].split(" ")
    assert (word, version, named, lines[1]) == ("file", "1", format, "revision 2")
    file_id = _bytes(shown)
    identity = pyrage.x25519.Identity.from_str(ALICE)
    _, stanza, who = lines[4].split(" ", 2)
    assert who == str(identity.to_public())
    plain = pyrage.decrypt(_bytes(stanza), [identity])
    assert (len(plain), plain[:16]) == (48, file_id)
    file_key = plain[16:]
    _, stanza, who = lines[5].split(" ", 2)
    assert who == "key app"
    assert _open_named(_bytes(stanza)) == plain

    entries, mac_key = (
        _expand(file_key, b"strongroom/v1/" + purpose + b"\0" + file_id + b"\0\0\0\x01", 32)
        for purpose in (b"file-entries", b"file-text")
    )
    trailer = "\n".join([*lines[:-1], "mac "]).encode()
    macs = _bytes(lines[-1].removeprefix("mac "))
    for what, data, mac in ((b"trailer", trailer, macs[:32]), (b"text", covered, macs[32:])):
        assert hmac.digest(mac_key, _context(file_id, 35, 0, format.encode(), what, data), "sha256") == mac
    tokens = _tokens(frozen["file"], format)
    assert tuple(frozen["name"]) in tokens
    for path, token in tokens.items():
        context = _context(file_id, 34, 0, format.encode(), *(name.encode() for name in path))
        cursor = _Cursor(_open_message(entries, _bytes(token.removeprefix("strongroom1.")), context))
        spelling = cursor.counted().decode()
        assert not any(cursor.data) and (4 + len(spelling.encode()) + len(cursor.data)) % 32 == 0
        assert len(cursor.data) < 32 and spelling in frozen["plain"]


def _open_named(data: bytes) -> bytes:
    """The plain text of a stanza for the vault's key, which is an encrypted file of ours."""
    cursor = _Cursor(data)
    assert cursor.take(8) == b"SRFILE\0\x01"
    header, payload = cursor.counted(), cursor.data
    cursor = _Cursor(header)
    assert cursor.take(1) == b"\x01"
    stanza_id = cursor.take(16)
    assert (cursor.number(4), cursor.number(1)) == (1, 1)
    body = _Cursor(cursor.counted())
    bound = body.take(20)
    named = FROZEN["named_key"]
    assert bound == bytes.fromhex(named["id"]) + named["version"].to_bytes(4, "big")
    context = _context(stanza_id, 32, 0, b"\x01", bound)
    key = _open_message(bytes.fromhex(named["key"]), body.counted(), context)
    return _open_message(key, payload, _context(stanza_id, 33, 0, header))


@pytest.mark.parametrize("format", FORMATS)
def test_strongroom_opens_the_file(format: str) -> None:
    """To the byte."""
    frozen = FROZEN["files"][format]
    with opened(frozen["file"].encode()) as file:
        assert bytes(file.plaintext()).decode() == frozen["plain"]
        assert file.get(*frozen["name"]).reveal() == "second"
        assert file.encoded().decode() == frozen["file"]
