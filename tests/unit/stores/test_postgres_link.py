"""One connection in libpq's own words: what is asked, refused, and in the midst of what it ends."""

import os
import select
import signal
import threading

import psycopg
import pytest

from strongroom.errors import StoreUnavailable, Tampered
from strongroom.stores import postgres_driver
from strongroom.stores.postgres_link import BIGINT, BIGINTS, BYTEA, BYTEAS, COMMIT, END, ROLLBACK, SYNC, Link, Statement
from tests.patience import wait_for

ECHO = Statement(b"SELECT $1, $2", (BYTEA, BIGINT), (BYTEA, BIGINT))
BEGIN = Statement(b"BEGIN")
ONE = Statement(b"SELECT 1::bigint", gives=(BIGINT,))
BROKEN = Statement(b"SELECT 1::bigint / $1", (BIGINT,), (BIGINT,))


@pytest.fixture(scope="module")
def role(postgres):
    role = postgres.new_database()
    yield role
    postgres.drop(role)


@pytest.fixture
def link(role):
    with psycopg.connect(role.url, autocommit=True) as connection:
        yield Link(connection, "here")


@pytest.fixture
def far_link(role):
    """Over TCP and TLS."""
    with psycopg.connect(role.tcp_url, autocommit=True) as connection:
        assert connection.pgconn.ssl_in_use
        yield Link(connection, "there")


def ask_as_superuser(role, statement):
    with role.connect_as_superuser() as connection:
        return connection.execute(statement).fetchall()


@pytest.mark.parametrize("number", [0, -1, 2**63 - 1, -(2**63)])
@pytest.mark.parametrize("data", [b"", b"\0", b"\xff" * 100_000])
def test_values_come_back(link, data, number):
    """The first time, when the statement is prepared on the way, and afterwards."""
    for _ in range(3):
        assert link.ask(ECHO, (data, number)) == [(data, number)]


def test_lists_come_back(link):
    """In their order, and as many as they are."""
    unnest = Statement(b"SELECT * FROM unnest($1::bytea[], $2::bigint[])", (BYTEAS, BIGINTS), (BYTEA, BIGINT))
    for count in (1, 2, 500):
        keys = [(os.urandom(number % 20), -number) for number in range(count)]
        assert link.ask(unnest, list(zip(*keys, strict=True))) == keys


@pytest.mark.parametrize("size", [*range(16_370, 16_400), 100_000, 5_000_000])
def test_long_answers_come_through_tls(far_link, size):
    """Whatever part of them the encryption holds back until it is asked again."""
    data = os.urandom(size)
    for _ in range(2):
        assert far_link.ask(ECHO, (data, size)) == [(data, size)]


def test_what_fails_says_so_and_the_next_goes_on(link):
    """Alone and on a journey; the error is the server's first."""
    for _ in range(2):
        with pytest.raises(psycopg.errors.DivisionByZero):
            link.ask(BROKEN, (0,))
        assert link.ask(BROKEN, (1,)) == [(1,)]
    answers = []
    with pytest.raises(psycopg.errors.DivisionByZero):
        link.travel([(ONE, ()), (BROKEN, (0,)), (ONE, ()), (SYNC, ()), (ONE, ())], answers)
    assert answers == [[(1,)]]
    assert link.travel([(ONE, ()), (SYNC, ()), (BROKEN, (1,))]) == [[(1,)], [(1,)]]
    assert not link.closed


def test_a_commit_that_undoes_is_no_commit(link):
    """The server answers ROLLBACK to it, and calls that a success."""
    for _ in range(2):
        with pytest.raises(psycopg.errors.DivisionByZero):
            link.travel([(BEGIN, ()), (BROKEN, (0,))])
        answers = []
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            link.travel([(COMMIT, ()), (SYNC, ()), (ONE, ())], answers)
        assert answers == []
        assert not link.closed
    with pytest.raises(psycopg.errors.DivisionByZero):
        link.travel([(BEGIN, ()), (BROKEN, (0,))])
    assert link.travel([(END, ())]) == [[]]


