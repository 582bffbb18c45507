"""Whoever prints a traceback with the locals of every frame finds no secret, wherever it was that something failed.

An error is planted at every call of a function of ours in turn, as a bug or a failing machine would
raise it there; then all frames are looked at as cgitb, rich or a crash reporter does.
"""

from __future__ import annotations

import io
import logging
import os
import pprint
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import pytest

import strongroom
from strongroom.errors import StrongroomError, Tampered, WrongKey
from strongroom.keys.slots.key_file import new_key_file
from strongroom.secret import SecretStr
from strongroom.stores.schema import VERSIONS
from strongroom.vault.vault import Vault
from tests.agents import PASSPHRASE, make_vault
from tests.faults.test_agent_memory import needles_of
from tests.faults.vault_trials import IS_WHOLE

VALUES = {"value": b"canary-7f3a", "new value": b"canary-new-5a5a"}
# Every n-th call, in a run that does not take all.
STRIDE = 1 if IS_WHOLE else 7
# What tidies up is not where an error begins; ways out of a block would leave a mutex held.
TIDYING = {"__exit__", "__del__", "wipe", "discard", "close", "lock"}
HERE = os.sep + "strongroom" + os.sep


class Planted(Exception):
    """The error that is planted."""


class Planter:
    """Raises `Planted` at the entry of the n-th function of ours."""

    def __init__(self, number: int) -> None:
        self._left = number

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and HERE in frame.f_code.co_filename and frame.f_code.co_name not in TIDYING:
            self._left -= 1
            if not self._left:
                sys.settrace(None)
                raise Planted("planted")


def frames(error: BaseException | None) -> Iterator[tuple[str, dict[str, object]]]:
    """The locals of every frame of ours, of an error and what led to it; without the function that never began."""
    while error is not None:
        step = error.__traceback__
        while step is not None:
            last = step.tb_next is None or step.tb_next.tb_next is None
            if HERE in step.tb_frame.f_code.co_filename and not (last and isinstance(error, Planted)):
                yield step.tb_frame.f_code.co_qualname, step.tb_frame.f_locals
            step = step.tb_next
        error = error.__cause__ or error.__context__


def shown(value: object, depth: int = 2) -> str:
    """What a crash reporter prints of a value: its repr, and that of what it holds."""
    try:
        text = repr(value)
    except Exception:
        text = type(value).__name__  # half made
    if depth and isinstance(value, list | tuple | set):
        text += "".join(shown(part, depth - 1) for part in value)
    elif depth and isinstance(value, dict):
        text += "".join(shown(part, depth - 1) for part in (*value, *value.values()))
    return text


def leaks(error: BaseException, needles: dict[str, bytes]) -> list[str]:
    """Which secret stands in which local."""
    found = []
    for where, names in frames(error):
        for name, value in names.items():
            text = shown(value)
            for what, needle in needles.items():
                if repr(needle)[2:-1] in text or needle.hex() in text:
                    found.append(f"{what} in {name} of {where}")
    message = f"{error!r} {error}"
    return found + [f"{what} in the message" for what, needle in needles.items() if repr(needle)[2:-1] in message]


