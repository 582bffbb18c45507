"""KV v2's ``data``, ``delete``, ``undelete``, ``destroy`` and ``subkeys``: the values of items."""

from __future__ import annotations

from strongroom.errors import Conflict, NotFound
from strongroom.service import replies
from strongroom.service.call import Call, exists
from strongroom.service.fields import Options, describe, merge, own_metadata, to_fields
from strongroom.service.json_text import Member, loads, members
from strongroom.service.refusals import NoContent, Refused
from strongroom.service.words import flag, whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.items import Item, Version
    from strongroom.service.interface import Response

MERGE_PATCH = "application/merge-patch+json"


def read(call: Call, path: str) -> Response:
    """GET data/PATH[?version=N]: one version with its values."""
    call.operation = "read"
    item = _item(call, path)
    call.touched[path] = item.names()
    return replies.json_response(200, replies.envelope(call.request_id, shown_item(call, item)))


def shown_item(call: Call, item: Item) -> dict[str, object]:
    """An item with its values, as KV v2 shows it."""
    metadata = {
        **describe(item.version, call.vault.settings(item.path)),
        "strongroom": own_metadata(item.version, item),
    }
    return {"data": {name: item.field(name) for name in item.names()}, "metadata": metadata}


def subkeys(call: Call, path: str) -> Response:
    """GET subkeys/PATH[?version=N][&depth=N]: the names of the values, each with null."""
    call.operation = "subkeys"
    depth = whole_number(call.request.query.get("depth", "0"), "depth")
    item = _item(call, path, absent="subkeys")
    shown = {name: _names(item, name, depth) for name in item.names()}
    data = {"subkeys": shown, "metadata": describe(item.version, call.vault.settings(path))}
    return replies.json_response(200, replies.envelope(call.request_id, data))


def _names(item: Item, name: str, depth: int) -> object:
    field = item.field(name)
    return _bare(loads(str(field.data, "utf-8")), depth - 1) if field.kind == "json" and depth != 1 else None


def _bare(value: object, depth: int) -> object:
    if not isinstance(value, dict) or not value:
        return None
    return {name: None if depth == 1 else _bare(inner, depth - 1) for name, inner in value.items()}


def _item(call: Call, path: str, *, absent: str = "data") -> Item:
    """The version that the query names, or KV v2's answer that it is deleted or destroyed."""
    call.item(path, "read")
    query = call.request.query
    number = whole_number(query.get("version") or "0", "version") or None
    try:
        return call.vault.get(path, version=number, allow_expired=flag(query.get("allow_expired", "false")))
    except NotFound:
        known = _gone(call, path, number)
        if known is None or call.is_strict:
            raise
        raise NoContent({absent: None, "metadata": known}) from None


def _gone(call: Call, path: str, number: int | None) -> dict[str, object] | None:
    """What is known of a version whose values cannot be read; None for one that never was, or is there no longer."""
    versions = call.vault.history(path)
    for version in versions:
        if version.number == (versions[-1].number if number is None else number):
            return describe(version, call.shown_settings(path))
    return None


def write(call: Call, path: str) -> Response:
    """POST or PUT data/PATH: a new version that holds exactly these values."""
    call.operation = "write"
    call.item(path, "create", "update", "deposit")
    given, options = _parts(call)
    fields = to_fields(given, options)
    call.touched[path] = tuple(fields)
    with call.writing(options.request_id):
        call.check_write(path, "create", "update", "deposit")
        try:
            version = call.vault.set(path, fields, cas=options.cas, expires=options.lifetime())
        except Conflict:
            if call.is_strict:
                raise
            raise _not_current(options) from None
    return _written(call, path, version)


def _not_current(options: Options) -> Refused:
    what = "required for this call" if options.cas is None else "did not match the current version"
    return Refused(400, f"check-and-set parameter {what}", kind="Conflict")


