"""Draws the goals as a picture: each a point left of its goal when it is met, right of it when it is not."""

from __future__ import annotations

import math
from html import escape

from bench.goals import Entries, Line, Verdict, share, verdicts

# Of the plot: where labels end, where the scale begins, where the numbers stand.
LABEL, LEFT, NUMBERS, WIDTH = 440, 458, 814, 1050
DOUBLING = 56
BETTER, WORSE = 4, 2
GOAL = LEFT + BETTER * DOUBLING
STEP, HEADING, TOP = 23, 34, 66
TITLE = "Each goal and what was measured; left of the line it is met"
STYLE = """
text { font: 13px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #1f2328; }
.head { font-weight: 600; } .soft { fill: #59636e; font-size: 12px; }
.ground { fill: #fff; } .grid { stroke: #e3e7eb; } .goal { stroke: #59636e; stroke-width: 2; }
.spread { stroke-width: 3; stroke-linecap: round; opacity: .45; }
.met { fill: #2c8a74; } .missed { fill: #c2502a; } .spread.met { stroke: #2c8a74; } .spread.missed { stroke: #c2502a; }
@media (prefers-color-scheme: dark) {
text { fill: #e2e6ea; } .soft { fill: #9aa5b1; } .ground { fill: #14181d; } .grid { stroke: #2a3138; }
.goal { stroke: #a5b0bb; } .met { fill: #4fb89e; } .missed { fill: #ef8156; }
.spread.met { stroke: #4fb89e; } .spread.missed { stroke: #ef8156; }
}
"""


def plot(entries: Entries) -> str:
    """The whole picture."""
    parts: list[str] = []
    y, group = TOP - HEADING / 2, ""
    for one in verdicts(entries):
        if group != (group := one.goal.row.partition(":")[0]):
            parts.append(f'<text class="head" x="{LABEL}" y="{y + 16:.0f}" text-anchor="end">{group}</text>')
            y += HEADING
        parts += _row(one, y)
        y += STEP
    height = y + 6
    return "\n".join([*_frame(height), *parts, "</svg>"]) + "\n"


def _frame(height: float) -> list[str]:
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{TITLE}">'
        f"<title>{TITLE}</title><style>{STYLE}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{height:.0f}"/>',
        f'<text class="head" x="{GOAL}" y="20" text-anchor="middle">the goal</text>',
    ]
    for doubling in range(-BETTER, WORSE + 1):
        x = GOAL + doubling * DOUBLING
        if doubling:
            factor = f"{2 ** abs(doubling)} x{ {-BETTER: ' better', WORSE: ' worse'}.get(doubling, '')}"
            lines.append(f'<text class="soft" x="{x}" y="38" text-anchor="middle">{factor}</text>')
        kind = "grid" if doubling else "goal"
        lines.append(f'<path class="{kind}" d="M{x} 46V{height - 8:.0f}"/>')
    return lines


def _row(one: Verdict, y: float) -> list[str]:
    parts = [f'<text x="{LABEL}" y="{y + 4:.0f}" text-anchor="end">{escape(one.goal.says)}</text>']
    if one.worst is None:
        return [*parts, f'<text class="soft" x="{NUMBERS}" y="{y + 4:.0f}">not measured</text>']
    kind = "met" if one.is_met else "missed"
    ends = sorted(place(one.worst, one.worst[end]) for end in ("low", "high"))
    x = place(one.worst, one.worst["ratio"])
    parts.append(f'<path class="spread {kind}" d="M{ends[0]:.1f} {y:.0f}H{ends[1]:.1f}"/>')
    if x <= LEFT:
        # Further away than the picture is wide.
        parts.append(f'<path class="point {kind}" d="M{LEFT - 6} {y:.0f}l9 -6v12z"/>')
    elif one.is_met:
        parts.append(f'<circle class="point {kind}" cx="{x:.1f}" cy="{y:.0f}" r="5"/>')
    else:
        parts.append(f'<path class="point {kind}" d="M{x - 6:.1f} {y:.0f}l6 -6l6 6l-6 6z"/>')
    parts.append(f'<text class="soft" x="{NUMBERS}" y="{y + 4:.0f}">{escape(one.goal.shown(one.worst))}</text>')
    return parts


def place(line: Line, value: float) -> float:
    """Where *value* stands: a doubling is the same way everywhere, and nothing leaves the picture."""
    return min(max(GOAL + math.log2(share(line, value)) * DOUBLING, LEFT), GOAL + WORSE * DOUBLING)
