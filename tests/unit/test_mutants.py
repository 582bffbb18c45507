"""Mutation testing finds what a test leaves open, and lets nothing pass that it tests; its page says what was found."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("mutmut", reason="mutmut is not installed")

from tests.mutants import results
from tests.mutants.__main__ import attempt, chosen
from tests.mutants.making import Mutant, make

CODE = '''
class Door:
    def __init__(self, age, *, least=18):
        self.age = age
        self.least = least

    def opens(self):
        if self.age < 0:
            raise ValueError("nobody is that young")
        return self.age >= self.least

    @classmethod
    def of(cls, words):
        return cls(int(words["age"]))

def never(forever):
    while forever:
        pass
    return 1 + 1
'''  # fmt: skip
TESTS = '''
import pytest
from planted.door import Door, never

@pytest.fixture(scope="module")
def adult():
    return Door.of({"age": "19"})

def test_refused():
    with pytest.raises(ValueError):
        Door(-1).opens()

def test_newborn():
    assert Door(0, least=-1).opens()

def test_adult(adult):
    assert adult.opens()

def test_never():
    assert never(False) == 2
'''  # fmt: skip
MISSING = "\ndef test_eighteen():\n    assert Door(18).opens()\n"


def outcomes(place: Path, tests: str) -> dict[str, str]:
    package = place / "src" / "planted"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").touch()
    (package / "door.py").write_text(CODE)
    (place / "test_door.py").write_text(tests)
    mutants = make(place / "src", "planted", ["door.py"], place / "made")
    how = attempt(place / "src", "planted", place / "made", mutants, ["test_door.py"], cwd=place)
    assert how.keys() == {one.name for one in mutants}
    return {results.place_of(one) + (" (text)" if one.is_text else ""): how[one.name] for one in mutants}


def test_what_no_test_notices_is_found(tmp_path: Path) -> None:
    """One test is missing: exactly what it would notice lives, and dies when it is there."""
    without, complete = outcomes(tmp_path / "a", TESTS), outcomes(tmp_path / "b", TESTS + MISSING)
    assert without.keys() == complete.keys()
    by_that = {place for place, how in without.items() if how != complete[place]}
    assert by_that == {
        "Door.__init__: def __init__(self, age, *, least=18): => def __init__(self, age, *, least=19):",
        "Door.opens: return self.age >= self.least => return self.age > self.least",
    }, without
    assert {without[place] for place in by_that} == {"survived"}
    alive = {place for place, how in complete.items() if how != "killed"}
    assert alive == {place for place in complete if place.endswith(" (text)")}, complete


def test_one_of_so_many_is_the_same_one_each_time() -> None:
    """A sample does not hang on the order, or on what else there is."""
    mutants = [Mutant(f"m.x_f__mutmut_{number}", "m.py", "f", str(number), "", False) for number in range(1000)]
    first = chosen(mutants, 8)
    assert 60 < len(first) < 200
    assert set(chosen(mutants[::-1], 8)) == set(first)
    assert chosen([*mutants[:500]], 8) == [one for one in first if one in mutants[:500]]
    assert chosen(mutants, 1) == mutants


def test_the_page_says_what_was_found() -> None:
    """The table is the one of the kept results, and each mutant that lives there has a reason."""
    modules = results.load()
    assert {"crypto/aead.py", "keys/format.py", "vault/policy.py"} <= modules.keys()
    page = results.PAGE.read_text(encoding="utf-8")
    assert results.written(page, modules) == page
    assert results.unexamined(modules) == []
    alive = {(name, place) for name, one in modules.items() for place in one.survivors}
    assert results.examined().keys() - alive == set(), "examined, but found since"


def test_a_survivor_that_is_found_later_is_written_down() -> None:
    """Without trying the others again."""
    first = Mutant("m.x_f__mutmut_1", "m.py", "f", "a < b", "a <= b", False)
    again = first._replace(name="m.x_f__mutmut_2", nth=2)
    modules = results.kept([(first, "survived"), (again, "untested"), (first._replace(nth=3), "killed")])
    assert modules["m.py"].code == {"alive": 2, "killed": 1}
    assert results.unexamined(modules) == ["m.py: f: a < b => a <= b", "m.py: f: a < b => a <= b [2]"]
    later = results.tried_again(modules, [(first, "survived"), (again, "timed out")])
    assert later["m.py"].code == {"alive": 1, "killed": 1, "timed out": 1}
    assert results.table(later).splitlines()[-1] == "| **all** | 3 | 3 | 2 | 1 | 0 | 0 | 0 | 67 % | 67 % |"
