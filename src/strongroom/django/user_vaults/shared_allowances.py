"""The same limits over all processes of a site, counted in Django's cache where the settings name one.

A sliding window of two counters: how many in this period, and of those in the last one the share that still
counts. Caches that count in one step (memcached, Redis) count exactly; of others, attempts at the same moment
may count as one, and what each process counts by itself still bounds them. A cache that fails leaves that too.
"""

from __future__ import annotations

import logging
from math import ceil
from threading import Lock
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from strongroom.django.user_vaults.allowances import Rule, Wanted

_logger = logging.getLogger("strongroom.django")
# Counted in tenths of an attempt, as a part may be given back.
_ATTEMPT = 10
_SILENT_SECONDS = 60.0


class SharedAllowances:
    """What is left for each key, in a cache.

    Args:
        cache: one of Django's.
    """

    __slots__ = ("_cache", "_complained", "_mutex")

    def __init__(self, cache: Any) -> None:
        self._cache = cache
        self._mutex = Lock()
        self._complained = float("-inf")

    def take(self, wanted: Wanted, now: float) -> int:
        """One from each allowance, or nothing from any.

        Args:
            now: seconds since 1970, the same for all processes.

        Returns: 0; or the whole seconds until it is worth trying again.
        """
        try:
            taken: list[tuple[bytes, Rule]] = []
            for key, rule in wanted:
                taken.append((key, rule))
                if seconds := self._count(key, rule, now):
                    self._give_back(taken, now, 1.0)
                    return seconds
        except Exception:  # whatever library talks to the cache has errors of its own
            self._complain()
        return 0

    def give_back(self, wanted: Wanted, now: float, share: float = 1.0) -> None:
        """Undo `take` at the same *now*, or a *share* (0..1) of it."""
        try:
            self._give_back(wanted, now, share)
        except Exception:  # as above
            self._complain()

    def _count(self, key: bytes, rule: Rule, now: float) -> int:
        number, begun = divmod(now, rule.period_seconds)
        name, before = _name(key, number), _name(key, number - 1)
        # Kept for as long as it counts, in the next period too.
        self._cache.add(name, 0, timeout=ceil(2 * rule.period_seconds))
        current: int = self._cache.incr(name, _ATTEMPT)
        last: int = self._cache.get(before, 0)
        still_counts = 1 - begun / rule.period_seconds
        allowed = rule.most * _ATTEMPT
        if current + last * still_counts <= allowed + 1e-6:
            return 0
        if current > allowed:
            return max(1, ceil(rule.period_seconds - begun))
        return max(1, ceil((still_counts - (allowed - current) / last) * rule.period_seconds - 1e-6))

    def _give_back(self, wanted: Wanted, now: float, share: float) -> None:
        for key, rule in wanted:
            try:
                self._cache.decr(_name(key, now // rule.period_seconds), round(_ATTEMPT * share))
            except ValueError:  # the cache has dropped it: then nothing is counted
                continue

    def _complain(self) -> None:
        with self._mutex:
            if monotonic() < self._complained + _SILENT_SECONDS:
                return
            self._complained = monotonic()
        _logger.exception("the cache that counts log-ins fails; each process counts for itself")


def _name(key: bytes, number: float) -> str:
    return f"strongroom-{key.hex()}-{number:.0f}"
