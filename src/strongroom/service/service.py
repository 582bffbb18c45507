"""The service itself: finds who answers a request, lets it answer, and writes it down before it is sent.

Read `Service.handle` first. Nothing that goes wrong in here leaves as an exception, and
no error carries a value.
"""

from __future__ import annotations

from strongroom.errors import StrongroomError, VaultLocked
from strongroom.service import metadata, own, own_writes, replies, system, versions
from strongroom.service.call import Call
from strongroom.service.interface import Response
from strongroom.service.refusals import NoContent, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.service.interface import AuditSink, Keeper, Request
    from strongroom.vault.policy import Principal

    Handler = Callable[[Call, str], Response]

_RAW = "/v1/strongroom/raw/"
_KV = "/v1/secret/"
_UNAUDITED = frozenset((system.seal_status, system.health, system.initialised, system.leader, own.status))
"""What says nothing of items, and answers while the vault is locked, when there is nothing to write it into."""

_CHANGES = frozenset(("write", "patch", "delete", "undelete", "destroy", "configure", "move", "restore"))

# The first word below the mount, and the method -> who answers.
_ITEMS: dict[str, dict[str, Handler]] = {
    "data": {"GET": versions.read, "POST": versions.write, "PATCH": versions.patch, "DELETE": versions.delete},
    "delete": {"POST": versions.delete_versions},
    "undelete": {"POST": versions.undelete_versions},
    "destroy": {"POST": versions.destroy_versions},
    "subkeys": {"GET": versions.subkeys},
    "metadata": {
        "GET": metadata.read,
        "POST": metadata.write,
        "PATCH": metadata.patch,
        "DELETE": metadata.destroy,
        "LIST": metadata.list_names,
    },
}
# Whole paths.
_PLACES: dict[str, dict[str, Handler]] = {
    "/v1/secret/config": {"GET": metadata.read_config, "POST": metadata.write_config},
    "/v1/sys/seal-status": {"GET": system.seal_status},
    "/v1/sys/health": {"GET": system.health, "HEAD": system.health},
    "/v1/sys/init": {"GET": system.initialised},
    "/v1/sys/leader": {"GET": system.leader},
    "/v1/sys/seal": {"POST": system.seal},
    "/v1/sys/capabilities-self": {"POST": system.capabilities},
    "/v1/strongroom/status": {"GET": own.status},
    "/v1/strongroom/walk": {"GET": own.walk},
    "/v1/strongroom/expiring": {"GET": own.expiring},
    "/v1/strongroom/get-many": {"POST": own.get_many},
    "/v1/strongroom/move": {"POST": own_writes.move},
    "/v1/strongroom/restore": {"POST": own_writes.restore},
    "/v1/strongroom/set-many": {"POST": own_writes.set_many},
}
# What goes on with a path of its own.
_PREFIXES: tuple[tuple[str, dict[str, Handler]], ...] = (
    (_RAW, {"GET": own.raw}),
    ("/v1/strongroom/history/", {"GET": own.history}),
    ("/v1/sys/internal/ui/mounts/", {"GET": system.mount}),
)


class Service:
    """Answers requests about one vault.

    Args:
        keeper: holds the vault.
        owner_uid: who may do everything.
        audit: is told of every answer before it is given.
    """

    def __init__(self, keeper: Keeper, *, owner_uid: int, audit: AuditSink) -> None:
        self._keeper = keeper
        self._owner_uid = owner_uid
        self._audit = audit
        self._latest_us = 0

    def handle(self, request: Request, principal: Principal, now_us: int) -> Response:
        """Answer one request. Never raises.

        Args:
            principal: who asks, as the kernel says.
            now_us: µs since 1970 UTC; a clock that was put back brings no grant to life again.
        """
        self._latest_us = now_us = max(now_us, self._latest_us)
        call = Call(request, principal, self._keeper, self._owner_uid, now_us, replies.new_request_id())
        handler: Handler | None = None
        try:
            handler, path = _find(request)
            if handler not in _UNAUDITED:
                call.vault  # noqa: B018 - a locked vault says so to everybody alike
            response, outcome = handler(call, call.named(path)), "ok"
        except NoContent as nothing:
            if nothing.content is None:
                response = replies.empty(404)
            else:
                response = replies.json_response(404, replies.envelope(call.request_id, nothing.content))
            response.headers.append((replies.ERROR_HEADER, "NotFound"))
            outcome = "NotFound"
        except Refused as refusal:
            response, outcome = replies.error(refusal.status, [refusal.message], refusal.kind), refusal.kind
        except StrongroomError as problem:
            is_own = call.is_strict or request.path.startswith("/v1/strongroom/")
            response = replies.from_error(problem, is_owner=call.is_owner, is_own=is_own)
            outcome = type(problem).__name__
        except (TypeError, ValueError) as misuse:
            # Subclasses such as UnicodeDecodeError quote what they were given.
            message = str(misuse) if type(misuse) is ValueError and call.is_owner else "the request is not valid"
            response, outcome = replies.error(400, [message], "ValueError"), "ValueError"
        except Exception as bug:
            response, outcome = replies.error(500, ["internal error"], "StrongroomError"), type(bug).__name__
        if handler in _UNAUDITED or outcome == VaultLocked.__name__:
            return response
        return self._written_down(call, response, outcome)

    def _written_down(self, call: Call, response: Response, outcome: str) -> Response:
        """*response*, once the audit log has it; else one that carries nothing."""
        try:
            for path, fields in (call.touched or {"": ()}).items():
                self._audit.record(
                    call.principal,
                    call.operation or "other",
                    path,
                    fields,
                    outcome,
                    call.request_id,
                    call.now_us,
                )
        except Exception:
            response.body[:] = bytes(len(response.body))
            # What was committed stands: whoever is told of a failure must not take it for undone.
            is_done = outcome == "ok" and call.operation in _CHANGES
            kind = "OutcomeUnknown" if is_done else "StoreUnavailable"
            return replies.error(500, ["the audit log cannot be written"], kind)
        return response


def _find(request: Request) -> tuple[Handler, str]:
    """Who answers, and the path that it is about.

    Raises: Refused: nobody does.
    """
    method, path = request.method, request.path
    if method == "PUT":
        method = "POST"
    if path.startswith(_RAW) and method == "GET":
        return own.raw, path[len(_RAW) :]
    _check_headers(request)
    if method == "GET" and "list" in request.query and request.query["list"] not in ("", "0", "false"):
        method = "LIST"
    methods, rest = _methods(path)
    handler = methods.get(method)
    if handler is None:
        raise Refused(405, "1 error occurred:\n\t* unsupported operation\n\n")
    return handler, rest


def _methods(path: str) -> tuple[dict[str, Handler], str]:
    if path in _PLACES:
        return _PLACES[path], ""
    if path.startswith(_KV):
        kind, _, rest = path[len(_KV) :].partition("/")
        if kind in _ITEMS:
            return _ITEMS[kind], rest
    for prefix, methods in _PREFIXES:
        if path.startswith(prefix):
            return methods, path[len(prefix) :]
    raise Refused(404, "no handler for this route. route entry not found.", kind="NotFound")


def _check_headers(request: Request) -> None:
    """Refuse what would change the meaning of a request and is not done here."""
    if request.headers.get("x-vault-namespace", "").strip("/"):
        raise Refused(404, "there are no namespaces here", kind="NotFound")
    if request.headers.get("x-vault-wrap-ttl", "0") not in ("", "0", "0s"):
        raise Refused(400, "responses are not wrapped here")
