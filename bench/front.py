"""What README says of speed: a few of the lines that were kept, between two comments."""

# ruff: noqa: E501 - a line of the table is a line
from __future__ import annotations

import re
from pathlib import Path

from bench.goals import Entries, Line, number

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN = "<!-- made by `python -m bench.report` from bench/results/vault.json -->\n"
END = "<!-- end -->"

# What a reader calls it, where it is kept, what it is called there and beside what, and what a reader calls that.
SHOWN = (
    ("read a value, vault open", "vault: warm get", "vault.get, warm", "sqlite3 point read + one suite 1 open", "one SQLite point read and one decryption"),
    ("", "vault: warm get", "vault.get, warm", "PBKDF2 (100k) + Fernet for each entry", "PBKDF2 and Fernet for each entry"),
    ("write a value, safe on disk", "vault: durable set", "vault.set, durable", "WAL/FULL upsert + ledger row", "an SQLite upsert and a ledger row"),
    ("write 1,000 values at once", "vault: set many", "vault.set_many, 1,000 values", "the same rows, each sealed", "the same rows, each sealed, by `executemany`"),
    ("", "vault: set many", "vault.set_many, 1,000 values", "executemany, the same rows", "the same rows, not sealed"),
    ("`strongroom get`, from a cold start", "vault: start up", "strongroom get, cold", "bare script: sqlite3 + cryptography, same read", "a script that imports sqlite3 and cryptography and reads one row"),
    ("`strongroom get`, through the agent", "agent: agent read", "strongroom get, agent", "bare interpreter", "a bare interpreter, `python -c pass`"),
    ("", "agent: agent read", "strongroom get, agent", "pass show", "`pass show`"),
    ("", "agent: agent read", "strongroom get, agent", "sops decrypt", "`sops decrypt`"),
    ("", "agent: agent read", "strongroom get, agent", "keyring get, plain file", "`keyring get`"),
    ("", "agent: agent read", "strongroom get, agent", "bao kv get", "`bao kv get`"),
    ("`vault.get` through the agent, audited", "agent: agent api", "vault.get through the agent, 1 client", "echo of 64 bytes, epoll", "an echo of 64 bytes over the same kind of socket"),
    ("the same with eight clients", "agent: agent api", "vault.get through the agent, 8 clients", "echo of 64 bytes, epoll", "the same echo"),
    ("the agent, from start to first answer", "agent: agent size", "agent, from its start to its first answer", "bare interpreter", "a bare interpreter"),
    ("the agent's memory", "agent: agent size", "agent's resident memory", "bare interpreter", "a bare interpreter"),
    ("`import strongroom`, and Python's start", "vault: start up", "import strongroom", "bare interpreter", "a bare interpreter"),
    ("encrypt a file of 1 GiB (`encrypt --key`)", "files: file encryption", "encrypt 1 GiB, our format", "age", "age"),
    ("one value of an encrypted file (`file get`), through the agent", "encrypted files: file get", "file get, agent", "sops decrypt --extract", "`sops decrypt --extract`"),
    ("10,000 objects of Django with an encrypted field, read", "Django fields: django fields", "Django, read 10,000 objects, strongroom", "plain field", "a plain field"),
    ("PostgreSQL: read a value, eight connections", "PostgreSQL: postgres", "PostgreSQL: get, 8 connections", "psycopg, the same statement", "psycopg, the same statement"),
    ("among 1,000,000 secrets: read one for the first time", "growth: get first", "get, the first time, of 1,000,000", "of 10,000", "among 10,000"),
    ("back up 1,000,000 secrets", "growth: backup", "backup of 1,000,000", "VACUUM INTO", "SQLite's `VACUUM INTO`"),
)  # fmt: skip


def table(entries: Entries) -> str:
    """The lines of `SHOWN` that were measured, and not in a quick run."""
    rows = ["| | ours | peer | |", "| --- | ---: | --- | --- |"]
    for says, row, what, against, peer in SHOWN:
        kept = entries.get(row)
        if kept is not None and not kept["quick"]:
            mine = [one for one in kept["results"] if (one["what"], one["against"]) == (what, against)]
            rows += [_row(says, one, peer) for one in mine]
    return "\n".join(rows) + "\n"


def _row(says: str, line: Line, peer: str) -> str:
    times = f"{number(line['ratio'])} times" + (" as fast" if line["at_least"] else "")
    ours, theirs = (f"{number(line[side])} {line['unit']}" for side in ("ours", "peer"))
    return f"| {says} | {ours} | {peer}: {theirs} | {times} |"


def with_table(readme: str, entries: Entries) -> str:
    """README with the table anew.

    Raises: ValueError: the two comments are not there.
    """
    found = re.search(f"(?s)(?<={re.escape(BEGIN)}).*?(?={END})", readme)
    if found is None:
        raise ValueError("README.md has no place for the table")
    return readme[: found.start()] + table(entries) + readme[found.end() :]
