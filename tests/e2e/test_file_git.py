"""Encrypted files in real git: merges, rebases, cherry-picks, conflicts, what a diff shows, what a commit refuses."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom import encrypted_files
from tests.e2e.conftest import Done, Machine
from tests.encrypted_files import ALICE, BOB, FILES, made, opened, public, recipient
from tests.peers import require_programs

GIT = {
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_CONFIG_NOSYSTEM": "1",
}  # fmt: skip
SECRETS = ("hunter2", "swordfish", "correct-horse", "one-side", "other-side")
TEXT = "db:\n  user: app\n  password: hunter2\n  host: there\nport: 5432\n"


class Clone:
    """A repository with one encrypted file, `app.secret.yaml`, and Alice at work in it."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.path = machine.home / "project"
        self.file = self.path / "app.secret.yaml"

    def git(self, *words: str, code: int = 0, **environment: str) -> Done:
        done = subprocess.run(
            ["git", *words], cwd=self.path, capture_output=True, timeout=120,
            env=self.machine.full_environment({**self.machine.environment, **environment}),
        )  # fmt: skip
        assert done.returncode == code, done
        return Done(done.returncode, done.stdout, done.stderr.decode())

    def put(self, name: str, value: str) -> None:
        """A change, encrypted, without a process."""
        with opened(self.file.read_bytes()) as file:
            file.set((name,), value)
            self.file.write_bytes(file.encoded())

    def edit(self, old: str, new: str) -> None:
        """A change of the plain text, encrypted."""
        with opened(self.file.read_bytes()) as file:
            file.replace(bytes(file.plaintext()).decode().replace(old, new).encode())
            self.file.write_bytes(file.encoded())

    def commit(self, message: str) -> None:
        self.git("commit", "-q", "--no-verify", "-a", "-m", message)

    @property
    def plain(self) -> str:
        return bytes(opened(self.file.read_bytes()).plaintext()).decode()

    def shows_no_secret(self) -> bool:
        """Neither in the work tree nor in any object that was ever made."""
        objects = self.git("cat-file", "--batch-all-objects", "--batch").out
        files = b"".join(path.read_bytes() for path in self.path.rglob("*") if path.is_file())
        return not any(secret.encode() in objects + files for secret in SECRETS)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """What every test begins with, made once."""
    require_programs("git")
    root = tmp_path_factory.mktemp("begun")
    root.chmod(0o700)
    machine = with_git(Machine(root))
    for name, identity in (("alice", ALICE), ("bob", BOB)):
        (machine.home / name).write_text(f"{identity}\n")
        (machine.home / name).chmod(0o600)
    clone = Clone(machine)
    clone.path.mkdir()
    clone.git("init", "-q", "-b", "main")
    done = strongroom(clone, "file", "install-git", "*.secret.yaml", "--identity", "../alice")
    assert done.code == 0, done
    clone.file.write_text(TEXT)
    assert strongroom(clone, "file", "encrypt", "app.secret.yaml", "-r", public(ALICE)).code == 0
    clone.git("add", "-A")
    clone.commit("begin")
    return clone


@pytest.fixture
def clone(machine: Machine, begun: Clone) -> Clone:
    shutil.copytree(begun.machine.home, machine.home, dirs_exist_ok=True)
    clone = Clone(with_git(machine))
    # They name the identity file where it lay.
    for path in (clone.path / ".git" / "config", clone.path / ".git" / "hooks" / "pre-commit"):
        path.write_text(path.read_text().replace(str(begun.machine.home), str(machine.home)))
    return clone


def with_git(machine: Machine) -> Machine:
    # The launcher that git calls lies beside the interpreter.
    machine.environment |= {"PATH": f"{os.path.dirname(sys.executable)}:/usr/bin:/bin", **GIT}
    return machine


def strongroom(clone: Clone, *words: str, **environment: str) -> Done:
    done = subprocess.run(
        [sys.executable, "-m", "strongroom", *words], cwd=clone.path, capture_output=True, timeout=120,
        env=clone.machine.full_environment({**clone.machine.environment, **environment}, words),
        stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr.decode())


def two_sides(clone: Clone) -> None:
    """On `side` one value, on `main` the one beside it."""
    clone.git("checkout", "-q", "-b", "side")
    clone.put("db.password", "swordfish")
    clone.commit("side")
    clone.git("checkout", "-q", "main")
    clone.put("db.host", "correct-horse")
    clone.commit("main")


