"""docs/files-in-git.md: its Python runs as it stands, its commands are there, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from strongroom.doors.cli.commands.file import DETAILS
from tests.encrypted_files import ALICE, FILES, made, opened

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "files-in-git.md").read_text(encoding="utf-8")


def test_its_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the names that it has."""
    monkeypatch.chdir(tmp_path)
    Path("identity").write_text(f"{ALICE}\n")
    Path("app.secret.yaml").write_bytes(made(FILES["yaml"], "yaml"))
    [block] = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(block, "files-in-git.md", "exec"), names)
    assert names["password"] == "p&1"
    assert opened(Path("app.secret.yaml").read_bytes()).get("db.password").reveal() == "another one"


def test_its_commands_are_those_that_help_shows() -> None:
    """No action is named that there is not."""
    actions = set(re.findall(r"strongroom file ([a-z-]+)", PAGE)) | set(re.findall(r"`file ([a-z-]+)", PAGE))
    assert actions and actions <= set(re.findall(r"^  file ([a-z-]+)", DETAILS, re.MULTILINE))


@pytest.mark.parametrize("name", ["files-in-git.md", "format-files.md"])
def test_its_links_lead_somewhere(name: str) -> None:
    """To a page, and a heading of it."""
    links = re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", (DOCS / name).read_text(encoding="utf-8"))
    assert links
    for target, heading in links:
        page = DOCS / (target or name)
        assert page.is_file(), target
        headings = {
            re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
            for line in page.read_text(encoding="utf-8").splitlines()
            if line.startswith("#")
        }
        assert not heading or heading in headings, (target, heading)
