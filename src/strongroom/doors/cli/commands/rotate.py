"""``strongroom rotate``: new keys at once, old values re-encrypted, old keys destroyed."""

from __future__ import annotations

from strongroom.doors.cli import output
from strongroom.doors.cli.interface import GlobalArguments
from strongroom.doors.cli.opening import open_vault
from strongroom.doors.cli.progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "make new keys, and re-encrypt what lies under the old ones"
WORDS = ""
DETAILS = """\
Others may read and write meanwhile. Interrupted, it is continued by the next rotate.
--root also makes a new root key and hands it to every key slot. An old copy of the
vault still opens with what opened it then: rotation protects what is written from now on.
"""
EXAMPLES = """\
strongroom rotate
strongroom rotate --root
"""


class Arguments(GlobalArguments):
    """What ``rotate`` was given."""

    root: bool = False


def add_options(parser: ArgumentParser) -> None:
    """Add ``--root``."""
    parser.add_argument("--root", action="store_true", help="also make a new root key, for every slot")


def run(arguments: Arguments) -> int:
    """Rotate, or go on with a rotation that was interrupted."""
    with open_vault(arguments) as vault:
        try:
            with Progress("re-encrypted") as progress:
                rows = vault.rotate(root=arguments.root, progress=progress)
        except KeyboardInterrupt:
            output.hint("what was done stays done; go on with: strongroom rotate")
            raise
        status = vault.status()
        slots = len(vault.slots())
    if arguments.json:
        output.json({"rows": rows, "epoch": status.epoch})
    else:
        if arguments.root:
            receivers = "the key slot" if slots == 1 else f"{slots} key slots"
            output.note(f"made a new root key, and handed it to {receivers}")
        output.note(f"re-encrypted {rows} rows under a new key and destroyed the old one")
    return 0
