"""A vault in a file for the worker, and connectors of each test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import strongroom
from strongroom.vault.vault import Vault

PASSWORD = 'pa<ss>w"rd é & 27'


class Site:
    """The site, its worker, and their vault.

    Attributes:
        calls: what the connector was called with: service, name, user and password.
    """

    def __init__(self, location: Path, key_file: Path) -> None:
        self.location, self.key_file = location, key_file
        self.calls: list[tuple[str, str, str, str]] = []
        self.connect: Callable[[Any, Any], Any] = lambda _credential, handed: f"synced {handed.name}"
        self.provider: Any = None

    def open(self) -> Vault:
        """The vault, with its key."""
        return strongroom.open(self.location, key_file=self.key_file, use_agent=False)

    def user(self, name: str = "ann") -> Any:
        """A user of that name."""
        from django.contrib.auth.models import User

        return User.objects.get_or_create(username=name)[0]

    def hand_over(self, name: str = "my photos", user: Any = None, **more: Any) -> Any:
        """A credential for the service photos."""
        from strongroom.django.hand_over import hand_over

        fields = {"username": "dustin", "password": PASSWORD, **more}
        return hand_over(user or self.user(), name, fields, service="photos")

    def called(self, credential: Any, handed: Any) -> Any:
        """The connector."""
        if self.provider is None:
            password = credential["password"].reveal()
            self.calls.append((handed.service, handed.name, handed.user.username, password))
        return self.connect(credential, handed)

    def round(self, now: Any = None, **more: Any) -> Any:
        """One round of a worker for the service photos."""
        from django.utils import timezone

        from strongroom.django.hand_over import Worker
        from strongroom.django.hand_over.connectors import Connector

        connector = Connector("photos", self.called, path="site.sync.fetch", provider=self.provider, **more)
        with self.open() as vault:
            return Worker(vault, {"photos": connector}, now=now or timezone.now).round()

    def due(self, handed: Any, **columns: Any) -> None:
        """As who writes to the database has it: make it due, and change *columns*."""
        from django.utils import timezone

        from strongroom.django.hand_over import HandedOver

        past = timezone.now() - timedelta(minutes=1)
        HandedOver.objects.filter(pk=handed.pk).update(**{"next_sync": past, **columns})

    def credentials(self) -> list[str]:
        """What lies in the vault."""
        with self.open() as vault:
            return [path for path in vault.walk() if "/credentials/" in path]


@pytest.fixture
def site(tmp_path: Path, sqlite_tables: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site whose rows are rolled back; the web process holds the vault's key here, and no other test's settings."""
    from django.db import transaction
    from django.test import override_settings

    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("STRONGROOM_KEY_FILE", str(home / "key"))
    for name in ("STRONGROOM_VAULT", "STRONGROOM_DEPOSIT_KEY", "STRONGROOM_AGENT_SOCKET"):
        monkeypatch.delenv(name, raising=False)
    made = Site(home / "vault.db", home / "key")
    strongroom.create(made.location, key_file=made.key_file).lock()
    with override_settings(STRONGROOM_HAND_OVER={"VAULT": str(made.location)}), transaction.atomic(using=sqlite_tables):
        yield made
        transaction.set_rollback(True, using=sqlite_tables)
