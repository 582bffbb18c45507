"""Everything in this user's OS keyring, for ``import``: the Secret Service of GNOME, KDE or KeePassXC.

Other systems' keyrings do not list what they hold. Nothing here opens a window, and nothing waits longer than
`os_keyring.PATIENCE_SECONDS` for an answer to it all.
"""

from __future__ import annotations

from strongroom.errors import StoreUnavailable
from strongroom.formats.interface import ENTRIES_MAX, Document, Entry
from strongroom.keys.slots.bound import missing_extra
from strongroom.locate.os_keyring import SERVICE, within_patience

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_OTHER_WAY = "log in to a desktop session, and unlock the keyring there"
# What the keyring package writes beside the two names.
_OF_KEYRING = frozenset(("service", "username", "application", "xdg:schema"))


def read_keyring() -> Document:
    """The entries of the default collection.

    One that the ``keyring`` package wrote goes by its service and user name; another by its label, with its
    attributes beside the password.

    Raises:
        StoreUnavailable: there is no keyring, it is locked, or it does not answer.
        FormatUnsupported: the extra ``keyring`` is not installed.
    """
    return Document("", within_patience(_entries))


def _entries() -> list[Entry]:
    try:
        import secretstorage
    except ImportError:
        raise missing_extra("keyring", "reading the OS keyring") from None
    try:
        connection = secretstorage.dbus_init()
    except Exception:
        # No address, a malformed one, nobody there: the library has an exception for each.
        raise StoreUnavailable("there is no session with an OS keyring", advice=_OTHER_WAY) from None
    try:
        collection = secretstorage.get_default_collection(connection)
        if collection.is_locked():
            raise StoreUnavailable("the OS keyring is locked", advice=_OTHER_WAY)
        found: list[Entry] = []
        for item in collection.get_all_items():
            found += _item(item)
            if len(found) > ENTRIES_MAX:
                raise StoreUnavailable(f"the OS keyring holds more than {ENTRIES_MAX} entries")
        return _numbered(found)
    except secretstorage.SecretServiceNotAvailableException:
        raise StoreUnavailable("no OS keyring runs in this session", advice=_OTHER_WAY) from None
    except secretstorage.ItemNotFoundException:
        raise StoreUnavailable("the OS keyring has no default collection", advice=_OTHER_WAY) from None
    finally:
        connection.close()


def _item(item: Any) -> list[Entry]:
    attributes: Mapping[str, str] = item.get_attributes()
    note = "is locked" if item.is_locked() else ""
    secret = b"" if note else bytes(item.get_secret())
    if "service" in attributes and "username" in attributes:
        if attributes["service"] == SERVICE:
            note = "opens this user's vault"
        keys: tuple[str, ...] = (attributes["service"], attributes["username"])
        beside = {name: attributes[name] for name in ("service", "username")}
    else:
        keys = (item.get_label(),)
        beside = {name: value for name, value in attributes.items() if name not in _OF_KEYRING}
    kind = "text" if _is_text(secret) else "bytes"
    entries = [Entry((*keys, "password"), secret, kind=kind, is_secret=True, note=note)]
    return entries + [
        Entry((*keys, name), value.encode("utf-8", "replace"), is_secret=False, note=note)
        for name, value in beside.items()
        if name != "password"
    ]


def _numbered(entries: list[Entry]) -> list[Entry]:
    """Give a second item of the same label a number: labels need not differ."""
    counts: dict[tuple[str, ...], int] = {}
    suffix = ""
    for entry in entries:
        *outer, last = entry.keys
        if last == "password":
            key = tuple(outer)
            counts[key] = counts.get(key, 0) + 1
            suffix = "" if counts[key] == 1 else f" {counts[key]}"
        if suffix:
            entry.keys = (*outer[:-1], outer[-1] + suffix, last)
    return entries


def _is_text(secret: bytes) -> bool:
    try:
        secret.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
