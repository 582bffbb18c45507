"""The worker's rounds: what was withdrawn is destroyed, and what is due is claimed, tried and written down.

Several workers share the work by claims: one conditional UPDATE says who is busy with a row and until when. A worker
that was killed leaves a claim that ends by itself.
"""

from __future__ import annotations

import logging
import traceback
import uuid
from datetime import timedelta
from time import monotonic

from django.db.models import Q
from django.utils import timezone

from strongroom.credentials.oauth import OAuthCredential
from strongroom.django.hand_over import records
from strongroom.django.hand_over.limits import TimeLimit, TookTooLong, secrets_of, told
from strongroom.django.hand_over.models import (
    ACTIVE,
    FAILING,
    REFUSED,
    REVOKED,
    TRIED,
    WAITING,
    WITHDRAWN,
    HandedOver,
)
from strongroom.errors import (
    Conflict,
    CredentialRefused,
    Denied,
    Expired,
    GrantRevoked,
    NotFound,
    ServiceUnavailable,
    StrongroomError,
    Tampered,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from strongroom.django.hand_over.connectors import Connector
    from strongroom.items import Item
    from strongroom.vault.vault import Vault

logger = logging.getLogger("strongroom.django.hand_over")

_SPARE = timedelta(minutes=10)
"""How much longer than a sync may take its claim holds."""
_FIRST_PAUSE = timedelta(minutes=1)
_FIRST_LOOK = timedelta(seconds=1)
"""The first pause where a deposit is not in the vault yet."""
_LONGEST_LOOK = timedelta(minutes=15)
_LOOKS = 5
"""How often its absence is nothing to tell the user."""
_LONGEST_PAUSE = timedelta(days=1)
_AT_ONCE = 100
_REVOKING = timedelta(minutes=1)
"""How long a round tells one service of grants that are no longer needed; each of them may take half a minute."""


class Outcome:
    """How one sync ended.

    Attributes:
        pause: until the next try; None for never.
    """

    __slots__ = ("pause", "state", "text")

    def __init__(self, state: str, text: str, pause: timedelta | None) -> None:
        self.state = state
        self.text = text
        self.pause = pause


class Tally:
    """What a round has done: how many syncs ended in each state, and what else there was.

    Attributes:
        destroyed: credentials that were withdrawn, and are gone now.
        unlisted: credentials in the vault that have no row. Nothing is done with them.
    """

    def __init__(self) -> None:
        self.states: dict[str, int] = {}
        self.destroyed = 0
        self.unlisted = 0

    def __str__(self) -> str:
        parts = [f"{count} {state}" for state, count in sorted(self.states.items())]
        parts += [f"{self.destroyed} destroyed"] if self.destroyed else []
        parts += [f"{self.unlisted} in the vault without a row"] if self.unlisted else []
        return ", ".join(parts) or "nothing was due"


class _Secrets:
    """What must not be told of a sync: the credential's secret fields, and the tokens that came meanwhile."""

    def __init__(self, item: Item, credential: Item | OAuthCredential) -> None:
        self._item = item
        self._credential = credential

    def __call__(self) -> list[bytes]:
        found = secrets_of(self._item)
        return found + (self._credential.secrets() if isinstance(self._credential, OAuthCredential) else [])


class Worker:
    """Does what is due.

    Args:
        vault: open; what it may do decides what the worker can do.
        connectors: by service; rows of other services are left alone.
        now: aware.
        stopping: asked between two syncs whether to end here.
    """

    def __init__(
        self,
        vault: Vault,
        connectors: Mapping[str, Connector],
        *,
        now: Callable[[], datetime] = timezone.now,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._vault = vault
        self._connectors = connectors
        self._now = now
        self._stopping = stopping

    def round(self) -> Tally:
        """Once through everything that is due.

        Raises: StrongroomError: the vault cannot be read.
        """
        tally = Tally()
        for service in sorted(self._connectors):
            self._clear(service, tally)
        for handed in self._claimed():
            outcome = self._sync(handed)
            tally.states[outcome.state] = tally.states.get(outcome.state, 0) + 1
        return tally

    def _clear(self, service: str, tally: Tally) -> None:
        """Destroy what was withdrawn, whatever the rows say."""
        folder = records.folder(service)
        kept, withdrawn = self._names(f"{folder}/credentials"), self._names(f"{folder}/withdrawn")
        began = monotonic()
        for name in sorted(kept & withdrawn):
            path = f"{folder}/credentials/{name}"
            if self._stopping():
                return
            try:
                if not self._revoke(service, path, name):
                    continue
                self._vault.destroy(path)
            except NotFound:
                continue  # another worker was faster
            tally.destroyed += 1
            logger.info("%s %s was withdrawn, and is destroyed", service, name)
            if self._revokes(service) and monotonic() - began > _REVOKING.total_seconds():
                # A service that does not answer keeps the others waiting: the rest comes with the next round.
                break
        rows = {str(pk): state for pk, state in HandedOver.objects.filter(service=service).values_list("pk", "state")}
        tally.unlisted += len(kept - withdrawn - set(rows))
        # Whatever a row says by now.
        late = [pk for pk, state in rows.items() if state != WITHDRAWN and pk in withdrawn]
        for start in range(0, len(late), _AT_ONCE):
            HandedOver.objects.filter(pk__in=late[start : start + _AT_ONCE]).update(state=WITHDRAWN, next_sync=None)

    def _revokes(self, service: str) -> bool:
        provider = self._connectors[service].provider
        return provider is not None and bool(provider.revoke_url)

    def _revoke(self, service: str, path: str, name: str) -> bool:
        """Tell the service that its grant is no longer needed; if it does not listen, the grant is destroyed here.

        Returns: False while another worker refreshes it, whose new token the service has to be told of.
        """
        provider = self._connectors[service].provider
        if provider is None or not provider.revoke_url:
            return True
        try:
            OAuthCredential(self._vault, path, provider).revoke()
        except Conflict:
            return False
        except NotFound:
            return True  # no grant, as of an account with a password; or another worker was faster: destroy() says so
        except StrongroomError as error:
            logger.warning("%s %s was not revoked at the service: %s", service, name, error)
        return True

    def _names(self, folder: str) -> set[str]:
        try:
            return set(self._vault.list(folder))
        except NotFound:
            return set()

    def _claimed(self) -> Iterator[HandedOver]:
        """Row after row, each claimed by this worker alone."""
        started = self._now()
        claim = uuid.uuid4()
        seen: set[uuid.UUID] = set()
        while not self._stopping():
            now = self._now()
            free = Q(claimed_until=None) | Q(claimed_until__lte=now)
            due = HandedOver.objects.filter(
                free, state__in=TRIED, next_sync__lte=started, service__in=list(self._connectors)
            )
            # One that a crash of the program keeps due is not tried twice in a round.
            found = [one for one in due.order_by("next_sync")[: _AT_ONCE + len(seen)] if one.pk not in seen]
            if not found:
                return
            for handed in found:
                if self._stopping():
                    return
                seen.add(handed.pk)
                until = self._now() + self._connectors[handed.service].time_limit + _SPARE
                mine = HandedOver.objects.filter(pk=handed.pk, service=handed.service)
                if (due & mine).update(claim=claim, claimed_until=until):
                    # As it is now; it may have gone, or be another service's, in the blink of an eye.
                    fresh = mine.filter(claim=claim).first()
                    if fresh is not None:
                        yield fresh

    def _sync(self, handed: HandedOver) -> Outcome:
        """One sync of a row that is claimed."""
        outcome = None
        try:
            outcome = self._tried(handed)
        finally:
            self._write(handed, outcome)
        return outcome

    def _tried(self, handed: HandedOver) -> Outcome:
        connector = self._connectors[handed.service]
        try:
            credential = self._credential(handed)
        except NotFound:
            return self._absent(handed)
        except (Denied, Expired) as error:
            return self._failing(handed, f"the vault does not give the credential: {type(error).__name__}")
        except Tampered as error:
            # The vault was changed, or the row; the message says which.
            logger.error("%s %s: %s", handed.service, handed.pk, error)
            return self._failing(handed, f"not used: {error}")
        if credential is None:
            return Outcome(WITHDRAWN, "", None)
        return self._called(handed, connector, credential)

    def _credential(self, handed: HandedOver) -> Item | None:
        """What may be used for this row; None when it was withdrawn.

        Raises: NotFound, Denied, Expired: the vault does not give it; Tampered: it was given for something else.
        """
        if self._is_withdrawn(handed):
            return None
        return records.unbound(self._vault.get(records.credential_path(handed)), handed)

    def _is_withdrawn(self, handed: HandedOver) -> bool:
        try:
            self._vault.get(records.withdrawn_path(handed))
        except NotFound:
            return False
        return True

    def _check(self, read: Item, handed: HandedOver) -> None:
        """Whether what a connector reads in the middle of its sync may be used still."""
        if self._is_withdrawn(handed):
            raise Denied("it was withdrawn meanwhile")
        records.unbound(read, handed)

    def _called(self, handed: HandedOver, connector: Connector, item: Item) -> Outcome:
        credential: Item | OAuthCredential = item
        if connector.provider is not None:
            # It reads again, and somebody may have written meanwhile: what it reads is looked at each time.
            credential = OAuthCredential(
                self._vault, item.path, connector.provider, check=lambda read: self._check(read, handed)
            )
        secrets = _Secrets(item, credential)
        limit = TimeLimit(connector.time_limit)
        try:
            with limit:
                text = connector.function(credential, handed)
            if not isinstance(text, str):
                return self._failing(handed, f"{connector.path} returned no text")
            return Outcome(ACTIVE, told(text, secrets()), connector.every)
        except TookTooLong:
            return self._failing(handed, f"it took longer than {connector.time_limit.total_seconds():.0f} s")
        except GrantRevoked as error:
            return Outcome(REVOKED, told(error.message, secrets()), None)
        except CredentialRefused as error:
            return Outcome(REFUSED, told(error.message, secrets()), None)
        except ServiceUnavailable as error:
            return self._failing(handed, told(error.message, secrets()))
        except StrongroomError as error:
            return self._failing(handed, told(f"{type(error).__name__}: {error.message}", secrets()))
        except OSError as error:
            # Neither its text nor what libraries put into it: both may repeat a request.
            return self._failing(handed, f"the service did not answer ({type(error).__name__})")
        except Exception as error:
            # Nobody knows what such an error repeats, so its class and place are all that is told.
            places = [f"{one.filename}:{one.lineno}" for one in traceback.extract_tb(error.__traceback__)[1:]]
            logger.error(
                "%s %s: %s in %s at %s",
                handed.service, handed.pk, type(error).__name__, connector.path, " ".join(places),
            )  # fmt: skip
            return self._failing(handed, f"the connector failed ({type(error).__name__})")
        finally:
            limit.end()

    def _absent(self, handed: HandedOver) -> Outcome:
        """It waits in the inbox, perhaps, until the agent takes it in: soon, or when there is an agent again."""
        pause = min(_FIRST_LOOK * 2 ** min(handed.failures, 20), _LONGEST_LOOK)
        if handed.state == WAITING and handed.failures < _LOOKS:
            return Outcome(WAITING, "", pause)
        return Outcome(FAILING, "the vault does not have the credential yet", pause)

    def _failing(self, handed: HandedOver, text: str) -> Outcome:
        pause = min(_FIRST_PAUSE * 2 ** min(handed.failures, 20), _LONGEST_PAUSE)
        return Outcome(FAILING, text, pause)

    def _write(self, handed: HandedOver, outcome: Outcome | None) -> None:
        """Write down how it ended, where the claim still holds; None gives the row back as it was."""
        mine = HandedOver.objects.filter(pk=handed.pk, claim=handed.claim)
        free = {"claim": None, "claimed_until": None}
        if outcome is not None:
            now = self._now()
            has_failed = outcome.state in (WAITING, FAILING, REFUSED, REVOKED)
            # Not over what the user did meanwhile: a new credential is due, and one that was withdrawn stays so.
            if mine.exclude(state=WITHDRAWN).filter(next_sync=handed.next_sync).update(
                state=outcome.state,
                # It was not there yet, which is no sync.
                last_sync=handed.last_sync if outcome.state == WAITING else now,
                last_result=outcome.text,
                next_sync=None if outcome.pause is None else now + outcome.pause,
                failures=handed.failures + 1 if has_failed else 0,
                **free,
            ):
                logger.info("%s %s: %s", handed.service, handed.pk, outcome.state)
                return
        mine.update(**free)
