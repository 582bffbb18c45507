"""What a PostgreSQL server says of itself, and of the role that asks: for `strongroom doctor`."""

from __future__ import annotations

from strongroom.stores import postgres_address, postgres_driver
from strongroom.stores.postgres_pool import Pool

TYPE_CHECKING = False
if TYPE_CHECKING:
    from strongroom.stores.postgres_driver import Connection

_SETTINGS = ("synchronous_commit", "fsync", "full_page_writes")
_RIGHTS = ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls")
_GROUPS = (
    *("pg_read_all_data", "pg_write_all_data"),
    *("pg_execute_server_program", "pg_read_server_files", "pg_write_server_files"),
)
_PUBLIC = """
SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = %s AND c.relkind = 'r' AND has_table_privilege('public', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
"""


class ServerFacts:
    """What was seen.

    Attributes:
        role: who asked.
        settings: of its sessions, by name.
        rights: `pg_roles`' columns of what the role may do beyond its own tables.
        groups: roles of PostgreSQL's own that it is a member of.
        public_tables: the vault's tables that every role may write to.
        is_near: over a Unix socket or the loopback, where no network is.
        is_encrypted: TLS.
        is_checked: the server had to show a certificate for its name.
    """

    __slots__ = ("groups", "is_checked", "is_encrypted", "is_near", "public_tables", "rights", "role", "settings")

    def __init__(self, connection: Connection, schema: str) -> None:
        info = connection.info
        options = info.get_parameters()
        self.role = info.user
        self.is_near = not info.host or info.host.startswith("/") or _is_loopback(options.get("hostaddr") or info.host)
        self.is_encrypted = bool(connection.pgconn.ssl_in_use)
        self.is_checked = options.get("sslmode") == "verify-full"
        self.settings = {name: str(_one(connection, "SELECT current_setting(%s)", name)) for name in _SETTINGS}
        self.rights = [
            right
            for right in _RIGHTS
            if _one(connection, f"SELECT {right} FROM pg_catalog.pg_roles WHERE rolname = current_user")
        ]
        is_member = "SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = %s"
        # A superuser is a member of everything.
        is_super = "rolsuper" in self.rights
        self.groups = [] if is_super else [group for group in _GROUPS if _one(connection, is_member, group)]
        self.public_tables = sorted(str(name) for (name,) in connection.execute(_PUBLIC, [schema]).fetchall())


def look(location: str) -> ServerFacts:
    """Ask the server where ``postgresql:`` *location* is.

    Raises: StoreUnavailable, Denied, VaultNotFound, ValueError, UnsafePermissions: as `PostgresStore.open`.
    """
    address = postgres_address.parse(location)
    pool = Pool(address.writing, address.location)
    try:
        link = pool.take()
        try:
            return ServerFacts(link.connection, address.schema)
        except postgres_driver.load().Error as error:
            raise postgres_driver.translate(error, address.location) from None
        finally:
            pool.give(link)
    finally:
        pool.close()


def _one(connection: Connection, query: str, *parameters: str) -> object:
    row = connection.execute(query.encode(), parameters or None).fetchone()
    return row[0] if row else None


def _is_loopback(host: str) -> bool:
    return host == "localhost" or host == "::1" or host.startswith("127.")
