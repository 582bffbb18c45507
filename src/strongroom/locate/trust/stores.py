"""Which trust stores this machine and this user have."""

from __future__ import annotations

import os

from strongroom.locate.trust.nss import DATABASE, NssStore
from strongroom.locate.trust.system import LAYOUTS, SystemStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.locate.trust.interface import TrustStore

KINDS = ("system", "nss")
# Chromium's, and that of its snap.
_SHARED = (".pki/nssdb", "snap/chromium/current/.pki/nssdb")
# Each holds Firefox's profiles: its own places, old and new, its snap's and its flatpak's.
_PROFILES = (
    ".mozilla/firefox", ".config/mozilla/firefox", "snap/firefox/common/.mozilla/firefox",
    ".var/app/org.mozilla.firefox/.mozilla/firefox",
)  # fmt: skip


def find_stores(home: str, kind: str | None = None) -> list[TrustStore]:
    """The stores that are there: the system's, and this user's databases; the system's first.

    Args:
        home: where browsers keep theirs.
        kind: one of `KINDS`; None for all.
    """
    from shutil import which

    found: list[TrustStore] = []
    if kind != "nss":
        found += [SystemStore(layout) for layout in LAYOUTS if layout.is_here()][:1]
    if kind != "system":
        program = which("certutil")
        found += [NssStore(place, program) for place in _databases(home)]
    return found


def _databases(home: str) -> Iterator[str]:
    folders = [os.path.join(home, one) for one in _SHARED]
    for one in _PROFILES:
        above = os.path.join(home, one)
        try:
            names = sorted(os.listdir(above))
        except OSError:
            continue  # no Firefox of this kind
        folders += [os.path.join(above, name) for name in names]
    seen = set()
    for folder in folders:
        try:
            status = os.stat(os.path.join(folder, DATABASE))
        except OSError:
            continue
        # Root, in the home of somebody who may have planted a link there, changes nothing.
        if status.st_uid == os.geteuid() and (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            yield folder
