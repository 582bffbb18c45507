"""Who gives grants: an authorization server, and what it knows this program as."""

from __future__ import annotations

from strongroom.credentials.hidden import HiddenFields, HiddenText
from strongroom.credentials.oauth.transport import split_url
from strongroom.secret import SecretStr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta

    from strongroom.credentials.oauth.connecting import Connecting, Grant

AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")
SCOPE_CHARACTERS_MAX = 2_048


class OAuthProvider:
    """One authorization server, and this program's registration there.

    Args:
        client_id: 1 to 512 printable ASCII characters.
        client_secret: None for a public client, which has none.
        authorize_url: where users are sent; needed to connect.
        token_url: ``https``, or ``http`` on this machine alone, as all that are asked with a secret.
        revoke_url: RFC 7009; without one a grant ends where its user takes it back.
        api_url: where access tokens may be sent: this origin, and paths that begin as its path does.
        issuer: what the ``iss`` of an answer has to be (RFC 9207); empty where the server sends none.
        auth_method: how the client shows itself; by default ``client_secret_basic``, ``none`` without a secret.
        parameters: more for *authorize_url*, such as ``{"access_type": "offline"}``.

    Raises: ValueError: a URL that no secret may be sent to, or anything else that cannot be.
    """

    __slots__ = (
        "api_url", "auth_method", "authorize_url", "client_id", "client_secret", "issuer", "parameters", "revoke_url",
        "token_url",
    )  # fmt: skip

    def __init__(
        self,
        *,
        client_id: str,
        token_url: str,
        authorize_url: str = "",
        revoke_url: str = "",
        api_url: str = "",
        issuer: str = "",
        client_secret: SecretStr | str | None = None,
        auth_method: str | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        for url in (token_url, *filter(None, (authorize_url, revoke_url, api_url))):
            split_url(url)
        if not 0 < len(client_id) <= 512 or not _is_visible(client_id):
            raise ValueError("a client id is 1 to 512 printable ASCII characters")
        kept = SecretStr(client_secret) if isinstance(client_secret, str) else client_secret
        # Later it would be named by whatever cannot encode it.
        if kept is not None and not _is_visible(kept.reveal()):
            raise ValueError("a client secret is printable ASCII")
        method = auth_method or ("none" if kept is None else AUTH_METHODS[0])
        if method not in AUTH_METHODS or (method == "none") != (kept is None):
            raise ValueError(f"auth_method is one of {', '.join(AUTH_METHODS)}; the last means that there is no secret")
        self.client_id = client_id
        self.client_secret = kept
        self.authorize_url = authorize_url
        self.token_url = token_url
        self.revoke_url = revoke_url
        self.api_url = api_url
        self.issuer = issuer
        self.auth_method = method
        self.parameters = dict(parameters or {})

    def connect(self, redirect_uri: str, scope: str | Iterable[str]) -> Connecting:
        """Begin to ask a user for a grant: authorization code with PKCE.

        Args:
            redirect_uri: where the user's browser comes back, registered at the server.
            scope: no more than is needed.

        Returns: the URL to send the browser to, and what has to be remembered for `finish`.
        """
        from strongroom.credentials.oauth.connecting import begin

        return begin(self, redirect_uri, scope)

    def finish(self, remembered: Mapping[str, str], answer: str, *, lifetime: timedelta | None = None) -> Grant:
        """Fetch the grant with which the user's browser came back.

        Args:
            remembered: `Connecting.remembered` of the same user's session, used once.
            answer: the URL, or its query, with which the browser came back.
            lifetime: how old *remembered* may be; None for ten minutes.

        Raises:
            Denied: the user or the server said no, or the answer belongs to another question.
            Expired: it took too long.
            ServiceUnavailable: the server did not answer, or not as it should.
        """
        from strongroom.credentials.oauth.connecting import finish

        # Reports of errors show the variables of every frame.
        remembered, answer = HiddenFields(remembered), HiddenText(answer)
        return finish(self, remembered, answer, lifetime)

    def __repr__(self) -> str:
        return f"OAuthProvider({self.token_url!r}, client_id={self.client_id!r})"

    def __reduce_ex__(self, _protocol: object) -> str:
        raise TypeError("a provider may hold a secret and cannot be pickled")


def scopes(scope: str | Iterable[str]) -> frozenset[str]:
    """The scopes in *scope*, as text with spaces between them or one by one.

    Raises: ValueError: characters that no scope has (RFC 6749, 3.3), or too many.
    """
    found = frozenset(scope.split() if isinstance(scope, str) else scope)
    if sum(map(len, found)) + len(found) > SCOPE_CHARACTERS_MAX:
        raise ValueError(f"scopes have at most {SCOPE_CHARACTERS_MAX} characters in all")
    for one in found:
        if not one or not _is_visible(one) or any(character in ' "\\' for character in one):
            raise ValueError("a scope is printable ASCII without spaces, quotes and backslashes")
    return found


def _is_visible(text: str) -> bool:
    return text.isascii() and text.isprintable()
