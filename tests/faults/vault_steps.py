"""What is done to a vault while it is killed, broken or cut, and how one sees that it was done.

`vault_workload` does the steps, `vault_judging` looks: each step is acknowledged and there,
or refused and not there, or on its way when the fault struck and there whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from json import dumps
from typing import Protocol

from strongroom.errors import NotFound
from strongroom.keys.slots.passphrase import Argon2idProfile, PassphraseCredential
from strongroom.locate.allowed_files import list_allowed
from strongroom.locate.key_files import read_key_file
from strongroom.vault import rotation
from strongroom.vault.vault import Vault
from tests.faults.vault_place import (
    CHEAP,
    FOREIGN,
    KEPT,
    LESS_CHEAP,
    NEW_PHRASE,
    OLD_PHRASE,
    SECRETS,
    Place,
    fields,
)

Look = Callable[[Place, Vault], bool]


class Torn(Exception):
    """What was to be done is half there."""


class Hands(Protocol):
    """What a step may use.

    Attributes:
        vault: open, with its anchor; not before it is asked for.
    """

    place: Place

    @property
    def vault(self) -> Vault: ...

    def command(self, *words: str, stdin: str = "", vault: str = "", key_file: str = "") -> None:
        """Run a command line in this process; another exit code than 0 becomes an error."""


Act = Callable[[Hands], object]


class Step:
    """One thing that is done.

    Args:
        look: whether it was done; raises Torn for something in between.
        is_whole: an error means that nothing was done; else it may have come half the way,
            from where the same step goes on.
    """

    def __init__(self, name: str, act: Act, look: Look, *, is_whole: bool = True) -> None:
        self.name = name
        self.act = act
        self.look = look
        self.is_whole = is_whole


def one_of(before: bool, after: bool, what: str) -> bool:
    """Whether it is done: exactly one of two states must hold."""
    if before == after:
        raise Torn(f"{what}: {'both the old and the new' if before else 'neither the old nor the new'}")
    return after


def shows(vault: Vault, path: str, number: int = 1) -> bool:
    """Whether the current version of an item is *number*, with the fields that belong to it."""
    try:
        item = vault.get(path)
    except NotFound:
        return False
    found = {name: item[name].reveal() for name in item}
    if found != fields(path, item.version.number):
        raise Torn(f"{path} holds something else")
    return item.version.number == number


def all_or_none(holds: list[bool], what: str) -> bool:
    """Whether it is done: all of them, or none."""
    if any(holds) != all(holds):
        raise Torn(f"{what}: {holds}")
    return all(holds)


def _is_absent(vault: Vault, path: str) -> bool:
    try:
        return not vault.history(path)
    except NotFound:
        return True


def _in_transaction(hands: Hands) -> None:
    with hands.vault.transaction():
        hands.vault.set("transaction/a", fields("transaction/a"))
        hands.vault.destroy("kept/5")
        hands.vault.set("transaction/b", fields("transaction/b"))


def _slot(vault: Vault, label: str) -> str:
    return next(slot.id for slot in vault.slots() if slot.label == label)


def _has_label(vault: Vault, label: str) -> bool:
    return any(slot.label == label for slot in vault.slots())


def _change_phrase(hands: Hands) -> None:
    # The command takes the usual cost, which would take most of the time of these tests.
    Argon2idProfile.__init__.__kwdefaults__.update(memory_kib=19_456, iterations=1, lanes=1)  # type: ignore[attr-defined]
    hands.command("slot", "change", _slot(hands.vault, "phrase"), stdin=NEW_PHRASE)


BATCH = {f"batch/{number}": fields(f"batch/{number}") for number in range(12)}

PUT = (
    Step("new", lambda h: h.vault.set("put/new", fields("put/new")), lambda _p, v: shows(v, "put/new")),
    Step("again", lambda h: h.vault.set("kept/0", fields("kept/0", 2)), lambda _p, v: shows(v, "kept/0", 2)),
    Step("merge", lambda h: h.vault.patch("kept/1", fields("kept/1", 2)), lambda _p, v: shows(v, "kept/1", 2)),
    Step(
        "configure",
        lambda h: h.vault.configure(max_versions=3),
        lambda _p, v: one_of(v.settings().max_versions == 10, v.settings().max_versions == 3, "settings"),
    ),
    Step("delete", lambda h: h.vault.delete("kept/2"), lambda _p, v: v.history("kept/2")[-1].deleted is not None),
    Step("destroy", lambda h: h.vault.destroy("kept/3"), lambda _p, v: _is_absent(v, "kept/3")),
    Step(
        "move",
        lambda h: h.vault.move("kept/4", "moved/4"),
        lambda _p, v: one_of(not _is_absent(v, "kept/4"), not _is_absent(v, "moved/4"), "move"),
    ),
)  # fmt: skip

BATCHES = (
    Step(
        "many",
        lambda h: h.vault.set_many(BATCH),
        lambda _p, v: all_or_none([shows(v, path) for path in BATCH], "batch"),
    ),
    Step(
        "transaction",
        _in_transaction,
        lambda _p, v: all_or_none(
            [shows(v, "transaction/a"), shows(v, "transaction/b"), _is_absent(v, "kept/5")], "transaction"
        ),
    ),
)

SLOTS = (
    Step(
        "add",
        lambda h: h.command("slot", "add", "key-file", h.place.third, "--label", "third"),
        # A key file without its slot opens nothing and harms nobody; a slot without its file is lost.
        lambda p, v: all_or_none([_has_label(v, "third"), p.opens_with_file(p.third)], "slot and its file"),
    ),
    Step(
        "phrase",
        _change_phrase,
        lambda p, _v: one_of(p.opens_with_phrase(OLD_PHRASE), p.opens_with_phrase(NEW_PHRASE), "passphrase"),
    ),
    Step(
        "remove",
        lambda h: h.command("slot", "remove", _slot(h.vault, "second"), "--yes"),
        lambda p, v: one_of(p.opens_with_file(p.second), not _has_label(v, "second"), "removed slot"),
        is_whole=False,  # it goes on with a rotation
    ),
)

ONLY_SLOT = (
    Step(
        "key file",
        lambda h: h.command("slot", "change", _slot(h.vault, "first"), h.place.third),
        lambda p, _v: one_of(p.opens_with_file(p.first), p.opens_with_file(p.third), "the only key file"),
    ),
)


def _renew(hands: Hands) -> None:
    def phrase() -> PassphraseCredential:
        return PassphraseCredential(bytearray(OLD_PHRASE.encode()), profile=LESS_CHEAP)

    with hands.place.opened(hands.place.vault, phrase()) as vault:
        assert vault.renew_slot(phrase())


def _is_renewed(place: Place, vault: Vault) -> bool:
    if not place.opens_with_phrase(OLD_PHRASE):
        raise Torn("the passphrase no longer opens the vault")
    shown = {str(profile): profile is LESS_CHEAP for profile in (CHEAP, LESS_CHEAP)}
    return shown[next(slot.parameters for slot in vault.slots() if slot.label == "phrase")]


RENEWAL = (Step("renewal", _renew, _is_renewed),)


def _data_keys(vault: Vault) -> tuple[int, ...]:
    return tuple(vault._core.keys.keyset.enabled)


def _rotate_root(hands: Hands) -> None:
    hands.vault.rotate(root=True)


ROTATION = (
    # Not whole: where it was refused, the next step begins instead.
    Step("begin", lambda h: rotation.begin(h.vault._core), lambda _p, v: max(_data_keys(v)) > 1, is_whole=False),
    Step("rotate", lambda h: h.vault.rotate(), lambda _p, v: _data_keys(v)[0] > 1, is_whole=False),
    Step("rotate root", _rotate_root, lambda _p, v: v.status().epoch > 1 and len(_data_keys(v)) == 1, is_whole=False),
)

COPIES = (
    Step(
        "backup",
        lambda h: h.command("backup", f"{h.place.directory}/copy.db"),
        lambda p, _v: is_copy(p, f"{p.directory}/copy.db", "after the backup"),
        is_whole=False,
    ),
)

ELSEWHERE = (
    Step(
        "restore beside",
        lambda h: h.command("restore-backup", h.place.backup, vault=h.place.other),
        lambda p, _v: is_copy(p, p.other, "kept/0"),
        is_whole=False,
    ),
)


def is_copy(place: Place, path: str, newest: str) -> bool:
    """Whether a copy is there; then it is whole, and holds *newest*."""
    if not os.path.lexists(path):
        return False
    with place.opened(path, read_key_file(place.first)) as vault:
        vault.verify()
        if not all(shows(vault, f"kept/{number}") for number in range(KEPT)) or not shows(vault, newest):
            raise Torn(f"{path} lacks something")
    return True


def is_restored(place: Place, vault: Vault) -> bool:
    """Whether the backup has taken the vault's place; then the old vault is kept beside it."""
    aside = [name for name in os.listdir(place.directory) if name.startswith("vault.db.before-") and name[-1] == "Z"]
    for name in aside:
        is_copy(place, f"{place.directory}/{name}", "after the backup")
    is_old = shows(vault, "after the backup")
    if not is_old and not aside:
        raise Torn("the old vault is gone")
    return not is_old


