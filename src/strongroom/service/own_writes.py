"""Our own writes, below ``/v1/strongroom/``: several items at once, another name, an older version.

Source: docs/service.md#own-endpoints.
"""

from __future__ import annotations

from strongroom.items import parse_path
from strongroom.service import replies
from strongroom.service.call import Call
from strongroom.service.fields import Options, describe, own_metadata, to_fields
from strongroom.service.json_text import Member, members
from strongroom.service.own import described
from strongroom.service.refusals import Refused
from strongroom.service.words import parse_request_id, whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.items import Version
    from strongroom.service.interface import Response


def move(call: Call, _path: str) -> Response:
    """POST move ``{"source": .., "target": ..}``; folders, which end with a slash, for the owner alone.

    What is moved can be read at its new place, so that others need to read the old one as well.
    """
    call.operation = "move"
    body = call.body()
    source, target = _path_in(call, body, "source"), _path_in(call, body, "target")
    if source.endswith("/"):
        call.touched |= {source: (), target: ()}
        call.owner_only()
    else:
        for capability in ("read", "delete"):
            call.item(source, capability)
        call.item(target, "create")
    with call.writing():
        call.vault.move(source, target)
    return replies.empty()


def restore(call: Call, _path: str) -> Response:
    """POST restore ``{"path": .., "version": N, "request_id": ..}``; without a version the deletion is taken back."""
    call.operation = "restore"
    body = call.body()
    path = call.item(_path_in(call, body, "path"), "update")
    given = body.get("version")
    version = None if given is None or given.value is None else whole_number(given.value, "version", least=1)
    with call.writing(_request_id(body)):
        written = call.vault.restore(path, version)
    return _version_reply(call, path, written)


def set_many(call: Call, _path: str) -> Response:
    """POST set-many ``{"items": {PATH: {"data": .., "options": ..}}, "request_id": ..}``: all of them or none."""
    call.operation = "write"
    body = call.body()
    if "items" not in body:
        raise Refused(400, "no items provided")
    given = {call.named(path): members(member.source) for path, member in members(body["items"].source).items()}
    if not given:
        call.some_grant()
    for path in given:
        call.item(path, "create", "update", "deposit")
    versions: dict[str, object] = {}
    with call.writing(_request_id(body)):
        for path, parts in given.items():
            if "data" not in parts:
                raise Refused(400, "no data provided")
            options = Options(parts.get("options"))
            fields = to_fields(members(parts["data"].source), options)
            call.touched[path] = tuple(fields)
            call.check_write(path, "create", "update", "deposit")
            written = call.vault.set(path, fields, cas=options.cas, expires=options.lifetime())
            versions[path] = described(written)
    return replies.json_response(200, replies.envelope(call.request_id, {"versions": versions}))


def _version_reply(call: Call, path: str, version: Version) -> Response:
    metadata = {**describe(version, call.shown_settings(path)), "strongroom": own_metadata(version)}
    return replies.json_response(200, replies.envelope(call.request_id, metadata))


def _request_id(body: dict[str, Member]) -> bytes | None:
    given = body.get("request_id")
    return None if given is None or given.value is None else parse_request_id(given.value)


def _path_in(call: Call, body: dict[str, Member], name: str) -> str:
    given = body.get(name)
    if given is None or not isinstance(given.value, str):
        raise Refused(400, f"{name} is a path")
    try:
        parse_path(call.named(given.value.removesuffix("/")))
    except ValueError as error:
        raise Refused(400, str(error)) from None
    return call.named(given.value)
