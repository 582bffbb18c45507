"""Attacks on deposits, by whoever can write to the inbox, copy from it, or plant another deposit key."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from strongroom.errors import (
    Conflict,
    Denied,
    NotFound,
    RolledBack,
    StoreUnavailable,
    Tampered,
    UnsafePermissions,
    WrongKey,
)
from strongroom.items import Field
from strongroom.keys import deposit_keys
from strongroom.keys.deposit_keys import DepositorKey
from strongroom.keys.slots.key_file import new_key_file
from strongroom.locate.depositing import Depositor, write_depositor_file
from strongroom.stores import inbox
from strongroom.stores.sqlite import SqliteStore
from strongroom.vault.deposit_records import Deposit, encode_content
from strongroom.vault.ledger import Ledger
from strongroom.vault.opening import create_vault
from strongroom.vault.vault import Vault

SECRET = "tiger in the attic"


def make_vault(root: Path) -> Vault:
    root.mkdir(mode=0o700, exist_ok=True)
    store = SqliteStore.create(str(root / "vault.db"))
    vault = create_vault(store, [new_key_file()], author="owner")
    store.publish()
    return vault


class Scene:
    """A vault with two depositors, and an attacker who owns the inbox's files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.vault = make_vault(root)
        self.inbox = root / "vault.db.inbox"
        self.web = root / "web.key"
        self.shop = root / "shop.key"
        write_depositor_file(str(self.web), self.vault.deposit_key("web", ["web/**"]))
        write_depositor_file(str(self.shop), self.vault.deposit_key("shop", ["shop/**"]))

    def leave(self, path: str = "web/login", key: Path | None = None) -> Path:
        with Depositor(self.root / "vault.db", key or self.web) as depositor:
            return self.inbox / f"{depositor.deposit(path, {'password': SECRET})}.deposit"

    def key(self, path: Path | None = None) -> DepositorKey:
        return deposit_keys.decode_depositor_key(bytearray((path or self.web).read_bytes()))

    def forge(self, key: DepositorKey, *, content: bytes | None = None, fields: dict[str, Field] | None = None) -> Path:
        """A deposit made by hand: well signed, whatever it holds."""
        version, public = deposit_keys.check_notice((self.inbox / "key").read_bytes(), key.pinned)
        deposit_id, counter = os.urandom(16), time.time_ns() // 1000
        vault_id = key.pinned.vault_id
        info = deposit_keys.deposit_info(vault_id, version, deposit_id, key.depositor_id, counter)
        plaintext = encode_content("web/forged", fields or {}) if content is None else content
        sealed = deposit_keys.seal_deposit(public, plaintext, info)
        deposit = Deposit(
            vault_id=vault_id, key_version=version, deposit_id=deposit_id, depositor_id=key.depositor_id,
            counter=counter, sealed=sealed, signature=key.sign(version, deposit_id, counter, sealed),
        )  # fmt: skip
        path = self.inbox / f"{deposit_id.hex()}.deposit"
        path.write_bytes(deposit.encode())
        return path

    def refused(self) -> str:
        """Collect, see that nothing came of it, and return the reasons."""
        before = self.vault.commit_counter
        assert self.vault.collect_deposits() == []
        assert self.vault.commit_counter == before
        assert list(self.vault.walk()) == []
        return "; ".join(pending.reason for pending in self.vault.pending_deposits())


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path / "place")
    yield made
    made.vault.lock()


def _edit(scene: Scene, change: Callable[[Deposit], None]) -> None:
    path = scene.leave()
    deposit = Deposit.decode(path.read_bytes())
    change(deposit)
    path.unlink()
    (scene.inbox / f"{deposit.deposit_id.hex()}.deposit").write_bytes(deposit.encode())


def _set(name: str, value: object) -> Callable[[Scene], None]:
    return lambda scene: _edit(scene, lambda deposit: setattr(deposit, name, value))


def _resigned(scene: Scene) -> None:
    """Another depositor puts his own name and signature on what he has copied."""
    shop = scene.key(scene.shop)

    def change(deposit: Deposit) -> None:
        deposit.depositor_id = shop.depositor_id
        deposit.signature = shop.sign(deposit.key_version, deposit.deposit_id, deposit.counter, deposit.sealed)

    _edit(scene, change)


def _foreign(scene: Scene) -> None:
    """A deposit for another vault, put into this one's inbox."""
    other = Scene(scene.root / "other")
    path = other.leave()
    (scene.inbox / path.name).write_bytes(path.read_bytes())
    other.vault.lock()


