"""OAuth against a real authorization server over TLS: connecting, refreshing, rotation, revocation, several at once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

import strongroom
from strongroom.credentials.oauth import credential as credentials_at_work
from strongroom.credentials.oauth import records
from strongroom.credentials.oauth.transport import Transport
from strongroom.keys.slots.key_file import new_key_file
from strongroom.oauth import OAuthCredential, OAuthProvider
from strongroom.stores.memory import MemoryStore
from strongroom.vault.opening import create_vault
from strongroom.vault.vault import Vault
from tests.agents import AgentUnderTest, make_vault
from tests.interop.oauth_server import CLIENT_SECRET, OAuthServer

BACK = "https://site.example/back"
ALL = "photos.read photos.write"
HOUR = 3_600
PATIENCE_SECONDS = 60

MakeServer = Callable[..., OAuthServer]


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeServer]:
    """Makes servers that this process trusts."""
    made: list[OAuthServer] = []

    def make(**options: Any) -> OAuthServer:
        server = OAuthServer(**options)
        made.append(server)
        server.authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        return server

    yield make
    for server in made:
        server.close()


@pytest.fixture
def vault() -> Iterator[Vault]:
    """A vault in memory."""
    with create_vault(MemoryStore(), [new_key_file()], author="tester") as vault:
        yield vault


class Browser:
    """Goes where it is sent, and stops at the first redirect away."""

    def visit(self, url: str) -> str:
        """Where the server sends a user who has said yes."""
        import http.client
        import ssl

        parts = urlsplit(url)
        connection = http.client.HTTPSConnection(
            str(parts.hostname), parts.port, timeout=PATIENCE_SECONDS, context=ssl.create_default_context()
        )
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert answer.status == 302, answer.status
        return str(answer.headers["Location"])


def connected(server: OAuthServer, scope: str = ALL, provider: OAuthProvider | None = None) -> Any:
    """A grant for *scope*, given by the server's user."""
    chosen = provider or server.provider()
    connecting = chosen.connect(BACK, scope)
    return chosen.finish(connecting.remembered, Browser().visit(connecting.url))


def stored(vault: Vault, server: OAuthServer, **options: Any) -> OAuthCredential:
    """A credential with a new grant in the vault."""
    vault.set("photos", connected(server).fields)
    return OAuthCredential(vault, "photos", server.provider(), **options)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_from_the_question_to_the_photos(serve: MakeServer, vault: Vault, method: str) -> None:
    """A user connects; the program asks for what it needs now, and gets the service's answer."""
    server = serve(method=method)
    credential = stored(vault, server)
    assert credential.get(f"{server.url}/api/photos", "photos.read").json() == ["one.jpg", "two.jpg"]
    assert server.requests == [("authorization_code", ""), ("refresh_token", "photos.read")]
    (token,) = (one for one in server.tokens if one.given["scope"] == "photos.read")
    assert token.given["access_token"] == credential.access_token("photos.read").reveal()


def test_the_question_is_asked_with_pkce_and_a_state(serve: MakeServer) -> None:
    """Both are new for each question; the verifier is in neither URL."""
    provider = serve().provider(parameters={"access_type": "offline"})
    first, second = (provider.connect(BACK, ALL) for _ in range(2))
    asked = {name: values[0] for name, values in parse_qs(urlsplit(first.url).query).items()}
    assert (asked["response_type"], asked["code_challenge_method"], asked["scope"]) == ("code", "S256", ALL)
    assert (asked["redirect_uri"], asked["access_type"]) == (BACK, "offline")
    assert first.remembered["verifier"] not in first.url
    for name in ("state", "verifier"):
        assert len(first.remembered[name]) == 43
        assert first.remembered[name] != second.remembered[name]
    assert first.remembered["verifier"] not in repr(first)


