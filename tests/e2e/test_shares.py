"""Shares of several people: shown one at a time, typed one after another, handed over as lines."""

from __future__ import annotations

import itertools
import json
import os
import re

import pytest

PASSPHRASE = "tea with nine blue elephants"


def made_with_shares(machine, numbers: str = "2of3") -> list[str]:
    """A vault that only shares open, and its shares."""
    done = machine.run("init", "--shares", numbers, "--json")
    assert done.code == 0, done
    shares: list[str] = json.loads(done.out)["shares"]
    return shares


def lines(*shares: str) -> bytes:
    """As they come on a descriptor, with empty lines between."""
    return "\n\n".join(shares).encode() + b"\n"


def shows(text: str, *secrets: str) -> bool:
    """Whether a word, or of a share two words in a row, stands in *text*: one alone may be anybody's English."""
    words = [secret.split() for secret in secrets]
    pairs = [" ".join(pair) for share in words for pair in itertools.pairwise(share)]
    return any(pair in text for pair in (*pairs, *(word for share in words if len(share) == 1 for word in share)))


def on_screen(screen: str, number: int, count: int) -> str:
    """The share that the screen shows."""
    shown = screen.partition(f"share {number} of {count}; write it down and keep it to yourself:\n")[2]
    words = re.findall(r"[a-z]{3,8}", shown.partition("written down")[0])
    assert len(words) == 33, screen
    return " ".join(words)


def test_any_two_of_three_open(machine) -> None:
    """As lines on a descriptor, in any order; what follows them is left unread."""
    shares = made_with_shares(machine)
    for chosen in ((0, 1), (2, 0), (1, 2)):
        done = machine.run("--share-fd", "0", "status", stdin=lines(*(shares[number] for number in chosen)))
        assert done.code == 0, done
    reading, writing = os.pipe()
    os.write(writing, lines(*shares) + b"the next program's line\n")
    os.close(writing)
    assert machine.run("ls", "--share-fd", str(reading), pass_fds=(reading,)).code == 0
    with os.fdopen(reading, "rb") as rest:
        assert rest.read() == b"\n" + lines(shares[2]) + b"the next program's line\n"


def test_every_wrong_collection_is_exit_6(machine) -> None:
    """Each with its own sentence, and none with a word of a share."""
    shares = made_with_shares(machine)
    machine.environment["STRONGROOM_VAULT"] = str(machine.home / "other.db")
    foreign = made_with_shares(machine)
    del machine.environment["STRONGROOM_VAULT"]
    words = shares[1].split()
    mistyped = " ".join([*words[:-1], "academic" if words[-1] != "academic" else "acid"])
    wrong = {
        "too few": (lines(shares[0]), "1 share was given, and 1 more is needed"),
        "none": (b"\n", "0 shares were given, and 2 more are needed"),
        "duplicated": (lines(shares[0], shares[0]), "share 1 was given already"),
        "foreign": (lines(foreign[0], foreign[1]), "which no key slot of this vault has"),
        "mixed": (lines(shares[0], foreign[1]), "and the one before of set"),
        "mistyped": (lines(shares[0], mistyped), "the share has a typing mistake"),
        "misspelt": (lines(shares[0], shares[1].replace(words[5], "xyzzy")), "of the share is not a word of SLIP-39"),
        "cut": (lines(shares[0], shares[1][:-10]), "share"),
        "a passphrase": (lines("hunter2"), "word 1 of the share is not a word of SLIP-39's list"),
    }
    for case, (stdin, message) in wrong.items():
        done = machine.run("ls", "--share-fd", "0", stdin=stdin)
        assert (done.code, done.out) == (6, b""), (case, done)
        assert message in done.err.splitlines()[0], (case, done)
        assert not shows(done.err, *shares, *foreign, "xyzzy", "hunter2"), case
    assert machine.run("ls", "--share-fd", "77").code == 2


def test_a_vault_without_shares(keyed) -> None:
    """Shares are of no use to a vault that has no such slot."""
    done = keyed.run("ls", "--share-fd", "0", stdin=b"academic\n")
    assert done.code == 6
    assert done.err.startswith(f"strongroom: no key slot of {keyed.vault} opens with shares\n")


