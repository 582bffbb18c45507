"""The attacks as test methods to inherit.

    from strongroom.testing.django_fields.suite import FieldAttacks

    class TestMyField(FieldAttacks):
        kind = "char"

        def field(self, **options):                      # null, blank, max_length
            return MyEncryptedField(bind=("owner",), **options)

        @contextmanager
        def other_key(self):
            with override_settings(MY_KEY="..."):
                yield

Any runner that calls ``test_*`` methods of a class will do; pytest is not imported. The rows lie in a SQLite file of
their own. Override `database` for another place; `accepted` names attacks that a field is known to fail, with the
word that the table gives for it, so that the suite says when that changes.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import AbstractContextManager, ExitStack
from unittest import SkipTest

from strongroom.testing.django_fields import attacks
from strongroom.testing.django_fields.attacks import Outcome
from strongroom.testing.django_fields.database import ALIAS, OwnDatabase
from strongroom.testing.django_fields.subject import Subject

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.db import models


class FieldAttacks:
    """The table of attacks on one field; see the top of this file.

    Attributes:
        kind: what the field stores: char, text, email, url, integer, boolean, decimal, date, datetime, json, binary.
        accepted: attack -> the beginning of the word that is expected of it, although it is a bad one.
    """

    kind = "char"
    accepted: Mapping[str, str] = {}

    def field(self, **options: object) -> models.Field:
        """A new field; the model has an IntegerField ``owner``, for fields that can be bound to it."""
        raise NotImplementedError

    def other_key(self) -> AbstractContextManager[object]:
        """Change the field's key for a while, as a start with other settings would."""
        raise SkipTest("say how the field comes by another key: override other_key()")

    def database(self) -> AbstractContextManager[object]:
        """Holds the attacked table while a test runs, under the alias ``attacked``."""
        directory = tempfile.TemporaryDirectory(prefix="attacked-")
        self._cleanup.callback(directory.cleanup)
        return OwnDatabase(os.path.join(directory.name, "db.sqlite3"))

    def record(self, name: str, outcome: Outcome) -> None:
        """Told of each outcome, good or bad, before it is judged."""

    def setup_method(self) -> None:
        """Make the table."""
        with ExitStack() as cleanup:
            self._cleanup = cleanup
            cleanup.enter_context(self.database())
            name = f"{type(self).__name__}Attacked"
            self._subject = cleanup.enter_context(Subject(self.field, self.kind, name=name, using=ALIAS))
            self._cleanup = cleanup.pop_all()

    def teardown_method(self) -> None:
        """Drop the table."""
        self._cleanup.close()

    def _attack(self, name: str, attack: Callable[[Subject], Outcome]) -> None:
        outcome = attack(self._subject)
        self.record(name, outcome)
        if name in self.accepted:
            expected = self.accepted[name]
            if outcome.held or not outcome.word.startswith(expected):
                raise AssertionError(f"{name}: {outcome.word}; {expected!r} was expected of it")
        elif not outcome.held:
            raise AssertionError(f"{name}: {outcome.word}")

    def test_row_swap(self) -> None:
        """What is copied into another row does not decrypt."""
        self._attack("row swap", attacks.row_swap)

    def test_column_swap(self) -> None:
        """What is copied into another column does not decrypt."""
        self._attack("column swap", attacks.column_swap)

    def test_owner_change(self) -> None:
        """A row that is given to somebody else hands no secret over."""
        self._attack("owner change", attacks.owner_change)

    def test_tampering(self) -> None:
        """A changed stored value raises."""
        self._attack("tampering", attacks.tampering)

    def test_leftover_plaintext(self) -> None:
        """Plaintext in the column raises."""
        self._attack("leftover plaintext", attacks.leftover_plaintext)

    def test_oracle(self) -> None:
        """A stored value that is entered as a value is not decrypted for whoever entered it."""
        self._attack("oracle", attacks.oracle)

    def test_falsy_values(self) -> None:
        """Values come back as they were, with their types."""
        self._attack("falsy values", attacks.falsy_values)

    def test_expressions(self) -> None:
        """Whatever the ORM can do with a column works or refuses."""
        self._attack("expressions", attacks.use_of_expressions)

    def test_look_ups(self) -> None:
        """A filter finds or refuses."""
        self._attack("look-ups", attacks.look_ups)

    def test_plaintext_at_rest(self) -> None:
        """The value does not lie in the column."""
        self._attack("plaintext at rest", attacks.plaintext_at_rest)

    def test_equal_values(self) -> None:
        """The column does not show which rows hold one value."""
        self._attack("equal values", attacks.equal_values)

    def test_sql_log(self) -> None:
        """No statement holds the value."""
        self._attack("SQL log", attacks.sql_log)

    def test_dumpdata(self) -> None:
        """A dump holds no plaintext."""
        self._attack("dumpdata", attacks.dumpdata)

    def test_wrong_key(self) -> None:
        """Another key raises."""
        other_key = self.other_key()
        row = self._subject.pair()
        self._attack("wrong key", lambda subject: attacks.wrong_key(subject, row, other_key))
