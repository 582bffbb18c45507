"""The PostgreSQL store where it differs from others: writers beside one another, and a server that may go."""

import os
import signal
import socket
import sys
import time
from contextlib import contextmanager
from threading import Event, Thread, get_ident
from zlib import crc32

import pytest

from strongroom.errors import (
    Conflict,
    Denied,
    FormatUnsupported,
    OutcomeUnknown,
    StoreUnavailable,
    Tampered,
    VaultNotFound,
)
from strongroom.stores import postgres_driver, postgres_pool, postgres_rows
from strongroom.stores.interface import WRITERS_MAX, Overtaken
from strongroom.stores.postgres_link import BIGINT, Link, Statement
from strongroom.stores.postgres_locks import Locks
from strongroom.stores.postgres_looking import Looking
from strongroom.stores.postgres_session import Session
from strongroom.stores.registry import create_store, open_store
from strongroom.stores.schema import HEADER, LEDGER, SLOTS, VERSIONS

PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def role(postgres):
    role = postgres.new_database()
    yield role
    postgres.drop(role)


@pytest.fixture
def schema():
    return f"store_{os.urandom(6).hex()}"


@pytest.fixture
def url(role, schema):
    return f"{role.url}&schema={schema}"


@pytest.fixture
def opened():
    """Closes what a test opens."""
    stores = []

    def keep(store):
        stores.append(store)
        return store

    yield keep
    for store in stores:
        store.close()


@pytest.fixture
def store(url, opened):
    store = opened(create_store(url))
    store.publish()
    return store


@pytest.fixture
def meddle(role):
    """Run statements as a superuser of the database would."""

    def run(*statements):
        with role.connect_as_superuser() as connection:
            for statement in statements:
                result = connection.execute(statement)
            return result.fetchall() if result.description else []

    return run


def until(holds, patience=PATIENCE_SECONDS):
    """Wait for something that another process does."""
    give_up = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def waiting_for_locks(meddle):
    return meddle("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")[0][0]


class TestWriters:
    def test_two_writers_have_two_numbers(self, store, url, opened):
        """Beside one another they commit both; what each reads is of its own beginning."""
        other = opened(open_store(url))
        with store.writing(beside=True) as rows, other.writing(beside=True) as rows_of_other:
            assert rows.writer != rows_of_other.writer
            rows.put(SLOTS, (b"one", b""))
            rows_of_other.put(SLOTS, (b"two", b""))
            assert [row[0] for row in rows_of_other.scan(SLOTS)] == [b"two"]
        with store.reading() as rows:
            assert [row[0] for row in rows.scan(SLOTS)] == [b"one", b"two"]

    def test_the_slower_of_two_that_meet_is_overtaken(self, store, url, opened):
        """Whatever it meant to do to the row: nothing of its transaction is there."""
        other = opened(open_store(url))
        with store.writing() as rows:
            rows.put_many(SLOTS, [(b"changed", b"0"), (b"deleted", b"0")])
        for key, act in (
            (b"changed", lambda rows: rows.put(SLOTS, (b"changed", b"late"))),
            (b"deleted", lambda rows: rows.put(SLOTS, (b"deleted", b"late"))),
            (b"made", lambda rows: rows.put(SLOTS, (b"made", b"late"))),
            (b"changed", lambda rows: rows.delete(SLOTS, b"changed")),
        ):
            late = other.writing(beside=True)
            rows_of_late = late.__enter__()
            rows_of_late.get(SLOTS, key)
            with store.writing(beside=True) as rows:
                if key == b"deleted":
                    rows.delete(SLOTS, key)
                else:
                    rows.put(SLOTS, (key, os.urandom(4)))
            rows_of_late.put(HEADER, (1, b"late", b""))
            act(rows_of_late)
            with pytest.raises(Overtaken) as caught:
                late.__exit__(None, None, None)
            assert caught.value.is_transient
        with store.reading() as rows:
            assert rows.get(HEADER, 1) is None
            assert [row[0] for row in rows.scan(SLOTS)] == [b"changed", b"made"]

    def test_who_is_alone_waits_for_the_others_and_they_for_it(self, store, url, opened, meddle):
        """Nobody writes beside a writer that is alone."""
        other = opened(open_store(url))
        for first, second in ((True, False), (False, True), (False, False)):
            has_entered = Event()

            def write(second=second, has_entered=has_entered):
                with other.writing(beside=second) as rows:
                    has_entered.set()
                    rows.put(LEDGER, (1, b"second"))

            thread = Thread(target=write)
            with store.writing(beside=first) as rows:
                thread.start()
                until(lambda: waiting_for_locks(meddle) == 1)
                assert not has_entered.is_set()
                rows.put(LEDGER, (1, b"first"))
            thread.join(PATIENCE_SECONDS)
            assert has_entered.is_set()
            with store.reading() as rows:
                assert rows.get(LEDGER, 1) == (1, b"second")

    def test_when_all_numbers_are_taken_the_next_waits(self, store, url, opened, role, schema, meddle):
        """The sixty-fifth writer comes in when one has gone."""
        with role.connect() as others:
            place = crc32(schema.encode()) - (crc32(schema.encode()) >> 31 << 32)  # docs/format.md#tables
            for number in range(WRITERS_MAX):
                others.execute(f"SELECT pg_advisory_lock({place}, {number + 1})")
            written = Event()

            def write():
                with store.writing(beside=True) as rows:
                    rows.put(LEDGER, (1, b""))
                written.set()

            thread = Thread(target=write)
            thread.start()
            until(lambda: waiting_for_locks(meddle) == 1)
            others.execute("SELECT pg_advisory_unlock_all()")
            thread.join(PATIENCE_SECONDS)
        assert written.is_set()

    def test_locks_go_with_their_transaction(self, store, meddle):
        """Committed, undone or failed, nobody waits for it any more."""
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        with store.writing(beside=True):
            assert meddle(held) == [(2,)]
        assert meddle(held) == [(0,)]
        with pytest.raises(ZeroDivisionError), store.writing():
            raise ZeroDivisionError
        assert meddle(held) == [(0,)]


