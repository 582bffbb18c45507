"""Writes docs/benchmarks.md, its plot and README's table from what `python -m bench --keep` has kept: `python -m bench.report`."""

# ruff: noqa: E501 - paragraphs of the page are lines
from __future__ import annotations

import json
from pathlib import Path

from bench.front import README, with_table
from bench.goals import Entries, Line, Verdict, number, share, verdicts
from bench.plot import plot

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results" / "vault.json"
PAGE = ROOT / "docs" / "benchmarks.md"
PLOT = ROOT / "docs" / "pictures" / "benchmarks.svg"
QUICK = "**Parts of this page are of a quick run**, of few rounds, small files and small vaults: they show what the page looks like, and their numbers and verdicts mean nothing."


def page(entries: Entries) -> str:
    """The whole page."""
    made = list(verdicts(entries))
    met = sum(one.is_met for one in made)
    quick = f"{QUICK}\n\n" if any(kept["quick"] for kept in entries.values()) else ""
    missed = [one for one in made if one.lines and not one.is_met]
    limits = "\n\n".join(_limit(one, entries) for one in missed) or "There is none."
    groups = dict.fromkeys(name.partition(": ")[0] for name in entries if not name.startswith("profiles: "))
    lines = "\n\n".join(_group(group, entries) for group in groups)
    return f"""<!-- made by `python -m bench.report` from bench/results/vault.json -->
# Benchmarks

`make bench-results` measures each line beside its peer, in turns, in one run, and writes this page. A ratio is ours to the peer's, the median of all rounds with their 10th and 90th percentile; where the goal is *at least*, it says how many times as fast ours is. Compare ratios: the times are one machine's.

{quick}## Goals
{met} of {len(made)} are met. A goal that several lines decide on is met when each of them is; shown is the one that is furthest from it.

{_goals(made, entries)}

![Each goal, and how far from it what was measured is, with its spread](pictures/{PLOT.name})

## Goals that are not met
{limits}

## Every line
{lines}
"""


def _goals(made: list[Verdict], entries: Entries) -> str:
    rows = ["| goal | bound | measured | |", "| --- | --- | ---: | --- |"]
    for one in made:
        shown = one.goal.shown(one.worst) if one.worst else _why(one, entries)
        word = one.word if one.is_met else f"**{one.word}**"
        rows.append(_row(one.goal.says, one.goal.bound, shown, word))
    return "\n".join(rows)


def _why(one: Verdict, entries: Entries) -> str:
    kept = entries.get(one.goal.row)
    return "" if kept is None else f"failed: {kept['failed']}" if kept["failed"] else "its peer was not installed"


def _limit(one: Verdict, entries: Entries) -> str:
    """What limits a goal that is not met, and the profile that shows it."""
    assert one.worst is not None
    met = sum(line["met"] for line in one.lines)
    said = f"Measured: {one.goal.shown(one.worst)}, the goal is {one.goal.bound} ({one.worst['what']}, beside {one.worst['against']})."
    if len(one.lines) > 1:
        said += f" {met} of the {len(one.lines)} lines that decide on it are within the goal."
    heading = f"### {one.goal.says[0].upper()}{one.goal.says[1:]}"
    if one.goal.limit is None:
        return f"{heading}\n{said}{_spread(one.worst)} No profile is taken of it."
    row, why = one.goal.limit
    kept = entries.get(row, {"results": [], "failed": "not measured"})
    parts = [f"{heading}\n{said} {why}"]
    if kept["results"]:
        rows = [f"| where the time of one call goes ({kept['results'][0]['against']}) | | share |", "| --- | ---: | ---: |"]
        rows += [_row(part["what"], f"{number(part['ours'])} {part['unit']}", f"{part['ratio']:.0%}") for part in kept["results"]]
        parts.append("\n".join(rows))
    if kept["failed"]:
        parts.append(f"The profile failed: {kept['failed']}.")
    return "\n\n".join(parts)


def _spread(line: Line) -> str:
    low, high = sorted(share(line, line[end]) for end in ("low", "high"))
    return " The goal lies within the spread of the rounds." if low <= 1 <= high else ""


def _group(group: str, entries: Entries) -> str:
    """The lines of one group, and what they were measured on."""
    mine = {name: kept for name, kept in entries.items() if name.startswith(f"{group}: ")}
    told = list(dict.fromkeys(_where(kept) for kept in mine.values()))
    rows = ["| what | beside | ours | peer | ratio (p10 to p90) | goal | |", "| --- | --- | ---: | ---: | ---: | ---: | --- |"]
    for name, kept in mine.items():
        rows += [_line(one) for one in kept["results"]]
        if kept["failed"]:
            rows.append(_row(name.partition(": ")[2], "", "", "", "", "", f"**failed**: {kept['failed']}"))
    return "\n\n".join([f"### {group[0].upper()}{group[1:]}\n{' '.join(told)}", "\n".join(rows)])


def _where(kept: dict[str, object]) -> str:
    versions = kept["versions"]
    assert isinstance(versions, dict)
    quick = ", a quick run" if kept["quick"] else ""
    return f"{kept['date']}{quick}: {kept['machine']}; {', '.join(f'{name} {one}' for name, one in versions.items())}."


def _line(one: Line) -> str:
    sign = "at least" if one["at_least"] else "at most"
    goal = "" if one["goal"] is None else f"{sign} {number(one['goal'])}"
    verdict = "" if one["goal"] is None else "met" if one["met"] else "**not met**"
    ours, peer = (f"{number(one[side])} {one['unit']}".strip() for side in ("ours", "peer"))
    return _row(one["what"], one["against"], ours, peer, _ratio(one), goal, verdict)


def _ratio(one: Line) -> str:
    return f"{number(one['ratio'])} ({number(one['low'])} to {number(one['high'])})"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main() -> None:
    """Write the page, the plot and the table."""
    entries: Entries = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"]
    PLOT.write_text(plot(entries), encoding="utf-8")
    PAGE.write_text(page(entries), encoding="utf-8")
    README.write_text(with_table(README.read_text(encoding="utf-8"), entries), encoding="utf-8")


if __name__ == "__main__":
    main()
