"""An organisation's key to its users' vaults: sealed on the site, opened elsewhere, handed over as a code."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.credentials.public_keys import encode_public
from strongroom.django.user_vaults import user_vault
from strongroom.errors import Tampered, WrongKey
from tests.django.vault_site import NEW, PASSWORD, SECRET, options


@pytest.fixture
def organisation(tmp_path: Path) -> dict[str, Any]:
    """A vault somewhere else with the private key, and the file with the public one."""
    import strongroom

    place, key_file, public = tmp_path / "office.vault", tmp_path / "office.key", tmp_path / "escrow.pub"
    with strongroom.create(place, key_file=key_file) as vault:
        key = vault.keys.create("escrow", kind="box")
        vault.keys.create("other", kind="box")
        vault.keys.create("wrong", kind="aead")
        public.write_bytes(encode_public("box", key.primary.public, "base64"))
        (tmp_path / "x25519.pub").write_bytes(encode_public("box", key.primary.public, "age"))
    return {"vault": str(place), "key_file": str(key_file), "public": str(public)}


@pytest.fixture
def ann(organisation: dict[str, Any], using: str) -> Iterator[Any]:
    """A user whose vault is sealed to the organisation, with one value in it."""
    from django.contrib.auth.models import User
    from django.test import override_settings

    from tests.django.private.models import Login

    with override_settings(STRONGROOM=options(ESCROW=organisation["public"])):
        user = User.objects.db_manager(using).create_user("ann", password=PASSWORD)
        with user_vault(user) as vault, vault.in_use():
            vault.create(PASSWORD)
            Login(owner=user, password=SECRET, more=[1]).save()
        yield user


def command(organisation: dict[str, Any], using: str, user: str = "ann", **more: Any) -> tuple[str, str]:
    """What the command prints, and what it says."""
    from django.core.management import call_command

    said = {name: organisation[name] for name in ("vault", "key_file")}
    out, err = io.StringIO(), io.StringIO()
    call_command("strongroom_escrow", "open", user, database=using, stdout=out, stderr=err, **{**said, **more})
    return out.getvalue().strip(), err.getvalue()


def refused(organisation: dict[str, Any], using: str, code: int, **more: Any) -> str:
    """The error, which has this exit code."""
    from django.core.management.base import CommandError

    with pytest.raises(CommandError) as caught:
        command(organisation, using, **more)
    assert caught.value.returncode == code
    return str(caught.value)


def slots_of(user: Any) -> list[Any]:
    from strongroom.django.user_vaults.models import VaultSlot

    return list(VaultSlot.objects.using(user._state.db).filter(vault__user_id=user.pk).order_by("kind"))


def log_in(user: Any) -> None:
    """As the backend does it."""
    from strongroom.django.user_vaults.opening import open_at_login
    from strongroom.django.user_vaults.requests import detached

    open_at_login(user, PASSWORD)
    unlocked = detached(user)
    assert unlocked is not None
    unlocked.wipe()


def test_a_forgotten_password_and_no_code(organisation: dict[str, Any], using: str, ann: Any) -> None:
    """The administrator gets a code, the user opens with it, once, and nothing is lost."""
    from tests.django.private.models import Login

    with user_vault(ann) as vault:
        assert vault.has_escrow
        vault.open_with_password(PASSWORD)
        own = vault.new_recovery_code()
    ann.set_password(NEW)
    ann.save()
    code, said = command(organisation, using)
    assert "2 values of this user open, 0 do not" in said
    assert code not in said
    with user_vault(ann) as vault:
        vault.open_with_recovery_code(code, new_password=NEW)
        assert Login.objects.using(using).get().password.reveal(vault) == SECRET
    with pytest.raises(WrongKey):
        user_vault(ann).open_with_recovery_code(code, new_password=NEW)
    with user_vault(ann) as vault:
        vault.open_with_password(NEW)
        vault.open_with_recovery_code(own)


def test_codes_that_nobody_uses(organisation: dict[str, Any], using: str, ann: Any) -> None:
    """There is a last one, which says so; the others open, and one that is used makes room."""
    codes = [command(organisation, using)[0] for _ in range(6)]
    assert "recovery codes" in refused(organisation, using, 10)
    with user_vault(ann) as vault:
        vault.open_with_recovery_code(codes[0], new_password=PASSWORD)
    with user_vault(ann) as vault:
        vault.open_with_recovery_code(command(organisation, using)[0], new_password=PASSWORD)


def test_what_is_refused(organisation: dict[str, Any], using: str, ann: Any) -> None:
    """Another key, a key of another kind, no such key, user, or vault; each with its exit code."""
    from django.contrib.auth.models import User

    User.objects.db_manager(using).create_user("bob", password=PASSWORD)
    assert "not the one" in refused(organisation, using, 6, key="other")
    refused(organisation, using, 2, key="wrong")
    refused(organisation, using, 4, key="nothing")
    assert "no user" in refused(organisation, using, 4, user="nobody")
    refused(organisation, using, 4, user="bob")
    refused(organisation, using, 4, vault=organisation["vault"] + "x")


def test_the_settings_bring_it_and_take_it_away(organisation: dict[str, Any], using: str, ann: Any) -> None:
    """At the next log-in: a vault from before gets a slot, another key takes its place, and none takes it away."""
    from django.test import override_settings

    def kinds() -> list[str]:
        return [one.kind for one in slots_of(ann)]

    first = bytes(slots_of(ann)[0].salt)
    log_in(ann)
    assert kinds() == ["escrow", "password"]
    with override_settings(STRONGROOM=options()):
        log_in(ann)
        assert kinds() == ["password"]
        refused(organisation, using, 4)
    log_in(ann)
    assert kinds() == ["escrow", "password"]
    before = slots_of(ann)[0]
    assert bytes(before.salt) == first
    log_in(ann)
    assert slots_of(ann)[0].pk == before.pk
    with override_settings(STRONGROOM=options(ESCROW=organisation["public"] + ".gone")):
        log_in(ann)
        assert slots_of(ann)[0].pk == before.pk
    import strongroom

    with strongroom.open(organisation["vault"], key_file=organisation["key_file"]) as vault:
        other = Path(organisation["public"]).with_name("other.pub")
        other.write_bytes(encode_public("box", vault.keys["other"].primary.public, "base64"))
    with override_settings(STRONGROOM=options(ESCROW=str(other))):
        log_in(ann)
        assert kinds() == ["escrow", "password"]
        refused(organisation, using, 6)
        assert command(organisation, using, key="other")[0]


def test_a_vault_that_somebody_else_made(organisation: dict[str, Any], using: str, ann: Any) -> None:
    """Its key is sealed to the organisation, as anybody can do it: the user's values do not open, so it is refused."""
    from strongroom.django.user_vaults import vaults

    with user_vault(ann) as vault:
        vault.open_with_password(PASSWORD)
        vaults.give_up(ann)
    with user_vault(ann) as mine:
        mine.create("the attacker's")
    assert "put there" in refused(organisation, using, 7)
    assert [one.kind for one in slots_of(ann)] == ["escrow", "password"]
    assert command(organisation, using, despite_lost_values=True)[0]