class Interrupted(BaseException):
    """What a Ctrl-C raises here."""


@contextmanager
def interrupted_when(holds):
    """Raise `Interrupted` in this thread as soon as that holds."""
    here = get_ident()

    def stop(*_ignored):
        raise Interrupted

    def interrupt():
        until(holds)
        signal.pthread_kill(here, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, stop)
    thread = Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(Interrupted):
            yield
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)


class TestInterrupted:
    """A Ctrl-C while the server is waited for: nothing is left behind, and the store goes on."""

    @pytest.mark.parametrize("beside", [True, False])
    def test_on_the_way_to_a_commit(self, store, role, schema, meddle, beside):
        """The rows wait for somebody's lock."""
        store.glance(SLOTS, b"a")
        with role.connect() as other:
            other.execute(f"BEGIN; LOCK TABLE {schema}.slots")
            waits = "SELECT 1 FROM pg_locks WHERE locktype = 'relation' AND NOT granted"
            with interrupted_when(lambda: meddle(waits)), store.writing(beside=beside) as rows:
                rows.put(SLOTS, (b"a", b""))
            other.execute("ROLLBACK")
        until(lambda: not meddle("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'"))
        assert store.glance(SLOTS, b"a")[1] is None
        with store.writing(beside=beside) as rows:
            rows.put(SLOTS, (b"a", b"later"))
        assert store.glance(SLOTS, b"a")[1] == (b"a", b"later")

    def test_while_another_writes_alone(self, store, url, opened, meddle):
        """The lock that was waited for is not taken afterwards by a session that nobody has."""
        other = opened(open_store(url))
        with other.writing() as rows:
            with interrupted_when(lambda: waiting_for_locks(meddle)), store.writing():
                pytest.fail("it is alone")
            until(lambda: not waiting_for_locks(meddle))
            rows.put(SLOTS, (b"a", b""))
        with store.writing() as rows:
            assert rows.get(SLOTS, b"a") == (b"a", b"")

    def test_at_a_glance(self, store, role, schema, meddle):
        """Another thread's question goes on."""
        with role.connect() as other:
            other.execute(f"BEGIN; LOCK TABLE {schema}.slots")
            waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'relation' AND NOT granted"
            answers = []
            thread = Thread(target=lambda: answers.append(store.glance(SLOTS, b"a")[1]))
            thread.start()
            with interrupted_when(lambda: meddle(waits) == [(2,)]):
                store.glance(SLOTS, b"a")
            until(lambda: meddle(waits) == [(1,)])
            other.execute("ROLLBACK")
        thread.join(PATIENCE_SECONDS)
        assert answers == [None]

    @pytest.mark.parametrize("is_alone", [True, False])
    def test_at_each_line_of_the_end(self, store, url, opened, is_alone):
        """What is left of it is no part of the next transaction, and holds up nobody."""
        other = opened(open_store(url))
        with store.writing() as rows:
            rows.put(SLOTS, (b"b", b""))
        for line in range(1, 1000):
            written = b"%d" % line

            def write(written=written):
                with store.writing(beside=not is_alone) as rows:
                    rows.put(SLOTS, (b"a", written))

            is_over = not interrupted_at(line, write)
            with store.reading() as rows:
                assert rows.get(SLOTS, b"b") is not None
            with other.writing() as rows:
                assert (rows.get(SLOTS, b"a") == (b"a", written)) or not is_over
                rows.put(SLOTS, (b"a", b"other"))
            with store.writing() as rows:
                rows.put(SLOTS, (b"b", written))
            assert store.glance(SLOTS, b"a")[1] == (b"a", b"other")
            assert store.glance(SLOTS, b"b")[1] == (b"b", written)
            if is_over:
                break
        assert line > 40
        # Between being let go of and being given back, one may be forgotten: it has no locks by then.
        lost = store._session.servers.writing._taken
        assert len(lost) <= 2
        for me in lost:
            if me() is not None:
                me().close()


