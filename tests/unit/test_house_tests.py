"""The rules for tests themselves: each of them can fail, and no assertion is true whatever happens."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]

# Calls that fail by themselves.
FAILING = ("raises", "fail", "warns", "check_call", "check_output", "raise_for_status", "check_returncode")

Functions = dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]]


def called(node: ast.Call) -> str:
    """The last part of the name of what is called."""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def fails_itself(function: ast.AST) -> bool:
    """Whether there is an assertion, a raise, or a call that fails by itself in *function*."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert | ast.Raise):
            return True
        if isinstance(node, ast.Call):
            name = called(node)
            # ``subprocess.run(..., check=True)``, and ``assert_...`` of unittest, Hypothesis and Django.
            is_checked = any(one.arg == "check" and getattr(one.value, "value", None) is True for one in node.keywords)
            if is_checked or name in FAILING or name.startswith("assert"):
                return True
    return False


def names_in(function: ast.AST) -> set[str]:
    """What *function* calls or names, such as a helper."""
    found = {called(node) for node in ast.walk(function) if isinstance(node, ast.Call)}
    return found | {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}


def functions_of(trees: list[ast.Module]) -> Functions:
    """Every function of the tests, by its name: a helper may be in another file."""
    found: Functions = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found.setdefault(node.name, []).append(node)
    return found


def unfailing(functions: Functions) -> list[str]:
    """The tests in which nothing is checked, by themselves or by the helpers that they lead to."""
    failing = {name for name, several in functions.items() if any(fails_itself(one) for one in several)}
    leads_to = {name: set().union(*map(names_in, several)) for name, several in functions.items()}
    while more := {name for name in leads_to.keys() - failing if leads_to[name] & failing}:
        failing |= more
    tests = [(name, one) for name, several in functions.items() if name.startswith("test_") for one in several]
    return sorted(name for name, one in tests if not fails_itself(one) and not names_in(one) & failing)


def always_true(tree: ast.AST) -> list[str]:
    """Assertions that hold whatever happens."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            test = node.test
            parts = test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or) else [test]
            if any(is_true(part) for part in parts):
                found.append(ast.unparse(test))
    return found


def is_true(test: ast.expr) -> bool:
    """Whether this is true whatever happens: a constant, a generator, a list in its brackets, a length of 0 or more."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.Tuple | ast.List | ast.Set):
        return bool(test.elts)
    if isinstance(test, ast.GeneratorExp | ast.Lambda):
        return True
    return isinstance(test, ast.Compare) and (
        ast.unparse(test).startswith("len(") and ast.unparse(test).endswith((">= 0", "> -1"))
    )


@pytest.fixture(scope="module")
def trees() -> list[ast.Module]:
    return [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(TESTS.rglob("*.py"))]


def test_every_test_can_fail(trees: list[ast.Module]) -> None:
    """Each asserts something, expects an error, or calls a helper of the tests that does."""
    functions = functions_of(trees)
    assert sum(name.startswith("test_") for name in functions) > 2_000
    assert unfailing(functions) == []


def test_no_assertion_is_always_true(trees: list[ast.Module]) -> None:
    """Nothing is asserted that no defect could make false."""
    assert [one for tree in trees for one in always_true(tree)] == []


PLANTED = '''
def look():
    return vault.get("a")

def compare(one):
    assert one

def both(one):
    compare(one)

def test_nothing():
    vault.get("a")

def test_helper_that_checks_nothing():
    look()

def test_helper_that_checks():
    both(look())

def test_error():
    with pytest.raises(ValueError):
        look()
'''

ALWAYS = ("x or True", "(x, 'said')", "len(x) >= 0", "[x for x in y] or 'said'", "(x for x in y)")
SOMETIMES = ("x", "x or y", "len(x) > 0", "x == (1, 2)", "[]", "x >= 0", "False")


def test_the_search_sees_what_is_planted() -> None:
    """Tests and assertions that are worth nothing are found, and others are not."""
    assert unfailing(functions_of([ast.parse(PLANTED)])) == [
        "test_helper_that_checks_nothing",
        "test_nothing",
    ]
    assert [bool(always_true(ast.parse(f"assert {one}"))) for one in ALWAYS] == [True] * len(ALWAYS)
    assert [bool(always_true(ast.parse(f"assert {one}"))) for one in SOMETIMES] == [False] * len(SOMETIMES)
