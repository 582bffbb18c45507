"""The example site in a real browser: what its users do, from signing up to losing everything but a piece of paper.

One site and one browser for all of it. Whatever Chromium blocks or complains of, in any of these tests, is a failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.django_site import (
    PASSWORD,
    SiteUnderTest,
    Visitor,
    chromium,
    is_about_policy,
    require_browser,
    visitor,
    wait_until,
)

NEW_PASSWORD = "ten-green-giraffes"
Open = Callable[..., Visitor]


@pytest.fixture
def site(shoebox: SiteUnderTest) -> SiteUnderTest:
    """Everything that `make demo-django` starts."""
    return shoebox


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium."""
    require_browser()
    with chromium() as started:
        yield started


@pytest.fixture
def arrives(site: SiteUnderTest, browser: Any) -> Iterator[Open]:
    """Somebody with a browser of their own."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(visitor(site, browser, **options))


def test_signing_up_shows_the_recovery_code_once(arrives: Open) -> None:
    """The code is on one page, and on none that comes by reloading, going back, or asking again without a click."""
    anna = arrives().signs_up(with_code=True)
    assert len(anna.code) >= 30
    anna.goes("/vault/recovery-code/")
    assert anna.code not in anna.page.content()
    anna.goes("/you/").page.go_back()
    assert anna.code not in anna.page.content()
    anna.goes("/")
    assert "The box is empty" in anna.text()
    assert anna.site.found_on_disk(anna.code) == []


def test_what_is_stored_is_nowhere_in_the_clear(site: SiteUnderTest, arrives: Open) -> None:
    """Masked until asked for, masked again afterwards; not in the database, the session, the vault or a file."""
    anna = arrives().signs_up()
    _username, secret = anna.adds_account()
    assert "••••" in anna.text()
    assert secret not in anna.page.content()
    with anna.page.expect_response("**/password/") as answer:
        assert anna.shows_password() == secret
    assert "no-store" in answer.value.headers["cache-control"]
    anna.clicks("Hide")
    assert secret not in anna.page.content()
    anna.clicks("Change")
    assert secret not in anna.page.content()
    assert site.found_on_disk(secret) == []
    assert site.found_on_disk(anna.name), "the name does stand there, so the search finds what is there"


def test_logging_in_and_out(arrives: Open) -> None:
    """A wrong password gets nowhere; leaving takes the key's cookie along, and coming back opens the same vault."""
    anna = arrives().signs_up()
    _username, secret = anna.adds_account()
    page = anna.page.url
    cookie = anna.cookies()[anna.key_cookies()[0]]
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["expires"]) == (True, "Lax", -1)
    for path in ("/log-in/", "/sign-up/"):
        assert anna.goes(path).heading() == "Albums", path
    anna.clicks("Log out")
    assert anna.key_cookies() == []
    anna.logs_in("not-" + PASSWORD).sees("That is not a username and password")
    anna.page.goto(page)
    assert anna.heading() == "Log in"
    anna.logs_in().clicks("Holidays")
    assert anna.shows_password() == secret


def test_the_worker_fetches_and_is_sent_away(site: SiteUnderTest, arrives: Open) -> None:
    """Handed over, the photos come; taken back, the worker's copy is destroyed, and what the user stored is not."""
    anna = arrives().signs_up()
    _username, secret = anna.adds_account()
    before = set(site.in_worker_vault())
    anna.clicks("Hand it over").waits_for_sync("4 photos")
    assert "up to date" in anna.text()
    assert anna.page.locator(".photos img").count() == 4
    assert "UTC" in anna.page.locator("#last-sync").inner_text()
    handed = set(site.in_worker_vault()) - before
    assert len(handed) == 1
    anna.clicks("Take it back").sees("Taken back")
    kept = "the worker keeps what was taken back"
    wait_until(lambda: not handed & set(site.in_worker_vault()), kept, pause_seconds=0.3)
    assert anna.shows_password() == secret
    anna.clicks("Hand it over").waits_for_sync("4 photos")


