"""The project's pages."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from tests.django.shop import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("fails/<str:how>/", views.fails),
]
