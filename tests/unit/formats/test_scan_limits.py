"""A search ends soon whatever it is given: the agent answers one question after the other, and others wait."""

from __future__ import annotations

from time import process_time

import pytest

from strongroom.formats.scan_search import Search


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"a" * 2000 + b"." + b"a" * 2000, b"a" * (512 * 1024)),
        (b"\xaa" * 2000, b"a " * (256 * 1024)),
    ],
)
def test_what_almost_is_a_value_everywhere_takes_no_more_than_a_moment(value: bytes, text: bytes) -> None:
    """Whoever may write a value may have it looked for, and so keep the agent busy."""
    search = Search()
    search.add(0, value)
    began = process_time()
    search.find([text])
    assert process_time() - began < 4.0
    assert [match.start for match in search.find([b"first\n" + value + b"\nlast"])] == [6]


def test_a_value_that_stands_everywhere_is_still_found_everywhere() -> None:
    """The limit is beyond what can stand in a batch without overlap, also wrapped."""
    value = bytes(33 + n % 89 for n in range(3000))
    search = Search()
    search.add(0, value)
    assert len(search.find([(value + b"\n") * 170])) == 170
