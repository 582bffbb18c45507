"""The table of results, for people."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
from importlib.metadata import version

from bench.measure import Result

HEAD = ("what | peer", "ours", "peer", "ratio (p10-p90)", "goal", "")
LEFT = (0, 5)


def number(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cells(result: Result) -> tuple[str, ...]:
    """One result as the texts of its columns."""
    sign = "faster" if result.at_least else ""
    goal = "" if result.goal is None else f"{'>=' if result.at_least else '<='} {number(result.goal)}x"
    verdict = "" if result.goal is None else ("met" if result.is_met else "NOT met")
    ratio = f"{number(result.ratio)}x ({number(result.low)}-{number(result.high)}) {sign}".strip()
    return (
        f"{result.what} | {result.against}",
        f"{number(result.ours)} {result.unit}", f"{number(result.peer)} {result.unit}", ratio, goal, verdict,
    )  # fmt: skip


def machine() -> str:
    """What this was measured on."""
    libraries = f"cryptography {version('cryptography')}, SQLite {sqlite3.sqlite_version}"
    return f"Python {platform.python_version()}, {libraries}, {os.cpu_count()} cores, {sys.platform}"


def table(results: list[Result]) -> str:
    """All results, aligned."""
    rows = [HEAD, *(cells(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [machine(), ""]
    for row in rows:
        columns = enumerate(zip(row, widths, strict=True))
        texts = [text.ljust(width) if column in LEFT else text.rjust(width) for column, (text, width) in columns]
        lines.append("  ".join(texts).rstrip())
    return "\n".join(lines)
