"""Grants in the vault: kept, sealed, audited, found by verify when somebody meddles."""

from __future__ import annotations

from datetime import timedelta

import pytest

from strongroom.errors import Conflict, FormatUnsupported, NotFound, Tampered, VaultLocked
from strongroom.keys.slots.key_file import KeyFileCredential
from strongroom.stores.interface import Store
from strongroom.stores.schema import OBJECTS
from strongroom.vault import grants
from strongroom.vault.opening import open_vault
from strongroom.vault.policy import Executable, Grant
from strongroom.vault.vault import Vault
from tests.unit.vault.conftest import Clock, beside

RULES = {"read": ["sites/**"], "list": ["sites/**"], "deny": ["sites/x/**"]}
LS = Executable("/usr/bin/ls", device=5, inode=6, owner=0)


def test_grants_come_back_as_they_were_made(vault: Vault, clock: Clock) -> None:
    """Every part of it; a denial gets no end and no program, whatever the others get."""
    vault.add_grant(
        "sync", "user", 1001, RULES, shown="sync", executable=LS, unit="sync.service", lifetime=timedelta(days=1)
    )
    denial, reading = vault.grants()
    if "deny" not in denial.capabilities:
        denial, reading = reading, denial
    assert (reading.name, reading.subject, reading.subject_id, reading.shown) == ("sync", "user", 1001, "sync")
    assert reading.capabilities == {"read", "list"}
    assert reading.patterns == (("sites", "**"),)
    assert reading.executable is not None
    assert (reading.executable.path, reading.executable.device, reading.executable.inode) == ("/usr/bin/ls", 5, 6)
    assert (reading.unit, reading.expires_us) == ("sync.service", clock.now + 86_400_000_000)
    assert denial.capabilities == {"deny"}
    assert (denial.executable, denial.unit, denial.expires_us) == (None, "", 0)
    assert vault.verify().audit_entries == 2


def test_another_program_sees_a_grant_and_its_end(
    vault: Vault, store: Store, credential: KeyFileCredential, clock: Clock
) -> None:
    """What is remembered is forgotten when somebody else commits, and after one's own changes."""
    other = open_vault(beside(store), credential, author="other", clock_us=clock)
    assert other.grants() == []
    vault.add_grant("sync", "user", 1001, RULES)
    assert [grant.name for grant in other.grants()] == ["sync", "sync"]
    other.remove_grant("sync")
    assert other.grants() == []
    assert vault.grants() == []


def test_grants_are_read_once_until_something_changes(vault: Vault) -> None:
    """The same objects again, not another reading of each; and none from memory once the keys are gone."""
    vault.add_grant("sync", "user", 1001, RULES)
    first, again = vault.grants(), vault.grants()
    assert [one is other for one, other in zip(first, again, strict=True)] == [True, True]
    with vault.transaction():
        vault.add_grant("web", "user", 1002, {"read": ["a"]})
        assert [one.name for one in vault.grants()] == ["sync", "sync", "web"], "its own change is seen at once"
    vault.grants()
    vault.lock()
    with pytest.raises(VaultLocked):
        vault.grants()


def test_grants_stand_in_the_log_under_their_own_names(vault: Vault) -> None:
    """What is granted and taken away is found there again."""
    vault.add_grant("sync", "user", 1001, RULES)
    vault.remove_grant("sync")
    with vault._core.store.reading() as rows:
        operations = [vault._core.audit.open(row)[0].operation for row in vault._core.audit.walk(rows)]
    assert operations[-2:] == ["grant add", "grant remove"]


def test_a_grant_says_when_it_was_made_and_has_an_id(vault: Vault, clock: Clock) -> None:
    """The same that the store says to somebody else."""
    (made,) = vault.add_grant("sync", "user", 1001, {"read": ["/", "a"]})
    (found,) = vault.grants()
    assert (len(found.id), found.created_us, found.patterns) == (16, clock.now, (("",), ("a",)))
    assert made.describe() == found.describe()
    body = grants.encode_grant(made)
    decoded = grants.decode_grant(made.id, body)
    assert decoded.created_us == clock.now
    assert decoded.patterns == made.patterns


def test_a_stored_program_is_roots(vault: Vault) -> None:
    """Nobody else's was let in, so its owner is not stored; two programs are tampering."""
    body = grants.encode_grant(Grant(bytes(16), "n", "user", 7, ["a"], ["read"], executable=LS))
    decoded = grants.decode_grant(bytes(16), body)
    assert decoded.executable is not None and decoded.executable.owner == 0
    end = body.index(b"/usr/bin/ls") + len(b"/usr/bin/ls") + 16
    start = body.index(b"/usr/bin/ls") - 4
    assert body[start - 4 : start] == b"\0\0\0\1"
    with pytest.raises(Tampered):
        grants.decode_grant(bytes(16), body[: start - 4] + b"\0\0\0\2" + body[start:end] * 2 + body[end:])


def test_an_undone_change_grants_nothing(vault: Vault) -> None:
    """A grant inside a transaction that fails is gone with it, also from memory."""

    def fail() -> None:
        with vault.transaction():
            vault.add_grant("sync", "user", 1001, RULES)
            assert len(vault.grants()) == 2
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        fail()
    assert vault.grants() == []


def test_one_of_several_is_removed_by_its_id(vault: Vault) -> None:
    """By name all of that name go, by id one; an unknown one is an error."""
    added = vault.add_grant("sync", "user", 1001, RULES)
    vault.remove_grant(added[0].id.hex())
    assert [grant.id for grant in vault.grants()] == [added[1].id]
    vault.remove_grant("sync")
    with pytest.raises(NotFound):
        vault.remove_grant("sync")
    with pytest.raises(NotFound):
        vault.remove_grant("")


