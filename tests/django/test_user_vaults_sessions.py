"""A user key between two requests: what a thief of the servers has, and what another browser opens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.django.vault_site import (
    COOKIE,
    KDF,
    NEW,
    PASSWORD,
    SECRET,
    browser,
    code_of,
    leads_to_unlock,
    log_in,
    new_login,
    options,
    settings,
)

BACKENDS = ["db", "cache", "cached_db", "file", "signed_cookies"]


@pytest.fixture
def site(sqlite_tables: str) -> Iterator[None]:
    """The site; what is written to its tables is rolled back."""
    from django.core.cache import cache
    from django.db import transaction

    with settings(), transaction.atomic():
        yield
        transaction.set_rollback(True)
        cache.clear()


@pytest.fixture
def ann(site: None) -> Any:
    """A user who has never been here."""
    from django.contrib.auth.models import User

    return User.objects.create_user("ann", "ann@example.org", PASSWORD)


@pytest.fixture
def bob(site: None) -> Any:
    """Another one, with the same password."""
    from django.contrib.auth.models import User

    return User.objects.create_user("bob", "bob@example.org", PASSWORD)


def shows(client: Any, key: str) -> str:
    """The password that the site shows, or nothing."""
    answer = client.get(f"/show/{key}/")
    return answer.content.decode() if answer.status_code == 200 else ""


def session_of(client: Any) -> dict[str, Any]:
    """What lies in the session store."""
    return dict(client.session.items())


# From one request to the next.


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_key_lives_as_long_as_session_and_cookie(ann: Any, backend: str, tmp_path: Any) -> None:
    """With every store of sessions: log in, store, read, log out; and neither half alone opens anything."""
    from django.test import override_settings

    with override_settings(
        SESSION_ENGINE=f"django.contrib.sessions.backends.{backend}",
        SESSION_FILE_PATH=str(tmp_path),
        SESSION_SERIALIZER="django.contrib.sessions.serializers.JSONSerializer",
    ):
        client = log_in(browser())
        key = new_login(client)
        assert shows(client, key) == SECRET
        assert shows(client, key) == SECRET
        assert client.get("/cycle/").status_code == 200
        assert shows(client, key) == SECRET
        half = client.cookies.pop(COOKIE)
        assert leads_to_unlock(client.get(f"/show/{key}/"))
        client.cookies[COOKIE] = half.value
        assert shows(client, key) == SECRET
        client.cookies.pop("sessionid")
        assert client.get(f"/show/{key}/")["Location"].startswith("/login/")
        log_in(client)
        assert shows(client, key) == SECRET
        assert client.post("/logout/").status_code == 302
        assert client.get(f"/show/{key}/")["Location"].startswith("/login/")


def test_what_the_cookie_is(ann: Any) -> None:
    """Out of reach for scripts and other hosts; as long-lived as the session; new for each log-in."""
    from django.test import override_settings

    client = log_in(browser())
    cookie = client.cookies[COOKIE]
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"], cookie["path"], cookie["domain"]) == (
        True, True, "Lax", "/", "",
    )  # fmt: skip
    assert cookie["max-age"] == client.cookies["sessionid"]["max-age"] == 14 * 24 * 3_600
    first = cookie.value
    assert log_in(client).cookies[COOKIE].value != first
    with override_settings(SESSION_EXPIRE_AT_BROWSER_CLOSE=True):
        assert log_in(browser()).cookies[COOKIE]["max-age"] == ""
    with override_settings(DEBUG=True):
        plain = log_in(browser())
        assert not plain.cookies["strongroom_key"]["secure"]
        key = new_login(plain)
        assert shows(plain, key) == SECRET
    assert client.get("/state/").cookies == {}
    with override_settings(SESSION_SAVE_EVERY_REQUEST=True):
        assert COOKIE in client.get(f"/show/{key}/").cookies


def test_a_log_out_deletes_both(ann: Any) -> None:
    """The cookie goes from the browser, and what it opened from the store: the old one opens nothing."""
    client = log_in(browser())
    key, old = new_login(client), client.cookies[COOKIE].value
    answer = client.post("/logout/")
    assert answer.cookies[COOKIE]["max-age"] == 0
    assert answer.cookies[COOKIE].value == ""
    thief = browser()
    log_in_without_key(thief, ann)
    thief.cookies[COOKIE] = old
    assert leads_to_unlock(thief.get(f"/show/{key}/"))


def log_in_without_key(client: Any, user: Any) -> None:
    """A session as somebody has it who has SECRET_KEY and the database, and no password."""
    client.force_login(user, backend="strongroom.django.user_vaults.backends.UserVaultBackend")


def test_another_user_logs_in_with_the_same_browser(ann: Any, bob: Any) -> None:
    """Nobody has the other's key."""
    client = log_in(browser())
    key = new_login(client)
    log_in(client, "bob")
    assert client.get("/state/").content == b"unlocked"
    assert client.get(f"/show/{key}/").status_code == 403
    mine = new_login(client, "of bob")
    assert shows(client, mine) == "of bob"
    log_in_without_key(client, ann)
    assert client.get("/state/").content == b"locked"
    assert leads_to_unlock(client.get(f"/show/{key}/"))


