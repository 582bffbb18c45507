"""Where a value could come out by itself; each test fails on a plain field, which stands beside the encrypted one."""

from __future__ import annotations

import copy
import html
import logging
import pickle
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest

from strongroom.errors import Tampered
from tests.django import project

project.configure()

import django  # noqa: E402 - once Django is configured
from django import forms  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core import mail, serializers  # noqa: E402
from django.core.cache.backends.locmem import LocMemCache  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections, models  # noqa: E402
from django.test import Client, override_settings  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from tests.django.shop.models import Account, Everything, Person, Plain  # noqa: E402
from tests.django.shop.views import form_of  # noqa: E402

SECRET = "velvet <quarter> 'n\" 9317"


def plainly(text: str) -> str:
    """Without what HTML, SQL and Python's repr put in front of quotes."""
    return html.unescape(text).replace("\\", "").replace("''", "'")


PLACES: dict[str, Callable[[models.Model, str], str]] = {}
Execute = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def rows(using: str, owner: User) -> dict[str, models.Model]:
    """One row with an encrypted password, and one without."""
    made = {kind.__name__: kind(owner=owner, label="bank", password=SECRET) for kind in (Account, Plain)}
    for row in made.values():
        row.save(using=using)
    return {name: type(row).objects.using(using).get(pk=row.pk) for name, row in made.items()}


def place(look: Callable[[models.Model, str], str]) -> Callable[[models.Model, str], str]:
    PLACES[look.__name__.replace("_", " ")] = look
    return look


@place
def dumpdata(row: models.Model, using: str) -> str:
    out = StringIO()
    call_command("dumpdata", row._meta.label, database=using, stdout=out)
    return out.getvalue()


@place
def serialized_as_xml(row: models.Model, using: str) -> str:
    return serializers.serialize("xml", [row])


@place
def serialized_as_python(row: models.Model, using: str) -> str:
    return serializers.serialize("python", [row])[0]["fields"]["password"]


@place
def statements(row: models.Model, using: str) -> str:
    with CaptureQueriesContext(connections[using]) as captured:
        row.save(using=using)
        list(type(row).objects.using(using).all())
    return " ".join(query["sql"] for query in captured.captured_queries)


@place
def log_of_statements(row: models.Model, using: str) -> str:
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(f"{record.getMessage()} {record.__dict__}")  # type: ignore[method-assign]
    logger = logging.getLogger("django.db.backends")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    connections[using].force_debug_cursor = True
    try:
        row.save(using=using)
    finally:
        connections[using].force_debug_cursor = False
        logger.setLevel(logging.NOTSET)
        logger.removeHandler(handler)
    assert lines
    return "".join(lines)


@place
def repr_of_values(row: models.Model, using: str) -> str:
    return repr(type(row).objects.using(using).values("password"))


@place
def repr_of_a_list_of_values(row: models.Model, using: str) -> str:
    return repr(type(row).objects.using(using).values_list("password", flat=True))


@place
def repr_of_an_annotation(row: models.Model, using: str) -> str:
    found = type(row).objects.using(using).annotate(other=models.F("password"))
    return repr(found.values("other"))


@place
def cache(row: models.Model, using: str) -> str:
    store = LocMemCache("leaks", {})
    store.set("row", row)
    kept = next(iter(store._cache.values()))
    store.clear()
    return bytes(kept).decode("latin-1")


@place
def pickle_of_a_queryset(row: models.Model, using: str) -> str:
    return pickle.dumps(type(row).objects.using(using).all()).decode("latin-1")


@place
def initial_of_a_form(row: models.Model, using: str) -> str:
    return repr(form_of(type(row))(instance=row).initial)


@place
def form(row: models.Model, using: str) -> str:
    return form_of(type(row))(instance=row).as_p()


@place
def form_that_was_typed_wrong(row: models.Model, using: str) -> str:
    bound = form_of(type(row))({"label": "", "password": SECRET}, instance=row)
    assert not bound.is_valid()
    return bound.as_p()


@place
def form_that_is_shown_with_hidden_inputs(row: models.Model, using: str) -> str:
    class Form(form_of(type(row))):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.fields["password"].show_hidden_initial = True

    return Form(instance=row).as_p()