def test_what_cannot_be_added_changes_nothing(vault: Vault) -> None:
    """A name that is taken, a program that somebody else could replace, nothing at all, a bad pattern."""
    vault.add_grant("sync", "user", 1001, RULES)
    before = vault.status().commit_counter
    with pytest.raises(Conflict):
        vault.add_grant("sync", "user", 1002, RULES)
    with pytest.raises(ValueError, match="root"):
        vault.add_grant("other", "user", 1, RULES, executable=Executable("/x", device=1, inode=1, owner=1001))
    with pytest.raises(ValueError, match="grants"):
        vault.add_grant("other", "user", 1, {})
    with pytest.raises(ValueError, match="star"):
        vault.add_grant("other", "user", 1, {"read": ["a*"]})
    assert vault.status().commit_counter == before


def test_there_is_an_end_to_their_number(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more than there may be is a conflict; one more in the store is tampering."""
    monkeypatch.setattr(grants, "GRANTS_MAX", 2)
    vault.add_grant("one", "user", 1, {"read": ["a"]})
    vault.add_grant("two", "user", 2, {"read": ["a"]})
    with pytest.raises(Conflict):
        vault.add_grant("three", "user", 3, {"read": ["a"]})
    monkeypatch.setattr(grants, "GRANTS_MAX", 1)
    with vault.transaction(), pytest.raises(Tampered):
        vault.add_grant("three", "user", 3, {"read": ["a"]})


def objects(store: Store) -> list[tuple[int | bytes, ...]]:
    with store.reading() as rows:
        return list(rows.scan(OBJECTS, grants.TYPE))


def put(store: Store, *rows: tuple[int | bytes, ...]) -> None:
    with store.writing() as writing:
        for row in rows:
            writing.put(OBJECTS, row)


def findings(vault: Vault) -> str:
    with pytest.raises(Tampered) as caught:
        vault.verify()
    return "\n".join(caught.value.findings)


def test_a_removed_grant_that_is_put_back_is_found(vault: Vault, store: Store) -> None:
    """The row is genuine, and its removal was audited."""
    vault.add_grant("sync", "user", 1001, {"read": ["sites/**"]})
    (row,) = objects(store)
    vault.remove_grant("sync")
    vault.verify()
    put(store, row)
    assert f"rolled back: the grant {bytes(row[1]).hex()}" in findings(vault)  # type: ignore[arg-type]


def test_a_denial_that_was_taken_out_is_found(vault: Vault, store: Store) -> None:
    """Deleting a row of the store is no way to be allowed more."""
    vault.add_grant("no", "user", 1001, {"deny": ["**"]})
    (row,) = objects(store)
    with store.writing() as rows:
        rows.delete(OBJECTS, *row[:2])
    assert f"deleted: the grant {bytes(row[1]).hex()}" in findings(vault)  # type: ignore[arg-type]


def test_a_changed_or_moved_grant_is_found_and_not_obeyed(vault: Vault, store: Store) -> None:
    """A flipped bit, and the body of one grant under the id of another."""
    first, second = (
        vault.add_grant(name, "user", 1001, {"read": [f"{name}/**"]})[0].id for name in ("first", "second")
    )
    rows = {row[1]: row for row in objects(store)}
    body = bytearray(rows[first][2])  # type: ignore[arg-type]
    body[-1] ^= 1
    for planted in ((grants.TYPE, first, bytes(body)), (grants.TYPE, first, rows[second][2])):
        put(store, planted)
        with pytest.raises(Tampered):
            vault.grants()
        assert f"changed: the grant {first.hex()}" in findings(vault)
    put(store, rows[first])
    vault.verify()


def test_grants_go_through_a_rotation(vault: Vault) -> None:
    """New keys, new root key: the same grants, and nothing for verify to find."""
    vault.add_grant("sync", "user", 1001, RULES, executable=LS)
    before = [grant.describe() for grant in vault.grants()]
    vault.rotate()
    vault.rotate(root=True)
    assert [grant.describe() for grant in vault.grants()] == before
    vault.verify()
    vault.remove_grant("sync")
    vault.verify()


def encoded() -> bytes:
    return grants.encode_grant(
        Grant(bytes(16), "n", "group", 7, ["a/*", "b/", "/"], ["read"], executable=LS, unit="u", expires_us=9)
    )


def test_a_stored_grant_ends_where_it_ends() -> None:
    """Every cut and every added byte is refused; what is whole comes back."""
    body = encoded()
    assert grants.encode_grant(grants.decode_grant(bytes(16), body)) == body
    for end in range(len(body)):
        with pytest.raises((Tampered, FormatUnsupported)):
            grants.decode_grant(bytes(16), body[:end])
    with pytest.raises(Tampered):
        grants.decode_grant(bytes(16), body + b"\0")


def test_what_a_newer_program_granted_is_not_half_understood() -> None:
    """An unknown form and an unknown capability are refused as such; nonsense is tampering."""
    body = encoded()
    bits = body.index(b"\0\0\0\x02\0\0\0\x03")
    with pytest.raises(FormatUnsupported):
        grants.decode_grant(bytes(16), b"\x02" + body[1:])
    with pytest.raises(FormatUnsupported):
        grants.decode_grant(bytes(16), body[:bits] + b"\0\0\0\x82" + body[bits + 4 :])
    with pytest.raises(Tampered):
        grants.decode_grant(bytes(16), body[:bits] + b"\0\0\0\x22" + body[bits + 4 :])
    with pytest.raises(Tampered):
        grants.decode_grant(bytes(16), body[:6] + b"\x03" + body[7:])
