"""Fields on the wire: plain JSON for Vault's clients, with what they do not know kept beside it.

Text is a string, bytes are ``{"$bytes": "base64"}``, other JSON stands as it was spelled.
``metadata.strongroom`` in replies, and ``options.strongroom`` in writes, name the secret
fields and the kinds that are not plain to see. Source: docs/service.md#values.
"""

from __future__ import annotations

from binascii import Error, a2b_base64

from strongroom.items import FIELD_NAME_BYTES_MAX, FIELDS_MAX, Field, check_name, is_secret_name
from strongroom.service.json_text import Member, dumps, kind_on_wire, loads, members
from strongroom.service.refusals import Refused
from strongroom.service.words import flag, names_of, parse_request_id, time_span, whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from typing import Literal

    from strongroom.items import Item, ItemSettings, Version

_BYTES = "$bytes"
_KINDS = ("text", "bytes", "json")


class Options:
    """The ``options`` of a write.

    Attributes:
        cas: the version that must be current; None for any.
        secret: names of the fields that are secret; None to go by their names.
        kinds: name -> ``text``, ``bytes`` or ``json``, where it is not plain to see.
        lifetime_us: after which reading fails; 0 for never, None when nothing is said.
        request_id: 16 bytes; a repeated write with the same one writes nothing.
        create: whether a merge may make an item where there is nothing to merge into.
    """

    __slots__ = ("cas", "create", "kinds", "lifetime_us", "request_id", "secret")

    def __init__(self, given: Member | None) -> None:
        self.cas: int | None = None
        self.secret: frozenset[str] | None = None
        self.kinds: dict[str, str] = {}
        self.lifetime_us: int | None = None
        self.request_id: bytes | None = None
        self.create = False
        options = {} if given is None or given.value is None else members(given.source)
        if "cas" in options and options["cas"].value is not None:
            self.cas = whole_number(options["cas"].value, "check-and-set parameter", least=-1)
        if "strongroom" in options:
            self._take(members(options["strongroom"].source))

    def _take(self, own: dict[str, Member]) -> None:
        if "secret" in own:
            self.secret = frozenset(names_of(own["secret"].value, "secret"))
        if "kinds" in own:
            self.kinds = {name: _kind(member.value) for name, member in members(own["kinds"].source).items()}
        if "lifetime_us" in own:
            value = own["lifetime_us"].value
            self.lifetime_us = 0 if value == "never" else whole_number(value, "lifetime_us")
        if "create" in own:
            self.create = flag(own["create"].value)
        if "request_id" in own:
            self.request_id = parse_request_id(own["request_id"].value)


    def lifetime(self) -> timedelta | None:
        """How long a new value holds; None for ever."""
        return time_span(self.lifetime_us) if self.lifetime_us else None

    def new_lifetime(self) -> timedelta | Literal["never"] | None:
        """As `lifetime` for a merge: None keeps the date that there is."""
        return "never" if self.lifetime_us == 0 else self.lifetime()


def to_fields(given: Mapping[str, Member], options: Options) -> dict[str, Field]:
    """The stored form of the values in a write or a merge.

    Raises: Refused: a name or value that cannot be stored; it does not repeat the value.
    """
    _check_count(given)
    return {name: _to_field(name, member, options) for name, member in given.items()}


def _check_count(given: Mapping[str, Member]) -> None:
    # Before their names go into a line of the audit log, which has an end as well.
    if len(given) > FIELDS_MAX:
        raise Refused(400, f"an item holds at most {FIELDS_MAX} fields")


def _to_field(name: str, member: Member, options: Options) -> Field:
    try:
        check_name(name, "field name", FIELD_NAME_BYTES_MAX)
    except ValueError as error:
        raise Refused(400, str(error)) from None
    value = member.value
    kind = options.kinds.get(name) or _plain_kind(value)
    try:
        if kind == "bytes" and isinstance(value, dict) and set(value) == {_BYTES}:
            data = a2b_base64(value[_BYTES].encode("ascii"), strict_mode=True)
        elif kind == "text" and isinstance(value, str):
            data = value.encode("utf-8")
        elif kind == "json":
            data = member.source.encode("utf-8")
        else:
            raise Refused(400, f"the field {name!r} is not of the kind that is named for it")
    except (AttributeError, UnicodeEncodeError, Error, ValueError):
        # `from None`: the cause may hold the value.
        raise Refused(400, f"the value of {name!r} is neither Unicode text nor base64") from None
    if options.secret is not None:
        is_secret = name in options.secret
    else:
        is_secret = kind == "bytes" or isinstance(value, dict | list) or is_secret_name(name)
    return Field(name, kind, data, is_secret=is_secret)


def _plain_kind(value: object) -> str:
    if isinstance(value, str):
        return "text"
    return "bytes" if isinstance(value, dict) and set(value) == {_BYTES} else "json"


def _kind(value: object) -> str:
    if value not in _KINDS:
        raise Refused(400, f"a kind is one of {', '.join(_KINDS)}")
    return str(value)


def merge(
    current: Item | None, patch: Mapping[str, Member], options: Options, *, deep: bool = True
) -> dict[str, Field | None]:
    """What a PATCH makes of the fields that it names; None removes one.

    Args:
        current: None when there is nothing to merge into.
        deep: whether objects merge all the way down.

    Source: RFC 7396.
    """
    _check_count(patch)
    changed: dict[str, Field | None] = {}
    for name, member in patch.items():
        if member.value is None:
            changed[name] = None
            continue
        kind = options.kinds.get(name) or _plain_kind(member.value)
        if deep and kind == "json" and isinstance(member.value, dict):
            known = _known_json(current, name)
            merged = _merged(known, member.value)
            member = Member(merged, dumps(merged))
        field = _to_field(name, member, options)
        if options.secret is None and current is not None and name in current:
            field.is_secret = current.is_secret(name)
        changed[name] = field
    return changed


def _known_json(item: Item | None, name: str) -> object:
    if item is None or name not in item or item.field(name).kind != "json":
        return None
    return loads(str(item.field(name).data, "utf-8"))


def _merged(known: object, patch: Mapping[str, object]) -> dict[str, object]:
    result = dict(known) if isinstance(known, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            result[name] = _merged(result.get(name), value)
        else:
            result[name] = value
    return result


def describe(version: Version, settings: ItemSettings | None) -> dict[str, object]:
    """KV v2's metadata of one version."""
    return {
        **times(version),
        "custom_metadata": (settings.custom_metadata or None) if settings else None,
        "destroyed": version.destroyed,
        "version": version.number,
    }


def times(version: Version) -> dict[str, object]:
    """When a version was made, and when it was or will be deleted; empty for never."""
    return {"created_time": rfc3339(version.created), "deletion_time": rfc3339(version.deleted)}


def rfc3339(moment: object) -> str:
    """An aware UTC time in Vault's form; empty for None."""
    from datetime import datetime

    if not isinstance(moment, datetime):
        return ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}Z"


def own_metadata(version: Version, item: Item | None = None) -> dict[str, object]:
    """What Vault's clients do not ask for, and ours need to lose nothing."""
    own: dict[str, object] = {"author": version.author, "expires": rfc3339(version.expires)}
    if item is not None:
        fields = [item.field(name) for name in item.names()]
        own["secret"] = [field.name for field in fields if field.is_secret]
        own["kinds"] = {field.name: kind_on_wire(field) for field in fields if field.kind != "text"}
    return own
