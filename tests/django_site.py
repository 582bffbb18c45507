"""The example site as people use it: all its processes, and Chromium without a window.

Every page that a visitor leaves has been looked at: what the browser blocked or complained of fails the test.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.peers import npm_package, require, require_programs

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "django-sync"
PATIENCE_SECONDS = 60.0
PATIENCE_MS = PATIENCE_SECONDS * 1000
AXE = "axe-core-4.14.1"
PASSWORD = "nine-blue-elephants"
# Its password is never the site's: what the site keeps of it is looked for.
SECRET = "canary-golden-hour-{}"


def load_start() -> ModuleType:
    """The example's own start.py."""
    spec = importlib.util.spec_from_file_location("django_sync_start", EXAMPLE / "start.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wait_until(condition: Callable[[], object], complaint: str, *, pause_seconds: float = 0.05) -> None:
    """Wait until *condition* holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(pause_seconds)


ACCOUNTS = [(f"guest-{number}", SECRET.format(number)) for number in range(40)]
VISITORS = [f"visitor-{number}" for number in range(60)]


class SiteUnderTest:
    """The running site.

    Args:
        state: an empty directory.
        accounts: at the photo service: usernames and passwords.
        names: of those who sign up.
    """

    def __init__(
        self, state: Path, *, accounts: Sequence[tuple[str, str]] = ACCOUNTS, names: Sequence[str] = VISITORS
    ) -> None:
        self.start = load_start()
        self.lines: list[str] = []
        self.free, self.names = list(accounts), list(names)
        self.site = self.start.Site(
            state, dict(accounts), every_seconds=3600, say=self.lines.append, settings="tests.django_site_settings"
        )
        places = [str(ROOT), os.environ.get("PYTHONPATH", "")]
        self.site.environment["PYTHONPATH"] = os.pathsep.join(filter(None, places))
        self.seen: set[Path] = set()

    @property
    def address(self) -> str:
        found: str = self.site.address
        return found

    def account(self) -> tuple[str, str]:
        """Username and password of an account at the photo service, for one test alone."""
        return self.free.pop()

    def name(self) -> str:
        """A name that nobody has yet."""
        return self.names.pop(0)

    def mail(self) -> str:
        """The link in the mail that comes next."""
        links: list[str] = []
        wait_until(lambda: links.extend(self.site.new_mail(self.seen)) or links, "no mail")
        return links[-1]

    def in_worker_vault(self) -> list[str]:
        """What the worker may read: the credentials in its vault."""
        command = [sys.executable, "-m", "strongroom", "ls", "handed-over/kestrel/credentials"]
        done = subprocess.run(command, env=self.site.worker, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
        assert done.returncode in (0, 4), done
        return done.stdout.split()

    def found_on_disk(self, text: str) -> list[str]:
        """The files of the site, the worker and the vault in which *text* stands."""
        files = [path for path in self.site.state.rglob("*") if path.is_file()]
        return [path.name for path in files if text.encode() in path.read_bytes()]


    def begin(self) -> None:
        """Start it; what does not start is a failure of the test and not the end of all tests."""
        try:
            self.site.start()
        except SystemExit as end:
            raise AssertionError(end.code) from None


class Visitor:
    """Somebody with a browser of their own.

    Args:
        page: of Playwright.
        complaints: what the browser has complained of so far.
    """

    def __init__(self, site: SiteUnderTest, page: Any, complaints: list[str]) -> None:
        self.site = site
        self.page = page
        self.complaints = complaints
        self.name = ""
        self.password = PASSWORD
        self.code = ""

    def goes(self, path: str = "/") -> Visitor:
        self.page.goto(self.site.address + path)
        return self

    def clicks(self, name: str) -> Visitor:
        """A button, or a link; the page that follows is there when this returns."""
        button = self.page.get_by_role("button", name=name, exact=True)
        found = button if button.count() else self.page.get_by_role("link", name=name, exact=True)
        with self.page.expect_navigation():
            found.first.click()
        return self

    def clicks_through(self, username: str, password: str, answer: str) -> Visitor:
        """Logs in at the service, and answers its question."""
        self.page.get_by_label("Username").fill(username)
        self.page.get_by_label("Password").fill(password)
        return self.clicks("Log in").clicks(answer)

    def fills(self, **fields: str) -> Visitor:
        """Fields of the form, by the names that the server knows."""
        for name, value in fields.items():
            self.page.locator(f"[name={name}]").fill(value)
        return self

    def sees(self, text: str) -> Visitor:
        """*text* is on the page, or comes."""
        self.page.get_by_text(text).first.wait_for(timeout=PATIENCE_MS)
        return self

    def heading(self) -> str:
        found: str = self.page.locator("h1").inner_text()
        return found

    def text(self) -> str:
        found: str = self.page.locator("main").inner_text()
        return found

    def cookies(self) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in self.page.context.cookies()}

    def key_cookies(self) -> list[str]:
        return [name for name in self.cookies() if name.endswith("strongroom_key")]

    def signs_up(self, *, with_code: bool = False) -> Visitor:
        """As somebody new; the recovery code is in `code`, if it was asked for."""
        self.name = self.site.name()
        self.goes("/sign-up/")
        self.fills(username=self.name, email=f"{self.name}@example.org", password1=PASSWORD, password2=PASSWORD)
        self.clicks("Sign up").sees(f"Welcome, {self.name}")
        if not with_code:
            return self
        self.clicks("Show me my recovery code")
        self.code = self.page.locator("output").inner_text().strip()
        return self

    def logs_in(self, password: str = "") -> Visitor:
        self.goes("/log-in/").fills(username=self.name, password=password or self.password)
        return self.clicks("Log in")

    def adds_account(self, *, hand_over: bool = False, label: str = "Holidays") -> tuple[str, str]:
        """Stores an account at the photo service; its username and password."""
        username, password = self.site.account()
        self.goes("/accounts/add/").fills(label=label, username=username, password=password)
        self.page.locator("[name=hand_over]").set_checked(hand_over)
        self.clicks("Store it").sees(f"{label} is stored")
        return username, password

    def waits_for_sync(self, text: str) -> Visitor:
        """Looks again until the worker says *text*."""

        def is_there() -> bool:
            self.page.reload()
            return text in self.page.locator("#last-result").inner_text()

        wait_until(is_there, f"the worker never said {text!r}, but {self.site.lines[-5:]}", pause_seconds=0.3)
        return self

    def loses_key(self) -> Visitor:
        """The cookie with the key is gone, and that of the session is not."""
        kept = [each for each in self.page.context.cookies() if each["name"] not in self.key_cookies()]
        self.page.context.clear_cookies()
        self.page.context.add_cookies(kept)
        return self

    def asks_for_sync(self, text: str) -> Visitor:
        """Sends the worker, until it says *text*."""
        return self.clicks("Fetch now").waits_for_sync(text)

    def shows_password(self) -> str:
        """What the page shows when asked for."""
        self.clicks("Show")
        return self.shown()

    def shown(self) -> str:
        secret = self.page.locator("code.secret")
        assert secret.count() == 1, self.text()
        found: str = secret.inner_text()
        return found


def is_about_policy(complaint: str) -> bool:
    """Whether the browser blocked something by the page's own policy."""
    return bool(re.search(r"Content[- ]Security[- ]Policy", complaint))


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser, Debian's own; nothing is downloaded."""
    from playwright.sync_api import sync_playwright

    # Root may not use the sandbox; these are pages of our own.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=options)
        try:
            yield browser
        finally:
            browser.close()


def require_browser() -> None:
    """Go on where there is one."""
    require_programs("chromium")
    require(importlib.util.find_spec("playwright") is not None, "the package playwright is not installed")


def listen(context: Any, complaints: list[str]) -> None:
    """Write down what the browser says, and what the server could not do."""

    def hear(message: Any) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def look(answer: Any) -> None:
        if answer.status >= 500:
            complaints.append(f"{answer.status} {answer.url}")

    context.on("console", hear)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("response", look)


@contextmanager
def visitor(site: SiteUnderTest, browser: Any, **options: Any) -> Iterator[Visitor]:
    """Somebody new, whose browser complained of nothing in the end."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE_MS)
    complaints: list[str] = []
    listen(context, complaints)
    try:
        one = Visitor(site, context.new_page(), complaints)
        yield one
        unexpected = [each for each in complaints if not re.search(r"status of 4\d\d", each)]
        assert not unexpected, unexpected
    finally:
        context.close()


def axe_script() -> str:
    """axe-core, the checker for accessibility."""
    with npm_package(AXE) as package:
        file = package.extractfile("package/axe.min.js")
        assert file is not None
        return file.read().decode()


def axe_findings(page: Any, *rules: str) -> list[str]:
    """What axe, which is in the page already, finds of these rules or of all: one line for each rule."""
    chosen: dict[str, object] = {"resultTypes": ["violations"]}
    if rules:
        chosen["runOnly"] = list(rules)
    found = page.evaluate("options => axe.run(options)", chosen)
    return [
        f"{page.url}: {one['id']}: {one['help']}: {[node['html'][:120] for node in one['nodes']]}"
        for one in found["violations"]
    ]
