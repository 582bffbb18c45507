"""One decrypted entry of a pass or gopass store as fields: the password in its first line, then ``name: value``.

Nothing is lost: what is no field is kept as notes, line by line. Pure.
"""

from __future__ import annotations

import re

from strongroom.formats.interface import Entry

_FIELD = re.compile(r"([^\s:][^:]{0,63}?):[ \t]+(\S.*)")
_NAMES = {"user": "username", "login": "username", "username": "username", "url": "url", "website": "url"}
_MIME = "GOPASS-SECRET-1.0"
_PLAIN = frozenset(("username", "url", "email"))


def entries(keys: tuple[str, ...], data: bytes) -> list[Entry]:
    """The fields of one entry; empty where it holds nothing.

    Args:
        keys: the names that lead to it.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return [Entry((*keys, "content"), data, kind="bytes", is_secret=True)]
    if text.startswith("-----BEGIN ") or "\0" in text:
        # A key or another file: its first line is no password.
        return [Entry((*keys, "content"), data, is_secret=True)]
    lines = text.split("\n")
    fields = dict[str, str]()
    first = lines.pop(0).removesuffix("\r")
    if first == _MIME:
        lines = [re.sub(r"^Password:[ \t]", "password: ", line) for line in lines]
    elif first:
        fields["password"] = first
    rest = [line.removesuffix("\r") for line in lines if not _take(line.removesuffix("\r"), fields)]
    # The mark before gopass's YAML says nothing where all of it became fields.
    notes = "\n".join(rest).strip("\n")
    if notes.strip() not in ("", "---"):
        fields["notes" if "notes" not in fields else "notes (text)"] = notes
    return [
        Entry((*keys, name), value.encode("utf-8"), is_secret=None if name in _PLAIN else True)
        for name, value in fields.items()
    ]


def _take(line: str, fields: dict[str, str]) -> bool:
    """Make a field of a line, if it is one and none has its name yet."""
    if line.startswith("otpauth://"):
        name, value = "totp", line
    else:
        found = _FIELD.fullmatch(line)
        if found is None:
            return False
        name, value = _NAMES.get(found[1].lower(), found[1]), found[2]
        # What YAML would not read as this text stays with its neighbours: blocks, lists, quotation marks.
        if value[0] in "|>[{&*!'\"" and name != "password":
            return False
    if name in fields or line != line.rstrip():
        return False
    fields[name] = value
    return True