MERGED = 'db:\n  user: app\n  password: "swordfish"\n  host: "correct-horse"\nport: 5432\n'


@pytest.mark.parametrize("way", [("merge", "-q", "side"), ("cherry-pick", "side"), ("rebase", "-q", "side")])
def test_two_changes_beside_each_other_are_merged(clone: Clone, way: tuple[str, ...]) -> None:
    """git alone would stop here; values that nobody changed keep their ciphertext."""
    two_sides(clone)
    tokens = set(re.findall(r"strongroom1\.[\w-]+", clone.git("show", "main:app.secret.yaml").text))
    tokens |= set(re.findall(r"strongroom1\.[\w-]+", clone.git("show", "side:app.secret.yaml").text))
    clone.git(*way)
    assert clone.plain == MERGED
    assert set(re.findall(r"strongroom1\.[\w-]+", clone.file.read_text())) <= tokens
    assert clone.git("status", "--porcelain").out == b""
    assert clone.shows_no_secret()


def test_names_that_both_sides_add_are_both_there(clone: Clone) -> None:
    """In the same place, which is a conflict for lines."""
    clone.git("checkout", "-q", "-b", "side")
    clone.edit("port:", "theirs: 1\nport:")
    clone.commit("side")
    clone.git("checkout", "-q", "main")
    clone.edit("port:", "ours: 2 # why\nport:")
    clone.commit("main")
    clone.git("merge", "-q", "side")
    assert clone.plain == TEXT.replace("port:", "ours: 2 # why\ntheirs: 1\nport:")


def test_a_rotation_on_one_side_is_no_conflict(clone: Clone) -> None:
    """All ciphertext of it is new; only who reads the values can tell that they are the same."""
    clone.git("checkout", "-q", "-b", "side")
    with opened(clone.file.read_bytes()) as file:
        file.rotate()
        clone.file.write_bytes(file.encoded())
    clone.commit("side")
    clone.git("checkout", "-q", "main")
    clone.put("db.host", "correct-horse")
    clone.commit("main")
    clone.git("merge", "-q", "side")
    assert clone.plain == TEXT.replace("there", '"correct-horse"')


@pytest.fixture
def conflict(clone: Clone) -> Clone:
    """Both sides changed one value; and each another one."""
    clone.git("checkout", "-q", "-b", "side")
    clone.put("db.password", "other-side")
    clone.put("db.user", "theirs")
    clone.commit("side")
    clone.git("checkout", "-q", "main")
    clone.put("db.password", "one-side")
    clone.put("port", "1")
    clone.commit("main")
    done = clone.git("merge", "side", code=1)
    assert "both sides changed db.password" in done.err
    return clone


def test_a_conflict_shows_no_value_and_opens_to_nobody(conflict: Clone) -> None:
    """Marks around what is encrypted, the names of what is in conflict, and the next step."""
    text = conflict.file.read_text()
    assert text.count("<<<<<<< ours (encrypted)") == 1 and "strongroom file edit" in text
    assert conflict.shows_no_secret()
    done = strongroom(conflict, "file", "get", "app.secret.yaml", "db.user", "--identity", "../alice")
    assert done.code == 2 and "git has left a conflict" in done.err and "file edit" in done.err
    assert strongroom(conflict, "file", "check", "--staged").code == 0, "it is not staged"
    conflict.git("add", "-A")
    done = conflict.git("commit", "-q", "-m", "as it is", code=1)
    assert "file edit FILE" in done.err and "file encrypt" not in done.err, "the command that helps here"
    assert "strongroom1." in conflict.git("diff", "HEAD").text or "encrypted" in conflict.git("diff", "HEAD").text


