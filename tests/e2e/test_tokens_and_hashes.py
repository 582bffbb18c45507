"""`strongroom token` and `strongroom hash`, as they are typed and piped."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.e2e.conftest import Done, Machine

# Cheap enough to be run often; these tests are about what is asked and said.
CHEAP = ("--memory", "19", "--iterations", "1")

KINDS = {
    "token": rb"[\w-]{43}",
    "token hex --length 16": rb"[0-9a-f]{32}",
    "token urlsafe": rb"[\w-]{43}",
    "token digits --length 8": rb"\d{8}",
    "token django": rb"[a-z0-9!@#$%^&*(\-_=+)]{50}",
    "token fernet": rb"[\w-]{43}=",
    "token uuid": rb"[0-9a-f-]{36}",
    "token passphrase --length 4": rb"[a-z]+(-[a-z]+){3,7}",
    "token passphrase --separator _": rb"[a-z-]+(_[a-z-]+){5}",
}


@pytest.mark.parametrize("line", KINDS)
def test_a_random_value_is_all_there_is_on_standard_output(line: str, machine: Machine) -> None:
    """Without a newline in a pipe, without a vault, and another one each time."""
    done = machine.run(*line.split())
    assert done.code == 0, done
    assert re.fullmatch(KINDS[line], done.out), done
    assert not machine.vault.exists()


def test_the_bits_are_told_where_they_are_few(machine: Machine) -> None:
    """On standard error; in JSON for all."""
    assert "6 words, each one of 7,776 by chance: 77.5 bits" in machine.run("token", "passphrase").err
    assert "6 digits: 19.9 bits" in machine.run("token", "digits").err
    assert machine.run("token", "hex").err == ""
    made = json.loads(machine.run("token", "uuid", "--json").text)
    assert made["entropy_bits"] == 122


def issue(keyed: Machine, *more: str) -> str:
    done = keyed.run("token", "issue", "nightly report", "--prefix", "acme", *more)
    assert done.code == 0, done
    assert "nothing can show it again" in done.err
    return done.text


def verify(keyed: Machine, token: str, *more: str) -> Done:
    return keyed.run("token", "verify", *more, stdin=token.encode() + b"\n")


def test_a_token_from_issue_to_revocation(keyed: Machine) -> None:
    """Issued, recognised, verified, rotated with an overlap, revoked, and listed all the time."""
    token = issue(keyed, "--scope", "reports:read", "--scope", "reports:write", "--for", "90d")
    done = keyed.run("token", "recognise", stdin=token.encode())
    prefix, token_id = done.text.split()
    assert prefix == "acme"
    assert verify(keyed, token, "--scope", "reports:read").text == f"acme_{token_id}  nightly report\n"
    assert verify(keyed, token, "--scope", "reports:delete").code == 5
    assert verify(keyed, token[:-1]).code == 6
    assert "this is not a token" in verify(keyed, token[:-1]).err

    rotated = keyed.run("token", "rotate", token_id, "--overlap", "1h")
    assert rotated.code == 0, rotated
    assert (verify(keyed, token).code, verify(keyed, rotated.text).code) == (0, 0)
    revoked = keyed.run("token", "revoke", token_id)
    assert (revoked.code, revoked.out) == (0, b"")
    refused = verify(keyed, token)
    assert (refused.code, refused.err) == (6, f"strongroom: the token {token_id} was revoked\n")
    again = keyed.run("token", "rotate", token_id)
    assert (again.code, "issue a new one" in again.err) == (6, True)

    listed = json.loads(keyed.run("token", "list", "--json").text)
    assert [one["id"] == token_id for one in listed] == [True, False]
    assert all(one["scopes"] == ["reports:read", "reports:write"] for one in listed)
    assert [one["revoked"] is None for one in listed] == [False, True]
    table = keyed.run("token", "list").text
    assert "revoked" in table
    assert "valid" in table
    shown = table + json.dumps(listed)
    assert token.rpartition("_")[2] not in shown
    assert rotated.text.rpartition("_")[2] not in shown
    assert keyed.run("token", "list", "--prefix", "other").text == ""
    again = json.loads(keyed.run("token", "issue", "x", "--json").text)
    assert (again["prefix"], again["scopes"], again["expires"]) == ("sr", [], None)
    assert json.loads(keyed.run("token", "recognise", "--json", stdin=again["token"].encode()).text) == {
        "prefix": "sr", "id": again["id"],
    }  # fmt: skip
    assert verify(keyed, again["token"], "--json").code == 0
    assert verify(keyed, again["token"], "--prefix", "acme").code == 6
    done = keyed.run("token", "verify", stdin=b"\xff\xfe\n")
    assert (done.code, done.err) == (6, "strongroom: this is not a token\n")
    # What strongroom keeps of its own is no item, and the vault is whole.
    assert keyed.run("ls", "-r").text == ""
    assert keyed.run("verify").code == 0


def test_the_token_itself_lies_nowhere(keyed: Machine) -> None:
    """Not in the vault's files, whatever its encryption."""
    token = issue(keyed)
    secret = token.rpartition("_")[2].encode()
    files = {path: path.read_bytes() for path in keyed.root.rglob("*") if path.is_file()}
    assert any(data.startswith(b"SQLite format 3") for data in files.values()), "the vault is among them"
    assert [path for path, data in files.items() if secret in data] == []


