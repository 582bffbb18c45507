"""Values and metadata of YAML files of SOPS's as text: which kind a text has, and how a value is written.

Source: go-yaml, resolve.go; getsops/sops, stores/yaml/store.go.
"""

from __future__ import annotations

import re

from strongroom.encrypted_files.sops.tree import COMMENT, NULL, Leaf, line_ends
from strongroom.encrypted_files.sops.values import checked_int, go_float, is_encrypted, short_float
from strongroom.formats.interface import BadFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

NULLS = ("", "~", "null", "Null", "NULL")
_BOOLS = ("true", "True", "TRUE", "false", "False", "FALSE")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INT = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|0[0-7]*|[1-9][0-9]*)")
_DATE = re.compile(r"[0-9]{4}-")
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2}))?"
)
_INFINITE = (float("inf"), float("-inf"))
# What every parser of YAML, of either version, takes for a text without quotation marks.
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_/.@+-]*(?: [A-Za-z0-9_/.@+-]+)*")
# What YAML allows in no text, or takes for the end of a line.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_WORDS = frozenset("y n yes no on off true false null".split())


def resolve(text: str, line: int) -> tuple[str, str]:
    """The kind of a value without quotation marks, as SOPS finds it, and what its MAC sees.

    Raises: BadFile: a number or time that SOPS would change.
    """
    if text in NULLS:
        return NULL, ""
    if text in _BOOLS:
        return "bool", text.capitalize()
    if _DATE.match(text):
        return _time(text, line)
    digits = text.replace("_", "") if text[:1] in "+-.0123456789" else text
    try:
        if _INT.fullmatch(digits):
            sign = -1 if digits.startswith("-") else 1
            return "int", str(checked_int(sign * _whole(digits.lstrip("+-"))))
        if _FLOAT.fullmatch(digits) and float(digits) not in _INFINITE:
            return "float", go_float(float(digits))
    except (ValueError, OverflowError):
        raise BadFile(f"line {line} has a number that SOPS would change: put it in quotation marks") from None
    if digits.lower().lstrip("+-") in (".inf", ".nan"):
        raise BadFile(f"line {line} has a number that is not finite: put it in quotation marks")
    return "str", text


def _whole(digits: str) -> int:
    prefix = digits[:2].lower()
    if prefix in ("0x", "0b", "0o"):
        return int(digits, 0)
    return int(digits, 8 if digits.startswith("0") else 10)


def _time(text: str, line: int) -> tuple[str, str]:
    found = _TIME.fullmatch(text)
    if found is None:
        if re.fullmatch(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?", text):
            raise BadFile(f"line {line} has a time that SOPS would change: put it in quotation marks")
        return "str", text
    if not _is_time(text):
        return "str", text
    day, clock, fraction, zone = found.groups()
    parts = (fraction or "").rstrip("0").rstrip("."), "Z" if zone in (None, "+00:00", "-00:00") else zone
    return "time", f"{day}T{clock or '00:00:00'}{''.join(parts)}"


def _is_time(text: str) -> bool:
    from datetime import datetime

    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def write(leaf: Leaf, kind: str, data: str) -> tuple[tuple[int, int], str]:
    """See `Format.write`."""
    if kind == COMMENT:
        # The comment that stood as an item of a list has lost its dash.
        sign = "#" if leaf.place[0] != "#" else ""
        return leaf.span, sign + data
    if kind == "float":
        data = short_float(data)
        data += "" if any(one in data for one in ".e") else ".0"
    if kind == "bool":
        data = data.lower()
    if is_encrypted(data):
        # Inside of brackets its own would end there.
        return leaf.span, data if leaf.column >= 0 else f'"{data}"'
    return leaf.span, _text(data, leaf.column) if kind == "str" else data


def _text(data: str, column: int) -> str:
    """*data* as a text: as it is, as a block of lines, or in quotation marks."""
    if _PLAIN.fullmatch(data) and data.lower() not in _WORDS and len(data) <= 200:
        return data
    lines = data.removesuffix("\n").split("\n")
    is_block = len(lines) > 1 and column >= 0 and lines[0][:1] not in ("", " ", "\t") and not data.endswith("\n\n")
    if is_block and all(line.isprintable() for line in lines) and lines[-1].strip():
        indent = " " * (column + 2)
        sign = "|" if data.endswith("\n") else "|-"
        return "\n".join((sign, *(indent + line if line else "" for line in lines)))
    from json import dumps

    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", dumps(data, ensure_ascii=False))


def with_metadata(text: str, metadata: Mapping[str, object]) -> str:
    """See `Format.with_metadata`."""
    end = line_ends(text)
    if text and not text.endswith("\n"):
        text += end
    return text + end.join(("sops:", *_block(metadata, 4))) + end


def _block(value: Mapping[str, object], indent: int) -> list[str]:
    lines = list[str]()
    for name, one in value.items():
        start = f"{' ' * indent}{name}:"
        if isinstance(one, dict):
            lines += [start, *_block(one, indent + 4)]
        elif isinstance(one, list):
            lines.append(start if one else start + " []")
            for item in one:
                first, *rest = _block(item, indent + 6)
                lines += [f"{' ' * (indent + 4)}- {first.lstrip()}", *rest]
        else:
            lines.append(f"{start} {_metadata_text(one, indent)}")
    return lines


def _metadata_text(value: object, indent: int) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool | int):
        return str(value).lower()
    text = str(value)
    if text.endswith("\n") and "\n" in text[:-1]:
        return "\n".join(("|", *(" " * (indent + 4) + line for line in text[:-1].split("\n"))))
    if is_encrypted(text):
        return text
    from json import dumps

    return dumps(text)