def interrupted_at(number, act) -> bool:
    """Whether *act* was interrupted, before the so manieth line of what ends a transaction."""
    count = 0

    def each_line(_frame, event, _arg):
        nonlocal count
        count += event == "line"
        if count == number:
            raise Interrupted
        return each_line

    ends = (Session.end_writing, Session._commit, Session._committed, Session._leave, Looking.committed, Link.travel)
    codes = {end.__code__ for end in ends}
    is_ending = False

    def each_call(frame, _event, _arg):
        nonlocal is_ending
        is_ending = is_ending or frame.f_code is Session.end_writing.__code__
        return each_line if is_ending and frame.f_code in codes else None

    before = sys.gettrace()
    sys.settrace(each_call)
    try:
        act()
    except Interrupted:
        return True
    finally:
        sys.settrace(before)
    return False


class TestServer:
    def test_a_restarted_server_is_found_again(self, store, meddle):
        """Connections that were kept are dead; the next read and the next write make new ones."""
        with store.writing() as rows:
            rows.put(SLOTS, (b"a", b""))
        for _ in range(2):
            end_connections(meddle)
            with store.reading() as rows:
                assert rows.get(SLOTS, b"a") == (b"a", b"")
            end_connections(meddle)
            with store.writing(beside=True) as rows:
                rows.put(SLOTS, (b"a", b""))
            end_connections(meddle)
            assert store.glance(SLOTS, b"a")[1] == (b"a", b"")

    def test_a_restarted_server_is_found_while_others_find_it(self, store, meddle, monkeypatch):
        """That another thread has made a new connection meanwhile makes a dead one no better."""
        take = postgres_pool.Pool.take

        def take_beside_another(pool):
            link = take(pool)
            pool.made += 1
            return link

        monkeypatch.setattr(postgres_pool.Pool, "take", take_beside_another)
        end_connections(meddle)
        assert store.glance(SLOTS, b"a")[1] is None
        end_connections(meddle)
        with store.reading() as rows:
            assert rows.get(SLOTS, b"a") is None

    def test_after_a_cut_one_question_fails_and_not_one_for_each_connection(self, store, monkeypatch):
        """All of them were kept, and all have timed out."""
        pool = store._session.servers.reading
        links = [pool.take() for _ in range(3)]
        for link in links:
            pool.give(link)
            with socket.socket(fileno=os.dup(link.connection.pgconn.socket)) as pipe:
                pipe.shutdown(socket.SHUT_RDWR)
        with monkeypatch.context() as cut:
            cut.setattr(postgres_driver, "is_stale", lambda *_: False)
            with pytest.raises(StoreUnavailable):
                store.glance(SLOTS, b"a")
            assert store.glance(SLOTS, b"a")[1] is None

    def test_who_connects_does_not_wait_for_others_who_do(self):
        """Where nobody answers, each of several threads is told after its own time, and not after that of all."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            silent.settimeout(PATIENCE_SECONDS)
            where = {"host": "127.0.0.1", "port": str(silent.getsockname()[1]), "connect_timeout": "3600"}
            pool = postgres_pool.Pool(where, "here")
            said = []

            def connect():
                with pytest.raises(StoreUnavailable):
                    pool.take()
                said.append("away")

            threads = [Thread(target=connect) for _ in range(3)]
            for thread in threads:
                thread.start()
            met = [silent.accept()[0] for _ in threads]
            assert said == []
            for connection in met:
                connection.close()
            for thread in threads:
                thread.join(PATIENCE_SECONDS)
            assert said == ["away"] * 3

    def test_a_connection_that_ends_in_a_transaction_writes_nothing(self, store, meddle):
        """Before COMMIT it is said that nothing was written, by what meets it first."""
        with pytest.raises(StoreUnavailable), store.writing() as rows:
            rows.put(SLOTS, (b"a", b""))
            end_connections(meddle)
            rows.get(SLOTS, b"a")
        with store.reading() as rows:
            assert list(rows.scan(SLOTS)) == []

    def test_an_end_at_commit_is_an_unknown_outcome(self, store, meddle):
        """Whether COMMIT has arrived cannot be known; the store goes on afterwards."""
        with pytest.raises(OutcomeUnknown), store.writing() as rows:
            rows.put(SLOTS, (b"a", b""))
            end_connections(meddle)
        with store.writing() as rows:
            rows.put(SLOTS, (b"b", b""))

    def test_a_new_connection_changes_the_token(self, store, meddle):
        """It may lead to a server with another past, so that everything is looked at again."""
        before = store.change_token()
        end_connections(meddle)
        assert store.change_token() != before

    @pytest.mark.parametrize("what", ["reading", "writing"])
    def test_another_threads_look_is_not_of_this_transactions_moment(self, store, url, opened, monkeypatch, what):
        """What it sees of a commit that is later must not be taken for what the transaction sees."""
        other = opened(open_store(url))
        looking = store._session.looking
        seen = looking.seen

        def seen_beside_another(*words, **more):
            monkeypatch.setattr(looking, "seen", seen)
            found = looking.seen(*words, **more)
            with other.writing(beside=True) as rows:
                rows.put(SLOTS, (b"a", b""))
            thread = Thread(target=store.glance, args=(SLOTS, b"a"))
            thread.start()
            thread.join(PATIENCE_SECONDS)
            return found

        monkeypatch.setattr(looking, "seen", seen_beside_another)
        begin = store.reading if what == "reading" else lambda: store.writing(beside=True)
        with begin() as rows:
            assert rows.get(SLOTS, b"a") is None
            token = store.change_token()
        assert store.change_token() != token

    def test_a_child_connects_anew(self, store):
        """After a fork both go on; the child takes no part in the parent's transaction."""
        with store.writing() as rows:
            rows.put(SLOTS, (b"parent", b""))
            child = os.fork()
            if not child:
                os._exit(_in_child(store))
            assert os.waitpid(child, 0)[1] == 0
        with store.reading() as rows:
            assert [row[0] for row in rows.scan(SLOTS)] == [b"parent"]

    @pytest.mark.parametrize("what", ["reading", "writing"])
    def test_a_child_says_nothing_on_its_parents_connection(self, store, what):
        """Two that ask on one connection would take each other's answers."""
        with getattr(store, what)() as rows:
            rows.get(SLOTS, b"a")

            def ask():
                for _ in range(2):
                    with pytest.raises(RuntimeError, match="over"):
                        rows.get(SLOTS, b"a")
                assert store.glance(SLOTS, b"a")[1] is None

            assert in_child(ask)
            assert rows.get(SLOTS, b"a") is None

    def test_a_child_that_closes_ends_nothing_of_its_parent(self, store, url, opened, meddle):
        """Neither the connections nor the one that listens; they are the parent's."""
        reader = opened(open_store(f"{url}&cached_reads=60"))
        reader.change_token()
        token = reader.change_token()
        with store.reading() as rows:
            sessions = "SELECT pid FROM pg_stat_activity WHERE application_name = 'strongroom' ORDER BY 1"
            before = meddle(sessions)
            assert before

            def close():
                reader.close()
                store.close()

            assert in_child(close)
            assert rows.get(SLOTS, b"a") is None
        assert meddle(sessions) == before
        assert reader.change_token() == token

    def test_a_child_publishes_nothing(self, url, opened):
        """What the parent has not published yet is the parent's transaction."""
        made = opened(create_store(url))

        def publish():
            with pytest.raises(StoreUnavailable, match="forked"):
                made.publish()

        assert in_child(publish)
        made.publish()
        assert opened(open_store(url)).format is made.format

    def test_nobody_answers(self):
        """A port where nothing listens is an error at once."""
        with pytest.raises(StoreUnavailable, match="does not answer") as caught:
            open_store("postgresql://nobody@127.0.0.1:1/nothing")
        assert caught.value.is_transient

    def test_a_login_that_is_refused(self, role, monkeypatch):
        """A wrong password is Denied, and stands in no message."""
        monkeypatch.setenv("PGPASSWORD", "sesame")
        with pytest.raises(Denied) as caught:
            open_store(role.tcp_url.partition("&passfile")[0])
        assert "sesame" not in str(caught.value) + caught.value.advice

    def test_the_password_comes_from_a_file(self, role, schema, opened):
        """Over TCP with TLS, as a program on another machine would connect."""
        store = opened(create_store(f"{role.tcp_url}&schema={schema}"))
        store.publish()
        assert opened(open_store(f"{role.tcp_url}&schema={schema}")).format is store.format


