"""Readers of encrypted files and of pass's entries: costs are bounded first, and nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from struct import pack
from typing import Any

import pytest

from strongroom.errors import FormatUnsupported, StrongroomError, Tampered, WrongKey
from strongroom.formats import ansible_vault, csv_file, dotenvx_file, keepass_file, pass_entry
from strongroom.formats.interface import BadFile, Document
from tests.peers import source_package
from tests.unit.crypto.test_foreign_files import ANSIBLE, DOTENVX_KEY

SIGNATURE = b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5"
AES = bytes.fromhex("c9d9f39a628a4460bf740d08c18a4fea")
ARGON2D = bytes.fromhex("ef636ddf8c29444b91f7a9a403e30a0c")
WHOLE = b"$ANSIBLE_VAULT;1.1;AES256\n" + ANSIBLE.hex().encode()


def kdbx3(rounds: int, seed: bytes = bytes(32)) -> bytes:
    """The beginning of a KDBX 3.1 file."""
    fields = ((5, seed), (6, pack("<Q", rounds)), (0, b"\r\n\r\n"))
    return SIGNATURE + pack("<HH", 1, 3) + b"".join(pack("<BH", number, len(one)) + one for number, one in fields)


def kdbx4(**values: bytes) -> bytes:
    """The beginning of a KDBX 4 file."""
    pairs = ((name.replace("UUID", "$UUID").encode(), value) for name, value in values.items())
    inner = b"".join(b"\x42" + pack("<I", len(name)) + name + pack("<I", len(one)) + one for name, one in pairs)
    parameters = b"\0\1" + inner + b"\0"
    fields = ((11, parameters), (0, b"\r\n\r\n"))
    return SIGNATURE + pack("<HH", 0, 4) + b"".join(pack("<BI", number, len(one)) + one for number, one in fields)


def argon2(memory: int, iterations: int, lanes: int = 1) -> bytes:
    parts = {"M": pack("<Q", memory), "I": pack("<Q", iterations), "P": pack("<I", lanes), "S": bytes(32)}
    return kdbx4(UUID=ARGON2D, **parts)


TOO_MUCH = {
    "rounds": kdbx3(2**40),
    "rounds of KDBX 4": kdbx4(UUID=AES, R=pack("<Q", 2**63), S=bytes(32)),
    "memory": argon2(2**40, 1),
    "memory times passes": argon2(2**31, 2**20),
    "passes": argon2(2**20, 2**60),
    "lanes": argon2(2**20, 2, 2**31),
    "no lanes": argon2(2**20, 2, 0),
    "an unknown derivation": kdbx4(UUID=bytes(16)),
    "KeePass 1": b"\x03\xd9\xa2\x9a\x65\xfb\x4b\xb5" + bytes(100),
    "version 5": SIGNATURE + pack("<HH", 0, 5) + bytes(100),
}


@pytest.mark.parametrize("case", TOO_MUCH)
def test_a_database_that_would_cost_too_much(case: str) -> None:
    """Refused before anything is derived, and before the library sees the file."""
    begin = time.process_time()
    with pytest.raises(FormatUnsupported):
        keepass_file.read(TOO_MUCH[case], b"password", None)
    assert time.process_time() - begin < 30


def test_what_a_database_may_cost() -> None:
    """The bounds leave room for what KeePass and KeePassXC make."""
    assert keepass_file.cost_of(kdbx3(60_000)).rounds == 60_000
    assert keepass_file.cost_of(kdbx4(UUID=AES, R=pack("<Q", 100_000_000), S=bytes(32))).rounds == 100_000_000
    assert keepass_file.cost_of(argon2(64 * 1024**2, 10, 2)).rounds == 0
    assert keepass_file.cost_of(argon2(1024**3, 8, 8)).rounds == 0


@pytest.mark.parametrize(
    "data",
    [kdbx3(6), kdbx4(UUID=AES, R=pack("<Q", 6), S=bytes(32)), argon2(2**20, 2)],
    ids=["3.1", "4 with AES", "4 with Argon2"],
)
def test_a_database_cut_anywhere(data: bytes) -> None:
    """An error of ours, whatever is missing or has become another length."""
    for length in range(len(data)):
        with pytest.raises((BadFile, FormatUnsupported)):
            keepass_file.cost_of(data[:length])
    for place in range(8, len(data)):
        changed = bytearray(data)
        changed[place] ^= 0xFF
        try:
            keepass_file.cost_of(changed)
        except (BadFile, FormatUnsupported):
            continue
    with pytest.raises((BadFile, WrongKey)):
        keepass_file.read(data + bytes(500), b"password", None)
    assert keepass_file.is_keepass(data)
    with pytest.raises(BadFile):
        keepass_file.cost_of(b"something else")


def database_with(data: bytes) -> bytes:
    """A database whose only entry has *data* attached, with next to no derivation."""
    from io import BytesIO

    from pykeepass import create_database

    made = create_database(BytesIO(), password="password")
    parameters = made.kdbx.header.value.dynamic_header.kdf_parameters.data.dict
    parameters["M"].value, parameters["I"].value, parameters["P"].value = 8 * 1024, 1, 1
    entry = made.add_entry(made.root_group, "bank", "me", "x")
    entry.add_attachment(made.add_binary(data), "zeros")
    target = BytesIO()
    made.save(target)
    return target.getvalue()


def test_a_database_that_unpacks_to_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte of zeros is a kilobyte of gzip; nobody unpacks what nobody would read."""
    import zlib

    from pykeepass import pykeepass

    from strongroom.formats import keepass_unpacking

    data = database_with(bytes(1024 * 1024))
    assert len(data) < 32 * 1024
    fits = keepass_file.read(data, b"password", None)
    assert [len(one.data) for one in fits.entries if one.keys[-1] == "zeros"] == [1024 * 1024]
    monkeypatch.setattr(keepass_unpacking, "UNPACKED_BYTES_MAX", 1024 * 1024)
    with pytest.raises(FormatUnsupported, match="unpacks to more"):
        keepass_file.read(data, b"password", None)
    assert pykeepass.zlib is zlib, "the library has its own again"


