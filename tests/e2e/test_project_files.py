"""`allow`, `render` and `export`: a project's files are believed once, and what is written is private and whole."""

from __future__ import annotations

import json
import os
import stat

import pytest

from tests.e2e.conftest import Machine

TEMPLATE = """\
database:
  password: {{ strongroom://db/prod#password?as=json }}
  url: postgres://app:{{strongroom://db/prod#password?as=url}}@db/app
jinja: {{ untouched }}
"""


@pytest.fixture
def stocked(keyed: Machine) -> Machine:
    """A machine with two items and a template in its home."""
    assert keyed.run("set", "db/prod", "username=app", "password", stdin='p"w/ö'.encode()).code == 0
    assert keyed.run("set", "mail/smtp", "password", stdin=b"canary-mail").code == 0
    (keyed.home / "app.yaml.in").write_text(TEMPLATE)
    return keyed


def test_a_template_is_rendered_once_it_was_allowed(stocked: Machine) -> None:
    """A private file in one step, in place of another; after any change it has to be allowed again."""
    target = stocked.home / "app.yaml"
    target.write_text("old")
    target.chmod(0o644)
    refused = stocked.run("render", "app.yaml.in", "-o", "app.yaml")
    assert refused.code == 5
    assert "hint: look at it, then: strongroom allow app.yaml.in\n" in refused.err
    assert target.read_text() == "old"
    allowed = stocked.run("allow", "app.yaml.in", "--yes")
    assert allowed.code == 0
    assert "db/prod#password as json" in allowed.err
    done = stocked.run("render", "app.yaml.in", "-o", "app.yaml")
    assert (done.code, done.out) == (0, b"")
    assert target.read_text() == (
        'database:\n  password: "p\\"w/\\u00f6"\n  url: postgres://app:p%22w%2F%C3%B6@db/app\njinja: {{ untouched }}\n'
    )
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert sorted(one.name for one in stocked.home.iterdir() if "app" in one.name) == ["app.yaml", "app.yaml.in"]
    (stocked.home / "app.yaml.in").write_text(TEMPLATE + "more: {{ strongroom://mail/smtp }}\n")
    assert stocked.run("render", "app.yaml.in").code == 5


def test_a_template_with_a_missing_value_writes_nothing(stocked: Machine) -> None:
    """All that are missing are named, with their lines."""
    (stocked.home / "t").write_text("a\n{{ strongroom://none#x }}\n{{ strongroom://db/prod#nothing }}\n")
    assert stocked.run("allow", "t", "--yes").code == 0
    done = stocked.run("render", "t", "-o", "out")
    assert done.code == 4
    assert "2 of 2 references name nothing: line 2 (none#x), line 3 (db/prod#nothing)" in done.err
    assert not (stocked.home / "out").exists()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{{ strongroom://my item#x }}", 2),
        ("{{ strongroom://db/prod }}", 2),
        ("{{ strongroom://@keys/x#private }}", 2),
    ],
)
def test_a_template_that_cannot_be_meant_so_is_refused(stocked: Machine, text: str, code: int) -> None:
    """Also when it was allowed."""
    (stocked.home / "t").write_text(text)
    assert stocked.run("allow", "t", "--yes").code == 0
    done = stocked.run("render", "t", "-o", "out")
    assert done.code == code, done
    assert not (stocked.home / "out").exists()


def test_a_link_in_the_outputs_place_is_replaced_and_not_followed(stocked: Machine) -> None:
    """Who can write the directory could otherwise have a value written elsewhere."""
    (stocked.home / "elsewhere").write_text("kept")
    (stocked.home / "out").symlink_to("elsewhere")
    assert stocked.run("allow", "app.yaml.in", "--yes").code == 0
    assert stocked.run("render", "app.yaml.in", "-o", "out").code == 0
    assert (stocked.home / "elsewhere").read_text() == "kept"
    assert not (stocked.home / "out").is_symlink()
    open_to_others = stocked.home / "shared"
    open_to_others.mkdir()
    open_to_others.chmod(0o777)
    assert stocked.run("render", "app.yaml.in", "-o", "shared/out").code == 9
    assert list(open_to_others.iterdir()) == []


