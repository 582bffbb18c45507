"""KV v2's ``metadata`` and ``config``: versions, settings and names, never a value."""

from __future__ import annotations

from strongroom.errors import NotFound
from strongroom.service import replies
from strongroom.service.call import Call
from strongroom.service.fields import own_metadata, rfc3339, times
from strongroom.service.refusals import NoContent, Refused
from strongroom.service.settings import Settings, shown
from strongroom.service.versions import MERGE_PATCH
from strongroom.service.words import flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.service.interface import Response


def read(call: Call, path: str) -> Response:
    """GET metadata/PATH: every version that is known, and the item's settings."""
    call.operation = "read metadata"
    call.item(path, "read")
    settings = call.vault.settings(path)
    versions = call.vault.history(path)
    data = {
        **shown(settings),
        "created_time": rfc3339(versions[0].created) if versions else "",
        "current_version": versions[-1].number if versions else 0,
        "custom_metadata": settings.custom_metadata or None,
        "oldest_version": versions[0].number if versions and versions[0].number > 1 else 0,
        "updated_time": rfc3339(versions[-1].created) if versions else "",
        "versions": {
            str(version.number): {
                **times(version),
                "destroyed": version.destroyed,
                "strongroom": own_metadata(version),
            }
            for version in versions
        },
    }
    return replies.json_response(200, replies.envelope(call.request_id, data))


def list_names(call: Call, prefix: str) -> Response:
    """LIST metadata/FOLDER, or GET with ``?list=true``: names directly in it; folders end with a slash.

    Deleted items are among them, as in KV v2; ``?deleted=false`` leaves them out.
    """
    call.operation = "list"
    folder = call.folder(prefix)
    deleted = flag(call.request.query.get("deleted", "true"))
    names = [name for name in call.vault.list(folder, deleted=deleted) if call.may_see(folder + name)]
    if not names and not call.is_strict:
        raise NotFound("nothing there")
    return replies.json_response(200, replies.envelope(call.request_id, {"keys": names}))


def write(call: Call, path: str) -> Response:
    """POST or PUT metadata/PATH: the item's settings; custom metadata is replaced as a whole."""
    call.operation = "configure"
    call.item(path, "create", "update")
    settings = Settings(call.body())
    with call.writing():
        call.check_write(path, "create", "update")
        settings.apply(call.vault, path, create=not call.is_strict)
    return replies.empty()


def patch(call: Call, path: str) -> Response:
    """PATCH metadata/PATH: the item's settings; custom metadata is merged, and null removes an entry."""
    call.operation = "configure"
    call.item(path, "update")
    if call.request.headers.get("content-type", "").partition(";")[0].strip() != MERGE_PATCH:
        raise Refused(415, f"PATCH requires Content-Type of {MERGE_PATCH}")
    settings = Settings(call.body())
    with call.writing():
        try:
            settings.merge(call.vault.settings(path).custom_metadata)
        except NotFound:
            raise NoContent(None) from None
        settings.apply(call.vault, path)
    return replies.empty()


def destroy(call: Call, path: str) -> Response:
    """DELETE metadata/PATH: the item with all its versions, for good; 204 also when there is none."""
    call.operation = "destroy"
    call.item(path, "delete")
    with call.writing():
        try:
            call.vault.destroy(path)
        except NotFound:
            # KV v2 says the same when there was nothing to destroy.
            if call.is_strict:
                raise
    return replies.empty()


def read_config(call: Call, _path: str) -> Response:
    """GET config: what holds for items that do not say otherwise."""
    call.operation = "read config"
    call.owner_only()
    return replies.json_response(200, replies.envelope(call.request_id, shown(call.vault.settings())))


def write_config(call: Call, _path: str) -> Response:
    """POST config."""
    call.operation = "configure"
    call.owner_only()
    settings = Settings(call.body())
    with call.writing():
        settings.apply(call.vault, None)
    return replies.empty()
