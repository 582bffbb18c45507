"""Issued tokens: given to somebody once, kept as a digest, verified, rotated and revoked.

    issuer = TokenIssuer(VaultTokenStore(vault), prefix="acme")
    issued = issuer.issue("nightly report", scopes=("reports:read",), lifetime=timedelta(days=90))
    hand_over(issued.token.reveal())                       # now or never
    record = issuer.verify(given, scope="reports:read")    # raises TokenRefused, Expired, Denied
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from strongroom.credentials.hidden import HiddenText
from strongroom.credentials.issued_token_text import check_prefix, new_text, recognise
from strongroom.credentials.token_records import NAME_BYTES_MAX, SCOPE_LENGTH_MAX, SCOPES_MAX, TokenRecord, no_token
from strongroom.crypto.digest import sha256
from strongroom.errors import Denied, Expired, NotFound, TokenRefused
from strongroom.items import check_name
from strongroom.secret import SecretBytes, SecretStr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from strongroom.credentials.token_records import TokenStore

_NOBODYS = bytes(32)


class IssuedToken:
    """A token that has just been made.

    Attributes:
        token: the whole token; nothing can show it again later.
        record: what is kept of it.
    """

    __slots__ = ("record", "token")

    def __init__(self, token: SecretStr, record: TokenRecord) -> None:
        self.token = token
        self.record = record

    def __repr__(self) -> str:
        return f"IssuedToken({self.record!r})"


class TokenIssuer:
    """Issues tokens of one prefix, and verifies them.

    Args:
        store: where the records are kept.
        prefix: what the tokens begin with: 2 to 32 of a-z, 0-9 and ``_``. One for each kind of
            token and each program, so that whoever finds one knows whom to tell.
        last_use_interval: how exact ``last_used`` is; each later use within it writes nothing. An hour
            when left out; None writes nothing at all, for programs that may only read the store.
        clock: aware UTC.

    Raises: ValueError: not such a prefix.
    """

    __slots__ = ("_clock", "_interval", "_store", "prefix")

    def __init__(
        self,
        store: TokenStore,
        *,
        prefix: str,
        last_use_interval: timedelta | None = timedelta(hours=1),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        check_prefix(prefix)
        self.prefix = prefix
        self._store = store
        self._interval = last_use_interval
        self._clock = clock

    def issue(self, name: str, *, scopes: Sequence[str] = (), lifetime: timedelta | None = None) -> IssuedToken:
        """A new token.

        Args:
            name: what it is for, up to 255 bytes.
            scopes: up to 64 words of up to 128 characters, without white space.
            lifetime: from now; None for ever.

        Raises:
            ValueError: a name, scope or lifetime that cannot be one.
        """
        check_name(name, "token's name", NAME_BYTES_MAX)
        _check_scopes(scopes)
        if lifetime is not None and lifetime <= timedelta(0):
            raise ValueError("a lifetime is a time greater than 0")
        now = self._clock()
        token_id, token = new_text(self.prefix)
        record = TokenRecord(
            token_id,
            self.prefix,
            sha256(token.reveal_buffer()),
            name=name,
            scopes=tuple(dict.fromkeys(scopes)),
            created=now,
            expires=None if lifetime is None else now + lifetime,
        )
        self._store.add(record)
        return IssuedToken(token, record)

    def verify(self, token: str | SecretStr, *, scope: str | None = None) -> TokenRecord:
        """What is known of a valid token.

        Args:
            token: what somebody sent; anything.
            scope: that it must have; None for any token.

        Raises:
            TokenRefused: malformed, of another prefix, unknown, altered or revoked.
            Expired: past its date.
            Denied: it has not the scope.
        """
        if not isinstance(token, str | SecretStr):
            raise TypeError("a token is text")
        text = HiddenText(token.reveal() if isinstance(token, SecretStr) else token)
        prefix, token_id = recognise(text)
        if prefix != self.prefix:
            raise TokenRefused("this is not a token")
        try:
            record = self._store.find(token_id)
            known = record.digest
        except NotFound:
            record, known = None, _NOBODYS
        # Both digests are hidden while they are compared, which takes the same time wherever they differ.
        is_same = SecretBytes(sha256(text.encode("ascii"))) == SecretBytes(known)
        if record is None or not is_same or record.prefix != prefix or record.id != token_id:
            raise TokenRefused("this is not a token")
        now = self._clock()
        self._check_state(record, now, scope)
        if self._interval is not None and (record.last_used is None or now - record.last_used >= self._interval):
            self._store.note_use(token_id, now)
            record.last_used = now
        return record

    async def averify(self, token: str | SecretStr, *, scope: str | None = None) -> TokenRecord:
        """As `verify`, in a thread: the store may have to wait for a disk or a network."""
        import asyncio

        return await asyncio.to_thread(self.verify, token, scope=scope)

    def revoke(self, token_id: str) -> None:
        """Refuse this token from now on.

        Raises: NotFound: there is none.
        """
        self._store.revoke(self._of_this_prefix(token_id).id, self._clock())

    def rotate(
        self, token_id: str, *, overlap: timedelta = timedelta(0), lifetime: timedelta | None = None
    ) -> IssuedToken:
        """A new token in the place of an old one, with its name and scopes.

        Args:
            token_id: of the old one, which may be past its date.
            overlap: how long the old one is still good; nothing revokes it at once.
            lifetime: of the new one; as long as the old one's when left out.

        Raises:
            NotFound: there is no such token.
            TokenRefused: it was revoked.
        """
        if overlap < timedelta(0):
            raise ValueError("an overlap is no time before now")
        old = self._of_this_prefix(token_id)
        if old.revoked is not None:
            raise TokenRefused(f"the token {token_id} was revoked", advice="issue a new one")
        if lifetime is None and old.expires is not None:
            lifetime = old.expires - old.created
        # The new one is kept before the old one ends: whatever fails between, somebody has a token.
        issued = self.issue(old.name, scopes=old.scopes, lifetime=lifetime)
        now = self._clock()
        if overlap:
            self._store.expire(old.id, now + overlap)
        else:
            self._store.revoke(old.id, now)
        return issued

    def list(self) -> Iterator[TokenRecord]:
        """Every record of this prefix, the oldest first."""
        found = [record for record in self._store.all() if record.prefix == self.prefix]
        return iter(sorted(found, key=lambda record: (record.created, record.id)))

    def _of_this_prefix(self, token_id: str) -> TokenRecord:
        record = self._store.find(token_id)
        if record.prefix != self.prefix:
            raise no_token(token_id)
        return record

    def _check_state(self, record: TokenRecord, now: datetime, scope: str | None) -> None:
        state = record.state(now)
        if state == "revoked":
            raise TokenRefused(f"the token {record.id} was revoked")
        if state == "expired":
            raise Expired(f"the token {record.id} is past its date", advice="rotate it: strongroom token rotate ID")
        if scope is not None and scope not in record.scopes:
            raise Denied(f"the token {record.id} does not have the scope {scope}")


def _check_scopes(scopes: Sequence[str]) -> None:
    if isinstance(scopes, str):
        raise TypeError("scopes are a sequence of words, not one")
    if len(scopes) > SCOPES_MAX:
        raise ValueError(f"a token has at most {SCOPES_MAX} scopes")
    for scope in scopes:
        if not (0 < len(scope) <= SCOPE_LENGTH_MAX and scope.isascii() and scope.isprintable() and " " not in scope):
            raise ValueError(f"a scope is 1 to {SCOPE_LENGTH_MAX} printable characters of ASCII without white space")
