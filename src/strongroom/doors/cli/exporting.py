"""Items as JSON, as a dotenv file, and as shell assignments: exactly, or refused with the names that do not fit."""

from __future__ import annotations

import re

from strongroom.doors.cli.exit_codes import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from strongroom.items import Field, Item
    from strongroom.vault.vault import Vault

_ITEMS_AT_ONCE = 200
_NOT_IN_NAMES = re.compile(r"[^A-Z0-9]+")
# What python-dotenv, Compose, django-environ, decouple, node and a shell read alike between single quotes:
# anything but these. Measured with those six on 150 values.
_NOT_IN_DOTENV = re.compile(r"['\\$\r\n\0]")
# The last three are ends of lines for whoever reads with str.splitlines, such as django-environ.
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")
# django-environ takes off both kinds of quotes, one after the other.
_QUOTED_TWICE = re.compile(r'".*"', re.DOTALL)


def items_at(vault: Vault, paths: Sequence[str], folders: Sequence[str]) -> dict[str, Item]:
    """The items at *paths* and below *folders*.

    Raises: StrongroomError: as `Vault.get_many`; one that is missing fails the whole.
    """
    wanted = list(dict.fromkeys([*paths, *(path for folder in folders for path in vault.walk(folder))]))
    found: dict[str, Item] = {}
    for start in range(0, len(wanted), _ITEMS_AT_ONCE):
        found.update(vault.get_many(wanted[start : start + _ITEMS_AT_ONCE]))
    return found


def text_of(kind: str, items: Mapping[str, Item], chosen: Mapping[str, bytes]) -> bytearray:
    """The whole file; the caller wipes it.

    Args:
        kind: ``"json"``, ``"env"`` or ``"shell"``.
        chosen: variables with names of their own.

    Raises: UsageError: two values would have one name, or the format cannot carry one.
    """
    if kind == "json":
        return _json(items)
    variables = _variables(items)
    for name in chosen:
        if name in variables:
            raise UsageError(f"{name} would be given twice")
    variables.update(chosen)
    refused: dict[str, str] = {}
    lines: list[str] = []
    for name, value in variables.items():
        text, why = _line(kind, name, value)
        if why:
            refused.setdefault(why, "")
            refused[why] += f"{', ' if refused[why] else ''}{name}"
        lines.append(text)
    if refused:
        raise UsageError(
            f"{kind} cannot carry exactly " + "; ".join(f"{names} ({why})" for why, names in refused.items()),
            advice="strongroom export --format json carries everything\n"
            "strongroom run --file NAME=REFERENCE hands any value to a program",
        )
    return bytearray("".join(lines), "utf-8")


def _json(items: Mapping[str, Item]) -> bytearray:
    """Put together by hand, so that JSON which an item holds stays as it was spelled: 1.10 is not 1.1."""
    from json import dumps

    shown = []
    for path, item in items.items():
        fields = (f"    {dumps(name)}: {_json_value(item.field(name))}" for name in item.names())
        shown.append(f"  {dumps(path)}: {{\n" + ",\n".join(fields) + "\n  }")
    return bytearray("{\n" + ",\n".join(shown) + "\n}\n", "utf-8")


def _json_value(field: Field) -> str:
    from json import dumps

    from strongroom.doors.cli.fields import field_to_json

    shown = field_to_json(field)
    if field.kind != "json":
        return dumps(shown)
    text = str(field.data, "utf-8")
    # `{"$json": ...}` where the bare text would read as something else.
    is_wrapped = isinstance(shown, dict) and list(shown) == ["$json"]
    return f'{{"$json": {text}}}' if is_wrapped else text


def _variables(items: Mapping[str, Item]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    origins: dict[str, str] = {}
    for path, item in items.items():
        for field in item.names():
            name = variable_name(path, field)
            if name in found:
                raise UsageError(
                    f"{path}#{field} and {origins[name]} would both be {name}",
                    advice="name them yourself: --env NAME=strongroom://PATH#FIELD",
                )
            found[name] = bytes(item.field(field).data)
            origins[name] = f"{path}#{field}"
    return found


def variable_name(path: str, field: str) -> str:
    """``DB_PROD_PASSWORD`` for the field ``password`` of ``db/prod``.

    Raises: UsageError: a letter beyond ASCII, or nothing is left.
    """
    text = f"{path}_{field}"
    name = _NOT_IN_NAMES.sub("_", text.upper()).strip("_")
    if not text.isascii() or not name:
        raise UsageError(
            f"{path}#{field} has no name that a variable could have", advice="name it yourself: --env NAME=REFERENCE"
        )
    return f"_{name}" if name[0].isdigit() else name


def _line(kind: str, name: str, value: bytes) -> tuple[str, str]:
    """One assignment, or why there is none."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return "", "not UTF-8"
    if "\0" in text:
        return "", "a NUL"
    if kind == "shell":
        return f"export {name}='" + text.replace("'", "'\\''") + "'\n", ""
    if _NOT_IN_DOTENV.search(text):
        return "", "a single quote, $, backslash or newline"
    if _INVISIBLE.search(text):
        return "", "a control character or line separator"
    if _QUOTED_TWICE.fullmatch(text):
        return "", "double quotes around it"
    return f"{name}='{text}'\n", ""
