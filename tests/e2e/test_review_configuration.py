"""Hostile projects: files that name more than they show, and repositories that would run or hide something."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Done, Machine
from tests.peers import require, require_programs

SECRET = "canary-7f3a-xyz"
GIT = {
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_CONFIG_NOSYSTEM": "1",
}  # fmt: skip


@pytest.fixture
def project(keyed: Machine) -> Machine:
    """A machine with one secret, and a directory for a project."""
    require_programs("git")
    keyed.environment["PATH"] = f"{os.path.dirname(sys.executable)}:/usr/bin:/bin"
    keyed.environment.update(GIT)
    assert keyed.run("set", "db/prod", "password", stdin=SECRET.encode()).code == 0
    (keyed.home / "project").mkdir()
    return keyed


def git(machine: Machine, *words: str, folder: str = "project", stdin: bytes = b"", code: int = 0) -> bytes:
    done = subprocess.run(
        ["git", *words], cwd=machine.home / folder, env=machine.full_environment(None), input=stdin, capture_output=True
    )
    assert done.returncode == code, done
    return done.stdout.strip()


def allowed(machine: Machine, text: str, *options: str) -> Done:
    (machine.home / "app.env").write_text(text)
    return machine.run("allow", "app.env", "--yes", *options)


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("A=strong\nB=${A}room://db/prod#password\n", "python-dotenv"),
        ("A=strong\nB=${A}room://db/prod#password\n", "compose"),
        ("B=str'on'groom://db/prod#password\n", "posix"),
        ("A=db\nB=strongroom://${A}/prod#password\n", "python-dotenv"),
        ("B=strongroom://${HIDDEN}/prod#password\n", "compose"),
    ],
)
def test_a_name_that_allow_could_not_show_is_not_used(project: Machine, text: str, dialect: str) -> None:
    """Put together from pieces it stands nowhere in the file; within a folder that was allowed by name it may."""
    project.environment["HIDDEN"] = "db"
    words = ("run", "--env-file", "app.env", "--dialect", dialect, "--only", "B", "--", "printenv", "B")
    shown = allowed(project, text)
    assert shown.code == 0
    assert "db/prod#password" not in shown.err
    done = project.run(*words)
    assert (done.code, done.out) == (5, b"")
    assert "B (db/prod#password)" in done.err
    assert "--prefix" in done.err
    assert allowed(project, text, "--prefix", "db").code == 0
    assert project.run(*words).text.strip() == SECRET
    assert allowed(project, text, "--prefix", "web").code == 0
    assert project.run(*words).code == 5


def test_what_steers_programs_is_shown_before_a_file_is_allowed(project: Machine) -> None:
    """A file need name no value to be given one: its PATH decides who is started with it."""
    shown = allowed(project, "PORT=1\nPATH=./bin\nLD_PRELOAD='./evil.so'\nexport NODE_OPTIONS=--require=./x\n")
    assert "decide which code runs: PATH, LD_PRELOAD, NODE_OPTIONS" in shown.err
    assert "decide" not in allowed(project, "PORT=1\nDB_PATH=x\nNODE_ENV=a\nGIT_TOKEN=b\nGITHUB_TOKEN=c\n").err


@pytest.mark.parametrize("is_through", ["--mask", "--mask-all"])
def test_texts_inside_json_are_masked(project: Machine, is_through: str) -> None:
    """Whoever gets the JSON takes it apart."""
    value = {"user": "joe", "password": "hunter2-hunter2", "more": ["another-secret"]}
    assert project.run("set", "conf", "--json", stdin=json.dumps({"c": value}).encode()).code == 0
    echo = 'import os,json; v=json.loads(os.environ["C"]); print(v["password"], v["more"][0])'
    done = project.run("run", is_through, "--env", "C=strongroom://conf#c", "--", sys.executable, "-c", echo)
    assert done.text == "<hidden> <hidden>\n"


def test_a_value_is_masked_and_found_without_the_newline_at_its_end(project: Machine) -> None:
    """Files end with one; what a shell or a program takes from them does not."""
    (project.home / "file").write_text("s3cret-pw12\n")
    assert project.run("set", "note", "--field-file", "password=file").code == 0
    script = 'printf "%s|" "$(printenv A)"'
    done = project.run("run", "--mask", "--env", "A=strongroom://note#password", "--", "sh", "-c", script)
    assert done.text == "<hidden>|"
    (project.home / "project" / "settings.py").write_text('A = "s3cret-pw12"\nB = "czNjcmV0LXB3MTI="\n')
    done = project.run("scan", "project", "--json")
    assert [(one["line"], one["name"]) for one in json.loads(done.text)["findings"]] == [
        (1, "note#password"),
        (2, "note#password"),
    ]


def test_no_program_is_run_to_look_at_signatures(project: Machine) -> None:
    """A repository's settings may ask git to verify each commit that it shows, with a program of their own."""
    git(project, "init", "-q")
    root = project.home / "project"
    evil = root / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {project.home}/ran\nexit 1\n")
    evil.chmod(0o755)
    (root / "leak").write_text(SECRET)
    git(project, "add", "leak")
    person = "a <a@example.org> 1700000000 +0000"
    signed = (
        f"tree {git(project, 'write-tree').decode()}\nauthor {person}\ncommitter {person}\n"
        "gpgsig -----BEGIN PGP SIGNATURE-----\n \n abcd\n -----END PGP SIGNATURE-----\n\nfirst\n"
    )
    name = git(project, "hash-object", "-t", "commit", "-w", "--stdin", stdin=signed.encode()).decode()
    git(project, "update-ref", "HEAD", name)
    for setting, value in (("log.showSignature", "true"), ("gpg.program", str(evil)), ("core.pager", str(evil))):
        git(project, "config", setting, value)
    # The setting works: git itself runs it.
    git(project, "log", "-1")
    assert (project.home / "ran").exists()
    (project.home / "ran").unlink()
    done = project.run("scan", "project", "--history", "--json")
    assert done.code == 13
    assert "2023-11-14" in json.loads(done.text)["findings"][0]["commit"]
    assert not (project.home / "ran").exists()


