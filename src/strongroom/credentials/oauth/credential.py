"""`OAuthCredential`: short-lived access tokens from a grant that lies in a vault.

One process refreshes at a time, also of several machines: who wants to writes a mark into the item, with
check-and-set, and everybody else waits for what comes of it. A new refresh token is stored before the access token
that came with it is given to anybody.
"""

from __future__ import annotations

import time
from datetime import timedelta
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.parse import unquote

from strongroom.credentials.hidden import HiddenFields
from strongroom.credentials.oauth import exchange, records
from strongroom.credentials.oauth.provider import OAuthProvider, scopes
from strongroom.credentials.oauth.transport import Answer, Transport, origin, split_url
from strongroom.crypto.entropy import random_bytes
from strongroom.errors import (
    Conflict,
    CredentialRefused,
    Denied,
    GrantRevoked,
    NotFound,
    OutcomeUnknown,
    ServiceUnavailable,
    StoreUnavailable,
    StrongroomError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from strongroom.items import Item, Version
    from strongroom.secret import SecretStr
    from strongroom.vault.values import FieldValue
    from strongroom.vault.vault import Vault

LEASE_SECONDS = 2 * exchange.SECONDS
"""How long one mark keeps others waiting: longer than a request may take, so that only a crash leaves one behind."""
_LATE_SECONDS = exchange.SECONDS
_PATIENCE_SECONDS = 2 * LEASE_SECONDS
_OLD_SECONDS = 3_600.0
"""How old a mark has to be for nobody to wait: clocks of two machines do not differ by that much."""
_LOOK_AGAIN_SECONDS = 0.2
_STORE_TRIES = 6
_SPARE = timedelta(minutes=1)


class OAuthCredential:
    """A grant that a user has given, in an item of a vault.

    Args:
        vault: open; the item is read and, when tokens are refreshed, written: the capabilities ``read`` and
            ``update`` are enough.
        path: of the item, whose fields came from `OAuthProvider.finish`.
        provider: who gave it; the item has to say the same.
        check: is shown the item each time it was read, and raises if it may not be used.
        clock: seconds since 1970 UTC.
    """

    __slots__ = ("_check", "_clock", "_path", "_provider", "_secrets", "_vault")

    def __init__(
        self,
        vault: Vault,
        path: str,
        provider: OAuthProvider,
        *,
        check: Callable[[Item], object] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._vault = vault
        self._path = path
        self._provider = provider
        self._check = check
        self._clock = clock
        self._secrets: set[bytes] = set()

    def access_token(
        self, scope: str | Iterable[str], *, lifetime: timedelta = _SPARE, renew: bool = False
    ) -> SecretStr:
        """A token that is good for *scope* and no more; a stored one, if it lives long enough.

        Args:
            scope: what is needed now: a part of what was granted. Empty where the service knows no scopes.
            lifetime: how long it has to live from now on. What lives shorter anyway is given once.
            renew: fetch a new one, because the service did not take the one before.

        Raises:
            GrantRevoked: the grant has ended; its user has to connect again.
            Denied: the scope was not granted, or the service gave another one, or does not know this program.
            ServiceUnavailable: the service did not answer, or not as it should; or another process is refreshing
                and does not come to an end.
            NotFound, Tampered: about the item. StoreUnavailable: a new refresh token could not be stored.
        """
        wanted = scopes(scope)
        began = time.monotonic()
        watched, since = "", began
        refused: SecretStr | None = None
        while True:
            stored = self._stored(wanted)
            if stored.scope and not wanted:
                # Without one the service would give a token for all that was granted.
                raise ValueError("name the scope that is needed")
            token = stored.token(wanted, self._clock(), lifetime.total_seconds())
            if renew and refused is None:
                refused = token
            # What another process has fetched meanwhile is as new as anything.
            if token is not None and not (renew and token == refused):
                return token
            if stored.ended:
                raise exchange.ended()
            mark = stored.mark
            if mark is not None and mark.by != watched:
                watched, since = mark.by, time.monotonic()
            # By this process's own patience: the clocks of two machines are not the same.
            if mark is None or self._is_old(mark) or time.monotonic() - since > LEASE_SECONDS:
                fresh = self._refreshed(stored, wanted)
                if fresh is not None:
                    return fresh
            # Else the mark is another's, or the item was replaced: look again.
            if time.monotonic() - began > _PATIENCE_SECONDS:
                raise ServiceUnavailable("another process is refreshing the token, and does not come to an end")
            time.sleep(_LOOK_AGAIN_SECONDS)

    async def aaccess_token(
        self, scope: str | Iterable[str], *, lifetime: timedelta = _SPARE, renew: bool = False
    ) -> SecretStr:
        """As `access_token`, in a worker thread."""
        import asyncio  # 59 ms

        return await asyncio.to_thread(self.access_token, scope, lifetime=lifetime, renew=renew)

    def get(
        self, url: str, scope: str | Iterable[str], *, headers: Mapping[str, str] | None = None,
        seconds: float = 30.0, bytes_max: int = 4 * 1024 * 1024,
    ) -> Answer:  # fmt: skip
        """What the service's interface answers to a GET with an access token; a refused one is renewed once.

        Args:
            url: below the provider's ``api_url``; redirects are not followed.
            seconds: for one request in all; *bytes_max* of its body.

        Raises:
            CredentialRefused: a new token was refused as well. Denied: the token is not enough for this.
            ServiceUnavailable: no answer in time, too much of it, or a status from 500 on.
            ValueError: the URL is not below ``api_url``.
        """
        self._check_place(url)
        transport = Transport(seconds=seconds, bytes_max=bytes_max)
        for renew in (False, True):
            with self.access_token(scope, renew=renew) as token:
                sent = HiddenFields({"Accept": "application/json", **(headers or {})})
                sent["Authorization"] = f"Bearer {token.reveal()}"
                answer = transport.send("GET", url, sent)
            if answer.status_code != 401:
                break
        else:
            raise CredentialRefused("the service does not take its own new access token")
        if answer.status_code == 403:
            raise Denied("the service says that the access token is not enough for this")
        if answer.status_code >= 429:
            raise ServiceUnavailable(f"the service answered with status {answer.status_code}", is_transient=True)
        return answer

    def revoke(self) -> None:
        """Tell the service that the grant is no longer needed. The item stays, and says that the grant has ended.

        Not while somebody refreshes: the service may know no more of the refresh token before, and nobody would tell
        it of the one that comes.

        Raises:
            Conflict: another process is refreshing the token, or has written meanwhile; try again.
            Denied, ServiceUnavailable: the service was not told. NotFound, Tampered: about the item.
        """
        exchange.check_revocable(self._provider)
        stored = self._stored(frozenset())
        if stored.mark is not None and not self._is_left_behind(stored.mark):
            raise Conflict("another process is refreshing the token", advice="try again in a minute")
        mark = records.Mark(random_bytes(8).hex(), self._clock() + LEASE_SECONDS)
        number = self._write(stored.number, {records.REFRESHING: mark.field()}).number
        try:
            exchange.revoke(self._provider, stored.refresh)
        except BaseException:
            self._settle(number, {})
            raise
        self._settle(number, {records.ENDED: records.public(records.ENDED, "revoked")})

    def secrets(self) -> list[bytes]:
        """Every token that this object has seen, for whoever has to keep them out of what is shown."""
        return list(self._secrets)

    def _stored(self, wanted: frozenset[str]) -> records.Stored:
        item = self._vault.get(self._path)
        if self._check is not None:
            self._check(item)
        stored = records.Stored(item, self._provider)
        self._secrets.update(stored.secrets())
        if not wanted <= stored.scope:
            raise Denied("the user has not granted this scope", advice="connect the account again and ask for it")
        return stored

    def _is_old(self, mark: records.Mark) -> bool:
        return abs(self._clock() - mark.until) > _OLD_SECONDS

    def _is_left_behind(self, mark: records.Mark) -> bool:
        """Whether nobody waits for it any more, for who cannot watch how long it stays."""
        return self._is_old(mark) or self._clock() > mark.until + LEASE_SECONDS

    def _refreshed(self, stored: records.Stored, wanted: frozenset[str]) -> SecretStr | None:
        """A new access token, if it is this process that refreshes; None if it is not, or the item was replaced.

        In a thread of its own: a signal that ends what the caller does (a time limit, Ctrl-C) would otherwise come
        between the answer with the new refresh token and the moment when it is stored.
        """
        ended: SimpleQueue[tuple[SecretStr | None, BaseException | None]] = SimpleQueue()

        def run() -> None:
            try:
                how: tuple[SecretStr | None, BaseException | None] = self._claimed(stored, wanted), None
            except BaseException as error:  # raised by the thread that waits
                how = None, error
            # A signal may come when the first has been taken and nobody has it yet: the second is waited for then.
            ended.put(how)
            ended.put(how)

        # Not Thread.join(): interrupted once, it takes the thread for ended (python/cpython#90882).
        thread = Thread(target=run, name="strongroom-oauth-refresh")
        try:
            thread.start()
            token, failure = ended.get()
        except RuntimeError:
            raise  # no thread could be had
        except BaseException:
            _wait(ended)
            raise
        if failure is not None:
            raise failure
        return token

    def _claimed(self, stored: records.Stored, wanted: frozenset[str]) -> SecretStr | None:
        mark = records.Mark(random_bytes(8).hex(), self._clock() + LEASE_SECONDS)
        began = time.monotonic()
        try:
            number = self._write(stored.number, {records.REFRESHING: mark.field()}).number
        except Conflict:
            return None
        if time.monotonic() - began > _LATE_SECONDS:
            # This process stood still, and others may soon take its mark for one that a crash has left.
            self._settle(number, {})
            return None
        asked_at = self._clock()
        try:
            tokens = exchange.refresh(self._provider, stored.refresh, wanted)
        except GrantRevoked:
            if not self._settle(number, {records.ENDED: records.public(records.ENDED, "invalid_grant")}):
                return None  # the item holds another grant by now
            raise exchange.ended(after_a_crash=stored.mark is not None) from None
        except StrongroomError:
            self._settle(number, {})
            raise
        return self._kept(stored, number, tokens, wanted, asked_at)

    def _kept(
        self, stored: records.Stored, number: int, tokens: exchange.Tokens, wanted: frozenset[str], asked_at: float
    ) -> SecretStr | None:
        """Store first what must not be lost; then look at the rest."""
        changes: dict[str, FieldValue] = {}
        if tokens.refresh is not None:
            self._secrets.add(tokens.refresh.reveal().encode("ascii"))
            changes[records.REFRESH] = records.secret(records.REFRESH, tokens.refresh)
        problem = tokens.problem or _scope_problem(tokens, wanted)
        access = tokens.access
        if access is not None:
            self._secrets.add(access.reveal().encode("ascii"))
        if access is not None and problem is None:
            changes[records.ACCESS] = stored.with_token(wanted, access, asked_at, tokens.seconds)
        if not self._settle(number, changes):
            self._revoke_unwanted(tokens.refresh)
            return None
        if problem is not None:
            raise problem
        return access

    def _settle(self, number: int, changes: dict[str, FieldValue]) -> bool:
        """Write what came of a refresh, and take the mark away; False when somebody has written or destroyed it."""
        request_id = random_bytes(16)
        for attempt in range(_STORE_TRIES):
            try:
                self._write(number, {**changes, records.REFRESHING: None}, request_id)
            except (Conflict, NotFound):
                return False
            except (OutcomeUnknown, StoreUnavailable):
                # A rotated token that is not stored is lost, and the user would have to connect again.
                if attempt == _STORE_TRIES - 1:
                    raise
                time.sleep(_LOOK_AGAIN_SECONDS * 2**attempt)
            else:
                break
        return True

    def _revoke_unwanted(self, token: SecretStr | None) -> None:
        """Tell the service of a refresh token that came when its item was destroyed or withdrawn: nobody else can.

        Not where somebody has written into the item: the grant may be the same, and would end for them too.
        """
        if token is None or not self._provider.revoke_url:
            return
        try:
            item = self._vault.get(self._path)
        except NotFound:
            exchange.revoke(self._provider, token)
            return
        try:
            if self._check is not None:
                self._check(item)
        except Denied:
            exchange.revoke(self._provider, token)
            raise

    def _write(self, number: int, fields: Mapping[str, FieldValue | None], request_id: bytes | None = None) -> Version:
        return self._vault.patch(self._path, fields, cas=number, request_id=request_id)

    def _check_place(self, url: str) -> None:
        asked = split_url(url)
        base = split_url(self._provider.api_url) if self._provider.api_url else None
        if base is None or origin(asked) != origin(base):
            raise ValueError("access tokens are sent to the provider's api_url alone")
        path = unquote(asked.path)
        if not f"{path}/".startswith(base.path.rstrip("/") + "/") or ".." in path.split("/"):
            raise ValueError("access tokens are sent below the provider's api_url alone")

    def __repr__(self) -> str:
        return f"<OAuthCredential {self._path}>"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a credential cannot be pickled")


def _wait(ended: SimpleQueue[tuple[SecretStr | None, BaseException | None]]) -> None:
    try:
        ended.get(timeout=LEASE_SECONDS)
    except Empty:
        return  # it stands still; whoever comes next finds its mark


def _scope_problem(tokens: exchange.Tokens, wanted: frozenset[str]) -> StrongroomError | None:
    """What is wrong with the scope that was given: more, or less, than was asked for."""
    if tokens.scope is None or not wanted or tokens.scope == wanted:
        return None
    if tokens.scope > wanted:
        return Denied("the service gave an access token for more than was asked for: it is not used")
    return Denied("the service gave an access token for another scope than was asked for")