def test_a_code_counts_with_its_verifier_alone(serve: MakeServer) -> None:
    """Who has stolen a code, and begins a question of his own, gets nothing; and a code counts once."""
    provider = serve().provider()
    victim, thief = (provider.connect(BACK, ALL) for _ in range(2))
    code = parse_qs(urlsplit(Browser().visit(victim.url)).query)["code"][0]
    with pytest.raises(strongroom.GrantRevoked):
        provider.finish(thief.remembered, f"code={code}&state={thief.remembered['state']}")
    answer = Browser().visit(victim.url)
    provider.finish(victim.remembered, answer)
    with pytest.raises(strongroom.GrantRevoked):
        provider.finish(victim.remembered, answer)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("code=x", strongroom.Denied),
        ("code=x&state=wrong", strongroom.Denied),
        ("code=x&state=", strongroom.Denied),
        ("code=x&state={state}&state={state}", strongroom.Denied),
        ("code=x&code=y&state={state}", strongroom.Denied),
        ("state={state}", strongroom.Denied),
        ("error=access_denied&state={state}", strongroom.Denied),
        ("error=server_error&state={state}", strongroom.Denied),
        ("error=access_denied", strongroom.Denied),
        ("", strongroom.Denied),
        ("state={state}&code=" + "x" * 20_000, strongroom.Denied),
        ("state={state}&code=x&iss=https://evil.example", strongroom.Denied),
        ("state={state}&code=x", strongroom.Denied),
    ],
)
def test_answers_that_are_not_taken(serve: MakeServer, answer: str, error: type[Exception]) -> None:
    """None of them leads to a request."""
    server = serve()
    provider = server.provider(issuer="https://right.example")
    connecting = provider.connect(BACK, ALL)
    with pytest.raises(error):
        provider.finish(connecting.remembered, answer.format(state=connecting.remembered["state"]))
    assert server.requests == []


def test_an_issuer_that_is_the_right_one(serve: MakeServer) -> None:
    """The answer's ``iss`` is compared with the provider's (RFC 9207)."""
    server = serve()
    provider = server.provider(issuer="https://right.example")
    connecting = provider.connect(BACK, ALL)
    answer = Browser().visit(connecting.url)
    assert provider.finish(connecting.remembered, f"{answer}&iss=https%3A%2F%2Fright.example").scope == set(ALL.split())


def test_questions_that_are_not_ours(serve: MakeServer) -> None:
    """What was remembered counts for its provider, whole, and for a while."""
    server = serve()
    provider = server.provider()
    connecting = provider.connect(BACK, ALL)
    answer = Browser().visit(connecting.url)
    for remembered, error in (
        ({}, strongroom.Denied),
        ({**connecting.remembered, "more": "x"}, strongroom.Denied),
        ({**connecting.remembered, "provider": "another"}, strongroom.Denied),
        ({**connecting.remembered, "began": str(int(time.time()) - 700)}, strongroom.Expired),
        ({**connecting.remembered, "began": str(int(time.time()) + HOUR)}, strongroom.Expired),
    ):
        with pytest.raises(error):
            provider.finish(remembered, answer)
    assert server.requests == []
    late = {**connecting.remembered, "began": str(int(time.time()) - 700)}
    assert provider.finish(late, answer, lifetime=timedelta(hours=1)).scope == set(ALL.split())


def test_the_least_scope(serve: MakeServer, vault: Vault) -> None:
    """Each scope has a token of its own, good for that and no more; what was not granted is not even asked for."""
    server = serve()
    credential = stored(vault, server)
    reading, writing = credential.access_token("photos.read"), credential.access_token(["photos.write"])
    assert reading != writing
    assert [scope for _, scope in server.requests[1:]] == ["photos.read", "photos.write"]
    assert credential.access_token("photos.read") == reading
    assert credential.access_token("photos.write photos.read") == credential.access_token(
        ["photos.read", "photos.write"]
    )
    asked = server.refreshes()
    with pytest.raises(strongroom.Denied, match="not granted"):
        credential.access_token("profile")
    with pytest.raises(ValueError, match="name the scope"):
        credential.access_token("")
    for wrong in ('a"b', "a\\b", "\u00e9", "a\x7fb", "x" * 3_000):
        with pytest.raises(ValueError):
            credential.access_token([wrong])
    assert server.refreshes() == asked


def test_a_user_who_grants_less(serve: MakeServer, vault: Vault) -> None:
    """The grant is for what was given, whatever was asked for."""
    server = serve()
    grant = connected(server, "photos.read unknown")
    assert grant.scope == {"photos.read"}
    vault.set("photos", grant.fields)
    with pytest.raises(strongroom.Denied):
        OAuthCredential(vault, "photos", server.provider()).access_token("unknown")


