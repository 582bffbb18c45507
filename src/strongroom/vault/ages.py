"""Which items are about to expire, or have expired already."""

from __future__ import annotations

from strongroom.errors import NotFound
from strongroom.items import Version, parse_folder
from strongroom.vault.core import Core
from strongroom.vault.records import DESTROYED
from strongroom.vault.spans import microseconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import timedelta


def expiring(core: Core, within: timedelta, prefix: str) -> list[tuple[str, Version]]:
    """The items below *prefix* whose current version expires *within* this time; see `Vault.expiring`."""
    components = parse_folder(prefix)
    limit = core.clock_us() + microseconds(within)
    with core.reading() as rows:
        folder = core.tree.folder_id(rows, components)
        if folder is None:
            raise NotFound(f"no folder {prefix}", advice="see what there is: strongroom ls")
        now = core.clock_us()
        found = []
        for path, place in core.tree.walk_shown(rows, folder, "/".join((*components, ""))):
            entry = place.node.entry(place.node.current)
            if entry is None or entry.state == DESTROYED or entry.is_deleted(now):
                continue
            if 0 < entry.expires <= limit:
                found.append((entry.expires, path, entry.describe()))
    return [(path, version) for _, path, version in sorted(found, key=lambda one: one[:2])]