def test_a_password_changed_at_the_service(site: SiteUnderTest, arrives: Open) -> None:
    """The worker is refused, says so in words without the password, and works again with the new one."""
    anna = arrives().signs_up()
    username, secret = anna.adds_account(hand_over=True)
    page = anna.page.url
    anna.waits_for_sync("4 photos")
    there = anna.page.context.new_page()
    there.goto(site.site.photos)
    there.get_by_label("Username").fill(username)
    there.get_by_label("Password").fill(secret)
    there.get_by_role("button", name="Log in").click()
    assert "Shoebox: logged in with the password" in there.locator("main").inner_text()
    there.get_by_label("New password").fill("another-" + secret)
    there.get_by_role("button", name="Change it").click()
    there.get_by_text("Your password is changed").wait_for()
    anna.asks_for_sync("does not accept")
    assert "needs your attention" in anna.text()
    assert secret not in anna.page.content()
    anna.clicks("Change").fills(password="another-" + secret).clicks("Save").waits_for_sync("4 photos")
    assert anna.page.url == page
    assert anna.shows_password() == "another-" + secret


def test_connecting_without_a_password(site: SiteUnderTest, arrives: Open) -> None:
    """After a yes at the service the worker comes with tokens; ended there, it says so; ended here, it is gone."""
    anna = arrives().signs_up()
    username, secret = site.account()
    anna.goes("/accounts/connect/").clicks("Go on to Kestrel").clicks_through(username, secret, "No")
    anna.sees("nothing was connected")
    anna.goes("/accounts/connect/").clicks("Go on to Kestrel").clicks("Allow").sees("Kestrel is connected")
    page = anna.page.url
    anna.waits_for_sync("4 photos")
    assert secret not in anna.page.content()
    anna.page.goto(site.site.photos)
    assert "Shoebox: came with a token" in anna.text()
    anna.clicks("Disconnect Shoebox")
    anna.page.goto(page)
    anna.clicks("Fetch now")
    wait_until(lambda: "needs your attention" in (anna.page.reload(), anna.text())[1], "not noticed", pause_seconds=0.3)
    anna.clicks("Connect again").clicks("Go on to Kestrel").clicks("Allow").waits_for_sync("4 photos")
    assert anna.page.url == page
    anna.clicks("Take it back").sees("gives up its tokens")

    def is_gone() -> bool:
        anna.page.goto(site.site.photos)
        return "None." in anna.text()

    wait_until(is_gone, "the service still knows the grant", pause_seconds=0.3)


def test_an_answer_to_nobodys_question(site: SiteUnderTest, arrives: Open) -> None:
    """Somebody is sent to the address that ends a connection: nothing is connected, and nothing breaks."""
    anna = arrives().signs_up()
    anna.goes("/accounts/connect/back/?code=x&state=y").sees("nothing was connected")
    anna.goes("/accounts/connect/go/?again=nonsense")
    assert anna.heading() == "No such page"
    anna.goes("/")
    assert "The box is empty" in anna.text()


def test_a_new_password_opens_what_the_old_one_locked(arrives: Open) -> None:
    """Readable at once and after the next log-in; the old password does not log in any more."""
    anna = arrives().signs_up()
    _username, secret = anna.adds_account()
    page = anna.page.url
    anna.goes("/password/").fills(old_password=PASSWORD, new_password1=NEW_PASSWORD, new_password2=NEW_PASSWORD)
    anna.clicks("Change it").sees("Your password is changed")
    anna.page.goto(page)
    assert anna.shows_password() == secret
    anna.clicks("Log out")
    anna.logs_in(PASSWORD).sees("That is not a username and password")
    anna.logs_in(NEW_PASSWORD).clicks("Holidays")
    assert anna.shows_password() == secret


