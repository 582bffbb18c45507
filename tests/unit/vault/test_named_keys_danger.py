"""Who may take the private part of a named key out, or bring one in: those that are listed here."""

from __future__ import annotations

from pathlib import Path

import strongroom

SOURCE = Path(strongroom.__file__).parent


def test_danger_is_imported_by_name_and_by_few() -> None:
    """The command line does, where somebody asks for it; nothing else of ours."""
    found = {
        str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if "named_keys.danger" in path.read_text("utf-8")
    }
    assert found == {"doors/cli/key_uses.py"}
