"""The URL of a vault on PostgreSQL: what is libpq's, and what is ours. Strings only.

    postgresql://[USER@][HOST[:PORT][,...]]/[DATABASE][?NAME=VALUE&...]

Everything after the question mark is libpq's, but for ``schema`` (where in the database the vault
lies) and ``cached_reads`` (for how many seconds an answer may be given without asking the server).
A password in a URL would stand in lists of processes, logs and anchors; it is refused everywhere.
"""

from __future__ import annotations

from strongroom.errors import UnsafePermissions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_SCHEMA = "strongroom"
CACHED_SECONDS_MAX = 60.0
_SCHEMA_BYTES_MAX = 63  # PostgreSQL cuts a longer name off, and two would be one
_SECRETS = ("password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
_TIMEOUTS = {
    # A network that is cut is an error within five seconds, on this side and on the server's.
    "connect_timeout": "4",
    "tcp_user_timeout": "3000",
    "keepalives": "1",
    "keepalives_idle": "1",
    "keepalives_interval": "1",
    "keepalives_count": "3",
}
_READS = ("any", "standby", "prefer-standby", "read-only")


class Address:
    """What a URL says.

    Attributes:
        location: the URL, for messages; it holds no credentials.
        schema: where in the database the vault lies.
        cached_seconds: for how long an answer may be given without asking the server.
        reading: libpq's parameters of connections that read.
        writing: of connections that write; the same object where one kind of server does both.
    """

    __slots__ = ("cached_seconds", "location", "reading", "schema", "writing")

    def __init__(
        self, location: str, schema: str, cached_seconds: float, reading: dict[str, str], writing: dict[str, str]
    ) -> None:
        self.location = location
        self.schema = schema
        self.cached_seconds = cached_seconds
        self.reading = reading
        self.writing = writing


def refuse_password(location: str) -> None:
    """Refuse a URL that holds a password, before anybody prints, stores or sends it.

    Raises: UnsafePermissions.
    """
    rest = location.partition(":")[2].lstrip("/")
    # As the library takes it apart, and as somebody may have meant it who put a slash into a password.
    users = rest.partition("/")[0].partition("@"), rest.partition("?")[0].rpartition("@")
    pairs = rest.replace("?", "&").replace("#", "&").replace(";", "&").split("&")
    if any(at and ":" in user for user, at, _ in users) or any(_name(pair) in _SECRETS for pair in pairs):
        raise UnsafePermissions(
            "the vault's location holds a password, which everybody on this machine could read",
            advice="keep it in ~/.pgpass (mode 0600), or name a file or a service:\n"
            "postgresql://USER@HOST/DATABASE?passfile=FILE\n"
            "postgresql:///?service=NAME",
        )


def parse(rest: str) -> Address:
    """What the URL ``postgresql:`` *rest* says.

    Raises:
        UnsafePermissions: it holds a password.
        ValueError: it is no such URL, or names what cannot be.
        FormatUnsupported: the extra ``postgres`` is not installed.
    """
    from strongroom.stores import postgres_driver

    location = f"postgresql:{rest}"
    refuse_password(location)
    if not rest.startswith("//") or not location.isprintable() or " " in location:
        raise ValueError("a vault on PostgreSQL is written postgresql://USER@HOST/DATABASE?schema=NAME")
    place, _, query = location.partition("?")
    pairs = [pair for pair in query.split("&") if pair]
    own = {_name(pair): _value(pair) for pair in pairs if _name(pair) in ("schema", "cached_reads")}
    others = "&".join(pair for pair in pairs if _name(pair) not in own)
    psycopg = postgres_driver.load()
    from psycopg import pq

    try:
        options = pq.Conninfo.parse(f"{place}?{others}".encode())
    except psycopg.Error:
        # Its text would quote the URL.
        raise ValueError("this is no URL that PostgreSQL's library knows; see docs/postgresql.md") from None
    given = {option.keyword.decode(): option.val.decode() for option in options if option.val is not None}
    if any(given.get(name) for name in _SECRETS):
        refuse_password("postgresql://:@")
    reading = {**_TIMEOUTS, "application_name": "strongroom", **given}
    return Address(location, _schema(own), _cached(own), reading, _writing(reading))


def _writing(reading: dict[str, str]) -> dict[str, str]:
    wanted = reading.get("target_session_attrs", "any")
    is_one = not any("," in reading.get(name, "") for name in ("host", "hostaddr", "port"))
    if wanted not in _READS or (wanted == "any" and is_one):
        return reading
    return {**reading, "target_session_attrs": "read-write"}


def _schema(own: Mapping[str, str]) -> str:
    schema = own.get("schema", DEFAULT_SCHEMA)
    is_theirs = schema.startswith("pg_") or schema == "information_schema"
    if not 0 < len(schema.encode("utf-8", "replace")) <= _SCHEMA_BYTES_MAX or not schema.isprintable() or is_theirs:
        raise ValueError("schema= is 1 to 63 bytes, printable, and none of PostgreSQL's own")
    return schema


def _cached(own: Mapping[str, str]) -> float:
    text = own.get("cached_reads", "0")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= CACHED_SECONDS_MAX:
        raise ValueError(f"cached_reads= is a number of seconds, 0 to {CACHED_SECONDS_MAX:.0f}")
    return seconds


def _name(pair: str) -> str:
    from urllib.parse import unquote  # only for URLs, which most vaults do not have

    return unquote(pair.partition("=")[0])


def _value(pair: str) -> str:
    from urllib.parse import unquote

    return unquote(pair.partition("=")[2], errors="strict")
