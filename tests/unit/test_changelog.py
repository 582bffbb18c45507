"""A release collects the fragments, each once, and leaves none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from distribution.changelog import ROOT, release


def test_a_release_takes_every_fragment(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "changelog", tmp_path / "changelog")
    shutil.copy(ROOT / "CHANGELOG.md", tmp_path)
    fragments = [one.read_text() for one in (tmp_path / "changelog" / "unreleased").glob("*.md")]
    assert release(tmp_path, "9.8.7", "2026-01-02") == len(fragments) > 100
    page = (tmp_path / "CHANGELOG.md").read_text()
    assert "## 9.8.7 (2026-01-02)\n" in page
    for fragment in fragments:
        assert page.count("* " + " ".join(fragment.split()) + "\n") == 1
    assert not list((tmp_path / "changelog" / "unreleased").glob("*.md"))
    with pytest.raises(ValueError, match="nothing"):
        release(tmp_path, "9.8.8", "2026-01-03")


def test_newer_sections_stand_above(tmp_path: Path) -> None:
    shutil.copy(ROOT / "CHANGELOG.md", tmp_path)
    place = tmp_path / "changelog" / "unreleased"
    place.mkdir(parents=True)
    for version in ("1.0", "1.1"):
        (place / "one.md").write_text(f"What {version}\nbrought.\n")
        release(tmp_path, version, "2026-01-02")
    page = (tmp_path / "CHANGELOG.md").read_text()
    assert page.index("## 1.1 (") < page.index("* What 1.1 brought.") < page.index("## 1.0 (")