def test_a_slot_that_was_moved_or_changed(organisation: dict[str, Any], using: str, ann: Any) -> None:
    """Sealed for this slot of this user alone, and covered by the proof."""
    from django.contrib.auth.models import User

    from strongroom.django.user_vaults.models import VaultSlot

    bob = User.objects.db_manager(using).create_user("bob", password=PASSWORD)
    with user_vault(bob) as vault:
        vault.create(PASSWORD)
    mine, his = slots_of(ann)[0], slots_of(bob)[0]
    VaultSlot.objects.using(using).filter(pk=his.pk).update(wrapped=bytes(mine.wrapped))
    refused(organisation, using, 6, user="bob")
    VaultSlot.objects.using(using).filter(pk=his.pk).delete()
    VaultSlot.objects.using(using).filter(pk=mine.pk).update(vault_id=his.vault_id)
    refused(organisation, using, 6, user="bob")
    with pytest.raises(Tampered):
        user_vault(ann).open_with_password(PASSWORD)


def test_a_key_of_somebody_elses_in_the_users_own_vault(organisation: dict[str, Any], using: str, ann: Any) -> None:
    """Sealed to the organisation in the place of the user's: the proof is not under it, and nothing is handed out."""
    from strongroom.django.user_vaults import escrow, slots, vaults
    from strongroom.django.user_vaults.models import UserVault
    from strongroom.secret import SecretBytes

    vault, slot = vaults.find(ann), slots_of(ann)[0]
    public = escrow.public_key()
    assert vault is not None
    assert public is not None
    slots.seal(slot, vault, public, SecretBytes(bytes(32))).save(using=using)
    assert "not what was written" in refused(organisation, using, 7, despite_lost_values=True)
    # With a proof under that key too, as the attacker can make it: the values are in his way.
    proof = slots.proof(vault, slots_of(ann), SecretBytes(bytes(32)))
    UserVault.objects.using(using).filter(pk=vault.pk).update(proof=proof)
    assert "put there" in refused(organisation, using, 7)
    with pytest.raises(Tampered):
        user_vault(ann).open_with_password(PASSWORD)
    assert [one.kind for one in slots_of(ann)] == ["escrow", "password"]


@pytest.mark.parametrize("content", [None, "", "nonsense", "x25519", "x" * 20_000])
def test_a_public_key_that_is_none(organisation: dict[str, Any], using: str, content: str | None) -> None:
    """No vault is made without the escrow that the settings ask for; the check says why, and log-ins go on."""
    from django.contrib.auth.models import User
    from django.core.exceptions import ImproperlyConfigured
    from django.test import override_settings

    from strongroom.django.user_vaults import checks
    from strongroom.django.user_vaults.opening import open_at_login

    place = Path(organisation["public"]).with_name("bad.pub")
    if content == "x25519":
        place = Path(organisation["public"]).with_name("x25519.pub")
    elif content is not None:
        place.write_text(content)
    with override_settings(STRONGROOM=options(ESCROW=str(place))):
        assert [one.id for one in checks.check_settings()] == ["strongroom.E125"]
        user = User.objects.db_manager(using).create_user("ann", password=PASSWORD)
        with pytest.raises(ImproperlyConfigured):
            user_vault(user).create(PASSWORD)
        open_at_login(user, PASSWORD)
        assert user_vault(user).state == "absent"