@cache
def _small_database() -> bytes:
    return database_with(bytes(1000))


def opened_with(change: Callable[[Any, Any], object]) -> Document:
    """The small database after *change*, which is given it and its entry, read by us."""
    from io import BytesIO

    from pykeepass import PyKeePass

    made = PyKeePass(BytesIO(_small_database()), password="password")
    change(made, made.entries[0])
    target = BytesIO()
    made.save(target)
    return keepass_file.read(target.getvalue(), b"password", None)


def test_one_file_attached_many_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference takes a few bytes, and what it refers to counts each time."""
    from strongroom.formats import keepass_unpacking

    def attach(_made: Any, entry: Any) -> None:
        for number in range(199):
            entry.add_attachment(0, f"again {number}")

    assert sum(len(one.data) == 1000 for one in opened_with(attach).entries) == 200
    monkeypatch.setattr(keepass_unpacking, "UNPACKED_BYTES_MAX", 150_000)
    with pytest.raises(FormatUnsupported, match="hold more"):
        opened_with(attach)


def test_an_attachment_that_is_not_there() -> None:
    """It is damage, and no error of the library's."""
    with pytest.raises(BadFile):
        opened_with(lambda _made, entry: entry.add_attachment(7, "nothing"))


def _refer(text: str) -> Callable[[Any, Any], None]:
    def change(_made: Any, entry: Any) -> None:
        entry.password = text.replace("ME", entry.uuid.hex.upper())

    return change


@pytest.mark.parametrize(
    ("text", "expected"),
    [("{REF:U@I:ME}", "me"), ("{REF:U@T:bank} {REF:T@U:me}", "me bank"), ("{REF:A@I:ME}x", "x"),
     ("{REF:P@I:ME}", None), ("{REF:U@I:zz}", None), ("{REF:U@T:nobody}", None)],
)  # fmt: skip
def test_what_a_field_refers_to(text: str, expected: str | None) -> None:
    """It stays as it is where that leads nowhere, or to itself."""
    found = {one.keys[-1]: one.data.decode() for one in opened_with(_refer(text)).entries}["password"]
    assert found == expected if expected is not None else found.startswith("{REF:")