def test_what_was_not_prepared_is_prepared_later(link):
    """Its turn did not come, because what stood before it failed."""
    for _ in range(2):
        with pytest.raises(psycopg.errors.DivisionByZero):
            link.travel([(BROKEN, (0,)), (ECHO, (b"x", 1))])
    assert link.ask(ECHO, (b"x", 1)) == [(b"x", 1)]


def test_a_sync_ends_a_transaction_of_its_own(link):
    """What comes behind it is of another moment; inside BEGIN and COMMIT it changes nothing."""
    now = Statement(b"SELECT pg_current_xact_id()::text::bigint", gives=(BIGINT,))
    apart = link.travel([(now, ()), (SYNC, ()), (now, ())])
    together = link.travel([(BEGIN, ()), (now, ()), (SYNC, ()), (now, ()), (COMMIT, ())])
    assert apart[0] != apart[1]
    assert together[1] == together[2]


def test_a_large_journey_is_no_deadlock(link):
    """Both sides have much more to say than the sockets between them hold."""
    steps = [(ECHO, (os.urandom(100_000), number)) for number in range(200)]
    assert [answer[0] for answer in link.travel(steps)] == [parameters for _, parameters in steps]


@pytest.mark.parametrize("sql", [b"SELECT 'x', 1::bigint", b"SELECT ''::bytea", b"SELECT ''::bytea, 1::int"])
def test_columns_of_another_kind_are_tampering(link, sql):
    """At the first answer, before anybody takes it for what it is not."""
    with pytest.raises(Tampered):
        link.ask(Statement(sql, gives=(BYTEA, BIGINT)))
    assert link.closed


def test_columns_that_change_later_are_refused_by_the_server(link):
    """A prepared statement keeps its columns or fails; a new one is looked at anew."""
    link.connection.execute("CREATE TEMP TABLE shape (x bytea)")
    shape = Statement(b"SELECT x FROM shape", gives=(BYTEA,))
    assert link.ask(shape) == []
    link.connection.execute("ALTER TABLE shape ALTER x TYPE text USING ''")
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        link.ask(shape)
    with pytest.raises(Tampered):
        link.ask(shape)


def test_a_null_is_none(link):
    """Whoever asked decides what it means."""
    assert link.ask(Statement(b"SELECT NULL::bytea, NULL::bigint", gives=(BYTEA, BIGINT))) == [(None, None)]


@pytest.mark.parametrize("journey", [False, True])
def test_the_servers_last_words_are_the_error(link, role, journey):
    """A session that was ended says by whom, and does not look like a cut cable."""
    link.ask(ONE)
    link.ask(ECHO, (b"", 1))
    suicide = Statement(b"SELECT pg_terminate_backend(pg_backend_pid())::int::bigint", gives=(BIGINT,))
    with pytest.raises(psycopg.errors.AdminShutdown):
        link.travel([(ONE, ()), (suicide, ()), (ECHO, (b"", 1))]) if journey else link.ask(suicide)
    assert link.closed
    with pytest.raises(psycopg.OperationalError):
        link.ask(ONE)


def test_answers_tell_how_far_the_server_came(link, role):
    """Behind a COMMIT that was answered nothing is unknown any more."""
    suicide = Statement(b"SELECT pg_terminate_backend(pg_backend_pid())::int::bigint", gives=(BIGINT,))
    answers = []
    with pytest.raises(psycopg.errors.AdminShutdown):
        link.travel([(BEGIN, ()), (ONE, ()), (COMMIT, ()), (SYNC, ()), (suicide, ())], answers)
    assert answers == [[], [(1,)], []]


class Interrupted(BaseException):
    """What a Ctrl-C raises here."""


@pytest.mark.parametrize("journey", [False, True])
def test_an_interrupt_ends_the_wait_and_the_question(link, role, journey):
    """The connection is closed, and the server works no longer for nobody."""
    sleeping = Statement(b"SELECT 1::bigint FROM pg_sleep($1)", (BIGINT,), (BIGINT,))
    assert link.ask(sleeping, (0,)) == [(1,)]
    session = link.connection.info.backend_pid
    here = threading.get_ident()
    is_asked = f"SELECT 1 FROM pg_stat_activity WHERE pid = {session} AND wait_event = 'PgSleep'"

    def interrupt():
        wait_for(lambda: ask_as_superuser(role, is_asked), "the server that sleeps")
        signal.pthread_kill(here, signal.SIGUSR1)

    def stop(*_ignored):
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, stop)
    thread = threading.Thread(target=interrupt)
    try:
        thread.start()
        with pytest.raises(Interrupted):
            link.travel([(ONE, ()), (sleeping, (3600,))]) if journey else link.ask(sleeping, (3600,))
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)
    assert link.closed
    wait_for(lambda: not ask_as_superuser(role, is_asked), "the end of the question")


