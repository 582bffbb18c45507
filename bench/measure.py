"""Measuring two things against each other fairly: in turns, in the same run, with the spread.

One round runs ours and then the peer's (every second round the other way round), so
that a busy moment of the machine hits both. The ratio is taken round by round; what
is shown is its median and, in brackets, its 10th and 90th percentile.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table.

    Attributes:
        ours, peer: the medians, in *unit*.
        ratio, low, high: ours divided by the peer's (median, p10, p90); the other way
            round for a goal of at least so many times faster.
        goal: the bound on *ratio*; None when there is none.
        at_least: whether the goal is a lower bound.
    """

    what: str
    against: str
    unit: str
    ours: float
    peer: float
    ratio: float
    low: float
    high: float
    goal: float | None
    at_least: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the median ratio keeps to the goal; True when there is none."""
        if self.goal is None:
            return True
        return self.ratio >= self.goal if self.at_least else self.ratio <= self.goal

    def as_json(self) -> dict[str, object]:
        """All of it, for programs."""
        return asdict(self) | {"met": self.is_met}


def percentile(values: list[float], share: float) -> float:
    """The value below which *share* (0..1) of the sorted values lie, interpolated."""
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    lower = int(position)
    upper = min(lower + 1, len(ordered) - 1)
    return ordered[lower] + (ordered[upper] - ordered[lower]) * (position - lower)


def seconds(work: Work, repeat: int) -> float:
    """How long one call of *work* takes, over *repeat* of them."""
    start = time.perf_counter()
    for _ in range(repeat):
        work()
    return (time.perf_counter() - start) / repeat


def compare(
    what: str,
    against: str,
    ours: Work,
    peer: Work,
    *,
    rounds: int,
    repeat: int = 1,
    peer_repeat: int | None = None,
    goal: float | None,
    at_least: bool = False,
) -> Result:
    """Time *ours* and *peer* in turns.

    Args:
        repeat: how often each is called within one round.
        peer_repeat: the same for the peer, when it is much slower.
    """
    ours_taken: list[float] = []
    peer_taken: list[float] = []
    peer_count = repeat if peer_repeat is None else peer_repeat
    seconds(ours, min(repeat, 3))
    seconds(peer, min(peer_count, 3))
    gc.collect()
    gc.disable()
    try:
        for index in range(rounds):
            if index % 2:
                peer_taken.append(seconds(peer, peer_count))
                ours_taken.append(seconds(ours, repeat))
            else:
                ours_taken.append(seconds(ours, repeat))
                peer_taken.append(seconds(peer, peer_count))
    finally:
        gc.enable()
    return result(what, against, ours_taken, peer_taken, goal=goal, at_least=at_least)


def result(
    what: str, against: str, ours: list[float], peer: list[float], *, goal: float | None, at_least: bool = False
) -> Result:
    """Make a table line of times in seconds, pair by pair."""
    pairs = zip(ours, peer, strict=True)
    ratios = [theirs / mine if at_least else mine / theirs for mine, theirs in pairs]
    largest = max(median(ours), median(peer))
    unit, scale = ("us", 1e6) if largest < 1e-3 else ("ms", 1e3)
    return Result(
        what, against, unit, median(ours) * scale, median(peer) * scale,
        median(ratios), percentile(ratios, 0.1), percentile(ratios, 0.9), goal, at_least,
    )  # fmt: skip