def test_gitleaks_runs_no_program_of_the_repository(project: Machine) -> None:
    """It runs git by itself, which passes differences through whatever the settings name."""
    require((Path(sys.executable).parent / "gitleaks").exists(), "not installed: gitleaks")
    git(project, "init", "-q")
    root = project.home / "project"
    evil = root / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {project.home}/ran\ncat $1\n")
    evil.chmod(0o755)
    (root / ".gitattributes").write_text("a diff=evil\n")
    (root / "a").write_text("token = ghp_Zk3v9QyT7bNc2RfWm8XsLp4HdJa6Ue1oGi5W\n")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "first")
    git(project, "config", "diff.evil.textconv", str(evil))
    # The setting works: git itself runs it.
    git(project, "log", "-p")
    assert (project.home / "ran").exists()
    (project.home / "ran").unlink()
    done = project.run("scan", "project", "--history", "--also", "gitleaks")
    assert not (project.home / "ran").exists()
    assert "a:1: github-pat" in done.text


def test_an_unfinished_merge_can_be_scanned(project: Machine) -> None:
    """What is in conflict cannot be committed; what else is staged is looked through."""
    root = project.home / "project"
    git(project, "init", "-q", "-b", "main")
    (root / "a").write_text("one\n")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "first")
    git(project, "checkout", "-q", "-b", "other")
    (root / "a").write_text("two\n")
    (root / "new").write_text(f"{SECRET}\n")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "second")
    git(project, "checkout", "-q", "main")
    (root / "a").write_text("three\n")
    git(project, "commit", "-q", "-a", "-m", "third")
    git(project, "merge", "-q", "other", code=1)
    done = project.run("scan", "project", "--staged", "--json")
    assert done.code == 13, done
    assert [one["file"] for one in json.loads(done.text)["findings"]] == ["new"]


def test_repositories_inside_of_a_work_tree_are_scanned_too(project: Machine) -> None:
    """Git lists of them, submodules or not, only the name."""
    root = project.home / "project"
    git(project, "init", "-q")
    for name in ("other", "sub"):
        inner = root / name
        (inner / "deep").mkdir(parents=True)
        git(project, "init", "-q", folder=f"project/{name}")
        (inner / ".gitignore").write_text("ignored\n")
        (inner / "ignored").write_text(SECRET)
        (inner / "deep" / "leak").write_text(f"{SECRET}\n")
        git(project, "add", "-A", folder=f"project/{name}")
        git(project, "commit", "-q", "-m", "first", folder=f"project/{name}")
    git(project, "add", "sub")
    done = project.run("scan", "project", "--json")
    found = [one["file"] for one in json.loads(done.text)["findings"]]
    assert found == ["project/other/deep/leak", "project/sub/deep/leak"]
    assert project.run("scan", "project/sub").code == 13