def test_two_browsers(arrives: Open) -> None:
    """Leaving with one leaves the other open; a password changed in one ends the other's session and key."""
    anna = arrives().signs_up()
    _username, secret = anna.adds_account()
    other = arrives()
    other.name = anna.name
    other.logs_in().clicks("Holidays")
    assert other.shows_password() == secret
    other.clicks("Log out")
    anna.goes("/").clicks("Holidays")
    assert anna.shows_password() == secret
    other.logs_in().clicks("Holidays")
    page = other.page.url
    anna.goes("/password/").fills(old_password=PASSWORD, new_password1=NEW_PASSWORD, new_password2=NEW_PASSWORD)
    anna.clicks("Change it").sees("Your password is changed")
    other.page.goto(page)
    assert other.heading() == "Log in"


def test_a_forgotten_password(site: SiteUnderTest, arrives: Open) -> None:
    """The link in the mail gives a new password and a locked vault; the code on paper opens it, once."""
    anna = arrives().signs_up(with_code=True)
    _username, secret = anna.adds_account()
    page = anna.page.url
    anna.clicks("Log out").goes("/log-in/").clicks("Forgot your password?")
    anna.fills(email=f"{anna.name}@example.org").clicks("Send the link").sees("a link is on its way")
    anna.page.goto(site.mail())
    anna.fills(new_password1=NEW_PASSWORD, new_password2=NEW_PASSWORD).clicks("Set it").sees("have your recovery code")
    anna.logs_in(NEW_PASSWORD).goes("/you/").sees("locked")
    anna.page.goto(page)
    anna.clicks("Show").sees("Unlock your vault")
    anna.fills(password=NEW_PASSWORD).clicks("Unlock").sees("under your old password")
    anna.clicks("Your password was reset? Recover your vault")
    anna.fills(recovery_code="0000-" * 7 + "0000", password=NEW_PASSWORD).clicks("Recover").sees("does not open")
    anna.fills(recovery_code=anna.code.lower(), password=NEW_PASSWORD).clicks("Recover")
    anna.page.goto(page)
    assert anna.shows_password() == secret
    anna.clicks("Log out")
    anna.logs_in(NEW_PASSWORD).clicks("Holidays")
    assert anna.shows_password() == secret
    anna.goes("/vault/recover/").fills(recovery_code=anna.code, password=NEW_PASSWORD).clicks("Recover")
    anna.sees("does not open")


def test_a_vault_is_given_up(site: SiteUnderTest, arrives: Open) -> None:
    """With neither code nor old password one begins anew, after typing so; what was stored stays closed."""
    anna = arrives().signs_up()
    anna.adds_account()
    page = anna.page.url
    anna.clicks("Log out").goes("/password/reset/").fills(email=f"{anna.name}@example.org").clicks("Send the link")
    anna.page.goto(site.mail())
    anna.fills(new_password1=NEW_PASSWORD, new_password2=NEW_PASSWORD).clicks("Set it")
    anna.logs_in(NEW_PASSWORD).goes("/vault/reset/")
    anna.fills(confirm="yes", password=NEW_PASSWORD).clicks("Give up the old vault").sees("to go on")
    anna.fills(confirm="give up", password=NEW_PASSWORD).clicks("Give up the old vault")
    anna.page.goto(page)
    anna.clicks("Show").sees("cannot be opened any more")
    anna.goes("/accounts/add/")
    assert anna.adds_account(label="Again")[1] == anna.shows_password()


def test_the_keys_cookie_is_lost(arrives: Open) -> None:
    """Still logged in, one gives the password once more and is back where one was; a wrong one does not open."""
    anna = arrives().signs_up()
    _username, secret = anna.adds_account()
    page = anna.page.url
    anna.loses_key().goes("/").clicks("Holidays").clicks("Show").sees("Unlock your vault")
    assert secret not in anna.page.content()
    anna.fills(password="not-" + PASSWORD).clicks("Unlock").sees("This is not your password")
    anna.fills(password=PASSWORD).clicks("Unlock")
    assert anna.page.url == page
    assert anna.shows_password() == secret


def test_somebody_elses_account_does_not_exist(arrives: Open) -> None:
    """Its address says what an address says at which there is nothing."""
    anna, berta = arrives().signs_up(), arrives().signs_up()
    anna.adds_account()
    for path in ("", "edit/", "remove/"):
        berta.page.goto(anna.page.url + path)
        assert berta.heading() == "No such page", path


