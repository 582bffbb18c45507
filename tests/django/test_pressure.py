"""Attacks on the log-in of a project: floods, guesses from everywhere, spoofed addresses, passwords that are none.

A door is whatever takes a password. How much work was done is counted in runs of Argon2id, not in time.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.django.login_hashers import MEMORY_KIB

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "strongroom.django.user_vaults.middleware.UserVaultMiddleware",
]
KDF = {"algorithm": "argon2id", "memory_kib": MEMORY_KIB, "iterations": 1}
LIMITS = {"PLACES": 1, "PER_CLIENT": (8, 36_000), "PER_NAME": (6, 36_000), "PER_CLIENT_AND_NAME": (3, 36_000),
          "PER_DEVICE": (2, 36_000)}  # fmt: skip
RIGHT = "velvet quarter 9317"
WRONG = "velvet quarter 9318"
HERE, THERE = "203.0.113.7", "198.51.100.9"

JSON = {"accept": "application/json"}

Work = list[tuple[Any, ...]]


@pytest.fixture
def site(sqlite_tables: str) -> Iterator[Callable[..., None]]:
    """A project with user vaults; call it with other limits. What is written to its tables is rolled back."""
    from django.db import transaction
    from django.test import override_settings

    changed: list[Any] = []

    def change(**login: Any) -> None:
        options = {"USER_VAULT_KDF": dict(KDF), "LOGIN": {**LIMITS, **login}}
        changed.append(override_settings(STRONGROOM=options))
        changed[-1].enable()

    with (
        override_settings(
            MIDDLEWARE=MIDDLEWARE,
            ROOT_URLCONF="tests.django.login_urls",
            AUTHENTICATION_BACKENDS=["strongroom.django.user_vaults.backends.UserVaultBackend"],
            PASSWORD_HASHERS=[
                "tests.django.login_hashers.QuickHasher",
                "django.contrib.auth.hashers.MD5PasswordHasher",
            ],
            LOGIN_URL="/login/",
            CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "pressure"}},
        ),
        transaction.atomic(),
    ):
        change()
        yield change
        transaction.set_rollback(True)
    for one in reversed(changed):
        one.disable()


@pytest.fixture
def ann(site: Any) -> Any:
    """A user who may log in everywhere, and has no vault yet."""
    from django.contrib.auth.models import User

    return User.objects.create_superuser("ann", "ann@example.org", RIGHT)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """Each run of Argon2id: for what, its cost, and the thread that it ran in."""
    from strongroom.crypto import kdf
    from strongroom.crypto.foreign import password_hashes

    done: Work = []
    hashes, derives = password_hashes.argon2, kdf._argon2id_from_parts

    def hash_(*parts: Any, **cost: Any) -> bytes:
        done.append(("password", cost["memory_kib"], cost["iterations"], cost["lanes"], threading.get_ident()))
        return hashes(*parts, **cost)

    def derive(*parts: Any, **cost: Any) -> bytearray:
        done.append(("vault", cost["memory_kib"], cost["iterations"], cost["lanes"], threading.get_ident()))
        return derives(*parts, **cost)

    monkeypatch.setattr(password_hashes, "argon2", hash_)
    monkeypatch.setattr(kdf, "_argon2id_from_parts", derive)
    return done


def browser(address: str = HERE, **options: Any) -> Any:
    """A browser at an address."""
    from django.test import Client

    return Client(REMOTE_ADDR=address, headers={"accept": "text/html"}, raise_request_exception=False, **options)


def log_in(client: Any, name: str = "ann", password: str = RIGHT, **more: Any) -> int:
    """The status of a log-in: 302 in, 200 the form again, 429 not looked at."""
    return int(client.post("/login/", {"username": name, "password": password}, **more).status_code)


def log_out(client: Any) -> None:
    """The session and the vault's key go; the device cookie stays, as it does in a browser."""
    assert client.post("/logout/").status_code == 302
    assert not client.session.keys()


def statuses(count: int, attempt: Callable[[], int]) -> list[int]:
    """What *count* attempts in a row were answered with."""
    return [attempt() for _ in range(count)]


def test_a_name_is_guessed_a_few_times_and_then_nothing_is_computed(site: Any, ann: Any, work: Work) -> None:
    """The fourth guess of one address at one name is 429, says when, and costs no hash."""
    client = browser()
    assert statuses(6, lambda: log_in(client, password=WRONG)) == [200, 200, 200, 429, 429, 429]
    assert len(work) == 3
    answer = client.post("/login/", {"username": "ann", "password": RIGHT})
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 36_000 / 3
    assert answer["Cache-Control"] == "no-store"
    assert b"may well be right" in answer.content
    assert len(work) == 3