def test_shares_are_shown_one_at_a_time(keyed) -> None:
    """Each on a screen of its own, which is left before the next; the slot is there after the last."""
    keyed.environment["TERM"] = "xterm"
    with keyed.at_terminal("slot", "add", "shares", "2of3", "--label", "the family") as person:
        person.sees("any 2 of them open the vault").sees("presses Enter: ").types("")
        shares = []
        for number in (1, 2, 3):
            person.sees("written down and compared? Enter: ")
            assert person.seen.count("\x1b[?1049h") == 1
            shares.append(on_screen(person.seen, number, 3))
            person.types("")
            person.sees("\x1b[?1049l")
            if number < 3:
                person.sees("The next person comes, and presses Enter: ").types("")
        assert person.ends() == 0
        assert "added the shares slot" in person.screen
    assert len(set(shares)) == 3
    done = keyed.run("slot", "list", "--json")
    slot = json.loads(done.out)[1]
    assert (slot["kind"], slot["label"]) == ("shares", "the family")
    assert re.fullmatch(r"2 of 3 shares of set \d+", slot["parameters"])
    del keyed.environment["STRONGROOM_KEY_FILE"]
    assert keyed.run("ls", "--share-fd", "0", stdin=lines(shares[2], shares[0])).code == 0


def test_interrupted_while_they_are_shown(keyed) -> None:
    """Ctrl-C leaves the second screen and makes no slot: nothing hangs on shares that nobody has."""
    keyed.environment["TERM"] = "xterm"
    with keyed.at_terminal("slot", "add", "shares", "2of2") as person:
        person.sees("presses Enter: ").types("")
        person.sees("written down and compared? Enter: ").types("\x03")
        person.sees("\x1b[?1049l")
        assert person.ends() < 0
    assert len(json.loads(keyed.run("slot", "list", "--json").out)) == 1


def test_shares_are_typed_one_after_another(machine) -> None:
    """Without echo; a mistake is told and asked again, and what was right before stays."""
    shares = made_with_shares(machine, "3of3")
    with machine.at_terminal("status") as person:
        person.sees(f"share for {machine.vault}: ").waits_for("off")
        person.types(shares[0])
        person.sees("next share (2 more shares needed): ").waits_for("off")
        person.types(shares[0])
        person.sees("share 1 was given already\n").sees("next share (2 more shares needed): ").waits_for("off")
        person.types(shares[2].upper())
        person.sees("next share (1 more share needed): ").waits_for("off")
        person.types(shares[1] + " academic")
        person.sees("a share has 33 words, and this one 34\n").sees("(1 more share needed): ").waits_for("off")
        person.types(shares[1])
        assert person.ends() == 0
        assert "commit counter" in person.screen
        assert person.echo_is_on


def test_an_agent_is_unlocked_with_typed_shares(machine) -> None:
    """`unlock` asks for them too; mistakes are told at once, the agent gets them when there are enough."""
    shares = made_with_shares(machine)
    try:
        with machine.at_terminal("unlock") as person:
            person.sees(f"share for {machine.vault}: ").waits_for("off")
            person.types(shares[2])
            person.sees("next share (1 more share needed): ").waits_for("off")
            person.types(shares[2])
            person.sees("share 3 was given already\n").sees("(1 more share needed): ").waits_for("off")
            person.types(shares[0])
            person.sees("unlocked")
            assert person.ends() == 0
            assert not shows(person.screen, *shares)
        assert json.loads(machine.run("agent", "status", "--json").out)["locked"] is False
        assert machine.run("lock").code == 0
        done = machine.run("unlock", stdin=b"")
        assert (done.code, "--share-fd N" in done.err) == (8, True), done
    finally:
        machine.run("agent", "stop")


def test_five_mistakes_are_the_end_of_a_try(machine) -> None:
    """Then the question begins anew; after three such tries it is exit 6."""
    made_with_shares(machine)
    with machine.at_terminal("status") as person:
        for _ in range(3):
            person.sees("share for ").sees(": ").waits_for("off")
            for _ in range(4):
                person.types("wrong words")
                person.sees("is not a word of SLIP-39's list\n").sees("needed): ").waits_for("off")
            person.types("wrong words")
        assert person.ends() == 6


def test_a_passphrase_or_a_share(phrased) -> None:
    """Where both open the vault, the first line decides what it was."""
    environment = {**phrased.environment, "TERM": "dumb"}
    with phrased.at_terminal("slot", "add", "shares", "2of2", environment=environment) as person:
        person.sees("passphrase for").sees(": ").waits_for("off")
        person.types(PASSPHRASE)
        person.sees("presses Enter: ").types("")
        person.sees("written down").types("")
        first = on_screen(person.seen, 1, 2)
        person.sees("presses Enter: ").types("")
        person.sees("written down").types("")
        second = on_screen(person.seen, 2, 2)
        assert person.ends() == 0
        assert "\x1b" not in person.screen
    with phrased.at_terminal("get", "bank/checking", "password") as person:
        person.sees(f"passphrase or share for {phrased.vault}: ").waits_for("off")
        person.types(second)
        person.sees("next share (1 more share needed): ").waits_for("off")
        person.types(first)
        assert person.ends() == 0
        assert person.screen == "\ncanary-7f3a\n"
    with phrased.at_terminal("get", "bank/checking", "password") as person:
        person.sees("passphrase or share").sees(": ").waits_for("off")
        person.types(PASSPHRASE)
        assert person.ends() == 0