def _foreign_claiming(scene: Scene) -> None:
    """The same, with this vault's id written into it."""
    other = Scene(scene.root / "other")
    deposit = Deposit.decode(other.leave().read_bytes())
    deposit.vault_id = scene.vault.vault_id
    (scene.inbox / f"{deposit.deposit_id.hex()}.deposit").write_bytes(deposit.encode())
    other.vault.lock()


def _renamed(scene: Scene) -> None:
    path = scene.leave()
    path.rename(path.with_name(f"{bytes(16).hex()}.deposit"))


def _copied(scene: Scene) -> None:
    path = scene.leave()
    path.with_name(f"{bytes(16).hex()}.deposit").write_bytes(path.read_bytes())
    path.unlink()


def _linked(scene: Scene) -> None:
    path = scene.leave()
    os.link(path, scene.root / "second name")


def _symbolic(scene: Scene) -> None:
    path = scene.leave()
    path.rename(scene.root / "moved")
    path.symlink_to(scene.root / "moved")


def _pipe(scene: Scene) -> None:
    os.mkfifo(scene.inbox / f"{bytes(16).hex()}.deposit")


def _directory(scene: Scene) -> None:
    (scene.inbox / f"{bytes(16).hex()}.deposit").mkdir()


def _cut(scene: Scene) -> None:
    path = scene.leave()
    path.write_bytes(path.read_bytes()[:-1])


def _oversized(scene: Scene) -> None:
    with (scene.inbox / f"{bytes(16).hex()}.deposit").open("wb") as file:
        file.truncate(4 << 30)


def _long_length(scene: Scene) -> None:
    path = scene.leave()
    data = bytearray(path.read_bytes())
    data[65:69] = b"\xff\xff\xff\xff"  # the length of the ciphertext
    path.write_bytes(data)


def _bad_content(content: bytes) -> Callable[[Scene], None]:
    return lambda scene: scene.forge(scene.key(), content=content) and None


def _bad_name(scene: Scene) -> None:
    scene.forge(scene.key(), fields={"a\x1b[2J": Field("a\x1b[2J", "text", b"x", is_secret=False)})


