"""Issued tokens: only a digest is kept, and every way to be wrong is refused."""

from __future__ import annotations

import _operator
import asyncio
import hashlib
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from strongroom import SecretStr, errors, tokens
from strongroom.credentials import issued_token_text
from strongroom.items import Field, ReservedPath
from strongroom.keys.slots.key_file import new_key_file
from strongroom.stores.memory import MemoryStore
from strongroom.testing.token_stores import TokenStoreConformance
from strongroom.tokens import MemoryTokenStore, TokenIssuer, TokenStore, VaultTokenStore
from strongroom.vault.opening import create_vault
from strongroom.vault.vault import Vault

DAY = timedelta(days=1)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def watch() -> Clock:
    return Clock()


@pytest.fixture
def store() -> MemoryTokenStore:
    return MemoryTokenStore()


@pytest.fixture
def issuer(store: MemoryTokenStore, watch: Clock) -> TokenIssuer:
    return TokenIssuer(store, prefix="acme_live", clock=watch)


@pytest.fixture
def vault() -> Iterator[Vault]:
    with create_vault(MemoryStore(), [new_key_file()], author="tester") as vault:
        yield vault


class TestMemoryStore(TokenStoreConformance):
    """The one that forgets."""

    def new_token_store(self) -> TokenStore:
        return MemoryTokenStore()


class TestVaultStore(TokenStoreConformance):
    """In a vault."""

    @pytest.fixture(autouse=True)
    def _vault(self, vault: Vault) -> None:
        self.vault = vault

    def new_token_store(self) -> TokenStore:
        return VaultTokenStore(self.vault)


def test_a_token_has_the_documented_form(issuer: TokenIssuer) -> None:
    """Prefix, id, 256 bits and the CRC-32 of all that in base62, computed here in another way."""
    token = issuer.issue("x").token.reveal()
    assert re.fullmatch(tokens.PATTERN, token)
    assert len(token) == len("acme_live") + 1 + 16 + 1 + 43 + 6
    body, checksum = token[:-6], token[-6:]
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    assert sum(alphabet.index(c) * 62**place for place, c in enumerate(reversed(checksum))) == zlib.crc32(body.encode())
    assert 43 * 5.954 >= 256


def test_only_a_digest_is_kept(issuer: TokenIssuer, store: MemoryTokenStore, vault: Vault) -> None:
    """Nothing in the record, the vault's item or what is printed holds the secret."""
    issued = TokenIssuer(VaultTokenStore(vault), prefix="acme").issue("x", scopes=("a",))
    secret = issued.token.reveal().rpartition("_")[2]
    item = vault._reserved.get(ReservedPath(f"@tokens/{issued.record.id}"))
    shown = repr(issued) + repr(issued.record) + repr([item.field(name).data for name in item])
    assert secret not in shown
    assert secret[:43] not in shown
    assert issued.record.digest == hashlib.sha256(issued.token.reveal().encode()).digest()


def test_verify_returns_the_record(issuer: TokenIssuer) -> None:
    """For the token as text or hidden, with a scope that it has or none."""
    issued = issuer.issue("nightly", scopes=("reports:read", "reports:write", "reports:read"), lifetime=DAY)
    for given in (issued.token, issued.token.reveal()):
        record = issuer.verify(given, scope="reports:read")
        assert (record.name, record.scopes) == ("nightly", ("reports:read", "reports:write"))
    issuer.verify(issued.token)
    with pytest.raises(errors.Denied, match="does not have the scope reports:delete"):
        issuer.verify(issued.token, scope="reports:delete")


def test_the_async_twin_verifies_in_a_thread(issuer: TokenIssuer) -> None:
    """And refuses in the same words."""
    issued = issuer.issue("x", scopes=("a",))
    assert asyncio.run(issuer.averify(issued.token, scope="a")).id == issued.record.id
    with pytest.raises(errors.Denied):
        asyncio.run(issuer.averify(issued.token, scope="b"))


