"""Accounts that are connected by OAuth: ``STRONGROOM_OAUTH``, and the two views' worth of work that a site needs.

    STRONGROOM_OAUTH = {"photos": {
        "client_id": "...", "client_secret": secret("client_secret", item="site/photos"), "scope": "photos.read",
        "authorize_url": "https://...", "token_url": "https://...", "revoke_url": "https://...", "api_url": "https://...",
    }}

    def begin(request):
        return connect(request, service="photos", redirect_uri=request.build_absolute_uri(reverse("back")))

    def back(request):
        connected(request, "my photos", service="photos")
        return redirect("home")

The web process sees the refresh token once, between the service and the deposit, and cannot read it again.
"""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpResponseRedirect

from strongroom.credentials.hidden import HiddenFields
from strongroom.credentials.oauth import OAuthProvider
from strongroom.django.hand_over.deposits import hand_over
from strongroom.errors import Denied

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from strongroom.django.hand_over.models import HandedOver

_SESSION_KEY = "strongroom_oauth"


def provider_of(service: str) -> OAuthProvider | None:
    """The provider that ``STRONGROOM_OAUTH`` names for *service*; None for a service without.

    Raises: ImproperlyConfigured: it is not described as it should be.
    """
    options = getattr(settings, "STRONGROOM_OAUTH", {}).get(service)
    if options is None:
        return None
    try:
        return OAuthProvider(**{name: value for name, value in options.items() if name != "scope"})
    except (TypeError, ValueError) as error:
        # From None: the arguments of what failed hold the client's secret.
        raise ImproperlyConfigured(f"STRONGROOM_OAUTH[{service!r}]: {error}") from None


def connect(request: Any, *, service: str, redirect_uri: str) -> HttpResponseRedirect:
    """Send the user's browser to the service, to be asked there.

    Args:
        redirect_uri: of the view that calls `connected`; the service has to know it.

    Raises:
        Denied: nobody is logged in.
        PermissionDenied: a page of another site has sent the browser here: it could have its own account at the
            service connected, in the place of the user's. Browsers say so over https, and to a loopback address.
        ImproperlyConfigured, ValueError: about the settings.
    """
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise PermissionDenied("another site has sent the browser here")
    connecting = _provider(service).connect(redirect_uri, settings.STRONGROOM_OAUTH[service].get("scope", ""))
    # One question for each service: an older one, in another tab, gets no answer any more.
    asked = {**request.session.get(_SESSION_KEY, {}), service: {**connecting.remembered, "user": _user(request)}}
    request.session[_SESSION_KEY] = asked
    return HttpResponseRedirect(connecting.url)


def connected(request: Any, name: str, *, service: str) -> HandedOver:
    """Fetch the grant with which the browser came back, and hand it over as `hand_over` does.

    Raises:
        Denied, Expired, ServiceUnavailable, GrantRevoked: as `OAuthProvider.finish`.
        StrongroomError: it could not be left in the vault.
    """
    asked = HiddenFields(request.session.get(_SESSION_KEY, {}))
    remembered = None if service not in asked else HiddenFields(asked.pop(service))
    # Before anything else, as it counts once.
    request.session[_SESSION_KEY] = dict(asked)
    if remembered is None or remembered.pop("user", None) != _user(request):
        raise Denied("nobody was asked in this session", advice="connect the account again")
    grant = _provider(service).finish(remembered, request.META.get("QUERY_STRING", ""))
    return hand_over(request.user, name, grant.fields, service=service)


def _provider(service: str) -> OAuthProvider:
    provider = provider_of(service)
    if provider is None:
        raise ImproperlyConfigured(f"STRONGROOM_OAUTH names no {service}")
    return provider


def _user(request: Any) -> str:
    if not request.user.is_authenticated:
        raise Denied("nobody is logged in")
    return str(request.user.pk)
