"""The vault: get, set, list, history and the rest. Read this file first.

The main path is `Vault.get` -> a store's rows -> `keys.envelope` -> `crypto.aead`.
Writes are in `history`, the transaction that carries them in `core`, the names in
`names`, and `reads` finds what a get opens. Nothing here touches disk, network, clock or
environment by itself.
"""

from __future__ import annotations

from abc import ABCMeta
from typing import overload

from strongroom.errors import NotFound
from strongroom.items import Item, Version, parse_folder, parse_path, quoted_name
from strongroom.secret import SecretBytes, SecretStr
from strongroom.stores.interface import Reading
from strongroom.vault import history
from strongroom.vault.asynchronous import AsyncTwins
from strongroom.vault.handle import VaultHandle
from strongroom.vault.reads import FETCHED_AT_ONCE, fetch_many, open_fields, open_many, readable_entry
from strongroom.vault.records import DESTROYED, FOLDER, ITEM
from strongroom.vault.spans import deadline
from strongroom.vault.values import to_fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import timedelta
    from typing import Literal

    from strongroom.vault.change import Change
    from strongroom.vault.ledger import LedgeredRows
    from strongroom.vault.names import Place
    from strongroom.vault.values import FieldValue

    Versions = list[Version]


class Vault(VaultHandle, AsyncTwins, metaclass=ABCMeta):
    """An open vault. Made by `strongroom.open` and `strongroom.create`.

    A context manager: leaving it locks the vault. One object may be used from several
    threads; its operations take turns. Every method may raise VaultLocked, Tampered and
    StoreUnavailable beside what it documents.

    Attributes:
        ask: asks a person for (path, field) and returns the answer; None where nobody can be asked.
    """

    @classmethod
    def __subclasshook__(cls, other: type) -> bool:
        """A class without keys that honours all of this, as `RemoteVault` does, is one: it says so itself."""
        return True if cls is Vault and getattr(other, "honours_vault", False) else NotImplemented

    @overload
    def get(self, path: str, *, version: int | None = None, allow_expired: bool = False) -> Item: ...
    @overload
    def get(
        self, path: str, field: str, *, version: int | None = None, allow_expired: bool = False
    ) -> SecretStr | SecretBytes: ...
    @overload
    def get(
        self, path: str, field: str | None = None, *, version: int | None = None, allow_expired: bool = False
    ) -> Item | SecretStr | SecretBytes: ...
    def get(
        self, path: str, field: str | None = None, *, version: int | None = None, allow_expired: bool = False
    ) -> Item | SecretStr | SecretBytes:
        """The item at *path*, or one field of it.

        Args:
            version: None for the current one; an older number for that one.
            allow_expired: read a value past its date instead of failing.

        Raises:
            NotFound: no such item, version or field; or it is deleted or destroyed.
            Expired: the value is past its date.
            ValueError: the path is not canonical.
        """
        entry, fields = open_fields(self._core, path, version, allow_expired=allow_expired)
        if field is not None and field in fields:
            return fields[field].hidden()
        item = Item(path, entry.describe(), fields)
        return item if field is None else item[field]

    def get_many(self, paths: Iterable[str]) -> dict[str, Item]:
        """Several items, all read at one moment.

        Raises: as `get`; one missing item fails the whole call.
        """
        core, wanted = self._core, list(dict.fromkeys(paths))
        if core.store.is_remote and len(wanted) <= FETCHED_AT_ONCE:
            opened = open_many(core, wanted)
            if opened is not None:
                return {path: Item(path, entry.describe(), fields) for path, (entry, fields) in opened.items()}
        found: dict[str, Item] = {}
        with core.reading() as rows:
            for start in range(0, len(wanted), FETCHED_AT_ONCE):
                some = wanted[start : start + FETCHED_AT_ONCE]
                if core.store.is_remote:
                    fetch_many(core, rows, some)
                found.update((path, self.get(path)) for path in some)
        return found

    def list(self, prefix: str = "", *, deleted: bool = False) -> Iterator[str]:
        """The names directly under the folder *prefix*, sorted; folders end with ``/``.

        Args:
            deleted: also list items whose current version is deleted or destroyed.

        Raises: NotFound: there is no such folder.
        """
        core = self._core
        with core.reading() as rows:
            folder = self._folder(rows, prefix)
            places = core.tree.shown_children(rows, folder)
        names = [
            place.node.name + ("/" if place.node.kind == FOLDER else "")
            for place in places
            if deleted or place.node.kind == FOLDER or self._is_live(place)
        ]
        return iter(sorted(names))

    def walk(self, prefix: str = "", *, deleted: bool = False) -> Iterator[str]:
        """The full path of every item below the folder *prefix*, in order.

        Raises: NotFound: there is no such folder.
        """
        core = self._core
        with core.reading() as rows:
            folder = self._folder(rows, prefix)
            start = "/".join((*parse_folder(prefix), ""))
            found = [(path, place) for path, place in core.tree.walk_shown(rows, folder, start)]
        return iter([path for path, place in found if deleted or self._is_live(place)])

    def _folder(self, rows: Reading | LedgeredRows, prefix: str) -> bytes:
        folder = self._core.tree.folder_id(rows, parse_folder(prefix))
        if folder is None:
            raise NotFound(f"no folder {prefix}", advice="see what there is: strongroom ls")
        return folder

    def _is_live(self, place: Place) -> bool:
        entry = place.node.entry(place.node.current)
        return entry is not None and entry.state != DESTROYED and not entry.is_deleted(self._core.clock_us())

    def history(self, path: str) -> Versions:
        """Every version that is known of the item, oldest first.

        Raises: NotFound: no such item.
        """
        core = self._core
        with core.reading() as rows:
            place = history.find_item(core, rows, path)
            return [entry.describe() for entry in place.node.entries]

    def set(
        self,
        path: str,
        fields: Mapping[str, FieldValue],
        *,
        cas: int | None = None,
        expires: timedelta | None = None,
        request_id: bytes | None = None,
    ) -> Version:
        """Write a new version whose fields are exactly *fields*.

        Args:
            fields: name -> text, bytes, a secret, a `Field` or other JSON, but not None. Plain text
                is stored as not secret unless its name says otherwise (`items.is_secret_name`).
            cas: the version that must be current; 0 for "must not exist".
            expires: after which reading it fails.
            request_id: 16 bytes; a repeated call with the same id writes no second version.

        Raises:
            Conflict: *cas* is not the current version, or is required and missing.
            OutcomeUnknown: the commit's answer is missing; repeat with its ``request_id``.
            TypeError, ValueError: a path, name or value that cannot be stored.
        """
        converted = to_fields(fields)
        core = self._core

        def write(change: Change) -> Version:
            settings, until = core.settings(change.rows), deadline(change.now, expires)
            return history.write_version(change, core, path, converted, settings=settings, cas=cas, expires=until)

        return core.commit("set", request_id, write)

    def set_many(
        self, items: Mapping[str, Mapping[str, FieldValue]], *, request_id: bytes | None = None
    ) -> dict[str, Version]:
        """As `set` for several items, in one commit: all of them or none.

        Raises: as `set`.
        """
        converted = [(path, to_fields(fields)) for path, fields in items.items()]
        core = self._core

        def write(change: Change) -> dict[str, Version]:
            settings = core.settings(change.rows)
            return {
                path: history.write_version(change, core, path, fields, settings=settings, cas=None)
                for path, fields in converted
            }

        return core.commit("set", request_id, write)

    def patch(
        self,
        path: str,
        fields: Mapping[str, FieldValue],
        *,
        cas: int | None = None,
        expires: timedelta | Literal["never"] | None = None,
        create: bool = False,
        request_id: bytes | None = None,
    ) -> Version:
        """Write a new version that merges *fields* into the current one; None removes a field.

        Args:
            expires: None keeps the current version's date, if it lies ahead.
            create: where there is no current version, *fields* alone become one.

        Raises:
            NotFound: there is no current version to merge into.
            Expired: the current version is past its date, and *expires* does not say what holds now.
            Conflict, OutcomeUnknown, TypeError, ValueError: as `set`.
        """
        converted = to_fields({name: value for name, value in fields.items() if value is not None})
        removed = [name for name, value in fields.items() if value is None]
        core = self._core

        def write(change: Change) -> Version:
            try:
                place = history.find_item(core, change.rows, path)
                entry = readable_entry(core, path, place, None, allow_expired=True)
            except NotFound:
                if not create:
                    raise
                merged, until = converted, deadline(change.now, None if expires == "never" else expires)
            else:
                until = history.next_deadline(path, entry, change.now, expires)
                merged = history.read_fields(core, change.rows, place, entry, path) | converted
            for name in removed:
                merged.pop(name, None)
            settings = core.settings(change.rows)
            return history.write_version(change, core, path, merged, settings=settings, cas=cas, expires=until)

        return core.commit("patch", request_id, write)

    def require(self, path: str, *fields: str) -> Item:
        """The item at *path*, with all of *fields*: asks once for what is missing, and stores it.

        Raises:
            WouldPrompt: something is missing and nobody can be asked.
            Expired: the value is past its date.
        """
        from strongroom.vault.requiring import require  # a plain get does without

        return require(self, path, fields)

    def restore(self, path: str, version: int | None = None, *, request_id: bytes | None = None) -> Version:
        """Bring back what was deleted, or write the fields of an older version as a new one.

        Args:
            version: None takes back the deletion of the current version; a number makes that
                version's fields the current ones, even if it was deleted.

        Raises: NotFound: no such item or version, or it was destroyed.
        """
        core = self._core

        def write(change: Change) -> Version:
            place = history.find_item(core, change.rows, path)
            number = place.node.current if version is None else version
            entry = place.node.entry(number)
            if entry is None or entry.state == DESTROYED:
                why = "was destroyed" if entry else "does not exist"
                raise NotFound(f"version {number} of {path} {why}", advice=f"see: strongroom log {quoted_name(path)}")
            if version is None:
                history.delete_versions(change, core, path, (number,), undo=True)
                return entry.describe()
            fields = history.read_fields(core, change.rows, place, entry, path)
            settings = core.settings(change.rows)
            return history.write_version(
                change, core, path, fields, settings=settings, cas=place.node.current, expires=entry.expires
            )

        return core.commit("restore", request_id, write)

    def delete(self, path: str, *, versions: Sequence[int] = ()) -> None:
        """Delete versions, the current one if none is named, so that they can be restored.

        Raises: NotFound: no such item or version.
        """
        core = self._core
        core.commit("delete", None, lambda change: history.delete_versions(change, core, path, versions))

    def undelete(self, path: str, *, versions: Sequence[int] = ()) -> None:
        """Take back the deletion of versions, the current one if none is named.

        Raises: NotFound: no such item or version. A destroyed version stays destroyed.
        """
        core = self._core
        core.commit("undelete", None, lambda change: history.delete_versions(change, core, path, versions, undo=True))

    def destroy(self, path: str, *, versions: Sequence[int] = ()) -> None:
        """Destroy versions for good; without *versions*, the item and all that is known of it.

        Raises: NotFound: no such item or version.
        """
        with self._core.changing("destroy") as change:
            if versions:
                history.destroy_versions(change, self._core, path, versions)
            else:
                history.destroy_item(change, self._core, path)

    def move(self, source: str, target: str) -> None:
        """Rename an item, or a folder if *source* ends with ``/``; values are not touched.

        Raises:
            NotFound: no such item or folder.
            Conflict: the target exists.
            ValueError: a folder would end up inside itself, or an item below it at a path that
                `parse_path` refuses.
        """
        core = self._core
        kind = FOLDER if source[-1:] == "/" else ITEM
        old = parse_folder(source) if kind == FOLDER else parse_path(source)
        new = parse_folder(target) if kind == FOLDER else parse_path(target)
        if not old or not new:
            raise ValueError("the top folder cannot be moved or replaced")
        with core.changing("move") as change:
            place = core.tree.find(change.rows, old, kind)
            if place is None:
                raise NotFound(f"nothing at {source}", advice="see what there is: strongroom ls")
            if kind == ITEM:
                place.node.revision += 1
            else:
                for path, _ in core.tree.walk(change.rows, place.id, "/".join((*new, ""))):
                    parse_path(path)  # an item below may end up too deep or too long to be named again
            moved = core.tree.move(change.rows, old, new, kind)
            suffix = "/" if kind == FOLDER else ""
            if kind == FOLDER:
                change.touch(moved.id, 0, 0, "/".join((*old, "")))
            change.touch(moved.id, moved.node.revision, moved.node.current, "/".join(new) + suffix)

    def transaction(self, *, request_id: bytes | None = None) -> AbstractContextManager[object]:
        """A block whose writes are committed together when it is left, or not at all.

        Raises: on leaving, OutcomeUnknown as `set`; StrongroomError if an operation inside had
            failed half-way and its error was caught inside the block.
        """
        return self._core.changing("transaction", request_id)
