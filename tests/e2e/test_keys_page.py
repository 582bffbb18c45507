"""docs/keys.md: the grant that it names is one; the page itself is run by test_pages.py."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).resolve().parents[2] / "docs/keys.md").read_text(encoding="utf-8")


def test_the_pages_grant_is_one(keyed) -> None:
    """With a user that is here in the place of www."""
    (line,) = re.findall(r"`strongroom (grant add [^`]*)`", PAGE)
    words = line.replace("'", "").replace("www", "daemon").split()
    assert keyed.run(*words).code == 0
    for path, capability, code in (
        ("@keys/sessions", "read", 0),
        ("@uses/sessions/1", "create", 0),
        ("@uses/sessions/1", "update", 0),
        ("@keys/other", "read", 5),
        ("@keys/sessions", "update", 5),
    ):
        assert keyed.run("grant", "test", path, capability, "--user", "daemon").code == code, path
