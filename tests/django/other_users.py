"""A site whose users are of another kind: run in a process of its own, as Django has one user model in each."""

from __future__ import annotations

import sys
import tempfile

import pytest
from django.conf import settings

from tests.django.vault_site import MIDDLEWARE, NEW, PASSWORD, SECRET, options


def configure(directory: str) -> None:
    from django import setup

    settings.configure(
        INSTALLED_APPS=[
            "django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "django.contrib.messages",
            "tests.django.people", "strongroom.django", "strongroom.django.user_vaults",
        ],
        AUTH_USER_MODEL="people.Person",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{directory}/site.sqlite3"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        MIDDLEWARE=MIDDLEWARE,
        AUTHENTICATION_BACKENDS=["strongroom.django.user_vaults.backends.UserVaultBackend"],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        ROOT_URLCONF="tests.django.people.urls",
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
            "context_processors": ["django.template.context_processors.request"]}}],
        ALLOWED_HOSTS=["testserver"],
        LOGIN_REDIRECT_URL="/",
        USE_TZ=True,
        SECRET_KEY="s" * 50,
        STRONGROOM=options(),
    )  # fmt: skip
    setup()


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        configure(directory)
        from django.core.management import call_command
        from django.test import Client

        from strongroom.django.user_vaults import KeyUnavailable, user_vault
        from tests.django.people.models import Diary, Entry, Person

        call_command("check", fail_level="ERROR")
        call_command("migrate", run_syncdb=True, verbosity=0)
        call_command("makemigrations", "strongroom_user_vaults", check=True, dry_run=True, verbosity=0)
        ann, bob = (Person.objects.create_user(f"{name}@example.org", PASSWORD) for name in ("ann", "bob"))
        with user_vault(ann) as vault, vault.in_use():
            vault.create(PASSWORD)
            Diary(owner=ann, text=SECRET).save()
            entry = Entry(writer=ann, day=1, text=SECRET)
            entry.save()
            ann.set_password(NEW)
            ann.save()
        with user_vault(ann) as vault:
            vault.open_with_password(NEW)
            assert Diary.objects.get().text.reveal(vault) == Entry.objects.get().text.reveal(vault) == SECRET
        with user_vault(bob) as vault:
            vault.create(PASSWORD)
            for value in (Diary.objects.get().text, Entry.objects.get().text):
                with pytest.raises(KeyUnavailable) as caught:
                    value.reveal(vault)
                assert caught.value.reason == "other"
        client = Client(headers={"accept": "text/html"})
        assert client.post("/login/", {"username": "ann@example.org", "password": NEW}).status_code == 302
        assert client.get("/").content.decode() == SECRET
        del client.cookies["__Host-strongroom_key"]
        assert client.get("/")["Location"] == "/vault/unlock/?next=%2F"
        assert client.post("/vault/unlock/", {"password": NEW}).status_code == 302
        assert client.get("/").content.decode() == SECRET
        print("as other users")


if __name__ == "__main__":
    sys.exit(main())
