"""What goes in and what is turned away: values by every way, and names and words that are refused."""

from __future__ import annotations

import json
import re


def test_a_secret_on_the_command_line_is_refused(keyed) -> None:
    """password=... is exit 2, names the right command, and repeats the value nowhere."""
    done = keyed.run("set", "bank", "password=hunter2")
    assert done.code == 2
    assert done.err == (
        "strongroom: password is secret: on the command line everybody on this machine can read it\n"
        "hint: to be asked for it, or to pipe it: strongroom set bank password\n"
        "hint: the value is in the shell's history now: consider it known, and change it\n"
    )
    for words in (("--password=hunter2",), ("-phunter2",), ("--json=hunter2",), ("--cas=hunter2", "x=1")):
        done = keyed.run("set", "bank", *words)
        assert done.code == 2, done
        assert "hunter2" not in done.err + done.text
    assert keyed.run("ls").out == b""


def test_values_from_standard_input_are_exact(keyed) -> None:
    """One newline is left out and no more; what is not UTF-8 is stored as bytes; nothing at all is refused."""
    cases = {b"a\n\n": b"a\n", b"a\r\n": b"a\r", b"a": b"a", b"\xff\x00\n": b"\xff\x00", b"\n\n": b"\n"}
    for stdin, stored in cases.items():
        assert keyed.run("set", "v", "token", stdin=stdin).code == 0
        assert keyed.run("get", "v").out == stored
    for nothing in (b"", b"\n"):
        done = keyed.run("set", "v", "token", stdin=nothing)
        assert done.code == 8
        assert done.err.startswith("strongroom: there is no value for token: standard input is empty")
    assert keyed.run("get", "v").out == b"\n"
    big = bytes(range(256)) * 4096
    assert keyed.run("set", "big", "blob", stdin=big).code == 0
    assert keyed.run("get", "big").out == big


def test_standard_input_is_one_value(keyed) -> None:
    """Two bare words and one pipe are exit 2, with the way to do it."""
    done = keyed.run("set", "v", "password", "token", stdin=b"x\n")
    assert done.code == 2
    assert done.err == (
        "strongroom: standard input is one value, and password and token are 2\n"
        "hint: one call for each, or an object for all of them: strongroom set PATH --json\n"
    )


def test_files_objects_and_generated_values(keyed) -> None:
    """--field-file takes bytes, --json a whole object, --generate makes a value that is not shown."""
    (keyed.home / "cert").write_bytes(b"\x30\x82\n")
    assert keyed.run("set", "tls", "--field-file", "cert=cert").code == 0
    assert keyed.run("get", "tls", "cert").out == b"\x30\x82\n"
    assert keyed.run("set", "tls", "--field-file", "cert=missing").code == 4

    content = {"user": "ü", "pin": "", "ports": [1, 2.5], "on": True, "key": {"$bytes": "AP8="}, "odd": {"$json": "t"}}
    assert keyed.run("set", "api", "--json", stdin=json.dumps(content).encode()).code == 0
    shown = json.loads(keyed.run("get", "api", "--json").out)
    assert shown["fields"] == content
    assert shown["secret"] == ["pin", "ports", "key"]
    assert keyed.run("get", "api", "key").out == b"\x00\xff"
    assert keyed.run("get", "api", "ports").out == b"[1,2.5]"

    done = keyed.run("set", "api", "token", "--generate", "--length", "40")
    assert done.code == 0
    generated = keyed.run("get", "api", "token").text
    assert re.fullmatch(r"[A-Za-z0-9_-]{40}", generated)
    assert generated not in done.err
    assert keyed.run("set", "api", "token", "--generate", "--length", "7").code == 2


def test_what_is_not_an_object_is_refused(keyed) -> None:
    """Wrong JSON is exit 2 and says where it is wrong, not what it says."""
    cases = {
        b'{"a": hunter2}': "line 1, column 7",
        b'["hunter2"]': "an item is a JSON object",
        b'{"a": 1, "a": 2}': "a name stands twice",
        b'{"a": NaN}': "NaN and Infinity",
        b'{"a": 1e999}': "too large",
        b'{"a": {"$bytes": "hunter2!"}}': "a is not valid base64",
        b'{"a\\u001b": 1}': "control character",
        b'{"a": "\\ud800"}': "surrogate",
        b'"\xff"': "not UTF-8",
        b"[" * 100_000: "nested too deeply",
    }
    for text, words in cases.items():
        done = keyed.run("set", "a", "--json", stdin=text)
        assert done.code == 2, (text[:20], done)
        assert words in done.err
        assert "hunter2" not in done.err
    assert keyed.run("ls").out == b""


def test_names_that_are_not_there(keyed) -> None:
    """A missing item, field, version or folder is exit 4, each with a sentence of its own."""
    keyed.run("set", "a/b", "x=1")
    for words, message in (
        (("get", "a/c"), "strongroom: no item a/c"),
        (("get", "a/b", "y"), "strongroom: a/b has no field 'y'"),
        (("get", "a/b", "--version", "7"), "strongroom: a/b has no version 7"),
        (("ls", "c"), "strongroom: no folder c"),
        (("rm", "a/c"), "strongroom: no item a/c"),
        (("log", "a"), "strongroom: no item a"),
        (("--vault", "nowhere/vault.db", "ls"), "strongroom: there is no "),
    ):
        done = keyed.run(*words)
        assert done.code == 4, done
        assert done.err.startswith(message), done
        assert done.out == b""


def test_refused_names_and_words(keyed) -> None:
    """Names that could not be shown or found again, and words nobody knows, are exit 2; nothing raw is repeated."""
    for words in (
        ("get", "a//b"),
        ("get", "../x"),
        ("get", "a\x1b[31mb"),
        ("get", "a\u202eb", "x"),
        ("set", " a", "x=1"),
        ("set", "a", "=1"),
        ("set", "a", "x=1", "x=2"),
        ("get",),
        ("get", "a", "b", "c"),
        ("get", "a", "--versio", "1"),
        ("get", "a", "--version", "0"),
        ("get", "a", "--version", "one"),
        ("--nonsense", "get", "a"),
        ("gett", "a"),
        ("slot", "frobnicate"),
        ("slot", "add", "retina"),
        ("slot", "add", "key-file"),
        ("--vault", "", "ls"),
        ("--vault", "ftp://host/vault", "ls"),
        ("--key-file", "", "ls"),
        ("--key-file", "k", "--passphrase-fd", "0", "ls"),
        ("help", "nonsense"),
    ):
        done = keyed.run(*words, stdin=b"x\n")
        assert done.code == 2, (words, done)
        assert done.err.startswith("strongroom: "), (words, done)
        assert "Traceback" not in done.err
        assert "\x1b" not in done.err
        assert "\u202e" not in done.err
    assert "hint: did you mean: strongroom get" in keyed.run("gett", "a").err