NAMED = [
    ("read", "unlocked"), ("early-read", "unlocked"), ("open", "unlocked"), ("early-open", "unlocked"),
    ("change", "unlocked"), ("forget", "locked"), ("early-forget", "locked"), ("give-up", "absent"),
]  # fmt: skip


@pytest.mark.parametrize(("how", "state"), NAMED)
def test_a_request_in_another_name_leaves_the_sessions_key(ann: Any, bob: Any, how: str, state: str) -> None:
    """Bob's name and password with one request out of the browser in which Ann is logged in."""
    from base64 import b64encode

    log_in(browser(), "bob")
    client = log_in(browser())
    key = new_login(client)
    cookie = client.cookies[COOKIE].value
    named = {"accept": "application/json", "authorization": f"Basic {b64encode(f'bob:{PASSWORD}'.encode()).decode()}"}
    answer = client.get(f"/named-api/{how}/", headers=named)
    assert answer.json() == {"user": "bob", "state": state}
    assert COOKIE not in answer.cookies
    assert client.cookies[COOKIE].value == cookie
    assert shows(client, key) == SECRET


def test_the_block_of_a_requests_vault_leaves_its_key(ann: Any) -> None:
    """A request forgets its key when it ends, and keeps it for the next one."""
    client = log_in(browser())
    assert client.get("/in-block/").content == b"unlocked unlocked"
    assert client.get("/state/").content == b"unlocked"


# What a thief has.


