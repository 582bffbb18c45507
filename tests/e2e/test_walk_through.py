"""What somebody meets who walks through the commands with wrong words, small disks and big vaults."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from tests.e2e.conftest import Machine, Person


def test_next_steps_are_about_the_vault_that_was_named(machine: Machine) -> None:
    """A hint that is copied works, also where the vault is not this user's own."""
    none = machine.run("--vault", "other.db", "ls")
    assert none.code == 4
    assert "hint: make one: strongroom --vault other.db init\n" in none.err
    made = machine.run("--vault", "other.db", "init", "--passphrase", stdin=b"tea with nine blue elephants\n")
    assert "hint: store a first item: strongroom --vault other.db set bank/checking" in made.err
    assert "strongroom --vault other.db unlock --for 12h\n" in made.err


def test_a_slot_is_named_by_its_kind(keyed: Machine) -> None:
    """Where there is one of that kind; else by its id."""
    words = b"hunter2\n"
    weak = keyed.run("slot", "add", "passphrase", stdin=words)
    assert "hint: to take them instead: strongroom slot change passphrase\n" in weak.err
    assert keyed.run("slot", "change", "passphrase", stdin=b"tea with nine blue elephants\n").code == 0
    assert keyed.run("slot", "add", "passphrase", stdin=b"six other words nobody puts together\n").code == 0
    two = keyed.run("slot", "remove", "passphrase", "--yes")
    assert (two.code, "several slots are passphrase" in two.err) == (4, True)
    assert "did you mean: strongroom slot add key-file" in keyed.run("slot", "add", "keyfile").err
    shares = keyed.run("slot", "add", "shares", "5of3", "--json")
    assert "hint: such as: strongroom slot add shares 2of3\n" in shares.err


def test_what_is_not_there_is_said_before_anything_is_asked(keyed: Machine) -> None:
    """A vault to copy, a file to import, a directory to back up into."""
    copied = keyed.run("copy", "nowhere.db", "there.db")
    assert (copied.code, copied.err.splitlines()[0]) == (4, f"strongroom: there is no vault at {keyed.home}/nowhere.db")
    (keyed.home / ".env").write_text("A=b\n")
    imported = keyed.run("import", ".evn")
    assert (imported.code, "did you mean: .env" in imported.err) == (4, True)
    backup = keyed.run("backup", "no dir/b")
    assert backup.code == 4
    assert f"there is no directory {keyed.home}/no dir\nhint: make it: mkdir -m 700 '{keyed.home}/no dir'" in backup.err
    assert "is a directory" in keyed.run("--vault", ".", "ls").err


def test_usage_that_was_not_usable(keyed: Machine) -> None:
    """Each hint is a command, whole."""
    assert "hint: strongroom run [options] -- COMMAND...\n" in keyed.run("run", "--").err
    export = keyed.run("export", "a")
    assert export.err.startswith("strongroom: export needs a --format\nhint: strongroom export --format json PATH\n")
    assert "history" not in keyed.run("set", "a", "password=").err
    folder = keyed.run("allow", ".")
    assert folder.code == 2 and "hint: strongroom allow ./.env\n" in folder.err, folder
    keyed.run("set", "--", "-a", "x=1")
    assert "hint: bring it back with: strongroom restore -- -a\n" in keyed.run("rm", "--", "-a").err


def test_hints_of_the_vault_name_what_begins_with_a_dash(keyed: Machine) -> None:
    """What the vault itself advises works as it stands, also for names that would pass for options."""
    keyed.run("set", "--", "-a b", "x=1")
    keyed.run("key", "create", "--", "-k")
    refused = {
        "strongroom log -- '-a b'": ("get", "--version", "9", "--", "-a b", "x"),
        "strongroom require -- '-a b' -f": ("require", "--", "-a b", "-f"),
        "strongroom key show -- -k": ("key", "create", "--", "-k"),
        "strongroom key rotate --stage -- -k": ("key", "rotate", "--promote", "--", "-k"),
    }
    for hint, words in refused.items():
        done = keyed.run(*words)
        assert done.code != 0 and done.err.rstrip().endswith(hint), done
        if words[0] != "require":  # which asks
            assert keyed.run(*shlex.split(hint)[1:]).code == 0, hint
    assert keyed.run("key", "rotate", "--promote", "--", "-k").code == 0
    keyed.run("rm", "--", "-a b")
    done = keyed.run("get", "--", "-a b", "x")
    assert "strongroom restore -- '-a b'" in done.err, done


