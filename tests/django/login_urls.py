"""Every way in which a password comes into a Django project."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import aauthenticate, views
from django.contrib.auth.forms import UserCreationForm
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.generic import CreateView
from rest_framework.authentication import BasicAuthentication
from rest_framework.authtoken.views import ObtainAuthToken
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView


class Api(APIView):
    """What wants a name and a password with each request."""

    authentication_classes = (BasicAuthentication,)
    permission_classes = (IsAuthenticated,)

    def get(self, request: Any) -> Response:
        """Who it is, and whether that user's vault is open."""
        return Response({"name": request.user.get_username()})


async def asynchronous(request: HttpRequest) -> HttpResponse:
    """A log-in of one's own, on an event loop."""
    user = await aauthenticate(request, username=request.POST["username"], password=request.POST["password"])
    return HttpResponse(status=403 if user is None else 200)


async def asks_again(request: HttpRequest) -> HttpResponse:
    """Type your password again."""
    user = await request.auser()
    return HttpResponse(status=200 if await user.acheck_password(request.POST["password"]) else 403)


def page(request: HttpRequest) -> HttpResponse:
    """What has nothing to do with passwords, and says the vault's state."""
    return HttpResponse(request.user_vault.state)


def form(name: str) -> dict[str, Any]:
    """Django's own views, with the pages that the admin brings."""
    return {"template_name": name, "success_url": "/page/"}


urlpatterns = [
    path("admin/", admin.site.urls),
    path("login/", views.LoginView.as_view(template_name="admin/login.html", next_page="/page/")),
    path("logout/", views.LogoutView.as_view(next_page="/page/")),
    path("password/", views.PasswordChangeView.as_view(**form("registration/password_change_form.html"))),
    path("sign-up/", CreateView.as_view(form_class=UserCreationForm, **form("registration/password_change_form.html"))),
    path("api/", Api.as_view()),
    path("token/", ObtainAuthToken.as_view()),
    path("asynchronous/", asynchronous),
    path("asks-again/", asks_again),
    path("page/", page),
    path("vault/", include("strongroom.django.user_vaults.urls")),
]
