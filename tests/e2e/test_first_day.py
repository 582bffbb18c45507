"""The first day with a vault, told in commands: everything a user does, its output and its exit codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys


def test_from_nothing_to_a_value(machine) -> None:
    """init, set, get: the value comes back byte for byte, and nothing else is on standard output."""
    done = machine.run("init", "--key-file", "key")
    assert done.code == 0
    assert done.out == b""
    assert done.err.startswith(f"strongroom: made the vault {machine.vault}\n")
    assert f"hint: a crontab line: 0 6 * * * STRONGROOM_KEY_FILE={machine.key} python3" in done.err
    assert machine.vault.stat().st_mode & 0o777 == 0o600
    assert machine.key.stat().st_mode & 0o777 == 0o400
    assert machine.vault.parent.stat().st_mode & 0o777 == 0o700

    machine.environment["STRONGROOM_KEY_FILE"] = str(machine.key)
    done = machine.run("set", "bank/checking", "username=dustin", "password", stdin=b"  hunter2 \n")
    assert (done.code, done.out, done.err) == (0, b"", "strongroom: stored bank/checking, version 1\n")
    assert machine.run("get", "bank/checking", "password").out == b"  hunter2 "
    assert machine.run("get", "bank/checking", "username").out == b"dustin"


def test_init_refuses_to_overwrite(keyed) -> None:
    """A second init is exit 10, and the vault is as it was."""
    before = keyed.vault.read_bytes()
    done = keyed.run("init", "--key-file", "other-key")
    assert done.code == 10
    assert done.err.startswith(f"strongroom: {keyed.vault} exists already\n")
    assert keyed.vault.read_bytes() == before
    assert not (keyed.home / "other-key").exists()


def test_init_says_what_it_needs(machine) -> None:
    """Without a terminal and without a word on how to open it, init is exit 8 and names both ways."""
    done = machine.run("init")
    assert done.code == 8
    assert "--passphrase" in done.err
    assert "--key-file FILE" in done.err
    assert not machine.vault.exists()
    assert machine.run("init", "--passphrase").code == 8
    assert not machine.vault.exists()


def test_init_for_scripts(machine) -> None:
    """init --json with a passphrase on standard input and a recovery code: the code opens the vault."""
    done = machine.run("--json", "init", "--passphrase", "--recovery-code", stdin=b"correct horse\n")
    assert done.code == 0, done
    made = json.loads(done.out)
    assert made["slots"] == ["passphrase", "recovery"]
    assert re.fullmatch(r"([0-9A-Z]{4}-){7}[0-9A-Z]{4}", made["recovery_code"])
    assert machine.run("set", "a", "--passphrase-fd", "0", "name=x", stdin=b"correct horse\n").code == 0
    typed = made["recovery_code"].lower().replace("-", " ").encode() + b"\n"
    assert machine.run("get", "a", "--passphrase-fd", "0", stdin=typed).out == b"x"
    assert machine.run("get", "a", "--passphrase-fd", "0", stdin=b"correct horse!\n").code == 6


def test_a_recovery_code_is_not_made_where_nobody_sees_it(machine) -> None:
    """Without a terminal and without --json, --recovery-code is exit 8, before anything is made."""
    done = machine.run("init", "--key-file", "key", "--recovery-code")
    assert done.code == 8
    assert "shown on a terminal" in done.err
    assert not machine.vault.exists()
    assert not machine.key.exists()


def test_options_stand_before_or_after_the_verb(keyed) -> None:
    """--vault, --key-file and --json mean the same on both sides, and nothing after -- is an option."""
    other = str(keyed.home / "other.db")
    assert keyed.run("--vault", other, "--key-file", str(keyed.key), "init").code == 0
    assert keyed.run("set", "x", "name=1", "--vault", other).code == 0
    assert keyed.run(f"--vault={other}", "get", "x").out == b"1"
    assert json.loads(keyed.run("get", "--json", "x", "--vault", other).out)["fields"] == {"name": "1"}
    assert keyed.run("get", "x").code == 4
    assert keyed.run("set", "--vault", other, "--", "--json", "name=dashed").code == 0
    assert keyed.run("get", "--vault", other, "--", "--json").out == b"dashed"
    assert keyed.run("--vault", "get", "ls", "--vault", other).out == b"--json\nx\n"


def test_set_merges_and_replace_replaces(keyed) -> None:
    """set keeps what it is not told about; --replace does not."""
    keyed.run("set", "mail", "host=a", "port=25")
    keyed.run("set", "mail", "port=465")
    assert json.loads(keyed.run("get", "mail", "--json").out)["fields"] == {"host": "a", "port": "465"}
    keyed.run("set", "mail", "user=u", "--replace")
    shown = json.loads(keyed.run("get", "mail", "--json").out)
    assert (shown["fields"], shown["version"], shown["secret"]) == ({"user": "u"}, 3, [])


def test_set_after_rm_goes_on_with_the_versions(keyed) -> None:
    """A deleted item that is set again has the next number, and only the new fields."""
    keyed.run("set", "a", "x=1", "y=2")
    keyed.run("rm", "a")
    assert keyed.run("set", "a", "x=3").err == "strongroom: stored a, version 2\n"
    assert json.loads(keyed.run("get", "a", "--json").out)["fields"] == {"x": "3"}


def test_the_only_field_may_be_left_out(keyed) -> None:
    """get PATH works for one field; with several it is exit 2 and lists them."""
    keyed.run("set", "one", "token", stdin=b"t")
    assert keyed.run("get", "one").out == b"t"
    keyed.run("set", "two", "a=1", "b=2")
    done = keyed.run("get", "two")
    assert (done.code, done.out) == (2, b"")
    assert done.err.splitlines()[:2] == ["strongroom: two has 2 fields: a, b", "hint: strongroom get two a"]


def test_history_is_kept_shown_and_restored(keyed) -> None:
    """log tells version, time, author and state; restore brings an older version or a deleted item back."""
    keyed.run("set", "a", "x=1")
    keyed.run("set", "a", "x=2")
    assert keyed.run("get", "a", "--version", "1").out == b"1"
    done = keyed.run("restore", "a", "--version", "1")
    assert done.err == "strongroom: restored version 1 of a as version 3\n"
    assert keyed.run("get", "a").out == b"1"
    done = keyed.run("rm", "a")
    assert done.err == "strongroom: deleted a\nhint: bring it back with: strongroom restore a\n"
    assert keyed.run("get", "a").code == 4
    assert keyed.run("ls").out == b""
    assert keyed.run("ls", "--deleted").out == b"a\n"
    rows = [line.split() for line in keyed.run("log", "a").text.splitlines()]
    assert [row[0] for row in rows] == ["1", "2", "3"]
    assert [row[4] for row in rows] == ["present", "present", "deleted"]
    assert all(row[3] == rows[0][3] for row in rows)
    assert keyed.run("restore", "a").code == 0
    assert keyed.run("get", "a").out == b"1"
    logged = json.loads(keyed.run("log", "a", "--json").out)
    assert [entry["version"] for entry in logged] == [1, 2, 3]
    assert logged[2]["deleted"] is None


def test_destroying_needs_a_yes(keyed) -> None:
    """rm --destroy without a terminal is exit 8 unless --yes is given; then it is gone for good."""
    keyed.run("set", "a", "x=1")
    keyed.run("set", "a", "x=2")
    done = keyed.run("rm", "a", "--destroy")
    assert done.code == 8
    assert "hint: add --yes" in done.err
    assert keyed.run("rm", "a", "--destroy", "--version", "1", "--yes").code == 0
    assert keyed.run("get", "a", "--version", "1").code == 4
    assert keyed.run("get", "a").out == b"2"
    assert keyed.run("--yes", "rm", "--destroy", "a").err == "strongroom: destroyed a\n"
    assert keyed.run("log", "a").code == 4
    assert keyed.run("rm", "a", "--destroy", "--yes").code == 4


def test_moving(keyed) -> None:
    """mv renames items and folders, into a folder too, and overwrites nothing."""
    keyed.run("set", "a/x", "n=1")
    keyed.run("set", "b/y", "n=2")
    assert keyed.run("mv", "a/x", "b/").code == 0
    assert keyed.run("ls", "-r").out == b"b/x\nb/y\n"
    assert keyed.run("mv", "b/x", "b/y").code == 10
    assert keyed.run("mv", "b/", "c/d/").code == 0
    assert keyed.run("ls", "--recursive", "c").out == b"c/d/x\nc/d/y\n"
    assert keyed.run("mv", "c/", "c/d/e/").code == 2
    assert keyed.run("get", "c/d/y").out == b"2"


def test_compare_and_set(keyed) -> None:
    """--cas writes only over the version it names; 0 only where nothing is."""
    assert keyed.run("set", "a", "x=1", "--cas", "0").code == 0
    assert keyed.run("set", "a", "x=2", "--cas", "0").code == 10
    assert keyed.run("set", "a", "x=2", "--cas", "1").code == 0
    assert keyed.run("set", "a", "x=3", "--cas", "1").code == 10
    assert keyed.run("get", "a").out == b"2"


def test_require_without_a_terminal(keyed) -> None:
    """require is exit 0 when all is there, and exit 8 with the command for a terminal when not."""
    keyed.run("set", "bank", "username=d")
    assert keyed.run("require", "bank", "username").code == 0
    done = keyed.run("require", "bank", "username", "password")
    assert done.code == 8
    assert "hint: store it from a terminal: strongroom require bank username password" in done.err


def test_verify_and_status(keyed) -> None:
    """verify counts and is exit 0; status shows ids and counters; neither shows a value."""
    keyed.run("set", "a", "token", stdin=b"canary-55aa")
    done = keyed.run("verify")
    assert done.code == 0
    assert "items:            1\n" in done.text
    assert json.loads(keyed.run("verify", "--json").out)["ok"] is True
    status = json.loads(keyed.run("status", "--json").out)
    assert (status["vault"], status["items"], status["slots"]) == (str(keyed.vault), 1, 1)
    assert f"vault:          {keyed.vault}\n" in keyed.run("status").text
    assert "canary" not in done.text + keyed.run("status").text


def test_every_command_speaks_json(keyed) -> None:
    """--json gives one JSON value on standard output, whatever the command, and no notes."""
    keyed.run("set", "a/b", "x=1")
    keyed.run("set", "a/b", "x=2")
    for words in (
        ("set", "c", "y=1"),
        ("get", "c"),
        ("get", "c", "y"),
        ("ls",),
        ("ls", "-r", "a"),
        ("log", "a/b"),
        ("mv", "a/b", "a/d"),
        ("rm", "a/d"),
        ("restore", "a/d"),
        ("restore", "a/d", "--version", "1"),
        ("require", "c", "y"),
        ("rm", "c", "--destroy", "--yes"),
        ("verify",),
        ("status",),
        ("slot",),
        ("slot", "add", "key-file", "k2", "--label", "l"),
        ("backup", "copy"),
        ("restore-backup", "copy", "--yes"),
        ("rotate",),
    ):
        done = keyed.run(*(("set", "c", "y=1", "--json") if words[0] == "set" else (*words, "--json")))
        assert done.code == 0, (words, done)
        assert done.err == "", words
        json.loads(done.text)
    assert keyed.run("set", "big", "--field-file", "x=.").code in (2, 15)
    (keyed.home / "huge").write_bytes(bytes(16 * 1024 * 1024 + 1))
    done = keyed.run("set", "big", "--field-file", "x=huge")
    assert done.code == 2
    assert "longer than an item may be" in done.err


def test_help_and_version(machine) -> None:
    """help lists every command and explains each; without a command it is exit 2 on standard error."""
    overview = machine.run("help")
    assert overview.code == 0
    assert machine.run("--help").out == overview.out
    for verb in ("init", "restore-backup"):
        assert f"\n  {verb}" in overview.text
        assert machine.run("help", verb).text.startswith(f"usage: strongroom {verb}")
        assert machine.run(verb, "--help").out == machine.run("help", verb).out
    nothing = machine.run()
    assert (nothing.code, nothing.out) == (2, b"")
    assert nothing.err == overview.text
    assert machine.run("--version").text == "strongroom 0.1.0\n"


def test_closed_and_broken_outputs(keyed) -> None:
    """A reader that goes away ends the command quietly; a closed or full standard output is exit 15."""
    keyed.run("set", "a", "x=1")

    def sh(script: str) -> subprocess.CompletedProcess[str]:
        line = script.replace("SR", f"{sys.executable} -m strongroom")
        return subprocess.run(
            ["bash", "-c", line], env=keyed.full_environment(None), capture_output=True, text=True, timeout=60
        )

    quiet = sh("set -o pipefail; SR get a | (exec <&-; sleep 0.5); echo ${PIPESTATUS[0]}")
    assert (quiet.stdout, quiet.stderr) == ("141\n", "")
    closed = sh("SR get a >&-")
    complaint = "strongroom: cannot write to standard output:"
    assert (closed.returncode, closed.stderr) == (15, f"{complaint} bad file descriptor\n")
    full = sh("SR get a >/dev/full")
    assert (full.returncode, full.stderr) == (15, f"{complaint} no space left on device\n")
    mute = sh("SR get b 2>&-")
    assert (mute.returncode, mute.stdout, mute.stderr) == (4, "", "")
