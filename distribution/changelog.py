"""A release's section of CHANGELOG.md, out of the fragments, which are removed.

    python -m distribution.changelog 0.1.0
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MARK = "\n---\n"


def release(root: Path, version: str, day: str) -> int:
    """Move what ``changelog/unreleased`` holds into the newest section of ``CHANGELOG.md``.

    Returns: how many fragments there were.
    Raises: ValueError: there is none, or the page has no place for it.
    """
    fragments = sorted((root / "changelog" / "unreleased").glob("*.md"))
    page = root / "CHANGELOG.md"
    before, mark, after = page.read_text(encoding="utf-8").partition(MARK)
    if not fragments or not mark:
        raise ValueError("there is nothing to release, or no place for it in CHANGELOG.md")
    lines = [f"* {' '.join(fragment.read_text(encoding='utf-8').split())}\n" for fragment in fragments]
    # The page first: what is written twice can be seen, and what is lost can not.
    page.write_text(f"{before}{mark}\n## {version} ({day})\n{''.join(lines)}{after}", encoding="utf-8")
    for fragment in fragments:
        fragment.unlink()
    return len(fragments)


if __name__ == "__main__":
    count = release(ROOT, sys.argv[1], datetime.now(UTC).date().isoformat())
    sys.stdout.write(f"{count} fragments are in CHANGELOG.md\n")