def test_database_session_store_and_secret_key_open_nothing(ann: Any, bob: Any) -> None:
    """A thief tries as a key all that lies on the servers, byte by byte, and the cookie of another session."""
    import itertools
    from base64 import urlsafe_b64decode

    from django.conf import settings as django_settings
    from django.contrib.sessions.models import Session
    from django.db import connection

    from strongroom.crypto.digest import sha256
    from strongroom.django.user_vaults import sessions, slots
    from strongroom.django.user_vaults.models import UserVault, VaultSlot
    from strongroom.errors import StrongroomError
    from strongroom.secret import SecretBytes

    client, other = log_in(browser()), log_in(browser(), "bob")
    key = new_login(client)
    vault = UserVault.objects.get(user=ann)
    (slot,) = VaultSlot.objects.filter(vault=vault)
    stolen: list[bytes] = [django_settings.SECRET_KEY.encode()]
    for table in connection.introspection.table_names():
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT * FROM "{table}"')
            stolen += [
                one.encode() if isinstance(one, str) else bytes(one)
                for row in cursor.fetchall()
                for one in row
                if isinstance(one, str | bytes | memoryview)
            ]
    found = [Session.objects.get(pk=one.session_key).get_decoded() for one in Session.objects.all()]
    stolen += [str(one).encode() for session in found for one in session.values()]
    stolen += [urlsafe_b64decode(session[sessions.ENTRY]) for session in found]
    assert len(found) == 2
    assert all(SECRET.encode() not in one and PASSWORD.encode() not in one for one in stolen)

    keys: set[bytes] = {urlsafe_b64decode(other.cookies[COOKIE].value + "=")}
    for one in stolen:
        keys.update((sha256(one), one[:32].ljust(32, b"\0")))
        keys.update(one[start : start + 32] for start in range(max(len(one) - 31, 0)))
    entry = client.session[sessions.ENTRY]
    places = [
        sessions.place(vault.pk, vault.generation, str(ann.pk), ann.password, client.session.session_key),
        sessions.place(vault.pk, vault.generation, str(bob.pk), bob.password, other.session.session_key),
    ]
    ann.refresh_from_db()
    right = sessions.unwrap(entry, bytearray(urlsafe_b64decode(client.cookies[COOKIE].value + "=")), places[0])
    for guess, where in itertools.product(sorted(keys), places):
        with pytest.raises(StrongroomError):
            sessions.unwrap(entry, bytearray(guess), where)
    row = type(ann)._meta.model  # nothing of Django's own opens the vault either
    assert row.objects.get(pk=ann.pk).check_password(PASSWORD)
    for guess in sorted(keys):
        assert guess != right.reveal()
        with pytest.raises(StrongroomError):
            slots.check_proof(vault, [slot], SecretBytes(guess))
    assert shows(client, key) == SECRET


def test_a_forged_session_opens_nothing(ann: Any) -> None:
    """With SECRET_KEY a thief makes sessions for whom he likes: the vault stays locked."""
    key = new_login(log_in(browser()))
    thief = browser()
    log_in_without_key(thief, ann)
    assert thief.get("/state/").content == b"locked"
    assert leads_to_unlock(thief.get(f"/show/{key}/"))
    assert thief.get("/list/").content == "bank=••••••••;".encode()


def test_the_session_of_one_with_the_cookie_of_another(ann: Any, bob: Any) -> None:
    """Neither opens, in both directions, nor with the entry copied from one session to the other."""
    from strongroom.django.user_vaults.sessions import ENTRY

    one, two = log_in(browser()), log_in(browser(), "bob")
    key = new_login(one)
    third = browser()
    third.cookies["sessionid"] = one.cookies["sessionid"].value
    third.cookies[COOKIE] = two.cookies[COOKIE].value
    assert leads_to_unlock(third.get(f"/show/{key}/"))

    one, again = log_in(browser()), log_in(browser())
    session = again.session
    session[ENTRY] = one.session[ENTRY]
    session.save()
    again.cookies[COOKIE] = one.cookies[COOKIE].value
    assert leads_to_unlock(again.get(f"/show/{key}/"))
    assert shows(one, key) == SECRET


@pytest.mark.parametrize("cookie", ["", "x", "x" * 43, "é" * 43, "A" * 42 + "=", "-" * 4_000, "A" * 43])
def test_a_cookie_that_is_none(ann: Any, cookie: str) -> None:
    """Locked, and no error."""
    client = log_in(browser())
    key = new_login(client)
    client.cookies[COOKIE] = cookie
    assert leads_to_unlock(client.get(f"/show/{key}/"))


@pytest.mark.parametrize("entry", ["", "x", "A" * 140, 7, None, ["x"], "é"])
def test_an_entry_that_is_none(ann: Any, entry: Any) -> None:
    """Somebody writes to the session store."""
    from strongroom.django.user_vaults.sessions import ENTRY

    client = log_in(browser())
    key = new_login(client)
    session = client.session
    session[ENTRY] = entry
    session.save()
    assert leads_to_unlock(client.get(f"/show/{key}/"))


# What drops the keys of sessions.


