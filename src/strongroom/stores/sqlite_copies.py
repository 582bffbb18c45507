"""Copies of a SQLite store: the online backup, and a backup put in a vault's place.

A copy is verified before it gets its name, and gets it whole.
"""

from __future__ import annotations

import os
import stat

from strongroom.errors import StoreUnavailable, Tampered, VaultNotFound
from strongroom.stores import durable, files
from strongroom.stores.sqlite_driver import Connection, DriverError, damaged, is_for_want_of_room, translate
from strongroom.stores.sqlite_file import (
    COMPANIONS,
    bare_connection,
    check_identity,
    check_schema,
    execute,
    remove_files,
    set_up,
    unset_connection,
)
from strongroom.stores.sqlite_places import check_place, check_writable, publish, refuse_leftovers, unsettled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.stores.interface import Store
    from strongroom.stores.sqlite import SqliteStore


def write_as_sqlite(store: Store, target: str) -> None:
    """Copy one moment of a store of another kind to a new SQLite file; readers and writers go on.

    Raises: Conflict, UnsafePermissions, StoreUnavailable: as `SqliteStore.create`.
    """
    from strongroom.stores.sqlite import SqliteStore  # which imports this module

    copy = SqliteStore.create(target)
    try:
        with store.reading() as rows, copy.writing() as written:
            for table in store.format.tables:
                written.put_many(table, rows.scan(table))
        copy.publish()
    finally:
        copy.close()


def write_backup(source: str, target: str) -> None:
    """Copy the live store at *source* into one private file at *target*, in one moment.

    Args:
        source: the path of a store; others go on reading and writing it.
        target: must not exist; its directory must be private.

    Raises:
        Conflict: *target* exists.
        NotFound, UnsafePermissions: its directory is missing, or open to others.
        Denied: this user may not write there.
        Tampered: the store is damaged, so that its copy could not be restored.
        OutcomeUnknown: it is there, and whole, but may not outlive a power cut.
        StoreUnavailable: the disk is full, or cannot be read or written.
    """
    target = os.path.abspath(target)
    files.check_private_dir(durable.parent(target))
    if os.path.lexists(target):
        raise durable.already_exists(target)
    check_writable(target)
    durable.sweep(target)
    temporary = durable.unfinished_name(target)
    try:
        _copy(source, temporary)
        publish(temporary, target)
    except BaseException:
        remove_files(temporary)
        raise


def restore_backup(source: str, target: str, *, set_aside: str | None = None) -> None:
    """Make a verified copy of the backup at *source* the vault at *target*.

    Args:
        source: a backup, or any closed vault file; it may lie anywhere and is not changed.
        target: its directory must be private.
        set_aside: where the vault that lies at *target* now is kept; must not exist.
            None: there must be none.

    Raises:
        Conflict: *target* exists and *set_aside* is None, or *set_aside* exists; or there is no
            vault at *target*, but SQLite's files of one that is gone.
        UnsafePermissions: what lies at *target*, or beside it, is a link, no file, or a stranger's.
        VaultNotFound: there is no backup at *source*.
        Tampered, FormatUnsupported: *source* is damaged, not a vault, or newer than this program.
        Denied: this user may not write there.
        StoreUnavailable: the vault at *target* is in use, or the disk failed. *target* is what it was.
        OutcomeUnknown: the backup is in its place, but a power cut may bring back what was there.
    """
    target = os.path.abspath(target)
    files.check_private_dir(durable.parent(target))
    check_writable(target)
    is_there = os.path.lexists(target)
    if is_there and set_aside is None:
        raise durable.already_exists(target)
    check_place(target, is_there=is_there)
    durable.sweep(target)
    temporary = durable.unfinished_name(target)
    try:
        _copy(os.path.abspath(source), temporary, is_closed=True)
        if is_there and set_aside is not None:
            _replace(temporary, target, os.path.abspath(set_aside))
        else:
            refuse_leftovers(target)
            publish(temporary, target)
    except BaseException:
        remove_files(temporary)
        raise


def open_copy(path: str, *, check_pages: bool = True) -> SqliteStore:
    """The backup at *path* as a store to be read, without changing a byte of it.

    Args:
        path: a backup, or any closed vault file; it may lie anywhere, also on a medium that cannot be written.
        check_pages: let SQLite walk the whole file first, so that a cut or garbled one is refused at once.

    Raises:
        VaultNotFound: there is no file at *path*.
        Tampered, FormatUnsupported: it is damaged, not a vault, or newer than this program.
    """
    from strongroom.stores.sqlite import SqliteStore

    path = os.path.abspath(path)
    _check_source(path)
    connection = bare_connection(path, mode="ro")
    try:
        format = check_identity(connection, path, advice="strongroom restore-backup FILE, which upgrades it")
        _check_length(connection, path)
        check_schema(connection, path, format)
        if check_pages and execute(connection, "PRAGMA integrity_check", path) != [(b"ok",)]:
            raise damaged(path)
        return SqliteStore(path, connection)
    except BaseException:
        connection.close()
        raise


