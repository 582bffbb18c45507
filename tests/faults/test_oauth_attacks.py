"""Token endpoints and services that mean no good, or have a bad day: bounded in time and size, and nothing repeated."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import strongroom
from strongroom.credentials.oauth import credential as credential_module
from strongroom.credentials.oauth import exchange
from strongroom.credentials.oauth.transport import Transport, is_loopback, split_url
from strongroom.keys.slots.key_file import new_key_file
from strongroom.oauth import OAuthCredential, OAuthProvider
from strongroom.stores.memory import MemoryStore
from strongroom.vault.opening import create_vault
from strongroom.vault.vault import Vault

PATIENCE_SECONDS = 60
REFRESH, NEW, ACCESS, CLIENT_SECRET = "rt-of-the-user", "rt-that-is-new", "at-of-the-user", "secret-of-the-client"
SCOPE = "photos.read photos.write"
SECRETS = (REFRESH, NEW, ACCESS, CLIENT_SECRET, "Y2xpZW50OnNlY3JldC1vZi10aGUtY2xpZW50")
GOOD = {"access_token": ACCESS, "token_type": "Bearer", "expires_in": 3600, "refresh_token": NEW}

Answering = Callable[[socket.socket], None]


class Endpoint:
    """Answers each connection as it is told to.

    Attributes:
        heard: what came over each connection.
    """

    def __init__(self) -> None:
        self.answer: Answering = lambda connection: None
        self.heard: list[bytes] = []
        self.ending = threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.threads: list[threading.Thread] = [threading.Thread(target=self._serve)]
        self.threads[0].start()

    def _serve(self) -> None:
        while not self.ending.is_set():
            with contextlib.suppress(OSError):
                connection, _ = self.socket.accept()
                thread = threading.Thread(target=self._one, args=(connection,))
                thread.start()
                self.threads.append(thread)

    def _one(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(PATIENCE_SECONDS)
            data = b""
            while b"\r\n\r\n" not in data:
                piece = connection.recv(65_536)
                if not piece:
                    return
                data += piece
            head, _, body = data.partition(b"\r\n\r\n")
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    while len(body) < int(line.partition(b":")[2]):
                        body += connection.recv(65_536)
            self.heard.append(head + b"\r\n\r\n" + body)
            self.answer(connection)

    def says(self, body: bytes | dict[str, Any], status: str = "200 OK", headers: str = "") -> None:
        """Answer so from now on."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()

        def answer(connection: socket.socket) -> None:
            head = f"HTTP/1.1 {status}\r\nContent-Length: {len(data)}\r\n{headers}\r\n"
            connection.sendall(head.encode() + data)

        self.answer = answer

    def close(self) -> None:
        self.ending.set()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port)).close()
        self.socket.close()
        for thread in self.threads:
            thread.join(PATIENCE_SECONDS)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A token endpoint on this machine."""
    made = Endpoint()
    yield made
    made.close()


@pytest.fixture
def other() -> Iterator[Endpoint]:
    """Another host, which should hear nothing."""
    made = Endpoint()
    made.says(GOOD)
    yield made
    made.close()


@pytest.fixture
def vault() -> Iterator[Vault]:
    """A vault in memory."""
    with create_vault(MemoryStore(), [new_key_file()], author="tester") as vault:
        yield vault


def provider_of(endpoint: Endpoint, **more: Any) -> OAuthProvider:
    """What the client knows of it."""
    known = {"token_url": f"{endpoint.url}/token", "api_url": f"{endpoint.url}/api", "revoke_url": f"{endpoint.url}/r"}
    return OAuthProvider(client_id="client", client_secret=CLIENT_SECRET, **{**known, **more})


def stored(vault: Vault, endpoint: Endpoint) -> OAuthCredential:
    """A credential whose grant is good for SCOPE."""
    from strongroom.credentials.oauth.records import new_fields

    provider = provider_of(endpoint)
    vault.set("photos", new_fields(provider, strongroom.SecretStr(REFRESH), frozenset(SCOPE.split())))
    return OAuthCredential(vault, "photos", provider)


def refresh_token(vault: Vault) -> str:
    """The one that is kept."""
    return str(vault.get("photos", "refresh_token").reveal())


def failure(act: Callable[[], Any]) -> tuple[BaseException, str]:
    """The error, and what a traceback with the variables of every frame but the tests' own would show of it."""
    try:
        act()
    except Exception as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        for one in (told, told.__cause__, told.__context__):
            if one is not None:
                one.stack[:] = [frame for frame in one.stack if "/tests/" not in frame.filename]
        shown = io.StringIO()
        told.print(file=shown)
        return error, shown.getvalue()
    raise AssertionError("it went well")


