"""``path("vault/", include("strongroom.django.user_vaults.urls"))``"""

from __future__ import annotations

from django.urls import path

from strongroom.django.user_vaults import views

app_name = "strongroom_user_vaults"
urlpatterns = [
    path("unlock/", views.UnlockView.as_view(), name="unlock"),
    path("recover/", views.RecoverView.as_view(), name="recover"),
    path("recovery-code/", views.RecoveryCodeView.as_view(), name="recovery_code"),
    path("reset/", views.ResetView.as_view(), name="reset"),
]