def in_child(act) -> bool:
    """Whether *act* returns in a child."""
    child = os.fork()
    if not child:
        signal.alarm(int(PATIENCE_SECONDS))
        try:
            act()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def _in_child(store) -> int:
    signal.alarm(int(PATIENCE_SECONDS))
    with store.reading() as rows:
        found = rows.get(SLOTS, b"parent")
    store.close()
    return 0 if found is None else 1


def end_connections(meddle):
    """End every other connection to the database, and wait until the server has."""
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    meddle(f"SELECT pg_terminate_backend(pid) {others} AND application_name = 'strongroom'")
    until(lambda: not meddle(f"SELECT 1 {others} AND application_name = 'strongroom'"))


PLANTED = {
    "a table": "CREATE TABLE {}.more (x int)",
    "a view": "CREATE VIEW {}.more AS SELECT 1",
    "a sequence": "CREATE SEQUENCE {}.more",
    "an index": "CREATE INDEX more ON {}.slots (record)",
    "a column": "ALTER TABLE {}.slots ADD more bytea",
    "a default": "ALTER TABLE {}.slots ALTER record SET DEFAULT ''",
    "another type": "ALTER TABLE {}.ledger ALTER bucket TYPE numeric",
    "no key": "ALTER TABLE {}.slots DROP CONSTRAINT slots_pkey",
    "a check": "ALTER TABLE {}.slots ADD CHECK (id <> '')",
    "a null": "ALTER TABLE {}.slots ALTER record DROP NOT NULL",
    "a foreign key": "ALTER TABLE {0}.versions ADD FOREIGN KEY (item) REFERENCES {0}.slots",
    "row security": "ALTER TABLE {}.slots ENABLE ROW LEVEL SECURITY",
    "a policy": "CREATE POLICY more ON {}.slots USING (false)",
    "a rule": "CREATE RULE more AS ON DELETE TO {}.slots DO INSTEAD NOTHING",
    "a function": "CREATE FUNCTION {}.more() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "a trigger": "CREATE TRIGGER more BEFORE UPDATE ON {}.slots FOR EACH ROW"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "an unlogged table": "ALTER TABLE {}.audit SET UNLOGGED",
    "a child": "CREATE TABLE {0}.more () INHERITS ({0}.slots)",
    "a table less": "DROP TABLE {}.objects",
    "no format": "DELETE FROM {}.vault_format",
    "two formats": "INSERT INTO {}.vault_format VALUES (2)",
    "a format that never was": "UPDATE {}.vault_format SET number = 0",
}


