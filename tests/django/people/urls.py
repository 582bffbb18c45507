"""Its pages."""

from __future__ import annotations

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from tests.django.people.models import Diary


def diary(request: HttpRequest) -> HttpResponse:
    """Of who asks."""
    return HttpResponse(Diary.objects.get(owner=request.user.pk).text.reveal())


urlpatterns = [
    path("", diary),
    path("login/", LoginView.as_view(template_name="strongroom/user_vaults/unlock.html")),
    path("vault/", include("strongroom.django.user_vaults.urls")),
]