def test_references_that_multiply() -> None:
    """Each step would have twice as many of them."""
    with pytest.raises(FormatUnsupported, match="refers to more"):
        opened_with(_refer("{REF:P@I:ME}{REF:P@I:ME}{REF:P@I:ME}{REF:P@I:ME}"))


def test_packed_attachments_count_together() -> None:
    """Each of them would fit by itself."""
    import zlib

    from pykeepass.kdbx_parsing import common

    from strongroom.formats import keepass_unpacking

    packed = zlib.compress(bytes(1000))
    with keepass_unpacking.bounded(2_500):
        assert common.zlib.decompress(packed) == common.zlib.decompress(packed) == bytes(1000)
        with pytest.raises(FormatUnsupported):
            common.zlib.decompress(packed)
        with pytest.raises(zlib.error):
            common.zlib.decompress(zlib.compress(b"x")[:-1])


def test_rounds_of_aes() -> None:
    """As many rounds in one call as the library takes one by one."""
    from pykeepass.kdbx_parsing.common import aes_kdf

    from strongroom.crypto.foreign import keepass

    composite, seed = bytes(range(32)), bytes(range(50, 82))
    for rounds in (1, 2, 1_000, 65_536, 65_537):
        assert keepass.aes_kdf(composite, seed, rounds) == aes_kdf(seed, rounds, composite)


ANSIBLE_REFUSED = {
    "another cipher": (WHOLE.replace(b"AES256", b"AES"), FormatUnsupported),
    "version 1.0": (WHOLE.replace(b"1.1", b"1.0"), FormatUnsupported),
    "no header": (WHOLE[1:], BadFile),
    "half a header": (b"$ANSIBLE_VAULT;1.1\n00", BadFile),
    "an odd digit": (WHOLE[:-1], BadFile),
    "no hexadecimal": (WHOLE + b"zz", BadFile),
    "two parts": (b"$ANSIBLE_VAULT;1.1;AES256\n" + b"61610a6161", BadFile),
    "a short MAC": (b"$ANSIBLE_VAULT;1.1;AES256\n" + b"61610a61610a6161", BadFile),
    "nothing": (b"$ANSIBLE_VAULT;1.1;AES256\n", BadFile),
    "too long": (b"$ANSIBLE_VAULT;1.1;AES256\n" + b"61" * 9_000_000, BadFile),
}


@pytest.mark.parametrize("case", ANSIBLE_REFUSED)
def test_ansible_vaults_that_are_none(case: str) -> None:
    """Refused before the password is stretched."""
    data, error = ANSIBLE_REFUSED[case]
    with pytest.raises(error):
        ansible_vault.decrypted(data, b"pw")


def test_ansible_passwords_and_lines() -> None:
    """White space around a password and the width of lines do not count; the label is anything."""
    assert ansible_vault.decrypted(WHOLE, b"  pw\r\n") == b"db: secret\n"
    text = WHOLE.replace(b";AES256", b";AES256;prod").replace(b"1.1", b"1.2").decode()
    header, digits = text.split("\n")
    narrow = "\r\n".join([header, *(digits[place : place + 7] for place in range(0, len(digits), 7)), ""])
    assert ansible_vault.decrypted(narrow.encode(), b"pw") == b"db: secret\n"


