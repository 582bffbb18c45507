"""How often something may be tried: at once, and again with time. Pure: keys and the time go in.

An allowance is a bucket of tokens, kept as one number: when it will be full again. What is full
need not be kept. What is kept is bounded: of many keys, those that were used longest ago are forgotten.
"""

from __future__ import annotations

from math import ceil
from threading import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Wanted = Sequence[tuple[bytes, "Rule"]]

KEPT_MAX = 131_072
"""Keys that are kept at most: 15 MB."""


class Rule:
    """At most *most* at once; used up, it is whole again after *period_seconds*.

    Raises: ValueError: not above 0.
    """

    __slots__ = ("most", "period_seconds")

    def __init__(self, most: int, period_seconds: float) -> None:
        if most < 1 or period_seconds <= 0:
            raise ValueError("a limit is a number of attempts and the seconds until they are there again")
        self.most = most
        self.period_seconds = period_seconds

    @property
    def step(self) -> float:
        """Seconds until one more is there."""
        return self.period_seconds / self.most

    def times(self, factor: int) -> Rule:
        """As often and *factor* times."""
        return Rule(self.most * factor, self.period_seconds)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rule) and (self.most, self.period_seconds) == (other.most, other.period_seconds)

    __hash__ = None  # type: ignore[assignment]  # compared by tests alone

    def __repr__(self) -> str:
        return f"Rule({self.most}, {self.period_seconds})"


class Allowances:
    """What is left for each key, in this process.

    Args:
        kept_max: keys that are kept.
    """

    __slots__ = ("_half", "_mutex", "_newer", "_older")

    def __init__(self, kept_max: int = KEPT_MAX) -> None:
        self._half = kept_max // 2
        self._mutex = Lock()
        # Key -> when it is full again. Once the newer half is full, it becomes the older one, and that is dropped.
        self._newer: dict[bytes, float] = {}
        self._older: dict[bytes, float] = {}

    def take(self, wanted: Wanted, now: float) -> int:
        """One from each allowance, or nothing from any.

        Args:
            now: of a clock that does not go back.

        Returns: 0; or the whole seconds until all of them have one.
        """
        with self._mutex:
            if seconds := self._lacking(wanted, now):
                return seconds
            for key, rule in wanted:
                self._keep(key, self._full_at(key, now) + rule.step)
        return 0

    def lacking(self, wanted: Wanted, now: float) -> int:
        """What `take` would return, and nothing is taken."""
        with self._mutex:
            return self._lacking(wanted, now)

    def give_back(self, wanted: Wanted, now: float, share: float = 1.0) -> None:
        """Undo `take`, or a *share* (0..1) of it."""
        with self._mutex:
            for key, rule in wanted:
                full_at = self._full_at(key, now) - rule.step * share
                if full_at <= now:
                    self._newer.pop(key, None)
                    self._older.pop(key, None)
                else:
                    self._keep(key, full_at)

    def remember(self, key: bytes, until: float) -> None:
        """Keep *key* until the time *until*, or until many others came."""
        with self._mutex:
            self._keep(key, until)

    def remembers(self, key: bytes, now: float) -> bool:
        """Whether *key* is kept."""
        with self._mutex:
            return self._full_at(key, now) > now

    def __len__(self) -> int:
        with self._mutex:
            return len(self._newer.keys() | self._older.keys())

    def _lacking(self, wanted: Wanted, now: float) -> int:
        until = 0.0
        for key, rule in wanted:
            until = max(until, self._full_at(key, now) - now - rule.period_seconds + rule.step)
        # A share of a step that rounding has made is no reason to wait.
        return max(1, ceil(until)) if until > 1e-6 else 0

    def _full_at(self, key: bytes, now: float) -> float:
        found = self._newer.get(key)
        if found is None:
            found = self._older.pop(key, now)
            if found > now:
                # In use, if only by somebody who is refused: not to be forgotten for what others bring.
                self._keep(key, found)
        return max(found, now)

    def _keep(self, key: bytes, full_at: float) -> None:
        if len(self._newer) >= self._half and key not in self._newer:
            self._older, self._newer = self._newer, {}
        self._newer[key] = full_at
