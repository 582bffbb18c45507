"""The URL of a vault on PostgreSQL: what it may say, and that no password gets any further."""

import pytest

from strongroom.errors import UnsafePermissions
from strongroom.locate.addresses import find_location
from strongroom.stores.postgres_address import parse, refuse_password
from strongroom.stores.registry import create_store, open_store

PASSWORDS = [
    "postgresql://user:sesame@host/db",
    "postgres://user:sesame@host/db",
    "postgresql://:sesame@host/db",
    "postgresql://user:ses%61me@one,two/db?schema=x",
    "postgresql://user:sesame@/db?host=/run",
    "postgresql://user@host/db?password=sesame",
    "postgresql://user@host/db?sslmode=require&pass%77ord=sesame",
    "postgresql://user@host/db?sslpassword=sesame",
    "postgresql://?password=sesame",
    "postgresql://user:ses/ame@sesame/db",
    "postgresql://user:ses?ame@sesame/db",
    "postgresql://user:ses#sesame@host/db",
    "postgresql://host/db&password=sesame",
    "postgresql://host/db#password=sesame",
    "postgresql:/user:sesame@host/db",
    "postgresql:user:sesame@host/db",
    "postgresql://user@host/db?oauth_client_secret=sesame",
    "postgresql://user@host/db?scram_client_key=sesame",
]
NOT_ADDRESSES = [
    ("postgresql:host/db", "is written"),
    ("postgresql://host/db?no_such_word=1", "no URL"),
    ("postgresql://host:port/db%zz", "no URL"),
    ("postgresql://host/a b", "is written"),
    ("postgresql://host/a\nb", "is written"),
    ("postgresql://host/db?schema=", "schema="),
    ("postgresql://host/db?schema=" + "x" * 64, "schema="),
    ("postgresql://host/db?schema=pg_catalog", "schema="),
    ("postgresql://host/db?schema=information_schema", "schema="),
    ("postgresql://host/db?schema=a%00b", "schema="),
    ("postgresql://host/db?cached_reads=-1", "cached_reads="),
    ("postgresql://host/db?cached_reads=61", "cached_reads="),
    ("postgresql://host/db?cached_reads=nan", "cached_reads="),
    ("postgresql://host/db?cached_reads=soon", "cached_reads="),
]


@pytest.mark.parametrize("url", PASSWORDS)
def test_a_password_in_a_url_goes_no_further(url):
    """Wherever a location comes in, it is refused, and not repeated."""
    for way in (find_location, open_store, create_store, refuse_password):
        with pytest.raises(UnsafePermissions) as caught:
            way(url)
        assert "sesame" not in str(caught.value) + caught.value.advice
        assert "?passfile=" in caught.value.advice


@pytest.mark.parametrize(("url", "words"), NOT_ADDRESSES, ids=[url[:50] for url, _ in NOT_ADDRESSES])
def test_what_is_no_address_is_refused(url, words):
    """Before anybody connects."""
    with pytest.raises(ValueError, match=words):
        open_store(url)


def test_what_is_not_ours_goes_to_the_library():
    """Timeouts are there unless the URL says otherwise; our own words are taken out."""
    address = parse("//u@h/d?schema=team%22x&sslmode=verify-full&connect_timeout=9&cached_reads=1.5")
    assert (address.schema, address.cached_seconds) == ('team"x', 1.5)
    assert address.location == "postgresql://u@h/d?schema=team%22x&sslmode=verify-full&connect_timeout=9&cached_reads=1.5"
    assert address.reading is address.writing
    words = {name: address.reading[name] for name in ("host", "user", "dbname", "sslmode", "connect_timeout")}
    assert words == {"host": "h", "user": "u", "dbname": "d", "sslmode": "verify-full", "connect_timeout": "9"}
    assert int(address.reading["tcp_user_timeout"]) <= 3000
    assert "schema" not in address.reading


@pytest.mark.parametrize(
    ("query", "are_two"),
    [
        ("//h/d", False),
        ("//h/d?target_session_attrs=read-write", False),
        ("//one,two/d?target_session_attrs=primary", False),
        ("//one,two/d", True),
        ("//one,two/d?target_session_attrs=prefer-standby", True),
        ("//h/d?target_session_attrs=standby", True),
    ],
)
def test_writes_go_to_a_server_that_takes_them(query, are_two):
    """Where reads may go to a replica, writes ask for one that is none."""
    address = parse(query)
    assert (address.writing is not address.reading) == are_two
    if are_two:
        assert address.writing["target_session_attrs"] == "read-write"


def test_without_a_password_nothing_is_refused():
    """Colons elsewhere are ports and addresses."""
    for url in ("postgresql://u@h:5432,[::1]:5433/d?passfile=%2Fx:y", "postgresql://h:1/d", "postgresql:///d",
                "postgresql://u@h:1/d?passfile=a@b:c"):  # fmt: skip
        assert find_location(url) == url
