"""PostgreSQL's driver, and what its errors mean to us. No error of its own leaves the stores.

psycopg comes with the extra ``postgres`` and is loaded when a store of this kind is opened: it
brings asyncio along, which is most of a cold start.
"""

from __future__ import annotations

from strongroom.errors import (
    Conflict,
    Denied,
    FormatUnsupported,
    OutcomeUnknown,
    StoreUnavailable,
    Tampered,
    VaultNotFound,
)
from strongroom.stores.interface import Overtaken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

    from strongroom.stores.postgres_link import Link

_BUSY = "55P03"
_TRANSIENT = {
    "57P01": "the server is shutting down",
    "57P02": "the server has crashed and is recovering",
    "57P03": "the server is starting or shutting down",
    "57P05": "the server ended an idle session",
    "57014": "the server cancelled the request",
    "25P02": "nothing was written, because an earlier step of the transaction failed",
    "25P03": "the server ended a transaction that stood still",
    "53300": "the server has no connection left",
    "53400": "the server has reached a limit",
}
_UNAVAILABLE = {
    "53100": "the server's disk is full",
    "53200": "the server is out of memory",
    "58030": "the server's disk failed",
}
# The last: the other has made the row that this one is making.
_OVERTAKEN = ("40001", "40P01", "23505")
# Statements that were prepared in another session than the one that is asked.
_LENT = ("26000", "42P05")
CHANGED = "0A000"
"""A prepared statement would give other columns than before."""
_EXISTS = ("42P06", "42P07", "42710")
_READ_ONLY = "25006"
_DENIED = ("42501", "28000", "28P01")
_NO_DATABASE = ("3D000", "3F000")
_LOGIN_REFUSED = (
    "password authentication failed",
    "no password supplied",
    "authentication failed",
    "pg_hba.conf",
    "is not permitted to log in",
    'role "',
    "permission denied",
)


def load() -> ModuleType:
    """The driver.

    Raises: FormatUnsupported: the extra is not installed.
    """
    try:
        import psycopg
    except ImportError:
        raise FormatUnsupported(
            "a vault on PostgreSQL needs the extra postgres, which is not installed",
            advice="pip install 'strongroom[postgres]'",
        ) from None
    return psycopg


def sqlstate(error: BaseException) -> str:
    """The server's five characters for an error; empty when the error is not the server's."""
    return str(getattr(error, "sqlstate", None) or "")


def is_undone(error: BaseException, link: Link) -> bool:
    """Whether an error of COMMIT means for certain that nothing was committed.

    The server said no, and is still there: then the transaction is undone. A connection that
    was lost, or a server that ends the session, leaves open what it did before.
    """
    return bool(sqlstate(error)) and sqlstate(error)[:2] != "57" and not link.closed


def is_stale(error: BaseException, link: Link) -> bool:
    """Whether a kept connection was found dead, so that a new one may be alive: the server was restarted.

    Where a network does not carry anything, there is nobody to connect to either, and nobody has the time.
    """
    return link.is_kept and link.closed and "timed out" not in str(error)


def translate(error: BaseException, location: str) -> Exception:
    """Our error for a driver error; raise it `from None`, its text may quote SQL.

    Returns:
        Overtaken: another writer was faster.
        Conflict: something of that name is there.
        StoreUnavailable: busy, full, read-only, unreachable.
        Denied: the role may not do this.
        VaultNotFound: there is no such database or schema.
        Tampered: its tables are not those that this program made.
    """
    state = sqlstate(error)
    if state in _OVERTAKEN:
        return Overtaken(f"{location}: another program was faster", advice="try again", is_transient=True)
    if state == _BUSY:
        return StoreUnavailable(
            f"{location} is busy: another program keeps it locked", advice="try again", is_transient=True
        )
    if state in _TRANSIENT:
        return StoreUnavailable(f"{location}: {_TRANSIENT[state]}", advice="try again", is_transient=True)
    if state in _UNAVAILABLE:
        return StoreUnavailable(f"{location}: {_UNAVAILABLE[state]}")
    if state == _READ_ONLY:
        return StoreUnavailable(
            f"{location}: this server only reads, as a replica does",
            advice="name the primary as well: postgresql://HOST1,HOST2/...",
        )
    if state in _LENT:
        return lent(location)
    if state == CHANGED:
        # The next one is prepared anew, and says what they are now.
        return StoreUnavailable(
            f"{location}: its tables were changed while this program had them open",
            advice="try again",
            is_transient=True,
        )
    if state in _DENIED:
        return Denied(f"{location}: the role may not do this", advice="see what it needs: docs/postgresql.md")
    if state in _NO_DATABASE:
        return VaultNotFound(f"there is no vault at {location}", advice="make one: strongroom init")
    if state in _EXISTS:
        return Conflict(f"{location} exists already", advice="another place: ?schema=NAME")
    if state[:2] in ("21", "22", "42", "XX"):
        return damaged(location)
    return lost(location)


def lost(location: str) -> StoreUnavailable:
    """The error for a server that does not answer any more."""
    return StoreUnavailable(f"{location}: the connection to the server was lost", advice="try again", is_transient=True)


def undone() -> Exception:
    """The driver's error for a COMMIT that the server has answered with ROLLBACK."""
    error: Exception = load().errors.InFailedSqlTransaction("the transaction was undone")
    return error


def unknown(location: str) -> OutcomeUnknown:
    """The error for a COMMIT that was sent, and whose answer is missing."""
    return OutcomeUnknown(
        f"{location}: the connection was lost while a change was being committed; it may or may not be there",
        advice="read it back, or repeat it with the same request id",
    )


def lent(location: str) -> StoreUnavailable:
    """The error for sessions that do not keep what is theirs: locks, prepared statements."""
    return StoreUnavailable(
        f"{location}: what stands before the server lends another session to each transaction, and nothing was written",
        advice="connect to the server itself, or have the pooler lend whole sessions (pool_mode = session)",
    )


def refused(error: BaseException, location: str) -> Exception:
    """Our error for a connection that was never made.

    The driver says why in words alone, and libpq's words hold no password.
    """
    text = str(error)
    if "does not exist" in text and 'database "' in text:
        return VaultNotFound(f"there is no such database: {location}", advice="make it: createdb NAME")
    if any(words in text for words in _LOGIN_REFUSED):
        return Denied(
            f"{location}: the server refused the login",
            advice="the password comes from ~/.pgpass, ?passfile=FILE or ?service=NAME; see docs/postgresql.md",
        )
    if "certificate" in text or "SSL" in text:
        return StoreUnavailable(
            f"{location}: no connection with TLS was made", advice="compare ?sslmode= and ?sslrootcert= with the server"
        )
    if "read-only" in text or "hot standby" in text or "not in hot" in text:
        return StoreUnavailable(
            f"{location}: no server of the kind that is asked for answers", advice="look at ?target_session_attrs="
        )
    return StoreUnavailable(
        f"{location}: the server does not answer", advice="see that it runs and can be reached", is_transient=True
    )


def damaged(location: str, what: str = "its tables are not the ones that this program makes") -> Tampered:
    """The error for a store whose content this program cannot have written."""
    return Tampered(f"{location}: {what}", advice="restore a backup: strongroom restore-backup FILE")
