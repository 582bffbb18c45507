"""What speaks with the services: ``STRONGROOM_SYNC``, a callable for each of them.

    STRONGROOM_SYNC = {
        "photos": "site.sync.fetch",
        "mail": {"connector": "site.sync.mail", "every": timedelta(hours=6), "time_limit": timedelta(minutes=5)},
    }

    def fetch(credential: Item, handed: HandedOver) -> str:
        ...
        return "12 new photos"

For a service that ``STRONGROOM_OAUTH`` names too, *credential* is an `OAuthCredential`.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from strongroom.django.hand_over.oauth import provider_of
from strongroom.django.hand_over.records import folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from strongroom.credentials.oauth import OAuthProvider

_OPTIONS = ("connector", "every", "time_limit")
EVERY = timedelta(hours=1)
TIME_LIMIT = timedelta(minutes=2)
_TIME_LIMIT_MAX = timedelta(hours=6)


class Connector:
    """How one service is spoken with.

    Attributes:
        function: is called with the credential and the row, and returns one line about how it went.
        path: where *function* was found, for messages.
        provider: of a service whose accounts are connected by OAuth.
        every: how long after a sync that went well the next one is due.
        time_limit: after which a sync is ended.
    """

    __slots__ = ("every", "function", "path", "provider", "service", "time_limit")

    def __init__(
        self,
        service: str,
        function: Callable[..., str],
        *,
        path: str = "",
        every: timedelta = EVERY,
        time_limit: timedelta = TIME_LIMIT,
        provider: OAuthProvider | None = None,
    ) -> None:
        folder(service)
        if not timedelta(0) < time_limit <= _TIME_LIMIT_MAX or every <= timedelta(0):
            raise ValueError(f"{service}: every is more than nothing, and time_limit at most {_TIME_LIMIT_MAX}")
        self.service = service
        self.function = function
        self.path = path or f"{function.__module__}.{function.__qualname__}"
        self.provider = provider
        self.every = every
        self.time_limit = time_limit

    def __repr__(self) -> str:
        return f"Connector({self.service!r}, {self.path})"


def connectors() -> dict[str, Connector]:
    """All that ``STRONGROOM_SYNC`` names, by service.

    Raises: ImproperlyConfigured: it names what cannot be imported, or an option that does not exist.
    """
    found = {}
    for service, told in getattr(settings, "STRONGROOM_SYNC", {}).items():
        options: dict[str, Any] = {"connector": told} if isinstance(told, str) else dict(told)
        unknown = sorted(set(options) - set(_OPTIONS))
        if unknown or "connector" not in options:
            what = f"no option {unknown[0]!r}" if unknown else "no connector"
            raise ImproperlyConfigured(f"STRONGROOM_SYNC[{service!r}] has {what}; it takes {', '.join(_OPTIONS)}")
        path = options.pop("connector")
        try:
            found[service] = Connector(
                service, import_string(path), path=path, provider=provider_of(service), **options
            )
        except (ImportError, ValueError, TypeError) as error:
            raise ImproperlyConfigured(f"STRONGROOM_SYNC[{service!r}]: {error}") from error
    return found
