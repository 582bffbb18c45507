"""The text of docs/comparison.md, and its tables: the programs are the rows, what was done to each the columns."""

# ruff: noqa: E501 - paragraphs of the page are lines
from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from bench.compare import mishaps, owner_questions, questions
from bench.compare.questions import Question

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results" / "comparison.json"
PAGE = ROOT / "docs" / "comparison.md"
TIME = "time of one read"


class Group(NamedTuple):
    """One table, with what was done for it."""

    title: str
    text: str
    questions: dict[str, Question]


GROUPS = (
    Group(
        "What a thief finds",
        f"Every file of the store, and every path, is searched for the value, its base64, and its name (`{questions.FIRST}`). The disk is taken with everything on it, the home and its keys too, and nothing runs: a job can start by itself just where the disk holds all that opens the store, so **reads it** is what *after a restart* below costs.",
        {"a value in the store's files": questions.value_at_rest, "its name": questions.name_at_rest, "the whole disk is taken": questions.disk_taken, "another key": questions.wrong_key},
    ),
    Group(
        "What others on the machine see",
        "`umask` is 022 and the store's own directory is open. `strace` watches all processes of a write and a read: with which mode files are made, the arguments and variables that other processes can look at, and what is written to any file and can be found on the disk later.",
        {"the files, in the end": questions.readable_by_others, "the files, when made": mishaps.created_readable, "arguments and variables": mishaps.on_show, "plaintext written to a disk": mishaps.plaintext_written},
    ),
    Group(
        "A stranger changes the store",
        f"He can write to it and has no key. {questions.CHANGES} times one bit is turned over, spread over all that is not zero, and both values are read: what *did not matter* are places that this read does not use, such as free pages, older versions and logs. Then the stored forms of two values change places; one value is changed and its former form put back; and the whole store is put back, as from a backup. Nothing inside a store can notice that all of it is an older one: strongroom remembers on each machine which state it has seen. One item put back is handed out by a read, and named by `strongroom verify` ([threat model](threat-model.md)). OpenBao's own storage is one file of pages; for the two single entries it was set up on PostgreSQL.",
        {f"{questions.CHANGES} bits turned over": questions.changed_bytes, "two values swapped": questions.swapped, "one value's older form put back": questions.one_put_back, "the whole store put back": questions.all_put_back},
    ),
    Group(
        "Mishaps",
        f"{mishaps.KILLS} times a value is stored over another and `kill -9` sent to what writes (the command, or its server), spread evenly over the time from its first touch of the store to its end, while each call that may change a file is slowed down, for all alike. Then each of two values must be what it was, or what it was to become. Without `fsync` on a file of the store, a power cut may take what the command said was stored. {mishaps.WRITERS} commands store at the same time: *lost* is what one said it had stored and is not there, *refused* what it said it had not.",
        {f"killed {mishaps.KILLS} times while storing": mishaps.killed, "the disk is asked to keep it": mishaps.synced, f"{mishaps.WRITERS} values stored at once": mishaps.at_once},
    ),
    Group(
        "Jobs without a person",
        "Cron gives a home directory, `PATH`, and settings that are no secrets. *After a restart* only what the machine starts by itself runs, and nobody has logged in. `strace` lists the addresses that a write and a read connect to.",
        {"from cron, no terminal": owner_questions.without_terminal, "after a restart, from cron": owner_questions.after_restart, "other machines asked": mishaps.other_machines},
    ),
    Group(
        "Readers, records, keys",
        "Each is done with the program's own commands: somebody else, with no key of the owner's, reads one value and tries another; a read is looked for in the program's own record; a value is stored over another and the older one asked for; a value is stored that ends after seconds, and read until it is refused; a new key takes the old one's place, and the old one is tried on the store. Where the help of a program has no word of such a thing, it says *no command*: nothing more was tried, and a version control system, a shell script or a server's settings may do what is missing.",
        {"one value for another reader": owner_questions.another_reader, "a read is on record": owner_questions.read_on_record, "an older value": owner_questions.older_value, "a value that expires": owner_questions.expired, "the key replaced": owner_questions.key_replaced},
    ),
    Group(
        "What it costs",
        f"One read is a whole command, from its start to its end, {owner_questions.ROUNDS} rounds of all programs in turn on one machine: median, fastest and slowest, then the median of the ratios to the first row, round by round. The size is that of the packages and of what they need beyond a small Debian. [Benchmarks](benchmarks.md) has more.",
        {"size": owner_questions.installed_size},
    ),
)
QUESTIONS: dict[str, Question] = {text: one for group in GROUPS for text, one in group.questions.items()}


def cell(answer: dict[str, Any]) -> str:
    """Bold is what a program does not hold."""
    text = str(answer["word"]).replace("|", "\\|")
    return f"**{text}**" if answer["held"] is False else text


def table(programs: dict[str, Any], texts: list[str]) -> str:
    """The programs below each other."""
    lines = [f"| | {' | '.join(texts)} |", f"|{' --- |' * (len(texts) + 1)}"]
    for name, one in programs.items():
        lines.append(f"| {name} | {' | '.join(cell(one['answers'][text]) for text in texts)} |")
    return "\n".join(lines)


def setups(programs: dict[str, Any]) -> str:
    """What was set up, and in which version."""
    lines = ["| | version | set up with |", "| --- | --- | --- |"]
    return "\n".join(lines + [f"| {name} | {one['version']} | {one['setup']} |" for name, one in programs.items()])


def page(found: dict[str, Any]) -> str:
    """The whole page."""
    programs, parts = found["programs"], []
    for group in GROUPS:
        texts = [*group.questions, TIME] if group is GROUPS[-1] else list(group.questions)
        parts.append(f"## {group.title}\n{group.text}\n\n{table(programs, texts)}\n")
    begun = min(one["asked"]["began"] for one in programs.values())[:10]
    return (
        TEXT.replace("SETUPS", setups(programs)).replace("GROUPS", "\n".join(parts))
        .replace("WHEN", begun).replace("MACHINE", found["machine"])
    )  # fmt: skip


TEXT = """<!-- made by `python -m bench.compare.programs_page` from bench/results/comparison.json: change those -->
# Beside other programs

What programs that keep secrets do when something is done to them. No cell below is anybody's opinion: `python -m bench.compare.programs_page` sets up each program as its manual says, stores two values through its commands, does what the column says, reads again, and writes this page. **Bold** is what somebody who keeps passwords there would not wish for; it stands in our rows as in the others. Each question meets a new store.

Asked on WHEN (MACHINE):

SETUPS

GROUPS
## What is not compared
OpenBao is a server: it holds its keys in memory and asks every reader for a token; its operator, not the reader, can read the store, and it can be told to unseal itself with a key that another machine keeps. age encrypts files and does not claim to be a store. SOPS keeps settings in version control, where an older state is wanted and who may read is said file by file. keyrings.alt asks for its passphrase on a terminal; here a script reads it from a file, which is what a job has to do. `keyrings.cryptfile`, another file of keyring's, derives a key anew for each value it touches, which takes seconds, and was left out for that. A GnuPG key can have a passphrase, which its agent remembers, and pass can sign its files (`PASSWORD_STORE_SIGNING_KEY`): neither was set up here.

The libraries that encrypt Django's fields have [a table of their own](django-fields.md#the-libraries), made by `bench/compare/django_fields.py`.
"""
