"""What `export` writes, read by those for whom it is meant: bash, dash, node and python-dotenv. Exactly, or refused."""

from __future__ import annotations

import io
import json
import string
import subprocess
from pathlib import Path

import dotenv
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.exporting import text_of, variable_name
from strongroom.doors.cli.fields import fields_from_json
from strongroom.formats import dotenv as own
from strongroom.items import Field, Item, Version
from tests.peers import require_programs

ORDINARY = {
    "PLAIN": "abc",
    "EMPTY": "",
    "BLANKS": "  a  b  ",
    "HASH": "a # b",
    "DOUBLE": 'a "b" c',
    "BACKTICK": "a `id` b",
    "EQUALS": "a=b==",
    "COLON": "postgres://u:p%40ss@host:5432/db?x=1&y=2",
    "UNICODE": "größe € 😀",
    "TAB": "a\tb",
    "BRACES": "{{ x }} [1] (2) <3> ;|&!*?~",
    "TRUE": "true",
}
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
NODE = "process.stdout.write(JSON.stringify(process.env))"


def text_for(kind: str, values: dict[str, bytes]) -> bytes:
    return bytes(text_of(kind, {}, values))


def by_shell(shell: str, path: Path) -> dict[str, str]:
    script = f'set -a; . "{path}"; exec env -0'
    done = subprocess.run([shell, "-c", script], env=ENVIRONMENT, capture_output=True)
    assert done.returncode == 0, done
    return dict(one.decode().split("=", 1) for one in done.stdout.split(b"\0") if one)


def by_node(path: Path) -> dict[str, str]:
    done = subprocess.run(["node", f"--env-file={path}", "-e", NODE], env=ENVIRONMENT, capture_output=True)
    assert done.returncode == 0, done
    found: dict[str, str] = json.loads(done.stdout)
    return found


def has_env_file() -> bool:
    done = subprocess.run(["node", "--version"], capture_output=True, text=True)
    return int(done.stdout.strip("v").split(".")[0]) >= 20


def test_a_dotenv_file_reads_alike_everywhere(tmp_path: Path) -> None:
    """Each ordinary value, by every reader that is at hand."""
    require_programs("bash", "dash")
    file = tmp_path / "file.env"
    file.write_bytes(text_for("env", {name: value.encode() for name, value in ORDINARY.items()}))
    readers = {
        "bash": by_shell("bash", file),
        "dash": by_shell("dash", file),
        "python-dotenv": dotenv.dotenv_values(file, interpolate=True),
    }
    for dialect in own.DIALECTS:
        entries = own.read(file.read_bytes(), dialect=dialect, environment={}).entries
        readers[dialect] = {entry.keys[-1]: entry.data.decode() for entry in entries}
    for reader, found in readers.items():
        assert {name: found[name] for name in ORDINARY} == ORDINARY, reader


def test_a_dotenv_file_reads_alike_in_node(tmp_path: Path) -> None:
    """Which has a reader of its own since version 20."""
    require_programs("node")
    if not has_env_file():
        pytest.skip("this node has no --env-file")
    file = tmp_path / "file.env"
    file.write_bytes(text_for("env", {name: value.encode() for name, value in ORDINARY.items()}))
    found = by_node(file)
    assert {name: found[name] for name in ORDINARY} == ORDINARY


