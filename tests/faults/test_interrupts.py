"""A Ctrl-C at every step of a call, which the program catches to go on with the same open vault.

What was acknowledged is committed. What raised is there whole or not at all. Nobody else waits for ever, and
nothing that lies there looks like an attack. STRONGROOM_FAULTS_WHOLE=1 takes every step; a run takes some of them.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType

import pytest

import strongroom
from strongroom.errors import VaultLocked
from strongroom.keys.slots.key_file import KeyFileCredential, new_key_file
from strongroom.stores import block
from strongroom.stores.memory import MemoryStore
from strongroom.vault.change import ChangeContext
from strongroom.vault.opening import create_vault, open_vault
from strongroom.vault.vault import Vault
from tests.faults.interrupting import Interrupted, at_calls, at_lines
from tests.patience import PATIENCE_SECONDS
from tests.postgres_cluster import Role

IS_WHOLE = os.environ.get("STRONGROOM_FAULTS_WHOLE") == "1"
ITEMS = ("one", "two", "three")


class Subject:
    """A vault that is open, and whatever else can open it."""

    def __init__(self, place: str, key_file: Path) -> None:
        self.place = place
        self.key_file = key_file
        self.vault = strongroom.create(place, key_file=str(key_file))

    def fresh(self) -> Vault:
        """The vault as another program opens it, with what this machine remembers of it."""
        return strongroom.open(self.place, key_file=str(self.key_file), use_agent=False)

    def reopen(self) -> None:
        """Lock it, and open it again."""
        self.vault.lock()
        self.vault = self.fresh()


class InMemory(Subject):
    """The same for rows that no other program sees."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.credential: KeyFileCredential = new_key_file()
        self.vault = create_vault(self.store, [self.credential], author="first")

    def fresh(self) -> Vault:
        """See `Subject.fresh`."""
        return open_vault(MemoryStore(self.store), self.credential, author="fresh")


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    tmp_path.chmod(0o700)
    if request.param == "memory":
        found: Subject = InMemory()
    elif request.param == "sqlite":
        found = Subject(str(tmp_path / "vault.db"), tmp_path / "key")
    else:
        role: Role = request.getfixturevalue("postgres_schema")
        found = Subject(role.vault_url, tmp_path / "key")
    for name in ITEMS:
        found.vault.set(name, {"x": "0"})
    found.vault.set("other", {"x": "0"})
    yield found
    found.vault.lock()


def write_one(vault: Vault, value: str) -> None:
    vault.set("one", {"x": value})


def write_in_transaction(vault: Vault, value: str) -> None:
    with vault.transaction():
        for name in ITEMS:
            vault.set(name, {"x": value})


def write_in_stack(vault: Vault, value: str) -> None:
    with ExitStack() as stack:
        stack.enter_context(vault.transaction())
        for name in ITEMS:
            vault.set(name, {"x": value})


def write_many(vault: Vault, value: str) -> None:
    vault.set_many({name: {"x": value} for name in ITEMS})


def patch_after_looking(vault: Vault, value: str) -> None:
    """Reads come between, of what is remembered and of what is not."""
    vault.history("one")
    vault.get("two")
    vault.list()
    vault.patch("one", {"x": value})


def rotate(vault: Vault, value: str) -> None:
    vault.set("one", {"x": value})
    vault.rotate()


def rotate_root(vault: Vault, value: str) -> None:
    vault.set("one", {"x": value})
    vault.rotate(root=True)


# name: (what is interrupted, which of the items it writes, how many steps lie between two that are tried at first)
CASES: dict[str, tuple[Callable[[Vault, str], None], tuple[str, ...], int]] = {
    "set": (write_one, ("one",), 17),
    "transaction": (write_in_transaction, ITEMS, 37),
    "exit stack": (write_in_stack, ITEMS, 39),
    "set_many": (write_many, ITEMS, 41),
    "patch": (patch_after_looking, ("one",), 43),
    "rotate": (rotate, ("one",), 397),
    "rotate root": (rotate_root, ("one",), 601),
}