def test_without_a_terminal(keyed, machine) -> None:
    """Shares that nobody could see are not made, and shares that nobody can type are not asked for."""
    done = keyed.run("slot", "add", "shares", "2of3")
    assert (done.code, done.err.splitlines()[0]) == (8, "strongroom: shares are shown on a terminal, and there is none")
    assert len(json.loads(keyed.run("slot", "list", "--json").out)) == 1
    machine.environment["STRONGROOM_VAULT"] = str(machine.home / "other.db")
    del machine.environment["STRONGROOM_KEY_FILE"]
    made_with_shares(machine)
    done = machine.run("ls")
    assert done.code == 8
    assert "hint: there is no terminal to ask for the share on\n" in done.err
    assert "hint: hand over shares as lines: --share-fd N\n" in done.err


def test_a_changed_set_replaces_the_old_one(keyed) -> None:
    """`slot change` makes new shares, and the old ones open nothing any more."""
    old = json.loads(keyed.run("slot", "add", "shares", "2of3", "--json").out)
    new = json.loads(keyed.run("slot", "change", old["id"], "3of5", "--json").out)
    assert len(new["shares"]) == 5
    del keyed.environment["STRONGROOM_KEY_FILE"]
    assert keyed.run("ls", "--share-fd", "0", stdin=lines(*old["shares"])).code == 6
    assert keyed.run("ls", "--share-fd", "0", stdin=lines(*new["shares"])).code == 0


@pytest.mark.parametrize("numbers", ["3", "of", "2of", "1of3", "3of2", "2of17", "-2of3", "2 of 3 of", "²of3", "002of3"])
def test_numbers_that_make_no_sense(keyed, numbers: str) -> None:
    """Each is exit 2, before anything is made."""
    done = keyed.run("slot", "add", "--json", "shares", "--", numbers)
    assert (done.code, done.out) == (2, b""), done


def test_ways_to_open_exclude_each_other(keyed) -> None:
    """Two of them, and an option without its file or descriptor, are exit 2."""
    for words in (
        ("--key-file", str(keyed.key), "--identity", str(keyed.key)),
        ("--share-fd", "0", "--passphrase-fd", "0"),
        ("--identity", ""),
        ("--identity=",),
        ("--share-fd", "x"),
    ):
        assert keyed.run("ls", *words).code == 2, words
    assert keyed.run("slot", "add", "age").code == 2
    assert keyed.run("slot", "add", "keyring", "x").code == 2
    assert keyed.run("slot", "add", "nonsense").code == 2
    assert keyed.run("slot", "add", "age", str(keyed.home / "none.pub")).code == 4
    (keyed.home / "empty.pub").write_text("# nothing\n\n")
    assert keyed.run("slot", "add", "age", str(keyed.home / "empty.pub")).code == 2


def test_without_the_extras(keyed) -> None:
    """A missing package is exit 14, with the command that installs it; an open vault says it before it asks."""
    blocked = keyed.root / "blocked"
    for name in ("pyrage", "shamir_mnemonic", "keyring"):
        (blocked / name).mkdir(parents=True)
        (blocked / name / "__init__.py").write_text("raise ImportError\n")
    path = [str(blocked), *keyed.full_environment(None).get("PYTHONPATH", "").split(":")]
    environment = {**keyed.environment, "PYTHONPATH": ":".join(filter(None, path))}
    for words, extra in (
        (("slot", "add", "shares", "2of3", "--json"), "shamir"),
        (("slot", "add", "age", "age1" + "q" * 58), "age"),
        (("slot", "add", "keyring"), "keyring"),
    ):
        done = keyed.run(*words, environment=environment)
        assert done.code == 14, done
        assert done.err.endswith(f"which is not installed\nhint: pip install 'strongroom[{extra}]'\n"), done
    shares = json.loads(keyed.run("slot", "add", "shares", "2of2", "--json").out)["shares"]
    del environment["STRONGROOM_KEY_FILE"]
    done = keyed.run("ls", "--share-fd", "0", stdin=lines(*shares), environment=environment)
    assert done.code == 14
    assert not shows(done.err, *shares)
