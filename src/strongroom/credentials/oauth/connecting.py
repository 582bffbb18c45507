"""How a user gives a grant: the authorization code, with PKCE and a state that is used once.

Source: RFC 6749, 4.1; RFC 7636; RFC 9207; RFC 9700 (which asks for all three).
"""

from __future__ import annotations

import time
from binascii import b2a_base64
from urllib.parse import parse_qs, urlsplit

from strongroom.credentials.hidden import HiddenFields, HiddenText
from strongroom.credentials.oauth import exchange, records
from strongroom.credentials.oauth.provider import OAuthProvider, scopes
from strongroom.credentials.oauth.transport import split_url
from strongroom.crypto.entropy import random_bytes
from strongroom.errors import Denied, Expired, ServiceUnavailable
from strongroom.secret import SecretStr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta

    from strongroom.items import Field

_RANDOM_BYTES = 32
_LIFETIME_SECONDS = 600
_ANSWER_CHARACTERS_MAX = 16_384
_REMEMBERED = ("began", "provider", "redirect_uri", "scope", "state", "verifier")


class Connecting:
    """A question to a user, on its way.

    Attributes:
        url: where the browser is sent.
        remembered: goes into the user's session, and is taken out of it for `OAuthProvider.finish`. It holds the
            verifier, which is worth something only together with the code that the browser brings back.
    """

    __slots__ = ("remembered", "url")

    def __init__(self, url: str, remembered: dict[str, str]) -> None:
        self.url = url
        self.remembered = remembered

    def __repr__(self) -> str:
        return "<Connecting>"


class Grant:
    """What a user has granted.

    Attributes:
        scope: may be less than was asked for.
        fields: what to store: with `Vault.set`, or through a deposit.
    """

    __slots__ = ("fields", "scope")

    def __init__(self, scope: frozenset[str], fields: dict[str, Field]) -> None:
        self.scope = scope
        self.fields = fields

    def __repr__(self) -> str:
        return f"<Grant of {' '.join(sorted(self.scope)) or 'no scope'}>"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a grant holds a secret and cannot be pickled")


def begin(provider: OAuthProvider, redirect_uri: str, scope: str | Iterable[str]) -> Connecting:
    """See `OAuthProvider.connect`."""
    if not provider.authorize_url:
        raise ValueError("this provider has no authorize_url")
    split_url(redirect_uri)
    wanted = " ".join(sorted(scopes(scope)))
    state, verifier = _random(), _random()
    library = exchange.authlib()
    client = library.OAuth2Client(None, provider.client_id, code_challenge_method="S256")
    url, _ = client.create_authorization_url(
        provider.authorize_url, state=state, code_verifier=verifier, redirect_uri=redirect_uri, scope=wanted or None,
        **provider.parameters,
    )  # fmt: skip
    remembered = {
        "began": str(int(time.time())),
        "provider": records.named(provider),
        "redirect_uri": redirect_uri,
        "scope": wanted,
        "state": state,
        "verifier": verifier,
    }
    return Connecting(url, remembered)


def finish(
    provider: OAuthProvider, remembered: Mapping[str, str], answer: str, lifetime: timedelta | None
) -> Grant:
    """See `OAuthProvider.finish`."""
    # Where the exchange fails, the code is of use still, together with the verifier.
    remembered, answer = HiddenFields(remembered), HiddenText(answer)
    if set(remembered) != set(_REMEMBERED) or remembered["provider"] != records.named(provider):
        raise Denied("nobody was asked, or for another provider", advice="connect the account again")
    given = HiddenFields(_answered(answer))
    # The state first: what else comes with a wrong one is somebody else's.
    with SecretStr(given.get("state", "")) as found, SecretStr(remembered["state"]) as expected:
        if found != expected:
            raise Denied("the answer belongs to another question", advice="connect the account again")
    if provider.issuer and given.get("iss") != provider.issuer:
        raise Denied("the answer is another server's")
    age = time.time() - int(remembered["began"])
    if not -60 <= age <= (_LIFETIME_SECONDS if lifetime is None else lifetime.total_seconds()):
        raise Expired("it took too long", advice="connect the account again")
    if "error" in given:
        is_no = given["error"] == "access_denied"
        raise Denied("the user said no" if is_no else "the authorization server refused the request")
    if not given.get("code"):
        raise Denied("the answer holds no code")
    code, verifier = HiddenText(given["code"]), HiddenText(remembered["verifier"])
    tokens = exchange.exchange_code(provider, code, verifier=verifier, redirect_uri=remembered["redirect_uri"])
    return _granted(provider, tokens, scopes(remembered["scope"]))


def _granted(provider: OAuthProvider, tokens: exchange.Tokens, asked: frozenset[str]) -> Grant:
    if tokens.refresh is None:
        raise ServiceUnavailable(
            "the service gave no refresh token", advice="many services want a parameter for that: access_type=offline"
        )
    granted = asked if tokens.scope is None else tokens.scope
    if tokens.problem is not None or (asked and not granted <= asked):
        _give_back(provider, tokens.refresh)
        raise tokens.problem or Denied("the service granted more than was asked for: nothing is kept")
    return Grant(granted, records.new_fields(provider, tokens.refresh, granted))


def _give_back(provider: OAuthProvider, token: SecretStr) -> None:
    """Nobody keeps this token: the server need not either. It is told so once, as nothing else depends on it."""
    if provider.revoke_url:
        try:
            exchange.revoke(provider, token)
        except (Denied, ServiceUnavailable):
            return


def _answered(answer: str) -> dict[str, str]:
    if len(answer) > _ANSWER_CHARACTERS_MAX:
        raise Denied("the answer is longer than any answer")
    query = urlsplit(answer).query if "?" in answer else answer
    found = parse_qs(query, keep_blank_values=True, max_num_fields=50)
    if any(len(values) != 1 for values in found.values()):
        raise Denied("the answer says something twice")
    return {name: values[0] for name, values in found.items()}


def _random() -> str:
    data = b2a_base64(random_bytes(_RANDOM_BYTES), newline=False).decode("ascii")
    return data.rstrip("=").replace("+", "-").replace("/", "_")