NO_ANSWERS: dict[str, bytes] = {
    "nothing": b"",
    "no HTTP": b"220 smtp.example ESMTP\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + json.dumps(GOOD).encode(),
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n" + json.dumps(GOOD).encode(),
    "a wrong chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a wrong length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + json.dumps(GOOD).encode()[:-1],
    "101 headers": b"HTTP/1.1 200 OK\r\n" + b"".join(b"A%d: b\r\n" % number for number in range(101)) + b"\r\n{}",
    "a long header": b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000 + b"\r\n\r\n{}",
    "a huge body": b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 70_000 + json.dumps(GOOD).encode(),
    "a huge length": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
    "a redirect": b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /token2\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("what", NO_ANSWERS)
def test_what_is_no_answer(endpoint: Endpoint, vault: Vault, what: str) -> None:
    """The grant stays as it was, and the next try may go well."""
    endpoint.answer = lambda connection: connection.sendall(NO_ANSWERS[what])
    credential = stored(vault, endpoint)
    error, shown = failure(lambda: credential.access_token("photos.read"))
    assert isinstance(error, strongroom.ServiceUnavailable)
    assert [one for one in SECRETS if one in shown] == []
    assert refresh_token(vault) == REFRESH
    assert "oauth-refreshing" not in vault.get("photos")
    endpoint.says(GOOD)
    assert credential.access_token("photos.read").reveal() == ACCESS
    assert refresh_token(vault) == NEW


def drip(pieces: Iterator[bytes], endpoint: Endpoint) -> Answering:
    """Send *pieces*, each so soon that no time-out between two of them ever comes, until the other side has gone."""

    def answer(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)
            if endpoint.ending.wait(0.02):
                return

    return answer


def forever(first: bytes, then: bytes) -> Iterator[bytes]:
    """*first*, and *then* again and again."""
    yield first
    while True:
        yield then


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b"", b""),
        (b"HTTP/1.1 200 OK\r\n", b"a"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b" "),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
)
def test_services_that_never_end(
    endpoint: Endpoint, vault: Vault, monkeypatch: pytest.MonkeyPatch, first: bytes, then: bytes
) -> None:
    """One time limit holds for the whole request, however little comes at a time."""
    monkeypatch.setattr(exchange, "SECONDS", 0.5)
    endpoint.answer = drip(forever(first, then), endpoint)
    began = time.monotonic()
    with pytest.raises(strongroom.ServiceUnavailable):
        stored(vault, endpoint).access_token("photos.read")
    assert time.monotonic() - began < PATIENCE_SECONDS