def test_a_new_password_drops_the_keys_of_other_sessions(ann: Any) -> None:
    """The one in which it was changed goes on; the others have to log in again, and their old entries open nothing."""
    from django.contrib.sessions.models import Session

    from strongroom.django.user_vaults import sessions
    from strongroom.django.user_vaults.models import UserVault

    here, there = log_in(browser()), log_in(browser())
    key = new_login(here)
    assert shows(there, key) == SECRET
    entry, cookie = there.session[sessions.ENTRY], there.cookies[COOKIE].value
    fields = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    answer = here.post("/password/", fields)
    assert answer.status_code == 302, answer.content
    assert shows(here, key) == SECRET
    assert there.get(f"/show/{key}/")["Location"].startswith("/login/")
    # A session with the old entry, as a thief makes it who has SECRET_KEY: the generation has gone on.
    thief = browser()
    ann.refresh_from_db()
    log_in_without_key(thief, ann)
    session = thief.session
    session[sessions.ENTRY] = entry
    session.save()
    thief.cookies[COOKIE] = cookie
    assert leads_to_unlock(thief.get(f"/show/{key}/"))
    assert UserVault.objects.get(user=ann).generation == 2
    assert Session.objects.count() >= 1
    assert shows(log_in(browser(), password=NEW), key) == SECRET


@pytest.mark.parametrize("how", ["admin", "reset"])
def test_a_password_set_by_others_drops_them_too(ann: Any, how: str) -> None:
    """An administrator's or a mail's: the session is over, also for who forges one and has the old cookie."""
    from strongroom.django.user_vaults import sessions

    client = log_in(browser())
    key = new_login(client)
    name, entry, cookie = client.session.session_key, client.session[sessions.ENTRY], client.cookies[COOKIE].value
    set_by_others(ann, how)
    assert client.get(f"/show/{key}/")["Location"].startswith("/login/")
    ann.refresh_from_db()
    from django.contrib.sessions.backends.db import SessionStore

    thief = browser()
    log_in_without_key(thief, ann)
    forged = SessionStore(name)
    forged.create_model_instance({**session_of(thief), sessions.ENTRY: entry}).save(force_insert=True)
    thief.cookies["sessionid"], thief.cookies[COOKIE] = name, cookie
    assert leads_to_unlock(thief.get(f"/show/{key}/"))


def set_by_others(user: Any, how: str) -> None:
    """Give *user* another password without the old one."""
    from django.contrib.auth.models import User
    from django.contrib.auth.tokens import default_token_generator
    from django.utils.encoding import force_bytes
    from django.utils.http import urlsafe_base64_encode

    user.refresh_from_db()
    fields = {"new_password1": NEW, "new_password2": NEW}
    if how == "admin":
        User.objects.create_superuser("root", "root@example.org", NEW)
        root = log_in(browser(), "root", NEW)
        fields = {"password1": NEW, "password2": NEW}
        answer = root.post(f"/admin/auth/user/{user.pk}/password/", fields)
        assert answer.status_code == 302, answer.content
        return
    start = f"/reset/{urlsafe_base64_encode(force_bytes(user.pk))}"
    client = browser()
    answer = client.get(f"{start}/{default_token_generator.make_token(user)}/")
    assert answer.status_code == 302
    answer = client.post(answer["Location"], fields)
    assert answer.status_code == 302, answer.content


