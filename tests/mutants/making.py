"""Mutants of our modules: mutmut's, made into a copy of the package.

Only mutmut's operators are used: its own runner collects the tests anew for each mutant, which `session` does once.
"""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import libcst as cst
from mutmut.mutation.file_mutation import (
    Mutation,
    combine_mutations_to_source,
    create_mutations,
    group_by_top_level_node,
)

ROOT = Path(__file__).resolve().parents[2]
SWITCH = Path(__file__).with_name("switch.py")
_IMPORT = "from mutmut.mutation.trampoline import wrap_in_trampoline as _mutmut_mutated, MutantDict"
_OURS = "from mutant_switch import mutable as _mutmut_mutated, MutantDict"
_ORIGINAL = "_mutmut_orig"


class Mutant(NamedTuple):
    """One changed place.

    Attributes:
        name: the dotted module, and the function's name in mutmut's spelling with a number.
        module: the path below the package.
        before, after: the changed lines, put into one.
        is_text: it changes nothing but the words of an error that is raised.
        nth: which of several that look the same.
    """

    name: str
    module: str
    function: str
    before: str
    after: str
    is_text: bool
    nth: int = 1

    @property
    def place(self) -> tuple[str, str, str, str]:
        """What stays the same while other functions change."""
        return self.module, self.function, self.before, self.after


def make(source: Path, package: str, modules: list[str], place: Path) -> list[Mutant]:
    """Copy *package* from the directory *source* to *place*, with mutants in *modules*.

    Args:
        modules: paths below the package.
    """
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(source / package, place / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(SWITCH, place / "mutant_switch.py")
    found: list[Mutant] = []
    for module in modules:
        code = (source / package / module).read_text(encoding="utf-8")
        tree, mutations, ignored, ignored_functions = create_mutations(module, code)
        mutated = combine_mutations_to_source(tree, mutations, ignored, ignored_functions)
        (place / package / module).write_text(mutated.code.replace(_IMPORT, _OURS, 1), encoding="utf-8")
        dotted = f"{package}/{module}".removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        found += _described(dotted, module, tree, mutations)
    return found


def _described(dotted: str, module: str, tree: cst.Module, mutations: list[Mutation]) -> list[Mutant]:
    """The mutants in the order in which mutmut numbers them, function by function."""
    words = _TextsOfErrors()
    tree.visit(words)
    owners = {
        method: statement.name.value
        for statement in tree.body
        if isinstance(statement, cst.ClassDef)
        for method in statement.body.body
    }
    found: list[Mutant] = []
    seen: Counter[tuple[str, str, str]] = Counter()
    for function, changes in group_by_top_level_node(mutations).items():
        if not isinstance(function, cst.FunctionDef):
            continue
        owner, name = owners.get(function), function.name.value
        mangled = f"x\u01c1{owner}\u01c1{name}" if owner else f"x_{name}"
        text = tree.code_for_node(function).splitlines()
        for number, one in enumerate(changes, 1):
            if _is_same_codec(one):
                continue
            changed = tree.code_for_node(_replaced(function, one)).splitlines()
            before, after = _difference(text, changed)
            shown = f"{owner}.{name}" if owner else name
            seen[shown, before, after] += 1
            nth = seen[shown, before, after]
            numbered = f"{dotted}.{mangled}__mutmut_{number}"
            found.append(Mutant(numbered, module, shown, before, after, words.is_text(one), nth))
    return found


def _is_same_codec(one: Mutation) -> bool:
    """``"ASCII"`` in the place of ``"ascii"``, which no program can tell apart."""
    before, after = one.original_node, one.mutated_node
    if not isinstance(before, cst.SimpleString) or not isinstance(after, cst.SimpleString):
        return False
    return before.value.strip("'\"") in ("ascii", "utf-8") and before.value == after.value.lower()


def _replaced(function: cst.FunctionDef, one: Mutation) -> cst.FunctionDef:
    changed = function.deep_replace(one.original_node, one.mutated_node)
    assert isinstance(changed, cst.FunctionDef)
    return changed


def _difference(text: list[str], changed: list[str]) -> tuple[str, str]:
    """The lines between those that both begin and end with, each side put into one line."""
    first = 0
    while first < min(len(text), len(changed)) and text[first] == changed[first]:
        first += 1
    last = 0
    while last < min(len(text), len(changed)) - first and text[-1 - last] == changed[-1 - last]:
        last += 1
    before, after = text[first : len(text) - last], changed[first : len(changed) - last]
    return " ".join(line.strip() for line in before), " ".join(line.strip() for line in after)


class _TextsOfErrors(cst.CSTVisitor):
    """Collects what of a module is only the words of a raised error."""

    def __init__(self) -> None:
        super().__init__()
        self._literals: set[cst.CSTNode] = set()
        self._calls: set[cst.CSTNode] = set()
        self._depth = 0

    def visit_Raise(self, node: cst.Raise) -> None:
        self._depth += 1
        if isinstance(node.exc, cst.Call):
            self._calls.add(node.exc)

    def leave_Raise(self, original_node: cst.Raise) -> None:
        self._depth -= 1

    def visit_SimpleString(self, node: cst.SimpleString) -> None:
        if self._depth and "b" not in node.prefix.lower():
            self._literals.add(node)

    def is_text(self, one: Mutation) -> bool:
        """A literal inside a ``raise``, or such an argument of the error itself taken away."""
        if one.original_node in self._literals:
            return True
        if one.original_node not in self._calls:
            return False
        assert isinstance(one.original_node, cst.Call) and isinstance(one.mutated_node, cst.Call)
        kept = {id(argument) for argument in one.mutated_node.args}
        gone = [argument for argument in one.original_node.args if id(argument) not in kept]
        return bool(gone) and all(
            isinstance(argument.value, cst.BaseString) or (argument.keyword and argument.keyword.value == "advice")
            for argument in gone
        )
