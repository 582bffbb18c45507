"""Switches a mutant on in this process. Copied beside the mutated package, which imports it.

A function and its mutants lie side by side in a mutated module. Nothing is wrapped: switching one on gives
the function the mutant's code, wherever the function was imported to by then.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

MutantDict = dict[str, Any]
_FUNCTIONS: list[tuple[FunctionType, MutantDict]] = []


def mutable(mutants: MutantDict, is_classmethod: bool = False) -> Callable[[FunctionType], FunctionType]:
    """The decorator in mutated modules: remember the function and where its mutants will be found."""

    def remember(function: FunctionType) -> FunctionType:
        _FUNCTIONS.append((function, mutants))
        return function

    return remember


def functions() -> dict[CodeType, list[str]]:
    """The code of each function that has mutants, with their names."""
    return {
        function.__code__: [f"{function.__module__}.{name}" for name in mutants if not name.startswith("_mutmut_orig")]
        for function, mutants in _FUNCTIONS
    }


def switch_on(name: str) -> None:
    """Let the function behave as its mutant *name* does, from now on.

    Raises: KeyError: its module was not imported.
    """
    module, _, mutant = name.rpartition(".")
    for function, mutants in _FUNCTIONS:
        if function.__module__ == module and mutant in mutants:
            changed = mutants[mutant]
            changed = getattr(changed, "__func__", changed)  # a class method comes bound to its class
            if len(changed.__code__.co_freevars) != len(function.__code__.co_freevars):
                raise UnfitMutant(name)
            function.__code__ = changed.__code__
            function.__defaults__ = changed.__defaults__
            function.__kwdefaults__ = changed.__kwdefaults__
            return
    raise KeyError(name)


class UnfitMutant(Exception):
    """A mutant that took the one ``super()`` from its method: code without a cell does not fit in."""