@pytest.mark.parametrize("how", ["admin", "reset"])
@pytest.mark.parametrize("by", ["code", "old password"])
def test_a_reset_leaves_the_vault_locked_and_the_page_recovers_it(ann: Any, how: str, by: str) -> None:
    """Nothing is lost: the code or the old password opens it, and from then on the new one does."""
    client = log_in(browser())
    key = new_login(client)
    code = code_of(client.post("/vault/recovery-code/"))
    set_by_others(ann, how)
    client = log_in(browser(), password=NEW)
    assert client.get("/state/").content == b"locked"
    answer = client.get(f"/show/{key}/", follow=True)
    assert b"recover" in answer.content
    answer = client.post("/vault/unlock/", {"password": NEW})
    assert b"old password" in answer.content
    for wrong in (
        {"recovery_code": "1" * 32},
        {"old_password": "nonsense"},
        {},
        {"recovery_code": code, "old_password": "x"},
    ):
        answer = client.post("/vault/recover/", {"password": NEW, **wrong})
        assert answer.status_code == 200
        assert client.get("/state/").content == b"locked"
    right = {"recovery_code": code} if by == "code" else {"old_password": PASSWORD}
    answer = client.post("/vault/recover/", {"password": "not today's", **right})
    assert answer.status_code == 200
    answer = client.post("/vault/recover/", {"password": NEW, "next": f"/show/{key}/", **right})
    assert answer["Location"] == f"/show/{key}/"
    assert shows(client, key) == SECRET
    assert shows(log_in(browser(), password=NEW), key) == SECRET
    if by == "code":
        again = log_in(browser(), password=NEW)
        answer = again.post("/vault/recover/", {"password": NEW, "recovery_code": code})
        assert answer.status_code == 200


def test_the_cost_rises_at_a_log_in(ann: Any) -> None:
    """And the sessions that are open stay so."""
    from django.test import override_settings

    from strongroom.django.user_vaults.models import VaultSlot

    client = log_in(browser())
    key = new_login(client)
    with override_settings(STRONGROOM=options(USER_VAULT_KDF={**KDF, "iterations": 3})):
        log_in(browser())
    assert VaultSlot.objects.get().iterations == 3
    assert shows(client, key) == SECRET


