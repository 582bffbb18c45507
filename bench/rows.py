"""Each line of the table, as a function of a `Bench`: what strongroom promises, and beside what."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import TypeVar

import strongroom
from bench import peers
from bench.measure import Result, compare, result, seconds
from strongroom import Vault

VALUE = "v" * 64
ITEMS = 1_000
LARGE = 100_000
FOLDER = 100

T = TypeVar("T")


class Bench:
    """A directory, the sizes of this run and the vaults that the lines share.

    Args:
        directory: empty, on the disk that is to be measured.
        quick: few rounds and small vaults, to see that everything runs; the numbers mean little.
    """

    def __init__(self, directory: Path, *, quick: bool) -> None:
        self.directory = directory
        self.quick = quick
        self.key_file = directory / "bench.key"
        self.rounds = 3 if quick else 41
        self.large = 2_000 if quick else LARGE
        self.names = [f"folder-{number // FOLDER}/item-{number}" for number in range(ITEMS)]
        self.small = self.make_vault("small.db", ITEMS)
        self.raw = peers.RawTable(directory / "raw.db")
        self.ids = [os.urandom(16) for _ in range(ITEMS)]
        self.raw.set_many((name, self.raw.seal(VALUE.encode())) for name in self.ids)

    def make_vault(self, name: str, items: int) -> Vault:
        """A vault with *items* items of one 64-byte secret, 100 to a folder."""
        (self.directory / name).mkdir(mode=0o700)
        vault = strongroom.create(str(self.directory / name / "vault.db"), key_file=str(self.key_file))
        fill(vault, items)
        return vault

    def file(self, vault: str) -> Path:
        """Where the vault of that name lies."""
        return self.directory / vault / "vault.db"


def fill(vault: Vault, items: int) -> None:
    """Store *items* items of one 64-byte secret, 100 to a folder, a thousand in a commit."""
    for start in range(0, items, ITEMS):
        numbers = range(start, min(start + ITEMS, items))
        vault.set_many({f"folder-{number // FOLDER}/item-{number}": {"password": VALUE} for number in numbers})


def calls(function: Callable[[T], object], arguments: Iterator[T]) -> Callable[[], object]:
    """A call of *function* with the next of *arguments*."""
    return lambda: function(next(arguments))


def warm_get(bench: Bench) -> Iterator[Result]:
    """One value of an open vault."""
    get = calls(lambda path: bench.small.get(path, "password"), cycle(bench.names))
    raw = calls(bench.raw.get, cycle(bench.ids))
    against = "sqlite3 point read + one suite 1 open"
    yield compare("vault.get, warm", against, get, raw, rounds=bench.rounds, repeat=500, goal=2.5)

    def get_anew(path: str) -> object:
        bench.small._core.sealed.forget()
        return bench.small.get(path, "password")

    anew = calls(get_anew, cycle(bench.names))
    what = "vault.get, warm, value not remembered"
    yield compare(what, against, anew, raw, rounds=bench.rounds, repeat=500, goal=None)

    passphrase = "correct horse battery staple"
    pbkdf2 = peers.Pbkdf2Store(bench.directory / "pbkdf2.db", passphrase.encode())
    pbkdf2.set("item", VALUE.encode())
    rounds = max(5, bench.rounds // 4)
    yield compare(
        "vault.get, warm", "PBKDF2 (100k) + Fernet for each entry", get, lambda: pbkdf2.get("item"),
        rounds=rounds, repeat=500, peer_repeat=2, goal=20, at_least=True,
    )  # fmt: skip
    try:
        cryptfile = peers.CryptFile(bench.directory / "cryptfile.cfg", passphrase)
    except ImportError:
        print("keyrings.cryptfile is not installed: its line is left out", file=sys.stderr)
        return
    cryptfile.set("item", VALUE)
    yield compare(
        "vault.get, warm", "keyrings.cryptfile", get, lambda: cryptfile.get("item"),
        rounds=rounds, repeat=500, peer_repeat=1, goal=20, at_least=True,
    )  # fmt: skip


def durable_set(bench: Bench) -> Iterator[Result]:
    """One value, safe on disk when the call returns."""
    set_one = calls(lambda path: bench.small.set(path, {"password": VALUE}), cycle(bench.names))
    body, ledger = bench.raw.seal(VALUE.encode()), bench.raw.seal(bytes(41))
    raw = calls(lambda name: bench.raw.set(name, body, ledger), cycle(bench.ids))
    against = "WAL/FULL upsert + ledger row"
    yield compare("vault.set, durable", against, set_one, raw, rounds=bench.rounds, repeat=20, goal=2)

    same = peers.SameRows(bench.file("small.db"), bench.directory / "same-set.db")
    ours, theirs = [], []
    for _ in range(bench.rounds * 3):
        ours.append(seconds(set_one, 1))
        batch = same.fresh()
        theirs.append(seconds(partial(same.write, batch), 1))
    yield result("vault.set, durable", "WAL/FULL write of the same rows", ours, theirs, goal=None)


def set_many(bench: Bench) -> Iterator[Result]:
    """A thousand new values in one commit."""
    vault = bench.make_vault("many.db", 0)
    same = peers.SameRows(bench.file("many.db"), bench.directory / "same-many.db")
    plain = peers.RawTable(bench.directory / "plain-many.db")
    sealed = plain.seal(VALUE.encode())
    ours, one_row, same_rows, sealing = [], [], [], []
    for turn in range(max(5, bench.rounds // 3) + 1):
        items = {f"turn-{turn}/item-{number}": {"password": VALUE} for number in range(ITEMS)}
        rows = [(os.urandom(16), sealed) for _ in range(ITEMS)]
        mine = seconds(partial(vault.set_many, items), 1)
        theirs = seconds(partial(plain.set_many, rows), 1)
        batch = same.fresh()
        copied = seconds(partial(same.write, batch), 1)
        # A node and a version for each value: what suite 1 alone takes for them.
        sealed_anew = seconds(partial(plain.seal, VALUE.encode()), 2 * ITEMS) * 2 * ITEMS
        if turn:  # the first one only warms up
            ours.append(mine)
            one_row.append(theirs)
            same_rows.append(copied)
            sealing.append(copied + sealed_anew)
    yield result("vault.set_many, 1,000 values", "executemany, the same rows", ours, same_rows, goal=2.5)
    yield result("vault.set_many, 1,000 values", "the same rows, each sealed", ours, sealing, goal=None)
    yield result("vault.set_many, 1,000 values", "executemany, one row a value", ours, one_row, goal=2.5)
    vault.close()


def start_up(bench: Bench) -> Iterator[Result]:
    """A process that starts, does one thing and ends."""
    key = bench.directory / "raw.key"
    key.write_bytes(bench.raw.key)
    program = Path(sys.executable).with_name("strongroom")
    ours = [str(program)] if program.exists() else [sys.executable, "-m", "strongroom"]
    options = ["--vault", str(bench.file("small.db")), "--key-file", str(bench.key_file)]
    get = [*ours, "get", bench.names[7], "password", *options]
    bare = [sys.executable, str(Path(__file__).with_name("bare_get.py")), str(bench.directory / "raw.db"), str(key)]
    empty = [sys.executable, "-c", "pass"]
    import_only = [sys.executable, "-c", "import strongroom"]
    rounds = bench.rounds
    read = runs([*bare, bench.ids[7].hex()], VALUE)
    what, against = "strongroom get, cold", "bare script: sqlite3 + cryptography, same read"
    yield compare(what, against, runs(get, VALUE), read, rounds=rounds, repeat=2, goal=1.3)
    yield compare(what, "bare interpreter", runs(get, VALUE), runs(empty), rounds=rounds, repeat=2, goal=None)
    what = "import strongroom"
    yield compare(what, "bare interpreter", runs(import_only), runs(empty), rounds=rounds, repeat=4, goal=1.2)


def runs(
    command: list[str], answer: str = "", more: dict[str, str] | None = None, *, strip: bool = False
) -> Callable[[], object]:
    """A call that runs *command* and insists on its *answer*.

    Args:
        more: variables of its environment.
        strip: do not mind a newline after the answer.
    """
    environment = {name: os.environ[name] for name in ("PYTHONPATH", "XDG_STATE_HOME") if name in os.environ}
    environment |= more or {}

    def run() -> None:
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
        said = done.stdout.decode()
        if (said.rstrip("\n") if strip else said) != answer:
            raise AssertionError(f"{command[0]} gave another answer")

    return run


def large_vault(bench: Bench) -> Iterator[Result]:
    """What grows with the number of items, and what does not."""
    large = bench.make_vault("large.db", bench.large)
    folders = cycle([f"folder-{number}" for number in range(ITEMS // FOLDER)])

    def listed(vault: Vault) -> Callable[[], object]:
        return calls(lambda folder: len(list(vault.list(folder))), folders)

    what, against = f"vault.list, 100 of {bench.large:,}", f"100 of {ITEMS:,}"
    yield compare(what, against, listed(large), listed(bench.small), rounds=bench.rounds, repeat=10, goal=1.2)
    large.close()

    plain = peers.RawTable(bench.directory / "plain-large.db")
    plain.set_many((os.urandom(16), plain.seal(VALUE.encode())) for _ in range(bench.large))
    plain.connection.close()
    peer = size_of(bench.directory / "plain-large.db") / bench.large
    ours = size_of(bench.file("large.db")) / bench.large
    yield size_line(f"file size a 64-byte secret, {bench.large:,} at once", ours, peer)

    single = bench.make_vault("single.db", 0)
    written = ITEMS if not bench.quick else 100
    for path in bench.names[:written]:
        single.set(path, {"password": VALUE})
    single.close()
    ours = size_of(bench.file("single.db")) / written
    yield size_line(f"file size a 64-byte secret, {written:,} one by one", ours, peer)


def size_of(path: Path) -> int:
    """Bytes of a database and what SQLite keeps beside it."""
    return sum(part.stat().st_size for part in path.parent.glob(f"{path.name}*"))


def size_line(what: str, ours: float, peer: float) -> Result:
    """A table line of bytes; the goal of 1 KiB is given as a ratio to the peer's size."""
    ratio = ours / peer
    return Result(what, "one sealed row of SQLite", "B", ours, peer, ratio, ratio, ratio, 1024 / peer)


ROWS = (warm_get, durable_set, set_many, start_up, large_vault)
