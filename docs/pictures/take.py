"""python -m docs.pictures.take [DIRECTORY]: photographs the example site, one picture for each thing it shows.

Run by `make pictures`. Starts the site as `make demo-django` does, and walks through it with Chromium.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.django_site import SiteUnderTest, Visitor, chromium, visitor

HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT = 1000, 700


def walk(one: Visitor, place: Path) -> None:
    """From the first page to a vault that is recovered; each stop becomes a file in *place*."""

    def take(name: str) -> None:
        one.page.mouse.move(0, 0)
        # A page is shown from its top to its end, and not the ground below it.
        one.page.screenshot(path=place / f"{name}.png", full_page=True, animations="disabled", caret="hide")

    one.goes("/")
    take("landing")
    one.goes("/sign-up/").fills(username="1", email="x@example.org", password1="short", password2="other")
    one.clicks("Sign up")
    take("sign-up-errors")
    one.signs_up()
    take("recovery-code")
    one.goes("/")
    take("empty")
    one.goes("/accounts/add/")
    take("add")
    one.adds_account(hand_over=True)
    take("stored")
    one.waits_for_sync("photos")
    one.shows_password()
    take("account")
    one.goes("/")
    take("albums")
    one.page.emulate_media(color_scheme="dark")
    take("albums-dark")
    one.page.emulate_media(color_scheme="light")
    one.goes("/you/")
    take("you")
    one.goes("/password/")
    take("change-password")
    one.loses_key().goes("/").clicks("Holidays").clicks("Show").sees("Unlock")
    take("unlock")
    one.goes("/vault/recover/")
    take("recover")
    one.goes("/vault/reset/")
    take("give-up")
    one.goes("/nothing/")
    take("not-found")
    one.goes("/")
    one.page.set_viewport_size({"width": 390, "height": 760})
    one.page.reload()
    take("phone")


def main() -> None:
    """Take all of them."""
    place = Path(sys.argv[1]) if sys.argv[1:] else HERE
    place.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        site = SiteUnderTest(Path(directory))
        try:
            site.begin()
            with chromium() as browser, visitor(site, browser, viewport={"width": WIDTH, "height": HEIGHT}) as one:
                walk(one, place)
        finally:
            site.site.close()


if __name__ == "__main__":
    main()
