"""`.env` files as their own readers read them: python-dotenv, bash and dash, two of node's, and Compose's rules.

The inputs are the ordinary ones on which readers disagree; see docs/cli.md, `import`.
"""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path

import decouple
import dotenv
import environ
import pytest
from starlette.config import Config

from strongroom.formats.dotenv import read, write_value
from strongroom.formats.interface import BadFile
from tests.peers import npm_package, require_programs

# Each input, and what Compose makes of it: compose-go's own test cases, its parser's source, and Docker's page "Set
# environment variables in your container, syntax of .env files". None: it refuses the file, or we do for want of proof.
INPUTS: dict[str, dict[str, str] | None] = {
    "A=1": {"A": "1"},
    "export A=1": {"A": "1"},
    "  export\tA=1": {"A": "1"},
    'A="x y"': {"A": "x y"},
    "A='x y'": {"A": "x y"},
    'A="a #b"': {"A": "a #b"},
    "A='a\\nb'": {"A": "a\\nb"},
    "A=a=b==": {"A": "a=b=="},
    "A=1\nA=2": {"A": "2"},
    "A=ü": {"A": "ü"},
    "A=a #b": {"A": "a"},
    "A=a#b": {"A": "a#b"},
    'A="a" # c': {"A": "a"},
    "A='a' # c": {"A": "a"},
    'A="a\\nb"': {"A": "a\nb"},
    'A="l1\nl2"\nB=2': {"A": "l1\nl2", "B": "2"},
    "A='l1\nl2'\nB=2": {"A": "l1\nl2", "B": "2"},
    'A="a\\"b"': {"A": 'a"b'},
    "A='Let\\'s go!'": {"A": "Let's go!"},
    "A=\"it's\"": {"A": "it's"},
    "A='say \"x\"'": {"A": 'say "x"'},
    "B=q\nA=${B}x": {"B": "q", "A": "qx"},
    "B=q\nA=$B": {"B": "q", "A": "q"},
    "B=q\nA='${B}'": {"B": "q", "A": "${B}"},
    'B=q\nA="${B}"': {"B": "q", "A": "q"},
    "A=${NOWHERE:-d}": {"A": "d"},
    "A=pa$$w0rd": {"A": "pa$w0rd"},
    "A='pa$$w0rd'": {"A": "pa$$w0rd"},
    'A="\\$x"': {"A": "$x"},
    "A=\\$x": None,
    'A="a\\tb"': {"A": "a\tb"},
    'A="a\\\\nb"': {"A": "a\\nb"},
    "A = 1": {"A": "1"},
    "A= 1": {"A": "1"},
    "A=x ": {"A": "x"},
    "A=": {"A": ""},
    'A=""': {"A": ""},
    "A: 1": {"A": "1"},
    "A": {},
    "# c\n\nA=1 # d\n": {"A": "1"},
    "A=a b": {"A": "a b"},
    "A=a\\ b": {"A": "a\\ b"},
    "A='a'\"b\"": None,
    "A='it'\\''s'": None,
    "A=`id`": {"A": "`id`"},
    "A=$(id)": None,
    "A=x;B=y": {"A": "x;B=y"},
    "A=x\\": {"A": "x\\"},
    "A=1\r\nB=2\r\n": {"A": "1", "B": "2"},
    "\ufeffA=1": {"A": "1"},
    "A-B.C=1": {"A-B.C": "1"},
    "A B=1": None,
    'A="open': None,
    "A=1 B=2": {"A": "1 B=2"},
}
# What python-dotenv does not understand, and passes over with a warning: refused here, as a value would be lost.
PASSED_OVER = ("A: 1", "A='a'\"b\"", "A='it'\\''s'", 'A="open', "A B=1")
# What a shell would run, keep a carriage return of, take for a part of a name, or expand beyond variables.
COMMANDS = (
    "A = 1", "A= 1", "A: 1", "A", "A=a b", "A=`id`", "A=$(id)", "A=x;B=y", "A=1\r\nB=2\r\n", "\ufeffA=1", "A-B.C=1",
    "A B=1", 'A="open', "A='Let\\'s go!'",
)  # fmt: skip
NOTED = ("A=pa$$w0rd",)


def ours(text: str, dialect: str) -> dict[str, str]:
    """Name -> value, the last one of a name."""
    return {entry.keys[0]: entry.data.decode() for entry in read(text.encode(), dialect=dialect).entries}


