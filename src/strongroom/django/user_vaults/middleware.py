"""``request.user_vault``, and what happens when a key is not there.

``MIDDLEWARE = [..., "strongroom.django.user_vaults.middleware.UserVaultMiddleware"]``, after authentication.
"""

from __future__ import annotations

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponseForbidden, HttpResponseRedirect, JsonResponse
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.deprecation import MiddlewareMixin
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from strongroom.django.user_vaults import pressure
from strongroom.django.user_vaults.current import in_use
from strongroom.django.user_vaults.locked import KeyUnavailable
from strongroom.django.user_vaults.requests import RequestVault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from django.http import HttpRequest, HttpResponse


class UserVaultMiddleware(MiddlewareMixin):  # type: ignore[misc]  # Django carries no types
    """Gives each request its user's vault, and leads to the page that unlocks it."""

    def __call__(self, request: HttpRequest) -> Any:
        """Answer *request* with its vault at hand, and forget the key afterwards."""
        if self.async_mode:
            return self.__acall__(request)
        vault = _prepared(request)
        token, seen = in_use.set(vault), pressure.enter_request(request)
        try:
            response = self.get_response(request)
            return _finished(vault, request, response)
        finally:
            pressure.leave_request(seen)
            in_use.reset(token)
            vault.close()

    async def __acall__(self, request: HttpRequest) -> Any:
        vault = _prepared(request)
        token, seen = in_use.set(vault), pressure.enter_request(request)
        try:
            response = await self.get_response(request)
            return await sync_to_async(_finished)(vault, request, response)
        finally:
            pressure.leave_request(seen)
            in_use.reset(token)
            vault.close()

    def process_view(self, request: HttpRequest, view: Any, _args: Any, _kwargs: Any) -> None:
        """Open the vault for an asynchronous view, which could not wait for the database where it reveals a value."""
        vault = getattr(request, "user_vault", None)
        if iscoroutinefunction(view) and vault is not None:
            vault.open_now()

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer KeyUnavailable: with the page that unlocks, or with 403 and the reason; TooManyAttempts: with 429."""
        if isinstance(exception, pressure.TooManyAttempts):
            return pressure.too_many(request, exception)
        if not isinstance(exception, KeyUnavailable):
            return None
        return refusal(request, exception)


def refusal(request: HttpRequest, error: KeyUnavailable) -> HttpResponse:
    """The answer to a request for which a key is missing."""
    if not _wants_page(request):
        reason = error.reason if request.user.is_authenticated else "anonymous"
        response = JsonResponse({"error": "key_unavailable", "reason": reason}, status=403)
        add_never_cache_headers(response)
        return response
    if not request.user.is_authenticated:
        return redirect_to_login(_next(request), resolve_url(settings.LOGIN_URL))
    try:
        address = reverse("strongroom_user_vaults:unlock")
    except NoReverseMatch:
        address = ""
    if error.reason == "other" or not address:
        return HttpResponseForbidden("The key for this is not available.", content_type="text/plain; charset=utf-8")
    return HttpResponseRedirect(f"{address}?{urlencode({'next': _next(request)})}")


def _prepared(request: HttpRequest) -> RequestVault:
    if not hasattr(request, "session") or not hasattr(request, "user"):
        raise ImproperlyConfigured(
            "UserVaultMiddleware comes after django.contrib.auth.middleware.AuthenticationMiddleware in MIDDLEWARE"
        )
    vault = RequestVault(request)
    request.user_vault = vault
    return vault


def _finished(vault: RequestVault, request: HttpRequest, response: HttpResponse) -> HttpResponse:
    vault.settle(response)
    pressure.finish_response(request, response)
    if vault.was_revealed:
        add_never_cache_headers(response)
    return response


def _wants_page(request: HttpRequest) -> bool:
    accepted = request.headers.get("Accept", "*/*")
    is_script = request.headers.get("X-Requested-With") == "XMLHttpRequest"
    is_program = is_script or request.content_type == "application/json"
    return not is_program and ("text/html" in accepted or "*/*" in accepted)


def _next(request: HttpRequest) -> str:
    """Where to go on: this page, or the one with the form that was sent."""
    if request.method in ("GET", "HEAD"):
        return str(request.get_full_path())
    came_from = request.headers.get("Referer", "")
    hosts = {request.get_host()}
    if url_has_allowed_host_and_scheme(came_from, allowed_hosts=hosts, require_https=request.is_secure()):
        return str(came_from)
    return "/"