def test_guessing_is_slowed_down(arrives: Open) -> None:
    """After a few wrong passwords there is a page that says when to come back, and the right one waits, too."""
    anna = arrives().signs_up()
    guesser = arrives()
    guesser.name = anna.name
    answers: list[Any] = []
    guesser.page.on("response", lambda answer: answers.append(answer) if "/log-in/" in answer.url else None)
    for number in range(20):
        guesser.logs_in(f"guess-{number}")
        if "That is not a username" not in guesser.text():
            break
    assert 3 <= number < 20
    assert guesser.heading() == "Too many attempts"
    assert guesser.page.locator("header.top").count() == 1
    assert (answers[-1].status, "content-security-policy" in answers[-1].headers) == (429, True)
    assert int(answers[-1].headers["retry-after"]) > 0
    anna.goes("/").sees("The box is empty")


def test_the_site_works_without_javascript(arrives: Open) -> None:
    """It has none, so nothing is different."""
    anna = arrives(java_script_enabled=False).signs_up()
    _username, secret = anna.adds_account(hand_over=True)
    anna.waits_for_sync("4 photos")
    assert anna.shows_password() == secret


def test_what_the_browser_may_load(arrives: Open) -> None:
    """No script, no frame, nothing from elsewhere; and a page that tried would fail these tests."""
    anna = arrives()
    anna.goes("/")
    for path in ("/", "/log-in/", "/nothing-here/", "/static/albums/shoebox.css"):
        headers = anna.page.context.request.get(anna.site.address + path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; "), path
        assert "script-src" not in policy
        assert "unsafe" not in policy
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert ("no-store" in headers["cache-control"]) is not path.startswith("/static/")
    assert not anna.complaints
    anna.page.evaluate("document.body.setAttribute('style', 'color: red')")
    wait_until(lambda: (anna.page.title(), any(map(is_about_policy, anna.complaints)))[1], "the style was not blocked")
    anna.complaints.clear()


def test_the_pages_are_small(site: SiteUnderTest, arrives: Open) -> None:
    """No page loads more than 60 kB, in fewer than a dozen requests, and none from another place."""
    anna = arrives().signs_up()
    anna.adds_account(hand_over=True)
    anna.waits_for_sync("4 photos")
    answers: list[Any] = []
    anna.page.on("response", lambda answer: answers.append(answer))
    anna.page.reload()
    assert {answer.url.startswith(site.address) for answer in answers} == {True}
    assert sum(len(answer.body()) for answer in answers) < 60_000
    assert len(answers) < 12


def test_the_demonstration_ends_as_it_began(tmp_path: Path) -> None:
    """`make demo-django` says where the site is; asked to stop, it stops everything and removes what it made."""
    import os
    import signal
    import subprocess
    import sys

    from tests.django_site import EXAMPLE, PATIENCE_SECONDS, ROOT

    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    demo = subprocess.Popen(
        [sys.executable, str(EXAMPLE / "start.py")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=kept, cwd=tmp_path, start_new_session=True,
    )  # fmt: skip
    assert demo.stdout is not None
    said = ""
    try:
        while "Ctrl-C stops" not in said:
            line = demo.stdout.readline()
            assert line, demo.communicate(timeout=PATIENCE_SECONDS)
            said += line
        addresses = [word for word in said.split() if word.startswith("http://")]
        assert [address.split(":")[1] for address in addresses] == ["//127.0.0.1", "//localhost"]
        made = Path(next(word for word in said.split() if word.startswith(str(ROOT / "build"))))
        assert made.stat().st_mode & 0o777 == 0o700
        assert (made / "vault" / "vault.db").exists()
    finally:
        demo.send_signal(signal.SIGINT)
        out, err = demo.communicate(timeout=PATIENCE_SECONDS)
    assert (demo.returncode, "Stopping." in out, err) == (0, True, "")
    assert not made.exists()
    # Nothing listens there any more.
    import urllib.error
    import urllib.request

    for address in addresses:
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(address, timeout=PATIENCE_SECONDS)
