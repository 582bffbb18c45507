"""Records of issued tokens in a vault: ordinary items below ``@tokens/``, one each.

So they have what items have: the ledger, the audit log, rotation, backups, grants. Each
change merges its one field in one transaction. Source: docs/format.md#issued-tokens.
"""

from __future__ import annotations

from datetime import UTC, datetime

from strongroom.credentials.issued_token_text import ID_LENGTH
from strongroom.credentials.token_records import TokenRecord, no_token
from strongroom.credentials.tokens import BASE62
from strongroom.errors import Conflict, NotFound, Tampered
from strongroom.items import Field, ReservedPath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from strongroom.items import Item
    from strongroom.vault.vault import Vault

_FOLDER = ReservedPath("@tokens/")
_BATCH = 100
_ATTEMPTS = 20


class VaultTokenStore:
    """A `TokenStore` in a vault.

    Args:
        vault: open; through an agent too. Whoever verifies there reads ``@tokens/*``, and updates it
            unless the issuer notes no last use.
    """

    __slots__ = ("_vault",)

    def __init__(self, vault: Vault) -> None:
        self._vault = vault._reserved

    def add(self, record: TokenRecord) -> None:
        """See `TokenStore.add`."""
        times = {"expires": record.expires, "last_used": record.last_used, "revoked": record.revoked}
        values = {
            "prefix": record.prefix,
            "digest": record.digest.hex(),
            "name": record.name,
            "scopes": " ".join(record.scopes),
            "created": record.created.isoformat(),
            **{name: time.isoformat() for name, time in times.items() if time is not None},
        }
        self._vault.set(_path(record.id), {name: _field(name, value) for name, value in values.items()}, cas=0)

    def find(self, token_id: str) -> TokenRecord:
        """See `TokenStore.find`."""
        try:
            item = self._vault.get(_path(token_id))
        except NotFound:
            raise no_token(token_id) from None
        return _record(token_id, item)

    def all(self) -> Iterator[TokenRecord]:
        """See `TokenStore.all`."""
        try:
            ids = list(self._vault.list(_FOLDER))
        except NotFound:
            return  # No token was ever kept here.
        for start in range(0, len(ids), _BATCH):
            paths = {_path(token_id): token_id for token_id in ids[start : start + _BATCH]}
            for path, item in self._vault.get_many(paths).items():
                yield _record(path.rpartition("/")[2], item)

    def revoke(self, token_id: str, when: datetime) -> None:
        """See `TokenStore.revoke`."""
        try:
            self._bring_forward(token_id, "revoked", when, lambda record: record.revoked is None)
        except Conflict:
            # Whoever uses it without a pause does not keep it good: at worst an earlier time becomes a later one.
            self._vault.patch(_path(token_id), {"revoked": _field("revoked", when.isoformat())})

    def expire(self, token_id: str, when: datetime) -> None:
        """See `TokenStore.expire`."""
        self._bring_forward(
            token_id, "expires", when, lambda record: record.expires is None or when < record.expires
        )

    def note_use(self, token_id: str, when: datetime) -> None:
        """See `TokenStore.note_use`."""
        try:
            self._vault.patch(_path(token_id), {"last_used": _field("last_used", when.isoformat())})
        except NotFound:
            raise no_token(token_id) from None

    def _bring_forward(
        self, token_id: str, name: str, when: datetime, is_sooner: Callable[[TokenRecord], bool]
    ) -> None:
        """Set one time if it is sooner than what is there at that very moment."""
        path = _path(token_id)
        for attempt in range(_ATTEMPTS):
            try:
                item = self._vault.get(path)
                if is_sooner(_record(token_id, item)):
                    self._vault.patch(path, {name: _field(name, when.isoformat())}, cas=item.version.number)
                return
            except NotFound:
                raise no_token(token_id) from None
            except Conflict:
                # Somebody else noted a use in between; the last attempt's conflict is the caller's.
                if attempt == _ATTEMPTS - 1:
                    raise


def _path(token_id: str) -> ReservedPath:
    # An id may come from a user: it is one component of these characters or none at all.
    if len(token_id) != ID_LENGTH or not set(token_id) <= set(BASE62):
        raise no_token("given")
    return ReservedPath(f"{_FOLDER}{token_id}")


def _field(name: str, value: str) -> Field:
    return Field(name, "text", value.encode("utf-8"), is_secret=False)


def _record(token_id: str, item: Item) -> TokenRecord:
    def text(name: str) -> str:
        return item.public(name) if name in item else ""

    def time(name: str) -> datetime | None:
        return datetime.fromisoformat(text(name)).astimezone(UTC) if name in item else None

    try:
        created = time("created")
        if created is None:
            raise ValueError("no time of its making")
        return TokenRecord(
            token_id,
            text("prefix"),
            bytes.fromhex(text("digest")),
            name=text("name"),
            scopes=tuple(text("scopes").split()),
            created=created,
            expires=time("expires"),
            last_used=time("last_used"),
            revoked=time("revoked"),
        )
    except ValueError:
        raise Tampered(f"the record of the token {token_id} is malformed") from None
