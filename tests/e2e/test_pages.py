"""The manual is true: what README, docs and examples tell a reader to type is typed here, in its order, page by page.

How a page says what to type, and what to leave out, is in docs/builder/blocks.py.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.builder.blocks import ROOT, RUNNABLE, blocks, pages
from docs.builder.running import PageIsWrong, needs, program, run_page
from docs.builder.terminal import Machine
from strongroom.doors.cli.arguments import build_parser
from strongroom.doors.cli.commands import VERBS, load
from tests.peers import require

TEXTS = {str(page): (ROOT / page).read_text(encoding="utf-8") for page in pages()}
RUN = [name for name, text in TEXTS.items() if any(block.is_run for block in blocks(text))]
# What cannot be run here: see the reasons in the pages. A new one needs a better reason than its author's haste.
NOT_RUN_MAX = 26


def machine_for(text: str, directory: Path, request: pytest.FixtureRequest) -> Machine:
    """A machine with the programs, and the database, that the page asks for."""
    programs = {}
    for name in needs(text):
        if name == "postgres":
            continue
        found = program(name)
        require(found is not None, f"not installed: {name}")
        if found is not None and found.parent not in (Path("/usr/bin"), Path("/bin")):
            programs[name] = found
    directory.chmod(0o700)
    machine = Machine(directory, programs)
    if "postgres" in needs(text):
        machine.environment["PAGE_DATABASE"] = request.getfixturevalue("postgres_schema").vault_url
    return machine


@pytest.mark.parametrize("name", RUN)
def test_a_page_is_true(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Each block does what the page says, one after the other, for somebody who has nothing but a home directory."""
    with machine_for(TEXTS[name], tmp_path, request) as machine:
        assert run_page(name, TEXTS[name], machine) > 0


def test_what_is_not_run_says_why() -> None:
    """With a reason, and they do not become more unseen."""
    left_out = [(name, block) for name, text in TEXTS.items() for block in blocks(text) if "not run" in block.said]
    for name, block in left_out:
        assert len(block.said["not run"].split()) >= 2, (name, block)
    assert len(left_out) <= NOT_RUN_MAX


def test_no_command_hides_in_another_kind_of_block() -> None:
    """What begins with our name, or a prompt, stands in a block that is run."""
    for name, text in TEXTS.items():
        shown = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
        assert not re.findall(r"^ {4,}(?:\$ |sudo )?strongroom [a-z]", shown, re.MULTILINE), name
        for block in blocks(text):
            if block.language not in RUNNABLE and "file" not in block.said:
                assert not re.search(r"^(\$ |strongroom [a-z])", block.text, re.MULTILINE), (name, block.line)


@pytest.mark.parametrize("name", TEXTS)
def test_commands_in_sentences_are_commands(name: str) -> None:
    """Every `strongroom VERB --option` in a sentence names a verb and options that there are."""
    sentences = re.sub(r"^```.*?^```", "", TEXTS[name], flags=re.MULTILINE | re.DOTALL)
    for line in re.findall(r"`strongroom ([^`]+)`", sentences):
        words = line.partition(" -- ")[0].split()
        verb = next((word for word in words if not word.startswith("-") and "/" not in word), "help")
        if verb not in VERBS:
            assert verb == "help" or verb.isupper(), line  # capitals stand for something else
            continue
        options = {option for action in build_parser(verb, load(verb))._actions for option in action.option_strings}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options, line


PLANTED = {
    "a command that fails": "```sh\nfalse\n```\n",
    "another exit status": "<!-- ends with: 3 -->\n```sh\nstrongroom get x\n```\n",
    "another output": "```console\n$ echo one\ntwo\n```\n",
    "one line too few": "```console\n$ seq 3\n1\n2\n```\n",
    "a false assertion": "```python\nassert False\n```\n",
    "a warning": "```python\nimport warnings\nwarnings.warn('x')\n```\n",
    "in a hidden block": "<!-- hidden\n```sh\nfalse\n```\n-->\n",
    "a later line": "```sh\nfalse\ntrue\n```\n",
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_wrong_page_is_found(what: str, tmp_path: Path) -> None:
    """The detector, on pages that are wrong."""
    tmp_path.chmod(0o700)
    with Machine(tmp_path) as machine, pytest.raises(PageIsWrong):
        run_page("page", PLANTED[what], machine)


MISPLACED = ("<!-- filed: x -->\n```sh\n```\n", "<!-- file: x -->\ntext\n```sh\n```\n", "<!-- ends with: 1 -->\n")


@pytest.mark.parametrize("text", MISPLACED)
def test_a_comment_that_says_nothing_is_found(text: str) -> None:
    """A misspelt word, and one that is far from its block."""
    with pytest.raises(ValueError, match=r"word of a page|no block follows"):
        blocks(text)


def test_what_a_page_remembers(tmp_path: Path) -> None:
    """Directory, variables, files and Python names; typed answers; outputs with gaps."""
    tmp_path.chmod(0o700)
    page = (
        "<!-- instead: HERE => $HOME/here -->\n```sh\nmkdir HERE; cd HERE; export WORD=tea\n```\n"
        "<!-- file: one.py -->\n```python\nprint('HERE')\nprint(2)\n```\n"
        "```console\n$ echo $WORD; pwd\ntea\n.../here\n$ python one.py\n...\n2\n```\n"
        "```python\nvalue = __import__('os').environ['WORD']\n```\n```python\nassert value == 'tea'\n```\n"
        "<!-- answers: colour = red -->\n"
        "```console\n$ printf 'Which colour? : '; read answer; echo \"($answer)\"\nWhich colour? : red\n(red)\n```\n"
        "<!-- hidden\n```sh\nsleep 600 < /dev/null > /dev/null 2>&1 &\n```\n-->\n"
    )
    with Machine(tmp_path) as machine:
        assert run_page("page", page, machine) == 7
