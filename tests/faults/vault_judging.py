"""Whether a vault is what it was told to be, after a scenario of `vault_steps` was disturbed."""

from __future__ import annotations

import os
import re
from contextlib import closing

from strongroom.errors import NotFound, RolledBack, StrongroomError, Tampered, WrongKey
from strongroom.locate.anchor_record import sealed
from strongroom.locate.key_files import read_key_file
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault.opening import open_vault
from strongroom.vault.vault import Vault
from tests.faults.vault_place import KEYS, Place, fields
from tests.faults.vault_steps import SCENARIOS, Torn, is_restored, shows

_RANDOM = "[0-9a-f]{16}"
_DATABASE = r"(vault|backup|other|copy)\.db(\.before-[0-9TZ]+)?"
_OURS = re.compile(
    rf"{_DATABASE}(-wal|-shm|-journal)?|(first|second|third)\.key|edited\.json|(wiped|replaced|project)\.env|state|memory"
)
_UNFINISHED = re.compile(
    rf"\.({_DATABASE}|third\.key|replaced\.env)\.{_RANDOM}\.new(-wal|-shm|-journal)?"
    rf"|vault\.db\.restoring-[0-9a-f]{{8,16}}(-wal|-shm|-journal)?|\..*restoring-[0-9a-f]{{8,16}}\.{_RANDOM}\.new.*"
    rf"|other\.db\.restoring-[0-9a-f]{{8,16}}(-wal|-shm|-journal)?"
)
_STATE = re.compile(r"[0-9a-f]{32}\.(anchor|counter|place)|lock|allowed-files")
_UNFINISHED_ANCHOR = re.compile(rf"\.([0-9a-f]{{32}}\.(anchor|place)|allowed-files)\.{_RANDOM}\.new")


def judge(
    directory: str, scenario: str, said: list[str], *, is_tidy: bool = False, is_killed: bool = False
) -> list[str]:
    """Everything that is wrong, one line each.

    Args:
        said: what the workload had said when it ended.
        is_tidy: nothing unfinished may be left (after an error; a killed process cannot tidy).
        is_killed: and nothing else went wrong: this machine remembers every commit that was acknowledged.
    """
    place = Place(directory)
    findings = [line for line in said if line.startswith("foreign")]
    findings += _left_behind(place, is_tidy)
    try:
        with closing(SqliteStore.open(place.vault)) as store, _open_somehow(place, store) as vault:
            findings += _judge_vault(place, vault, scenario, said, is_killed=is_killed)
            vault._core.store.check()
    except (StrongroomError, Torn) as error:
        findings.append(f"after {said[-1:]}: {type(error).__name__}: {error}")
    return findings


def _open_somehow(place: Place, store: SqliteStore) -> Vault:
    for name in KEYS:
        try:
            return open_vault(store, read_key_file(f"{place.directory}/{name}"), author="judge")
        except (WrongKey, NotFound):
            continue
    raise Torn("neither the old nor the new key opens the vault")


def _left_behind(place: Place, is_tidy: bool) -> list[str]:
    findings = []
    for folder, ours, unfinished in (
        (place.directory, _OURS, _UNFINISHED),
        (place.state, _STATE, _UNFINISHED_ANCHOR),
        (place.memory, re.compile("(?!)"), re.compile(rf"strongroom-{_RANDOM}")),
    ):
        for name in os.listdir(folder):
            if not ours.fullmatch(name) and (is_tidy or not unfinished.fullmatch(name)):
                findings.append(f"left behind: {name}")
    return findings


def _judge_vault(place: Place, vault: Vault, scenario: str, said: list[str], *, is_killed: bool) -> list[str]:
    findings = _verified(vault, "verify")
    _check_anchor(place, vault, said)
    if is_killed:
        findings += _forgotten(place, vault, said)
    for step in SCENARIOS[scenario]:
        try:
            is_done = step.look(place, vault)
        except Torn as error:
            findings.append(f"torn: {step.name}: {error}")
            continue
        if f"done {step.name}" in said and not is_done:
            findings.append(f"lost: {step.name}")
        if step.is_whole and f"refused {step.name}" in said and is_done:
            findings.append(f"refused, but there: {step.name}")
    # And then life goes on: what was interrupted is finished, and somebody writes.
    if scenario == "rotation":
        vault.rotate()
        if len(vault._core.keys.keyset.enabled) != 1:
            findings.append("an old key is left")
    vault.set("later", fields("later"))
    if not shows(vault, "later"):
        findings.append("cannot be written")
    return findings + _verified(vault, "verify afterwards")


def _forgotten(place: Place, vault: Vault, said: list[str]) -> list[str]:
    """The commits that were acknowledged, and that an older copy could lack without being noticed."""
    record = place.anchor(vault).read()
    acknowledged = max((int(line.split()[1]) for line in said if line.startswith("counter ")), default=0)
    if record is None or record.counter < acknowledged:
        return [f"forgotten: commit {acknowledged}"]
    return []


def _verified(vault: Vault, when: str) -> list[str]:
    try:
        vault.verify()
    except Tampered as error:
        return [f"{when}: {error} {error.findings[:3]}"]
    return []


def _check_anchor(place: Place, vault: Vault, said: list[str]) -> None:
    """What this machine remembers is the vault's own state or an earlier one of it."""
    if os.path.lexists(place.other):
        return  # the same vault was restored in two places, of which the anchor can believe one
    for name in os.listdir(place.state):
        if name.endswith(".place"):
            with open(f"{place.state}/{name}") as file:
                text = file.read()
            if sealed(text.partition("checksum ")[0]) != text.encode():
                raise Torn("what lies where is torn")
    record = place.anchor(vault).read()
    if record is None:
        raise Torn("the anchor is gone")
    try:
        record.check(place.vault, vault._core.keys.header, vault.commit_counter, is_proved=True)
    except RolledBack:
        # Killed after the exchange, or told that it is not remembered, the machine asks once: status --accept-lineage.
        is_expected = "done restore" not in said or "without anchor" in said
        if not is_expected or not is_restored(place, vault) or not record.is_new(vault.lineage):
            raise
