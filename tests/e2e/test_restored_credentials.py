"""A backup holds what was good when it was made: restored, it is good again, and the command says so."""

from __future__ import annotations

from tests.e2e.conftest import Machine


def test_what_was_revoked_since_the_backup_is_back_and_that_is_said(keyed: Machine) -> None:
    token = keyed.run("token", "issue", "nightly", "--prefix", "acme").text
    keyed.run("key", "create", "k")
    message = keyed.run("key", "encrypt", "k", stdin=b"x").out
    keyed.run("key", "rotate", "k")
    assert keyed.run("backup", str(keyed.home / "copy")).code == 0
    assert keyed.run("token", "revoke", token.split("_")[1]).code == 0
    assert keyed.run("key", "destroy", "k", "--version", "1", "--yes").code == 0
    assert keyed.run("token", "verify", stdin=token.encode()).code == 6
    assert keyed.run("key", "decrypt", "k", stdin=message).code == 4
    done = keyed.run("restore-backup", str(keyed.home / "copy"), "--yes")
    assert done.code == 0, done
    assert "revoke tokens and disable keys again" in done.err
    assert keyed.run("token", "verify", stdin=token.encode()).code == 0
    assert keyed.run("key", "decrypt", "k", stdin=message).out == b"x"
