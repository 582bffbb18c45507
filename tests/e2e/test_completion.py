"""Completion in real shells: a tab is pressed on a terminal, and the command that is then there runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import PATIENCE_SECONDS, Machine
from tests.peers import require_programs

# What each item holds says which one was read.
ITEMS = {
    "bank/checking": "value-01",
    "bank/savings account": "value-02",
    "bank/$(touch pwned)": "value-03",
    "bank/it's": "value-04",
    "mail:smtp": "value-05",
    "`touch pwned`": "value-06",
    "back\\slash": "value-07",
    "bänk/über": "value-08",
    "~home": "value-09",
    "two=parts": "value-10",
    "#;&|<>*?[]{}!": "value-11",
}
# What is typed before the tab, and which value the command prints that is there behind it.
TYPED = {
    "strongroom get bank/c": "value-01",
    "strongroom get bank/sav": "value-02",
    "strongroom get bank/savings\\ a": "value-02",
    "strongroom get 'bank/sav": "value-02",
    'strongroom get "bank/sav': "value-02",
    "strongroom get bank/\\$": "value-03",
    "strongroom get 'bank/$": "value-03",
    "strongroom get bank/it": "value-04",
    'strongroom get "bank/it': "value-04",
    "strongroom get mail": "value-05",
    "strongroom get mail:": "value-05",
    "strongroom get \\`": "value-06",
    "strongroom get back": "value-07",
    "strongroom get bänk/": "value-08",
    "strongroom get --no-agent --key-file key bank/checking --al": "value-01",
    "strongroom get two": "value-10",
    "strongroom get \\#": "value-11",
}
START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
LOAD = {
    "bash": 'eval "$(strongroom completion bash)"',
    "zsh": 'autoload -U compinit; compinit -u -D; eval "$(strongroom completion zsh)"',
    "fish": "strongroom completion fish | source",
}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A vault that an agent has open, and a ``strongroom`` on PATH that is the one under test."""
    root = tmp_path_factory.mktemp("completion")
    root.chmod(0o700)
    machine = Machine(root)
    programs = root / "bin"
    programs.mkdir()
    launcher = programs / "strongroom"
    launcher.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m strongroom "$@"\n')
    launcher.chmod(0o755)
    machine.environment = {
        "HOME": str(machine.home), "PATH": f"{programs}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TERM": "xterm",
        "STRONGROOM_AGENT_SOCKET": str(machine.home / "agent.sock"), "STRONGROOM_KEY_FILE": str(machine.key),
    }  # fmt: skip
    assert machine.run("init", "--key-file", str(machine.key)).code == 0
    for name, value in ITEMS.items():
        assert machine.run("set", "--", name, "password", stdin=value.encode()).code == 0
    assert machine.run("unlock").code == 0
    yield machine
    machine.run("agent", "stop")


def shell_environment(machine: Machine) -> dict[str, str]:
    return {name: value for name, value in machine.environment.items() if name != "STRONGROOM_KEY_FILE"}


@pytest.mark.parametrize("shell", START)
def test_a_tab_completes_and_quotes(machine: Machine, shell: str) -> None:
    """Every name arrives as it is, whatever a shell would make of it, and runs nothing."""
    require_programs(shell)
    with machine.at_terminal(command=START[shell], environment=shell_environment(machine)) as person:
        person.types("unset HISTFILE; PS1='$ '" if shell != "fish" else "set fish_greeting")
        person.types(LOAD[shell])
        person.types("echo load''ed").sees("loaded")
        person.types("strongroom agent stat\t").types("").sees("unlocked")
        for typed, value in TYPED.items():
            person.types(f"{typed}\t").types("")
            person.sees(f"{value}")
        person.types("strongroom ren\t").types("").sees("render needs TEMPLATE")
        person.types("exit")
        person.ends()
    assert not (machine.home / "pwned").exists()
    assert not Path("pwned").exists()


def test_names_come_from_an_unlocked_agent_alone(machine: Machine) -> None:
    """Locked, without an agent or when none is to be asked: no names, no question, no error, and no key is used."""
    asked = ("completion", "words", "--", "get", "bank/")
    assert "bank/checking" in machine.run(*asked).text
    for words in ((*asked[:3], "--no-agent", *asked[3:]), (*asked[:3], "--vault", "/nowhere/vault.db", *asked[3:])):
        done = machine.run(*words)
        assert (done.code, done.text, done.err) == (0, "words\n", ""), words
    assert machine.run("lock").code == 0
    try:
        with machine.at_terminal(*asked) as person:
            assert person.ends() == 0
            assert person.screen == "words\n"
    finally:
        assert machine.run("unlock").code == 0


def test_the_scripts_are_sound(machine: Machine) -> None:
    """Each shell's own reader takes its script."""
    for shell, check in (("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])):
        require_programs(shell)
        script = machine.root / f"script.{shell}"
        script.write_text(machine.run("completion", shell).text)
        done = subprocess.run([*check, script], capture_output=True, timeout=PATIENCE_SECONDS, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b""), shell


def test_fish_shows_what_is_said(machine: Machine) -> None:
    """Its own engine, asked without a terminal: words with descriptions, files, programs."""
    require_programs("fish")
    environment = {**os.environ, **shell_environment(machine)}
    for asked, expected in {
        "strongroom slot add key-": "key-file\ta key file: made with mode 0400 if absent, used if there\n",
        "strongroom render /etc/passw": "/etc/passwd\n",
        "strongroom run -- whoam": "whoami",
        "strongroom sign x --format ": "minisign\nssh\n",
    }.items():
        done = subprocess.run(
            ["fish", "--no-config", "-c", f"{LOAD['fish']}; complete -C {asked!r}"],
            env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False, cwd=machine.home,
        )  # fmt: skip
        assert done.stdout.startswith(expected), done


def test_what_is_not_a_shell(machine: Machine) -> None:
    """A usage error that names those there are."""
    done = machine.run("completion", "tcsh")
    assert (done.code, done.text) == (2, "")
    assert "it has bash, zsh, fish" in done.err
    assert machine.run("completion", "bash", "more").code == 2
    assert machine.run("completion").code == 2
