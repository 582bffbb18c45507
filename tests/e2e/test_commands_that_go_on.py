"""After a refusal the hint is the next command: typed as it stands, it does what was wanted."""

from __future__ import annotations

import shlex

import pytest

import strongroom
from tests.e2e.conftest import Machine
from tests.encrypted_files import ALICE, BOB, FILES, public


@pytest.fixture
def office(keyed: Machine) -> Machine:
    """A vault with a key of each kind, Alice's identity file, and a file."""
    with strongroom.open(str(keyed.vault), key_file=str(keyed.key)) as vault:
        vault.keys.create("data")
        vault.keys.create("releases", "signing")
    (keyed.home / "alice").write_text(f"{ALICE}\n")
    (keyed.home / "alice").chmod(0o600)
    (keyed.home / "my plan.yaml").write_text(FILES["yaml"])
    return keyed


def commands(said: str, *, given: dict[str, str]) -> list[list[str]]:
    """The commands among the hints, with what a person fills in for the words in capitals."""
    found = []
    for hint in (line.removeprefix("hint: ") for line in said.splitlines() if line.startswith("hint: ")):
        command = hint[hint.find("strongroom ") :].partition(", of the vault:")[0]
        if command.startswith("strongroom "):
            found.append([given.get(word, word) for word in shlex.split(command)[1:]])
    return found


CASES = {
    "nobody may read the file": (
        ("encrypt", "my plan.yaml"),
        {"age1...": public(ALICE), "NAME": "data"},
        1,
    ),
    "nobody may read the values": (
        ("file", "encrypt", "my plan.yaml"),
        {"age1...": public(ALICE), "NAME": "data"},
        1,
    ),
    "a secret key has no public part": (("key", "export", "data", "--public"), {}, 0),
    "a certificate's place": (("ca", "issue", "nas.home.arpa"), {"FILE": "nas.pem"}, 0),
    "a misspelt action": (("key", "lsit"), {}, 0),
    "a misspelt action of deposits": (("deposit", "lst"), {}, 0),
    "an action without a name": (("key", "show"), {"NAME": "data"}, 0),
    "a version": (("key", "disable", "data"), {}, 0),
}


@pytest.mark.parametrize("case", CASES)
def test_the_hint_is_a_command_that_works(office: Machine, case: str) -> None:
    """Whatever stands in capitals is for the person to say; the rest is typed as it stands."""
    words, given, which = CASES[case]
    assert office.run("ca", "init", "--yes").code == 0
    refused = office.run(*words)
    assert (refused.code, refused.out) == (2, b""), refused
    done = office.run(*commands(refused.err, given=given)[which])
    assert done.code == 0, (case, refused.err, done)


def test_two_signatures_are_told_apart(office: Machine) -> None:
    """Each is offered with whose signature was expected."""
    for form in ("minisign", "ssh"):
        assert office.run("sign", "my plan.yaml", "--key", "releases", "--format", form).code == 0
    refused = office.run("check", "my plan.yaml", "--key", "releases")
    assert refused.code == 2
    offered = commands(refused.err, given={})
    assert len(offered) == 2
    assert [office.run(*words).code for words in offered] == [0, 0]


def test_an_identity_that_is_missing_is_asked_for_in_a_whole_command(office: Machine) -> None:
    """With the action and the file of the command that was refused."""
    assert office.run("file", "encrypt", "my plan.yaml", "-r", public(ALICE)).code == 0
    refused = office.run("file", "decrypt", "my plan.yaml")
    assert refused.code == 8
    done = office.run(*commands(refused.err, given={"FILE": "alice"})[0])
    assert (done.code, done.text) == (0, FILES["yaml"]), done


def test_an_identity_of_the_file_does_not_keep_the_vault_shut(office: Machine) -> None:
    """--identity opens the file; a key of the vault is fetched with what opens the vault, and is refused without."""
    assert office.run("file", "encrypt", "my plan.yaml", "-r", public(ALICE)).code == 0
    words = ("file", "recipients", "my plan.yaml", "--identity", "alice")
    assert office.run(*words, "--key", "data").code == 0
    assert office.run(*words, "--remove", public(ALICE)).code == 0
    assert office.run("file", "recipients", "my plan.yaml").text == "key data\n"
    del office.environment["STRONGROOM_KEY_FILE"]
    refused = office.run(*words, "--key", "data")
    assert refused.code in (6, 8), refused


