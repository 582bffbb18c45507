"""HTTP messages, bytes in and bytes out: what is read, what is refused and how; nothing is smuggled."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.remote.messages import (
    BODY_BYTES_MAX,
    HEAD_BYTES_MAX,
    BadMessage,
    MessageReader,
    encode_request,
    encode_response,
    parse_request,
    parse_response,
)
from strongroom.remote.targets import quote, split_target, unquote

REQUEST = b"PUT /v1/secret/data/a?x=1 HTTP/1.1\r\nHost: s\r\nContent-Length: 3\r\nX-A: b\r\n\r\nabc"


def read_one(data: bytes) -> tuple[str, str, dict[str, str], bytes, bool]:
    reader = MessageReader(parse_request)
    reader.feed(data)
    message = reader.next_message()
    assert message is not None and reader.next_message() is None
    head, body = message
    return head.method, head.target, head.headers, bytes(body), head.keep_alive


def test_a_request_is_read() -> None:
    """Method, target, headers by lower-case name, body."""
    method, target, headers, body, keep_alive = read_one(REQUEST)
    assert (method, target, body, keep_alive) == ("PUT", "/v1/secret/data/a?x=1", b"abc", True)
    assert headers == {"host": "s", "content-length": "3", "x-a": "b"}


@given(cuts=st.lists(st.integers(0, len(REQUEST) * 2), max_size=12))
def test_where_the_bytes_are_cut_does_not_matter(cuts: list[int]) -> None:
    """Two requests in any pieces are the same two requests."""
    data = REQUEST * 2
    reader = MessageReader(parse_request)
    found = []
    edges = [0, *sorted(cuts), len(data)]
    for start, end in pairwise(edges):
        reader.feed(data[start:end])
        while message := reader.next_message():
            found.append((message[0].method, bytes(message[1])))
    assert found == [("PUT", b"abc")] * 2
    assert (reader.buffered, reader.head) == (0, None)


# name of the case: (the bytes, the status)
REFUSED = {
    "no words": (b"\r\n\r\n", 400),
    "two words": (b"GET /\r\n\r\n", 400),
    "two spaces": (b"GET  / HTTP/1.1\r\n\r\n", 400),
    "a tab": (b"GET\t/ HTTP/1.1\r\n\r\n", 400),
    "a method that is no token": (b"G(T / HTTP/1.1\r\n\r\n", 400),
    "no slash": (b"GET http://x/ HTTP/1.1\r\n\r\n", 400),
    "a control character in the target": (b"GET /\x01 HTTP/1.1\r\n\r\n", 400),
    "a bare newline in the target": (b"GET /\nX: y HTTP/1.1\r\n\r\n", 400),
    "upper half in the target": (b"GET /\xc3\xa4 HTTP/1.1\r\n\r\n", 400),
    "a fragment": (b"GET /a#b HTTP/1.1\r\n\r\n", 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\n", 400),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\n\r\n", 505),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400),
    "a header without a colon": (b"GET / HTTP/1.1\r\nX\r\n\r\n", 400),
    "a space before the colon": (b"GET / HTTP/1.1\r\nContent-Length : 3\r\n\r\n", 400),
    "a folded line": (b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400),
    "an empty name": (b"GET / HTTP/1.1\r\n: b\r\n\r\n", 400),
    "a bare newline in a header": (b"GET / HTTP/1.1\r\nA: b\nContent-Length: 3\r\n\r\n", 400),
    "a bare return in a header": (b"GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n", 400),
    "a NUL in a header": (b"GET / HTTP/1.1\r\nA: \0\r\n\r\n", 400),
    "two lengths": (b"PUT / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
    "twice the same length": (b"PUT / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
    "a list of lengths": (b"PUT / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\nabc", 400),
    "a negative length": (b"PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
    "a length with a sign": (b"PUT / HTTP/1.1\r\nContent-Length: +3\r\n\r\nabc", 400),
    "a hexadecimal length": (b"PUT / HTTP/1.1\r\nContent-Length: 0x3\r\n\r\nabc", 400),
    "a length in superscript digits": ("PUT / HTTP/1.1\r\nContent-Length: \u00b3\r\n\r\n".encode("latin-1"), 400),
    "an empty length": (b"PUT / HTTP/1.1\r\nContent-Length: \r\n\r\n", 400),
    "4 GiB": (b"PUT / HTTP/1.1\r\nContent-Length: 4294967296\r\n\r\n", 413),
    "a number without end": (b"PUT / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 413),
    "one byte too many": (b"PUT / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (BODY_BYTES_MAX + 1), 413),
    "chunks": (b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 411),
    "chunks and a length": (b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc", 411),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "a first line too long": (b"GET /" + b"a" * 16_384 + b" HTTP/1.1\r\n\r\n", 414),
    "a first line without end": (b"GET /" + b"a" * 17_000, 414),
    "a header too long": (b"GET / HTTP/1.1\r\nA: " + b"a" * 8_190 + b"\r\n\r\n", 431),
    "headers without end": (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 6_000, 431),
    "65 headers": (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 65 + b"\r\n", 431),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    """Each fault has its status, in one piece or byte by byte, and no message repeats what came."""
    data, status = REFUSED[case]
    with pytest.raises(BadMessage) as caught:
        read_one(data)
    assert caught.value.status == status
    reader = MessageReader(parse_request)
    with pytest.raises(BadMessage) as again:
        for start in range(0, len(data), 97):
            reader.feed(data[start : start + 97])
            reader.next_message()
    assert again.value.status == status
    assert reader.buffered <= HEAD_BYTES_MAX + 97


def test_the_longest_of_everything_is_accepted() -> None:
    """A path and a field of the greatest length, every byte of them encoded, fit into a first line; 64 headers too."""
    target = f"/v1/strongroom/raw/{'%FF' * 4096}?field={'%FF' * 1024}&version=1000000"
    headers = [("A", "b")] * 63
    head = encode_request("GET", target, headers)
    assert parse_request(head[:-4]).target == target
    with pytest.raises(BadMessage):
        parse_request(encode_request("GET", "/", [("A", "b")] * 64)[:-4])


def test_a_body_is_not_kept_twice() -> None:
    """What is left after a body was taken holds nothing of it, and wipe() forgets the rest."""
    reader = MessageReader(parse_request)
    reader.feed(REQUEST + REQUEST[:20])
    buffer = reader._buffer
    assert reader.next_message() is not None
    assert b"abc" not in buffer
    reader.wipe()
    assert (reader.buffered, bytes(buffer)) == (0, bytes(len(buffer)))


@pytest.mark.parametrize(
    ("lines", "keep_alive"),
    [("HTTP/1.1\r\n", True), ("HTTP/1.1\r\nConnection: close\r\n", False), ("HTTP/1.0\r\n", False)],
)
def test_keeping_the_connection(lines: str, keep_alive: bool) -> None:
    """HTTP/1.1 keeps it unless told otherwise, HTTP/1.0 does not."""
    assert read_one(f"GET / {lines}\r\n".encode())[4] is keep_alive


def test_a_client_that_waits_is_told_apart() -> None:
    """Expect: 100-continue, in any case of letters."""
    reader = MessageReader(parse_request)
    reader.feed(b"PUT / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\n")
    assert reader.next_message() is None
    assert reader.head is not None and reader.head.expects_continue


def test_a_response_is_written_and_read() -> None:
    """Status, headers and body come through; 204 has neither length nor body."""
    reader = MessageReader(parse_response)
    reader.feed(encode_response(200, [("X-A", "b")], length=3) + b"abc")
    reader.feed(encode_response(204, length=0, keep_alive=False))
    first, second = reader.next_message(), reader.next_message()
    assert first is not None and second is not None
    assert (first[0].status, first[0].headers["x-a"], bytes(first[1]), first[0].keep_alive) == (200, "b", b"abc", True)
    assert (second[0].status, second[0].length, second[0].keep_alive) == (204, 0, False)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"SSH-2.0-OpenSSH_9\r\n\r\n",
    ],
)
def test_a_response_that_is_none(data: bytes) -> None:
    """A client reads nothing into an answer of another protocol."""
    reader = MessageReader(parse_response)
    reader.feed(data)
    with pytest.raises(BadMessage):
        reader.next_message()


@pytest.mark.parametrize("text", ["a\r\nB: c", "a\nb", "a\rb", "a\0b"])
def test_nothing_is_smuggled_out(text: str) -> None:
    """A line break in a header or target is an error of the caller."""
    with pytest.raises(ValueError, match="line break"):
        encode_request("GET", "/", [("A", text)])
    with pytest.raises(ValueError, match="line break"):
        encode_request("GET", f"/{text}")
    with pytest.raises(ValueError, match="line break"):
        encode_response(200, [("A", text)], length=0)


@given(path=st.text(st.characters(exclude_categories=["Cs"])), name=st.text(st.characters(exclude_categories=["Cs"])))
def test_every_text_comes_through_a_target(path: str, name: str) -> None:
    """Whatever a path or a field is called, the agent reads that name."""
    target = f"/{quote(path)}?field={quote(name)}"
    assert split_target(target) == ("/" + path, {"field": name})
    parse_request(encode_request("GET", target)[:-4])


@pytest.mark.parametrize(
    "target", ["/%", "/%4", "/%zz", "/%+1", "/% 1", "/%ff", "/%C3", "/a?x=%", "/a?x=1&x=2", "/a?x&x"]
)
def test_targets_that_are_refused(target: str) -> None:
    """Broken encoding, bytes that are not UTF-8, a name twice."""
    with pytest.raises(BadMessage) as caught:
        split_target(target)
    assert caught.value.status == 400


def test_a_query_in_all_its_forms() -> None:
    """Names without a value, an empty query, spaces as plus."""
    assert split_target("/a?list&b=&c=1+2%2B3") == ("/a", {"list": "", "b": "", "c": "1 2+3"})
    assert split_target("/a?") == ("/a", {})
    assert unquote("%e2%82%AC") == "€"


@given(data=st.binary(max_size=300))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    """Whatever comes in is a message, the beginning of one, or BadMessage."""
    for prefix in (b"", b"GET / HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"):
        for parse in (parse_request, parse_response):
            reader = MessageReader(parse)  # type: ignore[var-annotated]
            reader.feed(prefix + data + b"\r\n\r\n")
            try:
                while reader.next_message():
                    continue
            except BadMessage:
                continue