def test_a_token_past_its_date(keyed: Machine) -> None:
    """Is exit 12."""
    token = issue(keyed, "--for", "1s")
    import time

    time.sleep(1.1)
    assert verify(keyed, token).code == 12


# what is typed wrong: (the words, the exit code, what is said)
WRONG = {
    "no such kind": (("token", "tokn"), 2, "token has no such action"),
    "no id": (("token", "revoke"), 2, "token revoke needs ID"),
    "no name": (("token", "issue"), 2, "token issue needs NAME"),
    "an unknown id": (("token", "revoke", "0" * 16), 4, "there is no token with the id"),
    "a path for an id": (("token", "rotate", "../keys/x"), 4, "there is no token with such an id"),
    "a weak one": (("token", "hex", "--length", "8"), 2, "must be within 16..1024"),
    "one length": (("token", "uuid", "--length", "8"), 2, "has one length"),
    "a separator": (("token", "hex", "--separator", "x"), 2, "--separator goes with token passphrase"),
    "scopes of nothing": (("token", "fernet", "--scope", "x"), 2, "token issue NAME does"),
    "a bad prefix": (("token", "issue", "x", "--prefix", "ACME"), 2, "--prefix: a prefix is"),
    "a bad scope": (("token", "issue", "x", "--scope", "a b"), 2, "a scope is"),
    "two scopes": (("token", "verify", "--scope", "a", "--scope", "b"), 2, "verify takes one --scope"),
    "a date for a revocation": (("token", "revoke", "x", "--for", "1d"), 2, "takes no --for"),
    "no token": (("token", "verify"), 8, "nothing on standard input"),
    "no action": (("hash", "compare"), 2, "hash has no such action"),
    "no file": (("hash", "verify"), 2, "hash verify needs FILE"),
    "a missing file": (("hash", "describe", "none"), 4, "there is no file"),
    "too little memory": (("hash", "--memory", "5"), 2, "--memory takes 19 to 2,048, in MiB"),
    "too many iterations": (("hash", "--pbkdf2", "--iterations", "99"), 2, "must be within"),
    "lanes of PBKDF2": (("hash", "--pbkdf2", "--lanes", "2"), 2, "takes neither --memory nor --lanes"),
    "a cost to find a cost": (("hash", "calibrate", "--memory", "64"), 2, "calibrate finds the cost"),
    "a target": (("hash", "--milliseconds", "3"), 2, "goes with hash calibrate"),
    "no password": (("hash",), 8, "nothing on standard input"),
    "an unknown pepper": (("hash", "--pepper", "none"), 4, "no key none"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_typed_wrong(case: str, keyed: Machine) -> None:
    """Is said in one line, with the exit code of its cause, and nothing on standard output."""
    words, code, said = WRONG[case]
    done = keyed.run(*words)
    assert (done.code, done.out) == (code, b""), done
    assert said in done.err
    assert "Traceback" not in done.err


def stored(machine: Machine, text: str) -> Path:
    path = machine.home / "stored"
    path.write_text(text + "\n")
    return path


def test_a_password_is_hashed_and_verified(machine: Machine) -> None:
    """From a pipe; the vault is not even there."""
    done = machine.run("hash", *CHEAP, stdin=b"letmein\n")
    assert (done.code, done.err) == (0, "")
    assert done.text.startswith("$argon2id$v=19$m=19456,t=1,p=1$")
    path = stored(machine, done.text.strip())
    fits = machine.run("hash", "verify", str(path), *CHEAP, stdin=b"letmein")
    assert (fits.code, fits.out, fits.err) == (0, b"", "strongroom: the password fits\n")
    wrong = machine.run("hash", "verify", str(path), *CHEAP, stdin=b"letmeout\n")
    assert (wrong.code, wrong.out, wrong.err) == (6, b"", "strongroom: the password does not fit\n")
    assert machine.run("hash", "describe", str(path), *CHEAP).text == "argon2id, 19456 KiB, 1 iterations, 1 lanes\n"
    assert "outdated" in machine.run("hash", "describe", str(path)).text
    described = {"scheme": "argon2id, 19456 KiB, 1 iterations, 1 lanes", "outdated": True}
    assert json.loads(machine.run("hash", "describe", str(path), "--json").text) == described
    old = machine.run("hash", "verify", str(path), stdin=b"letmein")
    assert (old.code, "the string is outdated" in old.err) == (0, True)
    assert json.loads(machine.run("hash", "verify", str(path), "--json", stdin=b"letmein").text) == described
    made = json.loads(machine.run("hash", "--pbkdf2", "--json", stdin=b"x").text)
    assert made["hash"].startswith("$pbkdf2-sha256$600000$")


# a stored string: the exit code of describing it
STORED = {
    "md5$123abcdef$c8272612932975ee80e8a35995708e80": 0,
    "$1$dOHYPKoP$tnxS1T8Q6VVn3kpV8cN6o.": 14,
    "hunter2": 14,
    "$argon2id$v=19$m=9999999,t=3,p=4$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAA": 7,
    "two\nlines": 2,
    "n\u00f6": 2,
    "": 2,
}


@pytest.mark.parametrize("text", STORED)
def test_a_stored_string_is_called_by_its_name(text: str, machine: Machine) -> None:
    """Or refused; and never repeated, as it may be a password."""
    done = machine.run("hash", "describe", str(stored(machine, text)))
    assert done.code == STORED[text], done
    assert not text or text not in done.text + done.err


def test_calibrate_prints_options_that_hash_takes(machine: Machine) -> None:
    """Typed again, they make a string of that cost."""
    done = machine.run("hash", "calibrate", "--milliseconds", "20")
    assert done.code == 0, done
    made = machine.run("hash", *done.text.split(), stdin=b"x")
    assert made.code == 0, made
    found = json.loads(machine.run("hash", "calibrate", "--milliseconds", "1", "--pbkdf2", "--json").text)
    assert found == {"scheme": "pbkdf2-sha256", "iterations": 600_000}


def test_a_pepper_of_the_vault(keyed: Machine) -> None:
    """A hash of one machine's vault verifies with it alone."""
    assert keyed.run("key", "create", "passwords", "--kind", "hmac").code == 0
    done = keyed.run("hash", *CHEAP, "--pepper", "passwords", stdin=b"letmein")
    assert "keyid=" in done.text
    path = str(stored(keyed, done.text.strip()))
    assert keyed.run("hash", "verify", path, *CHEAP, "--pepper", "passwords", stdin=b"letmein").code == 0
    assert keyed.run("hash", "verify", path, *CHEAP, stdin=b"letmein").code == 14
    keyed.run("key", "create", "other", "--kind", "aead")
    assert keyed.run("hash", "--pepper", "other", stdin=b"x").code == 2


def test_at_a_terminal_nothing_is_echoed(keyed: Machine) -> None:
    """A password is typed twice, a token once; Ctrl-C leaves."""
    with keyed.at_terminal("hash", *CHEAP) as person:
        person.sees("password:").waits_for("off")
        person.types("canary-7f3a").sees("once more:").waits_for("off")
        person.types("canary-7f3a").sees("$argon2id$")
        assert person.ends() == 0
        assert "canary" not in person.seen + person.screen
    token = issue(keyed)
    with keyed.at_terminal("token", "verify") as person:
        person.sees("token:").waits_for("off")
        person.types(token).sees("nightly report")
        assert person.ends() == 0
        assert token not in person.seen + person.screen
    with keyed.at_terminal("token", "verify") as person:
        person.sees("token:").waits_for("off")
        person.types("\x03")
        assert person.ends() in (130, -2)
