"""The ways in and the ways back: key slots, backups, and their refusals."""

from __future__ import annotations

import json
import os
import re
import sqlite3

PASSPHRASE = "tea with nine blue elephants"


def test_slots_come_and_go(keyed) -> None:
    """A passphrase and a second key file are added, open the vault, are changed, and stop opening when removed."""
    keyed.run("set", "a", "x=1")
    done = keyed.run("slot", "add", "passphrase", "--label", "for people", stdin=b"first phrase\n")
    assert done.code == 0, done
    assert done.err.startswith("strongroom: added the passphrase slot ")
    assert keyed.run("get", "a", "--passphrase-fd", "0", stdin=b"first phrase\n").out == b"1"

    done = keyed.run("slot", "add", "key-file", "second", "--json")
    assert done.code == 0, done
    assert json.loads(done.out)["kind"] == "key-file"
    second = keyed.home / "second"
    assert second.stat().st_mode & 0o777 == 0o400
    assert keyed.run("get", "a", "--key-file", "second").out == b"1"

    slots = json.loads(keyed.run("slot", "list", "--json").out)
    assert [slot["kind"] for slot in slots] == ["key-file", "passphrase", "key-file"]
    assert slots[1]["label"] == "for people"
    assert "Argon2id" in slots[1]["parameters"]
    assert [line.split()[1] for line in keyed.run("slot").text.splitlines()] == ["key-file", "passphrase", "key-file"]

    phrase_id = slots[1]["id"]
    assert keyed.run("slot", "change", phrase_id[:8], stdin=b"second phrase\n").code == 0
    assert keyed.run("get", "a", "--passphrase-fd", "0", stdin=b"first phrase\n").code == 6
    assert keyed.run("get", "a", "--passphrase-fd", "0", stdin=b"second phrase\n").out == b"1"

    assert keyed.run("slot", "remove", phrase_id).code == 8
    assert keyed.run("slot", "remove", phrase_id, "--yes").code == 0
    assert keyed.run("get", "a", "--passphrase-fd", "0", stdin=b"second phrase\n").code == 6
    assert keyed.run("slot", "remove", "ffff", "--yes").code == 4
    assert keyed.run("slot", "remove", slots[2]["id"], "--yes").code == 0
    assert keyed.run("get", "a", "--key-file", "second").code == 6
    last = keyed.run("slot", "remove", slots[0]["id"], "--yes")
    assert last.code == 10
    assert "the last key slot" in last.err
    assert keyed.run("verify").code == 0


def test_a_recovery_code_is_added_at_a_terminal(keyed) -> None:
    """slot add recovery-code shows the code on the terminal even when standard output is a pipe."""
    keyed.run("set", "a", "x=1")
    read, write = os.pipe()
    with keyed.at_terminal("slot", "add", "recovery-code", stdout=write) as person:
        assert person.ends() == 0
        code = re.search(r"(?:[0-9A-Z]{4}-){7}[0-9A-Z]{4}", person.screen)
    os.close(write)
    assert os.read(read, 1000) == b""
    os.close(read)
    assert code
    assert keyed.run("get", "a", "--passphrase-fd", "0", stdin=code[0].encode() + b"\n").out == b"1"
    wrong = code[0][:-1] + ("0" if code[0][-1] != "0" else "1")
    assert keyed.run("get", "a", "--passphrase-fd", "0", stdin=wrong.encode() + b"\n").code == 6
    assert keyed.run("slot", "add", "recovery-code").code == 8
    assert len(json.loads(keyed.run("slot", "list", "--json").out)) == 2


def test_a_key_file_of_a_failed_slot_is_taken_back(keyed) -> None:
    """A refused label leaves no key file behind that opens nothing."""
    done = keyed.run("slot", "add", "key-file", "second", "--label", "a\x07b")
    assert done.code == 2, done
    assert "\x07" not in done.err
    assert not (keyed.home / "second").exists()


def test_a_key_file_of_a_failed_init_is_taken_back(machine) -> None:
    """A vault that cannot be made leaves no key file behind either."""
    machine.home.joinpath("file").write_text("")
    done = machine.run("--vault", "file/vault.db", "init", "--key-file", "key")
    assert done.code == 4, done
    assert not machine.key.exists()


def test_backup_and_restore(keyed) -> None:
    """A backup is one private file; it comes back where nothing is, and replaces what is there with --yes only."""
    keyed.run("set", "a", "x=1")
    done = keyed.run("backup", "vault.backup")
    assert done.code == 0, done
    backup = keyed.home / "vault.backup"
    assert backup.stat().st_mode & 0o777 == 0o600
    assert keyed.run("backup", "vault.backup").code == 10
    keyed.run("set", "a", "x=2")

    done = keyed.run("restore-backup", "vault.backup")
    assert done.code == 8
    assert keyed.run("get", "a").out == b"2"
    done = keyed.run("restore-backup", "vault.backup", "--yes", "--json")
    assert done.code == 0, done
    kept = json.loads(done.out)["kept"]
    assert keyed.run("get", "a").out == b"1"
    assert os.path.exists(kept)
    names = {path.name for path in keyed.vault.parent.iterdir()}
    assert not {name for name in names if "restoring" in name}


def test_a_backup_comes_back_where_nothing_is(keyed) -> None:
    """On a new machine restore-backup makes the directory, asks nothing, and the vault is there."""
    keyed.run("set", "a", "x=1")
    assert keyed.run("backup", "vault.backup").code == 0
    elsewhere = str(keyed.home / "elsewhere" / "vault.db")
    done = keyed.run("--vault", elsewhere, "restore-backup", "vault.backup")
    assert done.code == 0, done
    assert keyed.run("get", "a", "--vault", elsewhere).out == b"1"
    assert keyed.run("verify", "--vault", elsewhere).code == 0


def test_a_bad_backup_replaces_nothing(keyed) -> None:
    """A damaged or foreign backup is exit 7, one that does not open exit 6, a missing one exit 4."""
    keyed.run("set", "a", "x=1")
    keyed.run("backup", "good")
    data = (keyed.home / "good").read_bytes()
    cases = {"flipped": data, "cut": data[: len(data) // 2], "foreign": b"hello " * 1000}
    for name, content in cases.items():
        (keyed.home / name).write_bytes(content)
    with sqlite3.connect(keyed.home / "flipped") as connection:
        (body,) = connection.execute("SELECT body FROM versions").fetchone()
        connection.execute("UPDATE versions SET body = ?", (body[:-1] + bytes([body[-1] ^ 1]),))
    connection.close()
    for name in cases:
        done = keyed.run("restore-backup", name, "--yes")
        assert done.code == 7, (name, done)
    assert keyed.run("restore-backup", "missing", "--yes").code == 4
    keyed.run("--vault", str(keyed.home / "o.db"), "--key-file", str(keyed.home / "other"), "init")
    assert keyed.run("restore-backup", "good", "--yes", "--key-file", "other").code == 6
    assert keyed.run("get", "a").out == b"1"
    assert not [path for path in keyed.vault.parent.iterdir() if "restoring" in path.name or "before" in path.name]
