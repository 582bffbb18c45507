"""doctor, told in commands: nothing serious on a good machine, and each planted fault found with what mends it."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest


def findings(machine, *words: str) -> dict[str, dict[str, object]]:
    """What doctor finds, by what it is about."""
    done = machine.run("doctor", "--json", *words)
    assert done.err == "" or "no anchor" in done.err, done
    found = json.loads(done.out)["findings"]
    assert (done.code == 0) is not any(one["serious"] for one in found)
    return {one["about"]: one for one in found}


def test_a_good_machine(keyed) -> None:
    """Exit 0; each finding is a remark on one line and its command on the next."""
    done = keyed.run("doctor")
    assert done.code == 0, done
    lines = done.text.splitlines()
    assert all(line.startswith("remark: ") for line in lines[::2])
    assert all(line.startswith("  mend: ") for line in lines[1::2])
    assert "strongroom backup FILE" in done.text
    assert findings(keyed)["key slots"]["mend"] == "strongroom slot add recovery-code"


def test_a_backup_ends_the_remark(keyed) -> None:
    """backup is remembered on this machine."""
    assert "backup" in findings(keyed)
    assert keyed.run("backup", str(keyed.home / "copy.db")).code == 0
    assert "backup" not in findings(keyed)


def test_without_a_vault(machine) -> None:
    """Exit 4, as everywhere."""
    assert machine.run("doctor").code == 4


def test_permissions_are_exit_9_and_the_command_mends_them(keyed) -> None:
    """The mending command, pasted into a shell, mends it."""
    os.chmod(keyed.vault, 0o644)
    os.chmod(keyed.home / ".local", 0o777)
    done = keyed.run("doctor")
    assert done.code == 9
    serious = [line for line in done.text.splitlines() if line.startswith("serious: permissions: ")]
    assert len(serious) == 2
    for line in done.text.splitlines():
        if line.startswith("  mend: chmod"):
            assert os.system(line.removeprefix("  mend: ")) == 0
    assert keyed.run("doctor").code == 0


def test_a_key_file_that_others_can_read(keyed) -> None:
    """The key file that is named is looked at too."""
    os.chmod(keyed.key, 0o444)
    assert keyed.run("doctor").code == 9
    assert f"chmod go= {keyed.key}" in keyed.run("doctor").text


def test_it_asks_nobody(phrased) -> None:
    """A vault with a passphrase: no prompt on a terminal either, and the rest is looked at."""
    with phrased.at_terminal("doctor") as person:
        person.sees("nothing at hand opens the vault")
        assert person.ends() == 0
    done = phrased.run("doctor")
    assert "costs a guesser less" in done.text
    assert "has never seen this vault" in done.text


def test_a_rolled_back_vault(keyed) -> None:
    """With a key at hand doctor compares with the anchor: exit 7."""
    old = keyed.vault.read_bytes()
    keyed.run("set", "a", "n=1")
    keyed.vault.write_bytes(old)
    done = keyed.run("doctor")
    assert done.code == 7
    assert "serious: vault: " in done.text
    assert "was seen on this machine" in done.text


def test_an_anchor_that_is_damaged_or_cannot_be_kept(keyed) -> None:
    """Damage is serious; no place to write is a remark."""
    (anchor,) = (keyed.home / ".local/state/strongroom").glob("*.anchor")
    anchor.write_bytes(b"")
    done = keyed.run("doctor")
    assert done.code == 7
    assert f"rm {anchor}" in done.text
    keyed.environment["XDG_STATE_HOME"] = "/dev/null/state"
    assert "no anchor can be kept" in str(findings(keyed)["anchor"]["message"])


def test_a_clock_that_is_slow(keyed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A vault written by a machine that is ahead: the newest commit lies in the future."""
    from time import time_ns

    import strongroom
    from strongroom.vault import opening

    monkeypatch.setattr(opening, "time_ns", lambda: time_ns() + 3_600 * 10**9)
    with strongroom.open(keyed.vault, key_file=keyed.key) as vault:
        vault._core.clock_us = opening.wall_clock_us
        vault.set("a", {"n": "1"})
    assert "the newest commit was written 5" in str(findings(keyed)["clock"]["message"])


def test_expired_items(keyed) -> None:
    """Values past their date are counted."""
    import time

    keyed.run("set", "a", "n=1", "--expires", "1s")
    time.sleep(1.1)
    assert findings(keyed)["expired"]["mend"] == "strongroom ls --expiring 1s"


def test_a_newer_format(keyed) -> None:
    """Exit 14, and what mends it is a newer program."""
    with sqlite3.connect(keyed.vault) as db:
        db.execute("PRAGMA user_version = 9")
    db.close()
    done = keyed.run("doctor")
    assert done.code == 14
    assert "upgrade strongroom" in done.text


def test_what_is_not_a_vault(keyed) -> None:
    """A damaged file is a finding, not a crash."""
    keyed.vault.write_bytes(b"x" * 10_000)
    done = keyed.run("doctor")
    assert done.code == 7
    assert "serious: vault: " in done.text


def test_a_network_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A memory file system stands in for one that is named in the list."""
    from strongroom.locate.diagnosis import whole
    from strongroom.stores import sqlite_file

    place = Path("/dev/shm")
    if not place.is_dir():
        pytest.skip("there is no /dev/shm to stand in")
    monkeypatch.setattr(sqlite_file, "_NETWORK_FILE_SYSTEMS", frozenset([b"tmpfs"]))
    directory = place / f"strongroom-test-{os.getpid()}"
    directory.mkdir(mode=0o700)
    try:
        (directory / "v.db").touch(mode=0o600)
        found = whole.diagnose(str(directory / "v.db"), unlock=pytest.fail, environment={})  # type: ignore[arg-type]
        assert "network file system (tmpfs)" in found.serious()[0].message
    finally:
        (directory / "v.db").unlink()
        directory.rmdir()
