"""From the agent's answers to items, versions and errors. Pure.

JSON that an item holds is kept as it was spelled: an item read through the agent is the
item that was stored.
"""

from __future__ import annotations

import json
from binascii import Error, a2b_base64

from strongroom import errors
from strongroom.items import Field, Item, ItemSettings, Version
from strongroom.secret import wipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta

    from strongroom.remote.messages import ResponseHead

    Source = str

_BYTES = "$bytes"
_DECODER = json.JSONDecoder()
_SPACE = " \t\n\r"
_UNITS = {"h": 3_600, "m": 60, "s": 1}

# The classes that the agent names in a header, and no others.
_CLASSES: tuple[type[errors.StrongroomError], ...] = (
    errors.VaultLocked,
    errors.NotFound,
    errors.Denied,
    errors.WrongKey,
    errors.Tampered,
    errors.RolledBack,
    errors.UnsafePermissions,
    errors.Conflict,
    errors.OutcomeUnknown,
    errors.Expired,
    errors.FormatUnsupported,
    errors.StoreUnavailable,
)
_BY_NAME = {kind.__name__: kind for kind in _CLASSES}
_BY_STATUS = {
    403: errors.Denied,
    404: errors.NotFound,
    409: errors.Conflict,
    410: errors.Expired,
    503: errors.VaultLocked,
}
LOCKED = "the agent of this vault is locked"


def failure(head: ResponseHead, body: bytearray, what: str) -> Exception:
    """The exception that a response of 400 and more stands for, as the vault itself would have raised it.

    Args:
        what: the item, folder or vault that was asked for; for messages.
    """
    name = head.headers.get("x-strongroom-error", "")
    message, advice = _explained(body)
    if name in ("ValueError", "TypeError"):
        return (ValueError if name == "ValueError" else TypeError)(message or "the agent refused the request")
    kind = _BY_NAME.get(name) or _BY_STATUS.get(head.status) or errors.StoreUnavailable
    if kind is errors.VaultLocked:
        return errors.VaultLocked(LOCKED, advice="strongroom unlock")
    if kind is errors.Denied:
        return errors.Denied(f"you may not do this to {what}", advice="ask the vault's owner: strongroom grant add")
    if not message:
        message = f"there is no {what}" if kind is errors.NotFound else f"the agent answered {head.status}"
    if kind is errors.OutcomeUnknown:
        request_id = head.headers.get("x-strongroom-request-id", "")
        return errors.OutcomeUnknown(message, advice=advice, request_id=request_id)
    return kind(message, advice=advice)