def test_a_misspelt_value_is_named(office: Machine) -> None:
    """Names stay readable in such a file, so that nothing is given away."""
    assert office.run("file", "encrypt", "my plan.yaml", "-r", public(ALICE)).code == 0
    refused = office.run("file", "get", "my plan.yaml", "db.pasword", "--identity", "alice")
    assert (refused.code, refused.out) == (4, b"")
    assert "hint: did you mean: db.password\n" in refused.err


def test_the_last_reader_stays(office: Machine) -> None:
    """A file that nobody can read is not written, whoever is named; another reader first, then it is."""
    assert office.run("file", "encrypt", "my plan.yaml", "-r", public(ALICE)).code == 0
    office.environment["STRONGROOM_IDENTITY_FILE"] = str(office.home / "alice")
    before = (office.home / "my plan.yaml").read_bytes()
    refused = office.run("file", "recipients", "my plan.yaml", "--remove", public(ALICE))
    assert refused.code == 2 and "nobody could read it any more" in refused.err, refused
    assert (office.home / "my plan.yaml").read_bytes() == before
    done = office.run(*commands(refused.err, given={"RECIPIENT": public(BOB)})[0])
    assert done.code == 0, done
    assert office.run("file", "recipients", "my plan.yaml", "--remove", public(ALICE), "--accept").code == 0


def test_a_file_without_an_ending_is_asked_for_its_format(office: Machine) -> None:
    """The formats are named, and the command for everything else."""
    (office.home / "notes").write_text("a=b\n")
    refused = office.run("file", "encrypt", "notes", "-r", public(ALICE))
    assert refused.code == 2 and "--format yaml, json, toml, ini or dotenv" in refused.err, refused
    assert office.run("file", "encrypt", "notes", "-r", public(ALICE), "--format", "dotenv").code == 0


def test_a_deposit_named_like_a_misspelt_action_needs_its_fields(office: Machine) -> None:
    """`deposit lst` would have written an item of that name; with a field it is meant, and a folder's item always."""
    refused = office.run("deposit", "lst", stdin=b"tiger\n")
    assert (refused.code, "did you mean: strongroom deposit list" in refused.err) == (2, True), refused
    done = office.run("deposit", "add-key", "scanner", "**", "--out", "scanner.key")
    assert done.code == 0, done
    for words in (("lst", "password"), ("box/lst",)):
        done = office.run("deposit", *words, "--deposit-key", "scanner.key", "--no-agent", stdin=b"tiger\n")
        assert done.code == 0, done


def test_a_second_authority_is_refused_before_anything_is_asked(office: Machine) -> None:
    """Neither a file for its key is named in vain, nor is one written."""
    assert office.run("ca", "init", "--root-key-file", "root.key").code == 0
    refused = office.run("ca", "init", "--root-key-file", "other.key")
    assert refused.code == 10, refused
    assert not (office.home / "other.key").exists()


def test_a_service_without_its_key_file_is_remarked_upon(office: Machine) -> None:
    """It is written, because the file may come later; the command that makes it is named."""
    done = office.run("agent", "install", "--user", "--key-file", "later.key")
    assert done.code == 0 and "there is no key file later.key yet" in done.err, done
    assert ["slot", "add", "key-file", "later.key"] in commands(done.err, given={})
    again = office.run("agent", "install", "--user", "--key-file", str(office.key), "--yes")
    assert again.code == 0 and "there is no key file" not in again.err, again


def test_an_option_before_the_command_is_recognised_too(machine: Machine) -> None:
    """What was meant is named there as behind it."""
    refused = machine.run("--versoin")
    assert (refused.code, refused.out) == (2, b"")
    assert "hint: did you mean: --version\n" in refused.err


def test_a_person_is_told_that_something_is_read(office: Machine) -> None:
    """A terminal that says nothing looks like a program that hangs; a pipe is told nothing."""
    with office.at_terminal("key", "mac", "tags") as person:
        person.sees("end it with Ctrl-D on a line of its own").types("hello")
        person.types("\x04")
        assert person.ends() == 4, "there is no such key"
    done = office.run("key", "encrypt", "data", stdin=b"hello")
    assert (done.code, done.err) == (0, "")
