"""Naming a key slot on the command line, and showing it."""

from __future__ import annotations

from strongroom.errors import NotFound, OutcomeUnknown, StrongroomError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.doors.cli.interface import GlobalArguments
    from strongroom.vault.slots import SlotInfo
    from strongroom.vault.vault import Vault


def find_slot(vault: Vault, beginning: str) -> SlotInfo:
    """The one slot whose id begins with *beginning*, or the only one of that kind.

    Raises: NotFound: none, or several.
    """
    slots = vault.slots()
    found = [slot for slot in slots if beginning and slot.id.startswith(beginning.lower())]
    # No kind's name is a number in base 16.
    found = found or [slot for slot in slots if beginning.removesuffix("-code") == slot.kind]
    if len(found) != 1:
        why = "several slots are" if found else "no slot has the id or kind"
        raise NotFound(f"{why} {beginning}", advice="see them all: strongroom slot list")
    return found[0]


def forget_slot(slot: SlotInfo) -> None:
    """Take what a removed or changed slot left elsewhere: the entry in this user's keyring, if it is there."""
    from strongroom.doors.cli import output
    from strongroom.keys.slots import os_keyring
    from strongroom.locate.os_keyring import forget_entry

    if slot.kind != "keyring":
        return
    try:
        forget_entry(slot.raw_parameters)
    except StrongroomError as error:
        # Another machine's slot, or a locked keyring: the slot is gone, and the entry opens nothing now.
        output.note(f"the {os_keyring.describe(slot.raw_parameters)} may still be there: {error}")


def revoke(vault: Vault, slot: SlotInfo, arguments: GlobalArguments) -> None:
    """Remove *slot*, re-encrypt what its holder could read and forge, and say what an old copy still gives.

    The new root key counts from the first of the two on; until the second has ended, whoever
    held the slot and can write to the file could still plant values under the old data key.
    """
    from strongroom.doors.cli import output
    from strongroom.doors.cli.progress import Progress

    try:
        vault.remove_slot(slot.id)
    except OutcomeUnknown:
        output.hint("if strongroom slot list no longer shows it, go on with: strongroom rotate")
        raise
    forget_slot(slot)
    try:
        with Progress("re-encrypted") as progress:
            vault.rotate(progress=progress)
    except BaseException:
        output.note(f"removed the {slot.kind} slot {slot.id[:8]}, but not everything is re-encrypted yet")
        output.hint("go on with: strongroom rotate")
        raise
    if arguments.json:
        output.json(described_slot(slot))
        return
    output.note(f"removed the {slot.kind} slot {slot.id[:8]}: it opens nothing that is written from now on")
    output.hint("an old copy of the vault still opens with it, and shows what it held then: change those values")


def described_slot(slot: SlotInfo) -> dict[str, object]:
    """What may be shown of *slot*, ready for `json.dumps`."""
    return {
        "id": slot.id,
        "kind": slot.kind,
        "label": slot.label,
        "created": slot.created.isoformat(),
        "parameters": slot.parameters,
    }
