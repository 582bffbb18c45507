"""What lies in the item of a grant. Pure. Source: docs/format.md#oauth-grants."""

from __future__ import annotations

import json

from strongroom.credentials.oauth.provider import OAuthProvider
from strongroom.credentials.oauth.provider import scopes as parsed_scopes
from strongroom.errors import NotFound, Tampered
from strongroom.items import Field
from strongroom.secret import SecretStr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.items import Item

PROVIDER, SCOPE, REFRESH = "oauth-provider", "oauth-scope", "refresh_token"
ACCESS, REFRESHING, ENDED = "access_tokens", "oauth-refreshing", "oauth-ended"
KEPT_MAX = 8
"""Access tokens that are kept, each for another scope."""
_SKEW_SECONDS = 60
_STORED_BYTES_MAX = 1024 * 1024


def named(provider: OAuthProvider) -> str:
    """What a grant is bound to: it is of use to this client at this endpoint alone."""
    return json.dumps([provider.token_url, provider.client_id])


def new_fields(provider: OAuthProvider, refresh: SecretStr, scope: frozenset[str]) -> dict[str, Field]:
    """The item of a new grant."""
    return {
        PROVIDER: public(PROVIDER, named(provider)),
        SCOPE: public(SCOPE, " ".join(sorted(scope))),
        REFRESH: secret(REFRESH, refresh),
    }


def public(name: str, text: str) -> Field:
    """A field that is no secret."""
    return Field(name, "text", text.encode("utf-8"), is_secret=False)


def secret(name: str, value: SecretStr) -> Field:
    """A field that is one."""
    return Field(name, "text", value.reveal_buffer().tobytes(), is_secret=True)


class Mark:
    """Says in the item that somebody is refreshing.

    Attributes:
        by: random hex.
        until: seconds since 1970 by the clock of who wrote it.
    """

    __slots__ = ("by", "until")

    def __init__(self, by: str, until: float) -> None:
        self.by = by
        self.until = until

    def field(self) -> Field:
        """As it is stored."""
        return public(REFRESHING, json.dumps([self.by, self.until]))


class Stored:
    """The grant that lies in *item*.

    Raises:
        NotFound: there is none.
        Tampered: it is for another client or endpoint, or cannot be read.
    """

    __slots__ = ("_access", "ended", "mark", "number", "refresh", "scope")

    def __init__(self, item: Item, provider: OAuthProvider) -> None:
        if PROVIDER not in item or REFRESH not in item:
            raise NotFound(f"{item.path} holds no grant", advice="its user connects the account")
        # As bytes: the field may be of any kind, if somebody else has written it.
        if item.field(PROVIDER).data != named(provider).encode("utf-8"):
            raise Tampered(f"the grant in {item.path} is for another provider or client")
        kept = item[REFRESH]
        if not isinstance(kept, SecretStr):
            raise Tampered(f"the grant in {item.path} is no text")
        self.refresh = kept
        self.number = item.version.number
        self.ended = ENDED in item
        try:
            self.scope = parsed_scopes(item.public(SCOPE))
            self.mark = _mark(item)
            self._access = _access(item)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError):
            raise Tampered(f"the grant in {item.path} cannot be read") from None

    def token(self, scope: frozenset[str], now: float, spare_seconds: float) -> SecretStr | None:
        """The access token for *scope* that is good for a while yet; None without one.

        A clock that was put back makes every token look new: one that was given in the future is not taken.
        """
        found = self._access.get(" ".join(sorted(scope)))
        if found is None:
            return None
        token, given, ends = found
        return SecretStr(token) if given - _SKEW_SECONDS <= now and now + spare_seconds < ends else None

    def with_token(self, scope: frozenset[str], token: SecretStr, now: float, seconds: int) -> Field:
        """The access tokens with one more: those that have not ended, the newest first."""
        kept = {name: one for name, one in self._access.items() if one[1] - _SKEW_SECONDS <= now < one[2]}
        kept.pop(" ".join(sorted(scope)), None)
        newest = sorted(kept.items(), key=lambda pair: -pair[1][1])[: KEPT_MAX - 1]
        told = {" ".join(sorted(scope)): [token.reveal(), now, now + seconds], **dict(newest)}
        return Field(ACCESS, "text", json.dumps(told).encode("ascii"), is_secret=True)

    def secrets(self) -> list[bytes]:
        """Every token that lies here."""
        return [self.refresh.reveal().encode("utf-8"), *(one[0].encode("utf-8") for one in self._access.values())]


def _mark(item: Item) -> Mark | None:
    if REFRESHING not in item:
        return None
    by, until = json.loads(item.public(REFRESHING))
    return Mark(str(by), float(until))


def _access(item: Item) -> dict[str, tuple[str, float, float]]:
    if ACCESS not in item:
        return {}
    with item[ACCESS] as kept:
        text = kept.reveal()
    if len(text) > _STORED_BYTES_MAX:
        raise ValueError("too long")
    return {str(scope): (str(one[0]), float(one[1]), float(one[2])) for scope, one in json.loads(text).items()}