RESTORING = (
    Step("restore", lambda h: h.command("restore-backup", h.place.backup, "--yes"), is_restored, is_whole=False),
)


def _is_made(place: Place, _vault: Vault) -> bool:
    if not os.path.lexists(place.other):
        return False
    if not place.opens_with_file(place.third, path=place.other):
        raise Torn("a new vault that nothing opens")
    return True


MAKING = (
    Step("init", lambda h: h.command("init", vault=h.place.other, key_file=h.place.third), _is_made, is_whole=False),
)

EDITING = (
    Step("edit", lambda h: h.command("edit", "kept/0"), lambda _p, v: shows(v, "kept/0", 2)),
    Step(
        "set",
        lambda h: h.command("set", "put/new", "--json", stdin=dumps(fields("put/new"))),
        lambda _p, v: shows(v, "put/new"),
    ),
)


def _import(path: str, target: str, *options: str) -> Act:
    def act(hands: Hands) -> None:
        hands.command("import", getattr(hands.place, path), "--to", target, "--all", *options, "--yes")

    return act


def _imported(vault: Vault, target: str) -> bool:
    try:
        item = vault.get(target)
    except NotFound:
        return False
    if {name: item[name].reveal() for name in item} != SECRETS:
        raise Torn(f"{target} holds something else")
    return True


