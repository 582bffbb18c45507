"""The goals of speed and size: each is one sentence, the lines that decide on it, and what they say.

A goal is met when all of its lines are; the line that is furthest from it speaks for it. The bound of a line
stands where it is measured; a test holds both against each other.
"""

# ruff: noqa: E501 - a goal is a line, and so is the paragraph on what limits it
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

Line = dict[str, Any]
Entries = dict[str, Any]


def times(line: Line) -> str:
    """The ratio with its spread."""
    unit = "x as fast" if line["at_least"] else "x"
    return f"{number(line['ratio'])} {unit} ({number(line['low'])} to {number(line['high'])})"


def a_second(line: Line) -> str:
    """How many in a second."""
    return f"{1 / (line['ours'] * {'us': 1e-6, 'ms': 1e-3}[line['unit']]):,.0f}/s"


def megabytes_a_second(line: Line) -> str:
    """Of a line whose peer is 40 MB/s."""
    return f"{number(40 / line['ratio'])} MB/s"


def plainly(line: Line) -> str:
    """Ours, in its unit."""
    return f"{number(line['ours'])} {line['unit']}".strip()


def mebibytes(line: Line) -> str:
    """Ours, of KiB."""
    return f"{number(line['ours'] / 1024)} MiB"


def number(value: float) -> str:
    """Three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


@dataclass(frozen=True, slots=True)
class Goal:
    """One promise.

    Attributes:
        says: what is measured, beside what.
        bound: in words.
        row: ``group: row`` of `bench.groups`.
        lines: a pattern of ``what | against``; every line of the row that has it decides.
        ratio: the bound of each line, where it is a ratio; None where it depends on what the peer took.
        shown: how a line is shown in the words of *bound*.
        limit: the row of profiles that shows why it is not met, and what limits it, for goals that were missed before.
    """

    says: str
    bound: str
    row: str
    lines: str
    ratio: float | None
    shown: Callable[[Line], str] = times
    limit: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was measured of a goal.

    Attributes:
        lines: those that decide; none when it was not measured.
        worst: the one furthest from the goal.
    """

    goal: Goal
    lines: tuple[Line, ...]
    worst: Line | None

    @property
    def is_met(self) -> bool:
        """Whether every line is; False when there is none."""
        return bool(self.lines) and all(line["met"] for line in self.lines)

    @property
    def word(self) -> str:
        """It as a word."""
        return "not measured" if not self.lines else "met" if self.is_met else "not met"


def share(line: Line, value: float) -> float:
    """How far *value* is from the line's goal: 1 is the goal, less is better, 2 is twice as bad."""
    goal: float = line["goal"]
    return goal / value if line["at_least"] else value / goal


def verdicts(entries: Entries) -> Iterator[Verdict]:
    """Each goal with its lines."""
    for goal in GOALS:
        kept = entries.get(goal.row, {"results": []})["results"]
        lines = [one for one in kept if decides(goal, one)]
        yield Verdict(goal, tuple(lines), max(lines, key=lambda one: share(one, one["ratio"]), default=None))


def decides(goal: Goal, line: Line) -> bool:
    """Whether *line* is one of the goal's."""
    return line["goal"] is not None and fnmatchcase(f"{line['what']} | {line['against']}", goal.lines)


_TWO_PROCESSES = (
    "profiles: profile agent client",
    "Client and agent share the processors: what a read costs both of them together bounds the reads in a second, and the audit entry is written before each answer. The bare echo in the table below does nothing else than to wake both up.",
)

