"""A SQLite file of its own for the attacks, beside whatever the project's settings name."""

from __future__ import annotations

from django.db import connections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

ALIAS = "attacked"


class OwnDatabase:
    """The database *ALIAS* for as long as the context lasts; the project's own databases are not touched.

    Args:
        path: where the file lies.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> Self:
        settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": self._path}
        # The handler fills the defaults in; "default" must be there, and is dropped.
        connections.settings[ALIAS] = connections.configure_settings({"default": {}, ALIAS: settings})[ALIAS]
        return self

    def __exit__(self, *_exc: object) -> None:
        connections[ALIAS].close()
        del connections[ALIAS]
        del connections.settings[ALIAS]