def patch(call: Call, path: str) -> Response:
    """PATCH data/PATH: merge these values into the current version."""
    call.operation = "patch"
    call.item(path, "update", "create")
    content_type = call.request.headers.get("content-type", "").partition(";")[0].strip()
    if content_type != MERGE_PATCH:
        raise Refused(415, f"PATCH requires Content-Type of {MERGE_PATCH}")
    given, options = _parts(call)
    vault = call.vault
    if not options.create:
        call.demand(path, "update")
    current: Item | None = None
    with call.writing(options.request_id):
        try:
            current = vault.get(path, allow_expired=True)
        except NotFound:
            if call.is_strict and not options.create:
                raise
            if not options.create:
                raise _nothing_to_merge_into(call, path, options) from None
        if options.create:
            call.check_write(path, "create", "update")
        changed = merge(current, given, options, deep=not call.is_strict)
        call.touched[path] = tuple(changed)
        try:
            version = vault.patch(
                path, changed, cas=options.cas, expires=options.new_lifetime(), create=options.create
            )
        except Conflict:
            if call.is_strict:
                raise
            raise _not_current(options) from None
    return _written(call, path, version)


def _nothing_to_merge_into(call: Call, path: str, options: Options) -> NoContent | Refused:
    """KV v2's answer for an absent or deleted item; check-and-set comes first where there is an item."""
    if not exists(call.vault, path):
        return NoContent(None)
    known = _gone(call, path, None)
    current = 0 if known is None else known["version"]
    is_required = call.vault.settings(path).cas_required or call.vault.settings().cas_required
    if is_required if options.cas is None else options.cas != current:
        return _not_current(options)
    return NoContent(known)


def _parts(call: Call) -> tuple[dict[str, Member], Options]:
    body = call.body()
    if "data" not in body:
        raise Refused(400, "no data provided")
    options = Options(body.get("options"))
    data = body["data"]
    return ({} if data.value is None else members(data.source)), options


def _written(call: Call, path: str, version: Version) -> Response:
    settings = call.shown_settings(path)
    metadata = {**describe(version, settings), "strongroom": own_metadata(version)}
    return replies.json_response(200, replies.envelope(call.request_id, metadata))


def delete(call: Call, path: str) -> Response:
    """DELETE data/PATH: mark the current version deleted; 204 also when there is none."""
    call.operation = "delete"
    call.item(path, "delete")
    with call.writing():
        try:
            call.vault.delete(path)
        except NotFound:
            # KV v2 says the same when there was nothing to delete.
            if call.is_strict:
                raise
    return replies.empty()


def delete_versions(call: Call, path: str) -> Response:
    """POST delete/PATH ``{"versions": [..]}``."""
    call.operation = "delete"
    return _each_version(call, path, "delete")


def undelete_versions(call: Call, path: str) -> Response:
    """POST undelete/PATH ``{"versions": [..]}``."""
    call.operation = "undelete"
    return _each_version(call, path, "update")


def destroy_versions(call: Call, path: str) -> Response:
    """POST destroy/PATH ``{"versions": [..]}``: for good."""
    call.operation = "destroy"
    return _each_version(call, path, "delete")


def _each_version(call: Call, path: str, capability: str) -> Response:
    call.item(path, capability)
    given = call.body().get("versions")
    numbers = _numbers(None if given is None else given.value)
    vault = call.vault
    act = {"delete": vault.delete, "undelete": vault.undelete, "destroy": vault.destroy}[call.operation]
    with call.writing():
        try:
            known = {version.number for version in vault.history(path)}
        except NotFound:
            if call.is_strict:
                raise
            return replies.empty()
        # Numbers that never were, or are there no longer, are passed over, as KV v2 does.
        wanted = [number for number in dict.fromkeys(numbers) if number in known or call.is_strict]
        if wanted:
            act(path, versions=wanted)
    return replies.empty()


def _numbers(value: object) -> list[int]:
    if isinstance(value, str):
        value = value.split(",")
    if isinstance(value, int):
        value = [value]
    if not value or not isinstance(value, list):
        raise Refused(400, "No version number provided")
    return [whole_number(number, "versions", least=1) for number in value]
