"""User vaults in processes of their own: killed at a change, several at once, and with another kind of users."""

from __future__ import annotations

import threading
from typing import Any

from tests.django.runner import run_beside
from tests.django.vault_site import NEW, PASSWORD, options


def test_killed_at_every_statement_and_changed_at_once() -> None:
    """A password and its slot change together or not at all; so do a recovery and its code. On SQLite, in a file."""
    lines = dict(line.rsplit(" ", 1) for line in run_beside("killed_passwords"))
    assert int(lines["password killed"]) >= 8
    assert int(lines["recovery killed"]) >= 8
    assert lines["at once"] == "6"


def test_users_of_another_kind() -> None:
    """A user model with a UUID for its key and an address for its name; a table whose key is its owner."""
    assert run_beside("other_users", options=("-W", "error"))[-1].endswith("as other users")


def test_changed_at_once_on_postgresql(postgres_tables: str) -> None:
    """Sessions that all wait for each other's rows: the last hash and the last slot are of the same password."""
    from django.contrib.auth.models import User
    from django.db import connections
    from django.test import override_settings

    from strongroom.django.user_vaults import user_vault
    from strongroom.errors import WrongKey

    many, failed, gate = 4, [], threading.Barrier(4)
    users = User.objects.db_manager(postgres_tables)

    def change(number: int, vault: Any) -> None:
        try:
            with vault.in_use():
                vault.user.set_password(f"{NEW} {number}")
                gate.wait(60)
                vault.user.save()
        except BaseException as error:
            failed.append(repr(error))
        finally:
            connections[postgres_tables].close()

    def opens(password: str) -> bool:
        try:
            user_vault(user).open_with_password(password)
        except WrongKey:
            return False
        return True

    with override_settings(STRONGROOM=options()):
        user = users.create_user("many", password=PASSWORD)
        try:
            with user_vault(user) as vault:
                vault.create(PASSWORD)
            vaults = [user_vault(users.get(pk=user.pk)) for _ in range(many)]
            for one in vaults:
                one.open_with_password(PASSWORD)
            threads = [threading.Thread(target=change, args=pair) for pair in enumerate(vaults)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(120)
            assert failed == []
            user.refresh_from_db()
            right = [number for number in range(many) if user.check_password(f"{NEW} {number}")]
            assert len(right) == 1
            assert [number for number in range(many) if opens(f"{NEW} {number}")] == right
        finally:
            user.delete()


def test_made_at_once_on_postgresql(postgres_tables: str) -> None:
    """First log-ins at the same time make one vault, and all of them have its key."""
    from django.contrib.auth.models import User
    from django.db import connections
    from django.test import override_settings

    from strongroom.django.user_vaults.models import UserVault, VaultSlot
    from strongroom.django.user_vaults.opening import open_at_login
    from strongroom.django.user_vaults.requests import detached

    many, keys, failed, gate = 4, [], [], threading.Barrier(4)
    users = User.objects.db_manager(postgres_tables)

    def log_in() -> None:
        try:
            user = users.get(username="first")
            gate.wait(60)
            open_at_login(user, PASSWORD)
            unlocked = detached(user)
            assert unlocked is not None
            keys.append(unlocked.user_key.reveal())
        except BaseException as error:
            failed.append(repr(error))
        finally:
            connections[postgres_tables].close()

    with override_settings(STRONGROOM=options()):
        user = users.create_user("first", password=PASSWORD)
        try:
            threads = [threading.Thread(target=log_in) for _ in range(many)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(120)
            assert failed == []
            assert len(keys) == many
            assert len(set(keys)) == 1
            assert UserVault.objects.using(postgres_tables).filter(user_id=user.pk).count() == 1
            assert VaultSlot.objects.using(postgres_tables).filter(vault__user_id=user.pk).count() == 1
        finally:
            user.delete()
