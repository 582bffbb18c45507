"""From names that other programs allow to components and fields of a vault's paths.

Injective, and total but for length and lone surrogates.
"""

from __future__ import annotations

from strongroom.items import COMPONENT_BYTES_MAX, FIELD_NAME_BYTES_MAX, check_name

_EMPTY = "%"
"""An empty name; no encoding of another gives it, for a percent sign always brings two digits with it."""


def component(name: str) -> str:
    """*name* as one component of a path: what cannot stand there is percent-encoded, and so is the percent sign.

    Raises: ValueError: it is too long, or holds a lone surrogate.
    """
    return _fitting(name, COMPONENT_BYTES_MAX, "/")


def field_name(name: str) -> str:
    """*name* as the name of a field, encoded as `component` does, with slashes left alone.

    Raises: ValueError: as `component`.
    """
    return _fitting(name, FIELD_NAME_BYTES_MAX, "")


def name_of(component: str) -> str:
    """The name that `component` was given; what it cannot have made is given back as it is."""
    from urllib.parse import unquote

    if component == _EMPTY:
        return ""
    try:
        return unquote(component, errors="strict")
    except UnicodeDecodeError:
        return component


def _fitting(name: str, limit: int, forbidden: str) -> str:
    if not name:
        return _EMPTY
    if name in (".", "..") and forbidden:
        return "".join(f"%{ord(one):02X}" for one in name)
    plain = "%" not in name and not any(one in name for one in forbidden)
    if plain and _is_fine(name, limit):
        return name
    fitting = "".join(_encoded(one) if one in "%" + forbidden or not one.isprintable() else one for one in name)
    inner = fitting.strip()
    start = fitting.index(inner) if inner else len(fitting)
    # White space at the ends, which a name may not have.
    fitting = _encoded(fitting[:start]) + inner + _encoded(fitting[start + len(inner) :])
    if not _is_fine(fitting, limit):
        fitting = "".join(one if one.isascii() else _encoded(one) for one in fitting)
    check_name(fitting, "name", limit)
    return fitting


def _is_fine(name: str, limit: int) -> bool:
    try:
        check_name(name, "name", limit)
    except ValueError:
        return False
    return True


def _encoded(text: str) -> str:
    try:
        return "".join(f"%{byte:02X}" for byte in text.encode("utf-8"))
    except UnicodeEncodeError:
        raise ValueError("the name holds half of a surrogate pair") from None
