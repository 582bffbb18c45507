"""What came of the mutants: kept as JSON, judged by `examined.toml`, and shown as the table of docs/testing.md."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.mutants.making import ROOT, Mutant

KEPT = ROOT / "bench" / "results" / "mutants.json"
EXAMINED = Path(__file__).with_name("examined.toml")
PAGE = ROOT / "docs" / "testing.md"
START, END = "<!-- made by `python -m tests.mutants --keep` -->\n", "<!-- end -->"
FOUND = ("killed", "timed out")
NOT_TRIED = "not tried"
LIVE = ("survived", "untested")
ALIVE = "alive"
REASONS = ("same", "words", "elsewhere")
"""It does the same; it only says something in other words; a test that is not among the fast ones fails."""


class Module(NamedTuple):
    """What came of one module's mutants.

    Attributes:
        code, texts: how many of the mutants ended how; texts are the words of errors.
        survivors: those of the code that live.
    """

    code: Counter[str]
    texts: Counter[str]
    survivors: list[str]


Modules = dict[str, Module]


def place_of(mutant: Mutant) -> str:
    """How `examined.toml` names it."""
    again = f" [{mutant.nth}]" if mutant.nth > 1 else ""
    return f"{mutant.function}: {mutant.before} => {mutant.after}{again}"


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


def kept(outcomes: Iterable[tuple[Mutant, str]]) -> Modules:
    """What is written down of a run, by module."""
    modules: Modules = {}
    for mutant, how in outcomes:
        one = modules.setdefault(mutant.module, Module(Counter(), Counter(), []))
        (one.texts if mutant.is_text else one.code)[ALIVE if how in LIVE else how] += 1
        if how in LIVE and not mutant.is_text:
            one.survivors.append(place_of(mutant))
    return modules


def tried_again(before: Modules, outcomes: Iterable[tuple[Mutant, str]]) -> Modules:
    """What was written down, after some of its survivors were tried again."""
    for mutant, how in outcomes:
        if how == NOT_TRIED or how in LIVE:
            continue
        one = before[mutant.module]
        one.survivors.remove(place_of(mutant))
        one.code[ALIVE] -= 1
        one.code[how] += 1
    return before


def table(modules: Modules) -> str:
    """The table of the page, with a line for all."""
    reasons = examined()
    rows = [
        "| module | mutants | tried | found | alive | same | words | elsewhere | score | with texts |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    total: Counter[str] = Counter()
    for name, one in sorted(modules.items()):
        if not one.code and not one.texts:
            continue
        line = _line(name, one, reasons)
        total.update(line)
        rows.append(_row(f"`{name}`", line))
    return "\n".join([*rows, _row("**all**", total)]) + "\n"


def _line(name: str, one: Module, reasons: Mapping[tuple[str, str], str]) -> Counter[str]:
    line = Counter(
        {
            "mutants": one.code.total() + one.texts.total(),
            "tried": one.code.total() - one.code[NOT_TRIED] - one.code["unfit"],
            "found": sum(one.code[how] for how in FOUND),
            "alive": len(one.survivors),
            "texts tried": one.texts.total() - one.texts[NOT_TRIED],
            "texts found": sum(one.texts[how] for how in FOUND),
        }
    )
    line.update(reasons.get((name, place), "unexamined") for place in one.survivors)
    return line


def _row(name: str, line: Mapping[str, int]) -> str:
    numbers = [line.get(what, 0) for what in ("mutants", "tried", "found", "alive", *REASONS)]
    found, tried = line.get("found", 0), line.get("tried", 0)
    scores = [_share(found, tried), _share(found + line.get("texts found", 0), tried + line.get("texts tried", 0))]
    return "| " + " | ".join([name, *(f"{number:,}" for number in numbers), *scores]) + " |"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else ""


def written(page: str, modules: Modules) -> str:
    """The page with the table in it."""
    start = page.index(START) + len(START)
    return page[:start] + table(modules) + page[page.index(END, start) :]


def unexamined(modules: Modules) -> list[str]:
    """Mutants that live without a reason."""
    reasons = examined()
    alive = [(name, place) for name, one in sorted(modules.items()) for place in one.survivors]
    return [f"{name}: {place}" for name, place in alive if (name, place) not in reasons]


def load() -> Modules:
    """What was kept last."""
    found = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    return {name: Module(Counter(one["code"]), Counter(one["texts"]), one["survivors"]) for name, one in found.items()}


def keep(modules: Modules) -> None:
    """Write these down, beside what was kept of other modules, and the page from all."""
    known = {**load(), **modules}
    data = {
        name: {"code": _sorted(one.code), "texts": _sorted(one.texts), "survivors": sorted(one.survivors)}
        for name, one in sorted(known.items())
    }
    KEPT.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), known), encoding="utf-8")


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return {how: number for how, number in sorted(counts.items()) if number}