class TestPlanted:
    @pytest.mark.parametrize("what", PLANTED)
    def test_what_was_planted_is_tampering(self, store, url, schema, meddle, what):
        """At the next opening, and for whoever has the store open and checks it."""
        store.check()
        meddle(PLANTED[what].format(schema))
        with pytest.raises(Tampered):
            open_store(url)
        with pytest.raises(Tampered):
            store.check()

    def test_a_newer_format_is_not_opened(self, store, url, schema, meddle):
        """Neither anew, nor by who had it open before."""
        meddle(f"UPDATE {schema}.vault_format SET number = 99")
        with pytest.raises(FormatUnsupported, match="99"):
            open_store(url)
        with pytest.raises(FormatUnsupported), store.reading():
            pass

    def test_a_value_that_is_too_long_is_not_fetched(self, store, schema, meddle, monkeypatch):
        """A byte more than the limit, in a row that this program would never write."""
        monkeypatch.setattr(postgres_rows, "_VALUE_BYTES_MAX", 1000)
        meddle(f"INSERT INTO {schema}.versions SELECT 'a', n, convert_to(repeat('x', n), 'UTF8') FROM"
               " unnest(ARRAY[1000, 1001]) n")  # fmt: skip
        with store.reading() as rows:
            assert rows.get(VERSIONS, b"a", 1000)
        with pytest.raises(Tampered), store.reading() as rows:
            rows.get(VERSIONS, b"a", 1001)


