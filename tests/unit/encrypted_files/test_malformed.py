"""Trailers, stanzas and tokens that no strongroom writes, also by somebody who has the key."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from io import BytesIO

import pytest

from strongroom import streams
from strongroom.crypto import aead
from strongroom.encrypted_files import trailer
from strongroom.encrypted_files.sealing import TOKEN_MARK
from strongroom.errors import FormatUnsupported, Tampered
from strongroom.formats.interface import BadFile
from strongroom.streams import Passphrase
from strongroom.wire import counted
from tests.encrypted_files import ALICE, FILES, locked, made, opened, public

JSON = made(FILES["json"], "json").decode()
YAML = made(FILES["yaml"], "yaml").decode()


def stanza(plain: bytes, *recipients: streams.Recipient) -> str:
    """A stanza with another content, or for others."""
    target = BytesIO()
    streams.encrypt(BytesIO(plain), target, recipients or [streams.parse_recipient(public(ALICE))])
    return urlsafe_b64encode(target.getvalue()).rstrip(b"=").decode()


def with_stanza(text: str) -> bytes:
    return re.sub(r"(#strongroom for )\S+", rf"\g<1>{text}", YAML).encode()


def test_json_trailers_have_one_spelling() -> None:
    """A comma more or less, another member's place, another format, another member behind them."""
    mac = JSON[JSON.index('"mac ') :].split("\n")[0]
    changed = {
        JSON.replace('"revision 1",', '"revision 1"'),
        JSON.replace(mac, mac + ","),
        JSON.replace("file 1 json", "file 1 yaml"),
        JSON.replace("  ]\n}", '  ],\n  "more": 1\n}'),
        JSON.replace('"strongroom": [', '"strongroom":  ['),
        JSON.replace("    \"revision 1\",\n", ""),
    }
    for text in changed:
        assert text != JSON
        with pytest.raises((Tampered, BadFile)):
            opened(text.encode())
    assert YAML.replace("file 1 yaml", "file 1 json") != YAML
    with pytest.raises(Tampered):
        locked(YAML.replace("file 1 yaml", "file 1 json").encode())


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("file 1 yaml", "file 2 yaml", FormatUnsupported),
        ("file 1 yaml", "file 1 xml", FormatUnsupported),
        ("file 1 yaml", "life 1 yaml", Tampered),
        ("revision 1", "revision 01", Tampered),
        ("revision 1", "revision 0", Tampered),
        ("revision 1", "revision " + "9" * 17, Tampered),
        ("revision 1", "revision -1", Tampered),
        ("#strongroom revision 1\n", "", Tampered),
        ("#strongroom revision 1\n", "#strongroom revision 1\n#strongroom revision 1\n", Tampered),
        ("#strongroom revision 1\n", "#strongroom revision 1\n#strongroom other x\n", Tampered),
        ("#strongroom revision 1\n", "#strongroom revision 1\n" + "#strongroom plain x\n" * 65, Tampered),
        ("#strongroom for ", "#strongroom for =", Tampered),
        ("#strongroom for ", "#strongroom for é", Tampered),
        (f" {public(ALICE)}", "", Tampered),
        (f" {public(ALICE)}", ' "quoted"', Tampered),
    ],
)
def test_a_trailer_has_one_spelling(old: str, new: str, error: type[Exception]) -> None:
    """What would be read in two ways is read in none."""
    assert old in YAML
    with pytest.raises(error):
        opened(YAML.replace(old, new).encode())


def test_a_stanza_holds_this_file_s_key_and_nothing_else() -> None:
    """Of another file, too short, too long, no file of age's, one that a passphrase opens."""
    file_id = locked(YAML.encode()).file_id
    for text in (
        stanza(bytes(48)),
        stanza(file_id),
        stanza(file_id + bytes(33)),
        stanza(file_id + bytes(32)),
        urlsafe_b64encode(b"no such file").decode().rstrip("="),
        stanza(file_id + bytes(32), Passphrase("six words that nobody would guess")),
    ):
        with pytest.raises(Tampered):
            opened(with_stanza(text))


def test_a_token_has_one_spelling_and_its_padding_is_zeros() -> None:
    """Bits that base64 does not need, and room behind a value, carry nothing."""
    with opened(YAML.encode()) as file:
        key = file._open_key()
        path = ("db", "user")
        token = key.encrypt(path, "app")
        assert key.decrypt(path, token) == "app"
        for other in (f"{token}=", f"{token[:-1]}{chr(ord(token[-1]) ^ 1)}", f"{TOKEN_MARK}!", TOKEN_MARK, token[:-4]):
            with pytest.raises(Tampered):
                key.decrypt(path, other)
        with pytest.raises(Tampered):
            key.decrypt(("db", "password"), token)
        plain = counted(b"app")
        wrong = (plain.ljust(32, b"\1"), plain, plain.ljust(64, b"\0"), plain.ljust(33, b"\0"), b"\xff" * 32, b"")
        for padded in wrong:
            message = aead.encrypt(key._entries, padded, key._context(path))
            with pytest.raises(Tampered):
                key.decrypt(path, TOKEN_MARK + urlsafe_b64encode(message).rstrip(b"=").decode())
        assert "hidden" in repr(key)
        with pytest.raises(TypeError):
            key.__reduce_ex__(2)


def test_the_names_of_places_do_not_run_together() -> None:
    """Each is counted."""
    with opened(YAML.encode()) as file:
        key = file._open_key()
        token = key.encrypt(("a", "bc"), "x")
        for path in (("ab", "c"), ("abc",), ("a", "b", "c"), ("a", "bc", "")):
            with pytest.raises(Tampered):
                key.decrypt(path, token)


def test_what_is_shown_for_comparing_has_no_token() -> None:
    """A mark for each value, that changes with it; who may read it, and no trailer."""
    shown = locked(YAML.encode()).shown()
    assert "strongroom1." not in shown and "mac" not in shown and f"# recipient {public(ALICE)}\n" in shown
    assert len(set(re.findall(r"\(encrypted [0-9a-f]{12}\)", shown))) == len(locked(YAML.encode()).names()) - 1
    assert trailer.is_encrypted(YAML) and not trailer.has_conflict(YAML)