def test_tokens_end(serve: MakeServer, vault: Vault) -> None:
    """One that does not live long enough is not handed out, nor after a clock was put back."""
    server, now = serve(lifetime=600), [time.time()]
    credential = stored(vault, server, clock=lambda: now[0])
    first = credential.access_token("photos.read")
    now[0] += 300
    assert credential.access_token("photos.read") == first
    second = credential.access_token("photos.read", lifetime=timedelta(minutes=6))
    assert second != first
    now[0] += 541
    third = credential.access_token("photos.read")
    assert third != second
    now[0] -= 7 * 24 * HOUR
    assert credential.access_token("photos.read") != third
    assert server.refreshes() == 4


@pytest.mark.parametrize("rotates", [True, False])
def test_refresh_tokens_are_kept_as_the_server_wants_it(serve: MakeServer, vault: Vault, rotates: bool) -> None:
    """New ones are stored, and one that stays good is kept."""
    server = serve(rotates=rotates, lifetime=1)
    credential = stored(vault, server)
    for _ in range(3):
        credential.access_token("photos.read")
    given = [one.given["refresh_token"] for one in server.tokens if "refresh_token" in one.given]
    kept = vault.get("photos", "refresh_token").reveal()
    assert kept == given[-1]
    assert len(given) == (4 if rotates else 1)
    assert not server.tokens[0].family.ended


def test_a_revoked_grant(serve: MakeServer, vault: Vault) -> None:
    """It is an error of its own; nobody is asked again until the user connects anew."""
    server = serve(lifetime=1)
    credential = stored(vault, server)
    credential.access_token("photos.read")
    server.take_back()
    for _ in range(3):
        with pytest.raises(strongroom.GrantRevoked, match="taken back"):
            credential.access_token("photos.read")
    assert server.refreshes() == 2
    vault.set("photos", connected(server).fields)
    credential.access_token("photos.read")


def test_revoking(serve: MakeServer, vault: Vault) -> None:
    """The server is told, and takes the refresh token no more."""
    server = serve(lifetime=1)
    credential = stored(vault, server)
    credential.revoke()
    assert server.tokens[0].family.ended
    with pytest.raises(strongroom.GrantRevoked):
        credential.access_token("photos.read")
    with pytest.raises(strongroom.Denied, match="revoke_url"):
        OAuthCredential(vault, "photos", server.provider(revoke_url="")).revoke()


def test_revoking_while_another_process_refreshes(serve: MakeServer, vault: Vault) -> None:
    """The service knows no more of the token before, and would not be told of the one that comes."""
    server = serve(lifetime=1)
    server.forgets = True
    credential, other = stored(vault, server), OAuthCredential(vault, "photos", server.provider())
    refused: list[str] = []

    def meanwhile() -> None:
        with pytest.raises(strongroom.Conflict) as caught:
            other.revoke()
        refused.append(caught.value.message)

    server.after = meanwhile
    credential.access_token("photos.read")
    assert refused == ["another process is refreshing the token"]
    assert not server.tokens[0].family.ended
    other.revoke()
    assert server.tokens[0].family.ended


def test_a_mark_that_a_crash_has_left_does_not_keep_a_grant(serve: MakeServer, vault: Vault) -> None:
    """Who revokes does not watch it: it counts until twice the time that a request may take."""
    server = serve()
    now = 1_000_000.0
    credential = OAuthCredential(vault, "photos", server.provider(), clock=lambda: now)
    stored(vault, server)
    left = records.Mark("00" * 8, now).field()
    vault.patch("photos", {records.REFRESHING: left})
    with pytest.raises(strongroom.Conflict):
        credential.revoke()
    now += credentials_at_work.LEASE_SECONDS + 1
    credential.revoke()
    assert server.tokens[0].family.ended


def test_a_revocation_that_fails_leaves_no_mark(serve: MakeServer, vault: Vault) -> None:
    """The grant can be used, and revoked later."""
    server = serve()
    credential = stored(vault, server)
    wrong = OAuthCredential(vault, "photos", server.provider(revoke_url=f"{server.url}/nowhere"))
    with pytest.raises(strongroom.ServiceUnavailable):
        wrong.revoke()
    assert records.REFRESHING not in vault.get("photos")
    credential.access_token("photos.read")
    credential.revoke()
    assert server.tokens[0].family.ended


