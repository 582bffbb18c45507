"""What came of the mutants: kept as JSON, judged by `examined.toml`, and shown as the table of docs/testing.md."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.mutants.making import ROOT, Mutant

KEPT = ROOT / "bench" / "results" / "mutants.json"
EXAMINED = Path(__file__).with_name("examined.toml")
PAGE = ROOT / "docs" / "testing.md"
START, END = "<!-- made by `python -m tests.mutants --keep` -->\n", "<!-- end -->"
FOUND = ("killed", "timed out")
NOT_TRIED = "not tried"
LIVE = ("survived", "untested")
REASONS = ("equivalent", "words", "elsewhere")
"""It does the same; it only says something in other words; a test that is not among the fast ones fails."""
Counts = dict[str, int]


def place_of(mutant: Mutant) -> str:
    """How `examined.toml` names it."""
    return f"{mutant.function}: {mutant.before} => {mutant.after}"


def examined() -> dict[tuple[str, str], str]:
    """The reason for each mutant that may live, by module and place.

    Raises: ValueError: an unknown reason, or a mutant named twice.
    """
    found: dict[tuple[str, str], str] = {}
    for group in tomllib.loads(EXAMINED.read_text(encoding="utf-8"))["group"]:
        if group["reason"] not in REASONS or not group["why"]:
            raise ValueError(f"no reason: {group}")
        for place in group["mutants"]:
            if (group["module"], place) in found:
                raise ValueError(f"named twice: {place}")
            found[group["module"], place] = group["reason"]
    return found


def kept(outcomes: Iterable[tuple[Mutant, str]], before: Mapping[str, object]) -> dict[str, object]:
    """What is written down of a run; modules that it did not try stay as they were in *before*."""
    modules: dict[str, dict[str, Counts]] = {}
    survivors: dict[str, list[str]] = {}
    for mutant, how in outcomes:
        kinds = modules.setdefault(mutant.module, {"code": Counter(), "texts": Counter()})
        kinds["texts" if mutant.is_text else "code"][how] += 1
        if how in LIVE and not mutant.is_text:
            survivors.setdefault(mutant.module, []).append(place_of(mutant))
    old = {name: one for name, one in dict(before).items() if name not in modules}
    new = {name: {**one, "survivors": sorted(survivors.get(name, []))} for name, one in modules.items()}
    return dict(sorted({**old, **new}.items()))


def table(modules: Mapping[str, dict[str, object]]) -> str:
    """The table of the page, with a line for all."""
    rows = [
        "| module | mutants | tried | found | live | of these the same, or words | score | with texts |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    reasons = examined()
    total: Counter[str] = Counter()
    for name, one in modules.items():
        line = _line(name, one, reasons)
        total.update(line)
        rows.append(_row(f"`{name}`", line))
    rows.append(_row("**all**", total))
    return "\n".join(rows) + "\n"


def _line(name: str, one: Mapping[str, object], reasons: Mapping[tuple[str, str], str]) -> Counts:
    code, texts = one["code"], one["texts"]
    assert isinstance(code, dict) and isinstance(texts, dict) and isinstance(one["survivors"], list)
    line = {
        "mutants": sum(code.values()) + sum(texts.values()),
        "tried": sum(number for how, number in code.items() if how != NOT_TRIED),
        "found": sum(code.get(how, 0) for how in FOUND),
        "live": sum(code.get(how, 0) for how in LIVE),
        "harmless": sum(reasons.get((name, place)) in REASONS for place in one["survivors"]),
        "texts tried": sum(number for how, number in texts.items() if how != NOT_TRIED),
        "texts found": sum(texts.get(how, 0) for how in FOUND),
    }
    return line


def _row(name: str, line: Mapping[str, int]) -> str:
    numbers = [line[what] for what in ("mutants", "tried", "found", "live", "harmless")]
    found, tried = line["found"], line["tried"]
    scores = [_share(found, tried), _share(found + line["texts found"], tried + line["texts tried"])]
    return "| " + " | ".join([name, *(f"{number:,}" for number in numbers), *scores]) + " |"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else ""


def written(page: str, modules: Mapping[str, dict[str, object]]) -> str:
    """The page with the table in it."""
    start, end = page.index(START) + len(START), page.index(END, page.index(START))
    return page[:start] + table(modules) + page[end:]


def unexamined(modules: Mapping[str, dict[str, object]]) -> list[str]:
    """Mutants that live without a reason."""
    reasons = examined()
    return [
        f"{name}: {place}"
        for name, one in modules.items()
        for place in one["survivors"]  # type: ignore[attr-defined]
        if (name, place) not in reasons
    ]


def load() -> dict[str, dict[str, object]]:
    """What was kept last."""
    found = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    assert isinstance(found, dict)
    return found


def keep(outcomes: Sequence[tuple[Mutant, str]]) -> None:
    """Write the outcomes down, and the page from them."""
    modules = kept(outcomes, load())
    KEPT.write_text(json.dumps(modules, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), load()), encoding="utf-8")