def test_many_names_from_one_address(site: Any, ann: Any, work: Work) -> None:
    """Trying one password on all names is limited by the address, with names that exist or not."""
    client = browser()
    found = [log_in(client, f"name{number}", WRONG) for number in range(12)]
    assert found == [200] * 8 + [429] * 4
    assert len(work) == 8


def test_one_name_from_many_addresses(site: Any, ann: Any, work: Work) -> None:
    """A botnet gets as many guesses at a name as all of them together may have."""
    found = [log_in(browser(f"192.0.2.{number}"), password=WRONG) for number in range(12)]
    assert found == [200] * 6 + [429] * 6
    assert len(work) == 6


def test_one_address_does_not_lock_a_name(site: Any, ann: Any) -> None:
    """However often somebody guesses, the user gets in from elsewhere."""
    attacker = browser(THERE)
    assert statuses(30, lambda: log_in(attacker, password=WRONG))[-1] == 429
    assert log_in(browser(HERE)) == 302


def test_a_browser_that_knew_the_password_is_not_locked_by_a_botnet(site: Any, ann: Any) -> None:
    """Its device cookie has an allowance of its own, also when the whole world guesses the name, and from next door."""
    known = browser(HERE)
    assert log_in(known) == 302
    log_out(known)
    for number in range(12):
        log_in(browser(f"192.0.2.{number}"), password=WRONG)
    assert log_in(browser("192.0.2.99")) == 429
    flood = browser("192.0.2.88")
    assert [log_in(flood, f"n{number}", WRONG) for number in range(12)][-1] == 429
    assert log_in(known, REMOTE_ADDR="192.0.2.88") == 302


def test_a_known_address_is_not_locked_by_a_botnet(site: Any, ann: Any) -> None:
    """A program without cookies gets in from where it always comes."""
    assert log_in(browser(HERE)) == 302
    for number in range(12):
        log_in(browser(f"192.0.2.{number}"), password=WRONG)
    assert log_in(browser(HERE)) == 302
    assert log_in(browser(THERE)) == 429


def test_a_device_cookie_is_limited_and_opens_nothing(site: Any, ann: Any, work: Work) -> None:
    """Who steals it gets the guesses of one device, at one name."""
    known = browser(HERE)
    log_in(known)
    stolen = {name: morsel.value for name, morsel in known.cookies.items() if name.endswith("strongroom_device")}
    assert len(stolen) == 1
    thief = browser(THERE)
    thief.cookies.load(stolen)
    assert thief.get("/page/").content == b"absent"
    work.clear()
    assert statuses(4, lambda: log_in(thief, password=WRONG)) == [200, 200, 429, 429]
    assert len(work) == 2


def test_a_device_cookie_is_good_for_its_own_name_only(site: Any, ann: Any) -> None:
    """With an account of one's own one does not get an allowance for the accounts of others."""
    from django.contrib.auth.models import User

    User.objects.create_user("eve", password=RIGHT)
    eve = browser(THERE)
    assert log_in(eve, "eve") == 302
    log_out(eve)
    assert statuses(5, lambda: log_in(eve, "ann", WRONG)) == [200, 200, 200, 429, 429]


FORGED = ["", "x", "a.b:c:d", "x" * 300, "\x00", "a" * 32 + "." + "b" * 32 + ":1abc:" + "c" * 43]


@pytest.mark.parametrize("value", FORGED)
def test_a_device_cookie_that_nobody_signed(site: Any, ann: Any, value: str) -> None:
    """It counts as none."""
    client = browser()
    client.cookies["__Host-strongroom_device"] = value
    assert statuses(4, lambda: log_in(client, password=WRONG)) == [200, 200, 200, 429]


def test_the_device_cookie_says_nothing_and_goes_nowhere_else(site: Any, ann: Any) -> None:
    """No name in it; not for scripts, not without HTTPS, not for other sites; and not in every answer."""
    client = browser()
    log_in(client)
    cookie = client.cookies["__Host-strongroom_device"]
    assert "ann" not in cookie.value
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (
        True, True, "Lax", "/", "",
    )  # fmt: skip
    assert "__Host-strongroom_device" not in client.get("/page/").cookies
    kept = cookie.value
    log_out(client)
    assert log_in(client) == 302
    assert client.cookies["__Host-strongroom_device"].value == kept


