"""What is said to a token endpoint, in Authlib's words, and what its answers mean.

Nothing that a server has said is repeated but the codes of RFC 6749: descriptions may hold what was sent.
"""

from __future__ import annotations

from strongroom.credentials.hidden import HiddenFields, HiddenText
from strongroom.credentials.oauth.provider import OAuthProvider, scopes
from strongroom.credentials.oauth.transport import Answer, Transport
from strongroom.errors import Denied, GrantRevoked, ServiceUnavailable, StrongroomError
from strongroom.keys.slots.bound import missing_extra
from strongroom.secret import SecretStr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

TOKEN_CHARACTERS_MAX = 16_384
SECONDS = 30.0
_LONGEST_LIFE = 24 * 3600
_NOT_US = ("invalid_client", "unauthorized_client")
_NOT_SO = ("invalid_scope", "invalid_request", "unsupported_grant_type", "access_denied", "invalid_target")


class Tokens:
    """What a token endpoint has given.

    Attributes:
        access: None when the answer holds none that can be used: then *problem* says why.
        refresh: None when it gave no new one. It counts also where the rest of the answer is of no use.
        seconds: how long the access token lives; 0 where nobody says so. At most a day is believed.
        scope: what it is good for; None when the answer does not say, which means "as asked".
    """

    __slots__ = ("access", "problem", "refresh", "scope", "seconds")

    def __init__(self, refresh: SecretStr | None) -> None:
        self.refresh = refresh
        self.access: SecretStr | None = None
        self.problem: StrongroomError | None = None
        self.seconds = 0
        self.scope: frozenset[str] | None = None


def exchange_code(provider: OAuthProvider, code: str, *, verifier: str, redirect_uri: str) -> Tokens:
    """Tokens for an authorization code.

    Raises: GrantRevoked: the code is none, or was used; Denied, ServiceUnavailable: as `refresh`.
    """

    def ask(client: Any) -> Any:
        return client.fetch_token(
            provider.token_url, grant_type="authorization_code", code=HiddenText(code),
            code_verifier=HiddenText(verifier), redirect_uri=redirect_uri,
        )  # fmt: skip

    return _tokens(_asked(provider, ask))


def refresh(provider: OAuthProvider, token: SecretStr, scope: frozenset[str]) -> Tokens:
    """A new access token, for *scope* and no more.

    Raises:
        GrantRevoked: the refresh token is of no use any more.
        Denied: the server does not know this program, or gives it no such scope.
        ServiceUnavailable: it did not answer, or not as it should. It may have used the token up all the same.
    """

    def ask(client: Any) -> Any:
        more = {"scope": " ".join(sorted(scope))} if scope else {}
        return client.refresh_token(provider.token_url, refresh_token=HiddenText(token.reveal()), **more)

    return _tokens(_asked(provider, ask))


def check_revocable(provider: OAuthProvider) -> None:
    """Whether there is a place to tell that a grant is no longer needed.

    Raises: Denied: there is none.
    """
    if not provider.revoke_url:
        raise Denied("this provider has no revoke_url: the grant ends where its user takes it back")


def revoke(provider: OAuthProvider, token: SecretStr) -> None:
    """Tell the server that a refresh token is no longer needed. Source: RFC 7009.

    Raises: Denied: it has no place for that, or does not know this program; ServiceUnavailable.
    """
    check_revocable(provider)

    def ask(client: Any) -> Any:
        return client.revoke_token(
            provider.revoke_url, token=HiddenText(token.reveal()), token_type_hint="refresh_token"  # noqa: S106
        )

    answer = _asked(provider, ask)
    if answer.status_code != 200:
        raise ServiceUnavailable(f"the revocation was answered with status {answer.status_code}")


def authlib() -> Any:
    """Authlib's client, which takes any transport.

    Raises: FormatUnsupported: the extra ``oauth`` is not installed.
    """
    try:
        import authlib.oauth2.client as found  # 54 ms
    except ImportError:
        raise missing_extra("oauth", "OAuth") from None
    return found


