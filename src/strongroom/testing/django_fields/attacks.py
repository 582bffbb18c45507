"""The table of attacks: what somebody can do who writes to the database, or takes the key or the value along.

Each attack is a function of a `Subject` that returns an `Outcome`.
"""

from __future__ import annotations

import base64
from contextlib import AbstractContextManager

from django.core import serializers
from django.db import DatabaseError, reset_queries

from strongroom.testing.django_fields.expressions import expressions, lookups
from strongroom.testing.django_fields.kinds import is_same, shown
from strongroom.testing.django_fields.subject import ANOTHER, DECRYPTS, RAISES, STORED, Subject

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db import models


class Outcome:
    """What came of one attack.

    Attributes:
        held: whether the field withstood it.
        word: what happened, for the table.
    """

    __slots__ = ("held", "word")

    def __init__(self, held: bool, word: str) -> None:
        self.held = held
        self.word = word

    def __repr__(self) -> str:
        return f"Outcome({'holds' if self.held else 'BROKEN'}: {self.word})"


def _refused(word: str) -> Outcome:
    return Outcome(word.startswith(RAISES), word)


def row_swap(subject: Subject) -> Outcome:
    """The stored value of one row, copied into the same column of another."""
    source, target = subject.pair(), subject.add(subject.kind.fresh)
    subject.store(target, "a", subject.stored(source))
    return _refused(subject.read(target, subject.first))


def column_swap(subject: Subject) -> Outcome:
    """The stored value of one column, copied into another of the same row."""
    row = subject.pair()
    subject.store(row, "b", subject.stored(row))
    return _refused(subject.read(row, subject.first, "b"))


def owner_change(subject: Subject) -> Outcome:
    """The row is given to another owner, the stored value stays."""
    row = subject.pair()
    subject.store(row, "owner", 2)
    return _refused(subject.read(row, subject.first))


def tampering(subject: Subject) -> Outcome:
    """One character or byte of the stored value is another, at five places."""
    row = subject.pair()
    stored = subject.stored(row)
    words = []
    for share in (0.0, 0.25, 0.5, 0.75, 0.9):
        try:
            subject.store(row, "a", _changed(stored, share))
        except DatabaseError as error:
            words.append(f"{RAISES} {type(error).__name__}")  # a check constraint
            continue
        words.append(subject.read(row, subject.first))
    bad = [word for word in words if not word.startswith(RAISES)]
    return Outcome(not bad, bad[0] if bad else words[0])


def _changed(stored: object, share: float) -> object:
    if isinstance(stored, bytes):
        place = int(len(stored) * share)
        return stored[:place] + bytes([stored[place] ^ 1]) + stored[place + 1 :]
    if isinstance(stored, str):
        place = int(len(stored) * share)
        return stored[:place] + ("A" if stored[place] != "A" else "B") + stored[place + 1 :]
    return 0 if stored else 1  # a number or a boolean, in the clear


def leftover_plaintext(subject: Subject) -> Outcome:
    """A value lies unencrypted in the column, as before the field was, or as somebody put it there."""
    row = subject.pair()
    plain = subject.kind.plain(**subject.kind.options)
    try:
        subject.store(row, "a", plain.get_db_prep_save(subject.kind.fresh, subject.connection))
    except DatabaseError:
        # A column of bytes takes no number.
        subject.store(row, "a", shown(subject.kind.fresh).encode())
    word = subject.read(row, subject.kind.fresh)
    return _refused("passes" if word in (DECRYPTS, STORED, ANOTHER) else word)


def oracle(subject: Subject) -> Outcome:
    """A user enters the stored value of somebody else's row as a value, and reads what it decrypts to."""
    stored = subject.stored(subject.pair())
    entered = stored.decode("latin-1") if isinstance(stored, bytes) else stored
    try:
        row = subject.add(entered)
    except Exception as error:
        return Outcome(True, f"{RAISES} {type(error).__name__}")
    word = subject.read(row, subject.first)
    return Outcome(word != DECRYPTS, DECRYPTS if word == DECRYPTS else "stays what it was")


