"""A plugin for pytest: one collection of the tests, then a forked child for each mutant.

STRONGROOM_MUTANTS names a file of JSON: where to write the outcome, and which mutants to try.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NoReturn

import pytest

CPU_SECONDS_FOR_ONE = 5.0
"""Of tests for one mutant, the fastest first; those that would take longer are left out."""
TIMES_AS_SLOW = 10
WALL_SECONDS = 300
MEMORY_BYTES = 6 << 30
SURVIVED, KILLED, TIMED_OUT, UNTESTED, UNFIT = "survived", "killed", "timed out", "untested", "unfit"
_EXITS = {0: SURVIVED, 1: KILLED, 3: UNFIT}


def pytest_configure(config: pytest.Config) -> None:
    """Called by pytest."""
    config.pluginmanager.register(_Mutants(json.loads(Path(os.environ["STRONGROOM_MUTANTS"]).read_text())))


class _Mutants:
    def __init__(self, order: dict[str, Any]) -> None:
        self.names: list[str] = order["mutants"]
        self.outcome = Path(order["outcome"])
        self.jobs: int = order["jobs"]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In the place of pytest's own loop."""
        if session.testsfailed:
            raise session.Interrupted("the tests cannot be collected")
        import mutant_switch

        began = time.monotonic()
        covering = _covering(session, mutant_switch.functions())
        _say(f"{len(session.items)} tests, {time.monotonic() - began:.0f} s; {len(self.names)} mutants")
        with self.outcome.open("w", encoding="utf-8") as file:
            for name, outcome, seconds in self._outcomes(session, covering):
                file.write(json.dumps([name, outcome, round(seconds, 2)]) + "\n")
                file.flush()
        return True

    def _outcomes(
        self, session: pytest.Session, covering: dict[str, list[tuple[float, int]]]
    ) -> Iterator[tuple[str, str, float]]:
        running: dict[int, _Child] = {}
        gc.freeze()  # so that no child copies what all share
        # Short ones first: where a run is cut off, most of it is known.
        waiting = sorted(self.names, key=lambda name: sum(cost for cost, _ in covering.get(name, [])), reverse=True)
        done = 0
        while waiting or running:
            while waiting and len(running) < self.jobs:
                name = waiting.pop()
                if name not in covering:
                    yield name, UNTESTED, 0.0
                    continue
                child = _Child(session, name, covering[name])
                running[child.pid] = child
            for child in [one for one in running.values() if one.ended()]:
                del running[child.pid]
                yield child.name, child.outcome, child.seconds
                done += 1
                if done % 200 == 0:
                    _say(f"{done} of {len(self.names)}")
            if running:
                time.sleep(0.002)


