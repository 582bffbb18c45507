"""``strongroom slot``: the ways to open the vault: list, add, remove, change."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.exit_codes import UsageError
from strongroom.doors.cli.inputs import confirm
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.next_steps import name_it_elsewhere
from strongroom.doors.cli.opening import checked_label, open_vault
from strongroom.doors.cli.slots import described_slot, find_slot, forget_slot, revoke

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from strongroom.vault.vault import Vault

SUMMARY = "the ways to open the vault: list, add, remove, change"
WORDS = "[ACTION] [WORD...]"
DETAILS = """\
  slot list                   what opens this vault
  slot add passphrase         a passphrase, typed twice, or one line of standard input
  slot add key-file FILE      a key file: made with mode 0400 if absent, used if there
  slot add recovery-code      a code for emergencies, shown once
  slot add keyring            32 random bytes in the desktop's keyring (needs the extra keyring)
  slot add age RECIPIENT      age1..., an SSH public key, or a file with one (needs the extra age)
  slot add shares 2of3        three shares, any two of which open it, shown once (the extra shamir)
  slot remove ID              ID is a beginning of the id, or the kind if there is one of it
  slot change ID [DETAIL]     a new passphrase, key file, code... in an old one's place

Removing a slot makes a new root key for all others and re-encrypts everything. Whoever has an
old copy of the vault and an old passphrase or key still opens that copy, and nothing newer.
"""
EXAMPLES = """\
strongroom slot list
strongroom slot add key-file jobs.key --label "nightly jobs"
strongroom slot add passphrase
"""
_GRAMMARS = {"list": "", "add": "KIND [DETAIL]", "remove": "ID", "change": "ID [DETAIL]"}


class Arguments(GlobalArguments):
    """What ``slot`` was given."""

    action: str = "list"
    word: list[str]
    label: str = ""
    kind: str
    id: str
    detail: str | None = None

    def __init__(self) -> None:
        self.word = []


def add_options(parser: ArgumentParser) -> None:
    """Add ``--label``."""
    parser.add_argument("--label", default="", help="a name for the new slot")


def run(arguments: Arguments) -> int:
    """Do what ACTION says."""
    from strongroom.doors.cli.actions import take_action

    take_action("slot", _GRAMMARS, arguments)
    actions = {"list": _list, "add": _add, "remove": _remove, "change": _change}
    with open_vault(arguments) as vault:
        return actions[arguments.action](arguments, vault)


def _list(arguments: Arguments, vault: Vault) -> int:
    slots = vault.slots()
    if arguments.json:
        output.json([described_slot(slot) for slot in slots])
    else:
        output.table(
            ("ID", "KIND", "SINCE", "LABEL", "PARAMETERS"),
            [(one.id[:8], one.kind, f"{one.created:%Y-%m-%d}", one.label or "-", one.parameters) for one in slots],
        )
    return 0


def _add(arguments: Arguments, vault: Vault) -> int:
    from strongroom.doors.cli.new_credentials import new_credential

    checked_label(arguments.label)
    with new_credential(arguments.kind, arguments.detail, arguments) as made:
        slot = vault.add_slot(made.credential, label=arguments.label)
        made.keep()
        if not arguments.json:
            output.note(f"added the {slot.kind} slot {slot.id[:8]}")
            if slot.kind == "age":
                name_it_elsewhere(vault)
        made.show(arguments, described_slot(slot))
    return 0


def _remove(arguments: Arguments, vault: Vault) -> int:
    slot = find_slot(vault, arguments.id)
    if not confirm(arguments, f"Remove the {slot.kind} slot {slot.id[:8]} ({slot.label or slot.parameters})?"):
        output.note("nothing was removed")
        return 0
    revoke(vault, slot, arguments)
    return 0


def _change(arguments: Arguments, vault: Vault) -> int:
    from strongroom.doors.cli.new_credentials import new_credential

    if arguments.label:
        raise UsageError("--label goes with slot add")
    slot = find_slot(vault, arguments.id)
    with new_credential(slot.kind, arguments.detail, arguments) as made:
        changed = vault.change_slot(slot.id, made.credential)
        made.keep()
        forget_slot(slot)
        if not arguments.json:
            output.note(f"changed the {slot.kind} slot {slot.id[:8]}; an old copy of the vault still opens as before")
            output.hint("this is no revocation: if somebody knows the old secret, strongroom rotate --root")
        made.show(arguments, described_slot(changed))
    return 0
