"""Values with a date, told in commands: stored, listed, past their date, renewed; and settings of items and vault."""

from __future__ import annotations

import json
import time


def test_a_value_with_a_date(keyed) -> None:
    """set --expires says until when; the read fails loudly afterwards, unless it is told not to."""
    done = keyed.run("set", "bank", "user=dustin", "--expires", "1s")
    assert done.code == 0
    assert ", until 2" in done.err
    time.sleep(1.1)
    done = keyed.run("get", "bank", "user")
    assert (done.code, done.out) == (12, b"")
    assert "bank expired on 2" in done.err
    assert "--expires 90d" in done.err
    assert keyed.run("get", "bank", "--json").code == 12
    assert keyed.run("require", "bank", "user").code == 12
    done = keyed.run("get", "bank", "user", "--allow-expired")
    assert (done.code, done.out) == (0, b"dustin")
    assert "expired 2" in keyed.run("log", "bank").text


def test_an_old_value_does_not_come_back_to_life(keyed) -> None:
    """A merge into an expired item must say how long the result holds; the advice of the error does."""
    keyed.run("set", "bank", "user=dustin", "--expires", "1s")
    time.sleep(1.1)
    done = keyed.run("set", "bank", "note=x")
    assert done.code == 12
    assert "strongroom set --expires 90d bank" in done.err
    assert keyed.run("set", "bank", "note=x", "--expires", "90d").code == 0
    assert keyed.run("get", "bank", "user").out == b"dustin"


def test_a_merge_keeps_the_date(keyed) -> None:
    """Changing a note does not make the password immortal; `never` does."""
    keyed.run("set", "bank", "user=dustin", "--expires", "2090-01-01")
    keyed.run("set", "bank", "note=x")
    assert json.loads(keyed.run("get", "bank", "--json").out)["expires"].startswith("2090-01-01T00:00")
    keyed.run("set", "bank", "note=y", "--expires", "never")
    assert json.loads(keyed.run("get", "bank", "--json").out)["expires"] is None
    keyed.run("set", "bank", "note=z", "--replace", "--expires", "never")
    assert json.loads(keyed.run("get", "bank", "--json").out)["expires"] is None


def test_an_edit_keeps_the_date(keyed) -> None:
    """As a merge does; an expired item is edited only with a new date."""
    keyed.environment["EDITOR"] = "sed -i s/dustin/karl/"
    keyed.run("set", "bank", "user=dustin", "--expires", "2090-01-01")
    assert keyed.run("edit", "bank").code == 0
    found = json.loads(keyed.run("get", "bank", "--json").out)
    assert found["fields"] == {"user": "karl"}
    assert found["expires"].startswith("2090-01-01T00:00")
    keyed.run("set", "mail", "user=dustin", "--expires", "1s")
    time.sleep(1.1)
    assert keyed.run("edit", "mail").code == 12
    assert keyed.run("edit", "mail", "--expires", "1w").code == 0
    assert keyed.run("get", "mail").out == b"karl"


def test_what_expires_soon(keyed) -> None:
    """ls --expiring walks everything below and shows the dates, the soonest first."""
    keyed.run("set", "bank/a", "n=1", "--expires", "10d")
    keyed.run("set", "bank/b", "n=1", "--expires", "5d")
    keyed.run("set", "mail/c", "n=1", "--expires", "30d")
    keyed.run("set", "mail/d", "n=1")
    lines = keyed.run("ls", "--expiring", "14d").text.splitlines()
    assert [line.split("  ")[1] for line in lines] == ["bank/b", "bank/a"]
    assert keyed.run("ls", "mail", "--expiring", "14d").out == b""
    found = json.loads(keyed.run("ls", "mail", "--expiring", "60d", "--json").out)
    assert [one["path"] for one in found] == ["mail/c"]
    assert keyed.run("ls", "nowhere", "--expiring", "14d").code == 4


def test_a_date_that_is_none(keyed) -> None:
    """Exit 2, and what was typed is not repeated: it may be a mistyped password."""
    for words in (("set", "a", "n=1", "--expires", "hunter2"), ("ls", "--expiring", "hunter2")):
        done = keyed.run(*words)
        assert done.code == 2
        assert "hunter2" not in done.err
    assert keyed.run("set", "a", "n=1", "--expires", "2001-01-01").code == 2
    assert keyed.run("ls").out == b""


def test_settings_of_an_item(keyed) -> None:
    """configure shows and changes what holds for one item."""
    for number in range(5):
        keyed.run("set", "bank", f"n={number}")
    assert keyed.run("configure", "bank").text.startswith("max versions:         as the vault says\n")
    assert keyed.run("configure", "bank", "--max-versions", "2", "--cas-required").code == 0
    done = keyed.run("set", "bank", "n=5")
    assert done.code == 10
    assert "--cas 5" in done.err
    assert keyed.run("set", "bank", "n=5", "--cas", "5").code == 0
    assert [one["version"] for one in json.loads(keyed.run("log", "bank", "--json").out)] == [5, 6]
    assert keyed.run("configure", "bank", "--no-cas-required", "--delete-after", "90d").code == 0
    keyed.run("set", "bank", "n=6")
    assert "will be deleted 2" in keyed.run("log", "bank").text
    shown = json.loads(keyed.run("configure", "bank", "--delete-after", "never", "--json").out)
    assert shown == {"path": "bank", "max_versions": 2, "cas_required": False, "delete_version_after_seconds": None}


def test_versions_that_are_deleted_by_their_age(keyed) -> None:
    """delete_version_after hides a version when its time has come, and restore brings it back."""
    keyed.run("configure", "--delete-after", "1s")
    keyed.run("set", "bank", "n=1")
    time.sleep(1.1)
    assert keyed.run("get", "bank").code == 4
    assert keyed.run("ls").out == b""
    assert keyed.run("ls", "--deleted").out == b"bank\n"
    assert "deleted 2" in keyed.run("log", "bank").text
    assert keyed.run("restore", "bank").code == 0
    assert keyed.run("get", "bank").out == b"1"


def test_settings_of_the_vault(keyed) -> None:
    """They hold for items without their own; nonsense is exit 2, an item that is not there exit 4."""
    assert keyed.run("configure", "--max-versions", "1").code == 0
    keyed.run("set", "bank", "n=1")
    keyed.run("set", "bank", "n=2")
    assert len(keyed.run("log", "bank").text.splitlines()) == 1
    assert keyed.run("configure", "--max-versions", "1001").code == 2
    assert keyed.run("configure", "--expires", "3d").code == 2
    assert keyed.run("configure", "nowhere", "--max-versions", "3").code == 4
    assert keyed.run("configure").text.splitlines()[0] == "max versions:         1"


def test_a_new_date_for_what_is_there(keyed) -> None:
    """configure --expires keeps the value and changes its date, as a new version; also of an expired one."""
    keyed.run("set", "bank", "password", "--expires", "1s", stdin=b"hunter2")
    time.sleep(1.1)
    assert keyed.run("configure", "bank", "--expires", "10d").code == 0
    assert keyed.run("get", "bank").out == b"hunter2"
    assert keyed.run("configure", "bank", "--expires", "never").code == 0
    versions = json.loads(keyed.run("log", "bank", "--json").out)
    assert [one["expires"] is None for one in versions] == [False, False, True]