@pytest.mark.parametrize("where", PLACES)
def test_a_value_does_not_come_out_here(where: str, rows: dict[str, models.Model], using: str) -> None:
    """It does of a plain field, so the test would see it."""
    assert SECRET in plainly(PLACES[where](rows["Plain"], using))
    assert "velvet" not in PLACES[where](rows["Account"], using)


WAYS = ("object", "values", "queryset", "form", "create", "message", "post")


def page(way: str, model: str, *, debug: bool, reporter: str) -> tuple[str, str]:
    """The error page, and the mail to the admins, of a view that fails."""
    mail.outbox = []
    with override_settings(DEBUG=debug, ADMINS=[("root", "root@example.org")], DEFAULT_EXCEPTION_REPORTER=reporter):
        logger = logging.getLogger("django.request")
        handler = __import__("django.utils.log", fromlist=["AdminEmailHandler"]).AdminEmailHandler(include_html=True)
        logger.addHandler(handler)
        try:
            response = Client(raise_request_exception=False).post(
                f"/fails/{way}-{model}/", {"label": "", "password": SECRET, "x-0-password": SECRET}
            )
        finally:
            logger.removeHandler(handler)
    assert response.status_code == 500
    mails = [str(one.message()) + one.body + "".join(part[0] for part in one.alternatives) for one in mail.outbox]
    return plainly(response.content.decode()), plainly("".join(mails))


@pytest.fixture
def on_sqlite(vault: Any, request: pytest.FixtureRequest) -> Any:
    """Views take the default database; its tables come after the vault, which migrations of the project need."""
    from django.db import transaction

    request.getfixturevalue("sqlite_tables")
    with transaction.atomic():
        owner = User.objects.create(username="ann")
        for kind in (Account, Plain):
            kind.objects.create(owner=owner, label="bank", password=SECRET)
        yield
        transaction.set_rollback(True)


OURS = "strongroom.django.reports.ExceptionReporter"


@pytest.mark.filterwarnings("ignore:.*(deprecated|default mailer)")  # how mail is set up, by Django 6.1
@override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("way", WAYS)
def test_error_pages_and_mails_show_no_value(way: str, debug: bool, on_sqlite: Any) -> None:
    """With DEBUG and without; Django's own reporter shows it of a plain field on every one of these ways."""
    shown, mailed = page(way, "plain", debug=debug, reporter="django.views.debug.ExceptionReporter")
    assert SECRET in (shown if debug else mailed)
    shown, mailed = page(way, "account", debug=debug, reporter=OURS)
    assert "velvet" not in shown
    assert "velvet" not in mailed
    assert "Error" in (shown if debug else mailed)


@pytest.mark.filterwarnings("ignore:.*(deprecated|default mailer)")
@override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend")
def test_error_pages_still_show_the_rest(on_sqlite: Any) -> None:
    """Names of variables, and those that hold nothing secret."""
    shown, _ = page("values", "account", debug=True, reporter=OURS)
    assert "it failed" in shown
    assert "values-account" in shown
    assert "••••" in shown


def test_pickles_and_copies_come_back(rows: dict[str, models.Model], using: str) -> None:
    """A cached object is the object; a copy needs no key and no row."""
    row = rows["Account"]
    assert pickle.loads(pickle.dumps(row)).password == SECRET
    assert copy.copy(row).password == copy.deepcopy(row).password == SECRET
    assert copy.deepcopy(Account(password="new")).password == "new"
    deferred = pickle.loads(pickle.dumps(Account.objects.using(using).defer("password").get(pk=row.pk)))
    assert "password" not in deferred.__dict__
    assert deferred.password == SECRET
    with pytest.raises(TypeError, match="not saved yet"):
        pickle.dumps(Account(password="new"))
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(Account.objects.using(using).values("password"))


def test_a_pickle_of_another_row_does_not_open(rows: dict[str, models.Model], using: str) -> None:
    """Whoever can write into the cache cannot hand a value over either."""
    state = rows["Account"].__getstate__()
    state["id"] = Account().pk
    with pytest.raises(Tampered):
        Account.__new__(Account).__setstate__({**state, "_django_version": django.__version__})