def test_ansible_values() -> None:
    """Each of a YAML file's; another password names the line and shows nothing."""
    digits = WHOLE.decode().replace("\n", "\n  ")
    text = f"a: 1\nsecret: !vault |\n  {digits}\nother: !own x\n".encode()
    assert ansible_vault.has_values(text)
    document = ansible_vault.read_values(text, b"pw")
    found = {entry.keys: (entry.data, entry.is_secret, entry.note) for entry in document.entries}
    assert found[("secret",)] == (b"db: secret\n", True, "")
    assert found[("other",)][2] == "has a tag of its own"
    assert not document.can_replace
    with pytest.raises(WrongKey, match="line 2"):
        ansible_vault.read_values(text, b"no")
    with pytest.raises(BadFile, match="line 2"):
        ansible_vault.read_values(text.replace(b"  6", b"  zz6", 1).replace(b"  3", b"  zz3", 1), b"pw")


def test_ansibles_own_test_vaults() -> None:
    """What ansible-core's tests hold, with their passwords: opened, or refused with an error of ours."""
    opened = 0
    with source_package("ansible_core-2.19.14") as archive:
        passwords = [b"test-vault-password", b"example1_password"]
        found = []
        for member in archive.getmembers():
            if "/targets/ansible-vault/" in member.name and member.isfile():
                source = archive.extractfile(member)
                assert source is not None
                data = source.read()
                if "password" in member.name and len(data) < 100 and b"#!" not in data and data.strip():
                    passwords.append(data)
                if ansible_vault.is_vault(data):
                    found.append(data)
    for data in found:
        for password in passwords:
            try:
                ansible_vault.decrypted(data, password)
                opened += 1
                break
            except (StrongroomError, BadFile):
                continue
    assert opened >= 5, (opened, len(found), len(passwords))


def dotenvx_keys() -> list[object]:
    return list(dotenvx_file.parse_keys(bytearray(f"DOTENV_PRIVATE_KEY={DOTENVX_KEY}\n".encode())))


def test_keys_of_dotenvx() -> None:
    """With quotation marks, export, an environment's name, several in one; wiped afterwards; others are refused."""
    one, two = DOTENVX_KEY, "11" * 32
    data = bytearray(f'#/ c\nexport DOTENV_PRIVATE_KEY_CI="{one},{two}"\nDOTENV_PRIVATE_KEY={two}\nX=1\n'.encode())
    assert len(dotenvx_file.parse_keys(data)) == 3
    assert not any(data)
    for wrong in ("", "A=1", "DOTENV_PRIVATE_KEY=", "DOTENV_PRIVATE_KEY=12", f"DOTENV_PRIVATE_KEY={'00' * 32}"):
        with pytest.raises(WrongKey):
            dotenvx_file.parse_keys(bytearray(wrong.encode()))
    with pytest.raises(WrongKey):
        dotenvx_file.parse_keys(bytearray(f"DOTENV_PRIVATE_KEY={','.join([one] * 65)}".encode()))


def test_what_stands_behind_a_dotenvx_key_is_not_taken_for_it() -> None:
    """A name that begins with a hexadecimal digit, on the next line; white space inside a key."""
    found = dotenvx_file.parse_keys(bytearray(f"DOTENV_PRIVATE_KEY={DOTENVX_KEY}\nDEBUG=1\n".encode()))
    assert len(found) == 1
    for inside in (" ", "\t", "\f"):
        with pytest.raises(WrongKey):
            dotenvx_file.parse_keys(bytearray(f"DOTENV_PRIVATE_KEY={DOTENVX_KEY[:7]}{inside}{DOTENVX_KEY[8:]}".encode()))


@pytest.mark.parametrize("value", ["encrypted:%%", "encrypted:", "encrypted:AAAA"])
def test_values_that_dotenvx_did_not_write(value: str) -> None:
    """The line is named."""
    text = f"DOTENV_PUBLIC_KEY=02aa\nOK=1\nA={value}\n".encode()
    assert dotenvx_file.has_values(text)
    with pytest.raises(Tampered, match="line 3"):
        dotenvx_file.read_values(text, dotenvx_keys())  # type: ignore[arg-type]


def fields(data: bytes) -> dict[str, bytes]:
    return {entry.keys[-1]: entry.data for entry in pass_entry.entries(("x",), data)}


