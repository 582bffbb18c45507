"""A person at a terminal: what is asked, how it is typed, and that the terminal is left as it was found."""

from __future__ import annotations

import json
import os
import re
import signal
import sys

import pytest

PASSPHRASE = "tea with nine blue elephants"


def test_the_right_passphrase_opens(phrased) -> None:
    """The passphrase is asked for without echo, and the value follows with a newline for the terminal."""
    with phrased.at_terminal("get", "bank/checking", "password") as person:
        person.sees(f"passphrase for {phrased.vault}: ").waits_for("off")
        person.types(PASSPHRASE)
        assert person.ends() == 0
        assert person.screen == "\ncanary-7f3a\n"
        assert person.echo_is_on


def test_a_wrong_passphrase_may_be_corrected(phrased) -> None:
    """A mistake is told and asked again; backspace and Ctrl-U edit the line."""
    with phrased.at_terminal("get", "bank/checking", "password") as person:
        person.sees("passphrase for").waits_for("off")
        person.types("wrong")
        person.sees("that does not open it, try again\n").sees(": ").waits_for("off")
        person.types("nonsense\x15" + PASSPHRASE + "xy\x7f\x7f\n")
        assert person.ends() == 0
        assert person.screen.endswith("canary-7f3a\n")


def test_three_wrong_passphrases_are_the_end(phrased) -> None:
    """Then it is exit 6, and nothing that was typed is on the screen."""
    with phrased.at_terminal("get", "bank/checking") as person:
        for _ in range(3):
            person.sees("passphrase for").sees(": ").waits_for("off")
            person.types("wrong-guess")
        assert person.ends() == 6
        assert "strongroom: no key slot opens with this\n" in person.screen
        assert "wrong-guess" not in person.screen


def test_ctrl_c_at_the_prompt(phrased) -> None:
    """Ctrl-C ends it by SIGINT, as a shell expects, without a word, and echo is on again."""
    with phrased.at_terminal("get", "bank/checking", "password") as person:
        person.sees("passphrase for").waits_for("off")
        person.types("\x03")
        assert person.ends() == -signal.SIGINT
        assert person.echo_is_on
        assert "Traceback" not in person.screen
        assert "strongroom:" not in person.screen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_other_ends_at_the_prompt(phrased, number: int) -> None:
    """Whatever signal ends it, echo is on again."""
    with phrased.at_terminal("get", "bank/checking", "password") as person:
        person.sees("passphrase for").waits_for("off")
        person.process.send_signal(number)
        assert person.ends() == -number
        assert person.echo_is_on


def test_ctrl_z_at_the_prompt(phrased) -> None:
    """A stopped prompt leaves echo on; continued, it asks again without echo."""
    # A shell stands between, because a process without one to continue it ignores Ctrl-Z.
    shell = ["bash", "-ic", f"{sys.executable} -m strongroom get bank/checking password; echo stopped; fg; echo rc=$?"]
    with phrased.at_terminal(command=shell) as person:
        person.sees("passphrase for").sees(": ").waits_for("off")
        person.types("\x1a")
        person.sees("stopped\n").sees("passphrase for").sees(": ").waits_for("off")
        person.types(PASSPHRASE)
        person.sees("canary-7f3a\n").sees("rc=0")


def test_ctrl_d_is_no_answer(phrased) -> None:
    """End of file at the prompt is exit 8, not an empty passphrase."""
    with phrased.at_terminal("get", "bank/checking", "password") as person:
        person.sees("passphrase for").waits_for("off")
        person.types("\x04")
        assert person.ends() == 8
        assert "strongroom: the question was left without an answer" in person.screen
        assert person.echo_is_on


def test_a_job_in_the_background_does_not_hang(phrased) -> None:
    """With a terminal that belongs to somebody else at the moment it is exit 8 at once, not a stopped job."""
    shell = ["bash", "-ic", f"{sys.executable} -m strongroom get bank/checking password & wait $!; echo rc=$?"]
    with phrased.at_terminal(command=shell) as person:
        person.sees("strongroom: nothing at hand opens").sees("rc=8")


def test_the_passphrase_is_typed_while_the_value_comes_through_a_pipe(phrased) -> None:
    """Standard input and output are pipes; the question goes to the terminal all the same."""
    read_in, write_in = os.pipe()
    read_out, write_out = os.pipe()
    os.write(write_in, b"piped\n")
    os.close(write_in)
    with phrased.at_terminal("set", "a", "token", stdin=read_in, stdout=write_out) as person:
        person.sees("passphrase for").waits_for("off")
        person.types(PASSPHRASE)
        assert person.ends() == 0
    with phrased.at_terminal("get", "a", stdout=write_out) as person:
        person.sees("passphrase for").waits_for("off")
        person.types(PASSPHRASE)
        assert person.ends() == 0
    os.close(read_in)
    os.close(write_out)
    assert os.read(read_out, 100) == b"piped"
    os.close(read_out)


def test_no_terminal_is_said(phrased) -> None:
    """Without a terminal: exit 8 at once, with what was tried and the next step."""
    done = phrased.run("get", "bank/checking", "password")
    assert (done.code, done.out) == (8, b"")
    assert done.err == (
        f"strongroom: nothing at hand opens {phrased.vault}\n"
        "hint: STRONGROOM_KEY_FILE is not set\n"
        "hint: there is no terminal to ask for the passphrase on\n"
        "hint: on a terminal, make a key file that opens it unattended: strongroom slot add key-file FILE\n"
    )