def falsy_values(subject: Subject) -> Outcome:
    """0, False, "" and their like come back as they were, with their types."""
    changed = []
    for value in subject.kind.values:
        try:
            row = subject.add(value)
            back = [subject.rows.get(pk=row.pk).a, *subject.rows.filter(pk=row.pk).values_list("a", flat=True)]
        except Exception as error:
            changed.append(f"{value!r:.12}: {type(error).__name__}")
            continue
        wrong = [one for one in back if not is_same(one, value)]
        if wrong:
            changed.append(f"{value!r:.12} -> {wrong[0]!r:.12}")
    more = f"; {len(changed) - 3} more" if len(changed) > 3 else ""
    return Outcome(not changed, "; ".join(changed[:3]) + more or "as they were")


def plaintext_at_rest(subject: Subject) -> Outcome:
    """The value, or its base64 or hexadecimal form, lies in the column."""
    stored = shown(subject.stored(subject.pair()))
    secret = shown(subject.first).encode("latin-1", "replace")
    # Of base64 the middle: what stands before the value shifts its beginning.
    forms = {"plaintext": secret.decode("latin-1"), "hexadecimal": secret.hex()}
    forms |= {f"base64 ({shift})": base64.b64encode(b"x" * shift + secret).decode()[4:-4] for shift in range(3)}
    found = [name for name, form in forms.items() if form and form in stored]
    return Outcome(not found, found[0] if found else "none")


def equal_values(subject: Subject) -> Outcome:
    """Two rows with one value look different."""
    one, other = subject.stored(subject.pair()), subject.stored(subject.pair())
    return Outcome(one != other, "look different" if one != other else "look equal")


def sql_log(subject: Subject) -> Outcome:
    """Neither the value nor the key stands in a statement, where the database's log would keep it."""
    before = subject.connection.force_debug_cursor
    subject.connection.force_debug_cursor = True
    reset_queries()
    try:
        row = subject.pair()
        subject.rows.get(pk=row.pk)
        log = " ".join(query["sql"] for query in subject.connection.queries)
    finally:
        subject.connection.force_debug_cursor = before
    return Outcome(shown(subject.first) not in log, "holds the value" if shown(subject.first) in log else "nothing")


def dumpdata(subject: Subject) -> Outcome:
    """What ``dumpdata`` writes into a file holds no value."""
    row = subject.pair()
    try:
        text = serializers.serialize("json", subject.rows.filter(pk=row.pk))
    except Exception as error:
        return Outcome(True, f"{RAISES} {type(error).__name__}")
    return Outcome(shown(subject.first) not in text, "plaintext" if shown(subject.first) in text else "encrypted")


def wrong_key(subject: Subject, row: models.Model, other_key: AbstractContextManager[object]) -> Outcome:
    """The program is started with another key; a row that does not fail is read and saved again."""
    before = subject.stored(row)
    with other_key:
        word = subject.read(row, subject.first)
        if not word.startswith(RAISES):
            subject.rows.get(pk=row.pk).save(using=subject.using)
            if subject.stored(row) != before:
                word += ", saves it encrypted again"
    return _refused(word)


def use_of_expressions(subject: Subject) -> Outcome:
    """What queries can do with a column works or refuses; nothing is lost, and nothing stored in the clear."""
    bad = {name: word for name, word in expressions(subject).items() if word not in ("works", "refuses")}
    return Outcome(not bad, "; ".join(f"{name} {word}" for name, word in bad.items()) or "work or refuse")


def look_ups(subject: Subject) -> Outcome:
    """A filter on the value finds the row or refuses; it never silently finds nothing."""
    found = lookups(subject)
    bad = {name: word for name, word in found.items() if word not in ("finds", "refuses")}
    words = bad or found
    return Outcome(not bad, "; ".join(f"{name} {word}" for name, word in words.items()))


ATTACKS: dict[str, Callable[[Subject], Outcome]] = {
    "row swap": row_swap,
    "column swap": column_swap,
    "owner change": owner_change,
    "tampering": tampering,
    "leftover plaintext": leftover_plaintext,
    "oracle": oracle,
    "falsy values": falsy_values,
    "expressions": use_of_expressions,
    "look-ups": look_ups,
    "plaintext at rest": plaintext_at_rest,
    "equal values": equal_values,
    "SQL log": sql_log,
    "dumpdata": dumpdata,
}
"""All but `wrong_key`, which needs to know how a field comes by another key."""
