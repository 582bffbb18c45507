"""The tests that `plugin` runs: the suite on each field of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import pytest

from strongroom.testing.django_fields.attacks import Outcome
from strongroom.testing.django_fields.plugin import PROPERTY, Named
from strongroom.testing.django_fields.suite import FieldAttacks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db import models


class TestAttackedField(FieldAttacks):
    """The suite, on one field after the other."""

    def setup_method(self) -> None:
        """Nothing yet: the fixture below knows the field."""

    def teardown_method(self) -> None:
        """Nothing: the fixture does it."""

    @pytest.fixture(autouse=True)
    def _attacked(
        self, request: pytest.FixtureRequest, attacked_field: Named, record_property: Callable[[str, object], None]
    ) -> Iterator[None]:
        self._named = attacked_field
        self._record_property = record_property
        self.kind = attacked_field.kind
        # pytest-django closes every database; this one is the attacks' own.
        with_django = request.config.pluginmanager.hasplugin("django")
        with request.getfixturevalue("django_db_blocker").unblock() if with_django else nullcontext():
            super().setup_method()
            yield
            super().teardown_method()

    def field(self, **options: object) -> models.Field:
        """The field that the command line names."""
        return self._named.make(**options)

    def other_key(self) -> AbstractContextManager[object]:
        """What --attack-other-key names."""
        return super().other_key() if self._named.other_key is None else self._named.other_key()

    def record(self, name: str, outcome: Outcome) -> None:
        """Into the table at the end."""
        word = f"{'holds' if outcome.held else 'BROKEN'}: {outcome.word}"
        self._record_property(f"{PROPERTY}{self._named.name} | {name}", word)
