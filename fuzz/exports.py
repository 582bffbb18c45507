"""Seeds of what password managers export: KeePass databases by their library, and CSV of several programs."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from struct import pack
from typing import Any
from unittest.mock import patch

from strongroom.formats import keepass_file

PASSWORD = "x"
CSV = (
    b'url,username,password\nhttps://a.test/,me,"x""y"\n',
    b"name,url,username,password,note\nbank,https://a.test,me,x,\nbank,https://a.test,me,y,n\nbank,,me,z,\nbank,,,w,\n",
    b"folder,favorite,type,name,notes,fields,reprompt,login_uri,login_username,login_password,login_totp\n"
    b"work/mail,1,login,box,n,,0,https://a.test:8/x,me,x,otpauth://totp/a?secret=AA\n\n",
    b'"Group","Title","Username","Password","URL","Notes","TOTP","Icon","Last Modified","Created"\r\n'
    b'"Root\\a","t","me","x","","","","0","",""\r\n',
    b'"url","username","password","httpRealm","formActionOrigin","guid"\n"moz-proxy://[::1]:1","","x",,"",""\n',
    b"\xef\xbb\xbfpath,password,pin\na/b,x,1\n", b"url,password\n,x\n", b"url,password\na\n", b"url,login_uri\na,b\n",
    b"password,user\na,b\n", b"url,,x\n", b'url,password\n"a"b,c\n', b"",
)  # fmt: skip


@cache
def keepass() -> tuple[bytes, ...]:
    """A database with a little of everything, and the beginnings of others."""
    from pykeepass import create_database

    made = create_database(BytesIO(), password=PASSWORD)
    costs = made.kdbx.header.value.dynamic_header.kdf_parameters.data.dict
    costs["M"].value, costs["I"].value, costs["P"].value = 8 * 1024, 1, 1
    group = made.add_group(made.root_group, "work")
    bank = made.add_entry(group, "bank", "me", "x", url="https://a.test", notes="n", otp="otpauth://totp/a?secret=AA")
    bank.set_custom_property("pin", "1", protect=True)
    bank.set_custom_property("password", "2")
    bank.add_attachment(made.add_binary(b"text"), "a.txt")
    bank.add_attachment(made.add_binary(b"\xff"), "notes")
    made.add_entry(group, "bank", "me", f"{{REF:P@I:{bank.uuid.hex.upper()}}}", force_creation=True)
    made.add_entry(made.root_group, "", "", "")
    made.trash_entry(made.add_entry(group, "old", "me", "y"))
    target = BytesIO()
    made.save(target)
    whole = target.getvalue()
    fields = pack("<BH", 6, 8) + pack("<Q", 6_000) + pack("<BH", 5, 32) + bytes(32) + pack("<BH", 0, 0)
    third = whole[:8] + pack("<HH", 1, 3) + fields
    dear = third.replace(pack("<Q", 6_000), pack("<Q", 2**40))
    return whole, third, dear, whole[:4] + b"\x65" + whole[5:], whole[:90]


def read_keepass(data: bytes) -> Any:
    """A database that may cost little: the bounds of what a person waits for are no bounds for a fuzzer."""
    low: dict[str, Any] = {"AES_ROUNDS_MAX": 10_000, "ARGON2_MEMORY_BYTES_MAX": 2**20, "ARGON2_WORK_BYTES_MAX": 2**24}
    with patch.multiple(keepass_file, **low):
        return keepass_file.read(data, PASSWORD.encode(), None)
