"""A server that forks after the keys were opened: no nonce comes twice, and a rotation arrives in every child."""

from __future__ import annotations

from pathlib import Path

from tests.django.forked_writers import ALONE, CHILDREN, ROWS
from tests.django.runner import run_beside


def test_children_write_and_read_with_the_keys_that_their_parent_opened(tmp_path: Path) -> None:
    """As gunicorn does it with ``--preload``: three children, each before and after a rotation."""
    printed = run_beside("forked_writers", tmp_path, seconds=400)
    each = ROWS + ALONE
    before, after = (CHILDREN + 2) * each, CHILDREN * each
    said = f"{before + after} values, {before + after} nonces, {before} and {after} under each version"
    assert printed[-1] == said
