"""The service itself: finds who answers a request, lets it answer, and writes it down before it is sent.

Read `Service.handle` first. Nothing that goes wrong in here leaves as an exception, and
no error carries a value.
"""

from __future__ import annotations

from strongroom.errors import StrongroomError, VaultLocked
from strongroom.secret import wipe
from strongroom.service import file_values, metadata, own, own_writes, replies, scanning, system, versions
from strongroom.service.call import Call
from strongroom.service.interface import Response
from strongroom.service.refusals import NoContent, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from strongroom.service.interface import AuditEntry, AuditSink, Handler, Keeper, Request
    from strongroom.vault.policy import Principal

_RAW = "/v1/strongroom/raw/"
_KV = "/v1/secret/"
_UNAUDITED = frozenset((system.seal_status, system.health, system.initialised, system.leader, own.status))
"""What says nothing of items, and answers while the vault is locked, when there is nothing to write it into."""

_TOGETHER_BYTES = 1024 * 1024
"""As soon as the answers to several requests are longer than this, they are given before the next are made."""
_NOTHING: dict[str, tuple[str, ...]] = {"": ()}
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
    "/v1/strongroom/scan-begin": {"POST": scanning.begin},
    "/v1/strongroom/scan": {"POST": scanning.find},
    "/v1/strongroom/file-value": {"POST": file_values.value},
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
        # Unique, not secret: 80 random bits of this object, and a count.
        self._ids = replies.new_request_id()[:24]
        self._count = 0

    def handle(self, request: Request, principal: Principal, now_us: int) -> Response:
        """Answer one request. Never raises.

        Args:
            principal: who asks, as the kernel says.
            now_us: µs since 1970 UTC; a clock that was put back brings no grant to life again.
        """
        return self.handle_all(((request, principal),), now_us)[0]

    def handle_all(self, asked: Sequence[tuple[Request, Principal]], now_us: int) -> list[Response]:
        """Answer several requests, one after the other, and write them down at once. Never raises.

        Args:
            asked: more than one only if they all read.

        Returns: the answers to the first of them, at least to one; to fewer than there are when they are long.
        """
        self._latest_us = now_us = max(now_us, self._latest_us)
        if len(asked) > 1:
            try:
                looking = self._keeper.vault._core.looking_once()
            except StrongroomError:
                return self._answer_all(asked, now_us)
            with looking:
                return self._answer_all(asked, now_us)
        return self._answer_all(asked, now_us)

    def _answer_all(self, asked: Sequence[tuple[Request, Principal]], now_us: int) -> list[Response]:
        responses: list[Response] = []
        entries: list[AuditEntry] = []
        withheld: list[str] = []
        length = 0
        for request, principal in asked:
            self._count += 1
            call = Call(request, principal, self._keeper, self._owner_uid, now_us, f"{self._ids}{self._count:012x}")
            response, outcome, is_written_down = _answer(call)
            responses.append(response)
            withheld.append(_if_not_written_down(call, outcome) if is_written_down else "")
            if is_written_down:
                operation = call.operation or "other"
                for path, fields in (call.touched or _NOTHING).items():
                    entries.append((principal, operation, path, fields, outcome, call.request_id, now_us))
            length += len(response.body)
            if length > _TOGETHER_BYTES:
                break
        if entries:
            self._write_down(entries, responses, withheld)
        return responses

    def _write_down(self, entries: list[AuditEntry], responses: list[Response], withheld: list[str]) -> None:
        """Let *responses* be, once the audit log has the *entries*; else put such in their place that carry nothing."""
        try:
            self._audit.record_all(entries)
        except Exception:
            for number, kind in enumerate(withheld):
                if kind:
                    wipe(responses[number].body)
                    responses[number] = replies.error(500, ["the audit log cannot be written"], kind)


def _if_not_written_down(call: Call, outcome: str) -> str:
    """What the caller is told then: what was committed stands, and must not be taken for undone."""
    return "OutcomeUnknown" if outcome == "ok" and call.operation in _CHANGES else "StoreUnavailable"


def _answer(call: Call) -> tuple[Response, str, bool]:
    """The response, what the audit log calls it, and whether that is told."""
    request = call.request
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
    return response, outcome, handler not in _UNAUDITED and outcome != VaultLocked.__name__


def _find(request: Request) -> tuple[Handler, str]:
    """Who answers, and the path that it is about.

    Raises: Refused: nobody does.
    """
    route = request.route
    if route is None:
        route = request.route = _find_anew(request)
    return route


def _find_anew(request: Request) -> tuple[Handler, str]:
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
