"""Responses: Vault's envelope, its way to report errors, and which error is which status.

An error says what the caller did or may do about it, never a value, and nothing of
paths that it did not name.
"""

from __future__ import annotations

from strongroom.crypto import entropy
from strongroom.errors import (
    Conflict,
    Denied,
    Expired,
    NotFound,
    StoreUnavailable,
    StrongroomError,
    VaultLocked,
)
from strongroom.service.interface import Response
from strongroom.service.json_text import write_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

JSON_HEADERS = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))
RAW_HEADERS = (("Content-Type", "application/octet-stream"), ("Cache-Control", "no-store"))
ERROR_HEADER = "X-Strongroom-Error"
REQUEST_HEADER = "X-Strongroom-Request-Id"
SEALED = "Vault is sealed"
DENIED = "1 error occurred:\n\t* permission denied\n\n"

STATUSES: tuple[tuple[type[StrongroomError], int], ...] = (
    (VaultLocked, 503),
    (NotFound, 404),
    (Denied, 403),
    (Conflict, 409),
    (Expired, 410),
    (StoreUnavailable, 503),
)
"""A subclass has its parent's; whatever is not here is 500."""

# What somebody who is not the owner reads: the vault's own words may name its file.
_SHORT = {409: "it exists already, or somebody was faster", 410: "the value is past its date"}


def new_request_id() -> str:
    """A random UUID, as Vault's request ids look."""
    digits = entropy.random_bytes(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def envelope(
    request_id: str, data: Mapping[str, object] | None, *, top: Mapping[str, object] | None = None
) -> dict[str, object]:
    """Vault's envelope around *data*.

    Args:
        top: what older clients look for outside ``data``.
    """
    return {
        **(top or {}),
        "request_id": request_id,
        "lease_id": "",
        "renewable": False,
        "lease_duration": 0,
        "data": data,
        "wrap_info": None,
        "warnings": None,
        "auth": None,
    }


def json_response(status: int, value: Mapping[str, object]) -> Response:
    """*value* as JSON; a `Field` in it stands for its value."""
    body = bytearray()
    write_json(body, value)
    body += b"\n"
    return Response(status, list(JSON_HEADERS), body)


def empty(status: int = 204) -> Response:
    """No content; Vault gives it a content type all the same."""
    return Response(status, list(JSON_HEADERS), bytearray())


def error(status: int, messages: list[str], kind: str, *, request_id: str = "", advice: str = "") -> Response:
    """An error in Vault's form, with the name of our class in a header."""
    response = json_response(status, {"errors": messages, **({"advice": advice} if advice else {})})
    response.headers.append((ERROR_HEADER, kind))
    if request_id:
        response.headers.append((REQUEST_HEADER, request_id))
    return response


def from_error(problem: StrongroomError, *, is_owner: bool, is_own: bool) -> Response:
    """The response for an error of the vault.

    Args:
        is_own: whether our own endpoint or client asked; KV v2 says nothing of what is not there.
    """
    status = next((status for kind, status in STATUSES if isinstance(problem, kind)), 500)
    kind = type(problem).__name__
    if isinstance(problem, VaultLocked):
        return error(status, [SEALED], kind)
    if isinstance(problem, Denied):
        return error(status, [DENIED], kind)
    if isinstance(problem, NotFound):
        return error(status, [problem.message] if is_own else [], kind, advice=problem.advice if is_own else "")
    message = problem.message if is_owner else _SHORT.get(status, "the vault cannot answer")
    advice = problem.advice if is_owner and is_own else ""
    return error(status, [message], kind, request_id=getattr(problem, "request_id", ""), advice=advice)
