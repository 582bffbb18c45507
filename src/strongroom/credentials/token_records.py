"""What is kept of an issued token, which is never the token; and what a store of them does."""

from __future__ import annotations

from typing import Protocol

from strongroom.errors import Conflict, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

NAME_BYTES_MAX = 255
SCOPES_MAX = 64
SCOPE_LENGTH_MAX = 128
_ID_LENGTH = 16


class TokenRecord:
    """One issued token.

    Args:
        id: public, 16 characters.
        prefix: of its issuer.
        digest: SHA-256 of the whole token, 32 bytes.
        name: what it is for.
        scopes: what its holder may do, in the issuer's own words.
        created: aware UTC, as all times here.
        expires: None for never.
        last_used: None for never; up to the issuer's interval behind.
        revoked: None while it is not.
    """

    __slots__ = ("created", "digest", "expires", "id", "last_used", "name", "prefix", "revoked", "scopes")

    def __init__(
        self,
        id: str,
        prefix: str,
        digest: bytes,
        *,
        name: str,
        scopes: tuple[str, ...],
        created: datetime,
        expires: datetime | None = None,
        last_used: datetime | None = None,
        revoked: datetime | None = None,
    ) -> None:
        self.id = id
        self.prefix = prefix
        self.digest = digest
        self.name = name
        self.scopes = scopes
        self.created = created
        self.expires = expires
        self.last_used = last_used
        self.revoked = revoked

    def state(self, now: datetime) -> str:
        """``"valid"``, ``"expired"`` or ``"revoked"``."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and self.expires <= now else "valid"

    def __repr__(self) -> str:
        return f"TokenRecord({self.prefix}_{self.id}, name={self.name!r}, scopes={list(self.scopes)})"


class TokenStore(Protocol):
    """Where records are kept: a vault, or a table of the caller's own.

    Each call changes one record by itself and at once; two of them at the same time must not undo
    each other, so that a use that is noted never takes back a revocation.
    """

    def add(self, record: TokenRecord) -> None:
        """Keep a new record.

        Raises: Conflict: there is one with this id.
        """

    def find(self, token_id: str) -> TokenRecord:
        """The record with this id, as it is now.

        Raises: NotFound: there is none.
        """

    def all(self) -> Iterator[TokenRecord]:
        """Every record, in any order."""

    def revoke(self, token_id: str, when: datetime) -> None:
        """Set ``revoked``, unless it is set.

        Raises: NotFound: there is none.
        """

    def expire(self, token_id: str, when: datetime) -> None:
        """Bring ``expires`` forward to *when*, unless it is sooner.

        Raises: NotFound: there is none.
        """

    def note_use(self, token_id: str, when: datetime) -> None:
        """Set ``last_used``.

        Raises: NotFound: there is none.
        """


class MemoryTokenStore:
    """Keeps records as long as the process lives; for tests, and to show what a store does."""

    __slots__ = ("_mutex", "_records")

    def __init__(self) -> None:
        from threading import Lock

        self._records: dict[str, TokenRecord] = {}
        self._mutex = Lock()

    def add(self, record: TokenRecord) -> None:
        """See `TokenStore.add`."""
        with self._mutex:
            if record.id in self._records:
                raise Conflict(f"there is a token {record.id}")
            self._records[record.id] = copy_of(record)

    def find(self, token_id: str) -> TokenRecord:
        """See `TokenStore.find`."""
        with self._mutex:
            return copy_of(self._known(token_id))

    def all(self) -> Iterator[TokenRecord]:
        """See `TokenStore.all`."""
        with self._mutex:
            return iter([copy_of(record) for record in self._records.values()])

    def revoke(self, token_id: str, when: datetime) -> None:
        """See `TokenStore.revoke`."""
        with self._mutex:
            record = self._known(token_id)
            record.revoked = record.revoked or when

    def expire(self, token_id: str, when: datetime) -> None:
        """See `TokenStore.expire`."""
        with self._mutex:
            record = self._known(token_id)
            record.expires = min(record.expires or when, when)

    def note_use(self, token_id: str, when: datetime) -> None:
        """See `TokenStore.note_use`."""
        with self._mutex:
            self._known(token_id).last_used = when

    def _known(self, token_id: str) -> TokenRecord:
        try:
            return self._records[token_id]
        except KeyError:
            raise no_token(token_id) from None


def no_token(token_id: str) -> NotFound:
    """The error of an id that no record has; what is no id may be a whole token, and is not repeated."""
    is_one = len(token_id) == _ID_LENGTH and token_id.isascii() and token_id.isalnum()
    which = f"with the id {token_id}" if is_one else "with such an id, which has 16 letters and digits"
    return NotFound(f"there is no token {which}", advice="see them all: strongroom token list")


def copy_of(record: TokenRecord) -> TokenRecord:
    """The same record in an object of its own."""
    twin = TokenRecord.__new__(TokenRecord)
    for name in TokenRecord.__slots__:
        setattr(twin, name, getattr(record, name))
    return twin