def test_a_rollback_leaves_what_was_prepared(link):
    """The driver would forget its own, and those of others with them."""
    link.ask(ECHO, (b"x", 1))
    link.connection.execute("SELECT 1")
    link.travel([(BEGIN, ()), (ROLLBACK, ())])
    for _ in range(10):
        link.connection.execute("SELECT 1")
    link.connection.execute("BEGIN")
    link.connection.execute("ROLLBACK")
    assert link.ask(ECHO, (b"x", 1)) == [(b"x", 1)]
    assert ask_prepared(link) == 3


def ask_prepared(link):
    ours = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'strongroom%'"
    return link.connection.execute(ours).fetchone()[0]


def test_who_listens_is_told_without_asking(link, role):
    """Once for what came since the last time."""
    link.connection.execute("LISTEN news")
    assert not link.told()
    with role.connect() as other:
        other.execute("SELECT pg_notify('news', '')")
        other.execute("SELECT pg_notify('news', '')")
    wait_for(link.told, "the news")
    ask_as_superuser(role, f"SELECT pg_terminate_backend({link.connection.info.backend_pid})")
    with pytest.raises(psycopg.OperationalError):
        wait_for(lambda: link.told() and False, "the end")


def test_columns_are_compared_with_the_first_answer_there_is(link):
    """Also when the statement was prepared, and its first run failed."""
    wrong = Statement(b"SELECT (1 / $1)::int", (BIGINT,), (BIGINT,))
    with pytest.raises(psycopg.errors.DivisionByZero):
        link.ask(wrong, (0,))
    with pytest.raises(Tampered):
        link.ask(wrong, (1,))


def test_tables_that_were_changed_are_no_lost_connection(link):
    """The prepared statement is refused, and the next one sees what is there now."""
    link.connection.execute("CREATE TEMPORARY TABLE changing (a bigint)")
    link.connection.execute("INSERT INTO changing VALUES (1)")
    everything = Statement(b"SELECT * FROM changing", gives=(BIGINT,))
    for _ in range(2):
        assert link.ask(everything) == [(1,)]
    link.connection.execute("ALTER TABLE changing ALTER a TYPE int")
    with pytest.raises(psycopg.errors.FeatureNotSupported) as refused:
        link.ask(everything)
    ours = postgres_driver.translate(refused.value, "here")
    assert isinstance(ours, StoreUnavailable) and ours.is_transient
    assert "its tables were changed" in ours.message
    with pytest.raises(Tampered):
        link.ask(everything)


def test_an_answer_is_not_kept(link):
    """What the driver's loader keeps of the last one is let go of with the connection, which goes on."""
    link.ask(ECHO, (bytes(1_000_000), 1))
    assert link._load.pgresult is not None
    link.let_answer_go()
    assert link._load.pgresult is None
    assert link.ask(ECHO, (b"x", 1)) == [(b"x", 1)]


@pytest.mark.parametrize("size", [0, 5_000_000])
def test_where_the_system_has_no_poll(role, monkeypatch, size):
    """As on Windows; short and long questions and answers, and being told."""
    monkeypatch.delattr(select, "poll")
    with psycopg.connect(role.url, autocommit=True) as connection:
        link = Link(connection, "here")
        for _ in range(2):
            assert link.ask(ECHO, (bytes(size), 1)) == [(bytes(size), 1)]
        steps = [(ECHO, (bytes(size // 50), number)) for number in range(100)]
        assert [answer[0] for answer in link.travel(steps)] == [parameters for _, parameters in steps]
        assert not link.told()
        connection.execute("LISTEN here")
        with role.connect() as other:
            other.execute("NOTIFY here")
        wait_for(link.told, "the notice")
