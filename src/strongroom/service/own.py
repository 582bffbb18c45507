"""Our own words, below ``/v1/strongroom/``: what KV v2 has no name for, and the quick read.

Source: docs/service.md#own-endpoints.
"""

from __future__ import annotations

from functools import lru_cache

from strongroom.errors import VaultLocked
from strongroom.items import Item
from strongroom.service import replies
from strongroom.service.call import Call
from strongroom.service.fields import describe, own_metadata, rfc3339
from strongroom.service.interface import Response
from strongroom.service.refusals import Refused
from strongroom.service.versions import shown_item
from strongroom.service.words import fingerprint, flag, names_of, time_span, whole_number
from strongroom.vault.reads import open_fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.items import Version

PATHS_MAX = 10_000


def raw(call: Call, path: str) -> Response:
    """GET raw/PATH?field=NAME[&version=N][&allow_expired=true]: the bytes of one field, and nothing else."""
    call.operation = "read"
    query = call.request.query
    if call.is_owner:
        # The vault refuses what is no path; for its owner there is nothing to decide before.
        call.touched[path] = ()
    else:
        call.item(path, "read")
    version = whole_number(query["version"], "version", least=1) if "version" in query else None
    allow_expired = "allow_expired" in query and flag(query["allow_expired"])
    # What `Vault.get` does, without an `Item`: this is what nearly every request is.
    entry, fields = open_fields(call.vault._core, path, version, allow_expired=allow_expired)
    name = query.get("field")
    if name is None:
        if len(fields) != 1:
            raise Refused(400, f"the item has {len(fields)} fields: name one")
        [name] = fields
    field = fields.get(name) or Item(path, entry.describe(), fields).field(name)
    call.touched[path] = (name,)
    headers = _raw_headers(field.kind, field.is_secret, entry.number)
    return Response(200, [*headers], bytearray(field.data))


@lru_cache(256)
def _raw_headers(kind: str, is_secret: bool, version: int) -> tuple[tuple[str, str], ...]:
    return (
        *replies.RAW_HEADERS,
        ("X-Strongroom-Kind", kind),
        ("X-Strongroom-Secret", "true" if is_secret else "false"),
        ("X-Strongroom-Version", str(version)),
    )


def status(call: Call, _path: str) -> Response:
    """GET status[?fingerprint=HEX]: the keeper's, and the vault's when it is open; for the owner."""
    call.owner_only()
    asked = call.request.query.get("fingerprint")
    shown: dict[str, object] = dict(call.keeper.status())
    try:
        found = call.vault.status()
        shown["vault_status"] = {
            "location": found.location,
            "vault_id": found.vault_id,
            "lineage": found.lineage,
            "epoch": found.epoch,
            "fingerprint": found.fingerprint,
            "answers_to": None if asked is None else call.vault.answers_to(fingerprint(asked)),
            "commit_counter": found.commit_counter,
            "slots": found.slots,
            "data_keys": found.data_keys,
            "created_time": rfc3339(found.created),
            "last_commit_time": rfc3339(call.vault.last_commit),
        }
    except VaultLocked:
        shown["vault_status"] = None
    return replies.json_response(200, replies.envelope(call.request_id, shown))


def walk(call: Call, _path: str) -> Response:
    """GET walk?prefix=FOLDER[&deleted=true]: every path below it that the caller may list."""
    call.operation = "list"
    query = call.request.query
    folder = call.folder(call.named(query.get("prefix", "")))
    paths = call.vault.walk(folder, deleted=flag(query.get("deleted", "false")))
    found = [path for path in paths if call.may_list_item(path)]
    return replies.json_response(200, replies.envelope(call.request_id, {"paths": found}))


def history(call: Call, path: str) -> Response:
    """GET history/PATH: every version that is known, oldest first."""
    call.operation = "read metadata"
    call.item(path, "read")
    versions = [described(version) for version in call.vault.history(path)]
    return replies.json_response(200, replies.envelope(call.request_id, {"versions": versions}))


def described(version: Version) -> dict[str, object]:
    """KV v2's metadata of a version, and ours, without the item's custom metadata."""
    return {**describe(version, None), "strongroom": own_metadata(version)}


def get_many(call: Call, _path: str) -> Response:
    """POST get-many ``{"paths": [..]}``: several items with their values, read at one moment."""
    call.operation = "read"
    given = call.body().get("paths")
    names = dict.fromkeys(names_of(None if given is None else given.value, "paths"))
    if len(names) > PATHS_MAX:
        raise Refused(400, f"at most {PATHS_MAX:,} items are read at once")
    if not names:
        call.some_grant()
    paths = [call.item(call.named(path), "read") for path in names]
    found = call.vault.get_many(paths)
    for item in found.values():
        call.touched[item.path] = item.names()
    shown = {path: shown_item(call, item) for path, item in found.items()}
    return replies.json_response(200, replies.envelope(call.request_id, shown))


def expiring(call: Call, _path: str) -> Response:
    """GET expiring?prefix=FOLDER&within_us=N: what expires soon or has, the soonest first, for who may read it."""
    call.operation = "list"
    query = call.request.query
    folder = call.folder(call.named(query.get("prefix", "")))
    within = time_span(whole_number(query.get("within_us", "0"), "within_us"))
    found = [
        {"path": path, "metadata": described(version)}
        for path, version in call.vault.expiring(within, folder)
        if call.may_list_item(path) and call.may(path, "read")
    ]
    return replies.json_response(200, replies.envelope(call.request_id, {"items": found}))
