"""Whether a password may be looked at now: by whom, for which name, and whether there is room.

Asked in this order, before the database or any slow function: the client's networks, the pair of client
and name, the name; a browser that has logged in with the name before has an allowance of its own instead of
all three. One client cannot use up a name's allowance, and what is refused takes nothing from any. A right
password gives back what it took, but a tenth of the client's: otherwise an account of one's own would
pay for any amount of work.
"""

from __future__ import annotations

import logging
import unicodedata
from contextlib import asynccontextmanager, contextmanager
from os import getpid
from threading import Lock
from time import monotonic, time

from django.core.cache import caches
from django.utils.crypto import salted_hmac

from strongroom.crypto.mac import Mac
from strongroom.django.user_vaults.addresses import networks
from strongroom.django.user_vaults.allowances import Allowances, Rule
from strongroom.django.user_vaults.devices import device_of
from strongroom.django.user_vaults.login_settings import LoginSettings
from strongroom.django.user_vaults.places import NoPlace, Places
from strongroom.django.user_vaults.refused_paths import RefusedPaths
from strongroom.django.user_vaults.shared_allowances import SharedAllowances
from strongroom.errors import StrongroomError
from strongroom.wire import text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from django.http import HttpRequest

    from strongroom.django.user_vaults.addresses import Address

    Taken = list[tuple[bytes, Rule]]

_logger = logging.getLogger("strongroom.django")

PATIENCE_SECONDS = 10.0
_TOLD_SECONDS = 60.0
_ROOM_SECONDS = 2
_KEY_BYTES = 16
_KNOWN_SECONDS = 30 * 24 * 3600.0
_NAME_CHARACTERS_MAX = 1_024
_KEPT_SHARE = 0.9
# A /48 of IPv6 is a site with many households, and costs an attacker no more than a /64.
_SITE_FACTOR = 4


class TooManyAttempts(StrongroomError):
    """So many passwords are tried that this one was not looked at; the same may be right a little later.

    Attributes:
        retry_after: whole seconds.
    """

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message, advice=f"try again in {retry_after} seconds")
        self.retry_after = retry_after


class Attempt:
    """One look at a password that the limits let through."""

    __slots__ = ("is_right", "name_key")

    def __init__(self, name_key: bytes | None) -> None:
        self.name_key = name_key
        self.is_right = False

    def succeeded(self) -> None:
        """The password was right: what the attempt took is given back."""
        self.is_right = True


