"""Vaults of users on both databases: what opens them, what changes them, and their values."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from strongroom.django.user_vaults import KeyUnavailable, LockedValue, user_vault
from strongroom.errors import NotFound, Tampered, WrongKey
from strongroom.secret import SecretStr
from tests.django.vault_site import KDF, NEW, PASSWORD, SECRET, STRONGER, options

Execute = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    """Derivations that take no time."""
    from django.test import override_settings

    with override_settings(STRONGROOM=options()):
        yield


@pytest.fixture
def ann(using: str) -> Any:
    """A user whose vault is there."""
    return new_user(using, "ann")


@pytest.fixture
def login(ann: Any) -> Any:
    """A log-in of hers, stored and read again."""
    from tests.django.private.models import Login

    with opened(ann) as vault, vault.in_use():
        made = Login(owner=ann, label="bank", password=SECRET, note="n0te", more={"pin": [1, None, "x"]})
        made.save()
    return Login.objects.using(made._state.db).get(pk=made.pk)


def new_user(using: str, name: str, password: str = PASSWORD) -> Any:
    from django.contrib.auth.models import User

    user = User(username=name)
    user.set_password(password)
    user.save(using=using)
    with user_vault(user) as vault:
        vault.create(password)
    return user


def opened(user: Any, password: str = PASSWORD) -> Any:
    vault = user_vault(user)
    vault.open_with_password(password)
    return vault


@contextmanager
def refused(kind: type[Exception], using: str) -> Iterator[Any]:
    """The error, and the transaction that it ended."""
    from django.db import transaction

    with pytest.raises(kind) as caught, transaction.atomic(using=using):
        yield caught


def slots_of(user: Any) -> list[Any]:
    from strongroom.django.user_vaults.models import VaultSlot

    return list(VaultSlot.objects.using(user._state.db).filter(vault__user_id=user.pk).order_by("created_us"))


# What opens a vault.


def test_a_vault_opens_with_its_password_alone(ann: Any) -> None:
    """And says what it is."""
    with user_vault(ann) as vault:
        assert vault.state == "locked"
        with pytest.raises(WrongKey):
            vault.open_with_password(NEW)
        assert vault.state == "locked"
        vault.open_with_password(SecretStr(PASSWORD))
        assert vault.state == "unlocked"
        assert vault.is_unlocked
        assert PASSWORD not in repr(vault)
        held = vault.unlocked()
    assert vault.state == "locked"
    with pytest.raises(KeyUnavailable):
        held.user_key


def test_a_user_without_a_vault(using: str, owner: Any) -> None:
    """It is absent until it is made."""
    with user_vault(owner) as vault:
        assert vault.state == "absent"
        assert vault.id is None
        with pytest.raises(NotFound):
            vault.open_with_password(PASSWORD)
        with pytest.raises(NotFound):
            vault.open_with_recovery_code(valid_code())
        vault.open_or_create(PASSWORD)
        assert vault.state == "unlocked"
        made = vault.id
    with user_vault(owner) as again:
        again.open_or_create(PASSWORD)
        assert again.id == made


def valid_code() -> str:
    from strongroom.keys.slots.recovery import new_recovery_code

    return new_recovery_code().code().reveal()


def test_making_it_twice_opens_the_first(ann: Any) -> None:
    """Two first log-ins at once have one vault."""
    with opened(ann) as first, user_vault(ann) as second:
        second.create(PASSWORD)
        assert second.id == first.id
        assert second.unlocked().user_key == first.unlocked().user_key
        with pytest.raises(WrongKey):
            user_vault(ann).create(NEW)


def test_a_recovery_code_opens_once(ann: Any) -> None:
    """With a new password it is used up; without one it only opens."""
    with opened(ann) as vault:
        code = vault.new_recovery_code()
        key = bytes(vault.unlocked().user_key.reveal())
    with user_vault(ann) as vault:
        vault.open_with_recovery_code(code.reveal().lower().replace("-", " "))
        assert vault.unlocked().user_key.reveal() == key
        assert vault.has_recovery_code
    with user_vault(ann) as vault:
        vault.open_with_recovery_code(code, new_password=NEW)
        assert vault.unlocked().user_key.reveal() == key
        assert not vault.has_recovery_code
    with pytest.raises(WrongKey):
        user_vault(ann).open_with_recovery_code(code, new_password=NEW)
    with pytest.raises(WrongKey):
        opened(ann)
    assert opened(ann, NEW).is_unlocked


def test_an_old_recovery_code_opens_nothing_after_a_new_one(ann: Any) -> None:
    """There is one at a time."""
    with opened(ann) as vault:
        first, second = vault.new_recovery_code(), vault.new_recovery_code()
    assert len(slots_of(ann)) == 2
    with pytest.raises(WrongKey):
        user_vault(ann).open_with_recovery_code(first)
    user_vault(ann).open_with_recovery_code(second)


@pytest.mark.parametrize("code", ["", "no code", "0" * 32, "\0", "é" * 40])
def test_what_is_no_code(ann: Any, code: str) -> None:
    """It is wrong, as a wrong one is."""
    with opened(ann) as vault:
        vault.new_recovery_code()
    with pytest.raises(WrongKey):
        user_vault(ann).open_with_recovery_code(code)


@pytest.mark.parametrize("password", ["", "x" * 4_097, "a\0b", "\ud800"])
def test_a_password_that_no_slot_can_have(ann: Any, password: str) -> None:
    """It is refused before any work, and nothing changes."""
    with opened(ann) as vault:
        with pytest.raises(ValueError) as caught:
            vault.change_password(password)
        assert password not in str(caught.value) or not password
    assert opened(ann).is_unlocked


def test_pbkdf2_where_rules_demand_it(using: str, owner: Any) -> None:
    """The same with the other function; its parameters stand in the table."""
    from django.test import override_settings

    with override_settings(STRONGROOM=options(USER_VAULT_KDF="pbkdf2")):
        with user_vault(owner) as vault:
            vault.create(PASSWORD)
        (slot,) = slots_of(owner)
        assert (slot.algorithm, slot.memory_kib, slot.iterations, slot.lanes) == (2, 0, 600_000, 0)
        assert opened(owner).is_unlocked
        with pytest.raises(WrongKey):
            opened(owner, NEW)


def test_nothing_in_the_tables_is_the_key(ann: Any) -> None:
    """Neither the key, nor anything that opens a slot, nor a digest of one of them."""
    from strongroom.crypto.digest import sha256
    from strongroom.django.user_vaults.vaults import find

    with opened(ann) as vault:
        key = vault.unlocked().user_key.reveal()
        code = vault.new_recovery_code().reveal()
    row = find(ann)
    kept = b"".join([bytes(row.proof), *(bytes(one.salt) + bytes(one.wrapped) for one in slots_of(ann))])
    for bad in (key, sha256(key), PASSWORD.encode(), sha256(PASSWORD.encode()), code.encode(), sha256(code.encode())):
        assert bad not in kept


# New passwords.


def test_set_password_wraps_the_key_again(ann: Any, login: Any) -> None:
    """Nothing is encrypted again: the row's bytes stay, and the new password opens them."""
    before = login.password.message
    with opened(ann) as vault, vault.in_use():
        ann.set_password(NEW)
        ann.save()
        assert ann.check_password(NEW)
    login.refresh_from_db()
    assert login.password.message == before
    with pytest.raises(WrongKey):
        opened(ann)
    with opened(ann, NEW) as vault:
        assert login.password.reveal(vault) == SECRET