def _check_source(path: str) -> None:
    """Refuse what is no file before SQLite opens it: a pipe would hang it."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        raise VaultNotFound(f"there is no backup or vault at {path}") from None
    except OSError as error:
        raise durable.os_error(error, path, "backup") from None
    if not stat.S_ISREG(status.st_mode):
        raise damaged(path, "it is not a regular file")
    for ending in COMPANIONS:
        if os.path.lexists(path + ending) and not stat.S_ISREG(os.lstat(path + ending).st_mode):
            raise damaged(path + ending, "it is not a regular file")


def _check_length(connection: Connection, path: str) -> None:
    """Refuse a file that is not as long as it says.

    SQLite takes a last page that was cut for one that ends in zeros.
    """
    if os.path.lexists(path + "-wal"):
        return  # pages of a vault that is in use are in its log
    ((pages,),) = execute(connection, "PRAGMA page_count", path)
    ((page_bytes,),) = execute(connection, "PRAGMA page_size", path)
    try:
        size = os.stat(path).st_size
    except OSError as error:
        raise durable.os_error(error, path, "backup") from None
    if size != int(str(pages)) * int(str(page_bytes)):
        raise damaged(path, "it was cut, or something was added to it")


def _copy(source: str, temporary: str, *, is_closed: bool = False) -> None:
    """A verified, synced copy without a log, in a new private file.

    Args:
        is_closed: nobody writes to *source*, so that its length can be held against what it says.
    """
    _check_source(source)
    durable.write_new(temporary, b"")
    original = bare_connection(source, mode="ro")
    try:
        copy = bare_connection(temporary)
        try:
            format = check_identity(original, source, any_format=True)
            if is_closed:
                _check_length(original, source)
            try:
                original.backup(copy)
            except DriverError as error:
                raise translate(error, temporary if is_for_want_of_room(error) else source) from None
            execute(copy, "PRAGMA journal_mode = DELETE", temporary)
            if execute(copy, "PRAGMA integrity_check", temporary) != [(b"ok",)]:
                raise damaged(source)
            check_schema(copy, source, format)
        finally:
            copy.close()
    finally:
        original.close()
    durable.sync_file(temporary)


def _replace(temporary: str, target: str, aside: str) -> None:
    """Put *temporary* in the place of *target*, which nobody may have open, and keep that as *aside*."""
    files.check_private_dir(durable.parent(aside))
    if os.path.lexists(aside):
        raise durable.already_exists(aside)
    holder = unset_connection(target)
    try:
        if _hold(holder, target):
            _set_aside(aside, holder)
        else:
            _set_aside_damaged(target, aside)
        try:
            os.replace(temporary, target)
        except OSError as error:
            raise durable.os_error(error, target) from None
        try:
            durable.sync_dir(durable.parent(target))
        except StoreUnavailable as error:
            advice = f"what was there is also at {aside}\nsee which it is: strongroom status"
            raise unsettled(target, error, advice) from None
    finally:
        # Not before: while a damaged file lies at its place, closing would take its log off the disk.
        holder.close()


def _hold(connection: Connection, target: str) -> bool:
    """Keep everybody else out of *target*; False when it is no database any more.

    Leaving the WAL needs every other connection gone, and takes the log and its index off
    the disk: beside the new file they would be taken for its own.
    """
    try:
        set_up(connection, target)
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
        except DriverError as error:
            raise translate(error, target) from None
    except Tampered:
        return False
    except StoreUnavailable as error:
        if error.is_transient:
            raise StoreUnavailable(
                f"{target} is in use", advice="close the programs that have it open, then try again", is_transient=True
            ) from None
        raise
    return True


def _set_aside(aside: str, holder: Connection) -> None:
    temporary = durable.unfinished_name(aside)
    try:
        durable.write_new(temporary, b"")
        copy = bare_connection(temporary)
        try:
            holder.backup(copy)
        except DriverError as error:
            raise translate(error, aside) from None
        finally:
            copy.close()
        durable.sync_file(temporary)
        durable.publish_new(temporary, aside)
    except BaseException:
        remove_files(temporary)
        raise


def _set_aside_damaged(target: str, aside: str) -> None:
    """Keep what cannot be read as it is: it may be all that is left."""
    try:
        os.link(target, aside)
        for ending in COMPANIONS:
            if os.path.lexists(target + ending):
                os.rename(target + ending, aside + ending)
    except OSError as error:
        raise durable.os_error(error, target) from None
    durable.sync_dir(durable.parent(aside))
