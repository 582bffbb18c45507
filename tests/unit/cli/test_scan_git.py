"""What a scan gets from git, and what it makes of a repository that is broken, foreign or not whole."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.scan_git import Object, Repository, repository_of
from strongroom.doors.cli.scan_sources import BATCH_BYTES, Objects, Source, source_for
from strongroom.errors import StoreUnavailable
from tests.peers import require_programs


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    require_programs("git")
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"):
        monkeypatch.setenv(name, "a")
    for name in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "a@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


def git(directory: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(directory), *words], capture_output=True, text=True)
    assert done.returncode == 0, done
    return done.stdout


@pytest.fixture
def work_tree(tmp_path: Path) -> Path:
    """Two commits; a file with a strange name, an empty one, and the same content twice."""
    place = tmp_path / "work"
    place.mkdir()
    git(place, "init", "-q", "-b", "main")
    (place / "strange \n name").write_text("one\n")
    (place / "empty").write_text("")
    git(place, "add", "-A")
    git(place, "commit", "-q", "-m", "first")
    (place / "copy").write_text("one\n")
    (place / "large").write_bytes(b"x" * (BATCH_BYTES + 10))
    git(place, "add", "-A")
    git(place, "commit", "-q", "-m", "second")
    return place


def texts(source: Source) -> list[bytes]:
    return [piece.data for batch in source.batches() for piece in batch if not piece.is_name]


def test_every_object_comes_once(work_tree: Path) -> None:
    """The same content under two names is one blob; commits are texts, too; trees are not."""
    source = source_for(str(work_tree), staged=False, history=True, ignored=False)
    assert isinstance(source, Objects)
    found = texts(source)
    assert found.count(b"one\n") == 1
    assert sum(b"\nsecond\n" in one for one in found) == 1
    assert source.count == 5
    assert sum(one.startswith(b"x") for one in found) == 2
    pieces = [piece for batch in source.batches() for piece in batch]
    assert sum(piece.new_bytes for piece in pieces) == source.total


def test_what_is_staged_comes_with_its_name(work_tree: Path) -> None:
    """As bytes; removed files and modes alone do not."""
    (work_tree / "strange \n name").write_text("two\n")
    (work_tree / "copy").unlink()
    (work_tree / "empty").chmod(0o755)
    git(work_tree, "add", "-A")
    repository = repository_of(str(work_tree), is_needed=True)
    assert repository is not None
    staged = {one.path: one.size for one in repository.staged()}
    assert staged == {"strange \n name": 4, "empty": 0}
    inside = work_tree / "folder"
    inside.mkdir()
    assert {one.path for one in Repository(str(inside)).staged()} == set(staged)


def test_an_object_that_is_gone_is_an_error(work_tree: Path) -> None:
    """And not a clean scan."""
    repository = Repository(str(work_tree))
    with pytest.raises(StoreUnavailable, match="git has no object"):
        list(repository.contents([Object("blob", "0" * 40, 1, "x")]))
    blob = git(work_tree, "rev-parse", "HEAD:large").strip()
    (work_tree / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(StoreUnavailable, match="history"):
        repository.history()


def test_a_reader_that_stops_early_leaves_no_process(work_tree: Path) -> None:
    """Nor one that waits for its pipe."""
    before = children()
    source = source_for(str(work_tree), staged=False, history=True, ignored=False)
    pieces = source.pieces()
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert children() <= before


def children() -> set[str]:
    """The processes that this one has started; a server of another test's may be among them."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def test_a_commit_is_named_for_blobs_alone(work_tree: Path) -> None:
    """The oldest that brought it."""
    repository = Repository(str(work_tree))
    first = git(work_tree, "rev-parse", "--short", "HEAD^").strip()
    blob = git(work_tree, "rev-parse", "HEAD:copy").strip()
    assert repository.commit_with(blob).startswith(f"{first} of 20")
    assert repository.commit_with("0" * 40) == ""


def test_where_there_is_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain directory has none, which is an error only where one is needed; without git likewise."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert repository_of(str(tmp_path), is_needed=False) is None
    with pytest.raises(UsageError, match="no git work tree"):
        repository_of(str(tmp_path), is_needed=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert repository_of(str(tmp_path), is_needed=False) is None
    with pytest.raises(UsageError, match="no git on this machine"):
        repository_of(str(tmp_path), is_needed=True)


def test_a_repository_that_git_refuses_is_not_taken_for_a_plain_directory(work_tree: Path) -> None:
    """Git's own settings say which files to pass over; nothing is guessed where they cannot be read."""
    (work_tree / ".git" / "config").write_text("[core\n")
    with pytest.raises(StoreUnavailable, match="git does not read"):
        repository_of(str(work_tree), is_needed=False)
    with pytest.raises(StoreUnavailable, match="git ls-files failed"):
        Repository(str(work_tree)).names("ls-files", "-z")


def test_the_index_of_a_commit_under_way_is_used(work_tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`git commit -a` gives its hook another index than the one of the repository."""
    (work_tree / "copy").write_text("changed\n")
    other = work_tree / ".git" / "other-index"
    other.write_bytes((work_tree / ".git" / "index").read_bytes())
    monkeypatch.setenv("GIT_INDEX_FILE", str(other))
    git(work_tree, "add", "copy")
    assert [one.path for one in Repository(str(work_tree)).staged()] == ["copy"]
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert Repository(str(work_tree)).staged() == []
