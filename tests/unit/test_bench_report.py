"""The page of benchmarks: what was kept is what it says, and a goal that is not met is called so."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

from bench.front import README, SHOWN, table, with_table
from bench.plot import GOAL, LEFT, WIDTH, plot
from bench.report import PAGE, PLOT, RESULTS, page

LINE = {"what": "vault.get|warm", "against": "<sqlite3>", "unit": "ms", "ours": 3.0, "peer": 1.0, "ratio": 3.0,
        "low": 2.75, "high": 4.0, "goal": 2.5, "at_least": False, "met": False}  # fmt: skip
MET = {"ratio": 1.0, "low": 0.9, "high": 1.1, "met": True}
KEPT = {"date": "2026-11-22", "machine": "a machine", "quick": False, "versions": {"SQLite": "3.40.1"}, "seconds": 1.0,
        "failed": None, "results": []}  # fmt: skip


def kept(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What is kept of a row."""
    return {**KEPT, "results": list(lines), **more}


def test_the_page_says_what_was_measured() -> None:
    """`python -m bench.report` was run after the last change."""
    entries = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"]
    assert PAGE.read_text(encoding="utf-8") == page(entries)
    assert PLOT.read_text(encoding="utf-8") == plot(entries)
    readme = README.read_text(encoding="utf-8")
    assert readme == with_table(readme, entries)
    # A line that has another name in the benchmarks now would be missing and not wrong.
    if not any(kept["quick"] for kept in entries.values()):
        assert table(entries).count("\n") == 2 + len(SHOWN)


def test_a_missed_goal_is_called_so() -> None:
    """Among the goals, below them with what limits it, and among the lines."""
    written = page({"vault: warm get": kept(LINE)})
    goal = "a value read again, beside a bare read and its decryption | at most 2.5 x | 3 x (2.75 to 4) | **not met** |"
    assert goal in written
    assert "### A value read again, beside a bare read and its decryption\nMeasured: 3 x (2.75 to 4), the" in written
    assert "vault.get\\|warm | <sqlite3> | 3 ms | 1 ms | 3 (2.75 to 4) | at most 2.5 | **not met** |" in written
    assert "2026-11-22: a machine; SQLite 3.40.1." in written
    assert "lies within the spread" not in written
    assert "lies within the spread" in page({"vault: warm get": kept(LINE | {"low": 2.4})})
    written = page({"vault: warm get": kept(LINE | MET)})
    assert "1 x (0.9 to 1.1) | met |" in written
    assert "There is none." in written


def test_a_profile_stands_below_the_goal_that_it_explains() -> None:
    """As shares of one call; only where the goal is missed."""
    part = LINE | {"what": "SQLite and the disk", "against": "vault.set", "ratio": 0.48, "goal": None, "met": True}
    slow = LINE | {"what": "vault.set", "against": "WAL/FULL upsert + ledger row", "goal": 2.0}
    entries = {"vault: durable set": kept(slow), "profiles: profile set": kept(part)}
    assert "| SQLite and the disk | 3 ms | 48% |" in page(entries)
    entries["vault: durable set"] = kept(slow | MET)
    assert "SQLite and the disk" not in page(entries)


def test_a_failed_row_is_a_line() -> None:
    """With its reason, among the goals and among the lines; a quick run is called so."""
    written = page({"vault: warm get": kept(failed="OSError: the server has gone", quick=True)})
    assert "| at most 2.5 x | failed: OSError: the server has gone | **not measured** |" in written
    assert "| warm get |  |  |  |  |  | **failed**: OSError: the server has gone |" in written
    assert "of a quick run" in written
    assert "of a quick run" not in page({"vault: warm get": kept()})
    assert "its peer was not installed | **not measured** |" in page({"vault: warm get": kept()})


def test_what_is_missed_stands_right_of_the_goal() -> None:
    """As another sign than what is met, which stands left of it; what is far away stays in the picture."""

    def sign(line: dict[str, Any]) -> tuple[str, float]:
        drawn = ElementTree.fromstring(plot({"vault: warm get": kept(line)}))
        (point,) = (one for one in drawn.iter() if (one.get("class") or "").startswith("point"))
        place = point.get("cx") or point.get("d", "").lstrip("M").split()[0]
        return point.tag.rpartition("}")[2], float(place)

    met, missed, far = sign(LINE | MET), sign(LINE), sign(LINE | MET | {"ratio": 0.0001})
    assert (met[0], missed[0], far[0]) == ("circle", "path", "path")
    assert met[1] < GOAL < missed[1] + 6
    assert 0 < far[1] < LEFT < GOAL < WIDTH
    assert "not measured" in plot({})
