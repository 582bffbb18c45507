"""`strongroom scan`: the vault's own values are found in files, in what is staged and in the history, and not shown."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

import strongroom
from bench.leaks import PLACES, SECRETS, plant
from tests.e2e.conftest import Done, Machine
from tests.peers import npm_package, require_programs

GIT = {
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_CONFIG_NOSYSTEM": "1",
}  # fmt: skip
VALUES = [value.encode() for value in SECRETS.values()]


@pytest.fixture
def project(keyed: Machine) -> Machine:
    """A machine whose vault has the ten secrets, and a directory for a project."""
    require_programs("git")
    # The tools of this very environment, such as gitleaks, and the launcher that hooks call.
    keyed.environment["PATH"] = f"{os.path.dirname(sys.executable)}:/usr/bin:/bin"
    keyed.environment.update(GIT)
    with strongroom.open(keyed.vault, key_file=keyed.key) as vault:
        vault.set_many({path: {"password": value} for path, value in SECRETS.items()})
    (keyed.home / "project").mkdir()
    return keyed


def git(machine: Machine, *words: str, code: int = 0) -> Done:
    done = subprocess.run(
        ["git", *words], cwd=machine.home / "project", env=machine.full_environment(None), capture_output=True
    )
    assert done.returncode == code, done
    return Done(done.returncode, done.stdout, done.stderr.decode())


def commit(machine: Machine, message: str, *, code: int = 0) -> Done:
    git(machine, "add", "-A")
    return git(machine, "commit", "-q", "-m", message, code=code)


def places_of(done: Done) -> list[tuple[str, int, str]]:
    found = json.loads(done.text)["findings"]
    return sorted((one["file"], one["line"], one["name"].removesuffix("#password")) for one in found)


def shows_no_value(done: Done) -> bool:
    return not any(value in done.out + done.err.encode() for value in VALUES)


def test_fifteen_of_fifteen_planted_leaks_are_found_in_the_work_tree(project: Machine) -> None:
    """Each at its line; exit 13, and no value in what is printed."""
    plant(project.home / "project")
    done = project.run("scan", "project", "--json")
    assert done.code == 13, done
    assert places_of(done) == sorted((f"project/{file}", line, item) for file, line, item in PLACES)
    assert shows_no_value(done)
    lines = project.run("scan", "project")
    assert len(lines.text.splitlines()) == 15
    assert "project/settings.py:9: db/prod#password (percent-encoded)\n" in lines.text
    assert "looked for 10 values of 10 items in 12 files" in lines.err
    clean = project.run("scan", "project/mail.ini", "--prefix", "db/")
    assert (clean.code, clean.out) == (0, b"")


def test_a_git_work_tree_is_what_git_has_or_would_take(project: Machine) -> None:
    """What git ignores is scanned when it is asked for."""
    git(project, "init", "-q")
    root = project.home / "project"
    (root / ".gitignore").write_text(".env\n")
    (root / ".env").write_text(f"A={SECRETS['db/prod']}\n")
    (root / "tracked").write_text("nothing\n")
    commit(project, "first")
    (root / "new").write_text(f"A={SECRETS['test/user']}\n")
    (root / "tracked").unlink()
    assert places_of(project.run("scan", "project", "--json")) == [("project/new", 1, "test/user")]
    both = project.run("scan", "project", "--json", "--ignored")
    assert places_of(both) == [("project/.env", 1, "db/prod"), ("project/new", 1, "test/user")]
    (root / ".gitignore").write_text("build/\n")
    (root / "build").mkdir()
    (root / "build" / "made").write_text(f"A={SECRETS['db/prod']}\n")
    assert places_of(project.run("scan", "project/build", "--json")) == [("project/build/made", 1, "db/prod")]
    assert places_of(project.run("scan", "project/.env", "--json")) == [("project/.env", 1, "db/prod")]


def test_what_is_staged_is_scanned_as_it_is_staged(project: Machine) -> None:
    """Not as it lies in the work tree, and before there is any commit."""
    git(project, "init", "-q")
    root = project.home / "project"
    (root / "staged").write_text(f"one\ntwo {SECRETS['db/prod']}\n")
    git(project, "add", "staged")
    (root / "staged").write_text("clean again\n")
    (root / "other").write_text(f"{SECRETS['test/user']}\n")
    done = project.run("scan", "project", "--staged", "--json")
    assert done.code == 13
    assert places_of(done) == [("staged", 2, "db/prod")]
    git(project, "rm", "-q", "-f", "staged")
    assert project.run("scan", "project", "--staged").code == 0


def test_the_history_is_scanned_object_by_object(project: Machine) -> None:
    """Files that are gone, other branches, stashes, what a reset left, and messages; with their commit."""
    git(project, "init", "-q", "-b", "main")
    root = project.home / "project"
    (root / "a").write_text("first\n")
    commit(project, "clean")
    (root / "a").write_text(f"x\nkey = {SECRETS['aws/deploy']}\n")
    commit(project, "leak")
    leak = git(project, "rev-parse", "--short", "HEAD").text.strip()
    (root / "a").unlink()
    (root / "b").write_text("b\n")
    commit(project, "removed")
    git(project, "checkout", "-q", "-b", "side")
    (root / "c").write_text(f"{SECRETS['wifi/office']}\n")
    commit(project, "on a branch")
    git(project, "checkout", "-q", "main")
    (root / "b").write_text(f"{SECRETS['mail/smtp']}\n")
    git(project, "stash", "-q")
    (root / "b").write_text(f"{SECRETS['queue/prod']}\n")
    commit(project, "to be undone")
    git(project, "reset", "-q", "--hard", "HEAD^")
    git(project, "tag", "-a", "v1", "-m", f"release with {SECRETS['github/bot']}")
    done = project.run("scan", "project", "--history", "--json")
    assert done.code == 13, done
    found = json.loads(done.text)["findings"]
    by_item = {one["name"].removesuffix("#password"): one for one in found}
    assert set(by_item) == {"aws/deploy", "wifi/office", "mail/smtp", "queue/prod", "github/bot"}
    assert len(found) == 5
    assert (by_item["aws/deploy"]["file"], by_item["aws/deploy"]["line"]) == ("a", 2)
    assert by_item["aws/deploy"]["commit"].startswith(f"{leak} of 20")
    assert by_item["github/bot"]["file"].startswith("tag ")
    assert shows_no_value(done)


def test_the_hook_refuses_a_commit_that_holds_a_value(project: Machine) -> None:
    """It finds the program by its name; another hook is never replaced."""
    git(project, "init", "-q")
    root = project.home / "project"
    installed = project.run("scan", "project", "--install-hook", "--prefix", "db")
    assert installed.code == 0, installed
    hook = root / ".git" / "hooks" / "pre-commit"
    assert os.access(hook, os.X_OK)
    assert project.run("scan", "project", "--install-hook", "--prefix", "db").code == 0
    (root / "a").write_text(f"{SECRETS['db/prod']}\n")
    refused = commit(project, "leak", code=1)
    assert "a:1: db/prod#password" in refused.err
    (root / "a").write_text("clean\n")
    commit(project, "clean")
    hook.write_text("#!/bin/sh\nexit 0\n")
    taken = project.run("scan", "project", "--install-hook")
    assert taken.code == 10
    assert "strongroom scan --staged || exit" in taken.err
    assert hook.read_text() == "#!/bin/sh\nexit 0\n"


def test_a_commit_is_refused_when_nothing_can_be_looked_for(project: Machine) -> None:
    """Without a key the hook fails closed."""
    git(project, "init", "-q")
    assert project.run("scan", "project", "--install-hook").code == 0
    (project.home / "project" / "a").write_text("clean\n")
    del project.environment["STRONGROOM_KEY_FILE"]
    refused = commit(project, "clean", code=1)
    assert "strongroom:" in refused.err


def test_a_repository_cannot_run_its_programs_through_a_scan(project: Machine) -> None:
    """Its settings may name some; they came with it."""
    git(project, "init", "-q")
    root = project.home / "project"
    evil = root / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {project.home}/ran\n")
    evil.chmod(0o755)
    (root / ".gitattributes").write_text("* filter=evil diff=evil\n")
    (root / "a").write_text(f"{SECRETS['db/prod']}\n")
    commit(project, "first")
    for name in ("core.fsmonitor", "filter.evil.smudge", "filter.evil.clean", "diff.evil.textconv", "diff.external"):
        git(project, "config", name, str(evil))
    (root / "a").write_text(f"{SECRETS['db/prod']} again\n")
    for words in ([], ["--staged"], ["--history"]):
        project.run("scan", "project", *words)
    assert not (project.home / "ran").exists()


def test_a_name_that_is_a_value_is_found_and_not_shown(project: Machine) -> None:
    """Of a file and of a directory."""
    root = project.home / "project"
    (root / f"notes-{SECRETS['test/user']}.txt").write_text(f"{SECRETS['db/prod']}\n")
    done = project.run("scan", "project")
    assert done.code == 13
    assert shows_no_value(done)
    assert len(done.text.splitlines()) == 2


def test_long_files_are_scanned_in_pieces_that_overlap(project: Machine) -> None:
    """A value across each border of pieces is found once, at its line."""
    root = project.home / "project"
    piece = 512 * 1024
    lines = []
    for size in (piece - 8, piece - 20_000, piece - 65_536 - 5, 100):
        lines.append("x" * size + "\n" + SECRETS["db/prod"] + "\n")
    (root / "long").write_text("".join(lines))
    (root / "one-line").write_text("y" * 2_000_000 + SECRETS["test/user"] + "y" * 100)
    assert places_of(project.run("scan", "project", "--json")) == [
        ("project/long", 2, "db/prod"),
        ("project/long", 4, "db/prod"),
        ("project/long", 6, "db/prod"),
        ("project/long", 8, "db/prod"),
        ("project/one-line", 1, "test/user"),
    ]


def test_what_is_not_a_file_is_passed_over_and_what_cannot_be_read_is_said(project: Machine) -> None:
    """A pipe hangs nobody; a link is what it says, not where it leads."""
    root = project.home / "project"
    os.mkfifo(root / "pipe")
    (root / "link").symlink_to("/etc/passwd")
    (root / "told").symlink_to(SECRETS["queue/prod"])
    (root / "ok").write_text("clean\n")
    assert places_of(project.run("scan", "project", "--json")) == [("project/told", 1, "queue/prod")]
    (root / "told").unlink()
    assert project.run("scan", "project").code == 0
    assert project.run("scan", "project/none").code == 4


def test_short_values_are_left_out_and_named(project: Machine) -> None:
    """Whoever reads the output knows what was not looked for."""
    assert project.run("set", "card", "pin", stdin=b"1234").code == 0
    (project.home / "project" / "a").write_text("1234\n")
    done = project.run("scan", "project")
    assert done.code == 0
    assert "not looked for, because shorter than 8 bytes, or hardly a letter or digit: card#pin" in done.err


def test_sarif_is_what_its_schema_says(project: Machine) -> None:
    """Also with nothing found, and with strange names of files."""
    package = npm_package("microsoft-jest-sarif-1.0.0-beta.0")
    stream = package.extractfile("package/lib/schemas/sarif-2.1.0-rtm.5.json")
    assert stream is not None
    schema = json.load(stream)
    root = project.home / "project"
    empty = project.run("scan", "project", "--sarif")
    assert empty.code == 0
    plant(root)
    (root / "größe #1 %.txt").write_text(f"ü {SECRETS['db/prod']}\n")
    (root / SECRETS["test/user"]).write_text("x")
    done = project.run("scan", "project", "--sarif")
    assert done.code == 13
    for one in (empty, done):
        jsonschema.Draft7Validator(schema).validate(json.loads(one.text))
    results = json.loads(done.text)["runs"][0]["results"]
    assert len(results) == 17
    strange = next(one for one in results if "%C3%B6" in str(one))
    location = strange["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "project/gr%C3%B6%C3%9Fe%20%231%20%25.txt"
    assert location["region"] == {"startLine": 1, "startColumn": 3}
    assert shows_no_value(done)


def test_gitleaks_runs_as_well_and_its_findings_are_named(project: Machine) -> None:
    """After our own; what it found is redacted by it."""
    project_path = project.environment["PATH"]
    require_gitleaks()
    root = project.home / "project"
    (root / "a").write_text("token = ghp_Zk3v9QyT7bNc2RfWm8XsLp4HdJa6Ue1oGi5W\n")
    alone = project.run("scan", "project")
    assert alone.code == 0
    done = project.run("scan", "project", "--also", "gitleaks")
    assert done.code == 13, done
    assert done.text == "project/a:1: github-pat (by its pattern) [gitleaks]\n"
    git(project, "init", "-q")
    git(project, "add", "a")
    assert "a:1: github-pat" in project.run("scan", "project", "--staged", "--also", "gitleaks").text
    commit(project, "leak")
    assert "a:1: github-pat (by its pattern), commit " in project.run(
        "scan", "project", "--history", "--also", "gitleaks"
    ).text
    project.environment["PATH"] = "/usr/bin:/bin"
    assert project.run("scan", "project", "--also", "gitleaks").code == 2
    project.environment["PATH"] = project_path
    assert project.run("scan", "project", "--also", "trufflehog").code == 2


def require_gitleaks() -> None:
    from tests.peers import require

    require((Path(sys.executable).parent / "gitleaks").exists(), "not installed: gitleaks")


REFUSED = {
    "two scans": (["--staged", "--history"], 2),
    "no repository": (["--history", "plain"], 2),
    "two reports": (["--json", "--sarif"], 2),
    "ignored and staged": (["--staged", "--ignored"], 2),
    "a folder that is none": (["--prefix", "nowhere/"], 4),
    "a bad folder": (["--prefix", "a//b"], 2),
    "a hook and a report": (["--install-hook", "--sarif"], 2),
    "a hook in no repository": (["--install-hook", "plain"], 2),
}


@pytest.mark.parametrize(("words", "code"), REFUSED.values(), ids=REFUSED)
def test_wrong_use_is_refused(project: Machine, words: list[str], code: int) -> None:
    """With one line of why."""
    (project.home / "plain").mkdir()
    done = project.run("scan", *words)
    assert done.code == code, done
    assert done.err.startswith("strongroom: ")


def test_a_terminal_sees_how_far_it_is(project: Machine) -> None:
    """One line that is written over, on standard error alone."""
    root = project.home / "project"
    for number in range(60):
        (root / f"{number}").write_text("abcdefgh ijklmnop\n" * 60_000)
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "strongroom", "scan", "project"],
        env=project.full_environment(None), cwd=project.home, stdout=subprocess.PIPE, stderr=slave,
    ) as scanning:  # fmt: skip
        os.close(slave)
        seen = b""
        try:
            while data := os.read(master, 4096):
                seen += data
        except OSError:
            pass  # the terminal is gone with the program
        assert scanning.stdout is not None
        assert scanning.stdout.read() == b""
    os.close(master)
    assert b"scanned " in seen
    assert b" % (" in seen
    assert b" kB)" in seen
    assert b"nothing found" in seen


def test_the_agent_looks_for_the_values_and_keeps_them(project: Machine) -> None:
    """The scan finds the same, with no key at hand, and the agent's record says so."""
    plant(project.home / "project")
    key = project.environment.pop("STRONGROOM_KEY_FILE")
    socket = str(project.home / "agent.sock")
    project.environment["STRONGROOM_AGENT_SOCKET"] = socket
    words = ["agent-process", "--vault", str(project.vault), "--socket", socket, "--ready-fd"]
    reads, writes = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-m", "strongroom", *words, str(writes), "--key-file", key],
        env=project.full_environment(None), cwd=project.home, pass_fds=[writes],
    ) as agent:  # fmt: skip
        os.close(writes)
        assert os.read(reads, 1)
        os.close(reads)
        done = project.run("scan", "project", "--json")
        assert done.code == 13, done
        assert places_of(done) == sorted((f"project/{file}", line, item) for file, line, item in PLACES)
        record = project.run("audit", "--key-file", key)
        assert project.run("lock").code == 0
        assert project.run("scan", "project").code == 3
        agent.terminate()
    operations = [line.split() for line in record.text.splitlines()]
    assert any(words[7:9] == ["scan", "db/prod"] for words in operations), record
    assert not any("read" in words for words in operations), record