class Machine:
    """A vault, and what must not be shown of it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        make_vault(directory)
        self.needles = needles_of(directory) | VALUES

    def open(self) -> Vault:
        vault = strongroom.open(self.directory / "vault.db", key_file=self.directory / "key", use_agent=False)
        assert isinstance(vault, Vault)
        return vault

    def open_with_phrase(self) -> None:
        phrase = SecretStr(PASSPHRASE.decode())
        strongroom.open(self.directory / "vault.db", passphrase=phrase, use_agent=False).lock()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@contextmanager
def planted(number: int) -> Iterator[None]:
    before = sys.gettrace()  # a measurement of coverage, for one
    sys.settrace(Planter(number))
    try:
        yield
    finally:
        sys.settrace(before)


NEW = {"password": SecretStr(VALUES["new value"].decode())}
OPERATIONS: dict[str, Callable[[Vault], object]] = {
    "get": lambda vault: vault.get("bank/checking"),
    "get a field": lambda vault: vault.get("bank/checking", "password"),
    "set": lambda vault: vault.set("bank/new", NEW),
    "patch": lambda vault: vault.patch("bank/checking", NEW),
    "set many": lambda vault: vault.set_many({"a": NEW, "b": NEW}),
    "restore": lambda vault: vault.restore("bank/checking", 1),
    "verify": lambda vault: vault.verify(),
    "rotate": lambda vault: vault.rotate(root=True),
    "add a slot": lambda vault: vault.add_slot(new_key_file()),
    "backup": lambda vault: vault.backup(f"{vault.location}.copy"),
}


def attempts(machine: Machine, act: Callable[[Vault], object] | None) -> Iterator[BaseException]:
    """Every error of an operation at whose n-th call something fails; of opening when *act* is None."""
    number = 1
    while number < 2_000:
        vault = None
        try:
            if act is None:
                with planted(number):
                    machine.open().lock()
                    machine.open_with_phrase()
                return
            vault = machine.open()
            with planted(number):
                act(vault)
            vault.lock()
            return
        except Exception as error:
            yield error
            # What the frames hold open, a transaction for one, would keep the next attempt waiting.
            traceback.clear_frames(error.__traceback__)
        if vault is not None:
            with suppress(Exception):
                vault.lock()
        number += STRIDE


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", ["open", *OPERATIONS])
def test_an_error_at_every_call(tmp_path: Path, name: str) -> None:
    """No key, no passphrase and no value is in the locals of any frame."""
    found, errors = set(), 0
    directory = tmp_path / "vault"
    directory.mkdir()
    machine = Machine(directory)
    for error in attempts(machine, OPERATIONS.get(name)):
        errors += 1
        found.update(leaks(error, machine.needles))
    assert errors >= 10
    assert found == set()


def test_the_detector_sees(machine: Machine) -> None:
    """A frame of ours that holds a key where it can be seen."""
    code = compile("def careless(key):\n    kept = [bytes(key)]\n    raise ValueError(kept and 'x')\n",
                   f"x{HERE}careless.py", "exec")  # fmt: skip
    names: dict[str, Callable[[bytes], None]] = {}
    exec(code, names)
    with pytest.raises(ValueError) as caught:
        names["careless"](machine.needles["root key, half 0"])
    found = leaks(caught.value, machine.needles)
    assert "root key, half 0 in kept of careless" in found
    with pytest.raises(ValueError) as caught:
        raise ValueError(VALUES["value"].decode())
    assert leaks(caught.value, machine.needles) == ["value in the message"]


def test_errors_that_happen(machine: Machine) -> None:
    """A changed row, a wrong passphrase, an item that is too large, a value of no kind: as the library prints them."""
    with machine.open() as vault:
        with vault._core.store.writing() as rows:
            row = next(iter(rows.scan(VERSIONS)))
            rows.put(VERSIONS, (*row[:-1], row[-1][:-1] + b"\0"))
        big = {"password": NEW["password"], "more": SecretStr("x" * 17_000_000)}
        for expected, act in (
            (Tampered, lambda: vault.get("bank/checking")),
            (Tampered, vault.verify),
            (ValueError, lambda: vault.set("big", big)),
            (TypeError, lambda: vault.set("odd", {**NEW, "object": object()})),
            (WrongKey, lambda: strongroom.open(vault.location, passphrase=NEW["password"], use_agent=False)),
        ):
            with pytest.raises(expected) as caught:
                act()
            printed = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
            ours = [frame for frame in printed.stack if HERE in frame.filename]
            assert ours
            text = repr([frame.locals for frame in ours])
            for what, needle in machine.needles.items():
                assert repr(needle)[2:-1].replace("\\", "\\\\") not in text, (what, expected)
                assert repr(needle)[2:-1] not in text, (what, expected)


def test_logging_at_its_loudest(machine: Machine) -> None:
    """The root logger at DEBUG hears nothing, and what is handed to it is masked."""
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with machine.open() as vault:
            item = vault.get("bank/checking")
            vault.set("bank/new", NEW)
            vault.rotate()
            assert heard.getvalue() == ""
            for thing in (vault, item, item["password"], item.field("password"), NEW, vault._core, vault._core.keys):
                logging.debug("%s %r %s", thing, thing, pprint.pformat(thing))
            try:
                strongroom.open(vault.location, passphrase=NEW["password"], use_agent=False)
            except StrongroomError:
                logging.exception("it failed")
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    text = heard.getvalue()
    assert "hidden" in text
    needles = machine.needles.items()
    assert [what for what, needle in needles if repr(needle)[2:-1] in text or needle.hex() in text] == []


def test_a_thread_that_dies(machine: Machine) -> None:
    """`threading.excepthook` and `sys.excepthook` get errors that hold nothing either."""
    seen: list[BaseException] = []
    before = threading.excepthook
    threading.excepthook = lambda found: seen.append(found.exc_value or RuntimeError())
    try:
        with machine.open() as vault:
            thread = threading.Thread(target=lambda: vault.get("bank/checking", "absent"))
            thread.start()
            thread.join()
    finally:
        threading.excepthook = before
    assert len(seen) == 1
    assert leaks(seen[0], machine.needles) == []
