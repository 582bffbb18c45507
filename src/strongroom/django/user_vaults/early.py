"""Refusing a flood before anything else of the site has run.

    MIDDLEWARE = ["strongroom.django.user_vaults.early.EarlyRefusalMiddleware", ...]         # first

    application = early_refusal(get_asgi_application())                                      # in asgi.py: faster still

Optional: without them, the same requests are refused by the log-in itself, after sessions, CSRF and the view have taken
their time. It refuses only what would be refused there at this moment: a POST to a path where that has just
happened, while there is no room or its client has nothing left. It never lets anything through that was not.
"""

from __future__ import annotations

from asyncio import sleep
from io import BytesIO
from time import monotonic

from django.conf import settings
from django.contrib.auth.views import LoginView
from django.core.handlers.asgi import ASGIRequest
from django.utils.deprecation import MiddlewareMixin

from strongroom.django.user_vaults import pressure
from strongroom.django.user_vaults.devices import is_device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from django.http import HttpRequest, HttpResponse

_DELAY_SECONDS = 0.5
# Each holds a connection and a few kilobytes; of more, nobody waits.
_DELAYED_MAX = 1_000


class EarlyRefusalMiddleware(MiddlewareMixin):  # type: ignore[misc]  # Django carries no types
    """Answers 429 in the place of the site."""

    def __call__(self, request: HttpRequest) -> Any:
        """The refusal, or what the site answers."""
        if self.async_mode:
            return self.__acall__(request)
        refused = _refusal(request)
        if refused is not None:
            return refused
        response = self.get_response(request)
        self._learn(request, response)
        return response

    async def __acall__(self, request: HttpRequest) -> Any:
        refused = _refusal(request)
        if refused is not None:
            return refused
        response = await self.get_response(request)
        self._learn(request, response)
        return response

    def _learn(self, request: HttpRequest, response: Any) -> None:
        if request.method == "POST" and getattr(response, "is_strongroom_refusal", False):
            match = request.resolver_match
            view = getattr(getattr(match, "func", None), "view_class", None)
            is_log_in = getattr(match, "url_name", "") == "login" or (view is not None and issubclass(view, LoginView))
            pressure.limits().paths.keep(request.path, is_log_in, monotonic())


def early_refusal(application: Any) -> Any:
    """An ASGI application that answers what `EarlyRefusalMiddleware` would, without Django's way there and back.

    After half a second: who tries again and again comes back less often, and waiting costs a connection and no thread.

    Args:
        application: Django's, with `EarlyRefusalMiddleware` among its middleware, which learns where to look.
    """
    delayed = 0

    async def answer(scope: dict[str, Any], receive: Any, send: Any) -> None:
        nonlocal delayed
        response = None
        if scope["type"] == "http" and scope["method"] == "POST":
            response = _refusal(ASGIRequest(scope, BytesIO()))
        if response is None:
            await application(scope, receive, send)
            return
        if delayed < _DELAYED_MAX:
            delayed += 1
            try:
                await sleep(_DELAY_SECONDS)
            finally:
                delayed -= 1
        headers = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
        length = (b"content-length", str(len(response.content)).encode("ascii"))
        await send({"type": "http.response.start", "status": response.status_code, "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": response.content})

    return answer


def _refusal(request: HttpRequest) -> HttpResponse | None:
    if request.method != "POST":
        return None
    is_log_in = pressure.limits().paths.find(request.path, monotonic())
    if is_log_in is None or is_device(request):
        return None
    if not is_log_in and _is_somebody(request):
        # A path where other things are done too, by people whom only the site itself knows.
        return None
    error = pressure.limits().refusal(request)
    return None if error is None else pressure.too_many(request, error)


def _is_somebody(request: HttpRequest) -> bool:
    return settings.SESSION_COOKIE_NAME in request.COOKIES or "HTTP_AUTHORIZATION" in request.META