def test_a_person_is_shown_what_a_file_names_and_asked(stocked: Machine) -> None:
    """On a terminal; without one and without --yes nothing is allowed."""
    assert stocked.run("allow", "app.yaml.in").code == 8
    with stocked.at_terminal("allow", "app.yaml.in") as person:
        person.sees("names 2").sees("db/prod#password as url").sees("Allow app.yaml.in as it is now?").types("n")
        assert person.ends() == 5
    assert stocked.run("render", "app.yaml.in").code == 5
    with stocked.at_terminal("allow", "app.yaml.in", "--prefix", "db") as person:
        person.sees("Allow app.yaml.in as it is now?").types("y").sees("within db")
        assert person.ends() == 0
    assert stocked.run("render", "app.yaml.in").code == 0


def test_escapes_in_a_file_reach_no_terminal(stocked: Machine) -> None:
    """Names come out of a stranger's file."""
    (stocked.home / "t").write_bytes(b"{{ strongroom://a%1B%5B31m#x }} {{ strongroom://\xe2\x80\xaeb#x }}\n")
    done = stocked.run("allow", "t", "--yes")
    assert "\x1b" not in done.err
    assert "\u202e" not in done.err
    assert "2 that are no reference" in done.err


def test_what_was_allowed_is_listed_and_taken_back(stocked: Machine) -> None:
    """By the file's place."""
    assert stocked.run("allow", "app.yaml.in", "--yes", "--prefix", "db").code == 0
    listed = json.loads(stocked.run("allow", "--list", "--json").text)
    assert [(one["file"], one["prefixes"]) for one in listed] == [(str(stocked.home / "app.yaml.in"), ["db"])]
    assert "app.yaml.in  db  " in stocked.run("allow", "--list").text
    assert stocked.run("allow", "--remove", "app.yaml.in").code == 0
    assert stocked.run("allow", "--remove", "app.yaml.in").code == 4
    assert stocked.run("render", "app.yaml.in").code == 5
    for wrong in ([], ["--list", "x"], ["app.yaml.in", "--json"], ["x", "--prefix", "a//b"]):
        assert stocked.run("allow", *wrong).code == 2


def test_allowing_takes_neither_vault_nor_key(machine: Machine) -> None:
    """A file can be looked at before there is any."""
    (machine.home / "t").write_text("{{ strongroom://a#b }}")
    assert machine.run("allow", "t", "--yes").code == 0


def test_items_are_exported_in_three_formats(stocked: Machine) -> None:
    """Folders, single items, and variables with names of their own."""
    everything = json.loads(stocked.run("export", "/", "--format", "json").text)
    assert everything == {
        "db/prod": {"username": "app", "password": 'p"w/ö'}, "mail/smtp": {"password": "canary-mail"}
    }  # fmt: skip
    assert json.loads(stocked.run("export", "mail/smtp", "--json").text) == {"mail/smtp": everything["mail/smtp"]}
    assert stocked.run("export", "db/", "--format", "env").text == "DB_PROD_USERNAME='app'\nDB_PROD_PASSWORD='p\"w/ö'\n"
    chosen = stocked.run("export", "--format", "shell", "--env", "PW=strongroom://db/prod#password?as=base64")
    assert chosen.text == "export PW='cCJ3L8O2'\n"


def test_an_export_is_a_new_private_file_or_none(stocked: Machine) -> None:
    """It never overwrites, and nothing is written when anything is refused."""
    done = stocked.run("export", "/", "--format", "json", "-o", "out.json")
    assert done.code == 0
    assert stat.S_IMODE(os.stat(stocked.home / "out.json").st_mode) == 0o600
    assert stocked.run("export", "/", "--format", "json", "-o", "out.json").code == 10
    assert stocked.run("set", "odd", "password", stdin=b"it's").code == 0
    refused = stocked.run("export", "/", "--format", "env", "-o", "out.env")
    assert refused.code == 2
    assert "env cannot carry exactly ODD_PASSWORD (a single quote, $, backslash or newline)" in refused.err
    assert "it's" not in refused.err
    assert not (stocked.home / "out.env").exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["/"], 2),
        (["--format", "json"], 2),
        (["/", "--format", "xml"], 2),
        (["none", "--format", "json"], 4),
        (["none/", "--format", "json"], 4),
        (["--env", "A=strongroom://none#x", "--format", "env"], 4),
        (["--env", "A=strongroom://db/prod", "--format", "env"], 2),
        (["--env", "A=strongroom://mail/smtp", "--format", "json"], 2),
        (["a//b", "--format", "json"], 2),
    ],
)
def test_wrong_exports_are_refused(stocked: Machine, words: list[str], code: int) -> None:
    """With nothing on standard output."""
    done = stocked.run("export", *words)
    assert (done.code, done.out) == (code, b""), done
