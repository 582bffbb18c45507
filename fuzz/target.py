"""What is fuzzed: a name, what reads the bytes, how it may refuse them, and what it is given to begin with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from strongroom.errors import StrongroomError

T = TypeVar("T")
Refusals = tuple[type[BaseException], ...]


@dataclass(frozen=True)
class Target:
    """One parser.

    Attributes:
        run: reads the bytes, and checks whatever must hold of what it read.
        refusals: the exceptions that its documentation names.
        seeds: what our own writers write, or others that the parser reads.
    """

    name: str
    run: Callable[[bytes], object]
    seeds: Callable[[], Iterable[bytes]]
    refusals: Refusals = (StrongroomError,)

    def __call__(self, data: bytes) -> None:
        """Read *data*.

        Raises: what is none of the documented refusals.
        """
        try:
            self.run(data)
        except self.refusals:
            return


def again(decode: Callable[[bytes], T], encode: Callable[[T], bytes]) -> Callable[[bytes], None]:
    """A decoder that takes only what its encoder writes: there is one text for each record."""

    def run(data: bytes) -> None:
        written = encode(decode(data))
        assert written == data, "something was read that nobody writes"

    return run