NAMES = ['dou"ble', "sin'gle", "%s %b %%", "; DROP TABLE x; --", "Ünï¢ôdé", "\\", "$$", "{}", "SELECT", "x" * 63]


class TestPlace:
    @pytest.mark.parametrize("name", NAMES)
    def test_any_name_is_a_schema(self, role, opened, name):
        """Names are quoted by the driver, whatever stands in them."""
        from urllib.parse import quote

        url = f"{role.url}&schema={quote(name)}"
        made = opened(create_store(url))
        with made.writing() as rows:
            rows.put(SLOTS, (b"id", name.encode()))
        made.publish()
        other = opened(open_store(url))
        token = other.change_token()
        with made.writing() as rows:
            rows.put(SLOTS, (b"two", b""))
            rows.delete(SLOTS, b"two")
        assert other.change_token() != token
        assert other.glance(SLOTS, b"id")[1] == (b"id", name.encode())
        with other.reading() as rows:
            assert list(rows.scan(SLOTS)) == rows.page(SLOTS, None, 9) == [(b"id", name.encode())]
            assert rows.get_many(SLOTS, [(b"id",), (b"none",)]) == {(b"id",): (b"id", name.encode())}
        other.scrub()
        other.check()

    def test_several_vaults_lie_in_one_database(self, role, opened):
        """None sees another's rows."""
        stores = []
        for _ in range(3):
            stores.append(opened(create_store(f"{role.url}&schema=store_{os.urandom(6).hex()}")))
            stores[-1].publish()
        for number, store in enumerate(stores):
            with store.writing() as rows:
                rows.put(SLOTS, (b"id", bytes([number])))
        for number, store in enumerate(stores):
            with store.reading() as rows:
                assert list(rows.scan(SLOTS)) == [(b"id", bytes([number]))]

    def test_an_empty_schema_is_used_and_another_is_not(self, role, url, schema, opened):
        """A role that may not make schemas is given one."""
        with role.connect() as connection:
            connection.execute(f"CREATE SCHEMA {schema}")
        with pytest.raises(VaultNotFound):
            open_store(url)
        opened(create_store(url)).publish()
        with pytest.raises(Conflict):
            create_store(url)

    def test_one_of_two_that_make_it_at_once_is_told(self, url, opened):
        """The second waits for the first, and finds it there."""
        first = opened(create_store(url))
        results = []

        def make():
            try:
                results.append(opened(create_store(url)))
            except Conflict as error:
                results.append(error)

        thread = Thread(target=make)
        thread.start()
        first.publish()
        thread.join(PATIENCE_SECONDS)
        assert isinstance(results[0], Conflict)
        with first.writing() as rows:
            rows.put(SLOTS, (b"id", b""))

    def test_what_is_not_published_is_never_there(self, url, meddle, schema, opened):
        """Neither after `close`, nor when the connection ends."""
        create_store(url).close()
        made = opened(create_store(url))
        end_connections(meddle)
        with pytest.raises((StoreUnavailable, OutcomeUnknown)):
            made.publish()
        assert meddle(f"SELECT 1 FROM pg_namespace WHERE nspname = '{schema}'") == []


