"""docs/scale.md says what the measured numbers say."""

from __future__ import annotations

import json
from pathlib import Path

from bench.scale import NUMBERS, tables

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scale.md"


def test_the_tables_are_worked_out_from_the_numbers() -> None:
    """Both stand on the page as `python -m bench.scale` prints them."""
    costs, machines = tables(json.loads(NUMBERS.read_text())).split("\n\n")
    page = PAGE.read_text()
    assert f"<!-- costs -->\n{costs}\n<!-- end -->" in page
    assert f"<!-- machines -->\n{machines}\n<!-- end -->" in page
    numbers = json.loads(NUMBERS.read_text())
    assert f"at {numbers['set, 8 writers at once']['server']:,.0f} µs of a core" in page
    assert f"takes {numbers['version']['disk']:,.0f} bytes" in page


def test_more_machines_need_more() -> None:
    """The tables follow the numbers: twice the cost at the server is twice the work."""
    numbers = json.loads(NUMBERS.read_text())
    dear = {name: dict(cost) for name, cost in numbers.items()}
    dear["get"]["server"] *= 100
    rows = dict(line.strip("| ").split(" | ", 1) for line in tables(numbers).splitlines() if line.startswith("| "))
    more = dict(line.strip("| ").split(" | ", 1) for line in tables(dear).splitlines() if line.startswith("| "))
    busy = "the server's cores, busy with gets"
    few, many = (float(found[busy].split(" | ")[-1]) for found in (rows, more))
    assert abs(many / few - 100) < 3
    assert int(more["servers of 4 cores, half busy"].split(" | ")[-1]) > 10
