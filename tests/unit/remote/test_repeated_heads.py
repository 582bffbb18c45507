"""Requests that come again are parsed once, and what must not be kept is not."""

from __future__ import annotations

import pytest

from strongroom.remote.messages import BadMessage, encode_request, parse_request
from strongroom.remote.repeated_heads import RepeatedHeads
from strongroom.remote.targets import split_target

TARGET = "/v1/strongroom/raw/b%C3%A4nk?field=password&version=2"
HEAD = encode_request("GET", TARGET)[:-4]


def test_it_says_what_the_parser_says() -> None:
    """The first time, and each time after that, as one object."""
    heads = RepeatedHeads()
    first, second, plain = heads.parse(HEAD), heads.parse(HEAD), parse_request(HEAD)
    assert first is second
    assert (first.method, first.target, first.headers, first.length) == ("GET", TARGET, plain.headers, 0)
    assert heads.split(TARGET) == split_target(TARGET)
    assert heads.split(TARGET) is heads.split(TARGET)
    heads.forget()
    assert heads.parse(HEAD) is not first


@pytest.mark.parametrize(
    "head",
    [
        encode_request("PUT", "/", length=3)[:-4],
        encode_request("GET", "/", [("X-Vault-Token", "t")])[:-4],
        encode_request("GET", "/", [("Authorization", "Bearer t")])[:-4],
        encode_request("GET", "/" + "a" * 1024)[:-4],
    ],
)
def test_bodies_tokens_and_long_ones_are_not_kept(head: bytes) -> None:
    """Each is parsed anew."""
    heads = RepeatedHeads()
    assert heads.parse(head) is not heads.parse(head)
    assert not heads._heads


def test_only_so_many_are_kept() -> None:
    """256, then they make room."""
    heads = RepeatedHeads()
    for number in range(1000):
        heads.parse(encode_request("GET", f"/{number}")[:-4])
    assert len(heads._heads) == len(heads._targets) == 1000 % 256


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\r\nX", b"GET /%zz HTTP/1.1"])
def test_what_is_malformed_stays_malformed(head: bytes) -> None:
    """A refusal is never remembered as anything else."""
    heads = RepeatedHeads()
    for _ in range(2):
        with pytest.raises(BadMessage):
            heads.parse(head)
    assert not heads._heads