def test_a_loop_of_links_and_repositories_ends(project: Machine, tmp_path: Path) -> None:
    """A link to a repository is a link."""
    git(project, "init", "-q")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "leak").write_text(SECRET)
    (project.home / "project" / "outside").symlink_to(tmp_path / "outside")
    (project.home / "project" / "self").symlink_to(".")
    assert project.run("scan", "project").code == 0


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("settings.py", 'SECRET_KEY = "a-secret" + "b-secret"\nDB_PASSWORD = "abcdef123"\n', "is a program"),
        ("settings.py", 'DB_PASSWORD = "abcdef123"\n\ndef work():\n    return 1\n', "is a program"),
        ("a.xml", "<c><password>one-1<b/>two-2</password><u>x</u></c>", "c.password"),
        (".netrc", "machine a login b password c\nmacdef init\ncd /x password hidden\n\n", "macdef.init"),
    ],
)
def test_a_file_with_more_than_values_is_not_wiped(project: Machine, name: str, text: str, said: str) -> None:
    """What is worked out by code, or is code, would be in no vault."""
    (project.home / name).write_text(text)
    done = project.run("import", name, "--wipe", "--all", "--yes")
    assert done.code == 2, done
    assert said in done.err
    assert (project.home / name).read_text() == text
    assert "abcdef123" not in done.err


def test_what_code_works_out_is_named_and_what_stands_in_a_tuple_is_taken(project: Machine) -> None:
    """A secret that is passed over in silence stays in the file for ever."""
    (project.home / "settings.py").write_text(
        'A_TOKEN, (B_TOKEN, C_TOKEN) = "one-1", ("two-2", "three-3")\nSECRET_KEY = "a-" + NAME\n'
        'API_TOKEN = f"t{NAME}"\n'
        'D = {"password": os.environ.get("X", "default-1")}\nBASE = root / "x"\nSAFE_TOKEN = NAME\n'
    )
    done = project.run("import", "settings.py", "--replace", "--yes")
    assert "worked out by code, which is not run: SECRET_KEY, API_TOKEN, D.password\n" in done.err
    text = (project.home / "settings.py").read_text()
    assert [one for one in ("one-1", "two-2", "three-3") if one in text] == []
    assert 'SECRET_KEY = "a-" + NAME\nAPI_TOKEN = f"t{NAME}"\n' in text
    compile(text, "settings.py", "exec")


def test_lines_that_repeat_a_replaced_value_are_named(project: Machine) -> None:
    """A comment keeps it, and so does another value."""
    text = "# was: hunter2-hunter2\nA_PASSWORD=hunter2-hunter2\nURL=http://x/hunter2-hunter2\nB=aHVudGVyMi1odW50ZXIy\n"
    (project.home / "a.env").write_text(text)
    rehearsed = project.run("import", "a.env", "--replace", "--dry-run")
    assert "a.env will still hold an imported value in line 1, 3, 4: take it out by hand" in rehearsed.err
    done = project.run("import", "a.env", "--replace", "--yes")
    assert "a.env still holds an imported value in line 1, 3, 4: take it out by hand" in done.err
    assert "hunter2" not in done.err
    (project.home / "b.env").write_text("A_PASSWORD=other-hunter2\n")
    assert "still" not in project.run("import", "b.env", "--replace", "--yes").err


def test_a_rendered_file_takes_the_place_of_no_device_and_no_pipe(project: Machine) -> None:
    """Root's `-o /dev/null` would make it a file with the values in it."""
    (project.home / "a.in").write_text("{{ strongroom://db/prod#password }}\n")
    assert project.run("allow", "a.in", "--yes").code == 0
    os.mkfifo(project.home / "pipe")
    (project.home / "stdout").symlink_to("/proc/self/fd/1")
    (project.home / "null").symlink_to("/dev/null")
    for name in ("pipe", "stdout", "null", "project"):
        before = os.lstat(project.home / name)
        done = project.run("render", "a.in", "-o", name)
        assert (done.code, done.out) == (9, b""), done
        assert f"{name} is not a regular file" in done.err
        assert os.lstat(project.home / name).st_ino == before.st_ino
    (project.home / "file").write_text("old")
    (project.home / "link").symlink_to("file")
    assert project.run("render", "a.in", "-o", "link").code == 0
    assert (project.home / "file").read_text() == "old"
    assert (project.home / "link").read_text() == f"{SECRET}\n"
