"""A Ctrl-C at every step of a call to the agent: the next call gets its own answer, and no half of the one before."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from strongroom.remote.agent import RemoteVault
from strongroom.remote.connection import AgentClient
from tests.faults.interrupting import at_calls, at_lines

IS_WHOLE = os.environ.get("STRONGROOM_FAULTS_WHOLE") == "1"


@pytest.mark.parametrize("interrupted", [at_lines, at_calls])
def test_the_next_call_gets_its_own_answer(
    client: AgentClient, interrupted: Callable[[int, Callable[[], object]], bool]
) -> None:
    """What was interrupted was done by the agent, whole, or not at all."""
    vault = RemoteVault(client, location="agent")
    vault.set("one", {"x": "0"})
    vault.set("two", {"x": "0", "y": "0"})
    number, before = 0, "0"
    while True:
        number += 1 if IS_WHOLE else 1 + number // 8
        value = str(number)

        def write(value: str = value) -> None:
            vault.set("one", {"x": value})
            vault.set("two", {"x": value, "y": value})
            vault.get("one", "x")

        is_over = not interrupted(number, write)
        vault.set("other", {"x": f"other {value}"})
        assert vault.get("other", "x").reveal() == f"other {value}"
        one, two = vault.get("one", "x").reveal(), vault.get("two")
        assert one in (before, value)
        assert two["x"].reveal() == two["y"].reveal()
        assert two["x"].reveal() in ((one, before) if one == value else (before,)), number
        vault.set("two", {"x": one, "y": one})
        before = one
        if is_over:
            break
    assert one == value
    assert number > 100
