"""The comparison with other programs: its page is what was measured, and the questions find what they look for."""

from __future__ import annotations

import json

import pytest

from bench.compare.more_programs import Strongroom
from bench.compare.programs import Plain
from bench.compare.programs_page import PAGE, RESULTS, ask, page
from bench.compare.questions import QUICK

OLDER = "one value's older ciphertext put back"


def test_the_page_says_what_was_measured() -> None:
    """`python -m bench.compare.programs_page --page` was run after the last change."""
    assert PAGE.read_text(encoding="utf-8") == page(json.loads(RESULTS.read_text(encoding="utf-8")))


def test_every_question_finds_what_it_looks_for() -> None:
    """A plain file, in which everything that a stranger does to it succeeds."""
    answers = ask(Plain, QUICK)
    held = {text: one.held for text, one in answers.items()}
    assert held.pop("another key") is None
    assert held.pop("from cron, without a terminal") is True
    assert set(held.values()) == {False}, answers


@pytest.mark.timeout(600)
def test_ours_holds() -> None:
    """Everything but an older state of one item, which the threat model names, and `verify` finds."""
    answers = ask(Strongroom, QUICK)
    assert {text for text, one in answers.items() if one.held is not True} == {OLDER}, answers
