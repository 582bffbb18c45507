"""The quick read: what it leaves alone, and that it looks where everybody looks."""

from __future__ import annotations

import os
import pwd
import sys

import pytest

from strongroom import agent_read
from strongroom.locate.addresses import find_location
from strongroom.locate.agent_sockets import VARIABLE, candidates
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
    place = agent_read._place(None)
    assert place is not None
    assert os.path.abspath(place) == find_location(None, HOMES[case])
    assert agent_read._place("/named/vault.db") == "/named/vault.db"


@pytest.mark.parametrize(
    "named", ["", "relative.db", "~/vault.db", "sqlite:/srv/vault.db", "postgres://host/db", "/a\0b"]
)
def test_it_leaves_other_places_alone(named: str) -> None:
    """Whatever takes thought is not for the quick read."""
    assert agent_read._place(named) is None


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the vault lies in another place")
@pytest.mark.parametrize("environment", [{}, {"HOME": "home"}, {"STRONGROOM_VAULT": "v.db", "HOME": "/home/a"}])
def test_it_leaves_strange_homes_alone(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a home of its own it asks nobody."""
    monkeypatch.setattr(os, "environ", environment)
    assert agent_read._place(None) is None


@pytest.mark.parametrize(
    "text", ["plain", "bank/checking", "a b", "ä/ö", "100%", "a?b&c=d#e", "+", "\U0001f511", "~._-"]
)
def test_it_quotes_as_the_client_does(text: str) -> None:
    """Two writers of targets, one form, which is read back."""
    assert agent_read._quote(text) == quote(text)
    assert unquote(agent_read._quote(text)) == text


def test_lone_surrogates_are_left_alone() -> None:
    """An argument that is not UTF-8 is no path; `running` says so."""
    with pytest.raises(UnicodeEncodeError):
        agent_read._quote("\udc80")


def test_it_asks_where_everybody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sockets and their order are those of `locate.agent_sockets`; whom the password database does not know is left."""
    monkeypatch.setattr(os, "environ", {})
    assert tuple(agent_read._candidates("/srv/vault.db")) == candidates("/srv/vault.db", os.environ)
    monkeypatch.setattr(os, "environ", {VARIABLE: "/run/x.sock"})
    assert tuple(agent_read._candidates("/srv/vault.db")) == candidates("/srv/vault.db", os.environ)
    for home in ("", "relative", None):
        monkeypatch.setattr(os, "environ", {"HOME": "/home/u"})
        monkeypatch.setattr(pwd, "getpwuid", lambda _uid, home=home: entry_with(home))
        with pytest.raises(KeyError):
            agent_read._candidates("/srv/vault.db")
        assert candidates("/srv/vault.db", os.environ)[0].startswith("/home/u/.local/state/strongroom/agent/")


def entry_with(home: str | None) -> pwd.struct_passwd:
    """The password database's entry of a user with that home; None is a user whom it does not know."""
    if home is None:
        raise KeyError
    return pwd.struct_passwd(("u", "x", 7, 7, "", home, "/bin/sh"))


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
    received = agent_read._receive(Answers(*parts))
    assert (None if received is None else bytes(received)) == expected


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"])
def test_an_answer_without_a_length_is_an_error(head: bytes) -> None:
    """`read_through_agent` takes these errors for "no plain answer"."""
    with pytest.raises(ValueError):
        agent_read._receive(Answers(head))