GOALS = (
    # The vault
    Goal("a value read again, beside a bare read and its decryption", "at most 2.5 x", "vault: warm get", "*sqlite3*", 2.5),
    Goal("a value read again, beside a key derived for each entry", "at least 20 x as fast", "vault: warm get", "*PBKDF2*", 20),
    Goal("a value read again, beside keyrings.cryptfile", "at least 20 x as fast", "vault: warm get", "*cryptfile", 20),
    Goal(
        "a value stored durably, beside a bare upsert and ledger row", "at most 2 x",
        "vault: durable set", "*upsert + ledger row", 2,
        limit=("profiles: profile set", "A vault's write is a node, a version, an audit entry and a ledger row: its commit dirties four or five pages where the bare one dirties two, and each of the four is sealed and counted into the ledger. With a disk that takes long for any commit the ratio falls below the goal; without one it shows."),
    ),
    Goal(
        "1,000 values stored at once, beside executemany", "at most 2.5 x", "vault: set many", "*executemany*", 2.5,
        limit=("profiles: profile set many", "Each value is two messages, its name's and its own, with a key derived for each of them: that alone costs about as much as SQLite's share of the same rows. The rest is Python's, for each value: its place found by a keyed index, both rows encoded, bound and counted into the ledger. Beside the same rows, each sealed, the ratio is in the table below, on the line without a goal."),
    ),
    Goal("strongroom get with a key file, beside a bare script", "at most 1.3 x", "vault: start up", "strongroom get*bare script*", 1.3),
    Goal("import strongroom, beside a bare interpreter", "at most 1.2 x", "vault: start up", "import strongroom |*", 1.2),
    Goal("a folder of 100 listed, of many items beside few", "at most 1.2 x", "vault: large vault", "vault.list*", 1.2),
    Goal("file size for each 64-byte secret", "below 1 KiB", "vault: large vault", "file size*", None, plainly),
    # Growth
    Goal("get among a million secrets, again, beside ten thousand", "at most 2 x", "growth: get again", "*", 2),
    Goal("get among a million secrets, first time, beside ten thousand", "at most 2 x", "growth: get first", "*", 2),
    Goal("a folder listed, by what it holds, not by what lies beside it", "at most 1.2 x", "growth: list folder", "*", 1.2),
    Goal("rotate, for each secret, of many beside few", "at most 1.25 x", "growth: rotate", "*", 1.25),
    Goal("a checked backup, beside VACUUM INTO", "at most 3 x", "growth: backup", "*", 3),
    # The agent
    Goal(
        "strongroom get through the agent, beside a bare interpreter", "at most 1 x",
        "agent: agent read", "strongroom get, agent | bare interpreter", 1,
        limit=("profiles: profile agent get", "It is an interpreter's start, and a little for a socket, one module of ours and the agent's answer, less what is saved by leaving without the interpreter's own end. What would go below it (a start without `site`, a compiled client) is rejected in [a decision](decisions/0006-launcher.md)."),
    ),
    Goal("the same, as any pip installs it", "at most 1.5 x", "agent: agent read", "*, as any pip installs it |*", 1.5),
    Goal("strongroom get through the agent, beside pass show", "faster", "agent: agent read", "*pass show", 1),
    Goal("strongroom get through the agent, beside sops decrypt", "faster", "agent: agent read", "*sops decrypt", 1),
    Goal("strongroom get through the agent, beside keyring get", "faster", "agent: agent read", "*keyring get*", 1),
    Goal("strongroom get through the agent, beside bao kv get", "faster", "agent: agent read", "*bao kv get", 1),
    Goal(
        "reads through the agent by one client, audit on", "at least 10,000/s", "agent: agent api", "*, 1 client |*", None, a_second,
        limit=_TWO_PROCESSES,
    ),
    Goal(
        "reads through the agent by eight clients, audit on", "at least 20,000/s", "agent: agent api", "*, 8 clients |*", None, a_second,
        limit=_TWO_PROCESSES,
    ),
    Goal("the agent's memory while nobody asks", "below 40 MiB", "agent: agent size", "*memory*", None, mebibytes),
    Goal("from the agent's start to its first answer", "within 150 ms", "agent: agent size", "*first answer*", None, plainly),
    # PostgreSQL
    Goal(
        "get from PostgreSQL, beside the same statement by psycopg", "at least 0.75 x as fast",
        "PostgreSQL: postgres", "*: get, * psycopg, the same statement", 0.75,
        limit=("profiles: profile postgres get", "With one connection nothing overlaps: what a vault does beside the statement (the head and the value decrypted, its place in the ledger's view of the commits looked at) adds to the journey. With more connections it happens while others wait for the server."),
    ),
    Goal(
        "32 keys of PostgreSQL in one call, beside 32 calls", "at least 4 x as fast",
        "PostgreSQL: postgres", "*keys in one call*", 4,
        limit=("profiles: profile postgres many", "One call is one journey where 32 calls are 32 of them, so the ratio says how dear a journey is: the faster one get becomes, the smaller it is. On a Unix socket a journey costs least; over TCP it costs more, and the ratio is larger. What is left of the one call is the decryption of 32 values."),
    ),
    # Keys, passwords, files
    Goal("a named key's encryption at every size, beside Fernet", "faster", "named keys: named key", "*| Fernet", 1),
    Goal("the same at 1 MiB and above, beside openssl speed", "at least 0.8 x as fast", "named keys: named key beside openssl", "*", 0.8),
    Goal("a file encrypted and decrypted, beside age", "at least 1.3 x as fast", "files: file encryption", "*", 1.3),
    Goal("a password hashed and verified, beside argon2-cffi", "at most 1.25 x", "passwords: password", "*", 1.25),
    # Configuration and encrypted files
    Goal("planted leaks that scan finds", "15 of 15", "scan: scan finds", "*", None, plainly),
    Goal("scan for 200 secrets", "at least 40 MB/s", "scan: scan speed", "*", 1, megabytes_a_second),
    Goal("file get through the agent, beside sops decrypt --extract", "at least as fast", "encrypted files: file get", "*", 1),
    # Django
    Goal("10,000 objects read, beside a plain field", "at most 2.2 x", "Django fields: django fields", "Django, read*", 2.2),
    Goal(
        "bulk_create of 10,000 objects, beside a plain field", "at most 1.5 x",
        "Django fields: django fields", "Django, bulk_create*", 1.5,
        limit=("profiles: profile bulk create", "Nearly all of it is Django's own; what is ours is one key and one sealed message for each object, and for a field that is bound to an owner the owner's value put into what the message is bound to."),
    ),
    Goal("one object read, beside a plain field", "at most 1.15 x", "Django fields: django fields", "Django, get,*", 1.15),
    Goal("one object found by its value, beside an indexed plain column", "at most 1.3 x", "Django fields: django fields", "Django, look up*", 1.3),
    Goal("a page while 200 log in at once, 99 of 100", "within 1 s", "Django log-ins: django logins", "Django, page*", 1, plainly),
    Goal("the server's memory meanwhile, beside idle and 64 MiB a worker", "at most 1.5 x", "Django log-ins: django logins", "Django, memory*", 1.5),
    Goal("a wrong password of somebody, beside nobody's", "at most 1.1 x", "Django log-ins: django logins", "Django, wrong password*", 1.1),
    Goal("a log-in that is refused, beside a page", "at most 2 x", "Django log-ins: django logins", "Django, log-in that is refused*", 2),
    # Certificates
    Goal("a certificate in memory, beside trustme", "at least as fast", "certificates: certificate in memory", "*| trustme", 1),
    Goal("a certificate in memory", "within 1 ms", "certificates: certificate in memory", "*| a millisecond", 1, plainly),
    Goal(
        "a certificate issued and kept, beside OpenBao", "at least as fast", "certificates: certificate in vault", "*", 1,
        limit=("profiles: profile certificate", "It is recorded on the disk before it is handed out: one `fdatasync` for each certificate. Like beside like, both in memory and both on the disk, strongroom is the faster one; the line that misses the goal is our disk beside OpenBao's memory, from which a power cut takes the certificate."),
    ),
)  # fmt: skip
