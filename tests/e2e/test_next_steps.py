"""A refusal says what is so, and gives a hint that can be followed: what a stranger tripped over."""

from __future__ import annotations

import sqlite3
import stat

import pytest

from strongroom.errors import StoreUnavailable
from strongroom.stores.sqlite_driver import translate

REFUSED = {
    "a folder in an item's place": (["get", "web/"], 2, " ends with a slash is a folder: strongroom ls web/\n"),
    "no name at all": (["get", ""], 2, "strongroom: '' is not an item's path: path component is empty\n"),
    "two answers to one question": (["configure", "a", "--cas-required", "--no-cas-required"], 2, "not allowed with"),
    "vi without a terminal": (["edit", "a b"], 8, "hint: strongroom set 'a b' --json\n"),
    "a backup that is not there": (["restore-backup", "nowhere.db"], 4, "strongroom: there is no backup at "),
    "a name with a space": (["log", "a b", "--json", "--vault", "no such.db"], 4, "strongroom: there is no vault at "),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_names_the_next_step(case: str, keyed) -> None:
    """Each ends with its exit code, prints nothing, and says this."""
    words, code, text = REFUSED[case]
    assert keyed.run("set", "a b", "x=1", "y=2").code == 0
    done = keyed.run(*words)
    assert (done.code, done.out) == (code, b"")
    assert text in done.err


def test_names_in_hints_can_be_pasted(keyed) -> None:
    """An item with a space in its name is one word in the command that a hint shows."""
    keyed.run("set", "a b", "x=1", "y=2")
    assert "hint: strongroom get 'a b' x\n" in keyed.run("get", "a b").err
    assert "hint: bring it back with: strongroom restore 'a b'\n" in keyed.run("rm", "a b").err


def test_a_cut_backup_is_not_offered_as_its_own_remedy(keyed) -> None:
    """`backup --check` of a cut file does not advise to restore it."""
    copy = keyed.home / "copy.db"
    assert keyed.run("backup", str(copy)).code == 0
    copy.write_bytes(copy.read_bytes()[:-4096])
    done = keyed.run("backup", "--check", str(copy))
    assert done.code == 7
    assert done.err.splitlines()[1:] == [
        "hint: this copy is no good: keep another, and make a new one: strongroom backup FILE"
    ]


def test_an_everybody_directory_is_left_as_it_is(keyed) -> None:
    """Nobody is told to take the write permission from a directory such as /tmp."""
    shared = keyed.home / "shared"
    shared.mkdir()
    shared.chmod(0o777 | stat.S_ISVTX)
    done = keyed.run("backup", str(shared / "copy.db"))
    assert done.code == 9
    assert "chmod" not in done.err


def test_verify_does_not_advise_verify(keyed) -> None:
    """What `verify` found is not followed by the advice to run it."""
    keyed.run("set", "a", "x=1")
    with sqlite3.connect(keyed.vault) as connection:
        connection.execute("DELETE FROM ledger")
    connection.close()
    assert "hint: run: strongroom verify\n" in keyed.run("get", "a").err
    done = keyed.run("verify")
    assert (done.code, done.out) == (7, b"changed: the ledger row is missing\n")
    assert "strongroom verify" not in done.err


def test_files_beside_the_vault_that_cannot_be_written_are_named(keyed) -> None:
    """SQLite gives its files the mode of the vault: one that was read-only for a while leaves such files behind."""
    connection = sqlite3.connect(f"file:{keyed.vault}?mode=ro", uri=True)
    with pytest.raises(sqlite3.OperationalError) as caught:
        connection.execute("DELETE FROM audit")
    connection.close()
    error = translate(caught.value, str(keyed.vault))
    assert isinstance(error, StoreUnavailable)
    assert "-wal and -shm" in error.advice
