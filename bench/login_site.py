"""A small Django site with user vaults, for servers: ``gunicorn bench.login_site:application``.

Its directory stands in LOGIN_SITE; LOGIN_SITE_COST is "usual" or "least", what a password costs there.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

NAMES = [f"user{number}" for number in range(200)]
PASSWORD = "velvet quarter 9317"
LEAST_MEMORY_KIB = 19_456
LEAST = {"algorithm": "argon2id", "memory_kib": LEAST_MEMORY_KIB, "iterations": 1}


def configure() -> None:
    """Set Django up as the environment says."""
    import django
    from django.conf import settings

    directory = Path(os.environ["LOGIN_SITE"])
    is_least = os.environ.get("LOGIN_SITE_COST") == "least"
    settings.configure(
        INSTALLED_APPS=[
            "django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions",
            "strongroom.django", "strongroom.django.user_vaults",
        ],
        MIDDLEWARE=[
            "strongroom.django.user_vaults.early.EarlyRefusalMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "strongroom.django.user_vaults.middleware.UserVaultMiddleware",
        ],
        DATABASES={"default": {
            "ENGINE": "django.db.backends.sqlite3", "NAME": str(directory / "site.sqlite3"),
            "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL", "transaction_mode": "IMMEDIATE", "timeout": 60},
        }},
        AUTHENTICATION_BACKENDS=["strongroom.django.user_vaults.backends.UserVaultBackend"],
        PASSWORD_HASHERS=[
            f"{__name__}.LeastHasher" if is_least else "strongroom.django.hashers.StrongroomPasswordHasher"
        ],
        STRONGROOM={"LOGIN": {"PROXIES": ["127.0.0.1"]}, "USER_VAULT_KDF": dict(LEAST) if is_least else "argon2id"},
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        ROOT_URLCONF=__name__, SECRET_KEY="s" * 50, ALLOWED_HOSTS=["*"], USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", LOGGING_CONFIG=None,
    )  # fmt: skip
    django.setup()


def make() -> None:
    """The tables, and users who all have the same password; their vaults are made when they log in."""
    from django.contrib.auth.hashers import make_password
    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    stored = make_password(PASSWORD)
    User.objects.bulk_create(User(username=name, password=stored) for name in NAMES)


def __getattr__(name: str) -> Any:
    """What servers and Django ask this module for, made when they do."""
    if name == "application":
        from django.core.wsgi import get_wsgi_application

        return get_wsgi_application()
    if name == "asgi":
        from django.core.asgi import get_asgi_application

        application = get_asgi_application()
        from strongroom.django.user_vaults.early import early_refusal

        return early_refusal(application)
    if name == "urlpatterns":
        return _urls()
    if name == "LeastHasher":
        return _least_hasher()
    raise AttributeError(name)


def _urls() -> list[Any]:
    from django.contrib.auth.views import LoginView
    from django.http import HttpRequest, HttpResponse
    from django.template import engines
    from django.urls import path

    form = engines["django"].from_string("<form method=post>{% csrf_token %}{{ form }}<button>Log in</button></form>")

    class Login(LoginView):  # type: ignore[misc]  # Django carries no types
        next_page = "/"

        def render_to_response(self, context: dict[str, Any], **_options: Any) -> HttpResponse:
            return HttpResponse(form.render(context, self.request))

    def page(request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.user_vault.state)

    return [path("", page), path("login/", Login.as_view())]


def _least_hasher() -> Any:
    from strongroom.credentials.password_costs import Argon2idCost
    from strongroom.credentials.passwords import PasswordHasher
    from strongroom.django.hashers import StrongroomPasswordHasher

    class LeastHasher(StrongroomPasswordHasher):
        def make_hasher(self) -> PasswordHasher:
            return PasswordHasher(Argon2idCost(memory_kib=LEAST_MEMORY_KIB, iterations=1))

    return LeastHasher


if __name__ == "__main__":
    from bench import login_site

    login_site.make()
elif "LOGIN_SITE" in os.environ:
    configure()
