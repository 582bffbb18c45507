"""Named keys: what they encrypt, how they rotate, what each refuses. The same tests run through the agent."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import cryptography.fernet
import pytest

from strongroom.crypto import boxes
from strongroom.crypto.fernet import InvalidToken, TokenExpired
from strongroom.errors import Conflict, Denied, Expired, FormatUnsupported, NotFound, Tampered, VaultLocked
from strongroom.items import ReservedPath
from strongroom.vault.named_keys import named_key as named_key_module
from strongroom.vault.named_keys import record
from strongroom.vault.named_keys.danger import export_private, import_key, import_version
from strongroom.vault.named_keys.named_key import NamedKey
from strongroom.vault.named_keys.record import KINDS, Material, encode_record
from strongroom.vault.named_keys.uses import last_use_us
from strongroom.vault.vault import Vault
from tests.unit.vault.conftest import Clock

WEEK = timedelta(days=7)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that is read again at each use, as after a minute."""
    monkeypatch.setattr(named_key_module, "REFRESH_SECONDS", -1)
    monkeypatch.setattr(named_key_module, "_SOONEST_SECONDS", -1)


def test_a_message_opens_with_the_same_associated_data_alone(vault: Vault) -> None:
    """What it belongs to is bound to it."""
    key = vault.keys.create("invoices")
    message = key.encrypt(b"4711", associated_data=b"row 1")
    assert len(message) == 4 + 88
    assert b"4711" not in message
    assert vault.keys["invoices"].decrypt(message, associated_data=b"row 1") == b"4711"
    for other in (b"", b"row 2", b"row 1\0"):
        with pytest.raises(Tampered):
            key.decrypt(message, associated_data=other)