def test_a_change_that_is_rolled_back_by_the_request(ann: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The password was changed, then the view failed: the old one logs in and opens, and the key is kept for it."""
    from django.db import transaction

    client = log_in(browser())
    key = new_login(client)
    from django.contrib.auth.forms import PasswordChangeForm

    save = PasswordChangeForm.save

    class Undo(Exception):
        pass

    def fail(self: Any, commit: bool = True) -> Any:
        with transaction.atomic():
            save(self, commit)
            raise Undo

    monkeypatch.setattr(PasswordChangeForm, "save", fail)
    client.raise_request_exception = False
    fields = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert client.post("/password/", fields).status_code == 500
    client.raise_request_exception = True
    assert shows(client, key) == SECRET
    assert shows(log_in(browser()), key) == SECRET


def test_a_wrong_cookie_takes_nothing_away(ann: Any) -> None:
    """Whoever puts one into a browser locks that request, and not what the right one opens."""
    client = log_in(browser())
    key, right = new_login(client), client.cookies[COOKIE].value
    client.cookies[COOKIE] = "A" * 43
    assert leads_to_unlock(client.get(f"/show/{key}/"))
    client.cookies[COOKIE] = right
    assert shows(client, key) == SECRET


@pytest.mark.parametrize("how", ["drop", "change"])
def test_other_sessions_fall_and_this_one_stays(ann: Any, how: str) -> None:
    """By a call of the site's own."""
    here, there = log_in(browser()), log_in(browser())
    key = new_login(here)
    assert shows(there, key) == SECRET
    assert here.post(f"/leave/{how}/", {"password": PASSWORD}).status_code == 200
    assert shows(here, key) == SECRET
    assert leads_to_unlock(there.get(f"/show/{key}/"))


@pytest.mark.parametrize("how", ["flush", "delete", "give-up"])
def test_what_ends_in_the_middle_of_a_request(ann: Any, how: str) -> None:
    """No key is kept for a session, a user or a vault that is gone, and the answer is one."""
    from django.contrib.sessions.models import Session

    from strongroom.django.user_vaults.sessions import ENTRY

    client = log_in(browser())
    new_login(client)
    answer = client.post(f"/leave/{how}/")
    assert answer.status_code == 200
    assert answer.cookies[COOKIE].value == ""
    assert all(ENTRY not in one.get_decoded() for one in Session.objects.all())


def test_plain_http_behind_a_proxy_is_named(ann: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A browser would not take the cookie, and the user would unlock again and again: the log says why."""
    from django.test import override_settings

    with override_settings(ALLOWED_HOSTS=["*"]):
        client = browser()
        client.post("/login/", {"username": "ann", "password": PASSWORD}, headers={"host": "example.org"})
        assert "SECURE_PROXY_SSL_HEADER" in caplog.text
        caplog.clear()
        client.post("/login/", {"username": "ann", "password": PASSWORD}, headers={"host": "example.org"}, secure=True)
        assert "SECURE_PROXY_SSL_HEADER" not in caplog.text


def test_no_key_is_left_behind_by_a_request(ann: Any) -> None:
    """After it nothing is in use, and what it held is wiped; also when the view fails."""
    from django.http import HttpRequest, HttpResponse
    from django.test import RequestFactory

    from strongroom.django.user_vaults.current import in_use
    from strongroom.django.user_vaults.middleware import UserVaultMiddleware

    client = log_in(browser())
    seen: list[Any] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(request.user_vault.unlocked())
        assert in_use.get() is request.user_vault
        if len(seen) > 1:
            raise RuntimeError
        return HttpResponse()

    for fails in (False, True):
        request = RequestFactory().get("/")
        request.COOKIES[COOKIE] = client.cookies[COOKIE].value
        request.session, request.user = client.session, ann
        if fails:
            with pytest.raises(RuntimeError):
                UserVaultMiddleware(view)(request)
        else:
            UserVaultMiddleware(view)(request)
        assert in_use.get() is None
        assert not seen[-1].is_open
    assert len(seen) == 2


def test_a_log_in_that_meets_a_new_password_keeps_no_key(ann: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes with the old one while it is changed elsewhere has no key afterwards."""
    from strongroom.django.user_vaults import vaults
    from strongroom.django.user_vaults.requests import RequestVault
    from strongroom.django.user_vaults.sessions import ENTRY

    log_in(browser())
    late, settle = browser(), RequestVault.settle

    def meanwhile(self: Any, response: Any) -> None:
        other = vaults.open_with_password(ann, PASSWORD)
        vaults.drop_sessions(ann, other)
        settle(self, response)

    monkeypatch.setattr(RequestVault, "settle", meanwhile)
    log_in(late)
    monkeypatch.undo()
    assert ENTRY not in late.session
    assert late.get("/state/").content == b"locked"


def test_a_template_changes_nothing(ann: Any) -> None:
    """Templates call what takes no arguments: not what makes codes, forgets or gives up."""
    from django.template import Context, Template

    from strongroom.django.user_vaults import user_vault

    with user_vault(ann) as vault:
        vault.create(PASSWORD)
        names = ("new_recovery_code", "anew_recovery_code", "give_up", "agive_up", "forget", "drop_sessions")
        page = "".join("{{ vault." + name + " }}" for name in names)
        assert Template(page).render(Context({"vault": vault})) == ""
        assert vault.state == "unlocked"
        assert not vault.has_recovery_code


@pytest.mark.parametrize("how", ["log in", "unlock"])
def test_a_cookie_that_somebody_has_put_there_before(ann: Any, how: str) -> None:
    """The key of a session is never one that was there before the password was typed."""
    planted = "A" * 43
    client = browser()
    if how == "unlock":
        log_in(client)
    client.cookies[COOKIE] = planted
    if how == "unlock":
        assert client.post("/vault/unlock/", {"password": PASSWORD}).status_code == 302
    else:
        log_in(client)
    key = new_login(client)
    assert client.cookies[COOKIE].value != planted
    assert shows(client, key) == SECRET
    client.cookies[COOKIE] = planted
    assert leads_to_unlock(client.get(f"/show/{key}/"))