def altered(token: str) -> Iterator[tuple[str, str]]:
    """Every way to change it: (what was done, the result)."""
    yield "nothing", ""
    yield "cut", token[:-1]
    yield "longer", token + "0"
    yield "a space", token + " "
    yield "a newline", token + "\n"
    yield "upper case", token.upper()
    yield "not ascii", token.replace("a", "\u0430", 1)
    yield "a surrogate", "\ud800" + token
    yield "very long", token * 1_000
    yield "no prefix", token.partition("_")[2]
    for place in range(len(token)):
        other = "0" if token[place] != "0" else "1"
        yield f"character {place}", token[:place] + other + token[place + 1 :]


def with_checksum(body: str) -> str:
    """A token of the right form."""
    return body + issued_token_text._checksum(body.encode()).decode()


def test_every_change_is_refused(issuer: TokenIssuer) -> None:
    """By one error in one sentence, most of them without asking the store."""
    token = issuer.issue("x").token.reveal()
    for what, changed in altered(token):
        if changed == token:
            continue
        with pytest.raises(errors.TokenRefused, match=r"^this is not a token$") as caught:
            issuer.verify(changed)
        assert token not in str(caught.value), what


def test_a_checksum_makes_no_token(issuer: TokenIssuer, store: MemoryTokenStore) -> None:
    """Anybody can compute it: an unknown id, another secret, and another prefix fail all the same."""
    issued = issuer.issue("x")
    prefix, token_id, rest = re.split(r"_(?=[0-9A-Za-z]{16}_)|_(?=[0-9A-Za-z]{49}$)", issued.token.reveal())
    secret = rest[:43]
    other = secret[:-1] + ("0" if secret[-1] != "0" else "1")
    forged = {
        "another secret": f"{prefix}_{token_id}_{other}",
        "an unknown id": f"{prefix}_{'0' * 16}_{secret}",
        "another prefix": f"acme_test_{token_id}_{secret}",
    }
    for what, body in forged.items():
        assert tokens.recognise(with_checksum(body))[1] in (token_id, "0" * 16), what
        with pytest.raises(errors.TokenRefused, match=r"^this is not a token$"):
            issuer.verify(with_checksum(body))
    assert issuer.verify(with_checksum(f"{prefix}_{token_id}_{secret}")).id == token_id