def _foreign(path: str) -> str | None:
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _is_wiped(place: Place, vault: Vault) -> bool:
    # Only when the vault has it may the file have less than everything.
    is_there = _imported(vault, "wiped")
    found = _foreign(place.wiped)
    if found != FOREIGN and not is_there:
        raise Torn("neither the file nor the vault has it")
    return found is None


def _is_replaced(place: Place, vault: Vault) -> bool:
    is_there = _imported(vault, "replaced")
    found = _foreign(place.replaced)
    if found == FOREIGN:
        return False
    references = "".join(f"{name}='strongroom://replaced#{name}'\n" for name in SECRETS)
    if not is_there or found != references:
        raise Torn("the file holds neither its values nor references to them")
    return True


IMPORTING = (
    # Not whole: stored and not yet removed is said to be refused, and everything is in both.
    Step("wipe", _import("wiped", "wiped", "--wipe"), _is_wiped, is_whole=False),
    Step("replace", _import("replaced", "replaced", "--replace"), _is_replaced, is_whole=False),
)


def _is_allowed(place: Place, prefix: str) -> bool:
    """Whether the list says so; it is read as a whole, and Tampered when it is torn."""
    for one in list_allowed({"XDG_STATE_HOME": f"{place.directory}/state"}):
        # An image of the disk is laid down elsewhere: by its name.
        if one.place.endswith("/project.env"):
            return one.prefixes == ((prefix,) if prefix else ())
    return False


ALLOWING = (
    Step(
        "allow",
        lambda h: h.command("allow", h.place.project, "--prefix", "kept/0", "--yes"),
        lambda p, _v: _is_allowed(p, "kept/0") or _is_allowed(p, ""),
        is_whole=False,  # the next step does it, too
    ),
    Step(
        "widen",
        lambda h: h.command("allow", h.place.project, "--yes"),
        lambda p, _v: _is_allowed(p, ""),
        is_whole=False,  # the new list has its name, and the disk did not confirm that
    ),
)

SCENARIOS = {
    "put": PUT,
    "batch": BATCHES,
    "slots": SLOTS,
    "only slot": ONLY_SLOT,
    "renewal": RENEWAL,
    "rotation": ROTATION,
    "copies": COPIES,
    "elsewhere": ELSEWHERE,
    "restoring": RESTORING,
    "making": MAKING,
    "editing": EDITING,
    "importing": IMPORTING,
    "allowing": ALLOWING,
}
