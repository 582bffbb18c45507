"""The vault's tables in PostgreSQL: made, dropped, and compared with what this program makes.

Beside the tables of `schema` there are two of PostgreSQL's own: ``vault_format`` says which
format it is, as ``user_version`` does in SQLite, and ``vault_commits`` counts the commits of each
writer, so that an open program sees with one look whether anybody else has committed. Nothing is
believed because of them. Source: docs/format.md#tables.
"""

from __future__ import annotations

from strongroom.errors import FormatUnsupported, VaultNotFound
from strongroom.stores import schema
from strongroom.stores.postgres_driver import damaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from psycopg.sql import Composed

    from strongroom.stores.interface import Table
    from strongroom.stores.postgres_driver import Connection
    from strongroom.stores.schema import Format

FORMAT_TABLE = "vault_format"
COMMITS_TABLE = "vault_commits"
_TYPES = {"INTEGER": "bigint", "BLOB": "bytea"}
_OWN = (
    (FORMAT_TABLE, (("number", "integer"),), 1),
    (COMMITS_TABLE, (("writer", "integer"), ("number", "bigint")), 1),
)
# Rows that every commit changes leave room for their successors in the same page.
_FILL = {"ledger": 20, COMMITS_TABLE: 20, "nodes": 80}

_CATALOGUE = """
WITH place AS (SELECT oid FROM pg_namespace WHERE nspname = %s)
SELECT 'relation', c.relname::text, concat_ws(' ', c.relkind, c.relpersistence, c.relrowsecurity, c.relispartition)
  FROM pg_class c, place WHERE c.relnamespace = place.oid
UNION ALL
SELECT 'column', c.relname::text, concat_ws(' ', a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),
       a.attnotnull, a.atthasdef, a.attidentity, a.attgenerated)
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid, place
 WHERE c.relnamespace = place.oid AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'constraint', c.relname::text, concat_ws(' ', k.contype, k.conkey)
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid, place
 WHERE c.relnamespace = place.oid AND k.contype <> 'n'
UNION ALL
SELECT 'index', c.relname::text, concat_ws(' ', i.indisprimary, i.indisunique, i.indisvalid, i.indexprs IS NULL,
       i.indpred IS NULL, i.indkey::text)
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid, place WHERE c.relnamespace = place.oid
UNION ALL
SELECT 'trigger', c.relname::text, t.tgname::text
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid, place WHERE c.relnamespace = place.oid
UNION ALL
SELECT 'rule', c.relname::text, r.rulename::text
  FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class, place WHERE c.relnamespace = place.oid
UNION ALL
SELECT 'policy', c.relname::text, p.polname::text
  FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid, place WHERE c.relnamespace = place.oid
UNION ALL
SELECT 'inheritance', c.relname::text, h.inhparent::text
  FROM pg_inherits h JOIN pg_class c ON c.oid IN (h.inhrelid, h.inhparent), place WHERE c.relnamespace = place.oid
UNION ALL
SELECT 'function', p.proname::text, '' FROM pg_proc p, place WHERE p.pronamespace = place.oid
UNION ALL
SELECT 'operator', o.oprname::text, '' FROM pg_operator o, place WHERE o.oprnamespace = place.oid
"""

Shape = tuple[str, tuple[tuple[str, str], ...], int]


def make_tables(connection: Connection, name: str, format: Format) -> None:
    """Make all tables of *format* in the schema *name*, which is empty; inside a transaction."""
    from psycopg import sql

    tables = [_made(name, shape) for shape in (*map(_shape, format.tables), *_OWN)]
    number = sql.SQL("INSERT INTO {} VALUES ({})").format(
        sql.Identifier(name, FORMAT_TABLE), sql.Literal(format.number)
    )
    connection.execute(sql.SQL("; ").join([*tables, number]), prepare=False)


def make_table(connection: Connection, name: str, table: Table) -> None:
    """Make one table."""
    connection.execute(_made(name, _shape(table)), prepare=False)


def drop_table(connection: Connection, name: str, table: Table) -> None:
    """Remove one table with its rows."""
    from psycopg import sql

    connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name, table.name)))


def set_format(connection: Connection, name: str, format: Format) -> None:
    """Say which format it is from now on."""
    from psycopg import sql

    connection.execute(
        sql.SQL("UPDATE {} SET number = {}").format(sql.Identifier(name, FORMAT_TABLE), sql.Literal(format.number))
    )


def check_tables(connection: Connection, name: str, location: str, format: Format) -> None:
    """Refuse tables, columns, triggers, rules, policies or functions that this program did not make.

    Raises:
        VaultNotFound: the schema is empty, or there is none.
        Tampered: what is there is not what `make_tables` makes.
    """
    found = sorted(connection.execute(_CATALOGUE, [name]).fetchall())
    if not found:
        raise no_vault(location)
    if found != _expected(format):
        raise damaged(location)


def known_format(number: object, location: str, *, any_format: bool) -> Format:
    """The format with this number, if this program works with it.

    Raises: FormatUnsupported, Tampered: as `sqlite_file.check_identity`.
    """
    newest = schema.newest()
    if not isinstance(number, int):
        raise damaged(location, "it does not say which format it has")
    if number > newest.number:
        raise FormatUnsupported(
            f"{location} has store format {number}, this program knows {newest.number}", advice="upgrade strongroom"
        )
    found = schema.known(number)
    if found is None:
        raise damaged(location, f"store format {number} never existed")
    if found is not newest and not any_format:
        raise FormatUnsupported(
            f"{location} has store format {number}, and this program works with {newest.number}",
            advice="strongroom upgrade",
        )
    return found


def no_vault(location: str) -> VaultNotFound:
    """The error for a place where nothing lies."""
    return VaultNotFound(f"there is no vault at {location}", advice="make one: strongroom init")


def _shape(table: Table) -> Shape:
    return table.name, tuple((name, _TYPES[kind]) for name, kind in table.columns), table.key_length


def _made(name: str, shape: Shape) -> Composed:
    """The statements that make one table."""
    from psycopg import sql

    table, columns, key_length = shape
    lines: list[Composed] = [
        sql.SQL("{} {} NOT NULL").format(sql.Identifier(column), sql.SQL(kind)) for column, kind in columns
    ]
    key = sql.SQL(", ").join(sql.Identifier(column) for column, _ in columns[:key_length])
    place = sql.Identifier(name, table)
    made = sql.SQL("CREATE TABLE {} ({}, PRIMARY KEY ({})) WITH (fillfactor = {})").format(
        place, sql.SQL(", ").join(lines), key, sql.Literal(_FILL.get(table, 100))
    )
    # Ciphertext does not become smaller.
    stored = [
        sql.SQL("ALTER COLUMN {} SET STORAGE EXTERNAL").format(sql.Identifier(column))
        for column, kind in columns
        if kind == "bytea"
    ]
    if not stored:
        return made
    return sql.SQL("{}; ALTER TABLE {} {}").format(made, place, sql.SQL(", ").join(stored))


def _expected(format: Format) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = []
    for table, columns, key_length in (*map(_shape, format.tables), *_OWN):
        key = range(1, key_length + 1)
        rows.append(("relation", table, "r p f f"))
        rows.append(("relation", f"{table}_pkey", "i p f f"))
        rows.append(("constraint", table, f"p {{{','.join(map(str, key))}}}"))
        rows.append(("index", table, f"t t t t t {' '.join(map(str, key))}"))
        rows += [("column", table, f"{at} {name} {kind} t f  ") for at, (name, kind) in enumerate(columns, 1)]
    return sorted(rows)
