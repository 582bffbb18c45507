"""What a vault remembers of a depositor, against one that remembers everything."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strongroom.vault.deposit_records import WINDOW, Depositor, decode_depositor, encode_depositor

ID = bytes(16)
NOW = 10_000_000

# (counter, path); a deposit's id is its place in the list, and a delivery names a place.
DEPOSITS = st.lists(st.tuples(st.integers(1, 2_000), st.integers(0, 3)), min_size=1, max_size=40)
DELIVERIES = st.lists(st.integers(0, 39), max_size=200)


def deliver(depositor: Depositor, place: int, counter: int, path: int) -> bool:
    """Take in as `vault.deposits` does; whether it was."""
    deposit_id, digest = place.to_bytes(16, "big"), path.to_bytes(16, "big")
    if depositor.has_taken(deposit_id) or depositor.objection(counter, digest, NOW):
        return False
    depositor.remember(counter, deposit_id, digest, NOW)
    return True


def new_depositor() -> Depositor:
    return Depositor(ID, "web", bytes(32), ["**"], NOW)


@given(DEPOSITS, DELIVERIES)
def test_nothing_twice_nothing_backwards_and_nothing_new_refused(
    deposits: list[tuple[int, int]], deliveries: list[int]
) -> None:
    """In any order, with any repetitions: each at most once, to each path ascending, and the newest always."""
    depositor = new_depositor()
    taken: list[int] = []
    newest: dict[int, int] = {}
    for delivery in deliveries:
        place = delivery % len(deposits)
        counter, path = deposits[place]
        expected = place not in taken and counter >= newest.get(path, 0)
        assert deliver(depositor, place, counter, path) is expected
        if expected:
            taken.append(place)
            newest[path] = counter


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow])
@given(st.lists(st.integers(1, 5_000), min_size=WINDOW, max_size=WINDOW + 40, unique=True), st.data())
def test_beyond_the_window_old_ones_are_refused_and_never_repeated(counters: list[int], data: st.DataObject) -> None:
    """Each path its own: what is not remembered any more is below the floor, in whatever order they came."""
    depositor = new_depositor()
    taken = [place for place, counter in enumerate(counters) if deliver(depositor, place, counter, place)]
    assert len(depositor.taken) <= WINDOW
    again = data.draw(st.sampled_from(taken))
    assert not deliver(depositor, again, counters[again], again)
    assert deliver(depositor, len(counters), max(counters) + 1, len(counters))


@given(DEPOSITS)
def test_what_is_remembered_reads_back_the_same(deposits: list[tuple[int, int]]) -> None:
    """Encoded and decoded, byte for byte."""
    depositor = new_depositor()
    for place, (counter, path) in enumerate(deposits):
        deliver(depositor, place, counter, path)
    encoded = encode_depositor(depositor)
    again = decode_depositor(ID, encoded)
    assert encode_depositor(again) == encoded
    assert (again.taken, again.floor, again.patterns) == (depositor.taken, depositor.floor, depositor.patterns)
