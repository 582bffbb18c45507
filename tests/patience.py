"""What tests that meet a clock have in common: a busy machine may delay any thread for seconds, and no verdict changes.

A test waits for what it waits for, and not for a time; what takes a time is measured until
one measurement was not disturbed. A defect spoils every measurement, a busy machine only some.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Much longer than anything takes here: a machine that tests may be slow, and busy with something else.
PATIENCE_SECONDS = 60.0


def wait_for(condition: Callable[[], object], what: str = "it", *, every_seconds: float = 0.005) -> None:
    """Return when *condition* holds; fail when it does not within `PATIENCE_SECONDS`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(every_seconds)


def undisturbed(measure: Callable[[], T], is_good: Callable[[T], bool], *, attempts: int = 12) -> T:
    """Measure until the figure is good, at most so many times; the last figure."""
    found = measure()
    for _ in range(attempts - 1):
        if is_good(found):
            break
        found = measure()
    assert is_good(found), found
    return found


def next_second() -> None:
    """Return in a later second than that of the call, for what is kept in whole seconds."""
    now = int(time.time())
    while int(time.time()) <= now:
        time.sleep(1.002 - time.time() % 1)