@pytest.mark.parametrize("text", INPUTS)
def test_python_dotenv(text: str) -> None:
    """The library itself says the same."""
    if text in PASSED_OVER:
        with pytest.raises(BadFile, match="not understood"):
            read(text.encode())
        return
    theirs = dotenv.dotenv_values(stream=io.StringIO(text, newline=""))
    assert ours(text, "python-dotenv") == {name: value for name, value in theirs.items() if value is not None}


@pytest.mark.parametrize("shell", ["bash", "dash"])
@pytest.mark.parametrize("text", INPUTS)
def test_posix(text: str, shell: str) -> None:
    """Two shells assign the same; what they would run or stumble over is refused."""
    require_programs(shell)
    if text in COMMANDS:
        with pytest.raises(BadFile):
            read(text.encode(), dialect="posix")
        return
    script = 'set -a; . "$1"; exec /usr/bin/env -0'
    done = subprocess.run(
        [f"/bin/{shell}", "-c", script, shell, "/dev/stdin"],
        input=text.encode(),
        capture_output=True,
        env={"PATH": "/nonexistent"},
        timeout=60,
        check=False,
    )
    pairs = (one.partition("=") for one in done.stdout.decode().split("\0"))
    theirs = {name: value for name, _, value in pairs if name in ("A", "B")}
    if text in NOTED:
        (entry,) = read(text.encode(), dialect="posix").entries
        assert entry.note
        assert theirs["A"] != "pa$$w0rd"
        return
    assert ours(text, "posix") == theirs, done.stderr


@pytest.mark.parametrize("text", INPUTS)
def test_compose(text: str) -> None:
    """Compose's own rules."""
    expected = INPUTS[text]
    if expected is None:
        with pytest.raises(BadFile):
            read(text.encode(), dialect="compose")
        return
    assert ours(text, "compose") == expected


# From compose-go's own tests (dotenv/godotenv_test.go): what it reads, and what it makes of it.
COMPOSE_GO = {
    "FOO =bar": ("FOO", "bar"),
    "FOO= bar": ("FOO", "bar"),
    'FOO="escaped\\"bar"': ("FOO", 'escaped"bar'),
    "FOO=\"'d'\"": ("FOO", "'d'"),
    "OPTION_A: Foo=bar": ("OPTION_A", "Foo=bar"),
    "OPTION_A=1:B": ("OPTION_A", "1:B"),
    "export OPTION_B='\\n'": ("OPTION_B", "\\n"),
    "export exportFoo=2": ("exportFoo", "2"),
    "exportFOO=2": ("exportFOO", "2"),
    "export_FOO =2": ("export_FOO", "2"),
    "export.FOO= 2": ("export.FOO", "2"),
    "export\tOPTION_A=2": ("OPTION_A", "2"),
    "\texport OPTION_A=2": ("OPTION_A", "2"),
    'export OPTION_A="export A"': ("OPTION_A", "export A"),
    'FOO="bar\\nbaz"': ("FOO", "bar\nbaz"),
    "FOO=a\\tb": ("FOO", "a\\tb"),
    'FOO="a\\tb"': ("FOO", "a\tb"),
    "FOO.BAR=foobar": ("FOO.BAR", "foobar"),
    "FOO=foobar=": ("FOO", "foobar="),
    "FOO=bar ": ("FOO", "bar"),
    "KEY=value value": ("KEY", "value value"),
    "FOO=bar # this is foo": ("FOO", "bar"),
    'FOO="bar#baz" # comment': ("FOO", "bar#baz"),
    "FOO='bar#baz' # comment": ("FOO", "bar#baz"),
    'FOO="bar#baz#bang" # comment': ("FOO", "bar#baz#bang"),
}


@pytest.mark.parametrize("text", COMPOSE_GO)
def test_compose_gos_own_cases(text: str) -> None:
    """One variable each."""
    name, value = COMPOSE_GO[text]
    assert ours(text, "compose") == {name: value}


