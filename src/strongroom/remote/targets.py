"""Request targets: paths and queries, percent-encoded and back. Pure, no imports but the error."""

from __future__ import annotations

from strongroom.remote.messages import BadMessage

_UNRESERVED = b"-._~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PLAIN = _UNRESERVED + b"/"


def split_target(target: str) -> tuple[str, dict[str, str]]:
    """Take a request target apart.

    Args:
        target: of a `RequestHead`.

    Returns: the decoded path, which begins with ``/``, and the decoded query; a name without ``=`` has the
        value ``""``.
    Raises: BadMessage: malformed percent-encoding, not UTF-8, or a name twice in the query.
    """
    path, question, rest = target.partition("?")
    query: dict[str, str] = {}
    if question and rest:
        for part in rest.split("&"):
            raw_name, _, raw_value = part.partition("=")
            name = unquote(raw_name.replace("+", " "))
            if name in query:
                raise BadMessage(400, "a name is twice in the query")
            query[name] = unquote(raw_value.replace("+", " "))
    return unquote(path), query


def unquote(text: str) -> str:
    """*text* with its percent-encoding taken off.

    Raises: BadMessage: ``%`` without two hex digits, or bytes that are not UTF-8.
    """
    if "%" not in text:
        return text
    first, *others = text.split("%")
    data = bytearray(first, "ascii")
    try:
        for part in others:
            digits = part[:2]
            if len(digits) != 2 or not digits.isalnum():  # int() takes signs, spaces and underscores too
                raise ValueError
            data.append(int(digits, 16))
            data += part[2:].encode("ascii")
        return data.decode("utf-8")
    except ValueError:
        raise BadMessage(400, "malformed percent-encoding") from None


def quote(text: str) -> str:
    """Percent-encode a path or a query's name or value; ``/`` stays as it is.

    Raises: UnicodeEncodeError: lone surrogates, which no path and no name holds.
    Source: RFC 3986, section 2.3.
    """
    data = text.encode("utf-8")
    if not data.translate(None, _PLAIN):
        return text
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in data)
