"""A vault that is given up while somebody still has it open: what is stored then would never open again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from strongroom.django import updates
from strongroom.django.user_vaults import KeyUnavailable, user_vault
from tests.django.vault_site import PASSWORD, SECRET, options


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    """Derivations that take no time."""
    from django.test import override_settings

    with override_settings(STRONGROOM=options()):
        yield


@pytest.fixture
def ann(using: str) -> Any:
    """A user whose vault is there."""
    from django.contrib.auth.models import User

    user = User.objects.using(using).create(username="ann")
    user_vault(user).create(PASSWORD)
    return user


def logins() -> Any:
    from tests.django.private.models import Login

    return Login


def create(ann: Any, _before: Any) -> None:
    logins()(owner=ann, label="new", password="new value").save()


def save(_ann: Any, before: Any) -> None:
    before.password = "new value"
    before.save()


def save_one_field(_ann: Any, before: Any) -> None:
    before.password = "new value"
    before.save(update_fields=["password"])


def bulk_create(ann: Any, _before: Any) -> None:
    logins().objects.using(ann._state.db).bulk_create([logins()(owner=ann, label="new", password="new value")])


def bulk_update(_ann: Any, before: Any) -> None:
    before.password = "new value"
    updates.bulk_update([before], ["password"], using=before._state.db)


def update(ann: Any, _before: Any) -> None:
    updates.update(logins().objects.using(ann._state.db).filter(owner=ann), password="new value")


WAYS = [create, save, save_one_field, bulk_create, bulk_update, update]


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_stored_under_a_vault_that_has_gone(
    using: str, ann: Any, way: Callable[[Any, Any], None]
) -> None:
    """A request that was on its way has the key, and its vault has been given up by another one."""
    from django.db import transaction

    with user_vault(ann) as vault:
        vault.open_with_password(PASSWORD)
        with vault.in_use():
            before = logins()(owner=ann, label="bank", password=SECRET)
            before.save()
            stored = before.password.message
            user_vault(ann).give_up()
            with pytest.raises(KeyUnavailable) as caught, transaction.atomic(using=using):
                way(ann, before)
            assert caught.value.reason == "locked"
            # The object does not pass for one that only needs to be saved again.
            with pytest.raises(KeyUnavailable), transaction.atomic(using=using):
                way(ann, before)
    rows = logins().objects.using(using)
    assert [one.password.message for one in rows.all()] == [stored]


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_stored_under_the_vault_before(using: str, ann: Any, way: Callable[[Any, Any], None]) -> None:
    """The user has a new vault already, under another key."""
    from django.db import transaction

    with user_vault(ann) as vault:
        vault.open_with_password(PASSWORD)
        with vault.in_use():
            before = logins()(owner=ann, label="bank", password=SECRET)
            before.save()
            user_vault(ann).give_up()
            user_vault(ann).create(PASSWORD)
            with pytest.raises(KeyUnavailable), transaction.atomic(using=using):
                way(ann, before)
    assert logins().objects.using(using).count() == 1


def test_what_is_locked_can_still_be_saved(using: str, ann: Any) -> None:
    """A label changes beside a value that was lost: no key is asked for, and no vault."""
    with user_vault(ann) as vault:
        vault.open_with_password(PASSWORD)
        with vault.in_use():
            before = logins()(owner=ann, label="bank", password=SECRET)
            before.save()
            user_vault(ann).give_up()
            before.label = "old bank"
            before.save()
    assert logins().objects.using(using).get().label == "old bank"


def test_a_vault_stays_until_what_is_stored_in_it_is_committed(postgres_tables: str) -> None:
    """Between the look whether the vault is there and the commit nobody can give it up."""
    from django.contrib.auth.models import User
    from django.db import OperationalError, connections, transaction

    from strongroom.django.user_vaults.models import UserVault

    seen: list[str] = []

    def give_up_elsewhere() -> None:
        try:
            with transaction.atomic(using=postgres_tables), connections[postgres_tables].cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '200ms'")
                UserVault.objects.using(postgres_tables).filter(pk=vault.id).delete()
                seen.append("given up")
        except OperationalError as error:
            seen.append(str(error.__cause__ and getattr(error.__cause__, "sqlstate", "")))
        finally:
            connections[postgres_tables].close()

    user = User.objects.using(postgres_tables).create(username="committed")
    try:
        with user_vault(user) as vault:
            vault.create(PASSWORD)
            with vault.in_use(), transaction.atomic(using=postgres_tables):
                create(user, None)
                other = threading.Thread(target=give_up_elsewhere)
                other.start()
                other.join()
        assert seen == ["55P03"], "lock_not_available"
    finally:
        logins().objects.using(postgres_tables).filter(owner=user).delete()
        user.delete()
