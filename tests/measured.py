"""Which processes of their own are measured: to start one under coverage costs four times what the command does.

Measured are the command lines of `e2e` and `interop`: of each kind, which is its verb and its
options, the first of a few tests. The other rooms run the same commands, to look at something
else; agents are measured where they are what is tested.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

VARIABLE = "COVERAGE_PROCESS_CONFIG"
TESTS_OF_A_KIND = 5
_WITH_ACTIONS = {"agent", "audit", "ca", "deposit", "file", "grant", "hash", "key", "slot", "token"}

_kept: dict[str, str] = {}
_now: dict[str, str] = {}
_measured: Counter[tuple[str, ...]] = Counter()
_in_this_test: set[tuple[str, ...]] = set()


def begin_test(path: Path) -> None:
    """Have processes measured, or not, from the set-up of a test in the file *path* on."""
    _in_this_test.clear()
    if VARIABLE in os.environ:
        _kept[VARIABLE] = os.environ.pop(VARIABLE)
    _now.clear()
    if path.parent.name in ("e2e", "interop"):
        _now.update(_kept)
    if path.parent.name == "e2e" or path.name.startswith(("test_agent_", "test_review_agent")):
        os.environ.update(_kept)


def measuring(words: Sequence[str]) -> dict[str, str]:
    """The environment with which the command line *words* is measured; empty when enough of its kind were."""
    if words and _now:
        kind = _kind(words)
        if kind in _in_this_test or _measured[kind] >= TESTS_OF_A_KIND:
            return {}
        _in_this_test.add(kind)
        _measured[kind] += 1
    return dict(_now)


def _kind(words: Sequence[str]) -> tuple[str, ...]:
    before = words[: words.index("--")] if "--" in words else words
    verbs = before[: 2 if before[:1] and before[0] in _WITH_ACTIONS else 1]
    return (*verbs, *sorted(word.partition("=")[0] for word in before if word.startswith("-")))
