"""The formats that are read, and which of them a file's name stands for. A fixed table: nothing registers itself."""

from __future__ import annotations

from strongroom.formats.interface import BadFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from strongroom.formats.interface import Document

FORMATS: Final = {
    "dotenv": "dotenv",
    "ini": "ini_file",
    "toml": "toml_file",
    "yaml": "yaml_file",
    "json": "json_file",
    "xml": "xml_file",
    "netrc": "netrc_file",
    "python": "settings_module",
    "csv": "csv_file",
    "kv": "kv_export",
}
"""Name -> the module of this room that reads it."""

SEALED: Final = ("ansible", "dotenvx", "keepass", "pass", "sops")
"""Formats that something has to open; the door does, with what the user gives it."""

CREDENTIALS_ONLY: Final = frozenset(("netrc", "csv", "kv", "keepass", "pass"))
"""Formats that hold nothing else, so that all of it is taken."""

_ENDINGS = {
    ".env": "dotenv", ".ini": "ini", ".cfg": "ini", ".conf": "ini", ".toml": "toml", ".yaml": "yaml", ".yml": "yaml",
    ".json": "json", ".xml": "xml", ".config": "xml", ".netrc": "netrc", ".py": "python", ".csv": "csv",
    ".kdbx": "keepass",
}  # fmt: skip
_NAMES = {"netrc": "netrc", "_netrc": "netrc", ".netrc": "netrc", ".pypirc": "ini", "credentials": "ini"}


def format_of(name: str) -> str:
    """The format that a file's name stands for.

    Args:
        name: the last component of its path.

    Raises: BadFile: none that is known.
    """
    lower = name.lower()
    if lower == ".env" or lower.startswith(".env."):
        return "dotenv"
    dot = lower.rfind(".")
    found = _NAMES.get(lower) or (_ENDINGS.get(lower[dot:]) if dot >= 0 else None)
    if found is None:
        raise BadFile("the name does not say which format the file has")
    return found


def reader(format: str, dialect: str) -> Callable[[bytes | bytearray], Document]:
    """What reads *format*, which is one of `FORMATS`.

    Args:
        dialect: of dotenv.
    """
    module = __import__(f"{__package__}.{FORMATS[format]}", fromlist=["read"])
    read: Callable[..., Document] = module.read
    if format == "dotenv":
        return lambda data: read(data, dialect=dialect)
    return read
