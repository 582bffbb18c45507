"""Pages of a site that keeps its users' log-ins under their own keys."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import views
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template import Context, Template
from django.urls import include, path
from django.views.decorators.cache import cache_page
from django.views.generic import UpdateView
from rest_framework.authentication import BasicAuthentication, SessionAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.serializers import ModelSerializer
from rest_framework.views import APIView

from strongroom.django.user_vaults import user_vault
from tests.django.private.models import Login
from tests.django.vault_site import PASSWORD

LIST = Template(
    "{% for one in logins %}{{ one.label }}={{ one.password }}"
    "{% if one.password.is_lost %} lost{% endif %};{% endfor %}"
)


def listing(request: HttpRequest) -> HttpResponse:
    """All log-ins, masked."""
    return HttpResponse(LIST.render(Context({"logins": Login.objects.filter(owner=request.user)})))


def show(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """A password."""
    return HttpResponse(Login.objects.get(pk=key).password.reveal())


def in_template(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The same, revealed by the template."""
    page = Template("{{ one.password.reveal }}")
    return HttpResponse(page.render(Context({"one": Login.objects.get(pk=key)})))


@cache_page(60)
def cached(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The same, in Django's cache of views."""
    if not request.user.is_authenticated:
        return HttpResponse("nobody")
    return show(request, key)


def named(request: HttpRequest, key: uuid.UUID, how: str) -> HttpResponse:
    """Revealed with a vault that the view has opened, or names."""
    found = Login.objects.get(pk=key)
    if how == "unlocked":
        return HttpResponse(found.password.reveal(request.user_vault.unlocked()))
    with user_vault(request.user) as vault:
        vault.open_with_password(request.POST["password"])
        return HttpResponse(found.password.reveal(vault))


async def show_later(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The same on an event loop."""
    found = await Login.objects.aget(pk=key)
    return HttpResponse(found.password.reveal())


def streamed(request: HttpRequest, key: uuid.UUID) -> StreamingHttpResponse:
    """Revealed when the answer is on its way already."""
    return StreamingHttpResponse(iter(lambda: Login.objects.get(pk=key).password.reveal(), ""))


def state(request: HttpRequest) -> HttpResponse:
    """The vault's state."""
    return HttpResponse(request.user_vault.state)


async def state_later(request: HttpRequest) -> HttpResponse:
    """The vault's state, on an event loop."""
    return HttpResponse(await request.user_vault.astate())


def add(request: HttpRequest) -> HttpResponse:
    """A new one."""
    made = Login(owner=request.user, label=request.POST["label"], password=request.POST["password"])
    made.save()
    return HttpResponse(str(made.pk))


def cycle(request: HttpRequest) -> HttpResponse:
    """The session gets another name."""
    request.session.cycle_key()
    return HttpResponse("done")


def leave(request: HttpRequest, how: str) -> HttpResponse:
    """What ends a session, a user or a vault in the middle of a request."""
    request.user_vault.unlocked()
    if how == "flush":
        request.session.flush()
    elif how == "delete":
        request.user.delete()
        request.user_vault.bound_anew()
    elif how == "drop":
        request.user_vault.drop_sessions()
    elif how == "change":
        request.user_vault.change_password(request.POST["password"])
    elif how == "give-up":
        request.user_vault.give_up()
    return HttpResponse("done")


def fails(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """An error beside a value that was revealed."""
    found = Login.objects.get(pk=key)
    text = "x" + found.password.reveal()
    raise RuntimeError(len(text))


def fails_later(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """An error after the password was given."""
    request.user_vault.open_with_password(request.POST["password"])
    raise RuntimeError(key)


class Change(UpdateView):
    """A form; with ``?shown`` it shows the password."""

    model = Login
    success_url = "/state/"
    template_name = "strongroom/user_vaults/unlock.html"

    def get_form_class(self) -> Any:
        """Masked, as a form is by itself, or not."""
        if "shown" not in self.request.GET:
            return forms.modelform_factory(Login, fields=["label", "password", "note", "more"])

        class Shown(forms.ModelForm):
            password = Login._meta.get_field("password").formfield(masked=False)

            class Meta:
                model = Login
                fields = ("label", "password")

        return Shown


class LoginSerializer(ModelSerializer):
    """Everything."""

    class Meta:
        """Of a log-in."""

        model = Login
        fields = ("id", "label", "password")


class Api(APIView):
    """A log-in for programs; ``?reveal`` shows its password."""

    authentication_classes = (SessionAuthentication, BasicAuthentication)
    permission_classes = (IsAuthenticated,)

    def get(self, request: Any, key: uuid.UUID) -> Response:
        """Masked or not."""
        found = Login.objects.get(pk=key)
        if "reveal" in request.GET:
            return Response({"password": found.password.reveal()})
        return Response(LoginSerializer(found).data)

    def put(self, request: Any, key: uuid.UUID) -> Response:
        """Write back what was given out."""
        known = LoginSerializer(Login.objects.get(pk=key), data=request.data)
        known.is_valid(raise_exception=True)
        known.save()
        return Response({})


class Named(APIView):
    """For programs that send name and password each time, also from a browser in which somebody else is logged in."""

    authentication_classes = (BasicAuthentication,)
    permission_classes = (IsAuthenticated,)

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        """The vault of who is logged in is asked for before it is known who sends the request."""
        if kwargs["how"].startswith("early"):
            assert request._request.user_vault.is_unlocked
        super().initial(request, *args, **kwargs)

    def get(self, request: Any, how: str) -> Response:
        """What is done with the vault of who was named."""
        vault = request.user_vault
        if how.endswith("open"):
            vault.open_with_password(PASSWORD)
        elif how.endswith("forget"):
            vault.forget()
        elif how.endswith("give-up"):
            vault.give_up()
        elif how.endswith("change"):
            vault.change_password(PASSWORD)
        return Response({"user": request.user.username, "state": vault.state})


def in_block(request: HttpRequest) -> HttpResponse:
    """As with the vault of a program without a request."""
    with request.user_vault as vault:
        inside = vault.state
    return HttpResponse(f"{inside} {request.user_vault.state}")


PAGE = "strongroom/user_vaults/unlock.html"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("login/", views.LoginView.as_view(template_name=PAGE, next_page="/state/")),
    path("logout/", views.LogoutView.as_view(next_page="/state/")),
    path("password/", views.PasswordChangeView.as_view(template_name=PAGE, success_url="/state/")),
    path(
        "reset/<uidb64>/<token>/",
        views.PasswordResetConfirmView.as_view(template_name=PAGE, success_url="/login/", post_reset_login=False),
    ),
    path("vault/", include("strongroom.django.user_vaults.urls")),
    path("list/", listing),
    path("show/<uuid:key>/", show),
    path("template/<uuid:key>/", in_template),
    path("cached/<uuid:key>/", cached),
    path("named/<uuid:key>/<str:how>/", named),
    path("later/<uuid:key>/", show_later),
    path("streamed/<uuid:key>/", streamed),
    path("state/", state),
    path("state-later/", state_later),
    path("add/", add),
    path("cycle/", cycle),
    path("leave/<str:how>/", leave),
    path("fails/<uuid:key>/", fails),
    path("fails-later/<uuid:key>/", fails_later),
    path("change/<uuid:pk>/", Change.as_view()),
    path("api/<uuid:key>/", Api.as_view()),
    path("named-api/<str:how>/", Named.as_view()),
    path("in-block/", in_block),
]
