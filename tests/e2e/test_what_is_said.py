"""Commands that had nothing to do, or did more than was asked: they say what is the case."""

from __future__ import annotations

import json


def test_a_deletion_of_what_is_deleted(keyed) -> None:
    """Said, and no second deletion; another version of the same item is one."""
    for value in (b"one", b"two"):
        keyed.run("set", "bank", "password", stdin=value)
    assert keyed.run("rm", "bank").err.startswith("strongroom: deleted bank\n")
    before = keyed.run("log", "bank").text
    again = keyed.run("rm", "bank")
    assert (again.code, again.err) == (
        0,
        "strongroom: bank is deleted already\nhint: bring it back with: strongroom restore bank\n",
    )
    assert keyed.run("log", "bank").text == before
    assert keyed.run("rm", "bank", "--version", "1", "--version", "2").err.startswith("strongroom: deleted version 1")
    assert "is deleted already" in keyed.run("rm", "bank", "--version", "1").err
    assert keyed.run("rm", "absent").code == 4


def test_a_restoration_of_what_is_there(keyed) -> None:
    """Said, with the version that is current; what is deleted later is taken back and restored."""
    keyed.run("set", "bank", "password", stdin=b"one")
    there = keyed.run("restore", "bank")
    assert there.code == 0
    assert there.err.startswith("strongroom: bank is not deleted; its current version is 1\nhint: ")
    keyed.run("rm", "bank")
    assert keyed.run("restore", "bank").err == "strongroom: restored bank, version 1\n"
    keyed.run("configure", "bank", "--delete-after", "90d")
    keyed.run("set", "bank", "password", stdin=b"two")
    assert keyed.run("restore", "bank").err == "strongroom: restored bank, version 2\n"
    assert keyed.run("restore", "absent").code == 4


def test_a_new_date_is_a_new_version(keyed) -> None:
    """`configure --expires` says which one it wrote; without it nothing was."""
    keyed.run("set", "bank", "password", stdin=b"one")
    done = keyed.run("configure", "bank", "--expires", "2099-12-31")
    assert done.err == "strongroom: stored bank, version 2, which expires 2099-12-31 00:00 UTC\n"
    assert "never expires" in keyed.run("configure", "bank", "--expires", "never").err
    assert json.loads(keyed.run("configure", "bank", "--expires", "90d", "--json").out)["version"] == 4
    assert keyed.run("configure", "bank", "--max-versions", "5").err == ""
    assert "version" not in json.loads(keyed.run("configure", "bank", "--json").out)


def test_a_root_key_is_mentioned(keyed) -> None:
    """`rotate --root` says that the slots got a new one."""
    assert "root key" not in keyed.run("rotate").err
    assert keyed.run("rotate", "--root").err.startswith(
        "strongroom: made a new root key, and handed it to the key slot\n"
    )
    keyed.run("slot", "add", "key-file", str(keyed.home / "other"))
    assert "handed it to 2 key slots" in keyed.run("rotate", "--root").err


def test_a_weak_passphrase_is_remarked_upon(keyed) -> None:
    """It is taken; a better one is taken without a word."""
    weak = keyed.run("slot", "add", "passphrase", stdin=b"x\n")
    assert weak.code == 0
    assert "this passphrase is weak: 2^4 guesses find it" in weak.err
    assert "weak" not in keyed.run("slot", "add", "passphrase", stdin=b"tea with nine blue elephants\n").err
    other = ("--vault", str(keyed.home / "other.db"), "init", "--passphrase")
    assert "this passphrase is weak" in keyed.run(*other, "--passphrase-fd", "0", stdin=b"1234\n").err


def test_a_weak_passphrase_at_a_terminal(machine) -> None:
    """The remark stands on the screen, after the second typing."""
    with machine.at_terminal("init", "--passphrase", "--no-recovery-code") as person:
        person.sees("new passphrase: ").types("abcdef")
        person.sees("once more: ").types("abcdef")
        person.sees("this passphrase is weak: 2^9 guesses")
        assert person.ends() == 0


def test_what_is_no_recipient(keyed) -> None:
    """`slot add age` says what one looks like."""
    missing = keyed.run("slot", "add", "age", "nonsense")
    assert missing.code == 4
    assert "hint: strongroom slot add age age1..." in missing.err
    for wrong in ("age1nonsense", "ssh-dss AAAA"):
        done = keyed.run("slot", "add", "age", wrong)
        assert done.code == 2
        assert "hint: strongroom slot add age age1..." in done.err
    (keyed.home / "empty.pub").write_text("\n# nobody\n")
    assert "hint: strongroom slot add age age1..." in keyed.run("slot", "add", "age", "empty.pub").err