@pytest.mark.parametrize("how", ["destroyed", "withdrawn", "replaced"])
def test_a_token_that_comes_when_nobody_wants_it(serve: MakeServer, vault: Vault, how: str) -> None:
    """Who has fetched it tells the service; not of one that somebody else may use, whose grant it may be too."""
    server = serve(lifetime=1)
    server.forgets = True
    stored(vault, server)
    withdrawn: list[bool] = []

    def check(_item: Any) -> None:
        if withdrawn:
            raise strongroom.Denied("it was withdrawn")

    def meanwhile() -> None:
        server.after = lambda: None
        if how == "destroyed":
            vault.destroy("photos")
            return
        item = vault.get("photos")
        vault.set("photos", {name: item.field(name) for name in item if name != records.REFRESHING})
        if how == "withdrawn":
            withdrawn.append(True)

    credential = OAuthCredential(vault, "photos", server.provider(), check=check)
    server.after = meanwhile
    expected = {
        "destroyed": strongroom.NotFound, "withdrawn": strongroom.Denied, "replaced": strongroom.GrantRevoked,
    }[how]  # fmt: skip
    with pytest.raises(expected):
        credential.access_token("photos.read")
    revocations = [one for one in server.revoked if one in server.tokens[1:]]
    assert len(revocations) == (how != "replaced")


def test_an_access_token_that_was_revoked(serve: MakeServer, vault: Vault) -> None:
    """The service says so with 401; one new token is fetched, and no more than one."""
    server = serve()
    credential = stored(vault, server)
    url = f"{server.url}/api/photos"
    credential.get(url, "photos.read")
    server.forget_access()
    assert credential.get(url, "photos.read").status_code == 200
    assert server.refreshes() == 2
    server.after = server.forget_access
    server.forget_access()
    with pytest.raises(strongroom.CredentialRefused):
        credential.get(url, "photos.read")
    assert server.refreshes() == 3


def test_a_token_that_is_not_enough(serve: MakeServer, vault: Vault) -> None:
    """The service says so with 403: asking again does not help."""
    server = serve()
    credential = stored(vault, server)
    with pytest.raises(strongroom.Denied, match="not enough"):
        credential.get(f"{server.url}/api/photos", "photos.write")
    assert server.refreshes() == 1


@pytest.mark.parametrize(
    "place",
    ["https://evil.example/api/photos", "{url}/apiphotos", "{url}/api/../token", "{url}/api/%2e%2e/token", "{url}/",
     "{url}.evil.example/api", "http://127.0.0.1:1/api", "{url}@evil.example/api", "https://127.0.0.1/api"],
)  # fmt: skip
def test_tokens_go_to_the_interface_alone(serve: MakeServer, vault: Vault, place: str) -> None:
    """Other hosts, ports, schemes and paths are refused before anything is sent."""
    server = serve()
    credential = stored(vault, server)
    with pytest.raises(ValueError):
        credential.get(place.format(url=server.url), "photos.read")
    with pytest.raises(ValueError, match="api_url"):
        OAuthCredential(vault, "photos", server.provider(api_url="")).get(f"{server.url}/api/photos", "photos.read")
    assert server.refreshes() == 0


def test_a_grant_is_good_for_its_client_alone(serve: MakeServer, vault: Vault) -> None:
    """Another client's settings, or another endpoint's, do not get the refresh token."""
    server, other = serve(), serve()
    vault.set("photos", connected(other).fields)
    for provider in (server.provider(), other.provider(client_id="another")):
        with pytest.raises(strongroom.Tampered):
            OAuthCredential(vault, "photos", provider).access_token("photos.read")
    vault.set("photos", {"password": "x"})
    with pytest.raises(strongroom.NotFound, match="no grant"):
        OAuthCredential(vault, "photos", other.provider()).access_token("photos.read")
    assert (server.requests, other.refreshes()) == ([], 0)