def test_a_conflict_is_resolved_in_the_editor(conflict: Clone) -> None:
    """Both sides in plain text, in memory; marks that are left are refused; what was no conflict is merged already."""
    editor = conflict.machine.home / "editor"
    editor.write_text('#!/bin/sh\ncp "$1" ../seen; sed -i "$EDIT" "$1"\n')
    editor.chmod(0o755)
    words = ("file", "edit", "app.secret.yaml", "--identity", "../alice")
    done = strongroom(conflict, *words, EDITOR=str(editor), EDIT="s/one-side/x/")
    assert done.code == 2 and "marks of a conflict" in done.err, done
    done = strongroom(conflict, *words, EDITOR=str(editor), EDIT="/^[<=]/d;/^>>>>/d;/other-side/d;/user: app/d")
    assert done.code == 0, done
    seen = (conflict.machine.home / "seen").read_text()
    assert "<<<<<<< ours\n" in seen and "one-side" in seen and "other-side" in seen
    conflict.git("add", "-A")
    conflict.git("commit", "-q", "-m", "merged")
    assert 'password: "one-side"' in conflict.plain and 'port: 1\n' in conflict.plain
    assert 'user: "theirs"' in conflict.plain
    assert conflict.shows_no_secret()


@pytest.mark.parametrize(("side", "value"), [("--ours", "one-side"), ("--theirs", "other-side")])
def test_a_conflict_is_resolved_by_taking_a_side(conflict: Clone, side: str, value: str) -> None:
    """git keeps both, intact."""
    conflict.git("checkout", side, "app.secret.yaml")
    conflict.git("add", "-A")
    conflict.git("commit", "-q", "-m", "merged")
    assert f'password: "{value}"' in conflict.plain


def test_without_a_key_a_merge_is_a_conflict_that_says_so(clone: Clone) -> None:
    """Also with somebody else's."""
    two_sides(clone)
    for driver in ("strongroom file merge -- %O %A %B %P", "strongroom file merge --identity ../bob -- %O %A %B %P"):
        clone.git("config", "merge.strongroom.driver", driver)
        done = clone.git("merge", "side", code=1)
        assert "app.secret.yaml is not merged" in done.err and "strongroom file edit" in done.err
        assert "<<<<<<<" in clone.file.read_text() and clone.shows_no_secret()
        clone.git("merge", "--abort")


def test_a_planted_side_gets_nothing(clone: Clone) -> None:
    """A branch on which the whole file was made anew, by somebody who can encrypt to Alice and to himself."""
    clone.git("checkout", "-q", "-b", "side")
    file_id = clone.file.read_text().split("#strongroom file 1 yaml ")[1].split("\n")[0]
    clone.file.write_text(TEXT)
    planted = strongroom(clone, "file", "encrypt", "app.secret.yaml", "-r", public(ALICE), "-r", public(BOB))
    assert planted.code == 0
    clone.commit("side")
    clone.git("checkout", "-q", "main")
    clone.put("db.host", "correct-horse")
    clone.commit("main")
    done = clone.git("merge", "side", code=1)
    assert "different encrypted files" in done.err
    assert file_id in clone.git("show", "HEAD:app.secret.yaml").text
    assert public(BOB) not in clone.git("show", "HEAD:app.secret.yaml").text


def test_nothing_is_written_into_a_planted_file(clone: Clone) -> None:
    """It came with a pull, opens, and its maker would read what is added."""
    words = ("file", "set", "app.secret.yaml", "db.password", "--identity", "../alice")
    assert strongroom(clone, "file", "rotate", *words[2:3], *words[4:]).code == 0, "this place is known"
    with encrypted_files.encrypt(TEXT.encode(), [recipient(ALICE), recipient(BOB)], format="yaml") as planted:
        clone.file.write_bytes(planted.encoded())
    done = strongroom(clone, *words)
    assert done.code == 5 and public(BOB) in done.err and "--accept" in done.err, done
    edit = strongroom(clone, "file", "edit", *words[2:3], *words[4:], EDITOR="/bin/true")
    assert edit.code == 5
    assert strongroom(clone, "file", "rotate", *words[2:3], *words[4:]).code == 5
    assert strongroom(clone, "file", "get", *words[2:4], *words[4:]).code == 0
    assert strongroom(clone, "file", "recipients", "app.secret.yaml", "--accept", *words[4:]).code == 0
    assert strongroom(clone, "file", "rotate", *words[2:3], *words[4:]).code == 0