def test_rows_that_nobody_asked_for_are_tampering(store, schema, meddle):
    """A view in the place of a table, whose condition and whose columns do not see the same."""
    with store.writing() as rows:
        rows.put(SLOTS, (b"a", b""))
    keys = [(b"a",), (b"b",)]
    assert store.glance_many(SLOTS, keys)[1] == {(b"a",): (b"a", b"")}
    meddle(
        f"CREATE FUNCTION {schema}.lie(x bytea) RETURNS bytea STABLE LANGUAGE plpgsql AS"
        " $$BEGIN RETURN CASE WHEN random() < 0.5 THEN x ELSE 'c'::bytea END; END$$",
        f"ALTER TABLE {schema}.slots RENAME TO slots2",
        f"CREATE VIEW {schema}.slots AS SELECT {schema}.lie(id) AS id, record FROM {schema}.slots2",
        f"GRANT ALL ON {schema}.slots, {schema}.slots2 TO public",
    )

    def ask_often(ask):
        for _ in range(200):
            assert ask().keys() <= {(b"a",)}

    with pytest.raises(Tampered, match="not asked for"):
        ask_often(lambda: store.glance_many(SLOTS, keys)[1])
    with pytest.raises(Tampered, match="not asked for"), store.reading() as rows:
        ask_often(lambda: rows.get_many(SLOTS, keys))


class TestCachedReads:
    def test_nobody_is_asked_until_somebody_commits(self, store, url, opened, role, meddle):
        """The server hears nothing, and another's commit is noticed without asking."""
        meddle(f"ALTER ROLE {role.name} SET log_statement = 'all'")
        try:
            reader = opened(open_store(f"{url}&cached_reads=60"))
        finally:
            meddle(f"ALTER ROLE {role.name} RESET log_statement")
        reader.change_token()
        token = reader.change_token()
        asked = role.cluster.log.count("vault_commits")
        assert asked
        for _ in range(50):
            assert reader.change_token() == token
        assert role.cluster.log.count("vault_commits") == asked
        with store.writing() as rows:
            rows.put(SLOTS, (b"id", b""))
        until(lambda: reader.change_token() != token)
        with reader.reading() as rows:
            assert rows.get(SLOTS, b"id") == (b"id", b"")

    def test_who_hears_nothing_more_asks(self, store, url, opened, meddle):
        """When the connection that listens has ended, nothing is believed any more."""
        reader = opened(open_store(f"{url}&cached_reads=60"))
        reader.change_token()
        reader.change_token()
        end_connections(meddle)
        with store.writing() as rows:
            rows.put(SLOTS, (b"id", b""))
        token = reader.change_token()
        with store.writing() as rows:
            rows.put(SLOTS, (b"id", b"2"))
        until(lambda: reader.change_token() != token)

    def test_who_listened_leaves_its_place_to_the_next(self, store, url, opened, meddle, monkeypatch):
        """A server that is restarted again and again does not use up the connections."""
        monkeypatch.setattr(postgres_pool, "CONNECTIONS_MAX", 3)
        monkeypatch.setattr(postgres_pool, "_PATIENCE_SECONDS", 0.0)
        reader = opened(open_store(f"{url}&cached_reads=60"))
        for number in range(6):
            reader.change_token()
            reader.change_token()
            end_connections(meddle)
            with store.writing() as rows:
                rows.put(SLOTS, (b"id", b"%d" % number))
            reader.change_token()
            with reader.reading() as rows:
                assert rows.get(SLOTS, b"id") == (b"id", b"%d" % number)


class TestLentSessions:
    """A pooler that gives each transaction another session: PgBouncer's ``pool_mode = transaction``."""

    @pytest.mark.parametrize(("beside", "others"), [(True, 0), (False, 0), (False, 1), (True, 1)])
    def test_locks_that_were_lost_let_nobody_write(self, store, url, opened, monkeypatch, beside, others):
        """Somebody else has what this writer waited for: nothing is begun. `others`: 1 for a writer's number."""
        other = opened(open_store(url))
        # Another session was given the locks, and has lost them since to who asked after it.
        was_taken = Statement(b"SELECT 1::bigint", gives=(BIGINT,))
        with monkeypatch.context() as pooler, other.writing(beside=bool(others)):
            pooler.setattr(Locks, "taking", lambda locks, *, beside, wanted: [(was_taken, ())])
            with pytest.raises(StoreUnavailable, match="lends another session"), store.writing(beside=beside):
                pass
        with store.writing(beside=beside) as rows:
            rows.put(SLOTS, (b"id", b""))

    def test_a_statement_of_another_session_is_no_tampering(self, store):
        """It was prepared elsewhere."""
        with store.reading() as rows:
            for _ in range(2):
                rows.get(SLOTS, b"id")
            store._session.link.connection.execute("DEALLOCATE ALL")
            with pytest.raises(StoreUnavailable, match="lends another session"):
                rows.get(SLOTS, b"id")
