"""What every part of the conformance suite of stores stands on: making, closing, comparing."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from strongroom.stores.interface import Row, Store, Table


class StoreSuite:
    """Inherit this, give `new_store` and `another`, and set ``directory`` to an empty private directory."""

    directory: str
    _opened: list[Store] | None = None

    def new_store(self) -> Store:
        """A new, empty, unpublished store in ``self.directory``."""
        raise NotImplementedError

    def another(self, store: Store) -> Store:
        """A second, independent connection to a published *store*."""
        raise NotImplementedError

    def teardown_method(self) -> None:
        """Close every store that the test made."""
        for store in self._opened or []:
            store.close()
        self._opened = None

    def keep(self, store: Store) -> Store:
        """Close *store* when the test is over."""
        if self._opened is None:
            self._opened = []
        self._opened.append(store)
        return store

    def published(self) -> Store:
        """A new store that is there."""
        store = self.keep(self.new_store())
        store.publish()
        return store

    def pair(self) -> tuple[Store, Store]:
        """Two connections to a new store."""
        store = self.published()
        return store, self.keep(self.another(store))


class Planted(Exception):
    """Raised by the suite itself."""


def row_of(table: Table, seed: int) -> Row:
    """A row of *table* that differs for each *seed* in every column."""
    return tuple(
        seed + position if kind == "INTEGER" else seed.to_bytes(4, "big") + bytes([position])
        for position, (_, kind) in enumerate(table.columns)
    )


def same(actual: object, expected: object) -> None:
    """Fail unless both are equal."""
    # Not `assert`: this is library code, and must hold under `python -O` as well.
    if actual != expected:
        raise AssertionError(f"{actual!r} is not {expected!r}")


def differ(actual: object, other: object) -> None:
    """Fail if both are equal."""
    if actual == other:
        raise AssertionError(f"{actual!r} should differ")


def raises(expected: type[BaseException], call: Callable[..., object], *arguments: object) -> None:
    """Fail unless *call* raises *expected*."""
    try:
        call(*arguments)
    except expected:
        return
    raise AssertionError(f"{expected.__name__} was not raised")