def test_a_wrong_client_secret(serve: MakeServer, vault: Vault) -> None:
    """It is the program's fault, and not the end of the grant."""
    server = serve()
    stored(vault, server)
    wrong = OAuthCredential(vault, "photos", server.provider(client_secret="wrong"))
    with pytest.raises(strongroom.Denied, match="client id or secret"):
        wrong.access_token("photos.read")
    OAuthCredential(vault, "photos", server.provider()).access_token("photos.read")


def test_an_authority_that_nobody_trusts(serve: MakeServer, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server whose certificate does not verify gets nothing."""
    server = serve()
    credential = stored(vault, server)
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(strongroom.ServiceUnavailable, match="SSLCertVerificationError"):
        credential.access_token("photos.read")
    assert server.refreshes() == 0


def test_threads_refresh_once(serve: MakeServer, vault: Vault) -> None:
    """One asks, the others wait, all have the same token."""
    server = serve()
    stored(vault, server)
    tokens: list[str] = []

    def fetch() -> None:
        credential = OAuthCredential(vault, "photos", server.provider())
        tokens.append(credential.access_token("photos.read").reveal())

    threads = [threading.Thread(target=fetch) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert len(tokens) == 8
    assert len(set(tokens)) == 1
    assert server.refreshes() == 1


CHILD = """
import sys, strongroom
from strongroom.oauth import OAuthCredential, OAuthProvider
url, vault_path, key_file, seconds = sys.argv[1:5]
provider = OAuthProvider(
    client_id="strongroom-tests", client_secret=sys.stdin.readline().strip(), token_url=url + "/token",
)
with strongroom.open(vault_path, key_file=key_file, use_agent=False) as vault:
    print("ready", flush=True)
    token = OAuthCredential(vault, "photos", provider).access_token("photos.read")
    print(token.reveal(), flush=True)
"""


def child(server: OAuthServer, directory: Path) -> subprocess.Popen[str]:
    """A process that wants an access token."""
    words = [server.url, str(directory / "vault.db"), str(directory / "key"), "0"]
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**os.environ, "HOME": str(directory)},
    )  # fmt: skip
    assert process.stdin
    process.stdin.write(CLIENT_SECRET + "\n")
    process.stdin.flush()
    return process


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where a vault in a file lies, with its key."""
    made = tmp_path / "home"
    made.mkdir(mode=0o700)
    strongroom.create(made / "vault.db", key_file=made / "key").lock()
    return made


def test_processes_refresh_once(serve: MakeServer, directory: Path) -> None:
    """As threads do: a refresh token that is used once is used once."""
    server = serve()
    with strongroom.open(directory / "vault.db", key_file=directory / "key", use_agent=False) as vault:
        vault.set("photos", connected(server).fields)
    processes = [child(server, directory) for _ in range(4)]
    tokens = set()
    for process in processes:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, err
        tokens.add(out.split()[1])
    assert len(tokens) == 1
    assert server.refreshes() == 1
    assert not server.tokens[0].family.ended


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_in_the_middle_of_a_refresh(serve: MakeServer, directory: Path, moment: str) -> None:
    """Before the server has seen the token nothing is lost; after, the answer is, and the error says so."""
    server = serve()
    with strongroom.open(directory / "vault.db", key_file=directory / "key", use_agent=False) as vault:
        vault.set("photos", connected(server).fields)
    reached, may_go_on = threading.Event(), threading.Event()

    def stop() -> None:
        if not reached.is_set():
            reached.set()
            assert may_go_on.wait(PATIENCE_SECONDS)
            if moment == "before":
                # As if the request had not arrived: the server does nothing of it.
                raise ConnectionAbortedError

    setattr(server, moment, stop)
    process = child(server, directory)
    assert reached.wait(PATIENCE_SECONDS)
    process.kill()
    process.communicate(timeout=PATIENCE_SECONDS)
    may_go_on.set()
    with strongroom.open(directory / "vault.db", key_file=directory / "key", use_agent=False) as vault:
        assert "oauth-refreshing" in vault.get("photos")
        # So much later that nobody waits for the one that was killed.
        credential = OAuthCredential(vault, "photos", server.provider(), clock=lambda: time.time() + 2 * HOUR)
        if moment == "before":
            assert credential.access_token("photos.read").reveal().startswith("at-")
            return
        with pytest.raises(strongroom.GrantRevoked, match="interrupted"):
            credential.access_token("photos.read")
        with pytest.raises(strongroom.GrantRevoked):
            credential.access_token("photos.read")
        assert server.refreshes() == 2
        # The way out: the user connects again.
        vault.set("photos", connected(server).fields)
        assert credential.access_token("photos.read").reveal().startswith("at-")


def test_a_mark_is_waited_for_by_ones_own_clock(
    serve: MakeServer, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clocks of two machines differ: a mark that looks old, or new, is given the same time by everybody."""
    from strongroom.credentials.oauth import credential as module
    from strongroom.credentials.oauth.records import Mark

    monkeypatch.setattr(module, "LEASE_SECONDS", 1.0)
    server = serve()
    credential = stored(vault, server)
    for skew in (-1_000, 0, 1_000):
        vault.patch("photos", {"oauth-refreshing": Mark("other", time.time() + skew).field()})
        before, began = server.refreshes(), time.monotonic()
        credential.access_token("photos.read", renew=True)
        assert server.refreshes() == before + 1
        assert time.monotonic() - began >= 1.0


def test_a_signal_does_not_come_between_answer_and_storing(serve: MakeServer, vault: Vault) -> None:
    """Who is interrupted while the server answers loses no refresh token: it is stored first."""
    import signal

    server = serve()
    credential = stored(vault, server)

    def interrupt() -> None:
        # The main thread waits for the refresh.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    server.after = interrupt
    with pytest.raises(KeyboardInterrupt):
        credential.access_token("photos.read")
    server.after = lambda: None
    assert "oauth-refreshing" not in vault.get("photos")
    newest = server.tokens[-1].given
    assert vault.get("photos", "refresh_token").reveal() == newest["refresh_token"]
    assert credential.access_token("photos.read").reveal() == newest["access_token"]
    assert server.refreshes() == 1


def test_through_the_agent(serve: MakeServer, tmp_path: Path) -> None:
    """A process without a key does the same through the agent: two objects, one refresh, and a revoked grant."""
    from strongroom.remote.agent import RemoteVault
    from strongroom.remote.connection import AgentClient

    server = serve()
    place = tmp_path / "agent"
    place.mkdir(mode=0o700)
    make_vault(place)
    with AgentUnderTest(place).unlocked() as agent:
        clients = [AgentClient(str(agent.socket), trusts=lambda uid: uid == os.getuid()) for _ in range(2)]
        vaults = [RemoteVault(client, "the vault") for client in clients]
        vaults[0].set("photos", connected(server).fields)
        first, second = (OAuthCredential(vault, "photos", server.provider()) for vault in vaults)
        assert first.access_token("photos.read") == second.access_token("photos.read")
        assert second.get(f"{server.url}/api/photos", "photos.read").status_code == 200
        assert server.refreshes() == 1
        server.take_back()
        for one in (first, second):
            with pytest.raises(strongroom.GrantRevoked):
                one.access_token("photos.write")
        assert server.refreshes() == 2
        for vault in vaults:
            vault.lock()


def test_the_async_twin(serve: MakeServer, vault: Vault) -> None:
    """The same in a thread."""
    import asyncio

    credential = stored(vault, serve())
    token = asyncio.run(credential.aaccess_token("photos.read"))
    assert token == credential.access_token("photos.read")


def test_nothing_shows_a_secret(serve: MakeServer, vault: Vault) -> None:
    """Neither repr nor pickle of what holds one."""
    import pickle

    server = serve()
    grant, provider = connected(server), server.provider()
    vault.set("photos", grant.fields)
    credential = OAuthCredential(vault, "photos", provider)
    token = credential.access_token("photos.read")
    answer = credential.get(f"{server.url}/api/photos", "photos.read")
    secrets = [token.reveal(), CLIENT_SECRET, *(one.given["refresh_token"] for one in server.tokens)]
    for one in (grant, provider, credential, answer, Transport()):
        assert [secret for secret in secrets if secret in repr(one) or secret in str(one)] == []
    for one in (grant, provider, credential):
        with pytest.raises(TypeError):
            pickle.dumps(one)
    assert {token.reveal().encode(), server.tokens[-1].given["refresh_token"].encode()} <= set(credential.secrets())
