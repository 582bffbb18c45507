"""Requests that come again are read once, and what must not be kept is not."""

from __future__ import annotations

import pytest

from strongroom.doors.agent.repeated import RepeatedRequests, is_use
from strongroom.remote.messages import encode_request, parse_request
from strongroom.remote.targets import split_target

TARGET = "/v1/strongroom/raw/b%C3%A4nk?field=password&version=2"
MESSAGE = encode_request("GET", TARGET)


def everything(_path: str, _headers: dict[str, str]) -> bool:
    return True


def test_it_says_what_the_parser_says() -> None:
    """The first time, and each time after that, as one object."""
    requests = RepeatedRequests(everything)
    first, second = requests.find(memoryview(MESSAGE)), requests.find(memoryview(MESSAGE))
    assert first is not None
    assert first is second
    head = parse_request(MESSAGE[:-4])
    assert (first.request.method, first.request.headers, first.keep_alive) == ("GET", head.headers, True)
    assert (first.request.path, first.request.query) == split_target(TARGET)
    assert bytes(first.request.body) == b""
    requests.forget()
    assert requests.find(memoryview(MESSAGE)) is not first


# name: a message that is read with more care, each time
LEFT_ALONE = {
    "a write": encode_request("POST", "/v1/sys/seal"),
    "a list": encode_request("LIST", "/v1/secret/metadata/a"),
    "a body": encode_request("GET", "/v1/a", length=3),
    "a body that is there": encode_request("GET", "/v1/a", length=4) + b"\r\n\r\n",
    "a token": encode_request("GET", "/v1/a", [("X-Vault-Token", "t")]),
    "an authorization": encode_request("GET", "/v1/a", [("Authorization", "Bearer t")]),
    "an expectation": encode_request("GET", "/v1/a", [("Expect", "100-continue")]),
    "a long one": encode_request("GET", "/v1/" + "a" * 1024),
    "two": MESSAGE + MESSAGE,
    "one and a half": MESSAGE + b"GET /v1/a",
    "a half": MESSAGE[:-2],
    "a bad escape": encode_request("GET", "/v1/%zz"),
    "a bad header": b"GET /v1/a HTTP/1.1\r\nX\r\n\r\n",
    "another protocol": b"GET /v1/a HTTP/2.0\r\n\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("case", LEFT_ALONE)
def test_what_is_not_plain_is_left_alone(case: str) -> None:
    """It is not answered from here, and not kept."""
    requests = RepeatedRequests(everything)
    assert requests.find(memoryview(LEFT_ALONE[case])) is None
    assert not requests._known


def test_the_caller_decides_what_is_plain() -> None:
    """By path and headers."""
    seen: list[tuple[str, str]] = []

    def only_ours(path: str, headers: dict[str, str]) -> bool:
        seen.append((path, headers["host"]))
        return False

    assert RepeatedRequests(only_ours).find(memoryview(MESSAGE)) is None
    assert seen == [("/v1/strongroom/raw/bänk", "strongroom")]


def test_only_so_many_are_kept() -> None:
    """1,024, then they make room."""
    requests = RepeatedRequests(everything)
    for number in range(2_500):
        requests.find(memoryview(encode_request("GET", f"/v1/{number}")))
    assert len(requests._known) == 2_500 % 1_024


def test_a_monitor_is_no_use() -> None:
    """Its questions do not keep a vault open."""
    assert is_use("/v1/secret/data/a")
    assert not is_use("/v1/sys/seal-status")
    assert not is_use("/v1/strongroom/status")
