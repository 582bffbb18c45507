"""Every documented command under the eyes of another program: process list, environments, files, modes, names.

One life is lived with a umask of 0, under strace, while a watcher reads /proc; what it saw is judged here.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults import strace
from tests.faults.every_command import LIFE, Case, Home, left_out, processes_of, wait_until_gone
from tests.faults.output_names import ROWS, names_written, shorten
from tests.faults.test_no_plaintext import encodings

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
    strace.needs_strace(),
]


class Watcher:
    """Looks at the command line and the environment of a home's processes for as long as it runs."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.seen: dict[int, set[bytes]] = {}
        self._has_begun = threading.Event()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Watcher:
        self._thread.start()
        self._has_begun.wait()
        return self

    def wait_for(self, process: subprocess.Popen[bytes]) -> None:
        """Return when it was seen, or has ended unseen, as it may where everything is slow."""
        while process.pid not in self.seen and process.poll() is None:
            time.sleep(0.001)

    def __exit__(self, *_exc: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        # What runs already is nobody's here, and would be most of what there is to read.
        others = {int(entry) for entry in os.listdir("/proc") if entry.isdigit()}
        self._has_begun.set()
        # Nothing lives for less than ten times as long.
        while not self._is_over.wait(0.005):
            for process in processes_of(self.home.home, but=others):
                for name in ("cmdline", "environ", "comm"):
                    try:
                        shown = Path(f"/proc/{process}/{name}").read_bytes()
                    except OSError:
                        continue  # it has gone
                    self.seen.setdefault(process, set()).add(shown)

    def found(self) -> list[str]:
        """The secrets that were shown."""
        shown = b"\n".join(text for texts in list(self.seen.values()) for text in texts)
        return [name for name, word in self.home.secrets.items() if word.encode() in shown]


class Life:
    """What was seen of one life."""

    def __init__(self, root: Path, mode: int, *, is_traced: bool) -> None:
        self.traces = root / "traces"
        self.traces.mkdir()
        self.home = Home(root, traces=self.traces if is_traced else None)
        self.shown: list[str] = []
        self.open: list[str] = []
        self.started: list[int] = []
        with umask(mode), Watcher(self.home) as self.watcher:
            for case, out, err in self.home.live(self._start):
                self.open += [f"{case.words}: {line}" for line in open_to_others(self.home)]
                said = err if case.shows else out + err
                self.shown += [f"{case.words}: {name}" for name in self.watcher.found()]
                words = self.home.secrets.items()
                self.shown += [f"{case.words} says {name}" for name, word in words if word.encode() in said]
        wait_until_gone(self.home.home)

    def _start(self, _case: Case, process: subprocess.Popen[bytes]) -> None:
        self.started.append(process.pid)
        self.watcher.wait_for(process)


@contextmanager
def umask(mode: int) -> Iterator[None]:
    before = os.umask(mode)
    try:
        yield
    finally:
        os.umask(before)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    """A life with a umask of 0."""
    return Life(tmp_path_factory.mktemp("life"), 0, is_traced=True)


def search(place: Path, words: dict[str, str]) -> list[str]:
    """Where a secret lies in a file or a name, in any encoding."""
    found = []
    patterns = [(name, how, pattern) for name, word in words.items() for how, pattern in encodings(word)]
    for path in sorted(place.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        for name, how, pattern in patterns:
            if pattern in content or pattern in os.fsencode(path.name):
                found.append(f"{name} as {how} in {path.name}")
    return found


def left_in(home: Home) -> list[Path]:
    """Everything below the home, and what was written beside it."""
    given = ("certificate", "identity", "edited.json", "template", "app.env", "hash", "values.json", "shared.json")
    beside = [path for path in (home.root / "outside").iterdir() if path.name not in given]
    return [*home.home.rglob("*"), *beside]


def open_to_others(home: Home) -> list[str]:
    """What group or others may write, or read if it is not made for them; sockets and directories included."""
    found = []
    for path in left_in(home):
        name = shorten(str(path), home.root)
        is_public = name in ROWS and ROWS[name].is_public
        status = path.lstat()
        if name in ROWS and ROWS[name].is_ordinary:
            continue
        if stat.S_IMODE(status.st_mode) & (0o022 if is_public else 0o077) and not stat.S_ISLNK(status.st_mode):
            found.append(f"{name} {status.st_mode:o}")
    return found


def test_every_command_has_a_case() -> None:
    """A new verb or action is added to the life that is watched here."""
    assert left_out() == set()


def test_no_secret_is_shown_by_any_process(life: Life) -> None:
    """Command lines and environments of every command, of the agent and of the editor, and what commands print."""
    assert life.shown == []
    assert len(set(life.started) & set(life.watcher.seen)) > 0.8 * len(LIFE), "the watcher is too slow"
    # And of what they start: an editor may be gone too soon to be seen, the agent is not.
    assert set(life.watcher.seen) - set(life.started)


def test_no_program_is_started_with_a_secret(life: Life) -> None:
    """What the kernel is asked to start, with all of its environment."""
    lines = (line for trace in life.traces.iterdir() for line in trace.read_text(errors="replace").splitlines())
    started = "\n".join(line for line in lines if "execve(" in line)
    assert started.count("execve(") > len(LIFE)
    for program in ("/bin/cp", '"agent-process"'):
        assert program in started
    assert [name for name, word in life.home.secrets.items() if word in started] == []


def test_every_name_that_is_written_has_a_row(life: Life) -> None:
    """So that something is planted at it, or that it is said why nobody can: `output_names`."""
    written = names_written(life.traces, life.home.root)
    # Where the suite runs, the measuring of coverage writes.
    assert written - set(ROWS) - {shorten(os.getcwd(), life.home.root)} == set(), "a new output name"
    assert {name for name, row in ROWS.items() if not row.is_rare} - written == set(), "no longer written"


@pytest.mark.parametrize("mode", [0, 0o077])
def test_what_is_left_is_private_and_holds_nothing(life: Life, tmp_path: Path, mode: int) -> None:
    """Whatever the umask: only the files that are meant to be there, for nobody else, without a secret in them."""
    lived = life if not mode else Life(tmp_path, mode, is_traced=False)
    assert lived.open == []
    names = {shorten(str(path), lived.home.root) for path in left_in(lived.home)}
    assert names - {name for name, row in ROWS.items() if row.commands} == set()
    assert search(lived.home.home, lived.home.secrets) == []
    # An editor that is at work in another test has a directory there, too.
    left = [place for place in Path("/dev/shm").glob("strongroom-*") if place.is_dir()]
    assert [line for place in left for line in search(place, lived.home.secrets)] == []


def test_the_watcher_sees(tmp_path: Path) -> None:
    """A program that is given a secret as an argument, or in its environment."""
    home = Home(tmp_path)
    words = home.secrets
    for how, arguments, more in (
        ("argument", [words["password"]], {}),
        ("environment", [], {"SECRET": words["password"]}),
    ):
        with Watcher(home) as watcher:
            subprocess.run(
                [sys.executable, "-c", "import time; time.sleep(0.3)", *arguments],
                env={**home.environment, **more}, check=True,
            )  # fmt: skip
        assert watcher.found() == ["password"], how


def test_the_search_sees(tmp_path: Path) -> None:
    """A file that was forgotten, one that is open to others, and a core image."""
    home = Home(tmp_path)
    (home.home / "core").write_bytes(b"\0" * 99 + home.secrets["again"].encode() + b"\0")
    (home.home / "core").chmod(0o644)
    assert "again as utf-8 in core" in search(home.home, home.secrets)
    assert open_to_others(home) == ["core 100644"]
    assert shorten(str(home.home / "core"), home.root) not in ROWS
