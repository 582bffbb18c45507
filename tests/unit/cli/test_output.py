"""What reaches a terminal and what reaches a pipe."""

from __future__ import annotations

import os

import pytest

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.fields import field_to_json, fields_from_json
from strongroom.doors.cli.values import ALPHABET, generate
from strongroom.errors import StoreUnavailable, Tampered
from strongroom.items import Field


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("ünïcödé 漢字 🙂", "ünïcödé 漢字 🙂"),
        ("a\x00b\x1b[2J\x7f\x9b", "a\\x00b\\x1b[2J\\x7f\\x9b"),
        ("tab\tnew\nline", "tab\\x09new\\x0aline"),
        ("evil\u202etxt\u2066x\u2069", "evil\\u202etxt\\u2066x\\u2069"),
        ("sep\u2028\u2029", "sep\\u2028\\u2029"),
        ("half\ud800", "half\\ud800"),
    ],
)
def test_escape(text: str, shown: str) -> None:
    """Everything a terminal would act on is an escape; everything else stands as it is."""
    assert output.escape(text) == shown


def test_every_control_character_is_caught() -> None:
    """C0, DEL, C1 and surrogates, whole."""
    for code in [*range(0x20), *range(0x7F, 0xA0), 0xD800, 0xDFFF]:
        assert output.escape(chr(code)).startswith("\\")


def test_messages_are_escaped(capfd: pytest.CaptureFixture[str]) -> None:
    """Errors, findings, hints and lines never carry a control character on, wherever they go."""
    output.error(Tampered("a\x1bb", advice="c\x07d\ne", findings=("f\x9bg",)))
    output.line("h\x1bi")
    output.lines(["j\nk"])
    output.table(("A",), [["l\x1bm"]])
    output.json({"n\u202e": "\x1b"})
    captured = capfd.readouterr()
    assert captured.err == "strongroom: a\\x1bb\n  f\\x9bg\nhint: c\\x07d\nhint: e\n"
    assert captured.out == 'h\\x1bi\nj\\x0ak\nl\\x1bm\n{"n\\u202e": "\\u001b"}\n'


def test_a_slow_reader_loses_nothing() -> None:
    """A pipe in non-blocking mode that fills up is waited for."""
    import threading

    read, write = os.pipe()
    os.set_blocking(write, False)
    received = bytearray()

    def drain() -> None:
        while piece := os.read(read, 65536):
            received.extend(piece)

    reader = threading.Thread(target=drain)
    reader.start()
    data = os.urandom(1_000_000)
    output._write(write, data)
    os.close(write)
    reader.join()
    os.close(read)
    assert received == data


def test_a_closed_descriptor_is_an_error() -> None:
    """Writing where nothing is open does not pass for success."""
    read, write = os.pipe()
    os.close(read)
    with pytest.raises(output.ClosedOutput):
        output._write(write, b"x")
    os.close(write)
    with pytest.raises(StoreUnavailable):
        output._write(write, b"x")


def test_fields_survive_json() -> None:
    """Every kind of field comes back as it was."""
    import json

    fields = {
        "text": Field("text", "text", "ü\n".encode(), is_secret=False),
        "bytes": Field("bytes", "bytes", b"\xff\x00", is_secret=True),
        "number": Field("number", "json", b"1.5", is_secret=False),
        "nothing": Field("nothing", "json", b"null", is_secret=False),
        "string": Field("string", "json", b'"x"', is_secret=False),
        "like bytes": Field("like bytes", "json", b'{"$bytes":"AA=="}', is_secret=True),
        "like json": Field("like json", "json", b'{"$json":1}', is_secret=True),
        "object": Field("object", "json", b'{"a":[1,{"b":null}]}', is_secret=True),
    }
    text = json.dumps({name: field_to_json(field) for name, field in fields.items()}).encode()
    back = fields_from_json(text)
    assert list(back) == list(fields)
    for name, field in fields.items():
        assert (back[name].kind, bytes(back[name].data)) == (field.kind, bytes(field.data)), name


def test_generated_values_use_the_whole_alphabet() -> None:
    """64 characters, each about equally often, never the same value twice."""
    drawn = b"".join(bytes(generate(4096)) for _ in range(16))
    counts = [drawn.count(character.encode()) for character in ALPHABET]
    assert len(set(ALPHABET)) == 64
    assert sum(counts) == len(drawn)
    # 1,024 expected, standard deviation 32: seven of them on each side.
    assert all(800 < count < 1250 for count in counts)
    assert generate(8) != generate(8)
    for length in (0, 7, 4097):
        with pytest.raises(UsageError):
            generate(length)