class LoginLimits:
    """The limits of this process, as the settings say. Make one for the process.

    Raises: ImproperlyConfigured: as `LoginSettings`.
    """

    __slots__ = (
        "_kept", "_mac", "_refused", "_saw_proxy", "_shared", "_telling", "_told",
        "options", "pages", "paths", "places", "process",
    )  # fmt: skip

    def __init__(self) -> None:
        self.options = LoginSettings()
        self.process = getpid()
        self.places = Places(self.options.places, self.options.waiting, PATIENCE_SECONDS)
        self._kept = Allowances()
        self._shared = SharedAllowances(caches[self.options.cache]) if self.options.cache else None
        self.paths = RefusedPaths()
        self.pages: dict[tuple[int, str | None], str] = {}
        self._telling = Lock()
        self._told = float("-inf")
        self._refused = 0
        self._saw_proxy = False
        # Names and addresses are kept as tags under a key: neither is to be read in a cache or in memory.
        self._mac = Mac(salted_hmac("strongroom.login", "names", algorithm="sha256").digest())

    @contextmanager
    def attempt(self, request: HttpRequest | None, name: str | None) -> Iterator[Attempt]:
        """Take what an attempt takes, and a place.

        Raises: TooManyAttempts.
        """
        asked = _Asked(self, request, name)
        now = self._take(asked)
        attempt = Attempt(asked.name_key)
        try:
            with self.places.enter(asked.client_key):
                yield attempt
        except NoPlace:
            self._give_back(asked.wanted, now, 1.0)
            raise _no_room() from None
        if attempt.is_right:
            self._right(asked, now)

    @contextmanager
    def further_name(self, request: HttpRequest | None, name: str) -> Iterator[Attempt]:
        """Within an attempt that was for another name or none: what a guess at this one takes, and no other place.

        Raises: TooManyAttempts.
        """
        asked = _Asked(self, request, name)
        if len(asked.wanted) > asked.paid:
            del asked.wanted[: asked.paid]
            asked.paid = 0
        now = self._take(asked)
        attempt = Attempt(asked.name_key)
        yield attempt
        if attempt.is_right:
            self._right(asked, now)

    @asynccontextmanager
    async def aattempt(self, request: HttpRequest | None, name: str | None) -> AsyncIterator[Attempt]:
        """As `attempt`, for the event loop; a cache is asked in a thread."""
        from asgiref.sync import sync_to_async

        asked = _Asked(self, request, name)
        if self._shared is None:
            now = self._take(asked)
        else:
            now = await sync_to_async(self._take, thread_sensitive=False)(asked)
        attempt = Attempt(asked.name_key)
        try:
            async with self.places.aenter(asked.client_key):
                yield attempt
        except NoPlace:
            self._give_back(asked.wanted, now, 1.0)
            raise _no_room() from None
        if attempt.is_right:
            await sync_to_async(self._right, thread_sensitive=False)(asked, now)

    def refusal(self, request: HttpRequest) -> TooManyAttempts | None:
        """What any attempt of this client would get at this moment, if it is refused; nothing is taken."""
        asked = _Asked(self, request, None)
        if seconds := self._kept.lacking(asked.wanted, monotonic()):
            return _too_often(seconds)
        return _no_room() if self.places.is_full(asked.client_key) else None

    def key(self, kind: str, value: str) -> bytes:
        """What a name or a network is kept as."""
        return self._mac.digest(text(kind) + text(value))[:_KEY_BYTES]

    def name_key(self, name: str) -> bytes:
        """The same for all spellings that a database or a form may take for one name."""
        return self.key("name", _folded(name))

    def _take(self, asked: _Asked) -> float:
        # Of several processes only the time of day is the same; within one there is a clock that does not go back.
        now = time()
        if seconds := self._kept.take(asked.wanted, monotonic()):
            raise _too_often(seconds)
        if self._shared is not None and (seconds := self._shared.take(asked.wanted, now)):
            self._kept.give_back(asked.wanted, monotonic())
            raise _too_often(seconds)
        return now

    def _give_back(self, wanted: Taken, now: float, share: float) -> None:
        self._kept.give_back(wanted, monotonic(), share)
        if self._shared is not None:
            self._shared.give_back(wanted, now, share)

    def _right(self, asked: _Asked, now: float) -> None:
        self._give_back(asked.wanted[: asked.paid], now, _KEPT_SHARE)
        self._give_back(asked.wanted[asked.paid :], now, 1.0)
        if asked.pair_key is not None:
            self._kept.remember(self.key("known", asked.pair_key.hex()), monotonic() + _KNOWN_SECONDS)

    def tell(self) -> None:
        """Count an attempt that was refused, and write how many there were into the log, once a minute."""
        with self._telling:
            self._refused += 1
            if monotonic() < self._told + _TOLD_SECONDS:
                return
            count, self._refused, self._told = self._refused, 0, monotonic()
        _logger.warning("passwords not looked at, as they are too many: %d", count)

    def look_at_proxy(self, address: Address | None, request: HttpRequest) -> None:
        """Say once that a proxy's address is taken for its clients': anybody could use up what all of them have."""
        if self._saw_proxy or "HTTP_X_FORWARDED_FOR" not in request.META:
            return
        # Anybody can send the header, but not from an address that is not on the Internet.
        if self.options.proxies.is_empty and (address is None or address.is_private):
            self._saw_proxy = True
            _logger.warning('log-ins come through a proxy: name it in STRONGROOM = {"LOGIN": {"PROXIES": [...]}}')

    def knows(self, pair_key: bytes) -> bool:
        """Whether the name was used from this network lately, with its password."""
        return self._kept.remembers(self.key("known", pair_key.hex()), monotonic())


class _Asked:
    """What one request would take: *wanted*, of which the first *paid* are for work and the others for guesses."""

    __slots__ = ("client_key", "name_key", "paid", "pair_key", "wanted")

    def __init__(self, limits: LoginLimits, request: HttpRequest | None, name: str | None) -> None:
        rules = limits.options
        self.wanted: Taken = []
        self.paid = 1
        self.pair_key: bytes | None = None
        self.name_key = None if name is None else limits.name_key(name)
        address = None if request is None else rules.proxies.client(request.META)
        found = [] if address is None else networks(address)
        if request is not None:
            limits.look_at_proxy(address, request)
        self.client_key = limits.key("client", found[0]) if found else None
        device = None if request is None or self.name_key is None else device_of(request, self.name_key)
        if device is not None:
            # Its own share of the room, too: others behind the same address do not take it.
            self.client_key = limits.key("device", device.decode())
            self.wanted.append((self.client_key, rules.per_device))
            return
        for network, factor in zip(found, (1, _SITE_FACTOR), strict=False):
            self.wanted.append((limits.key("client", network), rules.per_client.times(factor)))
        self.paid = len(self.wanted)
        if self.name_key is None:
            return
        if self.client_key is not None:
            self.pair_key = limits.key("pair", (self.client_key + self.name_key).hex())
            self.wanted.append((self.pair_key, rules.per_client_and_name))
            if limits.knows(self.pair_key):
                return
        self.wanted.append((self.name_key, rules.per_name))


def _folded(name: str) -> str:
    """One spelling for all that a database or a form may take for the same name."""
    # Django's own bound before the same function: it is slow for very long texts.
    if len(name) > _NAME_CHARACTERS_MAX:
        return "\0long"
    folded = unicodedata.normalize("NFKC", name).casefold().strip()
    return folded.encode("utf-8", "replace").decode("utf-8")


def _no_room() -> TooManyAttempts:
    return TooManyAttempts("too many passwords are being checked at once", _ROOM_SECONDS)


def _too_often(seconds: int) -> TooManyAttempts:
    return TooManyAttempts("too many attempts", seconds)
