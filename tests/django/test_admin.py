"""The admin: masked lists and forms, and a button that asks who you are and writes down that you looked."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.django import project

project.configure()

from django.contrib import admin  # noqa: E402 - once Django is configured
from django.contrib.admin.models import LogEntry  # noqa: E402
from django.contrib.admin.utils import lookup_field  # noqa: E402
from django.contrib.auth.models import Permission, User  # noqa: E402
from django.core import checks  # noqa: E402
from django.core.exceptions import FieldError  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client, RequestFactory, override_settings  # noqa: E402

from strongroom.django.admin import MaskedAdmin  # noqa: E402
from strongroom.django.leak_checks import check_admin, check_ordering, check_reporter  # noqa: E402
from tests.django.shop.models import Account, Person, Plain  # noqa: E402

SECRET = "velvet-quarter-9317"


class Shop:
    """Rows, and people who may do this or that."""

    def __init__(self) -> None:
        self.owner = User.objects.create(username="ann")
        self.account = Account.objects.create(owner=self.owner, label="bank", password=SECRET, note="copper-4402")
        self.plain = Plain.objects.create(owner=self.owner, label="bank", password=SECRET)
        self.person = Person.objects.create(account=self.account, email="bea@example.org", number=73_055_129)
        self.page = f"/admin/shop/account/{self.account.pk}/change/"
        self.reveal = f"/admin/shop/account/{self.account.pk}/reveal/password/"

    def client(self, *permissions: str, is_superuser: bool = False) -> Client:
        """Somebody of the staff with these permissions."""
        user = User.objects.create(username=f"staff {User.objects.count()}", is_staff=True, is_superuser=is_superuser)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        assert user.user_permissions.count() == len(permissions)
        client = Client(enforce_csrf_checks=True)
        client.force_login(user)
        return client


@pytest.fixture
def shop(vault: Any, request: pytest.FixtureRequest) -> Iterator[Shop]:
    # After the vault, which migrations of the project need.
    request.getfixturevalue("sqlite_tables")
    with transaction.atomic():
        yield Shop()
        transaction.set_rollback(True)


def token(client: Client, page: str) -> str:
    """The CSRF token that stands in a page."""
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get(page).content.decode())
    assert found, page
    return found[1]


def body(client: Client, page: str) -> str:
    response = client.get(page, follow=True)
    assert response.status_code == 200, page
    return response.content.decode()


def test_a_plain_field_would_be_seen(shop: Shop) -> None:
    """So that the tests below look at pages that would show it."""
    client = shop.client(is_superuser=True)
    assert SECRET in body(client, "/admin/shop/plain/")
    assert SECRET in body(client, f"/admin/shop/plain/{shop.plain.pk}/change/")


def test_lists_and_forms_are_masked(shop: Shop) -> None:
    """For who may do everything and for who may only look; in inlines, too."""
    everything, looking = shop.client(is_superuser=True), shop.client("view_account", "view_person")
    for client in (everything, looking):
        for page in ("/admin/shop/account/", shop.page, f"/admin/shop/account/{shop.account.pk}/history/"):
            shown = body(client, page)
            assert SECRET not in shown
            assert "copper-4402" not in shown
            assert "73055129" not in shown
            assert "bea@example.org" not in shown
    assert "••••" in body(looking, shop.page)
    assert "stored, not shown" in body(everything, shop.page)
    assert body(everything, shop.page).count(">Note:<") == 1
    for page in (shop.page, "/admin/shop/account/"):
        assert shop.reveal in body(everything, page)
        assert shop.reveal not in body(looking, page)
        assert shop.reveal in body(shop.client("view_account", "reveal_account"), page)
    assert "stored" not in body(everything, "/admin/shop/account/add/")
    assert SECRET not in body(everything, f"/admin/shop/account/{shop.account.pk}/delete/")


def test_a_save_keeps_what_was_left_empty(shop: Shop) -> None:
    """The history says which fields were changed, and not how."""
    client = shop.client(is_superuser=True)
    data = {
        "csrfmiddlewaretoken": token(client, shop.page), "id": shop.account.pk, "owner": shop.owner.pk,
        "label": "broker", "password": "", "people-TOTAL_FORMS": "1", "people-INITIAL_FORMS": "1",
        "people-0-id": shop.person.pk, "people-0-account": str(shop.account.pk), "people-0-email": "",
    }  # fmt: skip
    assert client.post(shop.page, data).status_code == 302
    row = Account.objects.get(pk=shop.account.pk)
    assert (row.label, row.password, row.note) == ("broker", SECRET, "copper-4402")
    assert Person.objects.get(pk=shop.person.pk).email == "bea@example.org"
    assert client.post(shop.page, {**data, "password": "marble-7056", "people-0-email": "c@x.org"}).status_code == 302
    assert Account.objects.get(pk=shop.account.pk).password == "marble-7056"
    assert Person.objects.get(pk=shop.person.pk).email == "c@x.org"
    messages = " ".join(entry.get_change_message() for entry in LogEntry.objects.all())
    assert "assword" in messages
    assert "marble" not in messages
    again = client.post(shop.page, {**data, "label": "", "password": "typed-and-wrong"})
    assert again.status_code == 200
    assert "typed-and-wrong" not in again.content.decode()


def test_the_button_asks_writes_and_shows(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """Looking at the page is not enough; the entry names the field and the user, and no value."""
    client = shop.client("view_account", "reveal_account")
    assert SECRET not in body(client, shop.reveal)
    assert LogEntry.objects.count() == 0
    with caplog.at_level(logging.WARNING, logger="strongroom.django"):
        response = client.post(shop.reveal, {"csrfmiddlewaretoken": token(client, shop.reveal)})
    assert response.status_code == 200
    assert f'<pre id="revealed">{SECRET}</pre>' in response.content.decode()
    assert "no-store" in response.headers["Cache-Control"]
    assert "private" in response.headers["Cache-Control"]
    entry = LogEntry.objects.get()
    assert entry.object_id == str(shop.account.pk)
    assert entry.get_change_message() == "Revealed password."
    history = f"/admin/shop/account/{shop.account.pk}/history/"
    assert "Revealed password." in body(shop.client(is_superuser=True), history)
    (line,) = [record.getMessage() for record in caplog.records if record.name == "strongroom.django"]
    assert line == f"user {entry.user_id} revealed shop.Account.password of the row {shop.account.pk}"


@pytest.mark.parametrize(
    "permissions", [(), ("view_account",), ("reveal_account",), ("change_person", "reveal_person")], ids=" ".join
)
def test_without_the_permission_nothing_is_shown(permissions: tuple[str, ...], shop: Shop) -> None:
    """To look at the object and to reveal are both needed, of this model; nothing is written either."""
    client = shop.client(*permissions)
    csrf = token(client, "/admin/")
    for response in (client.get(shop.reveal), client.post(shop.reveal, {"csrfmiddlewaretoken": csrf})):
        assert response.status_code in (403, 404)
        assert SECRET not in response.content.decode()
    assert LogEntry.objects.count() == 0


def test_a_request_from_elsewhere_reveals_nothing(shop: Shop) -> None:
    """No token of this site's: another site's form cannot press the button."""
    client = shop.client("view_account", "reveal_account")
    response = client.post(shop.reveal)
    assert response.status_code == 403
    assert LogEntry.objects.count() == 0


def test_nobody_reveals_what_is_no_encrypted_field(shop: Shop) -> None:
    """Nor a row that is not there."""
    client = shop.client(is_superuser=True)
    for page in (
        f"/admin/shop/account/{shop.account.pk}/reveal/label/",
        f"/admin/shop/account/{shop.account.pk}/reveal/nothing/",
        f"/admin/shop/account/{shop.owner.pk}/reveal/password/",
        "/admin/shop/account/00000000-0000-0000-0000-000000000000/reveal/password/",
    ):
        assert client.get(page).status_code == 404


def test_without_its_entry_no_value_is_shown(shop: Shop) -> None:
    """The history comes first: where it cannot be written, nobody sees the value."""
    client = shop.client("view_account", "reveal_account")
    client.raise_request_exception = False
    csrf = token(client, shop.reveal)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_admin_log RENAME TO gone")
        response = client.post(shop.reveal, {"csrfmiddlewaretoken": csrf})
        transaction.set_rollback(True)
    assert response.status_code == 500
    assert SECRET not in response.content.decode()


def test_a_value_that_does_not_open_is_said_so(shop: Shop) -> None:
    """It names the field and the row; the entry is written all the same."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE shop_account SET password = note")
    client = shop.client("view_account", "reveal_account")
    response = client.post(shop.reveal, {"csrfmiddlewaretoken": token(client, shop.reveal)})
    shown = response.content.decode()
    assert "does not decrypt" in shown
    assert "copper" not in shown
    assert LogEntry.objects.count() == 1


