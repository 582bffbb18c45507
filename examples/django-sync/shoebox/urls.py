"""Every address of the site."""

from albums import connections, forms, people, views
from django.contrib.auth import views as auth_views
from django.contrib.staticfiles.views import serve
from django.urls import include, path, re_path

urlpatterns = [
    path("", views.home, name="home"),
    path("sign-up/", people.sign_up, name="sign-up"),
    path("welcome/", people.welcome, name="welcome"),
    path("you/", people.you, name="you"),
    path(
        "log-in/",
        auth_views.LoginView.as_view(authentication_form=forms.LogInForm, redirect_authenticated_user=True),
        name="login",
    ),
    path("log-out/", auth_views.LogoutView.as_view(), name="logout"),
    path("password/", people.ChangePassword.as_view(), name="password_change"),
    path("password/reset/", auth_views.PasswordResetView.as_view(), name="password_reset"),
    path("password/reset/sent/", auth_views.PasswordResetDoneView.as_view(), name="password_reset_done"),
    path(
        "password/reset/<uidb64>/<token>/",
        auth_views.PasswordResetConfirmView.as_view(form_class=forms.ResetForm),
        name="password_reset_confirm",
    ),
    path("password/reset/done/", auth_views.PasswordResetCompleteView.as_view(), name="password_reset_complete"),
    path("accounts/add/", views.add, name="add"),
    path("accounts/connect/", connections.ask, name="connect"),
    path("accounts/connect/go/", connections.go, name="go"),
    path("accounts/connect/back/", connections.back, name="back"),
    path("accounts/<uuid:key>/", views.account, name="account"),
    path("accounts/<uuid:key>/password/", views.show_password, name="show-password"),
    path("accounts/<uuid:key>/edit/", views.edit, name="edit"),
    path("accounts/<uuid:key>/hand-over/", views.hand_over_account, name="hand-over"),
    path("accounts/<uuid:key>/fetch/", views.fetch_now, name="fetch"),
    path("accounts/<uuid:key>/withdraw/", views.withdraw_account, name="withdraw"),
    path("accounts/<uuid:key>/remove/", views.remove, name="remove"),
    path("vault/", include("strongroom.django.user_vaults.urls")),
    # Behind a web server of your own it serves /static/ itself.
    re_path(r"^static/(?P<path>.*)$", serve, {"insecure": True}),
]