def test_addresses_that_a_client_writes_itself(site: Any, ann: Any, work: Work) -> None:
    """A new X-Forwarded-For with each guess changes nothing."""
    client = browser()
    headers = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_CLIENT_IP", "HTTP_X_CLIENT_IP")
    found = [log_in(client, f"n{number}", WRONG, **dict.fromkeys(headers, f"192.0.2.{number}")) for number in range(12)]
    assert found == [200] * 8 + [429] * 4


def test_addresses_behind_a_proxy(site: Any, ann: Any) -> None:
    """Clients of one's own proxy are told apart, and what they write in front is not read."""
    site(PROXIES=["10.0.0.0/8"])

    def guess(name: str, client: str) -> int:
        return log_in(browser("10.0.0.1"), name, WRONG, HTTP_X_FORWARDED_FOR=client)

    spoofed = [guess(f"n{number}", f"1.1.1.{number}, {THERE}") for number in range(12)]
    assert spoofed == [200] * 8 + [429] * 4
    assert guess("n", HERE) == 200


def test_a_household_of_ipv6(site: Any, ann: Any) -> None:
    """Another address of the same /64 with each guess is the same client; a /48 has four times as much."""
    same = [log_in(browser(f"2001:db8:0:1::{number:x}"), f"n{number}", WRONG) for number in range(12)]
    assert same == [200] * 8 + [429] * 4
    others = [log_in(browser(f"2001:db8:0:{number + 2:x}::1"), f"m{number}", WRONG) for number in range(30)]
    assert others == [200] * 24 + [429] * 6
    assert log_in(browser("2001:db8:1::1"), "x", WRONG) == 200


SPELLINGS = ["ann", "ANN", "Ann ", "\uff41\uff4e\uff4e", " ann"]


def test_spellings_of_a_name_are_one_name(site: Any, ann: Any) -> None:
    """A form or a database may take them for the same user, so they share what there is."""
    found = [log_in(browser(f"192.0.2.{number}"), SPELLINGS[number % len(SPELLINGS)], WRONG) for number in range(10)]
    assert found == [200] * 6 + [429] * 4


def test_right_passwords_of_many_people_behind_one_address(site: Any, ann: Any) -> None:
    """An office is not locked out by its own log-ins; they count a tenth."""
    assert statuses(30, lambda: log_in(browser())) == [302] * 30


def test_an_account_of_ones_own_pays_neither_for_guesses_nor_for_any_amount_of_work(site: Any, ann: Any) -> None:
    """A right password between the guesses does not begin the count anew, and is counted itself."""
    from django.contrib.auth.models import User

    User.objects.create_user("eve", password=RIGHT)
    guesses = []
    for _ in range(6):
        guesses.append(log_in(browser(THERE), "ann", WRONG))
        log_in(browser(THERE), "eve")
    assert guesses == [200, 200, 200, 429, 429, 429]
    # Of eight, three guesses and six tenths are taken; each right one takes a tenth more, and needs a whole one.
    assert 34 <= statuses(60, lambda: log_in(browser(THERE), "eve")).index(429) <= 36


