"""An authorization server and the interface that it guards: Authlib's own server side on Flask, over real TLS.

Refresh tokens are used once. One that comes a second time ends the whole grant, as RFC 9700, 4.14.2 wants it.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import trustme
from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc6750 import BearerTokenGenerator, BearerTokenValidator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from flask import Flask, jsonify, request
from werkzeug.serving import make_server

from strongroom.credentials.oauth import OAuthProvider
from strongroom.crypto.entropy import random_bytes

CLIENT_ID, CLIENT_SECRET = "strongroom-tests", "a-secret-of-the-client"
USER = "ann"
SCOPES = ("photos.read", "photos.write", "profile")


class Client(ClientMixin):
    """The one client, with a secret or without."""

    def __init__(self, redirect_uri: str, method: str) -> None:
        self.redirect_uri = redirect_uri
        self.method = method

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(one for one in (scope or "").split() if one in SCOPES)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self.method

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")


class Code(AuthorizationCodeMixin):
    """An authorization code, used once."""

    def __init__(self, code: str, redirect_uri: str, scope: str, challenge: str, method: str) -> None:
        self.code, self.redirect_uri, self.scope = code, redirect_uri, scope
        self.code_challenge, self.code_challenge_method = challenge, method

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


class Family:
    """One grant: all tokens that came of one code."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self.ended = False


class Token(TokenMixin):
    """What was given at one time."""

    def __init__(self, family: Family, client: Client, given: dict[str, Any]) -> None:
        self.family, self.client, self.given = family, client, given
        self.used = self.revoked = False

    def check_client(self, client: Client) -> bool:
        return client is self.client

    def get_scope(self) -> str:
        return str(self.given["scope"])

    def get_expires_in(self) -> int:
        return int(self.given["expires_in"])

    def is_expired(self) -> bool:
        return False

    def is_revoked(self) -> bool:
        return self.revoked or self.family.ended

    def get_user(self) -> str:
        return USER

    def get_client(self) -> Client:
        return self.client


class OAuthServer:
    """Serves until `close`; a context manager.

    Attributes:
        requests: ``grant_type`` and ``scope`` of each request to the token endpoint.
        tokens: all that were given, oldest first.
        forgets: whether a refresh token that was used is nothing that it knows when it is revoked.
        revoked: the tokens that it was told of.
        before, after: called in the token endpoint, before and after the work of each refresh.
    """

    def __init__(
        self, *, lifetime: int = 3600, rotates: bool = True, method: str = "client_secret_basic",
        redirect_uri: str = "https://site.example/back",
    ) -> None:  # fmt: skip
        self.lifetime, self.rotates = lifetime, rotates
        self.client = Client(redirect_uri, method)
        self.codes: dict[str, Code] = {}
        self.tokens: list[Token] = []
        self.requests: list[tuple[str, str]] = []
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None
        self.forgets = False
        self.revoked: list[Token] = []
        self.mutex = threading.Lock()
        self.authority = _authority()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("127.0.0.1").configure_cert(context)
        self.server = make_server("127.0.0.1", 0, self._app(), threaded=True, ssl_context=context)
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def provider(self, **more: Any) -> OAuthProvider:
        """What a client knows of it."""
        chosen = {
            "client_id": CLIENT_ID,
            "client_secret": None if self.client.method == "none" else CLIENT_SECRET,
            "auth_method": self.client.method,
            "authorize_url": f"{self.url}/authorize",
            "token_url": f"{self.url}/token",
            "revoke_url": f"{self.url}/revoke",
            "api_url": f"{self.url}/api",
        }
        return OAuthProvider(**{**chosen, **more})

    def refreshes(self) -> int:
        """How often somebody wanted to refresh."""
        return [kind for kind, _ in self.requests].count("refresh_token")

    def take_back(self) -> None:
        """What a user does at the service."""
        for token in self.tokens:
            token.family.ended = True

    def forget_access(self) -> None:
        """The access tokens that were given are of no use any more; the grants are."""
        for token in self.tokens:
            token.revoked = True

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join(60)
        self.server.server_close()

    def __enter__(self) -> OAuthServer:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def find(self, name: str, value: str) -> Token | None:
        return next((one for one in self.tokens if one.given.get(name) == value), None)

    def _app(self) -> Flask:
        app = Flask("oauth-server")
        server = AuthorizationServer(app, lambda name: self.client if name == CLIENT_ID else None, self._save)
        generator = BearerTokenGenerator(
            access_token_generator=lambda *_a, **_k: "at-" + random_bytes(16).hex(),
            refresh_token_generator=lambda *_a, **_k: "rt-" + random_bytes(16).hex(),
            expires_generator=lambda *_a: self.lifetime,
        )
        server.register_token_generator("default", generator)
        server.register_grant(_code_grant(self), [CodeChallenge(required=True)])
        server.register_grant(_refresh_grant(self))
        server.register_endpoint(_revocation(self))
        guard = ResourceProtector()
        guard.register_token_validator(_validator(self))

        @app.get("/authorize")
        def authorize() -> Any:
            # A user who says yes at once.
            return server.create_authorization_response(
                grant=server.get_consent_grant(end_user=USER), grant_user=USER
            )

        @app.post("/token")
        def token() -> Any:
            self.requests.append((request.form["grant_type"], request.form.get("scope", "")))
            if request.form["grant_type"] != "refresh_token":
                return server.create_token_response()
            self.before()
            with self.mutex:
                answer = server.create_token_response()
            self.after()
            return answer

        @app.post("/revoke")
        def revoke() -> Any:
            return server.create_endpoint_response("revocation")

        @app.get("/api/photos")
        @guard("photos.read")
        def photos() -> Any:
            return jsonify(["one.jpg", "two.jpg"])

        return app

    def _save(self, given: dict[str, Any], asked: Any) -> None:
        family = asked.refresh_token.family if asked.refresh_token else Family(given["scope"])
        self.tokens.append(Token(family, asked.client, given))


