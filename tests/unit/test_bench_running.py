"""A row of the benchmarks that fails takes no other with it, and what was measured is kept as it comes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.groups import GROUPS, names
from bench.running import BUILD, Results, run

ROWS = ["planted: good", "planted: half", "planted: deadly", "planted: last"]


def measured() -> dict[str, Any]:
    """What is kept of the planted rows."""
    kept: dict[str, Any] = {}
    run(ROWS, quick=True, keep=kept.__setitem__, worker="tests.bench_that_fails")
    return kept


def test_a_failure_ends_its_own_row() -> None:
    """By an exception or with its process: its reason is kept, so are its lines until then, and all other rows."""
    before = set(BUILD.glob("bench-*"))
    kept = measured()
    assert list(kept) == ROWS
    failures = [one["failed"] for one in kept.values()]
    assert failures == [None, "ConnectionError: .../socket was closed", "its process: ended with -9", None]
    assert [len(one["results"]) for one in kept.values()] == [1, 1, 1, 1]
    assert kept[ROWS[0]]["results"][0]["ratio"] == 0.5
    assert kept[ROWS[3]]["versions"].keys() >= {"strongroom", "cryptography", "SQLite"}
    assert "no-such-package" not in kept[ROWS[3]]["versions"]
    assert set(BUILD.glob("bench-*")) == before


def entry(*, quick: bool = False, failed: str | None = None) -> dict[str, Any]:
    """What is kept of a row."""
    return {"quick": quick, "failed": failed, "results": []}


def test_each_row_is_on_the_disk_before_the_next_one_begins(tmp_path: Path) -> None:
    """A row that is measured again takes its old place; the others stay."""
    file = tmp_path / "kept" / "results.json"
    results = Results(file)
    for number, name in enumerate(("a: b", "a: c", "a: b")):
        results.keep(name, entry(failed=str(number)))
        assert json.loads(file.read_text())["rows"][name]["failed"] == str(number)
    assert list(Results(file).entries) == ["a: b", "a: c"]
    assert [path.name for path in file.parent.iterdir()] == ["results.json"]


def test_what_is_missing_is_what_was_not_measured_whole(tmp_path: Path) -> None:
    """Never, by a quick run, or with a failure."""
    results = Results(tmp_path / "results.json")
    results.keep("a: whole", entry())
    results.keep("a: quick", entry(quick=True))
    results.keep("a: failed", entry(failed="why"))
    assert results.missing(["a: whole", "a: quick", "a: failed", "a: never"]) == ["a: quick", "a: failed", "a: never"]


def test_rows_are_found_by_a_word() -> None:
    """Of their name or of their group's; each name is there once."""
    every = names()
    assert len(every) == len(set(every)) == sum(len(group.rows) for group in GROUPS.values())
    assert names("growth") == [name for name in every if name.startswith("growth: ")]
    assert names("warm_get") == names("warm get") == ["vault: warm get"]
    assert names("no such row") == []