def test_one_is_one(keyed: Machine) -> None:
    """Numbers and what they count go together, and sizes have a unit that says something."""
    keyed.run("set", "bank/checking", "password", stdin=b"tr0ub4dor-3")
    (keyed.home / "x").write_text("tr0ub4dor-3\n")
    found = keyed.run("scan", "x")
    assert "strongroom: looked for 1 value of 1 item in 1 file, 12 bytes: 1 found\n" in found.err
    missing = keyed.run("run", "--env", "A=strongroom://none#x", "--", "true")
    assert "1 of 1 reference names nothing" in missing.err


def test_times_and_columns(keyed: Machine) -> None:
    """Times are for people, names are as wide as the widest; JSON keeps ISO 8601."""
    status = keyed.run("status").text
    assert " UTC\n" in status and "+00:00" not in status
    for text in (status, keyed.run("verify").text):
        assert len({len(line) - len(line.split(":", 1)[1].lstrip()) for line in text.splitlines()}) == 1, text
    assert '+00:00"' in keyed.run("status", "--json").text


def test_a_long_import_shows_its_beginning_to_a_person(keyed: Machine) -> None:
    """A file or a program gets all of it."""
    lines = "".join(f"TOKEN_{number}=value-{number}-xyzzy\n" for number in range(60))
    (keyed.home / ".env").write_text(lines)
    assert keyed.run("import", ".env", "--dry-run").text.count("\n") == 60
    with keyed.at_terminal("import", ".env") as person:
        person.sees("TOKEN_39 ").sees("and 20 more values").sees("Import 60 values?")
        assert "TOKEN_40" not in person.seen
        person.types("n")
        assert person.ends() == 0


@pytest.mark.skipif(not hasattr(os, "statvfs"), reason="a disk that is full is made of it")
def test_the_disk_that_is_full_is_named(keyed: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a backup, it is the one that is written to; SQLite's I/O error on a full disk is called what it is."""
    from strongroom.stores import sqlite_driver

    class Failed(Exception):
        sqlite_errorcode = 10 | 19 << 8  # SQLITE_IOERR_SHMSIZE

    place = str(keyed.home / ".vault.db.0123456789abcdef.new")
    assert "disk I/O error" in str(sqlite_driver.translate(Failed(), place))
    monkeypatch.setattr(sqlite_driver, "_ROOM_BYTES", 1 << 80)
    full = sqlite_driver.translate(Failed(), place)
    assert str(full) == f"{keyed.home}/vault.db: the disk is full"
    assert "nothing was written" not in full.advice  # type: ignore[attr-defined]
    assert isinstance(full, Exception) and Path(place).parent == keyed.home


def test_an_empty_record_is_said_to_a_person(keyed: Machine) -> None:
    """A program gets no line; a person learns who keeps the record."""
    assert keyed.run("audit").out == b""
    with keyed.at_terminal("audit") as person:
        person.sees("nothing is written down yet").sees("strongroom unlock")
        assert person.ends() == 0


def test_a_person_is_not_flooded_by_questions(keyed: Machine) -> None:
    """The question fits a line, and what goes with it stands above."""
    keyed.run("backup", "b")

    def replaces(person: Person) -> None:
        person.sees("is kept beside the new one").sees("Replace vault.db by b? [y/N] ").types("n")
        assert person.ends() == 0

    with keyed.at_terminal("restore-backup", "b") as person:
        replaces(person)
