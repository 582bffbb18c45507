"""Help pages fit the terminal, and what is mistyped is answered with what was probably meant."""

from __future__ import annotations

import pytest

from strongroom.doors.cli.arguments import build_parser, parse
from strongroom.doors.cli.commands import VERBS, load
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.help import _ALSO_CALLED, closest, no_command, show_help
from strongroom.doors.cli.help_pages import lay_out

DETAILS = """\
  slot list              what opens this vault
  slot add key-file FILE   a key file: made if absent,
                         used if there

Removing a slot makes a new root
key.
A FIELD is one of
  name=value   text that is not secret

examples:
  strongroom slot list --json --no-agent --vault x.db
"""


def test_wide_enough_nothing_moves() -> None:
    """Rows keep their columns, paragraphs are joined, and examples stay as they were written."""
    assert lay_out(DETAILS, 70) == (
        "  slot list              what opens this vault\n"
        "  slot add key-file FILE   a key file: made if absent, used if there\n"
        "\n"
        "Removing a slot makes a new root key. A FIELD is one of\n"
        "  name=value   text that is not secret\n"
        "\n"
        "examples:\n"
        "  strongroom slot list --json --no-agent --vault x.db\n"
    )


def test_narrow_columns_are_put_below_each_other() -> None:
    """Where half of the width is too little for the left column, the right one goes below it."""
    laid_out = lay_out(DETAILS, 40)
    assert laid_out.startswith("  slot list\n      what opens this vault\n  slot add key-file FILE\n      a key file:")
    assert "  name=value   text that is not secret\n" in laid_out
    assert max(map(len, laid_out.split("examples:")[0].splitlines())) <= 40


@pytest.mark.parametrize("columns", [60, 80, 100])
@pytest.mark.parametrize("verb", VERBS)
def test_no_line_is_wider_than_the_terminal(verb: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the options, up to the examples; every word of the details is still there."""
    monkeypatch.setenv("COLUMNS", str(columns))
    page = build_parser(verb, load(verb)).format_help()
    said = page.partition("show this and leave\n")[2].partition("examples:\n")[0]
    assert max(map(len, said.splitlines()), default=0) <= columns, said
    assert said.split() == load(verb).DETAILS.split()


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_the_overview_fits(columns: int, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """All commands, each on one line where 80 columns are there; the same words where there are fewer."""
    monkeypatch.setenv("COLUMNS", str(columns))
    show_help([], was_asked=True)
    overview = capfd.readouterr().out
    assert max(map(len, overview.splitlines())) <= min(columns, 80)
    assert all(f"\n  {verb} " in overview for verb in VERBS)
    assert columns == 60 or all(f"  {load(verb).SUMMARY}\n" in overview for verb in VERBS)
    assert "\n  strongroom get bank/checking password\n" in overview


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("lst", "ls"), ("statsu", "status"), ("show", "get"), ("DELETE", "rm"), ("restore-bakcup", "restore-backup"),
     ("histroy", "log"), ("passwd", "slot change ID"), ("version", "--version"), ("xyzzy", "")],
)  # fmt: skip
def test_a_command_that_there_is_not(typed: str, meant: str) -> None:
    """A mistyped one, and what other programs call it."""
    assert closest(typed) == (f"strongroom {meant}" if meant else "")
    assert (f"did you mean: strongroom {meant}" if meant else "strongroom help") in no_command(typed).advice


def test_other_names_lead_to_commands() -> None:
    """Each of them, and none stands in the way of a command."""
    assert {meant.split()[0] for meant in _ALSO_CALLED.values()} <= {*VERBS, "--version"}
    assert not set(_ALSO_CALLED) & set(VERBS)


def test_a_mistyped_option() -> None:
    """The near one is named, and never more of what was typed than its name."""
    with pytest.raises(UsageError) as caught:
        parse("slot", load("slot"), ["add", "key-file", "--lable=hunter2"])
    assert caught.value.message == "unknown option --lable"
    assert "did you mean: --label\n" in caught.value.advice
    assert "hunter2" not in caught.value.advice