def test_a_host_with_many_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody answers at any of them, the time is up for all together."""
    tried = []

    def addresses() -> Iterator[Any]:
        for number in range(40):
            tried.append(number)
            yield socket.AF_INET, socket.SOCK_STREAM, 6, "", full.getsockname()

    with contextlib.ExitStack() as sockets:
        full = sockets.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            # Its queue is full: nobody is answered any more.
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        asked = socket.getaddrinfo
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda host, *rest, **more: addresses() if host == "photos.example"
            else asked(host, *rest, **more)
        )  # fmt: skip
        with pytest.raises(strongroom.ServiceUnavailable, match="did not answer"):
            Transport(seconds=0.5).send("GET", "https://photos.example/", {})
    assert len(tried) < 40


@pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
def test_a_redirect_takes_nothing_along(endpoint: Endpoint, other: Endpoint, vault: Vault, status: str) -> None:
    """Neither the client's secret, nor a refresh token, nor an access token reaches another host."""
    credential = stored(vault, endpoint)
    endpoint.says(GOOD)
    credential.access_token("photos.read")
    endpoint.says(b"", f"{status} Moved", f"Location: {other.url}/token\r\n")
    for act in (
        lambda: credential.access_token("photos.write"),
        lambda: credential.get(f"{endpoint.url}/api/photos", "photos.read"),
        credential.revoke,
    ):
        with pytest.raises(strongroom.ServiceUnavailable, match="redirect"):
            act()
    assert len(endpoint.heard) == 4
    assert other.heard == []


