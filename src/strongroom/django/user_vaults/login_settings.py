"""What the settings say about log-ins, in one place, checked: ``STRONGROOM = {"LOGIN": {...}}``.

| option | when nothing is said | |
| --- | --- | --- |
| ``PROXIES`` | ``()`` | networks of one's own proxies, or ``"unix"`` |
| ``PLACES`` | one less than there are processors, 1 to 8 | passwords hashed at once in a process |
| ``WAITING`` | 3 | requests that wait for that |
| ``CACHE`` | none | the name of a cache that all processes share |
| ``PER_CLIENT`` | ``(30, 180)`` | attempts, and the seconds until all of them are there again |
| ``PER_NAME`` | ``(20, 2400)`` | |
| ``PER_CLIENT_AND_NAME`` | ``(6, 1080)`` | |
| ``PER_DEVICE`` | ``(10, 600)`` | |
"""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from strongroom.credentials.passwords import _processors
from strongroom.django.user_vaults.addresses import Proxies
from strongroom.django.user_vaults.allowances import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# One address that guesses a name gets less than the name has: it alone cannot lock the name for others.
_RULES = {
    "PER_CLIENT": (30, 180),
    "PER_NAME": (20, 2_400),
    "PER_CLIENT_AND_NAME": (6, 1_080),
    "PER_DEVICE": (10, 600),
}
_OPTIONS = ("CACHE", "PLACES", "PROXIES", "WAITING", *_RULES)
_PLACES = (1, 64)
_WAITING = (0, 1_000)
_WAITING_USUAL = 3


class LoginSettings:
    """What stands in the table above.

    Raises: ImproperlyConfigured: an unknown option, or a value that it cannot have.
    """

    __slots__ = ("cache", "per_client", "per_client_and_name", "per_device", "per_name", "places", "proxies", "waiting")

    def __init__(self) -> None:
        options = _options()
        self.cache: str | None = options.get("CACHE")
        if self.cache is not None and self.cache not in settings.CACHES:
            raise ImproperlyConfigured(f"STRONGROOM LOGIN CACHE names {self.cache!r}, which is not in CACHES")
        usual = max(1, min(_processors() - 1, 8))
        self.places = _number("PLACES", options.get("PLACES", usual), _PLACES)
        self.waiting = _number("WAITING", options.get("WAITING", _WAITING_USUAL), _WAITING)
        self.proxies = _proxies(options.get("PROXIES", ()))
        self.per_client = _rule("PER_CLIENT", options)
        self.per_name = _rule("PER_NAME", options)
        self.per_client_and_name = _rule("PER_CLIENT_AND_NAME", options)
        self.per_device = _rule("PER_DEVICE", options)


def _options() -> dict[str, Any]:
    options = getattr(settings, "STRONGROOM", {}).get("LOGIN", {})
    if not isinstance(options, dict):
        raise ImproperlyConfigured("STRONGROOM LOGIN is a dictionary")
    unknown = sorted(set(options) - set(_OPTIONS))
    if unknown:
        raise ImproperlyConfigured(f"STRONGROOM LOGIN has no option {unknown[0]!r}; it has {', '.join(_OPTIONS)}")
    return options


def _proxies(names: object) -> Proxies:
    # A text is a sequence of texts too, each a letter.
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ImproperlyConfigured('STRONGROOM LOGIN PROXIES is a list of networks, or "unix"')
    try:
        return Proxies(names)
    except ValueError as error:
        raise ImproperlyConfigured(f"STRONGROOM LOGIN PROXIES: {error}") from None


def _rule(name: str, options: dict[str, Any]) -> Rule:
    said = options.get(name, _RULES[name])
    try:
        most, seconds = said
        return Rule(int(most), float(seconds))
    except (TypeError, ValueError):
        raise ImproperlyConfigured(f"STRONGROOM LOGIN {name} is (attempts, seconds), such as {_RULES[name]}") from None


def _number(name: str, value: object, bounds: tuple[int, int]) -> int:
    if type(value) is not int or not bounds[0] <= value <= bounds[1]:
        raise ImproperlyConfigured(f"STRONGROOM LOGIN {name} is a number within {bounds[0]}..{bounds[1]}")
    return value