PASS_ENTRIES = {
    "a password": (b"secret\n", {"password": b"secret"}),
    "without a line end": (b"secret", {"password": b"secret"}),
    "nothing": (b"", {}),
    "an empty first line": (b"\nuser: me\n", {"username": b"me"}),
    "fields": (b"s\nLogin: me\nURL: http://x\nPIN: 1234\n", {
        "password": b"s", "username": b"me", "url": b"http://x", "PIN": b"1234"}),
    "a name twice": (b"s\nuser: a\nlogin: b\n", {"password": b"s", "username": b"a", "notes": b"login: b"}),
    "prose": (b"s\nfirst line\n\nlast line\n", {"password": b"s", "notes": b"first line\n\nlast line"}),
    "gopass YAML": (b"s\n---\nuser: me\n", {"password": b"s", "username": b"me"}),
    "YAML with a list": (b"s\n---\nuser: me\nl:\n  - a\n", {
        "password": b"s", "username": b"me", "notes": b"---\nl:\n  - a"}),
    "a YAML block": (b"s\nk: |\n  a\n", {"password": b"s", "notes": b"k: |\n  a"}),
    "a URL is no field": (b"s\nhttps://example.net\n", {"password": b"s", "notes": b"https://example.net"}),
    "a one-time password": (b"s\notpauth://totp/x?secret=A\n", {"password": b"s", "totp": b"otpauth://totp/x?secret=A"}),
    "carriage returns": (b"s\r\nuser: me\r\n", {"password": b"s", "username": b"me"}),
    "blanks at the end": (b"s\nuser: me \n", {"password": b"s", "notes": b"user: me "}),
    "gopass MIME": (b"GOPASS-SECRET-1.0\nPassword: s\nUser: me\n\nbody\n", {
        "password": b"s", "username": b"me", "notes": b"body"}),
    "a field called notes": (b"s\nnotes: n\nprose\n", {"password": b"s", "notes": b"n", "notes (text)": b"prose"}),
    "a private key": (b"-----BEGIN X-----\na: b\n", {"content": b"-----BEGIN X-----\na: b\n"}),
    "bytes": (b"\xff\n", {"content": b"\xff\n"}),
    "NUL": (b"a\0b", {"content": b"a\0b"}),
}  # fmt: skip


@pytest.mark.parametrize("case", PASS_ENTRIES)
def test_entries_of_pass(case: str) -> None:
    """Every line is a field or stays in the notes."""
    data, wanted = PASS_ENTRIES[case]
    assert fields(data) == wanted
    words = b" ".join(fields(data).values())
    for word in data.replace(b"---", b"").replace(b"GOPASS-SECRET-1.0", b"").split():
        name = word.rstrip(b":")
        assert name in words or name.lower() in (b"user", b"login", b"url", b"pin", b"password", b"notes"), word


def test_exports_of_password_managers() -> None:
    """Dashlane's and Proton Pass's columns; dates are of no use."""
    dashlane = "username,username2,title,password,note,url,category,otpUrl\nme,,Shop,s3cret,,https://x,Work,otpauth://t\n"
    proton = "type,name,url,email,username,password,note,totp,createTime,modifyTime,vault\n"
    proton += "login,Shop,https://x,me@x,me,s3cret,n,otpauth://t,1,2,Personal\n"

    def read(text: str) -> dict[tuple[str, ...], bytes]:
        document: Document = csv_file.read(text.encode())
        return {entry.keys: entry.data for entry in document.entries}

    assert read(dashlane) == {
        ("Work", "Shop", "username"): b"me", ("Work", "Shop", "password"): b"s3cret",
        ("Work", "Shop", "url"): b"https://x", ("Work", "Shop", "totp"): b"otpauth://t",
    }  # fmt: skip
    assert read(proton) == {
        ("Personal", "Shop", "username"): b"me", ("Personal", "Shop", "password"): b"s3cret",
        ("Personal", "Shop", "url"): b"https://x", ("Personal", "Shop", "totp"): b"otpauth://t",
        ("Personal", "Shop", "email"): b"me@x", ("Personal", "Shop", "notes"): b"n",
    }  # fmt: skip