def test_nothing_is_written_into_an_older_revision_for_who_was_taken_away(clone: Clone) -> None:
    """Whoever can write the repository puts it back: it is intact, and its key is one that the reader of then knows."""
    here = ("app.secret.yaml", "--identity", "../alice")
    assert strongroom(clone, "file", "recipients", *here, "-r", public(BOB)).code == 0
    older = clone.file.read_bytes()
    assert strongroom(clone, "file", "recipients", *here, "--remove", public(BOB)).code == 0
    newer = clone.file.read_bytes()
    clone.file.write_bytes(older)
    done = strongroom(clone, "file", "rotate", *here)
    assert done.code == 5 and public(BOB) in done.err, done
    assert clone.file.read_bytes() == older
    clone.file.write_bytes(newer)
    assert strongroom(clone, "file", "rotate", *here).code == 0


def test_a_branch_of_before_a_reader_was_taken_away_is_merged(clone: Clone) -> None:
    """What is written then is not for him."""
    here = ("app.secret.yaml", "--identity", "../alice")
    assert strongroom(clone, "file", "recipients", *here, "-r", public(BOB)).code == 0
    clone.commit("bob")
    clone.git("branch", "side")
    assert strongroom(clone, "file", "recipients", *here, "--remove", public(BOB)).code == 0
    clone.commit("no bob")
    clone.git("checkout", "-q", "side")
    clone.put("db.password", "swordfish")
    clone.commit("side")
    clone.git("merge", "-q", "main", "-m", "merged")
    assert public(BOB) not in clone.file.read_text() and "swordfish" in clone.plain


def test_no_value_is_written_in_plain_text_into_a_planted_file(clone: Clone) -> None:
    """One that has no stranger among its readers, and leaves every name readable."""
    assert strongroom(clone, "file", "rotate", "app.secret.yaml", "--identity", "../alice").code == 0
    with encrypted_files.encrypt(TEXT.encode(), [recipient(ALICE)], format="yaml", plain=("*",)) as planted:
        clone.file.write_bytes(planted.encoded())
    done = strongroom(clone, "file", "rotate", "app.secret.yaml", "--identity", "../alice")
    assert done.code == 5 and "everybody, what is named *" in done.err, done


def test_a_file_that_both_sides_made_is_a_conflict(clone: Clone) -> None:
    """They have no key in common."""
    for branch, base in (("side", "main"), ("other", "main")):
        clone.git("checkout", "-q", "-b", branch, base)
        (clone.path / "new.secret.yaml").write_bytes(made(f"a: {branch}\n", "yaml"))
        clone.git("add", "-A")
        clone.commit(branch)
    done = clone.git("merge", "side", code=1)
    assert "new.secret.yaml is not merged" in done.err
    text = (clone.path / "new.secret.yaml").read_text()
    assert "<<<<<<< ours (encrypted)" in text and text.count("strongroom1.") == 2


def test_a_plain_file_on_one_side_is_not_put_between_marks(clone: Clone) -> None:
    """Plain text that a branch has committed is not spread any further."""
    clone.git("checkout", "-q", "-b", "side")
    clone.file.write_text(TEXT.replace("hunter2", "planted"))
    clone.commit("side")
    clone.git("checkout", "-q", "main")
    clone.put("db.host", "correct-horse")
    clone.commit("main")
    done = clone.git("merge", "side", code=1)
    assert "not merged" in done.err
    assert "planted" not in clone.file.read_text() and "<<<<<<<" in clone.file.read_text()


