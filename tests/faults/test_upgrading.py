"""Kill, EIO, ENOSPC and power cuts at each storage call of a format upgrade: the old vault or the new one, never half.

And once it may be the new one, the old one lies beside it: it opens, and is row for row what it was.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Lock

import pytest

from strongroom.errors import StrongroomError
from strongroom.locate.key_files import read_key_file
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault import upgrading
from strongroom.vault.opening import open_vault
from tests.faults import disk, strace
from tests.faults.planted_formats import marks, names, plant
from tests.faults.test_vault_every_call import FAULTS
from tests.faults.test_vault_power_loss import Image, images
from tests.faults.vault_place import Place, fields
from tests.faults.vault_trials import CALLS, IS_WHOLE, Bases, Point, in_pairs, made_bases, sample

pytestmark = strace.needs_strace()

SCRIPT = str(Path(__file__).with_name("upgrade_workload.py"))
SAMPLE = 14
_KEPT = re.compile(r"vault\.db\.format-1-[0-9TZ]+")
_RANDOM = "[0-9a-f]{16}"
_OTHERS = re.compile(
    r"(vault\.db|vault\.db\.format-1-[0-9TZ]+)(-wal|-shm|-journal)?|(first|second)\.key|backup\.db|edited\.json|(wiped|replaced|project)\.env|state|memory"
)
_UNFINISHED = re.compile(rf"\.vault\.db\.format-1-[0-9TZ]+\.{_RANDOM}\.new(-wal|-shm|-journal)?")

_DAY = Lock()

Rows = dict[str, list[object]]


@pytest.fixture(scope="module")
def bases() -> Iterator[Bases]:
    with made_bases() as made:
        yield made


def rows_of(path: str) -> Rows:
    """Every row of every table, as another program sees them."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema ORDER BY name")]
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables}


class Trial:
    """The upgrade, tried with planted faults or none."""

    def __init__(self, bases: Bases, *planted: str) -> None:
        self.base = bases[False]
        self.planted = planted
        self.before = rows_of(self.base.vault)

    def new_directory(self) -> str:
        return self.base.copy(tempfile.mkdtemp(dir=os.path.dirname(self.base.directory))).directory

    def record(
        self, directory: str, calls: tuple[str, ...], options: tuple[str, ...] = ()
    ) -> tuple[list[str], list[str]]:
        said, lines = strace.record(directory, calls, "upgrade", *self.planted, options=options, script=SCRIPT)
        assert said == ["done upgrade"]
        return said, lines

    def count_calls(self) -> Counter[str]:
        directory = self.new_directory()
        said, lines = self.record(directory, CALLS)
        if not self.planted:
            assert self.judge(directory, said, is_tidy=True) == []
        return Counter(line.split("(")[0].split()[-1] for line in lines)

    def try_point(self, fault: str, when: str, point: Point) -> tuple[bool, list[str]]:
        call, number = point
        directory = self.new_directory()
        said, happened = strace.inject(
            directory, call, fault, when.format(number), "upgrade", *self.planted, script=SCRIPT
        )
        is_tidy = "KILL" not in fault and "EROFS" not in fault and call != "unlink"
        findings = self.judge(directory, said, is_tidy=is_tidy)
        shutil.rmtree(directory)
        return happened, [f"{fault} {call} {number}: {finding}" for finding in findings]

    def judge(self, directory: str, said: list[str], *, is_tidy: bool) -> list[str]:
        """Everything that is wrong, one line each."""
        place = Place(directory)
        findings = [line for line in said if line.startswith("foreign")]
        for name in os.listdir(directory):
            if not _OTHERS.fullmatch(name) and (is_tidy or not _UNFINISHED.fullmatch(name)):
                findings.append(f"left behind: {name}")
        # This process is a program of one day at a time.
        with _DAY:
            return findings + self._judge_vault(place, said)

    def _judge_vault(self, place: Place, said: list[str]) -> list[str]:
        findings = []
        try:
            number = self._number(place)
            if number == 1:
                findings += ["lost: the upgrade"] if "done upgrade" in said else []
                findings += ["half: rows have changed"] if rows_of(place.vault) != self.before else []
                findings += self._content(place, place.vault)
            elif number == 3:
                findings += ["refused, but there"] if any(line.startswith("refused up") for line in said) else []
                findings += self._kept(place)
            else:
                findings.append(f"half: format {number}")
            findings += self._goes_on(place)
        except (StrongroomError, sqlite3.Error) as error:
            findings.append(f"after {said}: {type(error).__name__}: {error}")
        return findings

    def _number(self, place: Place) -> int:
        with closing(sqlite3.connect(place.vault)) as connection:
            return int(connection.execute("PRAGMA user_version").fetchone()[0])

    def _kept(self, place: Place) -> list[str]:
        kept = [name for name in os.listdir(place.directory) if _KEPT.fullmatch(name)]
        if not kept:
            return ["the old vault is gone"]
        findings = []
        for name in kept:
            path = f"{place.directory}/{name}"
            if rows_of(path) != self.before:
                findings.append(f"{name} is not what the vault was")
            findings += self._content(place, path)
        return findings

    def _content(self, place: Place, path: str) -> list[str]:
        """What a program of the first format finds there."""
        with closing(SqliteStore.open(path)) as store:
            with open_vault(store, read_key_file(place.first), author="judge") as vault:
                vault.verify()
                item = vault.get("after the backup")
                wrong = {name: item[name].reveal() for name in item} != fields("after the backup")
        return [f"{path} holds something else"] if wrong else []

    def _goes_on(self, place: Place) -> list[str]:
        """The next upgrade does what is left to do, and the vault is whole."""
        with pytest.MonkeyPatch.context() as patches:
            plant(patches.setattr)
            with closing(SqliteStore.open(place.vault, any_format=True)) as store:
                with open_vault(store, read_key_file(place.first), author="judge") as vault:
                    upgrading.upgrade(vault._core, keep=lambda: None)
                    vault.verify()
                    vault.set("later", fields("later"))
                    vault.verify()
                    known = marks(vault._core)
                    wrong = any(name != names(vault._core)[node] for node, name in known.items()) or not known
        return ["the marks are wrong"] if wrong else []


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_the_storage_calls(bases: Bases, fault: str) -> None:
    """Wherever it is struck, the vault is of the old format or of the new one, and nothing is lost."""
    trial = Trial(bases)
    counts = trial.count_calls()
    injected, when, calls = FAULTS[fault]
    points = sample([(call, number) for call in calls for number in range(1, counts[call] + 1)], SAMPLE)
    results = in_pairs(lambda point: trial.try_point(injected, when, point), points)
    assert [line for _, lines in results for line in lines] == []
    assert sum(happened for happened, _ in results) >= 0.8 * len(points)