REFUSED = {
    "env": ["it's", "$HOME", "a\\n", "a\nb", "a\rb", "a\0b", "\x1b[31m", b"\xff"],
    "shell": ["a\0b", b"\xff"],
}


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in REFUSED.items() for value in values])
def test_what_cannot_be_carried_is_refused_by_name(kind: str, value: str | bytes) -> None:
    """All of it at once, and never with the value."""
    raw = value if isinstance(value, bytes) else value.encode()
    with pytest.raises(UsageError) as caught:
        text_of(kind, {}, {"FIRST": raw, "FINE": b"ok", "SECOND": raw})
    assert "FIRST, SECOND (" in caught.value.message
    assert "FINE" not in caught.value.message
    assert "--format json" in caught.value.advice


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=30), max_size=8))
def test_shells_read_back_any_text(tmp_path: Path, values: list[str]) -> None:
    """Newlines, quotes, control characters and all."""
    require_programs("bash", "dash")
    named = {f"V{number}": value for number, value in enumerate(values)}
    file = tmp_path / "file.sh"
    file.write_bytes(text_for("shell", {name: value.encode() for name, value in named.items()}))
    for shell in ("bash", "dash"):
        found = by_shell(shell, file)
        assert {name: found[name] for name in named} == named


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.text(string.printable[:95] + "äß€", max_size=30), max_size=8))
def test_dotenv_files_read_back_any_text_that_is_let_through(tmp_path: Path, values: list[str]) -> None:
    """By a shell, python-dotenv, and our own three dialects."""
    require_programs("bash")
    named = {}
    for number, value in enumerate(values):
        try:
            text_of("env", {}, {"X": value.encode()})
        except UsageError:
            continue
        named[f"V{number}"] = value
    data = text_for("env", {name: value.encode() for name, value in named.items()})
    file = tmp_path / "file.env"
    file.write_bytes(data)
    assert {name: by_shell("bash", file)[name] for name in named} == named
    assert dict(dotenv.dotenv_values(stream=io.StringIO(data.decode()))) == named
    for dialect in own.DIALECTS:
        entries = own.read(data, dialect=dialect, environment={}).entries
        assert {entry.keys[-1]: entry.data.decode() for entry in entries} == named


def item(path: str, **fields: tuple[str, bytes]) -> Item:
    made = {name: Field(name, kind, data, is_secret=True) for name, (kind, data) in fields.items()}
    return Item(path, Version(1, created_us=0, deleted_us=0, expires_us=0, destroyed=False, author=""), made)


def test_json_carries_everything_as_it_is_spelled() -> None:
    """Bytes, numbers with their zeros, texts that look like marks; `set --json` reads each item back."""
    items = {
        "a/ü": item(
            "a/ü",
            text=("text", 'x"\n\x00ü'.encode()),
            blob=("bytes", b"\x00\xff"),
            number=("json", b"1.10"),
            big=("json", b"123456789012345678901234567890.0"),
            marked=("json", b'{"$bytes": "AA=="}'),
            quoted=("json", b'"text"'),
            nested=("json", b'{"b": [1, null, {"c": true}]}'),
        ),
        "empty": item("empty"),
    }
    data = bytes(text_of("json", items, {}))
    assert b'"number": 1.10' in data
    assert b"123456789012345678901234567890.0" in data
    found = json.loads(data)
    assert list(found) == ["a/ü", "empty"]
    fields = fields_from_json(json.dumps(found["a/ü"]).encode())
    for name in ("text", "blob", "marked", "quoted", "nested"):
        assert (fields[name].kind, json_or_bytes(fields[name])) == (
            items["a/ü"].field(name).kind, json_or_bytes(items["a/ü"].field(name))
        )  # fmt: skip


def json_or_bytes(field: Field) -> object:
    return json.loads(bytes(field.data)) if field.kind == "json" else bytes(field.data)


def test_variables_are_named_after_path_and_field() -> None:
    """Two that would have one name are refused, and so is a name beyond ASCII."""
    assert variable_name("db/prod-1", "password") == "DB_PROD_1_PASSWORD"
    assert variable_name("2fa/x", "key") == "_2FA_X_KEY"
    clash = {path: item(path, password=("text", b"x")) for path in ("a/b", "a-b")}
    with pytest.raises(UsageError, match="would both be A_B_PASSWORD"):
        text_of("env", clash, {})
    with pytest.raises(UsageError, match="given twice"):
        text_of("env", {"a": item("a", b=("text", b"x"))}, {"A_B": b"y"})
    with pytest.raises(UsageError, match="no name that a variable"):
        text_of("shell", {"ü": item("ü", b=("text", b"x"))}, {})
