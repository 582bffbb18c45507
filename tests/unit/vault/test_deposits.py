"""Deposits: what a depositor leaves becomes a version, in order and once; what is not right waits for a person."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.errors import Conflict, FormatUnsupported, NotFound, StoreUnavailable, Tampered
from strongroom.keys.slots.key_file import KeyFileCredential, new_key_file
from strongroom.locate.depositing import Depositor, read_depositor_file, write_depositor_file
from strongroom.locate.diagnosis.inbox import check_inbox
from strongroom.secret import SecretStr
from strongroom.stores.schema import OBJECTS
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault import deposit_records
from strongroom.vault.deposit_records import WINDOW
from strongroom.vault.depositors import TYPE
from strongroom.vault.opening import create_vault, open_vault
from strongroom.vault.vault import Vault

MINUTE = 60_000_000


class Clock:
    """µs that only a test moves."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000_000

    def __call__(self) -> int:
        return self.now


class Place:
    """A vault in a file, its key, one depositor, and the clock of both."""

    def __init__(self, root: Path) -> None:
        self.clock = Clock()
        self.credential: KeyFileCredential = new_key_file()
        self.path = root / "vault.db"
        self.file = root / "web.key"
        store = SqliteStore.create(str(self.path))
        self.vault: Vault = create_vault(store, [self.credential], author="owner", clock_us=self.clock)
        store.publish()
        write_depositor_file(str(self.file), self.vault.deposit_key("web", ["sites/*/login", "inbox/**"]))
        self.inbox = Path(f"{self.path}.inbox")

    def depositor(self, file: Path | None = None) -> Depositor:
        return Depositor(self.path, file or self.file, clock_us=self.clock)

    def leave(self, path: str = "sites/a/login", password: str = "tiger", file: Path | None = None) -> str:
        self.clock.now += 1
        with self.depositor(file) as depositor:
            return depositor.deposit(path, {"username": "u", "password": SecretStr(password)})

    def file_of(self, deposit_id: str) -> Path:
        return self.inbox / f"{deposit_id}.deposit"

    def reasons(self) -> dict[str, str]:
        return {pending.id: pending.reason for pending in self.vault.pending_deposits()}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.vault.lock()


def test_a_deposit_becomes_a_version(place: Place) -> None:
    """All fields as they were left, the depositor's name as author, one audited commit, an empty inbox."""
    before = place.vault.commit_counter
    place.leave()
    (taken,) = place.vault.collect_deposits()
    assert (taken.path, taken.version.number, taken.depositor) == ("sites/a/login", 1, "web")
    item = place.vault.get("sites/a/login")
    assert item["password"].reveal() == "tiger"
    assert item.public("username") == "u"
    assert item.version.author == "deposit web"
    assert place.vault.commit_counter == before + 1
    assert [file.name for file in place.inbox.iterdir()] == ["key"]
    assert place.vault.verify().deposits_waiting == 0


def test_what_lies_in_the_inbox_shows_nothing(place: Place) -> None:
    """Neither the path nor a name nor a value stands in the file or its name."""
    data = place.file_of(place.leave(path="inbox/acme-corp", password="hunter-two")).read_bytes()
    for word in (b"acme", b"inbox", b"password", b"username", b"hunter", b"web"):
        assert word not in data


def test_deposits_are_taken_in_by_counter_whatever_the_order_of_their_files(place: Place) -> None:
    """The last one written is the current one."""
    ids = [place.leave(password=f"p{number}") for number in range(5)]
    for deposit_id in reversed(ids):
        place.file_of(deposit_id).touch()  # the oldest changed last
    assert len(place.vault.collect_deposits()) == 5
    assert place.vault.get("sites/a/login", "password").reveal() == "p4"
    assert [version.number for version in place.vault.history("sites/a/login")] == [1, 2, 3, 4, 5]


def test_two_processes_may_overtake_each_other(place: Place) -> None:
    """A deposit to another path is no older for coming later than its successor."""
    late = place.leave("inbox/one")
    waiting = place.file_of(late).read_bytes()
    place.file_of(late).unlink()
    place.leave("inbox/two")
    assert len(place.vault.collect_deposits()) == 1
    place.file_of(late).write_bytes(waiting)
    assert [taken.path for taken in place.vault.collect_deposits()] == ["inbox/one"]


