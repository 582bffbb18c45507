"""``edit``, with editors that save, fail, crash, dawdle and leave things behind."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

EDITOR = """\
import json, os, stat, subprocess, sys
path = sys.argv[-1]
at = os.stat(path)
folder = os.stat(os.path.dirname(path))
kind = subprocess.run(["stat", "-f", "-c", "%T", path], capture_output=True, text=True).stdout.strip()
report = {"path": path, "mode": stat.S_IMODE(at.st_mode), "folder": stat.S_IMODE(folder.st_mode), "kind": kind,
          "was": open(path).read()}
json.dump(report, open(os.environ["REPORT"], "w"))
exec(os.environ["EDIT"])
"""


class Editing:
    """``strongroom edit`` with an editor that does what a piece of Python says."""

    def __init__(self, machine) -> None:
        self.machine = machine
        self.script = machine.home / "editor.py"
        self.script.write_text(EDITOR)
        self.report_file = machine.home / "report"

    def run(self, edit: str, *words: str):
        environment = {
            **self.machine.environment,
            "EDITOR": f"{sys.executable} -S {self.script}",
            "EDIT": edit,
            "REPORT": str(self.report_file),
        }
        return self.machine.run("edit", *words, environment=environment)

    @property
    def report(self) -> dict:
        return json.loads(self.report_file.read_text())


@pytest.fixture
def editing(keyed) -> Editing:
    """An editor, and an item to edit."""
    content = {"username": "dustin", "password": "canary\u202e\n", "cert": {"$bytes": "AP8="}}
    keyed.run("set", "bank", "--json", stdin=json.dumps(content).encode())
    return Editing(keyed)


def test_edit_shows_and_stores(editing) -> None:
    """The editor sees the item in a private file in memory; what it saves is the next version; the file is gone."""
    done = editing.run(
        "item = json.loads(open(path).read()); item['password'] = 'new'; del item['cert']; item['note'] = 'x';"
        "open(path, 'w').write(json.dumps(item))",
        "bank",
    )
    assert (done.code, done.err) == (0, "strongroom: stored bank, version 2\n")
    report = editing.report
    assert (report["mode"], report["folder"], report["kind"]) == (0o600, 0o700, "tmpfs")
    assert "\u202e" not in report["was"]
    assert json.loads(report["was"])["password"] == "canary\u202e\n"
    assert not os.path.exists(os.path.dirname(report["path"]))
    shown = json.loads(editing.machine.run("get", "bank", "--json").out)
    assert shown["fields"] == {"username": "dustin", "password": "new", "note": "x"}
    assert shown["secret"] == ["password"]


def test_edit_without_a_change(editing) -> None:
    """An unchanged, reformatted or emptied text is no new version."""
    reformat = "item = json.loads(open(path).read()); open(path, 'w').write(json.dumps(item))"
    for edit in ("", "open(path, 'w')", reformat):
        done = editing.run(edit, "bank")
        assert (done.code, done.err) == (0, "strongroom: bank is unchanged\n")
    assert len(editing.machine.run("log", "bank").text.splitlines()) == 1


def test_edit_makes_a_new_item(editing) -> None:
    """An item that is not there begins empty; one that was deleted is not overwritten."""
    assert editing.run("open(path, 'w').write('{\"user\": \"x\"}')", "new/item").code == 0
    assert editing.machine.run("get", "new/item").out == b"x"
    assert editing.run("", "other").err == "strongroom: other is unchanged\n"
    editing.machine.run("rm", "bank")
    done = editing.run("", "bank")
    assert done.code == 4
    assert "strongroom restore bank" in done.err


def test_a_failing_editor_stores_nothing(editing) -> None:
    """An editor that fails, crashes or is missing leaves the item as it was, and no file."""
    change = "open(path, 'w').write('{\"a\": \"b\"}');"
    cases = {"sys.exit(3)": "ended with exit code 3", "os.kill(os.getpid(), 9)": "was ended by signal 9"}
    for end, words in cases.items():
        done = editing.run(change + end, "bank")
        assert done.code == 8
        assert words in done.err
        assert not os.path.exists(os.path.dirname(editing.report["path"]))
    done = editing.machine.run("edit", "bank", environment={**editing.machine.environment, "EDITOR": "no-such-editor"})
    assert done.code == 2
    assert "cannot start the editor no-such-editor" in done.err
    assert len(editing.machine.run("log", "bank").text.splitlines()) == 1


def test_edit_against_a_faster_writer(editing) -> None:
    """Somebody who stores while the editor is open is not overwritten: exit 10."""
    program = [sys.executable, "-m", "strongroom", "set", "bank", "username=faster"]
    edit = f"subprocess.run({program!r}, check=True); open(path, 'w').write('{{\"a\": \"b\"}}')"
    assert editing.run(edit, "bank").code == 10
    assert editing.machine.run("get", "bank", "username").out == b"faster"


def test_edit_leaves_nothing_in_memory_files(editing) -> None:
    """What the editor put beside the file, links and folders too, is gone with it."""
    edit = (
        "d = os.path.dirname(path); open(d + '/.item.swp', 'w').write('x'); os.mkdir(d + '/deep');"
        "open(d + '/deep/er', 'w').write('x'); os.symlink('/etc', d + '/link'); os.symlink('/nowhere', d + '/dead')"
    )
    assert editing.run(edit, "bank").code == 0
    assert not os.path.exists(os.path.dirname(editing.report["path"]))
    assert os.path.exists("/etc/passwd")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_edit_that_is_killed_wipes_its_file(editing, number: int) -> None:
    """A signal that ends strongroom while the editor is open still takes the file away."""
    environment = {
        **editing.machine.environment,
        "EDITOR": f"{sys.executable} -S {editing.script}",
        "EDIT": "import time; time.sleep(60)",
        "REPORT": str(editing.report_file),
    }
    with editing.machine.at_terminal("edit", "bank", environment=environment) as person:
        deadline = time.monotonic() + 60
        while not (editing.report_file.exists() and editing.report_file.read_text().endswith("}")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        folder = Path(editing.report["path"]).parent
        assert folder.exists()
        os.killpg(person.process.pid, number)
        assert person.ends() == -number
        assert not folder.exists()


def test_edit_offers_to_correct_a_mistake(editing) -> None:
    """On a terminal wrong JSON can be edited again; a no stores nothing and is exit 2."""
    environment = {
        **editing.machine.environment,
        "EDITOR": f"{sys.executable} -S {editing.script}",
        "EDIT": "text = open(path).read(); open(path, 'w').write('{oops' if 'oops' not in text else '{\"a\": \"b\"}')",
        "REPORT": str(editing.report_file),
    }
    with editing.machine.at_terminal("edit", "bank", environment=environment) as person:
        person.sees("strongroom: this is not JSON: line 1, column 2").sees("Edit it again? [Y/n] ").types("")
        assert person.ends() == 0
    assert editing.machine.run("get", "bank", "a").out == b"b"
    with editing.machine.at_terminal("edit", "bank", environment=environment) as person:
        person.sees("Edit it again? [Y/n] ").types("n")
        assert person.ends() == 2
    assert len(editing.machine.run("log", "bank").text.splitlines()) == 2


def test_an_edit_that_was_killed(editing) -> None:
    """Its text stays in memory; doctor names it, and the next edit wipes and removes it, and says so."""
    killed = editing.run("import signal; os.kill(os.getppid(), signal.SIGKILL)", "bank")
    assert killed.code == -signal.SIGKILL
    folder = os.path.dirname(editing.report["path"])
    assert os.listdir(folder) == ["item.json"]
    found = editing.machine.run("doctor")
    assert f"an edit that was killed left its text in memory, at {folder}" in found.text
    assert f"rm -r {folder}" in found.text
    with open(f"{folder}/item.json", "rb") as left:
        done = editing.run("", "bank")
        assert f"strongroom: wiped what an edit that was killed had left: {folder}\n" in done.err
        assert not left.read().strip(b"\0")
    assert not os.path.exists(folder)
    assert folder not in editing.machine.run("doctor").text
