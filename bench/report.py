"""Writes docs/benchmarks.md and its plots from a saved result: `python -m bench.report`.

python -m bench --json > build/bench.json && python -m bench.report --keep build/bench.json
"""

# ruff: noqa: E501 - paragraphs of the page are lines
from __future__ import annotations

import argparse
import json
import math
import platform
from html import escape
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results" / "vault.json"
PAGE = ROOT / "docs" / "benchmarks.md"
PLOT = ROOT / "docs" / "pictures" / "benchmarks.svg"
Line = dict[str, Any]
STYLE = """
text { font: 13px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #1f2328; }
.ground { fill: #fff; } .goal { stroke: #59636e; stroke-width: 2; } .spread { stroke: #8b98a5; stroke-width: 2; }
.met { fill: #3f9c87; } .missed { fill: #c05a2e; }
@media (prefers-color-scheme: dark) { text { fill: #e2e6ea; } .ground { fill: #14181d; } .goal { stroke: #a5b0bb; } }
"""


def number(value: float) -> str:
    """Three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(lines: list[Line]) -> str:
    """Each line with its goal and whether it is met."""
    rows = [
        "| what | beside | ours | peer | ratio (p10 to p90) | goal | |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for one in lines:
        sign = "at least" if one["at_least"] else "at most"
        goal = "" if one["goal"] is None else f"{sign} {number(one['goal'])}"
        verdict = "" if one["goal"] is None else "met" if one["met"] else "**not met**"
        spread = f"{number(one['ratio'])} ({number(one['low'])} to {number(one['high'])})"
        cells = [one["what"], one["against"], f"{number(one['ours'])} {one['unit']}",
                 f"{number(one['peer'])} {one['unit']}", spread, goal, verdict]  # fmt: skip
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def plot(lines: list[Line]) -> str:
    """Each goal is the same upright line; a point left of it keeps to its goal, on a scale of powers of two."""
    shown = [one for one in lines if one["goal"]]
    left, width, step, top = 470, 420, 24, 44
    height = top + step * len(shown) + 16
    middle = left + width * 0.6

    def place(value: float, one: Line) -> float:
        share = one["goal"] / value if one["at_least"] else value / one["goal"]
        return min(max(middle + math.log2(share) * 60, left), left + width)

    title = "Each ratio beside its goal; left of the line is better"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 24} {height}" role="img" '
        f'aria-label="{title}"><title>{title}</title><style>{STYLE}</style>',
        f'<rect class="ground" width="{left + width + 24}" height="{height}"/>',
        f'<text x="{middle}" y="22" text-anchor="middle">the goal</text>',
        f'<path class="goal" d="M{middle} 30V{height - 10}"/>',
    ]
    for index, one in enumerate(shown):
        y = top + index * step
        ends = sorted((place(one["low"], one), place(one["high"], one)))
        kind = "met" if one["met"] else "missed"
        parts.append(f'<text x="{left - 14}" y="{y + 4}" text-anchor="end">{escape(_short(one))}</text>')
        parts.append(f'<path class="spread" d="M{ends[0]:.1f} {y}H{ends[1]:.1f}"/>')
        parts.append(f'<circle class="{kind}" cx="{place(one["ratio"], one):.1f}" cy="{y}" r="5"/>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _short(one: Line) -> str:
    text = f"{one['what']} / {one['against']}"
    return text if len(text) <= 64 else text[:62] + "…"


def page(saved: dict[str, Any]) -> str:
    """The whole page."""
    lines = saved["results"]
    goals = [one for one in lines if one["goal"] is not None]
    quick = "**A quick run**, of few rounds and a part of the lines, on a busy machine: it shows what this page looks like, and its numbers and verdicts mean nothing.\n\n" if saved["quick"] else ""
    return f"""<!-- made by `python -m bench.report` from bench/results/vault.json -->
# Benchmarks

`make bench-results` measures each line beside its peer, in turns, in one run, and writes this page. The ratio is ours to the peer's, the median of all rounds with their 10th and 90th percentile; where the goal is *at least*, it says how many times faster ours is. Compare ratios: the times are one machine's.

{quick}{saved["machine"]}. {sum(one["met"] for one in goals)} of {len(goals)} goals are met.

![Each measured ratio as a point beside its goal, with its spread](pictures/{PLOT.name})

{table(lines)}
"""


def processor() -> str:
    """The processor's model and the kernel, without the machine's name."""
    info = Path("/proc/cpuinfo")
    models = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return f"{models[0] if models else platform.machine()}, {platform.system()} {platform.release().partition('-')[0]}"


def main() -> None:
    """Keep a result, write the page and the plot."""
    parser = argparse.ArgumentParser(prog="python -m bench.report", description="write docs/benchmarks.md")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="what `python -m bench --json` printed")
    parser.add_argument("--quick", action="store_true", help="it was a quick run: say so on the page")
    options = parser.parse_args()
    if options.keep:
        saved = json.loads(options.keep.read_text(encoding="utf-8"))
        saved |= {"machine": f"{processor()}, {saved['machine']}", "quick": options.quick}
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(saved, indent=1) + "\n", encoding="utf-8")
    saved = json.loads(RESULTS.read_text(encoding="utf-8"))
    PLOT.write_text(plot([one for one in saved["results"] if one["goal"] is not None]), encoding="utf-8")
    PAGE.write_text(page(saved), encoding="utf-8")


if __name__ == "__main__":
    main()