def test_digests_are_compared_in_constant_time(issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the interpreter's own function, for an unknown id too."""
    compared: list[int] = []
    real = _operator._compare_digest
    monkeypatch.setattr("strongroom.secret._compare_digest", lambda a, b: compared.append(len(b)) or real(a, b))
    token = issuer.issue("x").token.reveal()
    prefix = token[: token.index("_", 6)]
    issuer.verify(token)
    with pytest.raises(errors.TokenRefused):
        issuer.verify(with_checksum(f"{prefix}_{'0' * 16}_{'0' * 43}"))
    assert compared == [32, 32]


def test_a_record_under_another_id_is_no_record(issuer: TokenIssuer, store: MemoryTokenStore) -> None:
    """A store that answers with the wrong one lets nobody in."""
    first, second = issuer.issue("x"), issuer.issue("y")
    store._records[first.record.id] = store._records[second.record.id]
    with pytest.raises(errors.TokenRefused):
        issuer.verify(first.token)


def test_it_ends_on_its_date(issuer: TokenIssuer, watch: Clock) -> None:
    """At that very moment."""
    token = issuer.issue("x", lifetime=DAY).token
    watch.now += DAY - timedelta(microseconds=1)
    issuer.verify(token)
    watch.now += timedelta(microseconds=1)
    with pytest.raises(errors.Expired):
        issuer.verify(token)


def test_a_wrong_token_learns_nothing_of_the_right_one(issuer: TokenIssuer) -> None:
    """Whether an id is revoked or past its date is said to who has the secret."""
    issued = issuer.issue("x")
    issuer.revoke(issued.record.id)
    forged = with_checksum(f"acme_live_{issued.record.id}_{'0' * 43}")
    with pytest.raises(errors.TokenRefused, match=r"^this is not a token$"):
        issuer.verify(forged)
    with pytest.raises(errors.TokenRefused, match="was revoked"):
        issuer.verify(issued.token)


def test_uses_are_noted_once_in_an_interval(issuer: TokenIssuer, store: MemoryTokenStore, watch: Clock) -> None:
    """The first, then the first after an hour; never where that is not wanted."""
    issued = issuer.issue("x")
    seen = []
    for minutes in (0, 30, 59, 61, 119, 121):
        now = datetime(2026, 11, 22, tzinfo=UTC) + timedelta(minutes=minutes)
        watch.now = now
        issuer.verify(issued.token)
        seen.append(store.find(issued.record.id).last_used == now)
    assert seen == [True, False, False, True, False, True]
    quiet = TokenIssuer(store, prefix="acme_live", last_use_interval=None)
    before = store.find(issued.record.id).last_used
    quiet.verify(issued.token)
    assert store.find(issued.record.id).last_used == before


class TestRotate:
    """A new token in an old one's place."""

    def test_the_old_one_ends_at_once(self, issuer: TokenIssuer) -> None:
        """The new one has its name, scopes and lifetime."""
        old = issuer.issue("x", scopes=("a", "b"), lifetime=DAY)
        new = issuer.rotate(old.record.id)
        assert (new.record.name, new.record.scopes) == ("x", ("a", "b"))
        assert new.record.expires == new.record.created + DAY
        issuer.verify(new.token)
        with pytest.raises(errors.TokenRefused, match="revoked"):
            issuer.verify(old.token)
        with pytest.raises(errors.TokenRefused, match="revoked"):
            issuer.rotate(old.record.id)

    def test_both_are_good_for_a_while(self, issuer: TokenIssuer, watch: Clock) -> None:
        """And the overlap never lengthens the old one's life."""
        old = issuer.issue("x")
        new = issuer.rotate(old.record.id, overlap=DAY, lifetime=9 * DAY)
        issuer.verify(old.token)
        watch.now += DAY
        with pytest.raises(errors.Expired):
            issuer.verify(old.token)
        issuer.verify(new.token)
        short = issuer.issue("y", lifetime=DAY)
        issuer.rotate(short.record.id, overlap=5 * DAY)
        watch.now += DAY
        with pytest.raises(errors.Expired):
            issuer.verify(short.token)

    def test_the_old_one_stays_when_the_new_one_cannot_be_kept(
        self, issuer: TokenIssuer, store: MemoryTokenStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Somebody always has a token."""
        old = issuer.issue("x")

        def fail(_self: object, _record: object) -> None:
            raise errors.StoreUnavailable("full")

        monkeypatch.setattr(MemoryTokenStore, "add", fail)
        with pytest.raises(errors.StoreUnavailable):
            issuer.rotate(old.record.id)
        issuer.verify(old.token)


def test_an_issuer_sees_its_own_prefix(store: MemoryTokenStore, issuer: TokenIssuer) -> None:
    """Two kinds of token in one store do not know each other."""
    other = TokenIssuer(store, prefix="other")
    mine, theirs = issuer.issue("x"), other.issue("y")
    assert [record.id for record in issuer.list()] == [mine.record.id]
    for call in (issuer.revoke, issuer.rotate):
        with pytest.raises(errors.NotFound):
            call(theirs.record.id)
    other.verify(theirs.token)


MISUSE = {
    "prefix: empty": lambda issuer: TokenIssuer(MemoryTokenStore(), prefix=""),
    "prefix: capitals": lambda issuer: TokenIssuer(MemoryTokenStore(), prefix="Acme"),
    "prefix: ends with _": lambda issuer: TokenIssuer(MemoryTokenStore(), prefix="acme_"),
    "prefix: a digit first": lambda issuer: TokenIssuer(MemoryTokenStore(), prefix="1acme"),
    "prefix: long": lambda issuer: TokenIssuer(MemoryTokenStore(), prefix="a" * 33),
    "name: empty": lambda issuer: issuer.issue(""),
    "name: a control character": lambda issuer: issuer.issue("a\x1b[2J"),
    "scope: empty": lambda issuer: issuer.issue("x", scopes=("",)),
    "scope: white space": lambda issuer: issuer.issue("x", scopes=("a b",)),
    "scope: not ascii": lambda issuer: issuer.issue("x", scopes=("\u0430",)),
    "scopes: too many": lambda issuer: issuer.issue("x", scopes=[f"s{n}" for n in range(65)]),
    "lifetime: none": lambda issuer: issuer.issue("x", lifetime=timedelta(0)),
    "overlap: negative": lambda issuer: issuer.rotate(issuer.issue("x").record.id, overlap=-DAY),
}


@pytest.mark.parametrize("case", MISUSE)
def test_misuse_is_a_value_error(case: str, issuer: TokenIssuer) -> None:
    """At once."""
    with pytest.raises(ValueError, match=r"prefix|name|scope|lifetime|overlap"):
        MISUSE[case](issuer)
    with pytest.raises(TypeError):
        issuer.issue("x", scopes="read")


def test_a_scanner_finds_them_in_text(issuer: TokenIssuer) -> None:
    """Where they stand, and nothing that only looks like one."""
    token = issuer.issue("x").token.reveal()
    lookalike = token[:-1] + ("0" if token[-1] != "0" else "1")
    text = f'key = "{token}"  # {lookalike}\nother={token}\n{token}x x{token}\n'
    found = list(tokens.find(text))
    assert [offset for offset, _, _ in found] == [7, text.index("other=") + 6]
    assert {(prefix, token_id) for _, prefix, token_id in found} == {tokens.recognise(token)}


def test_a_record_that_was_garbled_lets_nobody_in(vault: Vault) -> None:
    """Whoever wrote it."""
    issuer = TokenIssuer(VaultTokenStore(vault), prefix="acme")
    issued = issuer.issue("x")
    for field, value in (("created", "yesterday"), ("digest", "zz"), ("expires", "2026-13-01")):
        path = ReservedPath(f"@tokens/{issued.record.id}")
        good = vault._reserved.get(path)
        fields = {name: good.field(name) for name in good}
        wrong = Field(field, "text", value.encode(), is_secret=False)
        vault._reserved.set(path, {**fields, field: wrong})
        with pytest.raises(errors.Tampered, match="malformed"):
            issuer.verify(issued.token)
        vault._reserved.set(path, fields)
    issuer.verify(issued.token)


def test_the_vaults_items_do_not_show_them(vault: Vault, tmp_path: Path) -> None:
    """No list and no walk leads there; `verify` covers them."""
    issuer = TokenIssuer(VaultTokenStore(vault), prefix="acme")
    issuer.issue("x")
    assert list(vault.walk()) == []
    vault.verify()
    assert isinstance(issuer.issue("y").token, SecretStr)


class Meddling:
    """A vault in which somebody notes a use after each of the first reads."""

    def __init__(self, vault: Vault, times: int) -> None:
        self.vault = vault
        self.times = times

    def get(self, path: ReservedPath) -> object:
        item = self.vault.get(path)
        if self.times:
            self.times -= 1
            used = Field("last_used", "text", b"2026-11-22T00:00:00+00:00", is_secret=False)
            self.vault.patch(path, {"last_used": used})
        return item

    def patch(self, *given: object, **named: object) -> object:
        return self.vault.patch(*given, **named)  # type: ignore[arg-type]


def test_a_use_in_between_does_not_stop_a_revocation(vault: Vault) -> None:
    """It is tried again on what is there then, and in the end not asked; an earlier end is the caller's conflict."""
    store = VaultTokenStore(vault)
    issuer = TokenIssuer(store, prefix="acme")
    issued = issuer.issue("x")
    store._vault = Meddling(vault, 5)  # type: ignore[assignment]
    store.revoke(issued.record.id, datetime(2026, 11, 22, tzinfo=UTC))
    found = VaultTokenStore(vault).find(issued.record.id)
    assert found.revoked is not None
    assert found.last_used is not None
    other = TokenIssuer(VaultTokenStore(vault), prefix="acme").issue("y")
    store._vault = Meddling(vault, 1_000)  # type: ignore[assignment]
    with pytest.raises(errors.Conflict):
        store.expire(other.record.id, datetime(2026, 11, 22, tzinfo=UTC))
    store.revoke(other.record.id, datetime(2026, 11, 22, tzinfo=UTC))
    assert VaultTokenStore(vault).find(other.record.id).revoked is not None
