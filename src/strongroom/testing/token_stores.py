"""The conformance suite of token stores: what `TokenIssuer` relies on, as test methods to inherit.

    class TestMyTable(TokenStoreConformance):
        def new_token_store(self):
            return MyTable(...)

Any test runner that calls ``test_*`` methods of a class will do; pytest is not imported.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Thread

from strongroom.credentials.issued_token_text import new_text
from strongroom.credentials.issued_tokens import TokenIssuer
from strongroom.credentials.token_records import TokenRecord
from strongroom.errors import Conflict, NotFound, TokenRefused
from strongroom.testing.store_suite import raises, same

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.credentials.token_records import TokenStore

_DAY = timedelta(days=1)
_THEN = datetime(2026, 11, 22, 6, 7, 8, 90, tzinfo=UTC)


class TokenStoreConformance:
    """Inherit this and give `new_token_store`."""

    def new_token_store(self) -> TokenStore:
        """A store without records."""
        raise NotImplementedError

    def test_a_record_comes_back_as_it_was(self) -> None:
        """Every attribute, in every combination that there is."""
        store = self.new_token_store()
        same(list(store.all()), [])
        bare = _record()
        ends = _THEN + _DAY
        full = _record(name="nächtlich", scopes=("reports:read", "*"), expires=ends, last_used=_THEN, revoked=_THEN)
        for record in (bare, full):
            store.add(record)
            same(_attributes(store.find(record.id)), _attributes(record))
        same({record.id: _attributes(record) for record in store.all()},
             {record.id: _attributes(record) for record in (bare, full)})  # fmt: skip

    def test_an_id_is_taken_once(self) -> None:
        """The first record stays."""
        store, record = self.new_token_store(), _record()
        store.add(record)
        raises(Conflict, store.add, _record(id=record.id, name="another"))
        same(store.find(record.id).name, record.name)

    def test_what_is_not_there_is_not_found(self) -> None:
        """Whatever is asked of it, and whatever the id looks like."""
        store = self.new_token_store()
        store.add(_record())
        for token_id in (_record().id, "", "../keys/x", "@keys/x", "x" * 5_000, "' OR 1=1 --", "0000000000000000/x"):
            raises(NotFound, store.find, token_id)
            for change in (store.revoke, store.expire, store.note_use):
                raises(NotFound, change, token_id, _THEN)

    def test_the_first_revocation_stays(self) -> None:
        """Its time too."""
        store, record = self.new_token_store(), _record()
        store.add(record)
        store.revoke(record.id, _THEN)
        store.revoke(record.id, _THEN + _DAY)
        same(store.find(record.id).revoked, _THEN)

    def test_a_date_is_brought_forward_and_never_put_off(self) -> None:
        """From never, and from a later one."""
        store, record = self.new_token_store(), _record()
        store.add(record)
        for given, expected in ((_THEN + _DAY, _THEN + _DAY), (_THEN, _THEN), (_THEN + 2 * _DAY, _THEN)):
            store.expire(record.id, given)
            same(store.find(record.id).expires, expected)

    def test_a_use_takes_back_no_revocation(self) -> None:
        """While others note uses of the same token, in threads."""
        store, record = self.new_token_store(), _record()
        store.add(record)
        users = [Thread(target=_use, args=(store, record.id)) for _ in range(3)]
        for user in users:
            user.start()
        store.revoke(record.id, _THEN)
        for user in users:
            user.join()
        same(store.find(record.id).revoked, _THEN)
        same(store.find(record.id).last_used, _THEN)

    def test_of_two_dates_the_sooner_one_stays(self) -> None:
        """Whoever sets them at the same time."""
        store, record = self.new_token_store(), _record()
        store.add(record)
        days = [Thread(target=store.expire, args=(record.id, _THEN + day * _DAY)) for day in (3, 1, 2)]
        for thread in days:
            thread.start()
        for thread in days:
            thread.join()
        same(store.find(record.id).expires, _THEN + _DAY)

    def test_what_is_handed_out_is_a_copy(self) -> None:
        """Changing it changes nothing that is kept."""
        store, record = self.new_token_store(), _record()
        store.add(record)
        record.revoked = _THEN
        store.find(record.id).revoked = _THEN
        next(store.all()).revoked = _THEN
        same(store.find(record.id).revoked, None)

    def test_an_issuer_works_on_it(self) -> None:
        """From issuing to revoking."""
        issuer = TokenIssuer(self.new_token_store(), prefix="suite")
        issued = issuer.issue("a use", scopes=("read",), lifetime=_DAY)
        same(issuer.verify(issued.token, scope="read").id, issued.record.id)
        issuer.revoke(issued.record.id)
        raises(TokenRefused, issuer.verify, issued.token)


def _use(store: TokenStore, token_id: str) -> None:
    for _ in range(10):
        store.note_use(token_id, _THEN)


def _record(
    id: str = "",
    *,
    name: str = "a use",
    scopes: tuple[str, ...] = (),
    expires: datetime | None = None,
    last_used: datetime | None = None,
    revoked: datetime | None = None,
) -> TokenRecord:
    return TokenRecord(
        id or new_text("suite")[0], "suite", bytes(range(32)), name=name, scopes=scopes, created=_THEN,
        expires=expires, last_used=last_used, revoked=revoked,
    )  # fmt: skip


def _attributes(record: TokenRecord) -> dict[str, object]:
    return {name: getattr(record, name) for name in TokenRecord.__slots__}
