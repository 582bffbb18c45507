"""The page of benchmarks: what was kept is what it says, and a goal that is not met is called so."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from bench.report import PAGE, PLOT, RESULTS, page, plot, table

LINE = {"what": "one|two", "against": "<peer>", "unit": "ms", "ours": 3.0, "peer": 1.0, "ratio": 3.0, "low": 2.5,
        "high": 4.0, "goal": 2.0, "at_least": False, "met": False}  # fmt: skip


def test_the_page_says_what_was_measured() -> None:
    """`python -m bench.report` was run after the last change."""
    saved = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert PAGE.read_text(encoding="utf-8") == page(saved)
    assert PLOT.read_text(encoding="utf-8") == plot([one for one in saved["results"] if one["goal"] is not None])


def test_a_missed_goal_is_called_so() -> None:
    """In the table and in the plot, right of the line; a met one left of it."""
    assert "| one\\|two | <peer> | 3 ms | 1 ms | 3 (2.5 to 4) | at most 2 | **not met** |" in table([LINE])
    met = LINE | {"met": True, "ratio": 1.0, "low": 0.9, "high": 1.1}
    drawn = ElementTree.fromstring(plot([LINE, met]))
    circles = [(one.get("class"), float(one.get("cx", "0"))) for one in drawn.iter() if one.tag.endswith("circle")]
    middle = 470 + 420 * 0.6
    assert [kind for kind, _ in circles] == ["missed", "met"]
    assert circles[0][1] > middle > circles[1][1]
