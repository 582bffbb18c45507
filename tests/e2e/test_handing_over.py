"""Handing over with three real Unix users: the web process leaves what it cannot read, the worker uses it.

The arrangement is that of examples/two-users, with a site's database that both users write to. Needs root and
Debian's user tools; what is made is removed again. Otherwise it says why it was skipped.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.test_two_users import EXAMPLE, IS_ROOT, MISSING, World

PASSWORD = "correct-Horse-27"

pytestmark = [
    pytest.mark.skipif(not IS_ROOT, reason="only root can make three users and become each of them"),
    pytest.mark.skipif(bool(MISSING), reason=f"these tools are missing: {MISSING}"),
]


class Site(World):
    """The arrangement, a site's database that everybody may write to, and Django for all three users."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        shutil.copy(Path(__file__).with_name("handing_over_site.py"), root)
        packages = Path(sysconfig.get_path("platlib"))
        for name in ("django", "asgiref", "sqlparse"):
            without = shutil.ignore_patterns("__pycache__", "*.po", "gis")
            shutil.copytree(packages / name, self.modules / name, ignore=without)
        self.database = root / "database"
        self.database.mkdir()
        self.database.chmod(0o777)
        # What a worker needs more than that of the example: it destroys, and stores tokens that were rotated.
        script = (EXAMPLE / "setup.sh").read_text().replace(
            'grant add sync --user "$SYNC"', "grant add sync --user \"$SYNC\" --update 'sites/**' --delete 'sites/**'"
        )
        self.script = root / "setup.sh"
        self.script.write_text(script)
        self.script.chmod(0o755)

    def site(self, user: str, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """The site's program, as *user*."""
        places = str(self.database / "site.sqlite3"), str(self.state / "vault.db")
        return self.as_user(user, self.python, "handing_over_site.py", *places, *words, stdin=stdin)

    def hand_over(self, name: str, password: str = PASSWORD, user: str = "ann") -> str:
        """The id of what web has handed over."""
        done = self.site(self.web, "hand-over", user, name, stdin=password + "\n")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def execute(self, sql: str, handed: str) -> list[tuple[str, ...]]:
        """As who writes to the database has it."""
        with closing(sqlite3.connect(self.database / "site.sqlite3", timeout=60)) as database, database:
            return database.execute(sql, [handed.replace("-", "")]).fetchall()

    def state_of(self, handed: str) -> str:
        """What the row says."""
        sql = "SELECT state || ': ' || last_result FROM strongroom_hand_over_handedover WHERE id = ?"
        return self.execute(sql, handed)[0][0]

    def put_back(self, handed: str) -> None:
        """The row is made to say that it was never withdrawn, and is due."""
        columns = "state = 'active', next_sync = '2020-01-01 00:00:00'"
        self.execute(f"UPDATE strongroom_hand_over_handedover SET {columns} WHERE id = ?", handed)

    def work(self) -> str:
        """One round of the worker."""
        done = self.site(self.sync, "sync_external", "--once")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    root = Path(tempfile.mkdtemp(prefix="strongroom-handing-over-", dir="/var/tmp"))
    made = Site(root)
    try:
        done = made.set_up()
        assert done.returncode == 0, done.stderr
        made.start_agent()
        migrated = made.site(made.web, "migrate", "-v", "0")
        assert migrated.returncode == 0, migrated.stderr
        (made.database / "site.sqlite3").chmod(0o666)
        yield made
    finally:
        made.tear_down()
        shutil.rmtree(root)


def test_web_hands_over_and_sync_uses_it(site: Site) -> None:
    """The worker logs in with what the user has typed; the site shows how it went."""
    handed = site.hand_over("first")
    assert site.state_of(handed) == "waiting: "
    assert site.work() == "1 active"
    assert site.state_of(handed) == "active: 2 fields for ann"
    again = site.hand_over("first", "a wrong one")
    assert again == handed
    assert site.work() == "1 refused"
    assert site.state_of(handed) == "refused: no such login: <hidden>"


def test_web_reads_nothing_back(site: Site) -> None:
    """By none of its ways: the site's code, the command line, the worker's command, the vault's files, the database."""
    handed = site.hand_over("secretive", "only-the-worker-knows")
    path = f"sites/one/photos/credentials/{handed}"
    done = site.site(site.web, "read", path)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 12
    assert {line.split(None, 1)[1] for line in done.stdout.splitlines()} == {"Denied"}
    done = site.strongroom(site.web, "get", path, "password")
    assert (done.returncode, done.stdout) == (5, "")
    assert site.strongroom(site.web, "--no-agent", "get", path, "password").returncode not in (0, 1)
    tried = site.site(site.web, "sync_external", "--once")
    assert tried.returncode == 5, tried
    for name in ("vault.db", "vault.db-wal"):
        assert site.as_user(site.web, "cat", str(site.state / name)).returncode != 0
    everything = b"".join(one.read_bytes() for one in site.database.iterdir())
    assert handed.replace("-", "").encode() in everything
    assert b"only-the-worker-knows" not in everything
    assert b"dustin" not in everything
    # The worker has it, so all of that was no accident.
    got = site.strongroom(site.sync, "get", path, "password")
    assert got.stdout == "only-the-worker-knows", got.stderr
    site.work()


def test_without_the_agent(site: Site) -> None:
    """It lies sealed in the inbox, where web cannot open it again; the worker has it when the agent runs again."""
    site.stop_agent()
    try:
        handed = site.hand_over("offline")
        (letter,) = (site.state / "vault.db.inbox").glob("*.deposit")
        assert PASSWORD.encode() not in letter.read_bytes()
        assert b"dustin" not in letter.read_bytes()
        done = site.site(site.web, "read", f"sites/one/photos/credentials/{handed}")
        assert {line.split(None, 1)[1] for line in done.stdout.splitlines()} == {"UnsafePermissions"}
        assert PASSWORD not in done.stdout + done.stderr
        tried = site.site(site.sync, "sync_external", "--once")
        assert tried.returncode not in (0, 1), tried
    finally:
        site.start_agent()
    site.work()
    assert site.state_of(handed) == "active: 2 fields for ann"


def test_withdrawn_by_web_and_put_back_in_the_database(site: Site) -> None:
    """Who has taken web over can end what users have handed over, and not begin it again."""
    handed = site.hand_over("to be withdrawn")
    path = f"sites/one/photos/credentials/{handed}"
    assert site.site(site.web, "withdraw", handed).returncode == 0
    site.put_back(handed)
    assert "1 destroyed" in site.work()
    assert site.state_of(handed) == "withdrawn: "
    assert site.strongroom(site.sync, "get", path, "password").returncode == 4
    site.put_back(handed)
    site.work()
    assert site.state_of(handed) == "withdrawn: "