@pytest.mark.parametrize("how", ["nobody", "locked", "another"])
def test_a_password_set_without_the_key_leaves_the_vault_under_the_old_one(
    using: str, ann: Any, login: Any, how: str
) -> None:
    """An administrator, a reset, a command: locked, and not lost."""
    bob = new_user(using, "bob")
    if how == "nobody":
        ann.set_password(NEW)
        ann.save()
    else:
        with user_vault(ann) if how == "locked" else opened(bob) as vault, vault.in_use():
            ann.set_password(NEW)
            ann.save()
    with pytest.raises(WrongKey):
        opened(ann, NEW)
    with opened(ann) as vault:
        assert login.password.reveal(vault) == SECRET
        vault.change_password(NEW)
    assert opened(ann, NEW).is_unlocked
    assert opened(bob).is_unlocked


@pytest.mark.parametrize(("fields", "changed"), [(None, True), (["password"], True), (["first_name"], False)])
def test_saving_some_fields(ann: Any, fields: list[str] | None, changed: bool) -> None:
    """The slot follows the hash in the table, and not what the object says."""
    with opened(ann) as vault, vault.in_use():
        ann.set_password(NEW)
        ann.save(update_fields=fields)
    assert opened(ann, NEW if changed else PASSWORD).is_unlocked


def test_a_hash_that_is_made_better_changes_no_slot(ann: Any) -> None:
    """Django hashes the same password again at a log-in: the slot and the sessions stay."""
    before = slots_of(ann)[0].pk
    with opened(ann) as vault, vault.in_use():
        ann.password = "sha1$nothing"
        ann.save()
    assert slots_of(ann)[0].pk == before


def test_a_change_that_is_rolled_back(ann: Any) -> None:
    """The old password and the old slot come back together."""
    from django.contrib.auth.models import User
    from django.db import transaction

    alias = ann._state.db

    class Undo(Exception):
        pass

    with opened(ann) as vault, vault.in_use():
        with pytest.raises(Undo), transaction.atomic(using=alias):
            ann.set_password(NEW)
            ann.save()
            assert opened(ann, NEW).is_unlocked
            raise Undo
    assert User.objects.using(alias).get(pk=ann.pk).check_password(PASSWORD)
    assert opened(ann).is_unlocked
    with pytest.raises(WrongKey):
        opened(ann, NEW)