class _Child:
    """A process in which one mutant is on, and its tests run until the first that fails."""

    def __init__(self, session: pytest.Session, name: str, tests: list[tuple[float, int]]) -> None:
        self.name = name
        self.outcome = ""
        self.seconds = 0.0
        self._began = time.monotonic()
        self._place = tempfile.mkdtemp(prefix="mutant-")
        self._cpu = max(20, round(sum(cost for cost, _ in tests) * TIMES_AS_SLOW))
        self.pid = os.fork()
        if not self.pid:
            self._run(session, [session.items[index] for _, index in tests])

    def _run(self, session: pytest.Session, items: list[pytest.Item]) -> NoReturn:
        status = 1
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (self._cpu, self._cpu))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
            os.environ["PYTEST_DEBUG_TEMPROOT"] = os.environ["TMPDIR"] = tempfile.tempdir = self._place
            nothing = os.open(os.devnull, os.O_RDWR)
            os.dup2(nothing, 1)
            os.dup2(nothing, 2)
            status = _try(session, self.name, items)
        finally:
            os._exit(status)

    def ended(self) -> bool:
        """Whether it is over; then `outcome` says how."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        self.seconds = time.monotonic() - self._began
        if not pid and self.seconds < WALL_SECONDS:
            return False
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # nothing of it is left
        if not pid:
            os.waitpid(self.pid, 0)
            self.outcome = TIMED_OUT
        elif os.WIFSIGNALED(status):
            self.outcome = TIMED_OUT if os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL) else KILLED
        else:
            self.outcome = _EXITS.get(os.WEXITSTATUS(status), KILLED)
        shutil.rmtree(self._place, ignore_errors=True)
        return True


def _try(session: pytest.Session, name: str, items: list[pytest.Item]) -> int:
    import mutant_switch

    try:
        mutant_switch.switch_on(name)
    except mutant_switch.UnfitMutant:
        return 3
    for item, after in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        if session.testsfailed:
            return 1
    return 0


def _covering(session: pytest.Session, functions: dict[CodeType, list[str]]) -> dict[str, list[tuple[float, int]]]:
    """Run all tests once, unchanged, in a child; for each mutant, its tests with what they cost, fastest first."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reader)
        status = 1
        try:
            found = _Covered(session, functions).run()
            with os.fdopen(writer, "w", encoding="utf-8") as file:
                json.dump(found, file)
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as file:
        told = file.read()
    if os.waitpid(pid, 0)[1] or not told:
        raise session.Failed("the tests fail before anything was changed")
    covering: dict[str, list[tuple[float, int]]] = {}
    for index, (cost, names) in enumerate(json.loads(told)):
        for name in names:
            covering.setdefault(name, []).append((cost, index))
    return {name: _affordable(sorted(tests)) for name, tests in covering.items()}


def _affordable(tests: list[tuple[float, int]]) -> list[tuple[float, int]]:
    spent = 0.0
    chosen: list[tuple[float, int]] = []
    for cost, index in tests:
        spent += cost
        if chosen and spent > CPU_SECONDS_FOR_ONE:
            break
        chosen.append((cost, index))
    return chosen


class _Covered:
    """What each test calls. What a fixture of a wider scope calls is ascribed to each test that names it."""

    def __init__(self, session: pytest.Session, functions: dict[CodeType, list[str]]) -> None:
        self.session = session
        self.functions = functions
        self.hits: set[CodeType] = set()
        self.by_fixture: dict[int, set[CodeType]] = {}
        session.config.pluginmanager.register(self)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Generator[None, object, object]:
        """Called by pytest."""
        if fixturedef.scope == "function":
            return (yield)
        outer, self.hits = self.hits, set()
        try:
            return (yield)
        finally:
            self.by_fixture.setdefault(id(fixturedef), set()).update(self.hits)
            self.hits |= outer

    def run(self) -> list[tuple[float, list[str]]]:
        """For each test, in order: the CPU seconds it took, and the mutants it may find."""
        taken: list[tuple[float, set[CodeType]]] = []
        items = self.session.items
        self._watch(self._called)
        for item, after in zip(items, [*items[1:], None], strict=True):
            self.hits = set()
            began = time.process_time()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            taken.append((time.process_time() - began, self.hits))
            if self.session.testsfailed:
                _say(f"failed: {item.nodeid}")
                os._exit(1)
        self._watch(None)
        found = []
        for item, (cost, hits) in zip(items, taken, strict=True):
            for definitions in item._fixtureinfo.name2fixturedefs.values():  # type: ignore[attr-defined]
                for definition in definitions:
                    hits |= self.by_fixture.get(id(definition), set())
            found.append((round(cost, 4), [name for code in hits for name in self.functions[code]]))
        return found

    def _watch(self, function: Callable[[FrameType, str, Any], None] | None) -> None:
        threading.setprofile(function)
        sys.setprofile(function)

    def _called(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code in self.functions:
            self.hits.add(frame.f_code)


def _say(text: str) -> None:
    os.write(int(os.environ["STRONGROOM_MUTANTS_SAY"]), f"mutants: {text}\n".encode())