def judge_image(trial: Trial, image: Image) -> list[str]:
    """Lay the image down and judge it."""
    files, said = image
    directory = tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    try:
        for folder in ("state", "state/strongroom", "memory"):
            os.mkdir(f"{directory}/{folder}", 0o700)
        for name, content in files.items():
            mode = 0o400 if name.endswith(".key") else 0o600
            with open(os.open(f"{directory}/{name}", os.O_CREAT | os.O_WRONLY, mode), "wb") as file:
                file.write(content)
        return trial.judge(directory, said, is_tidy=False)
    finally:
        shutil.rmtree(directory)


def findings_of(trial: Trial, extra: int, images_max: int) -> list[str]:
    found = images(trial, extra)  # type: ignore[arg-type]
    assert len(found) > 20
    step = 1 if IS_WHOLE else max(1, len(found) // images_max)
    return [line for lines in in_pairs(lambda image: judge_image(trial, image), found[::step]) for line in lines]


@pytest.mark.timeout(1200)
def test_no_power_cut_leaves_half_of_it(bases: Bases) -> None:
    """Every image of the disk is the old vault or the new one, with the old one beside it."""
    assert disk.CALLS
    assert findings_of(Trial(bases), 6 if IS_WHOLE else 2, 160) == []


# planted fault: (whether the power is cut, else it is killed; what is found)
PLANTED = {
    "no-sync": (True, ("lost: ", "the old vault is gone", "Tampered")),
    "in-parts": (False, ("half: ", "Tampered", "FormatUnsupported")),
    "no-copy": (False, ("the old vault is gone",)),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_the_detector_finds_a_planted_fault(bases: Bases, planted: str) -> None:
    """An upgrade that does not wait for the disk, goes in parts, or keeps no copy is found out."""
    is_cut, expected = PLANTED[planted]
    trial = Trial(bases, planted)
    if is_cut:
        findings = findings_of(trial, 0, 40)
    else:
        counts = trial.count_calls()
        points = sample([("pwrite64", number) for number in range(1, counts["pwrite64"] + 1)], 12)
        results = in_pairs(lambda point: trial.try_point("signal=SIGKILL", "{}", point), points)
        findings = [line for _, lines in results for line in lines]
    assert any(one in finding for one in expected for finding in findings), findings