def test_a_save_that_fails_leaves_the_slot(ann: Any) -> None:
    """The hash was not written, so the slot is not either."""
    from django.contrib.auth.models import User
    from django.db import DatabaseError, transaction

    User.objects.using(ann._state.db).create(username="taken")
    with opened(ann) as vault, vault.in_use(), transaction.atomic(using=ann._state.db):
        ann.username = "taken"
        ann.set_password(NEW)
        with pytest.raises(DatabaseError), transaction.atomic(using=ann._state.db):
            ann.save()
    assert opened(ann).is_unlocked


def test_a_tampered_vault_does_not_keep_its_owner_from_a_new_password(
    ann: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The log-in's password changes, the vault stays as it is, and the log says so."""
    from strongroom.django.user_vaults.models import UserVault

    with opened(ann) as vault, vault.in_use():
        UserVault.objects.using(ann._state.db).filter(user_id=ann.pk).update(proof=bytes(32))
        ann.set_password(NEW)
        ann.save()
    ann.refresh_from_db()
    assert ann.check_password(NEW)
    assert "stays under the old password" in caplog.text
    with pytest.raises(Tampered):
        opened(ann)


def test_the_cost_rises_and_never_sinks(ann: Any) -> None:
    """At a log-in; the sessions stay as they are."""
    from django.test import override_settings

    from strongroom.django.user_vaults.opening import open_at_login
    from strongroom.django.user_vaults.requests import detached
    from strongroom.django.user_vaults.vaults import find

    def log_in() -> int:
        open_at_login(ann, PASSWORD)
        unlocked = detached(ann)
        assert unlocked is not None
        unlocked.wipe()
        return int(slots_of(ann)[0].iterations)

    generation = find(ann).generation
    with override_settings(STRONGROOM=options(USER_VAULT_KDF=dict(STRONGER))):
        assert log_in() == 2
    assert log_in() == 2
    assert find(ann).generation == generation
    with override_settings(STRONGROOM=options(USER_VAULT_KDF="pbkdf2")):
        log_in()
        assert slots_of(ann)[0].algorithm == 2
        assert opened(ann).is_unlocked


BAD_COSTS = [
    {"memory_kib": 19_455}, {"memory_kib": 262_145}, {"iterations": 0}, {"iterations": 11}, {"lanes": 9},
    {"nonsense": 1}, {"algorithm": "scrypt"}, {"algorithm": "pbkdf2", "iterations": 599_999},
    {"algorithm": "pbkdf2", "iterations": 2_000_001}, "md5",
]  # fmt: skip


@pytest.mark.parametrize("said", BAD_COSTS, ids=str)
def test_settings_out_of_bounds(said: Any) -> None:
    """They are refused by a check, and when they are first needed."""
    from django.core.exceptions import ImproperlyConfigured
    from django.test import override_settings

    from strongroom.django.user_vaults import checks, options

    with override_settings(STRONGROOM={"USER_VAULT_KDF": said}):
        with pytest.raises(ImproperlyConfigured):
            options.profile()
        assert [one.id for one in checks.check_settings()] == ["strongroom.E125"]


# Values.


def test_a_value_is_locked_when_it_is_read(ann: Any, login: Any) -> None:
    """It shows nothing, needs no key to be listed, and opens with its owner's."""
    for value in (login.password, login.note, login.more):
        assert isinstance(value, LockedValue)
        for text in (str(value), repr(value), f"{value}", f"{value!r:>10}", "%s" % value):  # noqa: UP031
            assert SECRET not in text
            assert "n0te" not in text
    with pytest.raises(KeyUnavailable) as caught:
        login.password.reveal()
    assert caught.value.reason == "anonymous"
    with opened(ann) as vault:
        assert login.password.reveal(vault) == SECRET
        assert login.note.reveal(vault.unlocked()) == "n0te"
        with vault.in_use():
            assert login.more.reveal() == {"pin": [1, None, "x"]}
    with pytest.raises(KeyUnavailable) as caught:
        login.password.reveal(vault)
    assert caught.value.reason == "locked"


def test_another_users_key_opens_nothing(using: str, login: Any) -> None:
    """Whoever is logged in."""
    with opened(new_user(using, "bob")) as vault, pytest.raises(KeyUnavailable) as caught:
        login.password.reveal(vault)
    assert caught.value.reason == "other"


def test_nothing_is_stored_without_the_owners_key(using: str, ann: Any) -> None:
    """No fallback to another key, and no row."""
    from tests.django.private.models import Login

    made = Login(owner=ann, password=SECRET)
    with refused(KeyUnavailable, using):
        made.save(using=using)
    with opened(new_user(using, "bob")) as vault, vault.in_use(), refused(KeyUnavailable, using):
        made.save(using=using)
    assert not Login.objects.using(using).filter(pk=made.pk).exists()


def test_an_object_has_its_value_locked_after_a_save(ann: Any) -> None:
    """What was typed does not stay in the object."""
    from tests.django.private.models import Login

    with opened(ann) as vault, vault.in_use():
        made = Login(owner=ann, password=SECRET)
        made.save()
        assert isinstance(made.password, LockedValue)
        assert made.note is None
        assert made.password.reveal() == SECRET
        made.password = "another"
        made.save(update_fields=["password"])
        assert made.password.reveal() == "another"


def test_saving_what_is_locked_needs_no_key(login: Any) -> None:
    """The bytes stay as they are."""
    from tests.django.private.models import Login

    before = login.password.message
    login.label = "other"
    login.save()
    found = Login.objects.using(login._state.db).get(pk=login.pk)
    assert (found.label, found.password.message, found.password) == ("other", before, login.password)
    assert found.password != SECRET
    assert len({found.password, login.password}) == 1


def test_a_value_moves_to_another_row_with_its_key_alone(using: str, ann: Any, login: Any) -> None:
    """A copied object is encrypted anew for its own row; for another owner it takes that one's key too."""
    import uuid

    from tests.django.private.models import Login

    login.pk, login._state.adding = uuid.uuid4(), True
    with refused(KeyUnavailable, using):
        login.save(force_insert=True)
    with opened(ann) as vault, vault.in_use():
        login.save(force_insert=True)
        found = Login.objects.using(using).get(pk=login.pk)
        assert found.password.reveal() == SECRET
        found.owner = new_user(using, "bob")
        with refused(KeyUnavailable, using):
            found.save()


def test_the_mask_is_not_a_value(ann: Any, login: Any) -> None:
    """What came out of a page comes back: it is refused, and not stored as the password."""
    login.password = str(login.password)
    with opened(ann) as vault, vault.in_use(), pytest.raises(ValueError, match="mask"):
        login.save()


def test_queries(using: str, ann: Any, login: Any) -> None:
    """values, only, F, joins and iterator give locked values; update and lookups refuse."""
    from django.core.exceptions import FieldError
    from django.db.models import F

    from strongroom.django import update
    from tests.django.private.models import Login

    rows = Login.objects.using(using)
    with opened(ann) as vault:
        for value in (
            rows.values_list("password", flat=True).get(),
            rows.values("password").get()["password"],
            rows.only("password").get().password,
            rows.defer("password").get().password,
            rows.annotate(again=F("password")).get().again,
            next(rows.iterator()).password,
            ann.__class__.objects.using(using).filter(pk=ann.pk).values_list("logins__password", flat=True).get(),
        ):
            assert value.reveal(vault) == SECRET
        assert rows.filter(note__isnull=False).count() == 1
        for bad in ({"password": SECRET}, {"password__contains": "x"}, {"password__in": [SECRET]}):
            with refused(FieldError, using):
                rows.filter(**bad).count()
        with refused(FieldError, using):
            rows.update(password="x")
        with vault.in_use():
            assert update(rows.all(), password="new") == 1
            assert rows.get().password.reveal() == "new"
            Login.objects.using(using).bulk_create([Login(owner=ann, password="b1"), Login(owner=ann, password="b2")])
        assert {one.password.reveal(vault) for one in rows.all()} == {"new", "b1", "b2"}
    with pytest.raises(FieldError):
        list(rows.raw("SELECT id, owner_id, password FROM private_login")[0:1])


def test_copies_and_pickles(ann: Any, login: Any) -> None:
    """A value by itself is not pickled; its object is, and holds ciphertext for its own row alone."""
    assert copy.copy(login.password) is login.password
    assert copy.deepcopy(login).password == login.password
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(login.password, protocol)
    data = pickle.dumps(login)
    assert SECRET.encode() not in data
    again = pickle.loads(data)
    with opened(ann) as vault:
        assert again.password.reveal(vault) == SECRET
        with pytest.raises(TypeError):
            pickle.dumps(vault.unlocked())
    with pytest.raises(TypeError):
        json.dumps({"password": login.password})
    with pytest.raises(TypeError):
        len(login.password)
    with pytest.raises(TypeError):
        iter(login.password)


def test_fixtures(using: str, ann: Any, login: Any) -> None:
    """dumpdata writes ciphertext without any key, and loaddata takes it back into the same row."""
    from django.core import serializers

    from tests.django.private.models import Login

    text = serializers.serialize("json", [login])
    assert SECRET not in text
    assert "•" not in text
    Login.objects.using(using).all().delete()
    for made in serializers.deserialize("json", text, using=using):
        made.save(using=using)
    with opened(ann) as vault:
        assert Login.objects.using(using).get().password.reveal(vault) == SECRET
    moved = json.loads(text)
    moved[0]["pk"] = "00000000-0000-4000-8000-000000000001"
    for made in serializers.deserialize("json", json.dumps(moved), using=using):
        made.save(using=using)
    with opened(ann) as vault, pytest.raises(Tampered):
        Login.objects.using(using).get(pk=moved[0]["pk"]).password.reveal(vault)


def test_a_backup_of_the_tables(using: str, ann: Any, login: Any) -> None:
    """dumpdata and loaddata of everything, on both databases: vaults open as before."""
    from django.core import serializers

    from strongroom.django.user_vaults.models import UserVault, VaultSlot
    from tests.django.private.models import Login

    with opened(ann) as vault:
        code = vault.new_recovery_code()
    models: list[Any] = [UserVault, VaultSlot, Login]
    text = serializers.serialize("json", [row for model in models for row in model.objects.using(using).all()])
    assert SECRET not in text
    UserVault.objects.using(using).all().delete()
    Login.objects.using(using).all().delete()
    assert not VaultSlot.objects.using(using).exists()
    for made in serializers.deserialize("json", text, using=using):
        made.save(using=using)
    with opened(ann) as vault:
        assert Login.objects.using(using).get().password.reveal(vault) == SECRET
    user_vault(ann).open_with_recovery_code(code)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("use_tz", [True, False])
def test_other_settings_of_time(using: str, ann: Any, zone: str, use_tz: bool) -> None:
    """A project that changes them goes on opening its users' vaults."""
    from django.test import override_settings

    with override_settings(USE_TZ=use_tz, TIME_ZONE=zone):
        assert opened(ann).is_unlocked


def test_nobody_has_no_vault(using: str) -> None:
    """Absent, and nothing to open or make."""
    from django.contrib.auth.models import AnonymousUser

    vault = user_vault(AnonymousUser())
    assert (vault.state, vault.id, vault.has_recovery_code, vault.has_escrow) == ("absent", None, False, False)
    for method in (vault.create, vault.open_or_create, vault.open_with_password, vault.open_with_recovery_code):
        with pytest.raises(KeyUnavailable):
            method(PASSWORD)


def test_what_a_model_may_not_say() -> None:
    """An owner that is no user, or may be missing; a value that can be looked up."""
    import uuid

    from django.contrib.auth.models import User
    from django.db import models
    from django.test.utils import isolate_apps

    from strongroom.django.user_vaults import UserEncryptedTextField

    with pytest.raises(TypeError):
        UserEncryptedTextField(owner="owner", searchable=True)
    with isolate_apps("tests.django.private"):

        class Bad(models.Model):
            id = models.UUIDField(primary_key=True, default=uuid.uuid4)
            owner = models.ForeignKey(User, on_delete=models.CASCADE, null=True)
            name = models.CharField(max_length=5)
            first = UserEncryptedTextField(owner="owner")
            second = UserEncryptedTextField(owner="name", not_bound={"owner": "it is who made the row"})
            third = UserEncryptedTextField(owner="nobody")

            class Meta:
                app_label = "private"

        found = {(one.obj.name, one.id) for one in Bad.check()}
        assert {("first", "strongroom.E020"), ("second", "strongroom.E020"), ("third", "strongroom.E006")} <= found


def test_migrations_write_the_field_down() -> None:
    """Its options and no key; and one cannot be made of a plain column behind its owner's back."""
    from strongroom.django import EncryptedTextField, EncryptField
    from strongroom.django.plans import _needs_moving
    from strongroom.django.user_vaults import UserEncryptedTextField

    field = UserEncryptedTextField(owner="user", bind=("tenant",), null=True)
    field.set_attributes_from_name("password")
    name, path, args, kwargs = field.deconstruct()
    assert (name, path, args) == ("password", "strongroom.django.user_vaults.UserEncryptedTextField", [])
    assert kwargs == {"owner": "user", "bind": ("tenant",), "null": True}
    assert UserEncryptedTextField(**kwargs).bind == ("user", "tenant")
    with pytest.raises(TypeError):
        EncryptField("login", "password", field)
    assert _needs_moving(EncryptedTextField(bind=("user",)), UserEncryptedTextField(owner="user"))


def test_rotation_and_verification_leave_them_out(using: str, login: Any) -> None:
    """The process's key does not open them, and they are no failures."""
    from strongroom.django.stored_values import columns_of
    from tests.django.private.models import Login

    assert columns_of([Login], using) == []


# A user's vault and its rows, as somebody changes them who can write to the database.


def test_a_slot_of_another_user(using: str, ann: Any) -> None:
    """Bob's slot in ann's vault opens with nobody's password, and ann's own is refused beside it."""
    from strongroom.django.user_vaults.models import VaultSlot

    bob = new_user(using, "bob", NEW)
    VaultSlot.objects.using(using).filter(pk=slots_of(ann)[0].pk).update(vault_id=slots_of(bob)[0].vault_id)
    with pytest.raises(WrongKey):
        opened(bob, PASSWORD)
    with pytest.raises(Tampered):
        opened(bob, NEW)
    with pytest.raises(WrongKey):
        opened(ann)


def test_users_who_are_swapped(using: str, ann: Any, login: Any) -> None:
    """Vaults that are given to each other's owners open with neither's password."""
    from strongroom.django.user_vaults.models import UserVault

    bob, rows = new_user(using, "bob"), UserVault.objects.using(using)
    first, second = rows.get(user_id=ann.pk), rows.get(user_id=bob.pk)
    third = new_user(using, "cid")
    rows.filter(user_id=third.pk).delete()
    rows.filter(pk=first.pk).update(user_id=third.pk)
    rows.filter(pk=second.pk).update(user_id=ann.pk)
    rows.filter(pk=first.pk).update(user_id=bob.pk)
    for user in (ann, bob):
        with pytest.raises(WrongKey):
            opened(user)


def planted(user: Any, kind: str, secret: Any, key: bytes) -> Any:
    """A slot as somebody makes one who knows the code of this program, with a key of his own."""
    from strongroom.django.user_vaults import slots, vaults
    from strongroom.django.user_vaults.models import VaultSlot
    from strongroom.secret import SecretBytes

    vault = vaults.find(user)
    slot = VaultSlot(vault=vault, kind=kind, created_us=1)
    return slots.wrap(slot, vault, secret, SecretBytes(key))


def test_a_planted_slot(ann: Any) -> None:
    """A slot of an attacker's, with a code and a key that he knows: the vault does not open, with whatever."""
    from strongroom.keys.slots.recovery import new_recovery_code

    mine = new_recovery_code()
    planted(ann, "recovery", mine, bytes(32)).save(using=ann._state.db)
    with pytest.raises(Tampered):
        user_vault(ann).open_with_recovery_code(mine.code())
    with pytest.raises(Tampered):
        opened(ann)


def test_a_planted_slot_with_a_proof_of_its_own(ann: Any) -> None:
    """A proof made under the attacker's key covers his slot, and so no slot of the owner's opens the vault any more."""
    from strongroom.django.user_vaults import slots, vaults
    from strongroom.keys.slots.recovery import new_recovery_code
    from strongroom.secret import SecretBytes

    mine = new_recovery_code()
    planted(ann, "recovery", mine, bytes(32)).save(using=ann._state.db)
    vault = vaults.find(ann)
    vault.proof = slots.proof(vault, slots_of(ann), SecretBytes(bytes(32)))
    vault.save(using=ann._state.db)
    with pytest.raises(Tampered):
        opened(ann)


CHANGES = [
    ("uservault", "created_us", 7), ("uservault", "generation", 7),
    ("uservault", "proof", b"x" * 32), ("uservault", "proof", b""),
    ("vaultslot", "memory_kib", 19_457), ("vaultslot", "memory_kib", 0), ("vaultslot", "memory_kib", 2_097_152),
    ("vaultslot", "iterations", 2), ("vaultslot", "iterations", 0), ("vaultslot", "lanes", 2),
    ("vaultslot", "lanes", 0),
    ("vaultslot", "algorithm", 0), ("vaultslot", "algorithm", 2), ("vaultslot", "algorithm", 99),
    ("vaultslot", "kind", "recovery"), ("vaultslot", "kind", "escrow"), ("vaultslot", "kind", "x"),
    ("vaultslot", "salt", b"y" * 32), ("vaultslot", "salt", b""), ("vaultslot", "wrapped", b""),
    ("vaultslot", "wrapped", bytes(104)), ("vaultslot", "wrapped", bytes(105)),
    ("vaultslot", "created_us", 7),
]  # fmt: skip


# SQLite keeps any type in any column.
OF_ANOTHER_TYPE = [
    ("uservault", "id", "x"), ("vaultslot", "id", "x"),
    ("uservault", "created_us", "x"), ("uservault", "generation", "x"), ("uservault", "generation", 2.5),
    ("uservault", "proof", "x" * 32), ("uservault", "proof", 10**15),
    ("vaultslot", "memory_kib", "x"), ("vaultslot", "iterations", 1.5), ("vaultslot", "lanes", b"x"),
    ("vaultslot", "algorithm", "x"), ("vaultslot", "kind", 7), ("vaultslot", "created_us", "x"),
    ("vaultslot", "salt", "x" * 32), ("vaultslot", "salt", 10**15), ("vaultslot", "salt", 32),
    ("vaultslot", "wrapped", "x" * 104), ("vaultslot", "wrapped", 10**15), ("vaultslot", "wrapped", 104),
]  # fmt: skip


def test_any_changed_column(ann: Any, using: str, execute: Execute) -> None:
    """The vault opens with no password."""
    from django.db import transaction

    passed = []
    for table, column, value in [*CHANGES, *(OF_ANOTHER_TYPE if using == "default" else ())]:
        with transaction.atomic(using=using):
            execute(f"UPDATE strongroom_user_vaults_{table} SET {column} = %s", value)
            try:
                opened(ann)
            except (Tampered, WrongKey):
                transaction.set_rollback(True, using=using)
            else:
                passed.append((table, column, value))
                transaction.set_rollback(True, using=using)
    assert passed == []
    assert opened(ann).is_unlocked


def test_a_slot_that_is_taken_away(ann: Any, execute: Execute) -> None:
    """The recovery code is missed, not silently forgotten."""
    with opened(ann) as vault:
        vault.new_recovery_code()
    execute("DELETE FROM strongroom_user_vaults_vaultslot WHERE kind = 'recovery'")
    with pytest.raises(Tampered):
        opened(ann)


def test_no_derivation_runs_out_of_bounds(ann: Any, execute: Execute, monkeypatch: pytest.MonkeyPatch) -> None:
    """Costs too low or too high are refused before the slow function; so is a vault of a hundred slots."""
    from strongroom.crypto import kdf
    from strongroom.django.user_vaults.models import VaultSlot

    runs: list[int] = []
    derive = kdf._argon2id_from_parts
    monkeypatch.setattr(kdf, "_argon2id_from_parts", lambda *a, **k: runs.append(1) or derive(*a, **k))
    opened(ann)
    assert runs == [1]
    table = "strongroom_user_vaults_vaultslot"
    for column, value in (("memory_kib", 262_145), ("memory_kib", 8), ("iterations", 11), ("lanes", 9)):
        before = execute(f"SELECT {column} FROM {table}")[0][0]
        execute(f"UPDATE {table} SET {column} = %s", value)
        with pytest.raises(Tampered):
            opened(ann)
        execute(f"UPDATE {table} SET {column} = %s", before)
    (slot,) = slots_of(ann)
    VaultSlot.objects.using(ann._state.db).bulk_create(
        VaultSlot(vault_id=slot.vault_id, kind="password", algorithm=1, memory_kib=19_456, iterations=1, lanes=1,
                  salt=bytes(32), wrapped=bytes(104), created_us=slot.created_us)
        for _ in range(8)
    )  # fmt: skip
    with pytest.raises(Tampered):
        opened(ann)
    assert runs == [1]


def test_values_that_are_moved(using: str, ann: Any, login: Any, execute: Execute) -> None:
    """To another row, column, table or owner, or from an owner's other vault: none of them opens."""
    from tests.django.private.models import Login, Pin

    bob = new_user(using, "bob")
    with opened(ann) as vault, vault.in_use():
        other = Login(owner=ann, password="other", note="x")
        other.save()
        pin = Pin(owner=ann, pk=login.pk, password="1234")
        pin.save()
    rows = Login.objects.using(using)

    def stored(row: Any) -> Any:
        return execute("SELECT password FROM private_login WHERE id = %s", db_key(row))[0][0]

    def db_key(row: Any) -> Any:
        return row.pk.hex if using == "default" else row.pk

    mine = stored(login)
    attacks = [
        ("UPDATE private_login SET password = %s WHERE id = %s", mine, db_key(other)),
        ("UPDATE private_login SET note = %s WHERE id = %s", mine, db_key(login)),
        ("UPDATE private_pin SET password = %s WHERE id = %s", mine, db_key(login)),
    ]
    for sql, *values in attacks:
        execute(sql, *values)
    with opened(ann) as vault:
        for value in (
            rows.get(pk=other.pk).password,
            rows.get(pk=login.pk).note,
            Pin.objects.using(using).get().password,
        ):
            with pytest.raises(Tampered):
                value.reveal(vault)
    execute("UPDATE private_login SET owner_id = %s WHERE id = %s", bob.pk, db_key(login))
    with opened(bob) as vault, pytest.raises(Tampered):
        rows.get(pk=login.pk).password.reveal(vault)
    with opened(ann) as vault, pytest.raises(KeyUnavailable):
        rows.get(pk=login.pk).password.reveal(vault)


def test_every_changed_byte_of_a_value(ann: Any, login: Any) -> None:
    """None opens: magic, version, vault, message."""
    from strongroom.django.user_vaults.locked import LockedValue

    field, message = type(login)._meta.get_field("password"), login.password.message
    with opened(ann) as vault:
        for place in range(len(message)):
            changed = message[:place] + bytes((message[place] ^ 1,)) + message[place + 1 :]
            with pytest.raises(Tampered):
                LockedValue(field, login.password.row, changed).reveal(vault)
        for bad in (b"", message[:-1], message + b"\0", message[:30]):
            with pytest.raises(Tampered):
                LockedValue(field, login.password.row, bad).reveal(vault)


def test_a_vault_that_was_given_up(ann: Any, login: Any) -> None:
    """Its values are lost for good, say so, and a new vault takes new ones. The project hears of it."""
    from strongroom.django.user_vaults import user_vault_given_up
    from tests.django.private.models import Login

    heard: list[Any] = []

    def hear(sender: object, **said: Any) -> None:
        heard.append((said["user"], said["vault_id"]))

    user_vault_given_up.connect(hear)
    try:
        with opened(ann) as vault, vault.in_use():
            before = vault.id
            assert not login.password.is_lost
            vault.give_up()
            assert vault.state == "absent"
            assert heard == [(ann, before)]
            vault.give_up()
            assert len(heard) == 1
            vault.create(PASSWORD)
            assert login.password.is_lost
            assert login.password.vault_id == before
            with pytest.raises(Tampered):
                login.password.reveal()
            login.password = "new"
            login.note = login.more = None
            login.save()
            assert Login.objects.using(login._state.db).get(pk=login.pk).password.reveal() == "new"
    finally:
        user_vault_given_up.disconnect(hear)


def test_values_of_others_are_not_said_to_be_lost(using: str, ann: Any, login: Any) -> None:
    """Whoever clears away what is lost, in a request of somebody else's, is not to take theirs."""
    with opened(new_user(using, "bob")) as vault, vault.in_use():
        assert not login.password.is_lost
    with user_vault(None).in_use():
        assert not login.password.is_lost


def test_a_user_who_is_deleted_and_one_with_the_same_number(using: str, ann: Any, login: Any) -> None:
    """The vault goes with its user; whoever gets the number later opens nothing that was left."""
    from django.contrib.auth.models import User

    from strongroom.django.user_vaults.models import UserVault, VaultSlot
    from tests.django.private.models import Login

    key, left = ann.pk, copy.copy(login)
    ann.delete()
    for model in (UserVault, VaultSlot, Login):
        assert not model.objects.using(using).filter(**({"user_id": key} if model is UserVault else {})).exists()
    new = User(pk=key, username="eve")
    new.set_password(PASSWORD)
    new.save(using=using)
    with user_vault(new) as vault:
        vault.open_or_create(PASSWORD)
        left.save(using=using, force_insert=True)
        with pytest.raises(Tampered):
            left.password.reveal(vault)


def test_nothing_of_a_key_is_said(ann: Any, login: Any) -> None:
    """Not by what holds it, and not by an error."""
    with opened(ann) as vault:
        key = vault.unlocked().user_key.reveal()
        for thing in (vault, vault.unlocked(), vault.unlocked().column(("a", "b"))):
            assert key.hex() not in repr(thing)
            assert str(key) not in repr(thing)
            with pytest.raises(TypeError):
                pickle.dumps(thing)
    assert KDF["memory_kib"] == 19_456


def test_every_part_of_a_sessions_place_counts() -> None:
    """Vault, generation, user, password and session: another one is another place."""
    import uuid

    from strongroom.django.user_vaults.sessions import place

    one, two = uuid.UUID(int=1), uuid.UUID(int=2)
    places = [
        place(one, 1, "1", "p", "s"), place(two, 1, "1", "p", "s"), place(one, 2, "1", "p", "s"),
        place(one, 1, "2", "p", "s"), place(one, 1, "1", "q", "s"), place(one, 1, "1", "p", "t"),
        place(one, 11, "", "p", "s"), place(one, 1, "1", "", "s"), place(one, 1, "1", "p", ""),
    ]  # fmt: skip
    assert len(set(places)) == len(places)


def test_every_part_of_a_proof_counts(ann: Any) -> None:
    """The owner too, though the slots are bound to it."""
    from strongroom.django.user_vaults import slots, vaults

    key, found = opened(ann).unlocked().user_key, slots_of(ann)
    vault = vaults.find(ann)
    assert vault is not None
    slots.check_proof(vault, found, key)
    for name, value in (("user_id", vault.user_id + 1), ("generation", 2), ("created_us", 1)):
        before = getattr(vault, name)
        setattr(vault, name, value)
        with pytest.raises(Tampered):
            slots.check_proof(vault, found, key)
        setattr(vault, name, before)
    for bad in ([], [*found, found[0]]):
        with pytest.raises(Tampered):
            slots.check_proof(vault, bad, key)
    for bad_value in (-1, "x", None, 2**70):
        vault.generation = bad_value  # type: ignore[assignment]
        with pytest.raises(Tampered):
            slots.check_proof(vault, found, key)