def test_an_admin_that_shows_values_is_an_error() -> None:
    """At `manage.py check`, with the class to take; so is filtering a list by them."""
    site = admin.AdminSite(name="careless")
    site.register(Account, admin.ModelAdmin)
    assert [error.id for error in check_admin()] == ["strongroom.E110"]
    site.unregister(Account)
    filtered = type("Filtered", (admin.site._registry[Account].__class__,), {"list_filter": ["password"]})
    site.register(Account, filtered)
    assert [error.id for error in check_admin()] == ["strongroom.E111"]
    inline = type("Inline", (admin.TabularInline,), {"model": Person})
    site.unregister(Account)
    site.register(Account, type("Inlined", (admin.site._registry[Account].__class__,), {"inlines": [inline]}))
    assert [error.id for error in check_admin()] == ["strongroom.E110"]
    site.unregister(Account)
    assert check_admin() == []


@pytest.mark.parametrize(
    ("model", "named", "is_right"),
    [
        (Person, "email", False), (Person, "=email", False), (Person, "^email", False), (Person, "@email", False),
        (Person, "email__iexact", False), (Person, "email__icontains", False), (Person, "number__exact", False),
        (Person, "account__password", False), (Person, "account__password__exact", False),
        (Account, "password", False), (Account, "people__email", False),
        (Person, "email__exact", True), (Account, "people__email__exact", True), (Account, "label", True),
        (Account, "owner__username", True), (Account, "=owner__email", True), (Account, "pk", True),
    ],
)  # fmt: skip
def test_a_search_for_ciphertext_is_an_error(shop: Shop, model: Any, named: str, is_right: bool) -> None:
    """Said at `manage.py check`, and it is just where Django's search would fail: the answer is tried."""
    site = admin.AdminSite(name="searching")
    site.register(model, type("Searching", (MaskedAdmin, admin.ModelAdmin), {"search_fields": [named]}))
    said = [error.id for error in check_admin()]
    found = True
    try:
        rows, _ = site._registry[model].get_search_results(RequestFactory().get("/"), model.objects.all(), "7")
        list(rows)
    except FieldError:
        found = False
    finally:
        # Django keeps a list of all sites, and other tests look at it.
        site.unregister(model)
    assert said == ([] if is_right else ["strongroom.E111"])
    assert found is is_right


