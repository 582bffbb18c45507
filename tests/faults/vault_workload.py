"""Does the steps of one scenario, and says what came of each; killed, broken or cut meanwhile.

    vault_workload.py SCENARIO DIRECTORY [PLANTED FAULT ...]

Each outcome is said on stdout with ``writev``, because the calls that reach the disk are
``write`` and ``pwrite64``: those are counted.
"""

from __future__ import annotations

import os
import resource
import sys
from errno import EMFILE

import strongroom
from strongroom.doors.cli import editing, importing, output, running
from strongroom.errors import OutcomeUnknown, StrongroomError
from strongroom.vault import change as changes
from strongroom.vault import rotation, slots
from strongroom.vault.vault import Vault
from tests.faults.vault_place import Place
from tests.faults.vault_steps import SCENARIOS, Step


def say(*words: object) -> None:
    os.writev(1, [" ".join(map(str, words)).encode() + b"\n"])


class Refused(StrongroomError):
    """A command ended with another exit code than 0."""


class Worker:
    """The hands that do the steps."""

    def __init__(self, place: Place, planted: list[str]) -> None:
        self.place = place
        self.planted = planted
        self._vault: Vault | None = None

    @property
    def vault(self) -> Vault:
        if self._vault is None:
            self._vault = strongroom.open(self.place.vault, key_file=self.place.first)
            # A small log, so that it is emptied into the file while the steps are done.
            self._vault._core.store._session.connection.execute("PRAGMA wal_autocheckpoint = 6").fetchone()
        return self._vault

    def command(self, *words: str, stdin: str = "", vault: str = "", key_file: str = "") -> None:
        given, end = os.pipe()
        os.writev(end, [stdin.encode()]) if stdin else None
        os.close(end)
        os.dup2(given, 0)
        os.close(given)
        options = ["--vault", vault or self.place.vault, "--key-file", key_file or self.place.first]
        code = running.run([*words, *options])
        if code == 11:
            raise OutcomeUnknown("a command")
        if code == 1:
            raise RuntimeError(f"{words[0]} ended with exit code 1")
        if code:
            raise Refused(f"exit code {code}")

    def do(self, step: Step) -> None:
        try:
            if "early-answer" in self.planted:
                say("done", step.name)
            step.act(self)
            say("done", step.name)
            if self._vault is not None:
                # What was acknowledged; known without asking the store.
                say("counter", self._vault._core.ledger.seen.counter)
        except OutcomeUnknown:
            say("unknown", step.name)
        except StrongroomError as error:
            say("refused", step.name)
            say("because", error)
        except OSError as error:
            # A module that was wanted late could not be read. The command line says what it is (15).
            if error.errno != EMFILE:
                raise
            say("unknown", step.name)

    def leave(self) -> None:
        if self._vault is None:
            return
        try:
            self._vault.lock()
            say("left")
        except StrongroomError as error:
            say("because", error)


def plant(faults: list[str]) -> None:
    """Break the vault in a known way; the tests must then find it."""
    from strongroom.locate import counter_file
    from strongroom.stores import durable, files, sqlite_copies, sqlite_file

    if "no-sync" in faults:
        sqlite_file._SETTINGS = (*sqlite_file._SETTINGS, "synchronous = OFF")
    if "no-directory-sync" in faults:
        durable.sync_dir = files.sync_dir = lambda _path: None
    if "half-batch" in faults:
        Vault.set_many = lambda self, items: [self.set(path, fields) for path, fields in items.items()]
    if "stranger-first" in faults:
        slots.change_slot = _change_twice(slots.change_slot)
    if "keys-first" in faults:
        rotation.begin = _finish_at_once(rotation.begin)
    if "anchor-first" in faults:
        changes.ChangeContext._seal = _with_anchor(changes.ChangeContext._seal)
    if "no-counter" in faults:
        counter_file.CounterFile.raise_to = lambda *_given: None
    if "in-place" in faults:
        sqlite_copies._replace = _write_over
    if "file-first" in faults:
        importing.Comparison.store = _remove_first(importing.Comparison.store)
    if "untidy" in faults:
        editing.MemoryFile.__exit__ = lambda *_exc: None


def _change_twice(change_slot):
    def change(core, slot_id, credential):
        from strongroom.keys.slots.key_file import new_key_file

        change_slot(core, slot_id, new_key_file())
        return change_slot(core, slot_id, credential)

    return change


def _finish_at_once(begin):
    def begin_and_finish(core, **options):
        begin(core, **options)
        rotation._has_leftovers = lambda _core, _rows: False
        rotation.finish(core)

    return begin_and_finish


def _with_anchor(seal):
    def seal_and_anchor(self, change):
        seal(self, change)
        if self._core.anchor is not None:
            self._core.anchor.settle(change.state.counter + 1, self._core.keys.header)

    return seal_and_anchor


def _remove_first(store):
    def remove_and_store(self, vault):
        for name in ("wiped.env", "replaced.env"):
            os.truncate(f"{os.path.dirname(vault.location)}/{name}", 0)
        return store(self, vault)

    return remove_and_store


def _write_over(temporary, target, _aside):
    with open(temporary, "rb") as source:
        content = source.read()
    descriptor = os.open(target, os.O_WRONLY | os.O_TRUNC)
    for start in range(0, len(content), 4096):
        os.pwrite(descriptor, content[start : start + 4096], start)
    os.close(descriptor)


def _listen(_descriptor, data) -> None:
    if b"no anchor can be kept" in bytes(data):
        say("without anchor")


def main() -> None:
    scenario, directory, *planted = sys.argv[1:]
    place = Place(directory)
    os.environ["XDG_STATE_HOME"] = f"{directory}/state"
    os.environ["EDITOR"] = f"/bin/cp {directory}/edited.json"
    # What commands print would be counted among the calls that reach the disk.
    output._write = _listen
    # Memory of this test's own, so that what is left behind there can be seen.
    editing.memory_directory = lambda: place.memory
    plant(planted)
    for fault in planted:
        if fault.startswith("descriptors="):
            number = int(fault.partition("=")[2])
            resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))
    worker = Worker(place, planted)
    for step in SCENARIOS[scenario]:
        worker.do(step)
    worker.leave()


if __name__ == "__main__":
    try:
        main()
    except BaseException as error:
        say("foreign", type(error).__name__, error)
        raise
