"""The parsers of what browsers and services on the web say, of what sessions and grants hold, and of sealed boxes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from fuzz.target import Target
from strongroom.credentials.oauth import connecting, exchange, records, transport
from strongroom.credentials.oauth.provider import OAuthProvider, scopes
from strongroom.crypto import boxes, hybrid
from strongroom.django.user_vaults import sessions
from strongroom.errors import StrongroomError
from strongroom.formats import pass_entry
from strongroom.items import Field, Item, Version
from strongroom.secret import SecretBytes

INFO, SECRET = b"fuzz", b"x" * 32
PROVIDER = OAuthProvider(client_id="me", token_url="https://a.test/token")
WRITTEN = Version(1, created_us=1, deleted_us=0, expires_us=0, destroyed=False, author="me")
KEY = bytes(range(32))
COOKIE = bytes(32)
VALUE = (StrongroomError, ValueError)
TOKENS = (
    b'{"access_token": "a", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "r", "scope": "b c"}',
    b'{"access_token": "a", "token_type": "bearer"}',
    b'{"error": "invalid_grant"}',
    b'{"error": "invalid_client"}',
    b'{"error": "invalid_scope"}',
    b'{"error": 1}',
)
PASS = b"secret\nlogin: me\nurl: https://a.test\notpauth://totp/x?secret=A\n"
GRANT = b'b c\n["00", 1.5]\n{"b": ["token", 1, 4000000000]}'


@cache
def private() -> bytearray:
    """A key of both algorithms."""
    return hybrid.generate()[0]


@cache
def sealed() -> bytes:
    """What opens with it."""
    return hybrid.seal(hybrid.public_key(private()), SECRET, INFO)


def open_hybrid(data: bytes) -> None:
    """HPKE with a key of both algorithms: none but what was made here opens."""
    assert bytes(hybrid.open_sealed(private(), data, INFO)) == SECRET and data == sealed()


@cache
def box() -> bytes:
    """For an X25519 key."""
    return boxes.seal_x25519(boxes.x25519_public(KEY), SECRET, INFO)


def open_box(data: bytes) -> None:
    """HPKE with X25519."""
    assert boxes.open_x25519(KEY, data, INFO) == SECRET and data == box()


def read_tokens(status: int) -> Callable[[bytes], None]:
    """What a token endpoint answers: what is taken may stand in a header, and an error is one of ours."""

    def run(data: bytes) -> None:
        found = exchange._tokens(transport.Answer(status, {}, data))
        for token in (found.access, found.refresh):
            assert token is None or token.reveal().isprintable()
        assert (found.access is None) == (found.problem is not None)
        assert 0 <= found.seconds <= 24 * 3600

    return run


def read_grant(data: bytes) -> None:
    """What an item says of a grant, whoever has written it."""
    parts = data.split(b"\n")
    names = (records.SCOPE, records.REFRESHING, records.ACCESS)
    found = dict(zip(names, parts, strict=False))
    fields = {name: Field(name, "text", part, is_secret=name == records.ACCESS) for name, part in found.items()}
    fields[records.PROVIDER] = records.public(records.PROVIDER, records.named(PROVIDER))
    fields[records.REFRESH] = Field(records.REFRESH, "text", b"r", is_secret=True)
    stored = records.Stored(Item("photos", WRITTEN, fields), PROVIDER)
    stored.secrets()
    token = stored.token(frozenset(("b",)), 1_000.0, 60.0)
    if token is not None:
        stored.with_token(frozenset(("c",)), token, 1_000.0, 3600)


@cache
def entry() -> bytes:
    """A user key in a session."""
    return sessions.wrap(SecretBytes(SECRET), bytearray(COOKIE), INFO).encode("ascii")


def read_session(data: bytes) -> None:
    """What a session holds: none but what was made here opens."""
    key = sessions.unwrap(data.decode("latin-1"), bytearray(COOKIE), INFO)
    assert bytes(key.reveal_buffer()) == SECRET


def read_pass(data: bytes) -> None:
    """An entry of a pass store."""
    for found in pass_entry.entries(("bank",), data):
        assert found.keys[0] == "bank"


TARGETS = [
    Target("hybrid-sealed", open_hybrid, lambda: [sealed()]),
    Target("box", open_box, lambda: [box()], VALUE),
    Target("oauth-tokens", read_tokens(200), lambda: list(TOKENS)),
    Target("oauth-refusal", read_tokens(400), lambda: list(TOKENS)),
    Target("oauth-return", lambda data: connecting._answered(data.decode()), lambda: [b"/?code=a&state=b"], VALUE),
    Target("oauth-grant", read_grant, lambda: [GRANT, GRANT.rpartition(b"\n")[0]]),
    Target("oauth-scope", lambda data: scopes(data.decode()), lambda: [b"a b c"], VALUE),
    Target("oauth-url", lambda data: transport.split_url(data.decode()), lambda: [b"https://a.test:8/b?c"], VALUE),
    Target("session-entry", read_session, lambda: [entry()]),
    Target("pass-entry", read_pass, lambda: [PASS], VALUE),
]