def _explained(body: bytearray) -> tuple[str, str]:
    try:
        found = json.loads(bytes(body))
        message = " ".join(str(one) for one in found["errors"]).partition("\n")[0]
        return message, str(found.get("advice", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", ""


def data_of(body: bytearray) -> Source:
    """The JSON text of ``data`` in Vault's envelope.

    Args:
        body: wiped.

    Raises: StoreUnavailable: it is no such answer.
    """
    try:
        return _members(str(body, "utf-8"))["data"]
    except (ValueError, KeyError):
        # `from None`: the cause holds the text.
        raise _not_understood() from None
    finally:
        wipe(body)


def loads(source: Source) -> object:
    """The meaning of one JSON text.

    Raises: StoreUnavailable: it is none.
    """
    try:
        return _DECODER.decode(source)
    except ValueError:
        raise _not_understood() from None


def names(source: Source, member: str) -> list[str]:
    """The list of texts under *member*.

    Raises: StoreUnavailable: it is no such answer.
    """
    found = object_of(source).get(member)
    if not isinstance(found, list):
        raise _not_understood()
    return [str(name) for name in found]


def items(paths: Iterable[str], source: Source) -> dict[str, Item]:
    """The items under their paths.

    Raises: StoreUnavailable: it is no such answer.
    """
    try:
        found = _members(source)
        return {path: item(path, found[path]) for path in paths}
    except (ValueError, KeyError):
        raise _not_understood() from None


def item(path: str, source: Source) -> Item:
    """The item in ``{"data": {..}, "metadata": {..}}``.

    Raises: StoreUnavailable: it is no such answer.
    """
    try:
        parts = _members(source)
        metadata = json.loads(parts["metadata"])
        own = metadata["strongroom"]
        secret, kinds = frozenset(own["secret"]), own["kinds"]
        fields = {
            name: _field(name, text, kinds.get(name, "text"), is_secret=name in secret)
            for name, text in _members(parts["data"]).items()
        }
        return Item(path, version(metadata), fields)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _not_understood() from None


def _field(name: str, source: Source, kind: str, *, is_secret: bool) -> Field:
    if kind == "json":
        return Field(name, kind, source.encode("utf-8"), is_secret=is_secret)
    value = json.loads(source)
    if kind == "bytes":
        try:
            return Field(name, kind, a2b_base64(value[_BYTES].encode("ascii"), strict_mode=True), is_secret=is_secret)
        except Error:
            raise _not_understood() from None
    return Field(name, kind, value.encode("utf-8"), is_secret=is_secret)


def version(metadata: Mapping[str, object]) -> Version:
    """KV v2's metadata of one version, and what ``strongroom`` in it adds.

    Raises: ValueError, KeyError, TypeError, AttributeError: it is something else.
    """
    own = metadata["strongroom"]
    if not isinstance(own, dict) or type(metadata["version"]) is not int:
        raise TypeError("metadata")
    return Version(
        metadata["version"],
        created_us=microseconds(metadata["created_time"]),
        deleted_us=microseconds(metadata["deletion_time"]),
        expires_us=microseconds(own["expires"]),
        destroyed=metadata["destroyed"] is True,
        author=str(own["author"]),
    )


def written(source: Source) -> Version:
    """The version in the answer to a write.

    Raises: StoreUnavailable: it is no such answer.
    """
    try:
        return version(object_of(source))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _not_understood() from None


def written_many(source: Source) -> dict[str, Version]:
    """The versions in the answer to a write of several items.

    Raises: StoreUnavailable: it is no such answer.
    """
    try:
        found = object_of(source)["versions"]
        return {path: version(metadata) for path, metadata in found.items()}  # type: ignore[attr-defined]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _not_understood() from None


def versions(source: Source) -> list[Version]:
    """The versions in the answer to a question for an item's history, in its order.

    Raises: StoreUnavailable: it is no such answer.
    """
    try:
        return [version(metadata) for metadata in object_of(source)["versions"]]  # type: ignore[attr-defined]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _not_understood() from None


def dated(source: Source) -> list[tuple[str, Version]]:
    """The items that expire soon, each with its current version.

    Raises: StoreUnavailable: it is no such answer.
    """
    try:
        found = object_of(source)["items"]
        return [(str(one["path"]), version(one["metadata"])) for one in found]  # type: ignore[attr-defined]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _not_understood() from None


def settings(source: Source) -> ItemSettings:
    """The settings of an item or of the vault, as KV v2 shows them.

    Raises: StoreUnavailable: it is no such answer.
    """
    found = object_of(source)
    try:
        custom = found.get("custom_metadata") or {}
        return ItemSettings(
            max_versions=int(found["max_versions"]),  # type: ignore[call-overload]
            cas_required=found["cas_required"] is True,
            delete_version_after=_span(found["delete_version_after"]),
            custom_metadata={str(name): str(text) for name, text in custom.items()},  # type: ignore[attr-defined]
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _not_understood() from None


def microseconds(text: object) -> int:
    """A time of the wire, which is RFC 3339 in UTC with six digits after the second; 0 for none."""
    if text == "":
        return 0
    from datetime import UTC, datetime, timedelta

    if not isinstance(text, str) or not text.endswith("Z"):
        raise ValueError("time")
    moment = datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _span(text: object) -> timedelta | None:
    """A duration as Vault writes it, such as ``1h0m1.5s``; None for zero."""
    from datetime import timedelta

    number, microseconds = "", 0
    for character in str(text):
        if character in _UNITS:
            whole, _, part = number.partition(".")
            microseconds += (int(whole or "0") * 1_000_000 + int(part.ljust(6, "0")[:6])) * _UNITS[character]
            number = ""
        else:
            number += character
    if number:
        raise ValueError("duration")
    return timedelta(microseconds=microseconds) if microseconds else None


def object_of(source: Source) -> dict[str, object]:
    """The meaning of one JSON object.

    Raises: StoreUnavailable: it is none.
    """
    found = loads(source)
    if not isinstance(found, dict):
        raise _not_understood()
    return found


def _members(source: Source) -> dict[str, Source]:
    """The members of a JSON object, each as it is spelled.

    Raises: ValueError: it is none.
    """
    found: dict[str, Source] = {}
    place = _skip(source, 0)
    if source[place : place + 1] != "{":
        raise ValueError("object")
    place = _skip(source, place + 1)
    while source[place : place + 1] != "}":
        name, place = _DECODER.raw_decode(source, place)
        place = _skip(source, place)
        if source[place : place + 1] != ":" or not isinstance(name, str):
            raise ValueError("member")
        start = _skip(source, place + 1)
        _, end = _DECODER.raw_decode(source, start)
        found[name] = source[start:end]
        place = _skip(source, end)
        if source[place : place + 1] == ",":
            place = _skip(source, place + 1)
    return found


def _skip(source: Source, place: int) -> int:
    while source[place : place + 1] in _SPACE and place < len(source):
        place += 1
    return place


def _not_understood() -> errors.StoreUnavailable:
    return errors.StoreUnavailable(
        "the agent's answer was not understood", advice="start it anew with this version: strongroom agent stop"
    )