def test_compose_escapes() -> None:
    """compose-go's case of every escape, and what is none."""
    text = r'KEY="Z\aZ\bZ\fZ\nZ\rZ\tZ\vZ\\Z\0123Z\qZ\0Z"'
    assert ours(text, "compose") == {"KEY": "Z\aZ\bZ\fZ\nZ\rZ\tZ\vZ\\ZSZ\\qZ\\0Z"}
    for refused in ("A=$", "A=${B", "A=${B:?x}", "A=${B:+x}", "A=${${B}}", 'A="$(id)"', "A=1\nB=${A:-${C}}"):
        with pytest.raises(BadFile):
            read(refused.encode(), dialect="compose")
    assert ours("A=${E-d}${E:-d}", "compose") == {"A": "dd"}
    assert ours("E=\nA=${E-d}${E:-d}", "compose")["A"] == "d"


def test_the_environment_is_asked_when_it_is_given() -> None:
    """`run --env-file` gives it, `import` does not; each dialect has its own order."""
    text = b"A=${B}x\n"
    for dialect in ("python-dotenv", "compose", "posix"):
        (entry,) = read(text, dialect=dialect).entries
        assert entry.note == "takes B from the environment"
        (entry,) = read(text, dialect=dialect, environment={"B": "b"}).entries
        assert (entry.data, entry.note) == (b"bx", "")
    both = b"B=file\nA=${B}\n"
    for dialect, expected in (("python-dotenv", b"file"), ("compose", b"environment"), ("posix", b"file")):
        assert read(both, dialect=dialect, environment={"B": "environment"}).entries[-1].data == expected
    with pytest.raises(ValueError, match="python-dotenv, compose, posix"):
        read(text, dialect="node")


WRITTEN = {
    "REFERENCE": "strongroom://shop/env#DB_PASSWORD?as=url",
    "ENCODED": "strongroom://shop%20x/%C3%BC#a%2Fb",
    "PLAIN": "x",
    "SPACES": " a b ",
    "HASH": "#a #b",
    "QUOTE": 'a"b',
    "UMLAUT": "ü😀",
    "SIGNS": "a=b;c|d&e<f>(g)*?[h]!~,:@%^{i}",
}


def test_what_is_written_is_read_alike_by_all(tmp_path: Path) -> None:
    """Seven readers, with the value that was meant; that is why references stand in single quotes."""
    require_programs("node", "bash")
    text = "".join(f"{name}={write_value(value)}\n" for name, value in WRITTEN.items())
    place = tmp_path / ".env"
    place.write_text(text, encoding="utf-8")
    print_all = f"console.log(JSON.stringify({json.dumps(list(WRITTEN))}.map((name) => process.env[name])))"
    with npm_package("dotenv-18.0.10") as package:
        package.extractall(tmp_path, filter="data")
    npm = f"require({json.dumps(str(tmp_path / 'package'))}).config({{path: {json.dumps(str(place))}, quiet: true}});"
    shell = 'set -a; . "$1"; exec node -e "$2"'
    commands = {
        "node": ["node", f"--env-file={place}", "-e", print_all],
        "npm's dotenv": ["node", "-e", npm + print_all],
        "bash": ["bash", "-c", shell, "bash", str(place), print_all],
        "dash": ["dash", "-c", shell, "dash", str(place), print_all],
    }
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
    if tuple(map(int, version.strip().removeprefix("v").split(".")))[:2] < (20, 6):
        del commands["node"]  # it had no --env-file yet; npm's dotenv is asked all the same
    expected = list(WRITTEN.values())
    for reader, command in commands.items():
        done = subprocess.run(command, capture_output=True, timeout=60, check=True)
        assert json.loads(done.stdout.decode().splitlines()[-1]) == expected, reader
    assert list(dotenv.dotenv_values(place).values()) == expected
    repository = decouple.RepositoryEnv(str(place))
    assert [repository[name] for name in WRITTEN] == expected
    config = Config(place)
    assert [config(name) for name in WRITTEN] == expected
    django = type("Django", (environ.Env,), {"ENVIRON": {}})
    django.read_env(str(place))
    assert [django.ENVIRON[name] for name in WRITTEN] == expected
    for dialect in ("python-dotenv", "compose", "posix"):
        assert list(ours(text, dialect).values()) == expected, dialect


@pytest.mark.parametrize("value", ["a'b", "a\\b", "a$b", "a\nb", "a\rb"])
def test_what_they_do_not_read_alike_is_not_written(value: str) -> None:
    """Such a value is refused; no reference holds one."""
    with pytest.raises(BadFile):
        write_value(value)
