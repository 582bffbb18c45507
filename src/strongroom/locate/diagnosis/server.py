"""The database server below a vault: does it keep what it acknowledged, who listens, and how much may our role do?"""

from __future__ import annotations

from strongroom.errors import RolledBack, StrongroomError, UnsafePermissions
from strongroom.locate.diagnosis.finding import Finding, from_error
from strongroom.stores.registry import split_scheme

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from strongroom.stores.postgres_facts import ServerFacts

_WORDS = {
    "rolsuper": "SUPERUSER",
    "rolcreaterole": "CREATEROLE",
    "rolcreatedb": "CREATEDB",
    "rolreplication": "REPLICATION",
    "rolbypassrls": "BYPASSRLS",
}
_LOSSES = {
    "synchronous_commit": "the server answers before a commit is on its disk: a crash loses what was acknowledged",
    "fsync": "the server does not wait for its disk: a power cut loses what was acknowledged, and may ruin the rest",
    "full_page_writes": "the server does not protect pages that are half written: a power cut may ruin them",
}


def check_server(location: str) -> Iterator[Finding]:
    """What a vault's server says of itself; nothing for other kinds of store.

    Args:
        location: from `find_location`.
    """
    scheme, rest = split_scheme(location)
    if scheme not in ("postgresql", "postgres"):
        return
    from strongroom.stores import postgres_facts

    try:
        facts = postgres_facts.look(rest)
    except StrongroomError as error:
        yield from_error("server", error, "see that it runs and can be reached")
        return
    yield from judge_server(facts)


def judge_server(facts: ServerFacts) -> Iterator[Finding]:
    """What is wrong with it."""
    for name, loss in _LOSSES.items():
        if facts.settings[name] == "off":
            mend = f"ALTER SYSTEM RESET {name}; SELECT pg_reload_conf()"
            if name == "synchronous_commit":
                mend = f"ALTER ROLE {facts.role} RESET {name}; {mend}; and look into PGOPTIONS"
            yield Finding("server", f"{name} is off: {loss}", mend, error=RolledBack)
    if not facts.is_near:
        yield from _judge_connection(facts)
    yield from _judge_role(facts)


def _judge_connection(facts: ServerFacts) -> Iterator[Finding]:
    if not facts.is_encrypted:
        yield Finding(
            "TLS",
            "the connection to the server is not encrypted: whoever is in between sees who asks for what, and when, "
            "and may take the session over",
            "ssl = on at the server, and ?sslmode=verify-full&sslrootcert=FILE in the vault's URL",
            error=UnsafePermissions,
        )
    elif not facts.is_checked:
        yield Finding(
            "TLS",
            "the connection is encrypted, and nobody has looked whose server it leads to",
            "?sslmode=verify-full&sslrootcert=FILE in the vault's URL",
        )


def _judge_role(facts: ServerFacts) -> Iterator[Finding]:
    words = [_WORDS[right] for right in facts.rights]
    if "rolsuper" in facts.rights:
        yield Finding(
            "role",
            f"the role {facts.role} is a superuser: a program that uses the vault may do anything to the server",
            f"ALTER ROLE {facts.role} NOSUPERUSER, or a role of its own: docs/postgresql.md",
            error=UnsafePermissions,
        )
    elif words or facts.groups:
        yield Finding(
            "role",
            f"the role {facts.role} may do more than the vault needs: {', '.join([*words, *facts.groups])}",
            "; ".join(
                [
                    *(f"ALTER ROLE {facts.role} NO{word}" for word in words),
                    *(f"REVOKE {group} FROM {facts.role}" for group in facts.groups),
                ]
            ),
        )
    if facts.public_tables:
        yield Finding(
            "role",
            f"every role of the database may write to {', '.join(facts.public_tables)}",
            "REVOKE ALL ON ALL TABLES IN SCHEMA ... FROM PUBLIC",
            error=UnsafePermissions,
        )
