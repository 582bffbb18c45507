"""The tables of results, for people at a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.goals import Entries, Line, verdicts

HEAD = ("what | peer", "ours", "peer", "ratio (p10-p90)", "goal", "")


def number(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cells(line: Line) -> tuple[str, ...]:
    """One result as the texts of its columns."""
    sign = "faster" if line["at_least"] else ""
    goal = "" if line["goal"] is None else f"{'>=' if line['at_least'] else '<='} {number(line['goal'])}x"
    verdict = "" if line["goal"] is None else ("met" if line["met"] else "NOT met")
    ratio = f"{number(line['ratio'])}x ({number(line['low'])}-{number(line['high'])}) {sign}".strip()
    return (
        f"{line['what']} | {line['against']}",
        f"{number(line['ours'])} {line['unit']}", f"{number(line['peer'])} {line['unit']}", ratio, goal, verdict,
    )  # fmt: skip


def table(entries: Entries) -> str:
    """All results, aligned; a row that has failed says so."""
    rows: list[tuple[str, ...]] = [HEAD]
    for name, kept in entries.items():
        rows += [cells(line) for line in kept["results"]]
        if kept["failed"]:
            rows.append((name, "", "", f"failed: {kept['failed']}", "", ""))
    machines = sorted({kept["machine"] for kept in entries.values()})
    return "\n".join([*machines, "", *_aligned(rows)])


def goals_table(entries: Entries) -> str:
    """Each goal that these rows decide on."""
    rows = [
        (goal.says, goal.bound, goal.shown(one.worst) if one.worst else _why(entries, goal.row), one.word)
        for one in verdicts(entries)
        if (goal := one.goal).row in entries
    ]
    return "\n".join(_aligned(rows))


def _why(entries: Entries, row: str) -> str:
    failed: Any = entries[row]["failed"]
    return f"failed: {failed}" if failed else "its peer is not installed"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    if not rows:
        return []
    # A reason may be long: it widens no column.
    last = len(rows[0]) - 1
    columns = [[row[column] for row in rows if "failed: " not in row[column]] for column in range(last + 1)]
    widths = [max(map(len, texts), default=0) for texts in columns]
    lines = []
    for row in rows:
        numbered = enumerate(zip(row, widths, strict=True))
        texts = [text.ljust(width) if column in (0, last) else text.rjust(width) for column, (text, width) in numbered]
        lines.append("  ".join(texts).rstrip())
    return lines