@pytest.mark.parametrize("form", ["json", "xml", "jsonl", "python"])
def test_a_dump_is_loaded_again(form: str, using: str) -> None:
    """With every type, and into the same rows alone."""
    import datetime
    from decimal import Decimal

    values = {
        "char": "", "text": "two\nlines", "email": "a@example.org", "url": "https://example.org",
        "json": {"a": [0, None]}, "binary": b"\x00\xff", "integer": 0, "decimal": Decimal("1.50"),
        "date": datetime.date(1970, 1, 1),
        "datetime": datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=datetime.UTC), "boolean": False,
    }  # fmt: skip
    rows = Everything.objects.using(using)
    row = rows.create(**values)
    empty = rows.create()
    dump = serializers.serialize(form, rows.all())
    rows.all().delete()
    for loaded in serializers.deserialize(form, dump, using=using):
        loaded.save(using=using)
    again = rows.get(pk=row.pk)
    assert {name: getattr(again, name) for name in values} == values
    assert [type(getattr(again, name)) for name in values] == list(map(type, values.values()))
    assert all(getattr(rows.get(pk=empty.pk), name) is None for name in values)


def test_a_dump_of_another_row_is_refused(rows: dict[str, models.Model], using: str) -> None:
    """A fixture is no way around the binding."""
    (dump,) = serializers.serialize("python", [rows["Account"]])
    dump["pk"] = Account().pk
    (loaded,) = serializers.deserialize("python", [dump], using=using)
    with pytest.raises(Tampered):
        loaded.save(using=using)


def test_what_looks_like_a_dump_stays_what_was_typed(rows: dict[str, models.Model], using: str) -> None:
    """Somebody who enters another row's dump reads the dump."""
    (dump,) = serializers.serialize("python", [rows["Account"]])
    typed = dump["fields"]["password"]
    row = rows["Account"]
    row.note = typed
    row.clean_fields()
    row.save(using=using)
    assert Account.objects.using(using).get(pk=row.pk).note == typed


def test_a_form_keeps_changes_and_clears(using: str, vault: Any) -> None:
    """Left empty it keeps; typed it changes; a box clears; a required field that has nothing is required."""
    kind = forms.modelform_factory(Person, fields=["email", "number"])
    person = Person.objects.using(using).create(email="ann@example.org", number=0)

    def post(**data: str) -> forms.ModelForm:
        return kind(data, instance=Person.objects.using(using).get(pk=person.pk))

    def stored() -> tuple[Any, ...]:
        return Person.objects.using(using).values_list("email", "number").get(pk=person.pk)

    assert not post(email="", number="").has_changed()
    for data, after in (
        ({"email": "", "number": ""}, ("ann@example.org", 0)),
        ({"email": "bea@example.org", "number": ""}, ("bea@example.org", 0)),
        ({"email": "  ", "number": "7"}, ("bea@example.org", 7)),
    ):
        form = post(**data)
        assert form.is_valid(), form.errors
        form.save()
        assert stored() == after
    assert post(email="no address", number="").errors.keys() == {"email"}
    optional = forms.modelform_factory(
        Everything, fields=["char", "date", "datetime", "json", "boolean", "decimal"]
    )  # fmt: skip
    row = Everything.objects.using(using).create()
    page = optional(instance=row)
    assert "clear" not in page.as_p()
    assert set(kind({}).errors) == {"email", "number"}


def test_a_box_clears_what_is_optional(rows: dict[str, models.Model], using: str) -> None:
    """And only that."""
    row = rows["Account"]
    row.note = "a note"
    row.save(using=using)
    kind = forms.modelform_factory(Account, fields=["password", "note"])
    assert 'name="note-clear"' in kind(instance=row).as_p()
    assert 'name="password-clear"' not in kind(instance=row).as_p()
    form = kind({"password": "", "note": "", "note-clear": "on", "password-clear": "on"}, instance=row)
    assert form.is_valid(), form.errors
    form.save()
    again = Account.objects.using(using).get(pk=row.pk)
    assert (again.password, again.note) == (SECRET, "")


def test_a_form_that_asks_for_it_shows_the_value(rows: dict[str, models.Model]) -> None:
    """``masked=False`` is an ordinary field of its kind."""

    class Form(forms.ModelForm):
        password = Account._meta.get_field("password").formfield(masked=False)

        class Meta:
            model = Account
            fields = ("password",)

    row = rows["Account"]
    assert SECRET in plainly(Form(instance=row).as_p())
    assert not Form({"password": SECRET}, instance=row).has_changed()
    assert Form({"password": "other"}, instance=row).has_changed()
    assert Form({"password": ""}, instance=row).errors.keys() == {"password"}
