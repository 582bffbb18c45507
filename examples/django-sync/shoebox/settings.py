"""Settings of the web process and of the worker; what differs between them is in their environment.

    SHOEBOX_STATE              directory with the database and, in the demonstration, the mail
    SHOEBOX_SECRET_KEY_FILE    signs cookies and links; opens no credential
    SHOEBOX_PHOTOS             address of the service that albums are fetched from
    SHOEBOX_EVERY_SECONDS      how long after a visit there the worker goes again; an hour
    SHOEBOX_HTTPS              1 behind TLS: cookies are Secure, and the key's cookie is bound to this host
    STRONGROOM_VAULT           the worker's vault
    STRONGROOM_DEPOSIT_KEY     how the site leaves something in it where no agent runs
    STRONGROOM_AGENT_SOCKET    its agent, through which the worker reads
"""

import os
from datetime import timedelta
from pathlib import Path

BASE = Path(__file__).resolve().parents[1]
STATE = Path(os.environ["SHOEBOX_STATE"])
PHOTOS = os.environ.get("SHOEBOX_PHOTOS", "")
HTTPS = os.environ.get("SHOEBOX_HTTPS") == "1"

# Who holds it can forge log-ins, and opens no vault: those open with their users' passwords.
SECRET_KEY = Path(os.environ["SHOEBOX_SECRET_KEY_FILE"]).read_text()
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "shoebox.urls"
WSGI_APPLICATION = "shoebox.wsgi.application"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    # First, so that its templates replace those of the apps below.
    "albums",
    "strongroom.django",
    "strongroom.django.user_vaults",
    "strongroom.django.hand_over",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
]
# Forms look as this site's everywhere: albums/templates/django/forms/div.html.
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "shoebox.headers.HeadersMiddleware",
    # Before anything is read or looked up: a flood of log-ins costs next to nothing.
    "strongroom.django.user_vaults.early.EarlyRefusalMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "albums.failures.FailureMiddleware",
    # Last, so that it is asked first what a missing key means.
    "strongroom.django.user_vaults.middleware.UserVaultMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": STATE / "site.sqlite3",
        # The worker writes to it as well.
        "OPTIONS": {"timeout": 30, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL"},
    }
}
STATIC_URL = "/static/"

AUTHENTICATION_BACKENDS = ["strongroom.django.user_vaults.backends.UserVaultBackend"]
PASSWORD_HASHERS = ["strongroom.django.hashers.StrongroomPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "strongroom.django.user_vaults.password_validators.PossiblePassword"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"

# A short time between two visits is for people who look on.
EVERY = timedelta(seconds=float(os.environ.get("SHOEBOX_EVERY_SECONDS", "3600")))
STRONGROOM_SYNC = {
    "kestrel": {"connector": "albums.sync.fetch", "every": EVERY},
    "kestrel-oauth": {"connector": "albums.sync.fetch_with_token", "every": EVERY},
}
# A client without a secret of its own, which proves with PKCE that it is the one that asked.
STRONGROOM_OAUTH = {
    "kestrel-oauth": {
        "client_id": "Shoebox",
        "scope": "photos.read",
        "authorize_url": f"{PHOTOS}/authorize",
        "token_url": f"{PHOTOS}/oauth/token",
        "revoke_url": f"{PHOTOS}/oauth/revoke",
        "api_url": f"{PHOTOS}/api/",
    }
}

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
# Both would speak for all hosts of the domain, which are not this site's.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"

# Mail is a file in the demonstration; start.py says when one has come.
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = STATE / "mail"
DEFAULT_FROM_EMAIL = "Shoebox <shoebox@localhost>"
DEFAULT_EXCEPTION_REPORTER = "strongroom.django.reports.ExceptionReporter"