@pytest.mark.parametrize("size", [0, 1, 16_383, 16_384, 16_385, 100_000])
def test_messages_of_any_size(vault: Vault, size: int) -> None:
    """The empty one, and those at the edges of a chunk."""
    key = vault.keys.create("k")
    data = bytes(size)
    message = key.encrypt(bytearray(data))
    assert len(message) == size + 88 + 16 * (size // 16_384)
    assert key.decrypt(memoryview(message)) == data


def test_every_changed_byte_is_noticed(vault: Vault) -> None:
    """Also in the head, which is not encrypted: version and date are bound."""
    key = vault.keys.create("k")
    key.rotate()
    message = key.encrypt(b"payload")
    for position in range(len(message)):
        changed = bytearray(message)
        changed[position] ^= 1
        with pytest.raises((Tampered, NotFound)):
            key.decrypt(changed)
    for length in range(len(message)):
        with pytest.raises(Tampered):
            key.decrypt(message[:length])
    with pytest.raises(Tampered):
        key.decrypt(message + b"\0")


def test_a_message_of_one_key_is_nothing_to_another(vault: Vault) -> None:
    """Even where the private part is the same: messages are bound to the key's id."""
    one = import_key(vault.keys, "one", "aead", bytes(range(32)))
    two = import_key(vault.keys, "two", "aead", bytes(range(32)))
    with pytest.raises(Tampered):
        two.decrypt(one.encrypt(b"x"))


def test_the_age_of_a_message(vault: Vault, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """max_age is counted from the date that is bound to the message; a date that lies ahead is refused."""
    key = vault.keys.create("k")
    monkeypatch.setattr(key, "_clock_us", clock)
    message = key.encrypt(b"x")
    clock.advance(seconds=60)
    assert key.decrypt(message, max_age=timedelta(seconds=60)) == b"x"
    clock.advance(seconds=1)
    with pytest.raises(Expired, match="older"):
        key.decrypt(message, max_age=timedelta(seconds=60))
    assert key.decrypt(message) == key.decrypt(message, max_age="any") == b"x"
    clock.advance(seconds=-180)
    with pytest.raises(Expired, match="future"):
        key.decrypt(message, max_age=timedelta(seconds=60))
    # A rewrapped message is no younger than it was.
    clock.advance(seconds=180)
    key.rotate()
    with pytest.raises(Expired):
        key.decrypt(key.rewrap(message), max_age=timedelta(seconds=60))


def test_rotation_keeps_what_is_older_readable(vault: Vault) -> None:
    """The new primary encrypts; rewrap moves a message to it, and leaves one alone that is there."""
    key = vault.keys.create("k")
    old = key.encrypt(b"x", associated_data=b"a")
    assert (key.phase, key.primary.number) == ("steady", 1)
    assert key.rotate().number == 2
    assert (key.phase, key.primary.number) == ("promoted", 2)
    assert key.decrypt(old, associated_data=b"a") == b"x"
    new = key.rewrap(old, associated_data=b"a")
    assert new != old
    assert key.rewrap(new, associated_data=b"a") == new
    with pytest.raises(Tampered):
        key.rewrap(old, associated_data=b"b")
    key.disable(1)
    assert key.phase == "steady"
    assert key.decrypt(new, associated_data=b"a") == b"x"
    with pytest.raises(Denied, match="version 1 of the key k is disabled"):
        key.decrypt(old, associated_data=b"a")
    assert key.enable(1).state == "enabled"
    assert key.decrypt(old, associated_data=b"a") == b"x"
    assert [version.number for version in vault.keys["k"].versions] == [1, 2]


def test_the_least_version_that_decrypts(vault: Vault) -> None:
    """min_decrypt_version closes all below it; never above the primary, nor that one."""
    key = vault.keys.create("k")
    old = key.encrypt(b"x")
    key.rotate()
    key.set_min_decrypt_version(2)
    assert vault.keys["k"].min_decrypt_version == 2
    with pytest.raises(Denied, match="from version 2 on"):
        key.decrypt(old)
    for wrong in (0, 3, -1):
        with pytest.raises(ValueError, match=r"1\.\.2"):
            key.set_min_decrypt_version(wrong)
    key.set_min_decrypt_version(1)
    assert key.decrypt(old) == b"x"


def test_a_destroyed_version_is_gone_everywhere(vault: Vault) -> None:
    """Also from older states of the key; and destroying it twice is no error."""
    key = vault.keys.create("k")
    secret = export_private(key).reveal()
    old = key.encrypt(b"x")
    key.rotate()
    key.destroy(1)
    assert key.versions[0].state == "destroyed"
    with pytest.raises(NotFound, match="destroyed"):
        key.decrypt(old)
    with pytest.raises(Conflict, match="destroyed"):
        key.enable(1)
    own, path = vault._reserved, ReservedPath("@keys/k")
    history = own.history(path)
    assert [version.destroyed for version in history] == [True, True, False]
    assert secret not in own.get(path)["keyset"].reveal()
    key.destroy(1)
    with pytest.raises(NotFound, match="no version 9"):
        key.destroy(9)


def test_a_destruction_that_was_interrupted_is_completed(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state is written first; the second call removes what the first one left behind."""
    key = vault.keys.create("k")
    key.rotate()
    with monkeypatch.context() as patched:
        patched.setattr(type(key._keys), "_forget_older", lambda _self, _name: None)
        key.destroy(1)
    assert [version.destroyed for version in vault._reserved.history(ReservedPath("@keys/k"))] == [False] * 3
    vault.keys["k"].destroy(1)
    assert [version.destroyed for version in vault._reserved.history(ReservedPath("@keys/k"))][:2] == [True] * 2


def test_the_primary_stays(vault: Vault) -> None:
    """There is one primary at all times: it is not disabled or destroyed, only replaced."""
    key = vault.keys.create("k")
    for act in (key.disable, key.destroy):
        with pytest.raises(Conflict, match="is the primary"):
            act(1)
    assert vault.keys["k"].primary.number == 1


def test_two_phases(vault: Vault) -> None:
    """Stage, promote, retire: each knows what comes before it."""
    key = vault.keys.create("sessions", "fernet")
    with pytest.raises(Conflict, match="staged"):
        key.promote()
    with pytest.raises(Conflict, match="no older version"):
        key.retire(quiet=timedelta(0))
    old = key.encrypt(b"old")
    assert key.stage().number == 2
    assert (key.phase, key.primary.number) == ("staged", 1)
    with pytest.raises(Conflict, match="no older version") as early:
        key.retire(quiet=timedelta(0))
    assert "--promote" in early.value.advice
    for act in (key.stage, key.rotate):
        with pytest.raises(Conflict, match="is staged"):
            act()
    # Not used for what is new yet, but read: a program that was faster may have it as its primary.
    faster = cryptography.fernet.Fernet(named_fernet_text(key, 2))
    token = faster.encrypt_at_time(b"new", key._clock_us() // 1_000_000)
    assert key.decrypt(token, max_age="any") == b"new"
    assert key.promote().number == 2
    assert (key.phase, key.primary.number) == ("promoted", 2)
    assert key.decrypt(old, max_age="any") == b"old"


def test_a_staged_version_may_be_withdrawn(vault: Vault) -> None:
    """What was disabled is never promoted in another one's place."""
    key = vault.keys.create("k")
    key.stage()
    key.disable(2)
    with pytest.raises(Conflict, match="no version"):
        key.promote()
    assert key.stage().number == 3
    key.enable(2)
    key.disable(3)
    assert key.promote().number == 2
    assert [version.is_primary for version in vault.keys["k"].versions] == [False, True, False]


def named_fernet_text(key: NamedKey, number: int) -> bytes:
    from strongroom.crypto.fernet import encode

    return encode(export_private(key, number).reveal())


def test_retire_waits_until_nothing_is_read_with_it(
    vault: Vault, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that another program has just needed stays; one that was quiet for long enough goes."""
    key = vault.keys.create("sessions", "fernet")
    monkeypatch.setattr(key, "_clock_us", clock)
    token = key.encrypt(b"x")
    key.rotate()
    with pytest.raises(Conflict, match="became the primary 0 seconds ago"):
        key.retire()
    clock.advance(seconds=6 * 86_400)
    other = vault.keys["sessions"]
    monkeypatch.setattr(other, "_clock_us", clock)
    assert other.decrypt(token, max_age=timedelta(days=30)) == b"x"
    clock.advance(seconds=2 * 86_400)
    with pytest.raises(Conflict, match="version 1 of the key sessions decrypted something 2 days ago"):
        key.retire()
    assert [version.number for version in key.retire(quiet=timedelta(days=1))] == [1]
    assert key.phase == "steady"
    with pytest.raises(InvalidToken):
        key.decrypt(token, max_age="any")
    with pytest.raises(InvalidToken):
        other.refresh()
        other.decrypt(token, max_age="any")


def test_a_use_is_written_once_in_a_while(vault: Vault) -> None:
    """Not at every decryption; and never for the primary."""
    key = vault.keys.create("k")
    message = key.encrypt(b"x")
    for _ in range(5):
        key.decrypt(message)
    key.rotate()
    for _ in range(5):
        key.decrypt(message)
    own = vault._reserved
    assert list(own.walk(ReservedPath("@uses"))) == ["@uses/k/1"]
    assert len(own.history(ReservedPath("@uses/k/1"))) == 1
    vault.keys.destroy("k")
    with pytest.raises(NotFound):
        own.walk(ReservedPath("@uses"))


def test_a_use_that_cannot_be_written_is_a_warning(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data is given out; whoever retires the key must hear of it."""
    key = vault.keys.create("k")
    message = key.encrypt(b"x")
    key.rotate()

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise Denied("permission denied")

    monkeypatch.setattr(type(vault), "set", refuse)
    with pytest.warns(RuntimeWarning, match="version 1 of the key k was not written down"):
        assert key.decrypt(message) == b"x"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert key.decrypt(message) == b"x"


OTHER_USES: dict[str, Callable[[NamedKey], object]] = {
    "encrypt": lambda key: key.encrypt(b"x"),
    "decrypt": lambda key: key.decrypt(bytes(200), max_age="any"),
    "rewrap": lambda key: key.rewrap(bytes(200)),
    "mac": lambda key: key.mac(b"x"),
    "check_mac": lambda key: key.check_mac(b"x", bytes(32)),
    "seal": lambda key: key.seal(b"x"),
    "open": lambda key: key.open(bytes(200)),
}
ALLOWED = {
    "aead": {"encrypt", "decrypt", "rewrap"},
    "fernet": {"encrypt", "decrypt", "rewrap"},
    "hmac": {"mac", "check_mac"},
    "box": {"seal", "open"},
    "signing": set(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_of_one_kind_never_serves_another(vault: Vault, kind: str) -> None:
    """Each use is one kind's own."""
    key = vault.keys.create("k", kind)  # type: ignore[arg-type]
    assert key.kind == vault.keys["k"].kind == kind
    for use, act in OTHER_USES.items():
        if use not in ALLOWED[kind]:
            with pytest.raises(ValueError, match=f"is of kind {kind}"):
                act(key)


def test_tags(vault: Vault) -> None:
    """HMAC-SHA-256 as everybody computes it; older versions still verify."""
    import hashlib
    import hmac

    key = import_key(vault.keys, "hooks", "hmac", bytes(range(32)))
    tag = key.mac(b"body")
    assert tag == hmac.new(bytes(range(32)), b"body", hashlib.sha256).digest()
    key.check_mac(b"body", tag)
    key.rotate()
    key.check_mac(b"body", tag)
    for body, wrong in ((b"Body", tag), (b"body", bytes(32)), (b"body", tag[:-1]), (b"body", b"")):
        with pytest.raises(Tampered):
            key.check_mac(body, wrong)
    key.disable(1)
    with pytest.raises(Tampered):
        key.check_mac(b"body", tag)


def test_boxes(vault: Vault) -> None:
    """What somebody seals to the public part opens with whichever version; info is bound."""
    key = vault.keys.create("inbox", "box")
    public = key.primary.public
    assert len(public) == 32 + 1216
    sealed = boxes.seal_hybrid(public[32:], b"x", b"orders")
    mine = key.seal(b"y", info=b"orders")
    key.rotate()
    assert key.open(sealed, info=b"orders") == b"x"
    assert key.open(mine, info=b"orders") == b"y"
    assert key.open(boxes.seal_x25519(public[:32], b"z", b""), form="hpke-x25519") == b"z"
    for info in (b"", b"Orders"):
        with pytest.raises(Tampered):
            key.open(sealed, info=info)
    with pytest.raises(Tampered):
        key.open(sealed, info=b"orders", form="hpke-x25519")
    key.disable(1)
    with pytest.raises(Tampered):
        key.open(sealed, info=b"orders")
    with pytest.raises(ValueError, match="form"):
        key.open(sealed, form="pgp")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="info"):
        key.open(sealed, form="nacl", info=b"x")


def test_an_imported_box_key_has_what_it_came_with(vault: Vault) -> None:
    """32 bytes are X25519 alone; 64 are what `export_private` gives."""
    plain = import_key(vault.keys, "plain", "box", bytes(range(32)))
    assert plain.primary.public == boxes.x25519_public(bytes(range(32)))
    assert plain.open(plain.seal(b"x")) == b"x"
    assert plain.primary.origin == "imported"
    whole = vault.keys.create("whole", "box")
    copy = import_key(vault.keys, "copy", "box", export_private(whole).reveal())
    assert copy.open(whole.seal(b"x")) == b"x"
    assert copy.primary.public == whole.primary.public


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [0, 16, 31, 33, 48, 65, 96])
def test_a_private_part_of_another_length_is_refused(vault: Vault, kind: str, length: int) -> None:
    """Nothing is padded or cut; and nothing is stored."""
    with pytest.raises(ValueError, match="bytes"):
        import_key(vault.keys, "k", kind, bytes(length))  # type: ignore[arg-type]
    assert list(vault.keys) == []
    key = vault.keys.create("k", kind)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="bytes"):
        import_version(key, bytes(length))
    assert len(vault.keys["k"].versions) == 1


def test_an_imported_version(vault: Vault) -> None:
    """It becomes the primary, or is staged; the caller's copy stays the caller's."""
    private = bytearray(range(32))
    key = vault.keys.create("k", "fernet")
    version = import_version(key, private, stage=True)
    assert (version.number, version.origin, key.phase) == (2, "imported", "staged")
    assert export_private(key, 2).reveal() == private == bytearray(range(32))
    key.promote()
    assert import_version(key, bytes(32)).is_primary
    key.disable(2)
    with pytest.raises(Denied):
        export_private(key, 2)


def test_the_names_of_keys(vault: Vault) -> None:
    """A mapping over names; one name, one key."""
    keys = vault.keys
    assert list(keys) == list(keys.list()) == []
    assert "a" not in keys
    keys.create("b")
    keys.create("a", "signing")
    assert list(keys) == ["a", "b"]
    assert "a" in keys
    with pytest.raises(Conflict, match="there is a key a already"):
        keys.create("a")
    for name in ("c", "A"):
        with pytest.raises(NotFound, match=f"no key {name}"):
            keys[name]
    with pytest.raises(NotFound):
        keys.destroy("c")
    keys.destroy("a")
    assert list(keys) == ["b"]
    assert list(vault.walk()) == []
    with pytest.raises(ValueError, match="kind"):
        keys.create("d", "rsa")  # type: ignore[arg-type]
    for wrong in ("", "a/b", ".", "..", " a", "a\n", "/"):
        with pytest.raises(ValueError):
            keys.create(wrong)
    with pytest.raises(TypeError):
        keys.get(7)  # type: ignore[arg-type]


def test_a_version_tells_when_it_was_what(vault: Vault, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signatures are judged by it: from when to when a version was the primary."""
    key = vault.keys.create("k", "signing")
    monkeypatch.setattr(key, "_clock_us", clock)
    first = key.primary
    assert first.primary_until is None
    assert first.created.tzinfo is UTC
    clock.advance(seconds=3600)
    key.stage()
    assert key.versions[1].primary_since is None
    clock.advance(seconds=3600)
    key.promote()
    moment = datetime.fromtimestamp(clock.now / 1e6, UTC)
    assert key.versions[0].primary_until == key.versions[1].primary_since == moment
    assert len(key.primary.public) == 32


def test_somebody_elses_change_is_a_conflict(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written over what was not read."""
    key = vault.keys.create("k")
    keys = key._keys
    load = keys._load

    def overtaken(_self: object, name: str) -> object:
        state = load(name)
        monkeypatch.undo()
        vault.keys["k"].rotate()
        return state

    monkeypatch.setattr(type(keys), "_load", overtaken)
    with pytest.raises(Conflict, match="changed by somebody else"):
        key.stage()
    assert len(vault.keys["k"].versions) == 2


def test_a_program_learns_of_a_rotation(vault: Vault, impatient: None) -> None:
    """After a minute, or at once when a message names a version that it does not know."""
    vault.keys.create("k")
    vault.keys.create("f", "fernet")
    ours, token_key = vault.keys["k"], vault.keys["f"]
    vault.keys["k"].rotate()
    vault.keys["f"].rotate()
    assert ours.decrypt(vault.keys["k"].encrypt(b"x")) == b"x"
    assert token_key.decrypt(vault.keys["f"].encrypt(b"x"), max_age="any") == b"x"
    assert ours.encrypt(b"x")[4:8] == b"\0\0\0\2"
    vault.keys.destroy("k")
    with pytest.raises(NotFound):
        ours.encrypt(b"x")


def test_a_key_of_the_same_name_is_another_key(vault: Vault, impatient: None) -> None:
    """Destroyed and made anew, it is not taken for the old one."""
    ours = vault.keys.create("k")
    message = ours.encrypt(b"x")
    vault.keys.destroy("k")
    theirs = vault.keys.create("k")
    with pytest.raises(NotFound, match="another one has its name"):
        ours.decrypt(message)
    with pytest.raises(Tampered):
        theirs.decrypt(message)


def test_keys_close_with_the_vault(vault: Vault) -> None:
    """A locked vault leaves no key in the program; one that was closed by itself neither."""
    key, other = vault.keys.create("k"), vault.keys.create("other", "hmac")
    view = key._known().record.materials[1].reveal_buffer()
    with other:
        other.mac(b"x")
    for act in (lambda: other.mac(b"x"), other.refresh, lambda: other.versions):
        with pytest.raises(VaultLocked):
            act()
    message = key.encrypt(b"x")
    vault.lock()
    for act in (lambda: key.encrypt(b"x"), lambda: key.decrypt(message), key.rotate, lambda: key.phase):
        with pytest.raises(VaultLocked):
            act()
    # Whoever still looks at it sees it; then it is overwritten.
    assert any(view)
    assert key._state is None


def test_a_private_part_is_overwritten_when_nobody_looks_at_it() -> None:
    """Not before, or a thread would encrypt under zeros; and not later."""
    given = bytearray(b"k" * 32)
    material = Material(given)
    assert not any(given)
    overwritten: list[bytes] = []

    class Watched(type(material._buffer)):  # type: ignore[misc]
        def __del__(self) -> None:
            super().__del__()
            overwritten.append(bytes(self))

    material._buffer = Watched(b"k" * 32)
    view = material.reveal_buffer()
    del material
    assert (view.tobytes(), overwritten) == (b"k" * 32, [])
    del view
    assert overwritten == [bytes(32)]


def test_a_refresh_never_pulls_a_key_from_under_a_thread(vault: Vault, impatient: None) -> None:
    """The private part that a thread works with is overwritten only when that has let go of it."""
    key = vault.keys.create("k")
    first = key.encrypt(bytes(300_000))
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(60):
                assert key.decrypt(key.encrypt(bytes(50_000))) == bytes(50_000)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert key.decrypt(first) == bytes(300_000)


def test_nothing_of_a_key_is_shown(vault: Vault) -> None:
    """repr, pickle and copies."""
    import copy
    import pickle

    key = vault.keys.create("k")
    secret = export_private(key)
    shown = f"{key!r} {key.versions!r} {key._known().record!r} {key._keys!r} {secret!r} {vars(type(key))!r}"
    assert secret.reveal().hex() not in shown
    assert repr(key) == "<NamedKey k (aead)>"
    for act in (pickle.dumps, copy.copy, copy.deepcopy):
        for one in (key, key._known().record):
            with pytest.raises(TypeError):
                act(one)


def test_tokens_say_how_old_they_may_be(vault: Vault, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """An age, or the word that waives it; associated data is not theirs."""
    key = vault.keys.create("f", "fernet")
    monkeypatch.setattr(key, "_clock_us", clock)
    token = key.encrypt(b"x")
    with pytest.raises(ValueError, match="max_age"):
        key.decrypt(token)
    assert key.decrypt(token.decode(), max_age=timedelta(seconds=0)) == b"x"
    assert key.decrypt(bytearray(token), max_age="any") == b"x"
    clock.advance(seconds=11)
    with pytest.raises(TokenExpired):
        key.decrypt(token, max_age=timedelta(seconds=10))
    with pytest.raises(cryptography.fernet.InvalidToken):
        key.decrypt(token, max_age=timedelta(seconds=10))
    clock.advance(seconds=-100)
    for age in (timedelta(days=1), "any"):
        with pytest.raises(cryptography.fernet.InvalidToken, match="future"):
            key.decrypt(token, max_age=age)  # type: ignore[arg-type]
    for act in (lambda: key.encrypt(b"x", associated_data=b"a"), lambda: key.rewrap(token, associated_data=b"a")):
        with pytest.raises(ValueError, match="associated"):
            act()
    with pytest.raises(TypeError):
        vault.keys.create("a").decrypt("text")


def test_a_rewrapped_token_keeps_its_date(vault: Vault, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """As MultiFernet.rotate does."""
    key = vault.keys.create("f", "fernet")
    monkeypatch.setattr(key, "_clock_us", clock)
    token = key.encrypt(b"x")
    assert key.rewrap(token) == token
    clock.advance(seconds=100)
    key.rotate()
    new = key.rewrap(token)
    assert new != token
    assert key.rewrap(new) == new
    assert key.decrypt(new, max_age=timedelta(seconds=100)) == b"x"
    with pytest.raises(TokenExpired):
        key.decrypt(new, max_age=timedelta(seconds=99))


def test_a_rotation_of_the_vault_leaves_keys_alone(vault: Vault) -> None:
    """They are items: re-encrypted, backed up and verified like all others."""
    key = vault.keys.create("k")
    message = key.encrypt(b"x")
    if not hasattr(vault, "held"):
        vault.rotate(root=True)
        vault.verify()
    assert key.decrypt(message) == b"x"
    assert vault.keys["k"].decrypt(message) == b"x"
    assert encode_record(vault.keys["k"]._known().record) == encode_record(key._known().record)


def test_somebody_elses_key_verifies_and_seals_alone(vault: Vault) -> None:
    """Its public part is kept with versions of its own; the private one is asked for in vain."""
    theirs = vault.keys.create("theirs", "box")
    key = vault.keys.import_public("partner", "box", theirs.primary.public)
    assert (key.primary.origin, vault.keys["partner"].primary.public) == ("imported", theirs.primary.public)
    sealed = key.seal(b"x")
    assert theirs.open(sealed) == b"x"
    for act in (lambda: key.open(sealed), lambda: export_private(key)):
        with pytest.raises(Denied, match="only the public part"):
            act()
    for change in (key.rotate, key.stage, lambda: import_version(key, bytes(64))):
        with pytest.raises(Conflict, match="somebody else's"):
            change()
    assert key.add_public(theirs.rotate().public, stage=True).number == 2
    assert key.phase == "staged"
    key.promote()
    assert theirs.open(key.seal(b"y")) == b"y"
    key.destroy(1)
    assert [version.state for version in vault.keys["partner"].versions] == ["destroyed", "enabled"]
    with pytest.raises(Conflict, match="our own"):
        theirs.add_public(bytes(1_248))
    signer = vault.keys.import_public("signer", "signing", bytes(range(32)))
    assert signer.primary.public == bytes(range(32))


@pytest.mark.parametrize(
    ("kind", "length"),
    [("signing", 0), ("signing", 31), ("signing", 64), ("box", 0), ("box", 64), ("box", 1_216), ("aead", 32)],
)
def test_a_public_part_of_another_length_is_refused(vault: Vault, kind: str, length: int) -> None:
    """Also for kinds that have none."""
    with pytest.raises(ValueError, match="public part"):
        vault.keys.import_public("k", kind, bytes(length))  # type: ignore[arg-type]
    assert list(vault.keys) == []


def test_settings_about_items_are_not_about_keys(vault: Vault) -> None:
    """Check-and-set that the vault requires of items does not keep uses from being written down."""
    vault.configure(cas_required=True)
    key = vault.keys.create("k")
    message = key.encrypt(b"x")
    key.rotate()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert key.decrypt(message) == b"x"
    with pytest.raises(Conflict, match="check-and-set"):
        vault.set("bank", {"x": "1"})


def test_async_twins(vault: Vault) -> None:
    """They do what the methods without the letter do."""
    import asyncio

    async def live() -> list[str]:
        key = await vault.keys.acreate("k", "fernet")
        assert (await vault.keys.aget("k")).id == key.id
        await key.arotate()
        await key.astage()
        await key.apromote()
        await key.aretire(quiet=timedelta(0))
        await key.adestroy(1)
        return [version.state for version in key.versions]

    assert asyncio.run(live()) == ["destroyed", "disabled", "enabled"]


def test_what_is_no_key_is_not_taken_for_one(vault: Vault) -> None:
    """Only a faulty program of ours can have written it; it is said, and nothing is guessed."""
    own = vault._reserved
    own.set(ReservedPath("@keys/text"), {"keyset": "text"})
    own.set(ReservedPath("@keys/bytes"), {"keyset": b"bytes"})
    for name in ("text", "bytes"):
        with pytest.raises((Tampered, FormatUnsupported)):
            vault.keys[name]
    own.set(ReservedPath("@uses/k/1"), {"used_us": "yesterday"})
    assert last_use_us(vault, "k", 1) == 0


def test_a_key_has_at_most_256_versions(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is a conflict, and the key stays as it is."""
    monkeypatch.setattr(record, "VERSIONS_MAX", 3)
    key = vault.keys.create("k")
    key.rotate()
    key.rotate()
    with pytest.raises(Conflict, match="at most 3 versions"):
        key.rotate()
    assert vault.keys["k"].primary.number == 3


def test_whoever_may_not_see_uses_retires_nothing(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not knowing is no reason to go on."""
    key = vault.keys.create("k")
    key.rotate()

    def refuse(*_args: object) -> int:
        raise Denied("permission denied")

    monkeypatch.setattr("strongroom.vault.named_keys.lifecycle.last_use_us", refuse)
    with pytest.raises(Denied, match="may not be read here") as caught:
        key.retire(quiet=timedelta(0))
    assert "@uses/k/*" in caught.value.advice
    assert [version.state for version in key.versions] == ["enabled", "enabled"]


def test_keys_that_nobody_holds_any_more_are_forgotten(vault: Vault) -> None:
    """A program that asks for a key at each use does not fill its memory."""
    kept = vault.keys.create("k")
    for _ in range(300):
        vault.keys["k"].encrypt(b"x")
    assert len(kept._keys._opened) <= 64
    assert any(one() is kept for one in kept._keys._opened)


def test_text_is_no_message(vault: Vault) -> None:
    """Misuse is a TypeError."""
    key = vault.keys.create("k")
    for act in (key.decrypt, key.rewrap):
        with pytest.raises(TypeError):
            act("text")
    with pytest.raises(TypeError):
        key.encrypt("text")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        key.encrypt(b"x", associated_data="text")  # type: ignore[arg-type]