def test_neither_proxies_nor_netrc(
    endpoint: Endpoint, other: Endpoint, vault: Vault, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """What others have put into the environment sends no token elsewhere, and no other password along."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, other.url)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ann password of-the-netrc\n")
    monkeypatch.setenv("NETRC", str(netrc))
    endpoint.says(GOOD)
    credential = stored(vault, endpoint)
    credential.get(f"{endpoint.url}/api/photos", "photos.read")
    assert other.heard == []
    assert f"authorization: bearer {ACCESS}".encode() in endpoint.heard[1].lower()


def test_what_is_sent(endpoint: Endpoint, vault: Vault) -> None:
    """The token and the scope go into the body of a POST, and never into a URL."""
    endpoint.says(GOOD)
    stored(vault, endpoint).access_token("photos.read")
    head, _, body = endpoint.heard[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /token HTTP/1.1\r\n")
    assert sorted(body.split(b"&")) == [
        b"grant_type=refresh_token", b"refresh_token=" + REFRESH.encode(), b"scope=photos.read"
    ]  # fmt: skip


ODD_ANSWERS: dict[str, dict[str, Any]] = {
    "no access token": {"access_token": None},
    "an access token that is none": {"access_token": 7},
    "an empty one": {"access_token": ""},
    "a header in it": {"access_token": "at\r\nX-Evil: 1"},
    "a space in it": {"access_token": "at at"},
    "a long one": {"access_token": "a" * 20_000},
    "another kind": {"token_type": "mac"},
    "no kind": {"token_type": None},
    "a lifetime in words": {"expires_in": "an hour"},
    "a lifetime that is none": {"expires_in": [1]},
    "an endless lifetime": {"expires_in": float("inf")},
    "a time that is none": {"expires_at": "soon", "expires_in": "x"},
    "a wider scope": {"scope": f"{SCOPE} admin"},
    "another scope": {"scope": "photos.write"},
    "no scope": {"scope": ""},
    "a scope that is none": {"scope": 'photos.read "x"'},
}


@pytest.mark.parametrize("what", ODD_ANSWERS)
def test_the_new_refresh_token_is_kept_whatever_else_came(endpoint: Endpoint, vault: Vault, what: str) -> None:
    """No such access token is handed out; but the old refresh token was used up, and the new one is not lost."""
    endpoint.says({**GOOD, **ODD_ANSWERS[what]})
    credential = stored(vault, endpoint)
    with pytest.raises((strongroom.ServiceUnavailable, strongroom.Denied)):
        credential.access_token("photos.read")
    assert refresh_token(vault) == NEW
    assert "access_tokens" not in vault.get("photos")
    endpoint.says({**GOOD, "refresh_token": "third"})
    assert credential.access_token("photos.read").reveal() == ACCESS


@pytest.mark.parametrize("given", [7, "", "a b", "a\nb", "x" * 20_000, ["x"]])
def test_a_new_refresh_token_that_is_none(endpoint: Endpoint, vault: Vault, given: Any) -> None:
    """What could never be sent is not kept."""
    endpoint.says({**GOOD, "refresh_token": given})
    with pytest.raises(strongroom.ServiceUnavailable):
        stored(vault, endpoint).access_token("photos.read")
    assert refresh_token(vault) == REFRESH


@pytest.mark.parametrize("seconds", [None, 0, -5, 10**12])
def test_lifetimes(endpoint: Endpoint, vault: Vault, seconds: int | None) -> None:
    """Nobody knows how long it lives: it is given once. A very long life is believed for a day."""
    endpoint.says({**GOOD, "expires_in": seconds})
    now = [time.time()]
    stored(vault, endpoint)
    credential = OAuthCredential(vault, "photos", provider_of(endpoint), clock=lambda: now[0])
    credential.access_token("photos.read")
    credential.access_token("photos.read")
    assert len(endpoint.heard) == (1 if seconds == 10**12 else 2)
    now[0] += 24 * 3600
    credential.access_token("photos.read")
    assert len(endpoint.heard) == (2 if seconds == 10**12 else 3)


ECHO = f"Basic Y2xpZW50OnNlY3JldC1vZi10aGUtY2xpZW50 {REFRESH} {CLIENT_SECRET} {NEW}"
REFUSALS: dict[str, tuple[bytes | dict[str, Any], str, type[Exception]]] = {
    "the grant": ({"error": "invalid_grant", "error_description": ECHO}, "400 Bad Request", strongroom.GrantRevoked),
    "the grant, with 200": ({"error": "invalid_grant"}, "200 OK", strongroom.GrantRevoked),
    "the grant, in words of its own": (
        {"error": "invalid_grant", "error_description": f'zurückgezogen: "{ECHO}"'}, "400 No", strongroom.GrantRevoked
    ),
    "the client": ({"error": "invalid_client", "error_description": ECHO}, "401 No", strongroom.Denied),
    "the scope": ({"error": "invalid_scope", "error_uri": ECHO}, "400 No", strongroom.Denied),
    "something": ({"error": ECHO}, "400 No", strongroom.ServiceUnavailable),
    "something that is no text": ({"error": {"a": [ECHO]}}, "400 No", strongroom.ServiceUnavailable),
    "a passing trouble": ({"error": "temporarily_unavailable"}, "503 Busy", strongroom.ServiceUnavailable),
    "a page": (f"<h1>{ECHO}</h1>".encode(), "500 Oh", strongroom.ServiceUnavailable),
    "too many": (f"slow down {ECHO}".encode(), "429 Slow", strongroom.ServiceUnavailable),
    "a page with 200": (f"<h1>{ECHO}</h1>".encode(), "200 OK", strongroom.ServiceUnavailable),
    "a list": (json.dumps([ECHO]).encode(), "200 OK", strongroom.ServiceUnavailable),
    "deep JSON": (b'{"a":' + b"[" * 30_000, "200 OK", strongroom.ServiceUnavailable),
    "a long number": (b'{"expires_in":' + b"9" * 50_000 + b"}", "200 OK", strongroom.ServiceUnavailable),
    "no UTF-8": (b'{"access_token": "\xff' + ECHO.encode() + b'"}', "200 OK", strongroom.ServiceUnavailable),
    "tokens with 500": (GOOD, "500 Oh", strongroom.ServiceUnavailable),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSALS)
def test_refusals_repeat_nothing(
    endpoint: Endpoint, vault: Vault, what: str, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    """Each is of its kind, and neither it nor the locals of our frames hold what was sent or came back."""
    body, status, kind = REFUSALS[what]
    endpoint.says(body, status)
    credential = stored(vault, endpoint)
    error, shown = failure(lambda: credential.access_token("photos.read"))
    assert isinstance(error, kind), error
    everything = f"{error} {error!r} {shown} {caplog.text} {capfd.readouterr()}"
    assert [secret for secret in SECRETS if secret in everything] == []
    assert refresh_token(vault) == REFRESH
    assert "oauth-refreshing" not in vault.get("photos")


def test_the_locals_are_seen() -> None:
    """The detector above finds a token that stands in a frame."""
    source = "def f(token):\n    raise KeyError\nf('rt-of-the-user')"
    code = compile(source, "a/library.py", "exec")
    assert REFRESH in failure(lambda: exec(code, {}))[1]


@pytest.mark.parametrize(
    ("url", "is_good"),
    [
        ("https://service.example/token", True),
        ("http://127.0.0.1:8000/token", True),
        ("http://127.9.9.9/token", True),
        ("http://[::1]:1/token", True),
        ("http://localhost/token", True),
        ("http://service.example/token", False),
        ("http://127.0.0.1.evil.example/token", False),
        ("http://127.evil.example.x/token", False),
        ("http://127.0.0/token", False),
        ("http://localhost.evil.example/token", False),
        ("http://0.0.0.0/token", False),
        ("http://[::ffff:8.8.8.8]/token", False),
        ("https://user:password@service.example/token", False),
        ("https://127.0.0.1@evil.example/token", False),
        ("https://service.example/token#x", False),
        ("https://service.example/to ken", False),
        ("https://service.example/\r\nX: y", False),
        ("https://service.example\\@evil.example/", False),
        ("https://service.ex\u0430mple/token", False),
        ("https:///token", False),
        ("https://service.example:0/token", False),
        ("https://service.example:99999/token", False),
        ("ftp://service.example/token", False),
        ("file:///etc/passwd", False),
        ("//service.example/token", False),
        ("", False),
        ("https://service.example/" + "x" * 5_000, False),
    ],
)
def test_where_a_secret_may_be_sent(url: str, is_good: bool) -> None:
    """Over TLS, or to this machine itself; in a provider's settings as in a request."""
    if is_good:
        assert OAuthProvider(client_id="x", token_url=url).token_url == url
        assert split_url(url).hostname
        return
    for act in (lambda: OAuthProvider(client_id="x", token_url=url), lambda: Transport().send("GET", url, {})):
        with pytest.raises(ValueError):
            act()


def test_loopback_is_written_as_such() -> None:
    """Names that might be resolved to anything are not this machine."""
    assert [host for host in ("127.0.0.1", "127.1", "127.0.0.x", "::1", "localhost", "") if is_loopback(host)] == [
        "127.0.0.1", "::1", "localhost"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "settings",
    [
        {"client_id": ""}, {"client_id": "a\nb"}, {"client_id": "x" * 513}, {"client_secret": "a\u00e9"},
        {"client_secret": "a\r\nb"}, {"auth_method": "none"}, {"auth_method": "private_key_jwt"},
        {"client_secret": None, "auth_method": "client_secret_basic"}, {"authorize_url": "http://a.example/"},
        {"revoke_url": "http://a.example/"}, {"api_url": "javascript:alert(1)"},
    ],
)  # fmt: skip
def test_providers_that_cannot_be(settings: dict[str, Any]) -> None:
    """They are refused when they are made, and the error does not show the secret."""
    whole = {"client_id": "x", "client_secret": "y", "token_url": "https://a.example/", **settings}
    with pytest.raises(ValueError) as caught:
        OAuthProvider(**whole)
    assert "\u00e9" not in str(caught.value)


def test_a_rotated_token_that_cannot_be_stored_at_once(
    endpoint: Endpoint, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again for a while; a vault that stays away is an error, and no access token is handed out."""
    monkeypatch.setattr(credential_module, "_LOOK_AGAIN_SECONDS", 0.001)
    credential = stored(vault, endpoint)
    patch, calls = vault.patch, [0]

    def failing(times: int) -> Callable[..., Any]:
        def write(*words: Any, **more: Any) -> Any:
            calls[0] += 1
            if 2 <= calls[0] < 2 + times:
                raise strongroom.StoreUnavailable("disk full")
            return patch(*words, **more)

        return write

    monkeypatch.setattr(vault, "patch", failing(3))
    endpoint.says(GOOD)
    assert credential.access_token("photos.read").reveal() == ACCESS
    assert refresh_token(vault) == NEW
    calls[0] = 0
    monkeypatch.setattr(vault, "patch", failing(100))
    endpoint.says({**GOOD, "refresh_token": "third", "access_token": "second"})
    with pytest.raises(strongroom.StoreUnavailable):
        credential.access_token("photos.write")


def test_a_new_grant_while_the_old_one_is_refreshed(endpoint: Endpoint, vault: Vault) -> None:
    """Who connects again meanwhile is not overwritten by what came of the old grant."""
    credential = stored(vault, endpoint)

    def answer(connection: socket.socket) -> None:
        stored(vault, endpoint)
        endpoint.says({**GOOD, "refresh_token": "of-the-second", "access_token": "second"})
        endpoint.answer(connection)

    endpoint.answer = answer
    assert credential.access_token("photos.read").reveal() == "second"
    assert len(endpoint.heard) == 2
    assert all(f"refresh_token={REFRESH}&".encode() in one for one in endpoint.heard)


@pytest.mark.parametrize("name", ["oauth-refreshing", "oauth-scope", "access_tokens"])
@pytest.mark.parametrize("value", ["", "x", "[]", "{", "[1]", "1", '{"photos.read": [1]}', "[" * 5_000, '"'])
def test_items_that_cannot_be_read(endpoint: Endpoint, vault: Vault, name: str, value: str) -> None:
    """Whoever deposits may write anything: it is an error of ours, or an answer, and no other exception."""
    endpoint.says(GOOD)
    credential = stored(vault, endpoint)
    vault.patch("photos", {name: value})
    with contextlib.suppress(strongroom.Tampered, strongroom.Denied):
        assert credential.access_token("photos.read").reveal() == ACCESS


def test_answers_of_the_interface(endpoint: Endpoint, vault: Vault) -> None:
    """Statuses that mean trouble are errors; what is too much is not read to its end."""
    endpoint.says(GOOD)
    credential = stored(vault, endpoint)
    credential.access_token("photos.read")
    url = f"{endpoint.url}/api/photos"
    for status in ("429 Slow", "500 Oh", "503 Busy"):
        endpoint.says(b"", status)
        error, shown = failure(lambda: credential.get(url, "photos.read"))
        assert isinstance(error, strongroom.ServiceUnavailable)
        assert [one for one in SECRETS if one in shown] == []
    endpoint.says(b"x" * 2_000)
    with pytest.raises(strongroom.ServiceUnavailable, match="more than 1000 bytes"):
        credential.get(url, "photos.read", bytes_max=1_000)
    endpoint.says(b"[]", "404 No", "X-Kind: none\r\n")
    answer = credential.get(f"{url}?page=2", "photos.read", headers={"Accept": "text/plain"})
    assert (answer.status_code, answer.json(), answer.headers["x-kind"]) == (404, [], "none")
    assert b"GET /api/photos?page=2 HTTP/1.1\r\n" in endpoint.heard[-1]
    assert b"Accept: text/plain" in endpoint.heard[-1]


def test_without_the_extra(endpoint: Endpoint, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names what to install."""
    credential = stored(vault, endpoint)
    monkeypatch.setitem(sys.modules, "authlib.oauth2.client", None)
    with pytest.raises(strongroom.FormatUnsupported, match="extra oauth") as caught:
        credential.access_token("photos.read")
    assert "strongroom[oauth]" in caught.value.advice
    assert endpoint.heard == []


def connecting(endpoint: Endpoint, scope: str = "photos.read", **more: Any) -> Any:
    """The grant with which a user comes back, from an endpoint that answers as it was told to."""
    provider = provider_of(endpoint, authorize_url="https://service.example/authorize", **more)
    asked = provider.connect("https://site.example/back", scope)
    return provider.finish(asked.remembered, f"code=of-the-user&state={asked.remembered['state']}")


def test_interrupted_while_the_refresh_begins(
    endpoint: Endpoint, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a loaded machine the answer may be there before the caller has begun to wait: it is stored first as well."""

    class Started(threading.Thread):
        def start(self) -> None:
            super().start()
            raise KeyboardInterrupt

    endpoint.says(GOOD)
    credential = stored(vault, endpoint)
    monkeypatch.setattr(credential_module, "Thread", Started)
    with pytest.raises(KeyboardInterrupt):
        credential.access_token("photos.read")
    assert refresh_token(vault) == NEW
    assert "oauth-refreshing" not in vault.get("photos")


def test_no_frame_shows_a_code_that_could_not_be_exchanged(endpoint: Endpoint) -> None:
    """Together with the verifier it is of use still."""
    endpoint.says(b"", "500 Oh")
    provider = provider_of(endpoint, authorize_url="https://service.example/authorize")
    remembered = provider.connect("https://site.example/back", "photos.read").remembered
    answer = f"code=of-the-user&state={remembered['state']}"
    error, shown = failure(lambda: provider.finish(remembered, answer))
    assert isinstance(error, strongroom.ServiceUnavailable)
    assert "in exchange_code" in shown
    assert [one for one in ("of-the-user", remembered["verifier"], remembered["state"]) if one in shown] == []


def test_a_grant_of_more_than_was_asked_for(endpoint: Endpoint) -> None:
    """It is not kept, and given back if the service listens."""
    endpoint.says({**GOOD, "scope": "photos.read admin"})
    with pytest.raises(strongroom.Denied, match="more than was asked"):
        connecting(endpoint)
    assert [one.split(b" ")[1] for one in endpoint.heard] == [b"/token", b"/r"]
    assert f"token={NEW}".encode() in endpoint.heard[1]
    with pytest.raises(strongroom.Denied, match="more than was asked"):
        connecting(endpoint, revoke_url="")

    def answer_once(connection: socket.socket) -> None:
        endpoint.answer = lambda later: None
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps({**GOOD, "scope": "admin"}).encode())

    endpoint.answer = answer_once
    with pytest.raises(strongroom.Denied, match="more than was asked"):
        connecting(endpoint)


def test_grants_that_are_none(endpoint: Endpoint) -> None:
    """Without a refresh token nothing can be kept; a service without scopes gives what it gives."""
    endpoint.says({**GOOD, "refresh_token": None})
    with pytest.raises(strongroom.ServiceUnavailable, match="no refresh token"):
        connecting(endpoint)
    endpoint.says({**GOOD, "token_type": "mac"})
    with pytest.raises(strongroom.ServiceUnavailable, match="no bearer token"):
        connecting(endpoint)
    endpoint.says({**GOOD, "scope": "basic"})
    assert connecting(endpoint, "").scope == {"basic"}
    with pytest.raises(ValueError, match="authorize_url"):
        provider_of(endpoint).connect("https://site.example/back", "x")
    with pytest.raises(ValueError):
        provider_of(endpoint, authorize_url="https://a.example/").connect("javascript:alert(1)", "x")


def test_a_process_that_stood_still(endpoint: Endpoint, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes late to its own mark does not use the token, as another may be using it by now; it begins again."""
    endpoint.says(GOOD)
    credential = stored(vault, endpoint)
    late = iter([-1.0])
    limit = credential_module._LATE_SECONDS

    class Late(float):
        def __lt__(self, other: float) -> bool:
            return next(late, limit) < other

    monkeypatch.setattr(credential_module, "_LATE_SECONDS", Late())
    assert credential.access_token("photos.read").reveal() == ACCESS
    assert len(endpoint.heard) == 1
    # Two marks, and each taken away.
    assert vault.get("photos").version.number == 5


def test_another_process_that_does_not_come_to_an_end(
    endpoint: Endpoint, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for ever: marks that are renewed again and again are an error in the end."""
    from strongroom.credentials.oauth.records import Mark

    monkeypatch.setattr(credential_module, "_PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(credential_module, "_LOOK_AGAIN_SECONDS", 0.01)
    credential = stored(vault, endpoint)
    vault.patch("photos", {"oauth-refreshing": Mark("other", time.time() + 30).field()})
    with pytest.raises(strongroom.ServiceUnavailable, match="another process"):
        credential.access_token("photos.read")
    assert endpoint.heard == []
