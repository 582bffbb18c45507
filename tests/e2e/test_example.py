"""A project's newcomer: a .env file without values, and questions for what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from strongroom.formats.dotenv import read
from strongroom.formats.example import make_example
from tests.e2e.conftest import Machine

ENV = """\
# The shop. Ask Anna for access, or see https://wiki.example.com/shop/access-2024-and-more
DEBUG=1
# OLD_TOKEN=canary-0
export DB_PASSWORD="canary-1 #x"  # prod
API_TOKEN=ghp_canary0123456789 # from the console, not canary-1 #x
REF_TOKEN='strongroom://team/mail#password'
KEY="l1 canary
l2"
"""
EXAMPLE = """\
# The shop. Ask Anna for access, or see https://wiki.example.com/shop/access-2024-and-more
DEBUG=
# OLD_TOKEN=
export DB_PASSWORD=  # prod
API_TOKEN= 
REF_TOKEN='strongroom://team/mail#password'
KEY=
"""  # noqa: W291 - the blank before the comment that was dropped


@pytest.fixture
def shop(keyed: Machine) -> Path:
    """A project's directory with a .env file."""
    place = keyed.home / "shop"
    place.mkdir()
    (place / ".env").write_text(ENV)
    return place


def test_names_without_values(keyed: Machine, shop: Path) -> None:
    """Exactly the names, references and harmless comments on standard output; the rest is said beside it."""
    done = keyed.run("example", "shop/.env", environment={"HOME": str(keyed.home), "PATH": "/usr/bin:/bin"})
    assert (done.code, done.text) == (0, EXAMPLE), done
    assert "the comment of line 3, 5; look it over" in done.err
    found = json.loads(keyed.run("example", "shop/.env", "--json").text)
    assert found["names"] == ["DEBUG", "DB_PASSWORD", "API_TOKEN", "REF_TOKEN", "KEY"]
    assert found["comments_cut"] == [3, 5]
    done = keyed.run("example", "shop/none")
    assert done.code == 4
    (shop / "bad").write_text("A='canary")
    done = keyed.run("example", "shop/bad")
    assert (done.code, done.out, "canary" in done.err) == (2, b"", False)


@pytest.mark.parametrize(
    ("comment", "kept"),
    [
        ("# the password was hunter2", ""),
        ("# password: hunter2", "# password:"),
        ("# PORT: 80", "# PORT: 80"),
        ("#PORT=80", "#PORT="),
        ("# old: postgres://u:p@h/d", ""),
        ("# try AKIAIOSFODNN7EXAMPLE", ""),
        ("# 0123456789abcdef0123456789abcdef", ""),
        ("# Tr0ub4dor3Tr0ub4dor3", ""),
        ("# SOME_LONG_NAME_IN_CAPITALS some-long-kebab-word", "# SOME_LONG_NAME_IN_CAPITALS some-long-kebab-word"),
        ("# see https://example.com/a/long/path1234567890", "# see https://example.com/a/long/path1234567890"),
        ("# old: tr0ub4dor-3", "# old:"),
        ("# old: 'tr0ub4dor-3'", "# old:"),
        ("# since: 2026-11 it is not read", "# since: 2026-11 it is not read"),
        ("# it says pw", ""),
        ("# it says long public text", ""),
        ("# it says short", "# it says short"),
    ],
)
def test_comments(comment: str, kept: str) -> None:
    """What may be a value goes; what is only prose stays."""
    text = f"X_TOKEN='pw!'\nPUBLIC='long public text'\nSHORT=short\n{comment.replace('says pw', 'says pw!')}\n"
    example, cut = make_example(read(text.encode()), text)
    assert example.decode() == f"X_TOKEN=\nPUBLIC=\nSHORT=\n{kept}\n"
    assert cut == ([] if kept == comment else [4])


def test_a_new_collaborator(keyed: Machine, shop: Path) -> None:
    """`require --from` asks for each missing name, keeps what is there, and does not ask for what has a default."""
    (shop / ".env.example").write_text("DEBUG=0\nDB_PASSWORD=\nDB_USER=\nREF_TOKEN='strongroom://team/mail#password'\n")
    done = keyed.run("require", "--from", "shop/.env.example")
    assert (done.code, "no terminal to ask on" in done.err) == (8, True)
    assert keyed.run("set", "shop/env", "DB_USER=anna").code == 0
    with keyed.at_terminal("require", "--from", "shop/.env.example") as person:
        for _ in range(2):
            person.sees("DB_PASSWORD of shop/env").waits_for("off")
            person.types("canary-typed")
        for _ in range(2):
            person.sees("password of team/mail").waits_for("off")
            person.types("canary-mail")
        person.sees("shop/env has DB_PASSWORD, DB_USER").sees("team/mail has password")
        assert person.ends() == 0
        assert "canary" not in person.screen
    assert keyed.run("get", "shop/env", "DB_PASSWORD").out == b"canary-typed"
    done = keyed.run("require", "--from", "shop/.env.example", "--json")
    assert [one["path"] for one in json.loads(done.text)] == ["shop/env", "team/mail"]
    done = keyed.run("require", "--from", "shop/.env.example", "elsewhere/x")
    assert (done.code, "elsewhere/x has no DB_PASSWORD" in done.err) == (8, True)


def test_wrong_use(keyed: Machine, shop: Path) -> None:
    """Fields beside --from, none of both, a reference that is none, and a file that asks for nothing."""
    assert keyed.run("require").code == 2
    assert keyed.run("require", "a").code == 2
    assert keyed.run("require", "--from", "shop/.env", "a", "b").code == 2
    assert keyed.run("require", "--from", "shop/none").code == 4
    (shop / "bad.env").write_text("A_TOKEN='strongroom://#'\n")
    done = keyed.run("require", "--from", "shop/bad.env")
    assert (done.code, "line 1" in done.err) == (2, True)
    (shop / "full.env").write_text("A=1\n")
    done = keyed.run("require", "--from", "shop/full.env")
    assert (done.code, "asks for nothing" in done.err) == (0, True)