def test_a_deposit_may_not_replace_a_newer_one(place: Place) -> None:
    """Held back and let go after a newer one to the same path was taken in, it waits."""
    late = place.leave(password="old")
    held = place.file_of(late).read_bytes()
    place.file_of(late).unlink()
    place.leave(password="new")
    place.vault.collect_deposits()
    place.file_of(late).write_bytes(held)
    assert place.vault.collect_deposits() == []
    assert place.reasons() == {late: "a newer deposit to this path was taken in before it"}
    assert place.vault.get("sites/a/login", "password").reveal() == "new"


def test_a_repetition_is_removed_and_changes_nothing(place: Place) -> None:
    """The same file again, as a crash between commit and removal leaves it, or a copy."""
    deposit_id = place.leave()
    data = place.file_of(deposit_id).read_bytes()
    place.vault.collect_deposits()
    place.file_of(deposit_id).write_bytes(data)
    before = place.vault.commit_counter
    assert place.reasons() == {deposit_id: "it was taken in before"}
    with pytest.raises(Conflict):
        place.vault.accept_deposit(deposit_id)
    assert place.vault.collect_deposits() == []
    assert not place.file_of(deposit_id).exists()
    assert place.vault.commit_counter == before


def test_what_fell_out_of_the_window_is_old(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no longer remembered one by one is refused by its counter."""
    monkeypatch.setattr(deposit_records, "WINDOW", 3)
    first = place.leave("inbox/0")
    data = place.file_of(first).read_bytes()
    for number in range(1, 5):
        place.leave(f"inbox/{number}")
    assert len(place.vault.collect_deposits()) == 5
    place.file_of(first).write_bytes(data)
    assert place.vault.collect_deposits() == []
    assert place.reasons() == {first: "its counter is old: it may have been taken in before"}
    assert WINDOW == 256


def test_a_clock_that_runs_ahead_does_not_block_the_future(place: Place) -> None:
    """A counter of the day after tomorrow waits, so that it does not make all that follow old."""
    place.clock.now += 2 * 24 * 60 * MINUTE
    ahead = place.leave()
    place.clock.now -= 2 * 24 * 60 * MINUTE
    assert place.vault.collect_deposits() == []
    assert "more than a day ahead" in place.reasons()[ahead]
    place.leave(password="now")
    assert len(place.vault.collect_deposits()) == 1
    # Nor when a person has accepted it.
    place.vault.accept_deposit(ahead)
    place.leave(password="later")
    assert len(place.vault.collect_deposits()) == 1


def test_within_a_process_the_counter_grows_when_the_clock_does_not(place: Place) -> None:
    """Two deposits in one microsecond, or after the clock was set back, keep their order."""
    with place.depositor() as depositor:
        depositor.deposit("inbox/x", {"n": "1"})
        place.clock.now -= MINUTE
        depositor.deposit("inbox/x", {"n": "2"})
    assert len(place.vault.collect_deposits()) == 2
    assert place.vault.get("inbox/x").public("n") == "2"


def test_a_person_may_accept_or_discard(place: Place) -> None:
    """Outside the patterns it waits; accepted it is a version, discarded it is gone."""
    kept, gone = place.leave("other/a"), place.leave("other/b")
    assert place.vault.collect_deposits() == []
    assert set(place.reasons().values()) == {"web may not deposit there"}
    taken = place.vault.accept_deposit(kept[:8])
    assert (taken.path, taken.version.author) == ("other/a", "deposit web")
    assert place.vault.discard_deposit(gone).path == "other/b"
    assert place.vault.pending_deposits() == []
    assert list(place.vault.walk()) == ["other/a"]
    for wanted in (gone, ""):
        with pytest.raises(NotFound):
            place.vault.accept_deposit(wanted)


def test_a_removed_depositor_is_a_stranger(place: Place) -> None:
    """What it leaves waits, and is accepted in the name of who accepted it."""
    place.vault.remove_depositor("web")
    deposit_id = place.leave()
    assert place.vault.collect_deposits() == []
    assert place.reasons() == {deposit_id: "nobody known has signed it"}
    author = place.vault.accept_deposit(deposit_id).version.author
    assert author == "deposit of a stranger, accepted by owner"
    place.vault.verify()


def test_depositors_are_listed_removed_and_limited(place: Place) -> None:
    """Names are single, patterns are checked, and nothing is left of one that could not be made."""
    with pytest.raises(Conflict):
        place.vault.deposit_key("web", ["x"])
    for patterns in ([], ["a/**/b"], ["a*"], ["folder/"], ["/"], ["x"] * 65, "inbox"):
        with pytest.raises(ValueError):
            place.vault.deposit_key("other", patterns)
    (known,) = place.vault.depositors()
    assert (known.name, known.shown_patterns()) == ("web", ["sites/*/login", "inbox/**"])
    with pytest.raises(NotFound):
        place.vault.remove_depositor("nobody")
    assert place.vault.remove_depositor(known.id.hex()).name == "web"
    assert place.vault.depositors() == []
    assert place.vault.verify().items == 0


def test_a_depositor_that_was_removed_and_put_back_is_found(place: Place) -> None:
    """`verify` calls a depositor's row by its name when it is deleted or rolled back."""
    place.leave()
    with place.vault._core.store.reading() as rows:
        (old,) = [row for row in rows.scan(OBJECTS) if row[0] == TYPE]
    place.vault.collect_deposits()
    with place.vault._core.store.writing() as writing:
        writing.put(OBJECTS, old)
    with pytest.raises(Tampered) as rolled:
        place.vault.verify()
    assert any("rolled back: the depositor" in finding for finding in rolled.value.findings)
    with place.vault._core.store.writing() as writing:
        writing.delete(OBJECTS, *old[:2])
    with pytest.raises(Tampered) as deleted:
        place.vault.verify()
    assert any("deleted: the depositor" in finding for finding in deleted.value.findings)


def test_a_root_rotation_changes_the_deposit_key_and_no_depositors_file(place: Place) -> None:
    """Under way, deposits open still; the next ones are sealed to the new key; two rotations later old ones do not."""
    under_way = place.leave("inbox/1")
    notice = (place.inbox / "key").read_bytes()
    place.vault.rotate(root=True)
    assert (place.inbox / "key").read_bytes() != notice
    place.leave("inbox/2")
    assert len(place.vault.collect_deposits()) == 2
    forgotten = place.leave("inbox/3")
    place.vault.rotate(root=True)
    place.vault.rotate(root=True)
    assert "deposit key that this vault does not have" in place.reasons()[forgotten]
    with pytest.raises(Tampered):
        place.vault.accept_deposit(forgotten)
    place.leave("inbox/4")
    assert [taken.path for taken in place.vault.collect_deposits()] == ["inbox/4"]
    place.vault.verify()
    assert under_way != forgotten


def test_removing_a_slot_publishes_another_deposit_key(place: Place) -> None:
    """Whoever held the slot cannot open what is deposited from now on."""
    other = place.vault.add_slot(new_key_file())
    notice = (place.inbox / "key").read_bytes()
    place.vault.remove_slot(other.id)
    assert (place.inbox / "key").read_bytes() != notice
    place.leave()
    assert len(place.vault.collect_deposits()) == 1


def test_another_key_holder_takes_in_too(place: Place) -> None:
    """With two programs that have the vault open, a deposit is taken in once."""
    place.leave()
    other = open_vault(SqliteStore.open(str(place.path)), place.credential, author="other", clock_us=place.clock)
    with other:
        assert len(other.collect_deposits()) == 1
        assert place.vault.collect_deposits() == []
        assert len(place.vault.history("sites/a/login")) == 1
        place.vault.deposit_key("second", ["inbox/*"])
        assert [known.name for known in other.depositors()] == ["web", "second"]


def test_check_and_set_that_is_required_does_not_stop_a_deposit(place: Place) -> None:
    """Who may not read cannot know the version; the key holder's transaction knows it."""
    place.vault.configure(cas_required=True)
    place.leave()
    place.leave()
    assert len(place.vault.collect_deposits()) == 2


def test_deposits_are_no_part_of_a_transaction(place: Place) -> None:
    """Files cannot be undone."""
    with place.vault.transaction():
        for call in (
            place.vault.collect_deposits,
            lambda: place.vault.accept_deposit("00"),
            lambda: place.vault.deposit_key("x", ["x"]),
        ):
            with pytest.raises(RuntimeError):
                call()


def test_without_an_inbox_there_is_nothing_to_do(place: Place) -> None:
    """A vault that never had a depositor, or whose inbox was removed."""
    (place.inbox / "key").unlink()
    place.inbox.rmdir()
    assert place.vault.collect_deposits() == []
    assert place.vault.pending_deposits() == []
    with pytest.raises(NotFound):
        place.leave()
    assert place.vault.verify().deposits_waiting == 0


@pytest.mark.parametrize("store", ["memory", "postgresql"], indirect=True)
def test_a_store_that_is_no_file_has_no_inbox(vault: Vault) -> None:
    """It says so, and still verifies."""
    with pytest.raises(StoreUnavailable):
        vault.deposit_key("web", ["x"])
    with pytest.raises(StoreUnavailable):
        vault.pending_deposits()
    with pytest.raises(StoreUnavailable):
        vault.collect_deposits()
    assert vault.verify().deposits_waiting == 0


def test_the_inbox_is_its_owners_alone_unless_a_group_is_named(place: Place) -> None:
    """0700 at first; 1770 for a group."""
    assert place.inbox.stat().st_mode & 0o7777 == 0o700
    place.vault.deposit_key("second", ["x"], group=os.getegid())
    assert place.inbox.stat().st_mode & 0o7777 == 0o1770
    assert place.inbox.stat().st_gid == os.getegid()


def test_a_depositors_file_opens_nothing_and_shows_nothing(place: Place) -> None:
    """Its key hides itself, and neither key nor depositor can be pickled."""
    import pickle

    key = read_depositor_file(str(place.file))
    assert place.file.stat().st_mode & 0o777 == 0o400
    assert place.file.read_text().split(":")[5] not in repr(key)
    for thing in (key, place.depositor()):
        with pytest.raises(TypeError):
            pickle.dumps(thing)


def test_what_another_key_holder_took_in_meanwhile_is_not_taken_in_again(place: Place) -> None:
    """Judged again inside the commit: the faster one counts, also for a person's word."""
    from strongroom.vault import deposits

    deposit_id = place.leave()
    core = place.vault._core
    slow = [deposits.find_pending(core, deposit_id) for _ in range(2)]
    assert [pending.reason for pending in slow] == ["", ""]
    with open_vault(SqliteStore.open(str(place.path)), place.credential, author="other", clock_us=place.clock) as other:
        assert len(other.collect_deposits()) == 1
    assert deposits._take(core, slow[0], "deposit", is_forced=False) is None
    assert deposits._take(core, slow[1], "deposit accept", is_forced=True) is None
    assert {pending.reason for pending in slow} == {"it was taken in before"}
    assert len(place.vault.history("sites/a/login")) == 1


def test_there_are_at_most_64_depositors(place: Place) -> None:
    """The next one is a conflict."""
    for number in range(63):
        place.vault.deposit_key(f"d{number}", ["x"])
    with pytest.raises(Conflict, match="at most 64"):
        place.vault.deposit_key("one more", ["x"])


def test_a_rotation_counts_though_its_deposit_key_cannot_be_published(place: Place) -> None:
    """It is a note; the next collection puts it right, and deposits under the key before open."""
    place.inbox.chmod(0o770)
    place.vault.rotate(root=True)
    assert any("could not be published" in note for note in place.vault.notes)
    assert place.vault.status().epoch == 2
    place.inbox.chmod(0o700)
    place.leave("inbox/1")
    place.vault.collect_deposits()
    place.leave("inbox/2")
    place.vault.collect_deposits()
    assert list(place.vault.list("inbox")) == ["1", "2"]


def test_opening_a_vault_takes_in_and_never_fails_for_it(place: Place) -> None:
    """`strongroom.open` collects; an unsafe inbox and what waits are notes of the vault."""
    from strongroom.keys.slots.key_file import encode_key_file
    from strongroom.locate.opening import open as open_at

    key = place.path.with_name("owner.key")
    key.write_bytes(encode_key_file(place.credential))
    key.chmod(0o400)
    place.clock.now = time.time_ns() // 1000
    place.leave()
    place.leave("other/a")
    with open_at(place.path, key_file=key) as vault:
        assert vault.get("sites/a/login", "password").reveal() == "tiger"
        assert any("wait for a person: 1" in note for note in vault.notes)
    place.inbox.chmod(0o770)
    with open_at(place.path, key_file=key) as vault:
        assert any("deposits were not taken in" in note for note in vault.notes)
    findings = list(check_inbox(str(place.path)))
    assert [finding.is_serious for finding in findings] == [True]
    place.inbox.chmod(0o700)
    assert ["deposits wait" in str(finding.message) for finding in check_inbox(str(place.path))] == [True]


def test_a_form_of_a_newer_program_is_refused() -> None:
    """Deposits, their content and depositors: nothing is guessed."""
    depositor = deposit_records.Depositor(bytes(16), "web", bytes(32), ["x"], 1)
    encoded = deposit_records.encode_depositor(depositor)
    for decode in (
        lambda: deposit_records.Deposit.decode(b"SRDP\2"),
        lambda: deposit_records.decode_content(bytearray(b"\2")),
        lambda: deposit_records.decode_depositor(bytes(16), b"\2" + encoded[1:]),
    ):
        with pytest.raises(FormatUnsupported):
            decode()
    with pytest.raises(Tampered):
        deposit_records.decode_depositor(bytes(16), encoded.replace(b"web", b"w\0b"))
