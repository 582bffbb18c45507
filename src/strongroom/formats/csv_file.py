"""CSV files with a header line, such as the passwords that browsers and password managers export. Only read.

Chrome, Edge, Firefox, Safari, Bitwarden, Dashlane, KeePassXC, LastPass, 1Password and Proton Pass differ in the
names of their columns.
"""

from __future__ import annotations

from strongroom.formats.interface import BadFile, Document, Entry, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# Column in lower case -> the field that it becomes; None: of no use in a vault.
_COLUMNS: Mapping[str, str | None] = {
    "url": "url", "login_uri": "url", "website": "url", "web site": "url", "uri": "url",
    "username": "username", "login_username": "username", "user name": "username", "user": "username",
    "login": "username", "login name": "username",
    "password": "password", "login_password": "password",
    "totp": "totp", "login_totp": "totp", "otpauth": "totp", "otp": "totp", "otpurl": "totp", "otpsecret": "totp",
    "notes": "notes", "note": "notes", "extra": "notes", "comments": "notes",
    "httprealm": None, "formactionorigin": None, "guid": None, "timecreated": None, "timelastused": None,
    "timepasswordchanged": None, "favorite": None, "fav": None, "reprompt": None, "archived": None, "icon": None,
    "last modified": None, "created": None, "type": None, "tags": None, "createtime": None, "modifytime": None,
}  # fmt: skip
_TITLES = ("path", "title", "name", "account")
_FOLDERS = ("folder", "group", "grouping", "category", "vault")
_SECRET_FIELDS = frozenset(("password", "totp", "notes"))


def read(data: bytes | bytearray) -> Document:
    """Every row as an item: folders, then its title, or the host of its URL, then the fields.

    Raises: BadFile: not CSV, no header, no column that names a row, a row of another length.
    """
    text, bom = decode(data)
    import csv
    from io import StringIO

    limit = csv.field_size_limit(len(text) + 1)
    try:
        rows = csv.reader(StringIO(text, newline=""), strict=True)
        header = [name.strip() for name in next(rows, [])]
        columns = [_COLUMNS.get(name.lower(), name) for name in header]
        _check_header(header, columns)
        entries, taken = list[Entry](), dict[tuple[str, ...], int]()
        for row in rows:
            if any(one.strip() for one in row):
                entries += _row(header, columns, row, rows.line_num, taken)
    except csv.Error:
        raise BadFile("this is not CSV") from None
    finally:
        csv.field_size_limit(limit)
    return Document(text, entries, bom=bom)


def _check_header(header: list[str], columns: list[str | None]) -> None:
    if not header or not all(header):
        raise BadFile("the first line does not name every column")
    named = [name for name in columns if name is not None]
    if len(set(named)) != len(named):
        raise BadFile("two columns mean the same")
    lower = {name.lower() for name in header}
    if "url" not in columns and not lower.intersection(_TITLES):
        raise BadFile(f"no column names the rows; one is called {', '.join(_TITLES)} or url")


def _row(
    header: list[str], columns: list[str | None], row: list[str], line: int, taken: dict[tuple[str, ...], int]
) -> list[Entry]:
    if len(row) != len(header):
        raise BadFile(f"line {line} has {len(row)} columns, and the header {len(header)}")
    by_name = {name.lower(): value.strip() for name, value in zip(header, row, strict=True)}
    fields = {name: value for name, value in zip(columns, row, strict=True) if name is not None and value}
    title = next((by_name[name] for name in _TITLES if by_name.get(name)), "") or host(fields.get("url", ""))
    if not title:
        raise BadFile(f"line {line} has neither a title nor a URL")
    folders = next((by_name[name] for name in _FOLDERS if by_name.get(name)), "")
    # Folders of KeePassXC and LastPass are paths; so is a column that says so.
    outer = [part for part in folders.replace("\\", "/").split("/") if part]
    is_path = next((name for name in _TITLES if by_name.get(name)), "") == "path"
    keys = free_keys((*outer, *(title.split("/") if is_path else (title,))), fields.get("username", ""), taken)
    for name in (*_TITLES, *_FOLDERS):
        fields = {one: value for one, value in fields.items() if one.lower() != name}
    return [
        Entry((*keys, name), value.encode("utf-8"), line=line, is_secret=True if name in _SECRET_FIELDS else None)
        for name, value in fields.items()
    ]


def host(url: str) -> str:
    """The host of *url*, or all of it where it has none."""
    rest = url.partition("://")[2] or url
    return rest.partition("/")[0].rpartition("@")[2].removeprefix("www.") or rest


def free_keys(keys: tuple[str, ...], username: str, taken: dict[tuple[str, ...], int]) -> tuple[str, ...]:
    """*keys*, or with the user's name or a number behind them when another row has them already."""
    *outer, last = keys
    if keys in taken and username:
        last = f"{last} {username}"
        keys = (*outer, last)
    first = keys
    number = taken.get(first, 1)
    while keys in taken:
        number += 1
        keys = (*outer, f"{last} {number}")
    # Where to look from next time: ten thousand rows may have one name.
    taken[first] = number
    taken.setdefault(keys, 1)
    return keys
