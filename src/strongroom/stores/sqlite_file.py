"""The SQLite file itself: checked, connected to, and made. Rows and transactions are in sqlite.py.

Nothing here opens a live database file other than through SQLite (files.py says why).
"""

from __future__ import annotations

import os
from time import monotonic, sleep

from strongroom.errors import FormatUnsupported, NotFound, StoreUnavailable, VaultNotFound
from strongroom.stores import durable, files, schema
from strongroom.stores.sqlite_driver import (
    LIMIT_LENGTH,
    SQLITE_VERSION,
    Connection,
    DriverError,
    connect,
    damaged,
    is_busy,
    translate,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.stores.interface import Table
    from strongroom.stores.schema import Format

APPLICATION_ID = 0x53524D31
"""Source: docs/format.md#tables."""

PATIENCE_SECONDS = 60.0
"""How long to wait for other processes before saying that the store is busy."""

COMPANIONS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside the file while it is open."""

VALUE_BYTES_MAX = 64 * 1024 * 1024
"""Longest value in bytes; four times the longest item."""

_SQLITE_MIN = (3, 37)  # STRICT tables
_SETTINGS = (
    # Nothing in a schema may call a function with side effects: the schema is not trusted until it was compared.
    "trusted_schema = OFF",
    "cell_size_check = ON",
    # WAL with anything less loses acknowledged commits at a power cut.
    "synchronous = FULL",
    "fullfsync = ON",
    "checkpoint_fullfsync = ON",
    # Deleted rows are overwritten, not only unlinked.
    "secure_delete = ON",
    # An I/O error of a mapped page would be a signal instead of an error.
    "mmap_size = 0",
    "temp_store = MEMORY",
)
_NETWORK_FILE_SYSTEMS = frozenset(
    b"9p afs beegfs ceph cifs coda davfs fuse.davfs2 fuse.glusterfs fuse.rclone fuse.s3fs fuse.sshfs "
    b"gfs2 glusterfs gpfs lustre ncpfs nfs nfs4 ocfs2 orangefs smb3 smbfs vboxsf".split()
)


def table_sql(table: Table) -> str:
    """The text that makes *table*, and that ``sqlite_schema`` must repeat letter by letter."""
    columns = ", ".join(f"{name} {kind} NOT NULL" for name, kind in table.columns)
    key = ", ".join(name for name, _ in table.columns[: table.key_length])
    return f"CREATE TABLE {table.name} ({columns}, PRIMARY KEY ({key})) STRICT, WITHOUT ROWID"


def schema_rows(tables: tuple[Table, ...]) -> list[tuple[bytes, ...]]:
    """What ``sqlite_schema`` must hold, in the order of names."""
    return sorted((b"table", table.name.encode(), table.name.encode(), table_sql(table).encode()) for table in tables)


def pause() -> None:
    """Sleep 0.3 to 4 ms at random: SQLite's own growing rhythm starves whoever has waited longest."""
    sleep(0.0003 + os.urandom(1)[0] / 255 * 0.0037)


def open_connection(path: str, *, any_format: bool = False) -> Connection:
    """A checked connection to the vault at *path*.

    Args:
        path: absolute.
        any_format: it may be of an older format, to be upgraded.

    Raises:
        VaultNotFound: there is no such file.
        UnsafePermissions: the file, what SQLite keeps beside it, or the directory is open to others.
        FormatUnsupported: a newer program wrote it, or an older one, or this SQLite is too old.
        Tampered: not a database, not ours, or its schema is not letter by letter ours.
        StoreUnavailable: it cannot be opened, is busy for a minute, or lies on a network file system.
    """
    refuse_old_library()
    while True:
        identity = check_files(path)
        refuse_network(durable.parent(path))
        connection = bare_connection(path)
        try:
            _settle(connection, path, any_format=any_format)
            if check_files(path) == identity:
                return connection
        except DriverError as error:
            connection.close()
            raise translate(error, path) from None
        except BaseException:
            connection.close()
            raise
        # Another file was put in its place while this one was being opened: take that one.
        connection.close()


def new_connection(path: str) -> Connection:
    """A connection to a new, empty database with our tables, in a private file that did not exist.

    Raises: Conflict, StoreUnavailable: as `durable.write_new`.
    """
    durable.write_new(path, b"")
    connection = bare_connection(path)
    try:
        execute(connection, "PRAGMA journal_mode = WAL", path)
        execute(connection, "BEGIN IMMEDIATE", path)
        execute(connection, f"PRAGMA application_id = {APPLICATION_ID}", path)
        execute(connection, f"PRAGMA user_version = {schema.newest().number}", path)
        for table in schema.newest().tables:
            execute(connection, table_sql(table), path)
        execute(connection, "COMMIT", path)
    except BaseException:
        connection.close()
        raise
    return connection


def bare_connection(path: str, *, mode: str = "rw") -> Connection:
    """A connection with our settings that has not looked at the file yet.

    Args:
        mode: ``rw`` or ``ro``; neither makes a file that is not there.
    """
    connection = unset_connection(path, mode=mode)
    try:
        set_up(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def unset_connection(path: str, *, mode: str = "rw") -> Connection:
    """As `bare_connection`, before `set_up`."""
    name = "".join(
        chr(byte) if (byte < 128 and chr(byte).isalnum()) or byte in b"/._-" else f"%{byte:02x}"
        for byte in os.fsencode(path)
    )
    try:
        # No waiting inside the driver, which would be deaf to Ctrl-C: `execute` and the session wait.
        connection = connect(
            f"file:{name}?mode={mode}", timeout=0, isolation_level=None, check_same_thread=False, uri=True
        )
    except DriverError as error:
        raise translate(error, path) from None
    # A value of the wrong type must reach our check, not the decoder: a text becomes a bytearray.
    connection.text_factory = bytearray
    connection.setlimit(LIMIT_LENGTH, VALUE_BYTES_MAX)
    return connection


def set_up(connection: Connection, path: str) -> None:
    """Give a new connection our settings.

    Raises: StoreUnavailable, Tampered: as `execute`.
    """
    for setting in _SETTINGS:
        execute(connection, f"PRAGMA {setting}", path)


def execute(connection: Connection, sql: str, path: str) -> list[tuple[object, ...]]:
    """Run one statement, with our errors; waits while another process keeps the file locked.

    Returns: all its rows; text in them is a bytearray.
    Raises: StoreUnavailable, Tampered: as `translate` says.
    """
    deadline = 0.0
    while True:
        try:
            return connection.execute(sql).fetchall()
        except DriverError as error:
            now = monotonic()
            deadline = deadline or now + PATIENCE_SECONDS
            if not is_busy(error) or now > deadline:
                raise translate(error, path) from None
        pause()


def check_schema(connection: Connection, path: str, format: Format) -> None:
    """Refuse tables, triggers, views or indexes that this program did not make.

    Args:
        format: from `check_identity`.

    Raises: Tampered: `sqlite_schema` is not what `schema_rows` says.
    """
    found = execute(connection, "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name", path)
    rows = [tuple(bytes(value) if isinstance(value, bytearray) else value for value in row) for row in found]
    if rows != schema_rows(format.tables):
        raise damaged(path, "its tables are not the ones that this program makes")


def check_identity(
    connection: Connection, path: str, *, any_format: bool = False, advice: str = "strongroom upgrade"
) -> Format:
    """Refuse what is no vault, or one that a newer program wrote, or an older one.

    Args:
        any_format: an older one is welcome.
        advice: the command that helps with an older one.

    Returns: its format.
    Raises: Tampered, FormatUnsupported.
    """
    if execute(connection, "PRAGMA application_id", path) != [(APPLICATION_ID,)]:
        raise damaged(path, "this file is not a strongroom vault")
    version: int = execute(connection, "PRAGMA user_version", path)[0][0]  # type: ignore[assignment]
    newest = schema.newest()
    if version > newest.number:
        raise FormatUnsupported(
            f"{path} has store format {version}, this program knows {newest.number}", advice="upgrade strongroom"
        )
    found = schema.known(version)
    if found is None:
        raise damaged(path, f"store format {version} never existed")
    if found is not newest and not any_format:
        raise FormatUnsupported(
            f"{path} has store format {version}, and this program works with {newest.number}", advice=advice
        )
    return found


def check_files(path: str) -> tuple[int, int]:
    """Refuse a vault, or files of SQLite's beside it, that somebody else could read or replace.

    Returns: device and inode number of the vault's file.
    Raises: VaultNotFound, UnsafePermissions, StoreUnavailable.
    """
    try:
        files.check_private_dir(durable.parent(path))
        status = files.check_private_file(path, "vault")
    except NotFound:
        raise VaultNotFound(f"there is no vault at {path}", advice="make one: strongroom init") from None
    for ending in COMPANIONS:
        try:
            companion = os.lstat(path + ending)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise durable.os_error(error, path + ending) from None
        files.check_private_status(companion, path + ending, "SQLite's file")
    return status.st_dev, status.st_ino


def remove_files(path: str) -> None:
    """Remove a database of ours that nobody uses, with what SQLite kept beside it."""
    for ending in ("", *COMPANIONS):
        durable.discard(path + ending)


def refuse_old_library() -> None:
    """Refuse a SQLite without STRICT tables.

    Raises: FormatUnsupported.
    """
    if tuple(map(int, SQLITE_VERSION.split("."))) < _SQLITE_MIN:
        raise FormatUnsupported(
            f"SQLite {SQLITE_VERSION} is too old", advice="use a Python that is built with SQLite 3.37 or newer"
        )


def refuse_network(directory: str) -> None:
    """Refuse a network file system, where locks and shared memory do not hold.

    Linux only; elsewhere the kind of a file system cannot be asked without a foreign call.
    Source: https://sqlite.org/wal.html, section 2.

    Raises: StoreUnavailable.
    """
    try:
        device = os.stat(directory).st_dev
        # Block devices have a number of their own; only virtual and network file systems share major 0.
        if not hasattr(os, "major") or os.major(device) != 0:
            return
        with open("/proc/self/mountinfo", "rb") as mounts:
            kind = file_system_kind(mounts.read(), f"{os.major(device)}:{os.minor(device)}".encode())
    except OSError:
        return  # without /proc there is nothing to ask
    if kind in _NETWORK_FILE_SYSTEMS:
        raise StoreUnavailable(
            f"{directory} lies on a network file system ({kind.decode('ascii')})",
            advice="keep the vault on a local disk; SQLite's locks do not hold on this one",
        )


def file_system_kind(mountinfo: bytes, device: bytes) -> bytes:
    """The kind of the file system *device* (``major:minor``) in /proc/self/mountinfo; empty when it is not listed.

    Source: proc_pid_mountinfo(5).
    """
    for line in mountinfo.splitlines():
        mount, _, system = line.partition(b" - ")
        fields = mount.split(b" ", 3)
        if len(fields) == 4 and fields[2] == device:
            return system.split(b" ", 1)[0]
    return b""


def _settle(connection: Connection, path: str, *, any_format: bool) -> None:
    check_schema(connection, path, check_identity(connection, path, any_format=any_format))
    if execute(connection, "PRAGMA journal_mode", path) != [(b"wal",)]:
        # A backup is one file without a log; used as a vault it gets one.
        execute(connection, "PRAGMA journal_mode = WAL", path)
