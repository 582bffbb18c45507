"""Makes the pictures of docs/pictures anew: the drawings from their tables, the screens from what is on them now."""

from __future__ import annotations

import tempfile
from pathlib import Path

from docs.builder.blocks import ROOT
from docs.builder.drawings import DRAWINGS, drawing
from docs.builder.screens import SCREENS, lines, picture
from docs.builder.terminal import Machine

PICTURES = ROOT / "docs" / "pictures"


def draw() -> list[Path]:
    """Write all of them; their paths."""
    PICTURES.mkdir(exist_ok=True)
    for name, table in DRAWINGS.items():
        (PICTURES / name).write_text(drawing(*table), encoding="utf-8")
    for name, screen in SCREENS.items():
        with tempfile.TemporaryDirectory() as directory, Machine(Path(directory)) as machine:
            (PICTURES / name).write_text(picture(screen, lines(screen, machine)), encoding="utf-8")
    return [PICTURES / name for name in (*DRAWINGS, *SCREENS)]