@cache
def _authority() -> trustme.CA:
    """One for all servers of this process."""
    return trustme.CA()


def _code_grant(server: OAuthServer) -> type[grants.AuthorizationCodeGrant]:
    class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")

        def save_authorization_code(self, code: str, asked: Any) -> None:
            more = asked.payload.data
            server.codes[code] = Code(
                code, asked.payload.redirect_uri, asked.payload.scope, more.get("code_challenge"),
                more.get("code_challenge_method"),
            )  # fmt: skip

        def query_authorization_code(self, code: str, client: Client) -> Code | None:
            return server.codes.get(code)

        def delete_authorization_code(self, code: Code) -> None:
            server.codes.pop(code.code)

        def authenticate_user(self, code: Code) -> str:
            return USER

    return CodeGrant


def _refresh_grant(server: OAuthServer) -> type[grants.RefreshTokenGrant]:
    class RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")
        INCLUDE_NEW_REFRESH_TOKEN = server.rotates

        def authenticate_refresh_token(self, value: str) -> Token | None:
            token = server.find("refresh_token", value)
            if token is None or token.family.ended:
                return None
            if token.used:
                token.family.ended = True
                return None
            return token

        def _validate_token_scope(self, token: Token) -> None:
            # Of the grant as a whole: a refresh token is good for all of it, whatever was asked for with it.
            if not set((self.request.payload.scope or "").split()) <= set(token.family.scope.split()):
                from authlib.oauth2.rfc6749 import InvalidScopeError

                raise InvalidScopeError

        def authenticate_user(self, token: Token) -> str:
            return USER

        def revoke_old_credential(self, token: Token) -> None:
            token.used = server.rotates

    return RefreshGrant


def _revocation(server: OAuthServer) -> type[RevocationEndpoint]:
    class Revocation(RevocationEndpoint):  # type: ignore[misc]
        CLIENT_AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")

        def query_token(self, value: str, hint: str) -> Token | None:
            found = server.find("refresh_token", value) or server.find("access_token", value)
            return None if found is not None and found.used and server.forgets else found

        def revoke_token(self, token: Token, _request: Any) -> None:
            token.family.ended = True
            server.revoked.append(token)

    return Revocation


def _validator(server: OAuthServer) -> BearerTokenValidator:
    class Validator(BearerTokenValidator):  # type: ignore[misc]
        def authenticate_token(self, value: str) -> Token | None:
            return server.find("access_token", value)

    return Validator()
