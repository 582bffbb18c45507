"""python -m docs.pictures.take [DIRECTORY]: photographs the example site for docs/django-site.md.

Run by `make pictures`. Starts the site as `make demo-django` does, and walks through it with Chromium.
"""

from __future__ import annotations

import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.django_site import SiteUnderTest, Visitor, chromium, visitor

HERE = Path(__file__).resolve().parent
ACCOUNT = ("dustin", "golden-hour-42")
NAME = "anna"
WIDTH, HEIGHT = 900, 640
PHONE = {"width": 390, "height": 720}
# As many as a page has, but for the shades between them.
COLOURS = 128


class Photographer:
    """Writes what a visitor sees into *place*."""

    def __init__(self, one: Visitor, place: Path) -> None:
        self.one = one
        self.place = place

    def take(self, name: str) -> None:
        """The whole page, as ``shoebox-NAME.png``."""
        self.one.page.mouse.move(0, 0)
        taken = self.one.page.screenshot(full_page=True, animations="disabled", caret="hide")
        with Image.open(BytesIO(taken)) as picture:
            few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
            few.save(self.place / f"shoebox-{name}.png", optimize=True)


def walk(one: Visitor, shoot: Photographer) -> None:
    """From the first page to a vault that is locked again."""
    one.goes("/")
    shoot.take("landing")
    one.signs_up(with_code=True)
    shoot.take("recovery-code")
    one.adds_account(hand_over=True)
    one.waits_for_sync("4 photos")
    one.shows_password()
    shoot.take("account")
    one.goes("/accounts/connect/").clicks("Go on to Kestrel")
    one.page.get_by_label("Username").fill(ACCOUNT[0])
    one.page.get_by_label("Password").fill(ACCOUNT[1])
    one.clicks("Log in")
    shoot.take("consent")
    one.clicks("Allow").waits_for_sync("4 photos")
    one.page.emulate_media(color_scheme="dark")
    one.goes("/")
    shoot.take("dark")
    one.page.emulate_media(color_scheme="light")
    one.page.goto(one.site.site.photos)
    one.page.get_by_label("New password").fill("blue-hour-43")
    one.clicks("Change it").goes("/").clicks("Holidays").asks_for_sync("does not accept")
    shoot.take("attention")
    one.page.set_viewport_size(PHONE)
    one.goes("/")
    shoot.take("phone")
    one.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    one.loses_key().goes("/").clicks("Holidays").clicks("Show").sees("Unlock")
    shoot.take("unlock")


def main() -> None:
    """Take all of them."""
    place = Path(sys.argv[1]) if sys.argv[1:] else HERE
    place.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        site = SiteUnderTest(Path(directory), accounts=[ACCOUNT], names=[NAME])
        try:
            site.begin()
            with chromium() as browser, visitor(site, browser, viewport={"width": WIDTH, "height": HEIGHT}) as one:
                walk(one, Photographer(one, place))
        finally:
            site.site.close()


if __name__ == "__main__":
    main()
