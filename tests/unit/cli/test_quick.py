"""The quick read: what it leaves alone, and that it looks where everybody looks."""

from __future__ import annotations

import os
import sys

import pytest

from strongroom.doors.cli import quick
from strongroom.locate.addresses import find_location
from strongroom.remote.targets import quote, unquote

HOMES = {
    "HOME": {"HOME": "/home/a"},
    "XDG_DATA_HOME": {"HOME": "/home/a", "XDG_DATA_HOME": "/data"},
    "a relative XDG_DATA_HOME": {"HOME": "/home/a", "XDG_DATA_HOME": "data"},
    "STRONGROOM_VAULT": {"HOME": "/home/a", "STRONGROOM_VAULT": "/srv/vault.db"},
    "STRONGROOM_VAULT, untidy": {"HOME": "/home/a", "STRONGROOM_VAULT": "/srv//x/../vault.db"},
    "an empty STRONGROOM_VAULT": {"HOME": "/home/a", "STRONGROOM_VAULT": ""},
}


@pytest.mark.parametrize("case", HOMES)
def test_it_looks_where_everybody_looks(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The vault's place is that of `find_location`."""
    monkeypatch.setattr(os, "environ", HOMES[case])
    place = quick._place(None)
    assert place is not None
    assert os.path.abspath(place) == find_location(None, HOMES[case])
    assert quick._place("/named/vault.db") == "/named/vault.db"


@pytest.mark.parametrize(
    "named", ["", "relative.db", "~/vault.db", "sqlite:/srv/vault.db", "postgres://host/db", "/a\0b"]
)
def test_it_leaves_other_places_alone(named: str) -> None:
    """Whatever takes thought is not for the quick read."""
    assert quick._place(named) is None


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the vault lies in another place")
@pytest.mark.parametrize("environment", [{}, {"HOME": "home"}, {"STRONGROOM_VAULT": "v.db", "HOME": "/home/a"}])
def test_it_leaves_strange_homes_alone(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a home of its own it asks nobody."""
    monkeypatch.setattr(os, "environ", environment)
    assert quick._place(None) is None


@pytest.mark.parametrize(
    "text", ["plain", "bank/checking", "a b", "ä/ö", "100%", "a?b&c=d#e", "+", "\U0001f511", "~._-"]
)
def test_it_quotes_as_the_client_does(text: str) -> None:
    """Two writers of targets, one form, which is read back."""
    assert quick._quote(text) == quote(text)
    assert unquote(quick._quote(text)) == text


def test_lone_surrogates_are_left_alone() -> None:
    """An argument that is not UTF-8 is no path; `running` says so."""
    with pytest.raises(UnicodeEncodeError):
        quick._quote("\udc80")


class Answers:
    """A connection on which parts of an answer come in."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = list(parts)

    def recv_into(self, buffer: memoryview) -> int:
        part = self.parts.pop(0) if self.parts else b""
        buffer[: len(part)] = part
        return len(part)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-A: b\r\n\r\n"

RECEIVED = {
    "at once": ([OK + b"abc"], b"abc"),
    "in single bytes": ([bytes([byte]) for byte in OK + b"abc"], b"abc"),
    "empty": ([b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"], b""),
    "the end is missing": ([OK + b"ab"], None),
    "nothing": ([], None),
    "more than it says": ([OK + b"abcd"], None),
    "not found": ([b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc"], None),
    "headers without an end": ([b"HTTP/1.1 200 OK\r\n" + b"x" * 5000], None),
    "something else": ([b"SSH-2.0-OpenSSH\r\n\r\n"], None),
}


@pytest.mark.parametrize("case", RECEIVED)
def test_only_a_whole_answer_counts(case: str) -> None:
    """A value is complete or not there."""
    parts, expected = RECEIVED[case]
    received = quick._receive(Answers(*parts))
    assert (None if received is None else bytes(received)) == expected


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"])
def test_an_answer_without_a_length_is_an_error(head: bytes) -> None:
    """`read_through_agent` takes these errors for "no plain answer"."""
    with pytest.raises(ValueError):
        quick._receive(Answers(head))
