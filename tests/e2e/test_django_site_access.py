"""The example site for people who see little, use no mouse, or have a small screen: every page, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.django_site import (
    PASSWORD,
    SiteUnderTest,
    Visitor,
    axe_findings,
    axe_script,
    chromium,
    require_browser,
    visitor,
)


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


@pytest.fixture(scope="module")
def axe() -> str:
    """The checker."""
    return axe_script()


def look_at(one: Visitor, axe: str) -> list[str]:
    """What is wrong with the page, in either colour scheme, or where it is narrow."""
    page = one.page
    page.evaluate(axe)
    found = axe_findings(page)
    page.emulate_media(color_scheme="dark")
    found += [f"dark: {line}" for line in axe_findings(page, "color-contrast")]
    page.emulate_media(color_scheme="light")
    headings = page.locator("h1").count()
    if headings != 1:
        found.append(f"{page.url}: {headings} first headings")
    for width in (320, 640, 900):
        page.set_viewport_size({"width": width, "height": 700})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"{page.url}: wider than the screen of {width}")
    page.set_viewport_size({"width": 1000, "height": 700})
    return found


def test_a_checker_finds_nothing_on_any_page(site: SiteUnderTest, browser: Any, axe: str) -> None:
    """Names, roles, contrast, landmarks, headings and widths: of every kind of page, and the service's too."""
    with visitor(site, browser, viewport={"width": 1000, "height": 700}) as anna:
        found = []
        for path in ("/", "/log-in/", "/sign-up/", "/password/reset/", "/password/reset/sent/", "/nothing/"):
            found += look_at(anna.goes(path), axe)
        anna.goes("/sign-up/").fills(username="b a d", email="x@example.org", password1="short", password2="other")
        found += look_at(anna.clicks("Sign up"), axe)
        anna.signs_up(with_code=True)
        found += look_at(anna, axe)
        found += look_at(anna.goes("/"), axe)
        anna.adds_account(hand_over=True)
        found += look_at(anna, axe)
        anna.waits_for_sync("4 photos").shows_password()
        found += look_at(anna, axe)
        account = anna.page.url.removesuffix("password/")
        for path in ("/", "/welcome/", "/you/", "/password/", "/accounts/add/", "/accounts/connect/"):
            found += look_at(anna.goes(path), axe)
        for path in ("/vault/recover/", "/vault/recovery-code/", "/vault/reset/"):
            found += look_at(anna.goes(path), axe)
        for path in ("edit/", "remove/"):
            anna.page.goto(account + path)
            found += look_at(anna, axe)
        anna.loses_key().goes("/vault/unlock/")
        found += look_at(anna, axe)
        anna.page.goto(site.site.photos)
        found += look_at(anna, axe)
        assert found == []


def test_the_checker_finds_what_is_wrong(site: SiteUnderTest, browser: Any, axe: str) -> None:
    """An unnamed field, a pale text, a second heading and a wide line are found where somebody has put them."""
    with visitor(site, browser, viewport={"width": 1000, "height": 700}) as anna:
        anna.goes("/log-in/")
        # Through the object model, which the policy does not stop; markup with a style would be blocked.
        anna.page.evaluate("""() => {
            const main = document.querySelector("main");
            const field = main.appendChild(document.createElement("input"));
            field.type = "text";
            const pale = main.appendChild(document.createElement("p"));
            pale.textContent = "hardly to be read";
            pale.style.color = "#e0d8d0";
            main.appendChild(document.createElement("h1")).textContent = "One more";
            main.appendChild(document.createElement("p")).textContent = "x".repeat(900);
        }""")
        found = "\n".join(look_at(anna, axe))
        for rule in ("label", "color-contrast", "first headings", "wider than the screen of 900"):
            assert rule in found, (rule, found)


def test_signing_up_with_the_keyboard_alone(site: SiteUnderTest, browser: Any) -> None:
    """Past the header by its first link, through the form by Tab, sent by Enter; where one is can be seen."""
    with visitor(site, browser) as anna:
        keyboard = anna.goes("/sign-up/").page.keyboard
        anna.name = site.name()
        assert focused(anna) == "username"
        for text in (anna.name, f"{anna.name}@example.org", PASSWORD, PASSWORD):
            keyboard.type(text)
            keyboard.press("Tab")
        assert focused(anna) == "Sign up"
        assert anna.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        keyboard.press("Enter")
        anna.sees(f"Welcome, {anna.name}")
        keyboard.press("Tab")
        assert focused(anna) == "Skip to the content"
        assert anna.page.locator(".skip").bounding_box()["y"] >= 0
        keyboard.press("Enter")
        keyboard.press("Tab")
        assert focused(anna) == "Show me my recovery code"
        keyboard.press("Enter")
        anna.sees("shown once")


def focused(one: Visitor) -> str:
    """What the keyboard would act upon: its text, or its name in the form."""
    found: str = one.page.evaluate("document.activeElement.name || document.activeElement.innerText")
    return found