ATTACKS: dict[str, tuple[Callable[[Scene], object], str]] = {
    "signed by nobody": (_set("signature", bytes(64)), "its signature is not web's"),
    "another counter": (_set("counter", 1), "does not open"),
    "another id": (_set("deposit_id", bytes(16)), "does not open"),
    "another depositor": (_set("depositor_id", bytes(16)), "does not open"),
    "another version of the key": (_set("key_version", 2), "deposit key that this vault does not have"),
    "other bytes": (_set("sealed", bytes(2000)), "does not open"),
    "signed anew by another depositor": (_resigned, "does not open"),
    "outside the patterns": (lambda scene: scene.leave("shop/till"), "web may not deposit there"),
    "the folder's own name": (lambda scene: scene.leave("web"), "web may not deposit there"),
    "another vault's": (_foreign, "for another vault"),
    "another vault's with our id": (_foreign_claiming, "does not open"),
    "renamed": (_renamed, "renamed"),
    "a copy under another name": (_copied, "renamed"),
    "with a second name": (_linked, "not a regular file with one name"),
    "a symbolic link": (_symbolic, "symbolic link"),
    "a pipe": (_pipe, "not a regular file"),
    "a directory": (_directory, "not a regular file"),
    "cut": (_cut, "ends too early"),
    "4 GiB": (_oversized, "is longer than"),
    "a length of 4 GiB": (_long_length, "too long"),
    "a path that climbs": (_bad_content(encode_content("../vault.db", {})), "no item can hold"),
    "an empty path": (_bad_content(encode_content("", {})), "no item can hold"),
    "no content at all": (_bad_content(b""), "ends too early"),
    "a newer form": (_bad_content(b"\x02"), "newer strongroom"),
    "a name with control characters": (_bad_name, "control character"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_is_not_right_waits_with_its_reason(name: str, scene: Scene) -> None:
    """Nothing of it is taken in, the vault does not change, and the list says why."""
    attack, reason = ATTACKS[name]
    attack(scene)
    assert reason in scene.refused()
    assert scene.vault.verify().deposits_waiting == 1


@pytest.mark.parametrize("name", ATTACKS)
def test_what_is_not_right_holds_up_nothing_else(name: str, scene: Scene) -> None:
    """A good deposit beside it is taken in."""
    ATTACKS[name][0](scene)
    scene.leave("web/good")
    assert [taken.path for taken in scene.vault.collect_deposits()] == ["web/good"]


def test_the_same_scene_without_an_attack_is_taken_in(scene: Scene) -> None:
    """The reasons above are not what is said of everything; a forger with a depositor's own key is that depositor."""
    scene.leave()
    scene.forge(scene.key(), fields={"password": Field("password", "text", b"x", is_secret=True)})
    assert [taken.path for taken in scene.vault.collect_deposits()] == ["web/login", "web/forged"]


def test_every_changed_byte_is_noticed(scene: Scene) -> None:
    """Each byte of a deposit is covered: by its form, its signature, its seal, or its file's name."""
    path = scene.leave()
    whole = path.read_bytes()
    places = [*range(70), *range(70, len(whole) - 64, 97), *range(len(whole) - 64, len(whole))]
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 1
        path.write_bytes(changed)
        (pending,) = scene.vault.pending_deposits()
        assert pending.reason, place
    path.write_bytes(whole)
    assert len(scene.vault.collect_deposits()) == 1


def test_a_flood_of_one_user_is_bounded_and_shuts_nobody_out(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Junk beyond the bound is not even read; what other users left is."""
    monkeypatch.setattr(inbox, "USER_DEPOSITS_MAX", 8)
    for _ in range(100):
        (scene.inbox / f"{os.urandom(16).hex()}.deposit").write_bytes(b"junk")
    assert len(scene.vault.pending_deposits()) == 8
    with pytest.raises(Conflict, match="the inbox is full"):
        scene.leave()
    if os.geteuid() == 0:
        for path in scene.inbox.glob("*.deposit"):
            os.chown(path, 4242, -1)
        scene.leave()
        assert [taken.path for taken in scene.vault.collect_deposits()] == ["web/login"]


def test_the_bytes_of_one_user_are_bounded(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is looked at, and what may be left."""
    monkeypatch.setattr(inbox, "USER_BYTES_MAX", 5000)
    for _ in range(10):
        (scene.inbox / f"{os.urandom(16).hex()}.deposit").write_bytes(bytes(2000))
    assert len(scene.vault.pending_deposits()) == 2
    with pytest.raises(Conflict, match="the inbox is full"):
        scene.leave()


def test_a_deposit_has_a_greatest_size(scene: Scene) -> None:
    """1 MiB goes in, more does not, and nothing is left of the attempt."""
    with Depositor(scene.root / "vault.db", scene.web) as depositor:
        depositor.deposit("web/big", {"blob": bytes(1024 * 1024)})
        with pytest.raises(ValueError, match="1 MiB"):
            depositor.deposit("web/bigger", {"blob": bytes(1024 * 1024 + 70_000)})
    assert [taken.path for taken in scene.vault.collect_deposits()] == ["web/big"]
    assert sorted(os.listdir(scene.inbox)) == ["key"]


def test_another_deposit_key_is_not_used(scene: Scene) -> None:
    """A notice of another vault, with our vault's id, an older one, a changed one, none: nothing is sealed to it."""
    notice = scene.inbox / "key"
    ours = notice.read_bytes()
    other = Scene(scene.root / "other")
    theirs = (other.inbox / "key").read_bytes()
    other.vault.lock()
    claiming = theirs[:5] + scene.vault.vault_id + theirs[21:]
    scene.vault.rotate(root=True)
    newer = notice.read_bytes()
    changed = [newer[:place] + bytes((newer[place] ^ 1,)) + newer[place + 1 :] for place in range(5, len(newer), 61)]
    for planted in (theirs, claiming, newer[:-1], newer + b"x", b"", *changed):
        notice.write_bytes(planted)
        with pytest.raises(Tampered):
            scene.leave()
    later = scene.root / "later.key"
    notice.write_bytes(newer)
    write_depositor_file(str(later), scene.vault.deposit_key("later", ["web/**"]))
    notice.write_bytes(ours)
    with pytest.raises(RolledBack):
        scene.leave(key=later)
    notice.unlink()
    with pytest.raises(NotFound):
        scene.leave()
    assert list(scene.inbox.glob("*.deposit")) == []
    # Whoever holds the keys puts it right when he looks next.
    scene.vault.collect_deposits()
    assert notice.read_bytes() == newer


def test_a_depositors_file_opens_no_vault_and_must_be_private(scene: Scene) -> None:
    """Not taken for a key file; refused when others can read it; refused when damaged."""
    from strongroom.locate.opening import open as open_vault_at

    with pytest.raises(WrongKey):
        open_vault_at(scene.root / "vault.db", key_file=scene.web)
    scene.web.chmod(0o444)
    with pytest.raises(UnsafePermissions):
        scene.leave()
    whole = scene.web.read_bytes()
    scene.web.unlink()
    for damaged in (whole[:-5], whole[:40] + b"0" + whole[41:], b"", whole.replace(b":", b";")):
        if damaged == whole:
            continue
        scene.web.write_bytes(damaged)
        scene.web.chmod(0o400)
        with pytest.raises(WrongKey):
            scene.leave()
        scene.web.unlink()


def test_an_inbox_in_which_users_could_replace_files_is_refused(scene: Scene) -> None:
    """Group-writable without the sticky bit, or a link: neither side uses it."""
    scene.inbox.chmod(0o770)
    with pytest.raises(UnsafePermissions):
        scene.leave()
    with pytest.raises(UnsafePermissions):
        scene.vault.collect_deposits()
    assert scene.vault.verify().deposits_waiting is None
    scene.inbox.chmod(0o700)
    scene.inbox.rename(scene.root / "elsewhere")
    scene.inbox.symlink_to(scene.root / "elsewhere")
    with pytest.raises(UnsafePermissions):
        scene.leave()
    with pytest.raises(UnsafePermissions):
        scene.vault.collect_deposits()


def test_what_a_killed_depositor_left_unfinished_is_removed_after_an_hour(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not before, so that nobody's deposit is taken from under him; and a name of no meaning is left alone."""
    unfinished = scene.inbox / f".{bytes(16).hex()}.new"
    unfinished.write_bytes(b"half")
    (scene.inbox / "planted.new").mkdir()
    (scene.inbox / "README").write_bytes(b"by a person")
    scene.vault.collect_deposits()
    assert unfinished.exists()
    monkeypatch.setattr(inbox, "time", lambda: time.time() + 3700)
    scene.vault.collect_deposits()
    assert sorted(os.listdir(scene.inbox)) == ["README", "key", "planted.new"]
    scene.leave()
    assert len(scene.vault.collect_deposits()) == 1


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    """A real small disk: the error is ours, the unfinished file is gone, and what was there stays."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "strongroom-test", str(place)]
    mounted = subprocess.run(mount, capture_output=True, check=False, text=True)
    if mounted.returncode:
        pytest.skip(f"a small disk needs root: {mounted.stderr.strip()}")
    try:
        box = inbox.Inbox(str(place / "vault.db.inbox"))
        box.create()
        box.put(bytes(16), bytes(20_000))
        box.write_notice(b"old")
        for attempt in (lambda: box.put(b"\1" * 16, bytes(60_000)), lambda: box.write_notice(bytes(60_000))):
            with pytest.raises(StoreUnavailable, match="no space left"):
                attempt()
        assert sorted(os.listdir(box.path)) == [f"{bytes(16).hex()}.deposit", "key"]
        assert box.notice() == b"old"
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("moment", ["before the commit", "after it"])
def test_a_crash_while_taking_in_loses_and_doubles_nothing(moment: str, scene: Scene) -> None:
    """A key holder is killed; the next one has the deposit in the vault once, and out of the inbox."""
    scene.leave()
    child = os.fork()
    if not child:
        try:
            if moment == "before the commit":
                Ledger.write = lambda *_: os._exit(7)  # type: ignore[method-assign]
            else:
                inbox.Inbox.remove = lambda *_: os._exit(7)  # type: ignore[method-assign]
            scene.vault.collect_deposits()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert len(list(scene.inbox.glob("*.deposit"))) == 1
    scene.vault.collect_deposits()
    assert list(scene.inbox.glob("*.deposit")) == []
    assert [version.number for version in scene.vault.history("web/login")] == [1]
    assert scene.vault.get("web/login", "password").reveal() == SECRET
    scene.vault.verify()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_user_outside_the_group_is_told_so(scene: Scene) -> None:
    """Denied, with the command that helps, and not a bug's traceback."""
    for place in (scene.root, *scene.root.parents):
        if place.stat().st_uid == 0 and place != Path("/") and not place.stat().st_mode & 0o001:
            place.chmod(0o711)
    scene.inbox.chmod(0o1770)
    box = inbox.Inbox(str(scene.inbox))
    child = os.fork()
    if not child:
        code = 1
        try:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            try:
                box.put(bytes(16), b"x")
            except Denied:
                code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