def _basic(name: str, password: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def _json(client: Any, path: str, **fields: str) -> Any:
    return client.post(path, json.dumps(fields), content_type="application/json", headers=JSON)


DOORS: dict[str, Callable[[Any, str], Any]] = {
    "login view": lambda client, password: client.post("/login/", {"username": "ann", "password": password}),
    "admin": lambda client, password: client.post("/admin/login/", {"username": "ann", "password": password}),
    "basic authentication": lambda client, password: client.get("/api/", headers=JSON, **_basic("ann", password)),
    "token view": lambda client, password: _json(client, "/token/", username="ann", password=password),
    "async view": lambda client, password: client.post("/asynchronous/", {"username": "ann", "password": password}),
}
INSIDE: dict[str, Callable[[Any, str], Any]] = {
    "password change": lambda client, password: client.post(
        "/password/", {"old_password": password, "new_password1": "quiet lamp 41", "new_password2": "quiet lamp 41"}
    ),
    "admin's password change": lambda client, password: client.post(
        "/admin/password_change/",
        {"old_password": password, "new_password1": "quiet lamp 41", "new_password2": "quiet lamp 41"},
    ),
    "unlock": lambda client, password: client.post("/vault/unlock/", {"password": password}),
    "recover": lambda client, password: client.post(
        "/vault/recover/", {"password": password, "old_password": "something else"}
    ),
    "reset": lambda client, password: client.post("/vault/reset/", {"password": password, "confirm": "give up"}),
    "a view that asks again": lambda client, password: client.post("/asks-again/", {"password": password}),
}


@pytest.mark.parametrize("door", DOORS)
def test_every_door_is_limited(site: Any, ann: Any, work: Work, door: str) -> None:
    """Three guesses are looked at, and after that not even the right password is, by any door."""
    client = browser()
    found = [DOORS[door](client, WRONG) for _ in range(3)]
    assert all(answer.status_code in (200, 400, 401, 403) for answer in found)
    work.clear()
    for other in DOORS.values():
        answer = other(client, RIGHT)
        assert answer.status_code == 429
        assert int(answer["Retry-After"]) > 0
    assert work == []


@pytest.mark.parametrize("door", INSIDE)
def test_every_page_behind_the_log_in_is_limited(site: Any, ann: Any, work: Work, door: str) -> None:
    """A session that somebody left open is no place to guess the password either."""
    client = browser()
    client.force_login(ann)
    found = [INSIDE[door](client, WRONG) for _ in range(3)]
    assert all(answer.status_code in (200, 403) for answer in found), [answer.status_code for answer in found]
    assert len(work) == 3
    work.clear()
    answer = INSIDE[door](client, RIGHT)
    assert answer.status_code == 429
    assert work == []
    assert client.get("/page/").status_code == 200


def test_codes_and_old_passwords_are_not_guessed_with_the_password_of_today(site: Any, ann: Any, work: Work) -> None:
    """Knowing today's password is no reason to let somebody try what opened the vault before."""
    log_in(browser())
    ann.refresh_from_db()
    client = browser(THERE)
    client.force_login(ann)

    def guess() -> int:
        return int(client.post("/vault/recover/", {"password": RIGHT, "old_password": "not this"}).status_code)

    assert statuses(5, guess) == [200, 200, 200, 429, 429]


def test_sign_ups_are_limited(site: Any, work: Work) -> None:
    """They cost a hash each, and need no account."""
    from django.contrib.auth.models import User

    client = browser()

    def sign_up(number: int) -> int:
        fields = {"username": f"new{number}", "password1": RIGHT, "password2": RIGHT}
        return int(client.post("/sign-up/", fields).status_code)

    found = [sign_up(number) for number in range(100)]
    assert 429 in found
    assert found.count(302) == User.objects.count() == len(work) == found.index(429)
    assert 70 <= found.index(429) <= 81


def test_programs_get_json(site: Any, ann: Any) -> None:
    """A client that does not ask for HTML gets what it can read."""
    client = browser()
    answers = [client.get("/api/", headers=JSON, **_basic("ann", WRONG)) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert set(answers[-1].json()) == {"detail", "retry_after"}


IMPOSSIBLE = {
    "one byte too long": "x" * 4_097,
    "a megabyte": "x" * 1_000_000,
    "too long in UTF-8": "\u20ac" * 1_366,
    "too long when normalised": "\u0958" * 1_000,
    "NUL": f"{RIGHT}\0",
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
@pytest.mark.parametrize("door", [*DOORS, *INSIDE])
def test_passwords_that_nobody_can_have(site: Any, ann: Any, work: Work, door: str, what: str) -> None:
    """They are wrong, without any hash, and no error of the server."""
    client = browser()
    if door in INSIDE:
        client.force_login(ann)
    answer = (DOORS | INSIDE)[door](client, IMPOSSIBLE[what])
    assert answer.status_code in (200, 400, 401, 403)
    assert work == []


@pytest.mark.parametrize("name", ["a\0nn", "\ud800", "x" * 2_000, "x" * 1_000_000])
def test_names_that_nobody_can_have(site: Any, ann: Any, work: Work, name: str) -> None:
    """They are wrong, without any hash, and the database is not asked."""
    from django.contrib.auth import authenticate
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        assert authenticate(None, username=name, password=RIGHT) is None
    assert (work, len(queries)) == ([], 0)


def test_half_a_character_is_no_password(site: Any, ann: Any, work: Work) -> None:
    """JSON can say one; UTF-8 cannot."""
    answer = browser().post(
        "/token/", b'{"username": "ann", "password": "\\ud800"}', content_type="application/json", headers=JSON
    )
    assert (answer.status_code, work) == (400, [])


def test_a_password_of_the_longest_kind(site: Any, ann: Any) -> None:
    """4,096 bytes are a password, also for the vault."""
    long = "\u00fc" * 2_048
    ann.set_password(long)
    ann.save()
    client = browser()
    assert log_in(client, password=long) == 302
    assert client.get("/page/").content == b"unlocked"


def test_a_password_in_another_normal_form_is_another_one(site: Any, ann: Any, work: Work) -> None:
    """Django compares characters, so the vault is never asked; with the same ones it opens."""
    ann.set_password("cafe\u0301 quarter")
    ann.save()
    client = browser()
    work.clear()
    assert log_in(client, password="caf\u00e9 quarter") == 200
    assert [one[0] for one in work] == ["password"]
    assert log_in(client, password="cafe\u0301 quarter") == 302
    assert client.get("/page/").content == b"unlocked"


def _people(ann: Any) -> dict[str, tuple[str, str]]:
    """Whom one may try to be, and with which password, without success."""
    from django.contrib.auth.models import User

    User.objects.create_user("bob", password=RIGHT)
    User.objects.create_user("gone", password=RIGHT, is_active=False)
    User.objects.create_user("unusable")
    assert log_in(browser()) == 302
    return {
        "nobody": ("nobody", WRONG),
        "with a vault": ("ann", WRONG),
        "without a vault": ("bob", WRONG),
        "not active, wrong": ("gone", WRONG),
        "not active, right": ("gone", RIGHT),
        "without a password": ("unusable", WRONG),
    }


@pytest.mark.parametrize("door", DOORS)
def test_whether_somebody_is_there_is_not_to_be_seen(site: Any, ann: Any, work: Work, door: str) -> None:
    """The same slow functions at the same cost, as many questions to the database, the same answer."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    site(PER_CLIENT=(100, 60))
    seen = {}
    for who, (name, password) in _people(ann).items():
        client = browser()
        work.clear()
        with CaptureQueriesContext(connection) as queries:
            answer = _attempt(client, door, name, password)
        body = re.sub(rb'csrfmiddlewaretoken" value="\w+"', b"", answer.content.replace(name.encode(), b"NAME"))
        seen[who] = ([one[:-1] for one in work], len(queries), answer.status_code, body)
    assert seen["nobody"][0] == [("password", MEMORY_KIB, 1, 1)]
    assert {who: each for who, each in seen.items() if each != seen["nobody"]} == {}


def _attempt(client: Any, door: str, name: str, password: str) -> Any:
    if door == "basic authentication":
        return client.get("/api/", headers=JSON, **_basic(name, password))
    if door == "token view":
        return _json(client, "/token/", username=name, password=password)
    path = {"login view": "/login/", "admin": "/admin/login/", "async view": "/asynchronous/"}[door]
    return client.post(path, {"username": name, "password": password})


def test_a_log_in_costs_two_runs(site: Any, ann: Any, work: Work) -> None:
    """One for the password, one for the vault, whether it is opened or made; nothing more for pages afterwards."""
    for _ in range(2):
        client = browser()
        work.clear()
        assert log_in(client) == 302
        assert [one[0] for one in work] == ["password", "vault"]
    work.clear()
    assert client.get("/page/").content == b"unlocked"
    assert work == []


def test_while_places_are_taken_others_are_sent_away_and_pages_are_served(site: Any, ann: Any, work: Work) -> None:
    """Nothing is taken from an allowance for it, so it can be repeated at once."""
    from strongroom.django.user_vaults.pressure import limits

    site(WAITING=0)
    inside = browser()
    assert log_in(inside) == 302
    work.clear()
    with limits().places.enter(None):
        answers = [browser(THERE).post("/login/", {"username": "ann", "password": RIGHT}) for _ in range(20)]
        assert {answer.status_code for answer in answers} == {429}
        assert {answer["Retry-After"] for answer in answers} == {"2"}
        assert inside.get("/page/").content == b"unlocked"
    assert work == []
    assert log_in(browser(THERE)) == 302


def test_the_event_loop_computes_nothing(site: Any, ann: Any, work: Work) -> None:
    """Neither for a known name, nor an unknown one, nor when a password is asked again."""
    from asgiref.sync import async_to_sync
    from django.contrib.auth import aauthenticate
    from django.contrib.auth.hashers import make_password
    from django.contrib.auth.models import User

    site(PER_NAME=(100, 60))
    loops: list[int] = []

    async def story() -> list[Any]:
        loops.append(threading.get_ident())
        found = [
            await aauthenticate(username="ann", password=RIGHT),
            await aauthenticate(username="ann", password=WRONG),
            await aauthenticate(username="nobody", password=RIGHT),
        ]
        old = User(username="old", password=make_password(RIGHT, hasher="md5"))
        assert await old.acheck_password(WRONG) is False
        return found

    # The loop runs in a thread of its own, and what asks the database in this one, as its transaction is here.
    found = async_to_sync(story)()
    assert found == [ann, None, None]
    hashed = [one for one in work if one[0] == "password"]
    assert len(hashed) == 3
    assert all(one[-1] != loops[0] for one in work)


@pytest.mark.parametrize("door", ["login view", "async view"])
def test_an_old_hash_is_replaced_and_nothing_hears_of_a_new_password(
    site: Any, ann: Any, door: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As without us: the string is made anew, and the password has not changed."""
    from django.contrib.auth import password_validation
    from django.contrib.auth.hashers import make_password

    ann.password = make_password(RIGHT, hasher="md5")
    ann.save()
    heard: list[str] = []
    monkeypatch.setattr(password_validation, "password_changed", lambda *_: heard.append("changed"))
    answer = DOORS[door](browser(), RIGHT)
    assert answer.status_code in (200, 302)
    ann.refresh_from_db()
    assert ann.password.startswith("strongroom$argon2id$")
    assert heard == []
    assert log_in(browser()) == 302


def test_a_refused_attempt_is_no_failed_log_in(site: Any, ann: Any) -> None:
    """Nobody is told that a password was wrong when nobody has looked at it."""
    from django.contrib.auth.signals import user_login_failed

    heard: list[str] = []

    def hear(**_signal: Any) -> None:
        heard.append("failed")

    user_login_failed.connect(hear)
    try:
        client = browser()
        statuses(6, lambda: log_in(client, password=WRONG))
    finally:
        user_login_failed.disconnect(hear)
    assert heard == ["failed"] * 3


def test_processes_that_share_a_cache(site: Any, ann: Any) -> None:
    """A name is guessed as often by all of them as by one."""
    from django.apps import apps
    from django.core.cache import cache

    site(CACHE="default")
    cache.clear()
    config = apps.get_app_config("strongroom_user_vaults")
    found = []
    for number in range(12):
        config.login_limits = None  # another process
        found.append(log_in(browser(f"192.0.2.{number}"), password=WRONG))
    assert found == [200] * 6 + [429] * 6
    held = repr(cache._cache)
    assert "ann" not in held
    assert "192.0.2" not in held


def test_a_child_process_has_limits_of_its_own(site: Any) -> None:
    """After a fork the parent's mutexes and counts are not taken over."""
    from strongroom.django.user_vaults.pressure import limits

    before = limits()
    assert limits() is before
    before.process += 1
    assert limits() is not before


def test_programs_without_a_request_have_no_client(site: Any, ann: Any) -> None:
    """A management command is limited by the name alone, and by places."""
    from django.contrib.auth import authenticate

    from strongroom.django.user_vaults.pressure import TooManyAttempts

    for _ in range(6):
        assert authenticate(username="ann", password=WRONG) is None
    with pytest.raises(TooManyAttempts) as caught:
        authenticate(username="ann", password=RIGHT)
    assert caught.value.retry_after > 0
    assert "ann" not in str(caught.value)


def test_a_view_within_the_limits_is_no_way_around_those_of_a_name(site: Any, ann: Any, work: Work) -> None:
    """An attempt without a name, or for another one, does not cover guesses within; for the same name it does."""
    from django.contrib.auth import authenticate
    from django.test import RequestFactory

    from strongroom.django.user_vaults.pressure import TooManyAttempts, password_work

    request = RequestFactory().post("/", REMOTE_ADDR=HERE)
    for outer in (None, "eve"):
        site()
        work.clear()
        with password_work(request, outer):
            for _ in range(3):
                assert authenticate(request, username="ann", password=WRONG) is None
            with pytest.raises(TooManyAttempts):
                authenticate(request, username="ann", password=RIGHT)
        assert len(work) == 3
    site()
    with password_work(request, "ann"):
        for _ in range(10):
            assert authenticate(request, username="ANN", password=WRONG) is None


def test_a_password_that_cannot_be_is_not_stored(site: Any, ann: Any) -> None:
    """A form says so; a program gets an error, and not a user who can never log in."""
    from django.core.exceptions import ValidationError

    from strongroom.django.user_vaults.password_validators import PossiblePassword

    for password in IMPOSSIBLE.values():
        with pytest.raises(ValueError):
            ann.set_password(password)
        with pytest.raises(ValidationError):
            PossiblePassword().validate(password)
    PossiblePassword().validate(RIGHT)
    ann.set_password(None)
    assert not ann.has_usable_password()


@pytest.mark.parametrize(
    ("address", "header", "proxies", "says"),
    [
        ("127.0.0.1", HERE, [], 1),
        ("", HERE, [], 1),
        ("10.1.2.3", HERE, [], 1),
        ("127.0.0.1", None, [], 0),
        ("127.0.0.1", HERE, ["127.0.0.1"], 0),
        ("8.8.8.8", HERE, [], 0),
    ],
)
def test_a_proxy_that_the_settings_do_not_name(
    site: Any, ann: Any, caplog: pytest.LogCaptureFixture, address: str, header: str | None, proxies: Any, says: int
) -> None:
    """It is said once, as all of its clients are one; not because a client on the Internet sends a header."""
    site(PROXIES=proxies)
    more = {} if header is None else {"HTTP_X_FORWARDED_FOR": header}
    for _ in range(3):
        log_in(browser(address), password=WRONG, **more)
    assert [record.getMessage() for record in caplog.records if "PROXIES" in record.getMessage()] == [
        'log-ins come through a proxy: name it in STRONGROOM = {"LOGIN": {"PROXIES": [...]}}'
    ] * says


EARLY = "strongroom.django.user_vaults.early.EarlyRefusalMiddleware"


@pytest.fixture
def early(site: Any) -> Iterator[None]:
    """The site with what refuses before all of it."""
    from django.test import override_settings

    with override_settings(MIDDLEWARE=[EARLY, *MIDDLEWARE]):
        yield


def strict(address: str = HERE) -> Any:
    """A browser whose POSTs are 403 for want of a CSRF token, if the site comes to look at them."""
    return browser(address, enforce_csrf_checks=True)


def test_a_flood_is_refused_before_the_site_has_run(early: None, ann: Any) -> None:
    """Once a client has nothing left, its log-ins come to no session, no CSRF check, no view."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for number in range(9):
        log_in(browser(), f"n{number}", WRONG)
    with CaptureQueriesContext(connection) as queries:
        answer = strict().post("/login/", {"username": "ann", "password": RIGHT})
    assert (answer.status_code, len(queries)) == (429, 0)
    assert int(answer["Retry-After"]) > 0
    assert strict(THERE).post("/login/").status_code == 403
    assert log_in(browser(THERE)) == 302


def test_what_is_refused_early_is_nothing_else(early: None, ann: Any) -> None:
    """Neither pages, nor other paths, nor a browser that somebody has logged in with before."""
    known = browser()
    assert log_in(known) == 302
    for number in range(9):
        log_in(browser(), f"n{number}", WRONG)
    assert known.get("/page/").content == b"unlocked"
    assert browser().get("/login/").status_code == 200
    assert strict().post("/page/").status_code == 403
    log_out(known)
    assert log_in(known) == 302


def test_a_path_where_other_things_are_done_is_refused_to_strangers_alone(early: None, ann: Any) -> None:
    """Somebody's session posts where others have tried passwords; a session is no way around it at a log-in page."""
    inside = strict()
    inside.force_login(ann)
    inside.cookies.pop("__Host-strongroom_device", None)
    for number in range(9):
        browser().post("/asynchronous/", {"username": f"n{number}", "password": WRONG})
    assert strict().post("/asynchronous/").status_code == 429
    assert inside.post("/asynchronous/").status_code == 403
    assert log_in(browser(), "n", WRONG) == 429
    assert inside.post("/login/").status_code == 429


def test_early_refusals_on_an_event_loop(early: None, ann: Any) -> None:
    """The same under ASGI."""
    from asgiref.sync import async_to_sync
    from django.test import AsyncClient

    async def story() -> list[tuple[int, bool]]:
        client = AsyncClient(REMOTE_ADDR=HERE, enforce_csrf_checks=False)
        loose = [await client.post("/login/", {"username": f"n{number}", "password": WRONG}) for number in range(9)]
        tight = await AsyncClient(REMOTE_ADDR=HERE, enforce_csrf_checks=True).post("/login/")
        return [(one.status_code, "Retry-After" in one) for one in (*loose, tight)]

    assert async_to_sync(story)() == [(200, False)] * 8 + [(429, True)] * 2


def _asked(application: Any, method: str = "POST", cookies: str = "") -> list[dict[str, Any]]:
    """What an ASGI application sends for a log-in from here."""
    from asgiref.sync import async_to_sync

    sent: list[dict[str, Any]] = []
    headers = [(b"host", b"testserver"), (b"accept", b"text/html"), (b"cookie", cookies.encode())]
    scope = {"type": "http", "method": method, "path": "/login/", "root_path": "", "query_string": b"",
             "headers": headers, "client": (HERE, 50_000), "server": ("testserver", 80), "scheme": "http"}  # fmt: skip

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async_to_sync(application)(scope, None, send)
    return sent


def test_a_flood_is_refused_in_front_of_django(early: None, ann: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ASGI application around Django's answers what would be refused, and passes everything else on."""
    from strongroom.django.user_vaults import early as module

    monkeypatch.setattr(module, "_DELAY_SECONDS", 0.0)
    passed: list[str] = []

    async def django(scope: dict[str, Any], receive: Any, send: Any) -> None:
        passed.append(scope["type"])

    application = module.early_refusal(django)
    assert _asked(application) == []
    known = browser()
    log_in(known)
    for number in range(9):
        log_in(browser(), f"n{number}", WRONG)
    start, body = _asked(application)
    told = dict(start["headers"])
    assert (start["status"], told[b"retry-after"].isdigit(), told[b"content-length"]) == (
        429, True, b"%d" % len(body["body"]),
    )  # fmt: skip
    assert b"Too many attempts" in body["body"]
    assert _asked(application, "GET") == []
    device = known.cookies["__Host-strongroom_device"].value
    assert _asked(application, cookies=f"__Host-strongroom_device={device}") == []
    assert passed == ["http"] * 3


def test_while_places_are_taken_a_flood_is_refused_early(early: None, site: Any, ann: Any) -> None:
    """And no longer once there is room."""
    from strongroom.django.user_vaults.pressure import limits

    site(WAITING=0)
    with limits().places.enter(None):
        assert log_in(browser()) == 429
        assert strict().post("/login/").status_code == 429
    assert strict().post("/login/").status_code == 403


def test_a_flood_does_not_fill_the_log(site: Any, ann: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A line a minute says how many, and names nobody."""
    client = browser()
    statuses(20, lambda: log_in(client, password=WRONG))
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["passwords not looked at, as they are too many: 1"]


CHECKS = [
    # what is said in the settings, the ids of what is found
    ({}, []),
    ({"STRONGROOM": {"LOGIN": {"PLACE": 1}}}, ["E120"]),
    ({"STRONGROOM": {"LOGIN": {"PLACES": 0}}}, ["E120"]),
    ({"STRONGROOM": {"LOGIN": {"PLACES": True}}}, ["E120"]),
    ({"STRONGROOM": {"LOGIN": {"WAITING": -1}}}, ["E120"]),
    ({"STRONGROOM": {"LOGIN": {"PROXIES": "10.0.0.0/8"}}}, ["E120"]),
    ({"STRONGROOM": {"LOGIN": {"PROXIES": ["10.0.0.1/8"]}}}, ["E120"]),
    ({"STRONGROOM": {"LOGIN": {"PER_NAME": 5}}}, ["E120"]),
    ({"STRONGROOM": {"LOGIN": {"PER_NAME": (0, 60)}}}, ["E120"]),
    ({"STRONGROOM": {"LOGIN": {"CACHE": "other"}}}, ["E120"]),
    ({"STRONGROOM": {"LOGIN": []}}, ["E120"]),
    ({"STRONGROOM": {"LOGIN": {"CACHE": "default"}}}, ["W121"]),
    ({"MIDDLEWARE": MIDDLEWARE[:-1]}, ["E122"]),
    ({"AUTHENTICATION_BACKENDS": ["strongroom.django.user_vaults.backends.UserVaultBackend",
                                  "django.contrib.auth.backends.ModelBackend"]}, ["W123"]),
    ({"AUTHENTICATION_BACKENDS": ["strongroom.django.user_vaults.backends.UserVaultBackend",
                                  "django.contrib.auth.backends.RemoteUserBackend"]}, []),
    ({"PASSWORD_HASHERS": ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]}, ["W124"]),
    ({"PASSWORD_HASHERS": ["django.contrib.auth.hashers.Argon2PasswordHasher"]}, []),
]  # fmt: skip


@pytest.mark.parametrize(("said", "ids"), CHECKS)
def test_what_the_checks_say(site: Any, said: dict[str, Any], ids: list[str]) -> None:
    """A limit that is misspelt, and what would weaken the log-in, is found before the site starts."""
    from django.test import override_settings

    from strongroom.django.user_vaults import login_checks

    with override_settings(**said):
        found = [
            *login_checks.check_settings(), *login_checks.check_middleware(),
            *login_checks.check_backends(), *login_checks.check_hasher(),
        ]  # fmt: skip
    assert [one.id for one in found] == [f"strongroom.{id_}" for id_ in ids]