def test_init_asks_for_everything(machine) -> None:
    """On a terminal init asks twice for a passphrase, offers a recovery code and shows it once; it opens the vault."""
    with machine.at_terminal("init") as person:
        person.sees("new passphrase: ").waits_for("off")
        person.types("one thing")
        person.sees("once more: ").types("another thing")
        person.sees("they differ\n").sees("new passphrase: ").types(PASSPHRASE)
        person.sees("once more: ").types(PASSPHRASE)
        person.sees("Make a recovery code?").sees("[Y/n] ").types("")
        assert person.ends() == 0
        code = re.search(r"(?:[0-9A-Z]{4}-){7}[0-9A-Z]{4}", person.screen)
        assert code, person.screen
        assert PASSPHRASE not in person.screen
        assert "hint: let programs open it without you: strongroom slot add key-file FILE" in person.screen
    with machine.at_terminal("status") as person:
        person.sees("passphrase or recovery code for").waits_for("off")
        person.types(code[0].lower())
        assert person.ends() == 0
        assert code[0] not in person.screen


def test_set_asks_twice(keyed) -> None:
    """A secret is typed twice without echo; two that differ are asked for again."""
    with keyed.at_terminal("set", "bank/checking", "username=dustin", "password") as person:
        person.sees("password of bank/checking: ").waits_for("off")
        person.types("hunter2")
        person.sees("once more: ").types("hunter3")
        person.sees("they differ\n").sees("password of bank/checking: ").types("hunter2")
        person.sees("once more: ").types("hunter2")
        assert person.ends() == 0
        assert "hunter" not in person.screen
    assert keyed.run("get", "bank/checking", "password").out == b"hunter2"
    with keyed.at_terminal("set", "mail") as person:
        person.sees("password of mail: ").waits_for("off")
        person.types("s3cret").sees("once more: ").types("s3cret")
        assert person.ends() == 0
    assert keyed.run("get", "mail").out == b"s3cret"


def test_a_passphrase_slot_is_added_at_a_terminal(keyed) -> None:
    """slot add passphrase asks twice; slot remove asks before it does it."""
    with keyed.at_terminal("slot", "add", "passphrase") as person:
        person.sees("new passphrase: ").waits_for("off")
        person.types(PASSPHRASE).sees("once more: ").types(PASSPHRASE)
        assert person.ends() == 0
    slots = json.loads(keyed.run("slot", "--json").out)
    assert [slot["kind"] for slot in slots] == ["key-file", "passphrase"]
    with keyed.at_terminal("slot", "remove", slots[1]["id"]) as person:
        person.sees("Remove the passphrase slot").sees("[y/N] ").types("n")
        assert person.ends() == 0
    assert len(json.loads(keyed.run("slot", "--json").out)) == 2


def test_require_asks_once_and_remembers(keyed) -> None:
    """What is not secret is typed with echo, what is secret without; afterwards a job finds both."""
    with keyed.at_terminal("require", "bank", "username", "password") as person:
        person.sees("username of bank: ").types("dustin")
        person.sees("password of bank: ").waits_for("off")
        person.types("hunter2").sees("once more: ").types("hunter2")
        assert person.ends() == 0
    shown = json.loads(keyed.run("get", "bank", "--json").out)
    assert (shown["fields"], shown["secret"]) == ({"username": "dustin", "password": "hunter2"}, ["password"])
    assert keyed.run("require", "bank", "username", "password").code == 0


def test_destroying_asks(keyed) -> None:
    """On a terminal rm --destroy asks, and no is the default."""
    keyed.run("set", "a", "x=1")
    with keyed.at_terminal("rm", "--destroy", "a") as person:
        person.sees("Destroy a for good? [y/N] ").types("")
        assert person.ends() == 0
        assert "nothing was destroyed" in person.screen
    assert keyed.run("get", "a").out == b"1"
    with keyed.at_terminal("rm", "--destroy", "a") as person:
        person.sees("[y/N] ").types("maybe").sees("[y/N] ").types("y")
        assert person.ends() == 0
    assert keyed.run("get", "a").code == 4


def test_a_terminal_never_receives_control_characters(keyed) -> None:
    """A value with escape sequences is shown harmless on a terminal and stays exact in a pipe."""
    hostile = "a\x1b]0;owned\x07\r\n\ttab\u202eevil\x9b31m\x7f".encode() + b"\xff"
    keyed.run("set", "v", "token", stdin=hostile)
    assert keyed.run("get", "v").out == hostile
    with keyed.at_terminal("get", "v") as person:
        assert person.ends() == 0
        assert "a\\x1b]0;owned\\x07\\x0d\n" in person.screen
        assert "\\u202eevil\\x9b31m\\x7f\\xff\n" in person.screen
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", person.screen.replace("\r", ""))
        assert "strongroom: control characters are shown escaped" in person.screen
    with keyed.at_terminal("get", "v", "no\x1b[2Jfield") as person:
        assert person.ends() == 2
        assert "\x1b" not in person.screen


def test_tables_have_a_header_for_people_alone(keyed) -> None:
    """log and slot list name their columns on a terminal; a pipe has rows alone."""
    keyed.run("set", "a", "x=1")
    with keyed.at_terminal("log", "a") as person:
        assert person.ends() == 0
        assert person.screen.startswith("VERSION  WRITTEN")
    assert keyed.run("log", "a").text.startswith("1  ")