@pytest.mark.parametrize("is_masked", [False, True])
def test_a_list_shows_no_value_of_another_model(shop: Shop, is_masked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Django's lists take paths over relations since 5.1: an admin without the mixin shows them, and is an error."""
    bases = (MaskedAdmin, admin.ModelAdmin) if is_masked else (admin.ModelAdmin,)
    plain = type("PersonAdmin", bases, {"list_display": ["pk", "account__password", "account__label"]})
    monkeypatch.setitem(admin.site._registry, Person, plain(Person, admin.site))
    found = [one for one in check_admin() if "account__password" in one.msg]
    assert [one.id for one in found] == ([] if is_masked else ["strongroom.E110"])
    request = RequestFactory().get("/")
    request.user = shop.owner
    person_admin = admin.site._registry[Person]
    shown = []
    for name in person_admin.get_list_display(request):
        _field, _attr, value = lookup_field(name, shop.person, person_admin)
        shown.append(str(value))
    assert (SECRET in shown) is not is_masked
    assert "bank" in shown


def test_a_model_that_sorts_by_ciphertext_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """At `manage.py check`; its queries raise."""
    assert check_ordering() == []
    monkeypatch.setattr(Account._meta, "ordering", ["label", "-password"])
    assert [error.id for error in check_ordering()] == ["strongroom.E113"]


def test_djangos_own_error_pages_are_a_warning() -> None:
    """Until the settings name the reporter that masks."""
    assert check_reporter() == []
    with override_settings(DEFAULT_EXCEPTION_REPORTER="django.views.debug.ExceptionReporter"):
        (found,) = check_reporter()
    assert (found.id, found.level) == ("strongroom.W112", checks.WARNING)
    assert "strongroom.django.reports.ExceptionReporter" in found.hint
