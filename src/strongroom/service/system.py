"""The part of Vault's ``sys/`` that clients of a KV v2 mount ask for, and their preflight checks."""

from __future__ import annotations

from strongroom.errors import VaultLocked
from strongroom.items import ReservedPath, parse_folder, parse_path
from strongroom.service import replies
from strongroom.service.call import Call
from strongroom.service.refusals import Refused
from strongroom.service.words import names_of, whole_number
from strongroom.vault.policy import CAPABILITIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.service.interface import Response

VERSION = "1.15.0"
"""What Vault's clients may expect of us; they take it apart and turn features on by it."""
MOUNT = "secret"
_ITEM_KINDS = ("data", "delete", "destroy", "subkeys", "undelete")


def _is_sealed(call: Call) -> bool:
    try:
        return call.vault.is_locked
    except VaultLocked:
        return True


def seal_status(call: Call, _path: str) -> Response:
    """GET sys/seal-status: whether the vault is locked; for everybody."""
    shown = {
        "type": "shamir",
        "initialized": True,
        "sealed": _is_sealed(call),
        "t": 1,
        "n": 1,
        "progress": 0,
        "nonce": "",
        "recovery_seal": False,
        "version": VERSION,
        "migration": False,
        "storage_type": "strongroom",
    }
    return replies.json_response(200, shown)


def health(call: Call, _path: str) -> Response:
    """GET or HEAD sys/health: 200, or 503 when locked, unless the query names other codes."""
    is_sealed = _is_sealed(call)
    name, usual = ("sealedcode", "503") if is_sealed else ("activecode", "200")
    status = whole_number(call.request.query.get(name, usual), name, least=200)
    if status > 599:
        raise Refused(400, f"error parsing {name}")
    shown = {
        "initialized": True,
        "sealed": is_sealed,
        "standby": False,
        "performance_standby": False,
        "replication_performance_mode": "disabled",
        "replication_dr_mode": "disabled",
        "server_time_utc": call.now_us // 1_000_000,
        "version": VERSION,
    }
    response = replies.json_response(status, shown)
    if call.request.method == "HEAD" or status in (204, 304):
        response.body.clear()
    return response


def initialised(_call: Call, _path: str) -> Response:
    """GET sys/init."""
    return replies.json_response(200, {"initialized": True})


def leader(_call: Call, _path: str) -> Response:
    """GET sys/leader, which ``vault status`` asks: there is one server, and no cluster."""
    return replies.json_response(200, {"ha_enabled": False, "is_self": False, "leader_address": ""})


def seal(call: Call, _path: str) -> Response:
    """PUT or POST sys/seal: lock the vault."""
    call.operation = "lock"
    call.owner_only()
    call.keeper.lock()
    return replies.empty()


def mount(call: Call, path: str) -> Response:
    """GET sys/internal/ui/mounts/PATH: that this is a KV v2 mount, which every ``vault kv`` command asks first."""
    call.operation = "mount"
    if path.partition("/")[0] != MOUNT or not (call.has_grants()):
        message = "preflight capability check returned 403, please ensure client's policies grant access to path"
        raise Refused(403, f'{message} "{path}/"', kind="Denied")
    data = {
        "accessor": "kv_strongroom",
        "config": {"default_lease_ttl": 0, "force_no_cache": False, "max_lease_ttl": 0},
        "description": "a strongroom vault",
        "external_entropy_access": False,
        "local": False,
        "options": {"version": "2"},
        "path": f"{MOUNT}/",
        "seal_wrap": False,
        "type": "kv",
        "uuid": replies.new_request_id(),
    }
    return replies.json_response(200, replies.envelope(call.request_id, data))


def capabilities(call: Call, _path: str) -> Response:
    """POST sys/capabilities-self ``{"paths": [..]}``: what the caller may do at each."""
    call.operation = "capabilities"
    body = call.body()
    given = body.get("paths") or body.get("path")
    value = None if given is None else given.value
    paths = names_of(value.split(",") if isinstance(value, str) else value, "paths")
    if not paths or len(paths) > 100:
        raise Refused(400, "paths must be supplied")
    data: dict[str, object] = {path: _capabilities(call, path) for path in paths}
    if len(paths) == 1:
        data["capabilities"] = data[paths[0]]
    return replies.json_response(200, replies.envelope(call.request_id, data, top=data))


def _capabilities(call: Call, path: str) -> list[str]:
    if call.is_owner:
        return ["root"]
    mount_name, _, rest = path.removeprefix("/").partition("/")
    kind, _, name = rest.partition("/")
    try:
        if kind == "metadata" and (not name or name.endswith("/")):
            components = (*parse_folder(ReservedPath(name)), "")
        else:
            components = parse_path(ReservedPath(name))
    except ValueError:
        return ["deny"]
    if mount_name != MOUNT or kind not in (*_ITEM_KINDS, "metadata"):
        return ["deny"]
    found = [one for one in CAPABILITIES if one != "deny" and call.decide(components, one).allowed]
    return sorted(found) or ["deny"]