def test_a_diff_shows_names_and_values_only_when_asked(clone: Clone) -> None:
    """One line for one value; git keeps no copy of what it was shown."""
    clone.put("db.password", "swordfish")
    shown = clone.git("diff").text
    changed = [line for line in shown.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert len(changed) == 2 and all("password" in line and "(encrypted " in line for line in changed), shown
    clone.commit("x")
    assert "swordfish" not in clone.git("log", "-p").text
    shown = clone.git("log", "-p", STRONGROOM_SHOW_VALUES="1").text
    assert '+  password: "swordfish"' in shown and "-  password: hunter2" in shown
    assert clone.git("notes", "list").out == b"" and clone.shows_no_secret()
    clone.git("config", "diff.strongroom.textconv", "strongroom file textconv --identity ../bob --")
    done = clone.git("log", "-p", STRONGROOM_SHOW_VALUES="1")
    assert "swordfish" not in done.text and "no values are shown" in done.err


def test_a_file_too_long_to_be_encrypted_does_not_end_a_log(clone: Clone) -> None:
    """Anybody who can push could put one there."""
    for count in (4_194_305, 4_194_306):
        clone.file.write_bytes(b"#" * count)
        clone.commit("long")
    done = clone.git("log", "-p")
    assert "+(not compared: 4194306 bytes)" in done.text and "-(not compared: 4194305 bytes)" in done.text
    assert "begin" in done.text and "too long" in done.err


def test_a_commit_takes_no_plain_text(clone: Clone) -> None:
    """A plain file, one plain value, a file that was changed; and everything else as before."""
    (clone.path / "new.secret.yaml").write_text("a: hunter2\n")
    (clone.path / "notes.yaml").write_text("a: b\n")
    clone.git("add", "-A")
    done = clone.git("commit", "-q", "-m", "x", code=1)
    assert "new.secret.yaml is no encrypted file" in done.err and "notes.yaml" not in done.err
    clone.git("rm", "-q", "-f", "--cached", "new.secret.yaml")
    (clone.path / "new.secret.yaml").unlink()
    text = clone.file.read_text()
    for changed, said in ((f"new: x\n{text}", "not encrypted: new"), (f"# more\n{text}", "changed by something else")):
        clone.file.write_text(changed)
        clone.git("add", "-A")
        assert said in clone.git("commit", "-q", "-m", "x", code=1).err
    clone.file.write_text(text)
    clone.put("db.password", "swordfish")
    clone.git("add", "-A")
    # What lies in the work tree is not what is committed.
    clone.file.write_text("a: plain\n")
    clone.git("commit", "-q", "-m", "x")
    assert clone.git("show", "--name-only", "--format=").text.split() == ["app.secret.yaml", "notes.yaml"]


def test_installing_again_changes_nothing_and_a_hook_of_others_stays(clone: Clone) -> None:
    """The line for it is shown."""
    before = (clone.path / ".gitattributes").read_text(), (clone.path / ".git" / "config").read_text()
    words = ("file", "install-git", "*.secret.yaml", "--identity", "../alice")
    assert strongroom(clone, *words).code == 0
    assert ((clone.path / ".gitattributes").read_text(), (clone.path / ".git" / "config").read_text()) == before
    hook = Path(clone.path / ".git" / "hooks" / "pre-commit")
    line = hook.read_text().splitlines()[-1]
    hook.write_text("#!/bin/sh\ntrue\n")
    done = strongroom(clone, *words)
    assert done.code == 10 and line in done.err and hook.read_text() == "#!/bin/sh\ntrue\n"
    hook.write_text(f"#!/bin/sh\n{line}\ntrue\n")
    assert strongroom(clone, *words).code == 0
    for pattern in ("a b", "!x", 'a"', ""):
        assert strongroom(clone, "file", "install-git", "--", pattern).code == 2
    outside = subprocess.run(
        [sys.executable, "-m", "strongroom", "file", "install-git"], cwd=clone.machine.home, capture_output=True,
        env=clone.machine.full_environment(None),
    )  # fmt: skip
    assert outside.returncode == 2 and b"no git work tree" in outside.stderr


@pytest.mark.parametrize("format", ["json", "toml", "ini", "dotenv"])
def test_other_formats_are_merged_as_well(clone: Clone, format: str) -> None:
    """Two values, one on each side."""
    name = {"dotenv": ".env"}.get(format, f"x.{format}")
    clone.file = clone.path / name
    (clone.path / ".gitattributes").write_text(f"{name} strongroom diff=strongroom merge=strongroom\n")
    clone.file.write_text(FILES[format])
    assert strongroom(clone, "file", "encrypt", name, "-r", public(ALICE)).code == 0
    clone.git("add", "-A")
    clone.commit("begin")
    names = [".".join(path) for path in opened(clone.file.read_bytes()).names()]
    first, second = [one for one in names if one.lower().endswith(("user", "password"))]
    clone.git("checkout", "-q", "-b", "side")
    clone.put(first, "swordfish")
    clone.commit("side")
    clone.git("checkout", "-q", "main")
    clone.put(second, "correct-horse")
    clone.commit("main")
    clone.git("merge", "-q", "side")
    with opened(clone.file.read_bytes()) as file:
        assert file.get(first).reveal() == "swordfish" and file.get(second).reveal() == "correct-horse"
