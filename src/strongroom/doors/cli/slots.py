"""Naming a key slot on the command line, and showing it."""

from __future__ import annotations

from strongroom.errors import NotFound, StrongroomError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.vault.slots import SlotInfo
    from strongroom.vault.vault import Vault


def find_slot(vault: Vault, beginning: str) -> SlotInfo:
    """The one slot whose id begins with *beginning*.

    Raises: NotFound: none, or several.
    """
    found = [slot for slot in vault.slots() if beginning and slot.id.startswith(beginning.lower())]
    if len(found) != 1:
        why = "several slots begin with" if found else "no slot has the id"
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


def described_slot(slot: SlotInfo) -> dict[str, object]:
    """What may be shown of *slot*, ready for `json.dumps`."""
    return {
        "id": slot.id,
        "kind": slot.kind,
        "label": slot.label,
        "created": slot.created.isoformat(),
        "parameters": slot.parameters,
    }