@pytest.mark.parametrize("interrupted", [at_lines, at_calls])
@pytest.mark.parametrize("name", CASES)
def test_what_is_interrupted_is_whole_and_in_nobodys_way(
    subject: Subject, name: str, interrupted: Callable[[int, Callable[[], object]], bool]
) -> None:
    """Then the same vault, another thread and another program write and read as if nothing had been."""
    act, items, every = CASES[name]
    number, seen = 1, "0"
    while True:
        value = str(number)
        is_over = not interrupted(number, lambda value=value: act(subject.vault, value))  # type: ignore[misc]
        seen = _check(subject, items, value, (value,) if is_over else (seen, value), f"step {number}")
        if is_over:
            break
        if act in (rotate, rotate_root):
            # So many unfinished ones are refused.
            subject.vault.rotate()
        number += max(1, every // 40) if IS_WHOLE else every + number // (16 if act is write_one else 3)
    assert number > every
    with subject.fresh() as fresh:
        fresh.verify()


def _check(subject: Subject, items: tuple[str, ...], value: str, allowed: tuple[str, ...], step: str) -> str:
    """Hold everything against the rule. Returns: what is there now."""
    is_acknowledged = _try(lambda: subject.vault.set("other", {"x": value}))
    _write_elsewhere(subject, value, step)
    with subject.fresh() as fresh:
        if is_acknowledged:
            assert fresh.get("other", "x").reveal() == value, step
        found = {fresh.get(name, "x").reveal() for name in items}
        assert len(found) == 1, (step, found)
        assert found <= set(allowed), (step, found, allowed)
        fresh.set("fresh", {"x": value})
    if not is_acknowledged:
        # Allowed after a new root key alone, which this program may have made without knowing that it did.
        with pytest.raises(VaultLocked):
            subject.vault.get("one")
        subject.reopen()
    assert {subject.vault.get(name, "x").reveal() for name in items} == found, step
    assert subject.vault.get("fresh", "x").reveal() == value, step
    return found.pop()


def _try(call: Callable[[], object]) -> bool:
    """Whether it says yes; what it raises is of ours, and no sign of an attack."""
    with suppress(VaultLocked):
        call()
        return True
    return False


def _write_elsewhere(subject: Subject, value: str, step: str) -> None:
    """Another thread gets its turn."""
    outcome: list[bool] = []
    thread = threading.Thread(
        target=lambda: outcome.append(_try(lambda: subject.vault.set("thread", {"x": value}))), daemon=True
    )
    thread.start()
    thread.join(PATIENCE_SECONDS)
    assert outcome, (step, "another thread waits for ever")


def _interrupt_the_end(vault: Vault) -> Interrupted:
    """A transaction whose end is interrupted before its first line. Returns: what was raised, with its traceback."""

    def at_the_end(frame: FrameType, _event: str, _arg: object) -> None:
        if frame.f_code is block._leave.__code__:
            ended = frame.f_locals["block"]
            if isinstance(ended, ChangeContext) and ended.is_outermost:
                sys.settrace(None)
                raise Interrupted

    before = sys.gettrace()
    sys.settrace(at_the_end)
    try:
        with vault.transaction():
            vault.set("one", {"x": "lost"})
    except Interrupted as error:
        return error
    finally:
        sys.settrace(before)
    raise AssertionError("nobody was interrupted")


def test_before_the_first_line_of_the_end_and_somebody_keeps_the_exception(subject: Subject) -> None:
    """As an interactive Python does: its traceback holds the frame of what was interrupted."""
    kept = _interrupt_the_end(subject.vault)
    assert kept.__traceback__ is not None
    subject.vault.set("other", {"x": "said"})
    _write_elsewhere(subject, "1", "kept")
    with subject.fresh() as fresh:
        assert fresh.get("other", "x").reveal() == "said"
        assert fresh.get("one", "x").reveal() == "0"
        fresh.verify()


def test_the_rule_is_seen_to_be_broken(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what undoes a block that is lost, the next write says yes and is not there."""
    monkeypatch.setattr(block.Block, "lost", lambda _block, _end: None)
    _interrupt_the_end(subject.vault)
    subject.vault.set("other", {"x": "said"})
    assert subject.vault._core.change is not None
    if not isinstance(subject, InMemory):
        # There are the locks of a writer to wait for, and no others.
        with subject.fresh() as fresh:
            assert fresh.get("other", "x").reveal() == "0"


def test_a_block_that_another_thread_leaves_says_no_and_is_undone(subject: Subject) -> None:
    """As a generator does that another thread goes on with, or collects; what comes next does not join it."""

    def half() -> Iterator[None]:
        with subject.vault.transaction():
            subject.vault.set("one", {"x": "lost"})
            yield

    begun = half()
    next(begun)
    raised: list[BaseException] = []

    def go_on() -> None:
        try:
            next(begun, None)
        except RuntimeError as error:
            raised.append(error)

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    assert [str(error)[:20] for error in raised] == ["nothing was written:"]
    assert subject.vault.get("one", "x").reveal() == "0"
    subject.vault.set("other", {"x": "said"})
    _write_elsewhere(subject, "1", "left elsewhere")
    with subject.fresh() as fresh:
        assert fresh.get("other", "x").reveal() == "said"
        assert fresh.get("one", "x").reveal() == "0"
        fresh.verify()


@pytest.mark.parametrize("interrupted", [at_lines, at_calls])
def test_a_vault_that_is_locked_right_afterwards_has_not_gone_back(
    subject: Subject, interrupted: Callable[[int, Callable[[], object]], bool]
) -> None:
    """What this machine remembers of a vault is never ahead of what was committed."""
    number = 1
    while interrupted(number, lambda: write_one(subject.vault, "1")):
        subject.reopen()
        number += 1 if IS_WHOLE else 29 + number // 6
    assert number > 29
    with subject.fresh() as fresh:
        fresh.verify()


@pytest.mark.parametrize("steps", range(5))
def test_an_asynchronous_call_that_is_cancelled(subject: Subject, steps: int) -> None:
    """At each time that the event loop comes round: it is done whole or not at all, and in nobody's way."""

    async def scene() -> None:
        task = asyncio.create_task(subject.vault.aset_many({name: {"x": "cancelled"} for name in ITEMS}))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await subject.vault.aset("other", {"x": "said"})

    asyncio.run(scene())
    with subject.fresh() as fresh:
        assert fresh.get("other", "x").reveal() == "said"
        assert len({fresh.get(name, "x").reveal() for name in ITEMS}) == 1
        fresh.verify()