def _asked(provider: OAuthProvider, ask: Callable[[Any], Any]) -> Answer:
    """The endpoint's own answer to what *ask* has the library send."""
    secret = provider.client_secret
    client = authlib().OAuth2Client(
        Transport(seconds=SECONDS),
        provider.client_id,
        None if secret is None else HiddenText(secret.reveal()),
        token_endpoint_auth_method=provider.auth_method,
        revocation_endpoint_auth_method=provider.auth_method,
    )
    answers: list[Answer] = []

    def keep(answer: Answer) -> Answer:
        # The library gives up an answer as a whole when a lifetime or an error's description is not as it should be,
        # and a new refresh token in it would be lost. It gets another one, and we read what came.
        answers.append(answer)
        return Answer(200, {}, b'{"refresh_token": ""}')

    for hook in ("access_token_response", "refresh_token_response"):
        client.register_compliance_hook(hook, keep)
    try:
        answer = ask(client)
    except StrongroomError as error:
        failure = error
    except Exception as error:
        # Its text may hold what was to be sent.
        failure = ServiceUnavailable(f"the request could not be made ({type(error).__name__})")
    else:
        return answers[0] if answers else answer
    # Without the library's frames, whose variables hold what was sent.
    raise failure.with_traceback(None) from None


def ended(*, after_a_crash: bool = False) -> GrantRevoked:
    """The error of a grant that has come to its end."""
    why = "a refresh was interrupted, and the new token is lost with its answer" if after_a_crash else (
        "it was taken back, has ended, or was used up"
    )
    return GrantRevoked(
        f"the service does not take the grant any more: {why}", advice="its user connects the account again"
    )


def _refusal(code: object) -> StrongroomError:
    if code == "invalid_grant":
        return ended()
    if code in _NOT_US:
        return Denied(f"the service does not take this program's client id or secret ({code})")
    if code in _NOT_SO:
        return Denied(f"the service refused the request ({code})")
    return ServiceUnavailable("the token endpoint answered with an error that is not in its protocol, or a passing one")


def _tokens(answer: Answer) -> Tokens:
    try:
        told = answer.json()
        found = HiddenFields(told) if isinstance(told, dict) else None
    except (ValueError, RecursionError):
        found = None
    told = None
    if found is not None and "error" in found:
        raise _refusal(found["error"])
    if answer.status_code != 200 or found is None:
        raise ServiceUnavailable(
            f"the token endpoint answered with status {answer.status_code} and without tokens",
            is_transient=answer.status_code >= 500,
        )
    try:
        tokens = Tokens(None if found.get("refresh_token") is None else checked_token(found["refresh_token"]))
    except ValueError:
        raise _unusable() from None
    try:
        _fill(tokens, found)
    except (ValueError, TypeError, KeyError, OverflowError, AttributeError):
        tokens.access, tokens.problem = None, _unusable()
    return tokens


def _fill(tokens: Tokens, found: Mapping[str, Any]) -> None:
    if found["token_type"].lower() != "bearer":
        raise ValueError("another kind of token")
    lifetime, scope = found.get("expires_in"), found.get("scope")
    tokens.seconds = 0 if lifetime is None else max(0, min(int(lifetime), _LONGEST_LIFE))
    tokens.scope = None if scope is None else scopes(str(scope))
    tokens.access = checked_token(found["access_token"])


def _unusable() -> ServiceUnavailable:
    return ServiceUnavailable("the token endpoint gave what is no bearer token, or cannot be one")


def checked_token(token: object) -> SecretStr:
    """*token*, if it may stand in a header. Raises: ValueError."""
    if not isinstance(token, str) or not 0 < len(token) <= TOKEN_CHARACTERS_MAX:
        raise ValueError("not a token")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("not a token")
    return SecretStr(token)
