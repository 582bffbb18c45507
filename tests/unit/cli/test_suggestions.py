"""What was probably meant by a name that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

import strongroom
from strongroom.doors.cli.suggestions import Suggesting, steps_for
from strongroom.errors import Denied, NotFound
from strongroom.items import quoted_name

ITEMS = ["-dash", "bank/checking", "bank/savings", "mail/smtp", "sites/shop/db", "sites/wiki/db"]

CASES = {
    "a slip": ("get", "bank/cheking", ["did you mean: strongroom get bank/checking"]),
    "capitals": ("log", "Checking", ["did you mean: strongroom log bank/checking"]),
    "without its folder": ("rm", "smtp", ["did you mean: strongroom rm mail/smtp"]),
    "in two folders": ("get", "db", [f"did you mean: strongroom get sites/{site}/db" for site in ("shop", "wiki")]),
    "a folder": ("get", "bank", ["bank is a folder: strongroom ls bank/"]),
    "an item for a folder": ("ls", "mail/smtp", ["mail/smtp is an item: strongroom get mail/smtp"]),
    "a folder with a slip": ("ls", "bnak", ["did you mean: strongroom ls bank/"]),
    "a folder to move": ("mv", "sitse/", ["did you mean: strongroom mv sites/"]),
    "a dash": ("get", "-dsah", ["did you mean: strongroom get -- -dash"]),
    "it is there": ("get", "mail/smtp", []),
    "nothing like it": ("get", "xyzzy", []),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_was_meant(case: str) -> None:
    """As commands to type, at most three."""
    command, typed, steps = CASES[case]
    assert steps_for(command, typed, ITEMS) == steps


def test_what_stood_behind_the_name_stays() -> None:
    """The hint is the whole command, quoted for a shell."""
    assert steps_for("get", "bank/cheking", ITEMS, ("pin",)) == ["did you mean: strongroom get bank/checking pin"]
    assert steps_for("get", "a b", ["a bc"]) == ["did you mean: strongroom get 'a bc'"]
    assert quoted_name("-x y") == "-- '-x y'"


def test_the_error_says_it_and_stays_what_it_is(tmp_path: Path) -> None:
    """In front of what it advised anyhow."""
    tmp_path.chmod(0o700)
    with strongroom.create(str(tmp_path / "vault.db"), key_file=str(tmp_path / "key")) as vault:
        vault.set("bank/checking", {"password": "x"})
        with pytest.raises(NotFound) as caught, Suggesting(vault, "get", "bank/cheking", "pin"):
            vault.get("bank/cheking")
    assert caught.value.message == "no item bank/cheking"
    assert caught.value.advice.splitlines() == [
        "did you mean: strongroom get bank/checking pin",
        "see what there is: strongroom ls",
    ]


def test_who_may_not_list_is_told_nothing() -> None:
    """The names stay with whoever may see them, and the error is the one there was."""

    class Forbidden:
        def walk(self, *, deleted: bool) -> list[str]:
            raise Denied(f"no list {deleted}")

    with pytest.raises(NotFound) as caught, Suggesting(Forbidden(), "get", "a"):  # type: ignore[arg-type]
        raise NotFound("no item a", advice="what it says anyhow")
    assert caught.value.advice == "what it says anyhow"
