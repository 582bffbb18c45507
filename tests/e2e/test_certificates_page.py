"""docs/certificates.md names all that the plugin for tests brings; the page itself is run by test_pages.py."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).resolve().parents[2] / "docs/certificates.md").read_text(encoding="utf-8")


def test_every_fixture_is_named() -> None:
    """The page names all that the plugin brings."""
    from strongroom.testing import tls

    source = Path(tls.__file__).read_text(encoding="utf-8")
    fixtures = re.findall(r"^@pytest\.fixture.*\ndef (\w+)", source, re.MULTILINE)
    assert len(fixtures) == 9
    assert [name for name in fixtures if name not in PAGE] == []
