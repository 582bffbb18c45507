"""The goals of speed and size: none is dropped, and each is decided by the lines that are its own."""

from __future__ import annotations

from typing import Any

from bench.goals import GOALS, share, verdicts
from bench.groups import names

# Each goal that was ever set, with its bound; a change here is a change of what is promised.
PROMISED = (
    ("a value read again, beside a bare read and its decryption", "at most 2.5 x"),
    ("a value read again, beside a key derived for each entry", "at least 20 x as fast"),
    ("a value read again, beside keyrings.cryptfile", "at least 20 x as fast"),
    ("a value stored durably, beside a bare upsert and ledger row", "at most 2 x"),
    ("1,000 values stored at once, beside executemany", "at most 2.5 x"),
    ("strongroom get with a key file, beside a bare script", "at most 1.3 x"),
    ("import strongroom, beside a bare interpreter", "at most 1.2 x"),
    ("a folder of 100 listed, of many items beside few", "at most 1.2 x"),
    ("file size for each 64-byte secret", "below 1 KiB"),
    ("get among a million secrets, again, beside ten thousand", "at most 2 x"),
    ("get among a million secrets, first time, beside ten thousand", "at most 2 x"),
    ("a folder listed, by what it holds, not by what lies beside it", "at most 1.2 x"),
    ("rotate, for each secret, of many beside few", "at most 1.25 x"),
    ("a checked backup, beside VACUUM INTO", "at most 3 x"),
    ("strongroom get through the agent, beside a bare interpreter", "at most 1 x"),
    ("the same, as any pip installs it", "at most 1.5 x"),
    ("strongroom get through the agent, beside pass show", "faster"),
    ("strongroom get through the agent, beside sops decrypt", "faster"),
    ("strongroom get through the agent, beside keyring get", "faster"),
    ("strongroom get through the agent, beside bao kv get", "faster"),
    ("reads through the agent by one client, audit on", "at least 10,000/s"),
    ("reads through the agent by eight clients, audit on", "at least 20,000/s"),
    ("the agent's memory while nobody asks", "below 40 MiB"),
    ("from the agent's start to its first answer", "within 150 ms"),
    ("get from PostgreSQL, beside the same statement by psycopg", "at least 0.75 x as fast"),
    ("32 keys of PostgreSQL in one call, beside 32 calls", "at least 4 x as fast"),
    ("a named key's encryption at every size, beside Fernet", "faster"),
    ("the same at 1 MiB and above, beside openssl speed", "at least 0.8 x as fast"),
    ("a file encrypted and decrypted, beside age", "at least 1.3 x as fast"),
    ("a password hashed and verified, beside argon2-cffi", "at most 1.25 x"),
    ("planted leaks that scan finds", "15 of 15"),
    ("scan for 200 secrets", "at least 40 MB/s"),
    ("file get through the agent, beside sops decrypt --extract", "at least as fast"),
    ("10,000 objects read, beside a plain field", "at most 2.2 x"),
    ("bulk_create of 10,000 objects, beside a plain field", "at most 1.5 x"),
    ("one object read, beside a plain field", "at most 1.15 x"),
    ("one object found by its value, beside an indexed plain column", "at most 1.3 x"),
    ("a page while 200 log in at once, 99 of 100", "within 1 s"),
    ("the server's memory meanwhile, beside idle and 64 MiB a worker", "at most 1.5 x"),
    ("a wrong password of somebody, beside nobody's", "at most 1.1 x"),
    ("a log-in that is refused, beside a page", "at most 2 x"),
    ("a certificate in memory, beside trustme", "at least as fast"),
    ("a certificate in memory", "within 1 ms"),
    ("a certificate issued and kept, beside OpenBao", "at least as fast"),
)
LABEL_MAX = 66


def line(what: str, against: str, *, ratio: float = 1.0, goal: float | None = 2.0) -> dict[str, Any]:
    """A line of a table that may be at most *goal*."""
    return {"what": what, "against": against, "unit": "ms", "ours": ratio, "peer": 1.0, "ratio": ratio, "low": ratio,
            "high": ratio, "goal": goal, "at_least": False, "met": goal is None or ratio <= goal}  # fmt: skip


def test_no_goal_is_dropped() -> None:
    """Each stands once, with the bound that was promised, and is measured by a row that there is."""
    assert tuple((goal.says, goal.bound) for goal in GOALS) == PROMISED
    assert len({goal.says for goal in GOALS}) == len(GOALS)
    every = names()
    for goal in GOALS:
        assert goal.row in every
        assert goal.limit is None or goal.limit[0] in every
        assert len(goal.says) <= LABEL_MAX, "its label leaves the picture"


def test_the_line_furthest_from_the_goal_speaks_for_it() -> None:
    """One line of several that misses it makes it missed; a line without a goal does not decide."""
    held = [
        line("vault.set_many", "executemany, the same rows", ratio=1.9),
        line("vault.set_many", "executemany, one row a value", ratio=2.1),
        line("vault.set_many", "executemany of another kind", ratio=99.0, goal=None),
        line("vault.set_many", "something else", ratio=99.0),
    ]
    (verdict,) = (one for one in verdicts({"vault: set many": {"results": held}}) if one.lines)
    assert verdict.lines == tuple(held[:2])
    assert verdict.worst is held[1]
    assert (verdict.is_met, verdict.word) == (False, "not met")
    (verdict,) = (one for one in verdicts({"vault: set many": {"results": held[:1]}}) if one.lines)
    assert (verdict.is_met, verdict.word) == (True, "met")


def test_a_goal_without_a_line_is_not_met() -> None:
    """It is not measured, and says so."""
    assert {one.word for one in verdicts({})} == {"not measured"}
    assert not any(one.is_met for one in verdicts({}))


def test_shares_of_both_kinds_of_goal() -> None:
    """More than 1 is worse than the goal, whichever way the bound goes."""
    upper, lower = line("what", "peer"), line("what", "peer") | {"at_least": True}
    assert (share(upper, 4.0), share(upper, 1.0)) == (2.0, 0.5)
    assert (share(lower, 4.0), share(lower, 1.0)) == (0.5, 2.0)
